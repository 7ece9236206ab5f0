"""還付と取消: nothing goes back while what brought it may be withdrawn, or was paid back already."""

from __future__ import annotations

from typing import Any

import pytest
from placing_town import DAY, NOTICES, row
from reference_town import assessment
from refund_town import RefundTown

from payments import approve
from payments.domain.errors import RefusedError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.placement.credit_ask import CreditPlacement, ask_credit_placement
from reconcile.placement.credit_placing import carry_out
from reconcile.refunds import decide
from reconcile.verify.everything import verify

M = "99999"


@pytest.fixture
def town(database_url):
    town = RefundTown(database_url)
    yield town
    town.close()


def lowered(town, kind):
    """A first instalment that a report of this kind paid, then lowered to 4,000 yen."""
    town.shop("paid.csv", row(1, kind=kind))
    number = NOTICES[0]
    line = assessment("01", 4_000, kind="correction", notice_no=number,
                      whole_year_group=f"G{number}")  # fmt: skip
    town.assess(line, name="lowered.csv")
    return f"claim:{town.notice[number]}/01"


def test_what_a_correction_left_of_a_first_report_waits_for_its_confirmation(town):
    subject = lowered(town, "01")
    with pytest.raises(RefusedError) as refused:
        town.refunded(subject)
    assert refused.value.error_code == "refund_provisional"
    town.shop("confirmed.csv", row(1, kind="02"))
    assert town.refund(town.refunded(subject)).amount_yen == 6_000


def test_a_correction_of_a_payment_that_was_paid_back_undoes_nothing(town):
    town.shop("shop.csv", row(1, kind="02"))
    town.shop("postal.csv", row(1, kind="12"))
    town.refunded("line:{}:{}".format(*town.line("postal.csv")))
    town.shop("corrected.csv", row(1, kind="22", yen=9_000))
    town.conserve()
    assert town.rows("SELECT kind, state FROM review_case ORDER BY case_no") == [
        ("duplicate", "resolved"), ("conflict", "open"),
    ]  # fmt: skip
    assert [each for each in verify(town.engine, M) if each.name != "unsealed"] == []


def test_a_refund_that_was_taken_back_does_not_keep_a_correction_away(town):
    town.shop("shop.csv", row(1, kind="02"))
    town.shop("postal.csv", row(1, kind="12"))
    number = town.refunded("line:{}:{}".format(*town.line("postal.csv")))
    town.approve(town.asked(decide.ask_cancel, number))
    town.shop("corrected.csv", row(1, kind="22", yen=9_000))
    town.conserve()
    held = town.rows("SELECT amount_yen FROM receipt WHERE suspense_yen > 0")
    assert [tuple(each) for each in held] == [(9_000,)]


def test_what_people_placed_of_a_first_report_waits_for_its_confirmation_too(town):
    town.shop("own.csv", row(1, kind="02", yen=5_000))
    town.shop("other.csv", row(2, kind="01"))
    town.place(town.line("other.csv"), town.part(1, "01", 5_000))
    line = assessment("01", 4_000, kind="correction", notice_no=NOTICES[0],
                      whole_year_group=f"G{NOTICES[0]}")  # fmt: skip
    town.assess(line, name="lowered.csv")
    subject = f"claim:{town.notice[NOTICES[0]]}/01"
    with pytest.raises(RefusedError) as refused:
        town.refunded(subject)
    assert refused.value.error_code == "refund_provisional"
    town.shop("confirmed.csv", row(2, kind="02"))
    assert town.refund(town.refunded(subject)).amount_yen == 6_000
    town.conserve()


def test_a_correction_of_a_payment_whose_surplus_was_paid_back_undoes_nothing(town):
    subject = lowered(town, "12")
    number = town.refunded(subject)
    town.shop("corrected.csv", row(1, kind="22", paid_at="0001"))
    town.conserve()
    # The surplus would be given back for a second time, as money of the correction.
    assert town.listed() == []
    assert town.rows("SELECT kind, state FROM review_case ORDER BY case_no") == [
        ("overpaid_by_correction", "resolved"), ("conflict", "open"),
    ]  # fmt: skip
    assert [each for each in verify(town.engine, M) if each.name != "unsealed"] == []
    town.approve(town.asked(decide.ask_cancel, number))
    town.shop("again.csv", row(1, kind="22", paid_at="0002"))
    assert [each.waiting_yen for each in town.listed()] == [6_000]
    town.conserve()


def change(town, yen, name):
    """更正 of the first instalment of the first notice."""
    line = assessment("01", yen, kind="correction", notice_no=NOTICES[0],
                      whole_year_group=f"G{NOTICES[0]}")  # fmt: skip
    town.assess(line, name=name)


def test_what_was_paid_back_pays_no_claim_when_a_later_payment_is_withdrawn(town):
    subject = lowered(town, "02")
    town.refunded(subject)
    change(town, 10_000, "raised.csv")
    assert town.open_yen(1, "01") == 6_000
    again: dict[str, Any] = {"paid_at": "1300", "yen": 6_000}
    town.shop("again.csv", row(1, kind="01", **again))
    assert town.open_yen(1, "01") == 0
    town.shop("withdrawn.csv", row(1, kind="03", **again))
    assert town.open_yen(1, "01") == 6_000
    town.conserve()
    assert [each for each in verify(town.engine, M) if each.name != "unsealed"] == []


def test_a_payment_whose_surplus_was_paid_back_is_not_decided_again(town):
    town.shop("other.csv", row(2, term="02", kind="02"))
    town.place(town.line("other.csv"), town.part(1, "02", 8_000))
    town.shop("whole.csv", row(1, term="00", kind="02"))  # 10,000 for the first, 8,000 waits
    change(town, 4_000, "lowered.csv")
    number = town.refunded(f"claim:{town.notice[NOTICES[0]]}/01")
    assert town.refund(number).amount_yen == 6_000
    town.place(town.line("other.csv"))
    # The payment would leave the first instalment, and what was paid back would pay the second.
    assert (town.open_yen(1, "01"), town.open_yen(1, "02")) == (0, 8_000)
    town.conserve()


@pytest.mark.parametrize("left_by", ["credit", "correction"])
def test_a_credit_that_was_paid_back_stays_where_it_is(town, left_by):
    town.statement("transfer.txt", ("in", 10_000, "ﾐﾎﾝ ﾀﾛｳ"))
    line = town.line("transfer.txt", town.rows("SELECT line_no FROM deposit")[0][0])
    if left_by == "credit":
        place(town, line, town.part(1, "02", 8_000))
        number = town.refunded("line:{}:{}".format(*line))
    else:
        place(town, line, town.part(1, "01", 10_000))
        change(town, 4_000, "lowered.csv")
        subject = f"claim:{town.notice[NOTICES[0]]}/01"
        number = town.refunded(subject)
    with pytest.raises(RefusedError) as refused:
        place(town, line)
    assert refused.value.error_code == "placement_refunded"
    town.conserve()
    town.approve(town.asked(decide.ask_cancel, number))
    place(town, line)
    assert (town.balance("suspense"), town.balance("unidentified")) == (0, -10_000)


def place(town, line, *parts):
    """Two people say what a credit pays."""
    approval = town.asked(ask_credit_placement, CreditPlacement(line[0], line[1], parts))
    with unit_of_work(town.engine, M) as connection:
        decided = approve.decide(
            connection, M, approval.approval_id, "approved", decided_by="jiro", at=town.moment
        )
        carry_out(connection, load_profile(connection, M), decided, on=DAY)

"""還付と取消: nothing goes back while what brought it may be withdrawn, or was paid back already."""

from __future__ import annotations

import pytest
from placing_town import NOTICES, row
from reference_town import assessment
from refund_town import RefundTown

from payments.domain.errors import RefusedError
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

"""還付加算金 on what was appropriated: worked out, shown, decided by two, and paid once."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from placing_town import DAY, NOTICES, M, row
from reference_town import assessment
from refund_town import RefundTown

from payments.domain.errors import NotFoundError, RefusedError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.refunds import appropriate, decide, notices, payees
from reconcile.refunds.classing import Grounds, classify
from reconcile.refunds.found import overpayment
from reconcile.refunds.on_appropriated import Until, on_appropriated, worked_out
from web.refunds.approving import told
from web.refunds.paper import letter
from web.refunds.working import bears_of

VECTORS = Path(__file__).parents[2] / "vectors" / "refund_interest.csv"
LATER = date(2026, 9, 1)


def _vectors():
    with VECTORS.open(encoding="utf-8") as found:
        return [row for row in csv.DictReader(found) if row["starts_on"]]


@pytest.mark.parametrize("row", _vectors(), ids=lambda row: row["id"])
def test_a_sum_bears_the_same_whether_it_goes_back_or_is_appropriated(row):
    begins, ends = (date.fromisoformat(row[name]) for name in ("starts_on", "ends_on"))
    yen = int(row["amount_yen"])
    # Two parts that end on one day are one sum: the fractions of the law are dropped once.
    parts = [Until(0, 1_500, ends), Until(0, yen - 1_500, ends)]
    (bearing,) = worked_out(begins, parts)
    assert bearing.interest.interest_yen == int(row["interest_yen"])
    assert worked_out(begins, [Until(0, 1_999, ends)])[0].interest.interest_yen == 0


@pytest.fixture
def town(database_url):
    made = RefundTown(database_url)
    yield made
    made.check()
    made.close()


@pytest.fixture
def subject(town):
    """990,000 yen came in 2024 on a slip over 10,000; another claim rose to 2,000,000."""
    town.shop("much.csv", row(1, yen=990_000, kind="02", paid_on="20240531"))
    number = NOTICES[1]
    group = f"G{number}"
    line = assessment("01", 2_000_000, kind="correction", notice_no=number, whole_year_group=group)
    town.assess(line, name="more.csv")
    found = "line:{}:{}".format(*town.line("much.csv"))
    town.ready(found, "too_much")
    return found


def _owed(town, subject):
    with reading(town.engine, M) as connection:
        return on_appropriated(connection, M, subject)


def _told(town, subject):
    with reading(town.engine, M) as connection:
        return notices.content_of(connection, load_profile(connection, M), subject, DAY)[2]


def _appropriated(town, subject):
    (approval,) = town.asked(appropriate.ask_appropriation, subject, as_of=LATER)
    town.approve(approval, LATER)


def _paid(town, subject):
    """Asked by one, decided by another; the number of the refund."""
    town.approve(town.asked(decide.ask_interest, subject, as_of=LATER), LATER)
    return int(town.rows("SELECT MAX(refund_no) FROM refund")[0][0])


def test_it_runs_to_the_day_on_which_the_sum_could_be_appropriated(town, subject):
    assert _owed(town, subject).interest_yen == 0
    _appropriated(town, subject)
    (bearing,) = _owed(town, subject).bearings
    # Paid on 31 May 2024, mispaid: from 1 July 2024 (施行令6条の15) to the 納期限 of the claim.
    assert bearing.amount_yen == 980_000
    assert bearing.interest.starts_on == date(2024, 7, 1)
    assert bearing.interest.ends_on == date(2026, 6, 30)
    expected = 980_000 * 9 * 549 // 365_000 + 980_000 * 13 * 181 // 365_000
    assert bearing.interest.interest_yen == expected // 100 * 100


def test_it_waits_while_the_payment_may_still_be_withdrawn(town):
    values: dict[str, Any] = {"yen": 290_000, "paid_on": "20240531"}
    town.shop("first.csv", row(1, kind="01", **values))
    line = assessment("01", 2_000_000, kind="correction", notice_no=NOTICES[1],
                      whole_year_group=f"G{NOTICES[1]}")  # fmt: skip
    town.assess(line, name="more.csv")
    subject = "line:{}:{}".format(*town.line("first.csv"))
    town.ready(subject, "too_much")
    _appropriated(town, subject)
    with pytest.raises(RefusedError, match="refund_provisional"):
        town.asked(decide.ask_interest, subject, as_of=LATER)
    town.shop("confirmed.csv", row(1, kind="02", **values))
    assert town.refund(_paid(town, subject)).interest_yen > 0


def test_it_is_paid_once_by_two_people_and_comes_back_as_any_transfer(town, subject):
    _appropriated(town, subject)
    owed = _owed(town, subject).interest_yen
    number = _paid(town, subject)
    found = town.refund(number)
    assert (found.amount_yen, found.interest_yen, found.state) == (0, owed, "decided")
    with pytest.raises(RefusedError, match="refund_interest_nothing"):
        town.asked(decide.ask_interest, subject, as_of=LATER)
    data = town.released(town.built())
    assert f"{owed:010d}".encode() in data
    town.statement("bank.csv", ("out", owed, "ｿｳｺﾞｳﾌﾘｺﾐ"))
    town.matched()
    assert town.refund(number).state == "paid"
    town.statement("back.csv", ("in", owed, "ｸﾐﾓﾄﾞｼ ﾐﾎﾝ ﾀﾛｳ"), on=date(2026, 6, 26))
    town.matched(date(2026, 6, 26))
    assert town.refund(number).state == "returned"
    town.conserve()


def test_what_is_taken_back_is_owed_again(town, subject):
    _appropriated(town, subject)
    number, owed = _paid(town, subject), 0
    approval = town.asked(decide.ask_cancel, number)
    town.approve(approval, LATER)
    owed = _owed(town, subject).interest_yen
    assert town.refund(number).state == "cancelled"
    assert owed == town.refund(number).interest_yen > 0
    # Where the appropriation itself is undone, nothing is owed any more.
    town.place(town.line("much.csv"), town.part(1, "01", 10_000))
    assert _owed(town, subject).interest_yen == 0


def _corrected(town, place, yen):
    number = NOTICES[place]
    group = f"G{number}"
    line = assessment("01", yen, kind="correction", notice_no=number, whole_year_group=group)
    town.assess(line, name=f"{number}-{yen}.csv")


def _undone(town, *parts):
    town.place(town.line("much.csv"), town.part(1, "01", 10_000), *parts)


def test_what_is_undone_and_done_again_bears_once(town, subject):
    _appropriated(town, subject)
    once = _owed(town, subject).interest_yen
    _undone(town)
    assert _told(town, subject)["total_yen"] == 980_000
    assert _told(town, subject)["parts"] == []
    _appropriated(town, subject)
    (bearing,) = _owed(town, subject).bearings
    assert (bearing.amount_yen, bearing.interest.interest_yen) == (980_000, once)
    assert [part["amount_yen"] for part in _told(town, subject)["parts"]] == [980_000]
    assert _told(town, subject)["total_yen"] == 980_000


def test_no_more_bears_than_what_still_stands_where_it_was_put(town, subject):
    _appropriated(town, subject)
    place = _told(town, subject)["parts"][0]["place"]
    _undone(town, town.part(2, "01", 300_000))
    (bearing,) = _owed(town, subject).bearings
    assert bearing.amount_yen == 300_000
    _appropriated(town, subject)  # the rest once more, by an approval of its own
    assert [(p["place"], p["amount_yen"]) for p in _told(town, subject)["parts"]] == [
        (place, 300_000),
        (place, 680_000),
    ]
    (bearing,) = _owed(town, subject).bearings
    assert bearing.amount_yen == 980_000


def test_what_a_correction_sets_free_again_was_appropriated_all_the_same(town, subject):
    """What moves on by 充当 of another overpayment has settled its claim until then."""
    _appropriated(town, subject)
    owed = _owed(town, subject).interest_yen
    _corrected(town, 1, 500_000)
    _corrected(town, 2, 2_000_000)
    other = f"claim:{town.notice[NOTICES[1]]}/01"
    with unit_of_work(town.engine, M) as connection:
        profile, why = load_profile(connection, M), Grounds("reassessed", paid_on=DAY)
        classify(connection, profile, other, why, by="hanako", at=town.moment, as_of=DAY)
    town.approve(town.asked(appropriate.ask_appropriation, other, as_of=LATER)[0], LATER)
    assert _owed(town, subject).interest_yen == owed


def test_interest_paid_before_the_undoing_is_not_paid_again(town, subject):
    _corrected(town, 1, 300_000)
    _appropriated(town, subject)
    paid = town.refund(_paid(town, subject)).interest_yen
    _undone(town)
    _appropriated(town, subject)
    assert _owed(town, subject).interest_yen == 0
    with pytest.raises(RefusedError, match="refund_interest_nothing"):
        town.asked(decide.ask_interest, subject, as_of=LATER)
    _undone(town)
    # Of what goes back now, only the days after the appropriation are left.
    parts = (100_000, 880_000)
    with reading(town.engine, M) as connection:
        profile = load_profile(connection, M)
        found = overpayment(connection, profile, subject, DAY)
        owed = [
            decide.interest_of(connection, profile, found, yen, DAY)[0].interest_yen
            for yen in parts
        ]
    with reading(town.engine, M) as connection:
        assert bears_of(connection, M, subject, None, DAY).less_yen == paid
    for yen in parts:
        approval = town.asked(decide.ask_refund, subject, yen, as_of=DAY)
        less = approval.content["paid_before_yen"]
        assert f"−{less:,}円" in {str(row[1]) for row in told(approval)[1][0].rows}
        town.approve(approval, DAY)
    first, second = (town.refund(number).interest_yen for number in (2, 3))
    assert 0 < owed[0] < paid < sum(owed)
    assert (first, second) == (0, sum(owed) - paid)
    # What was cancelled gives back what was taken off for it.
    town.approve(town.asked(decide.ask_cancel, 2), DAY)
    town.approve(town.asked(decide.ask_refund, subject, 100_000, as_of=DAY), DAY)
    assert town.refund(4).interest_yen == 0
    town.conserve()


def test_nobody_is_paid_without_an_account_nor_twice_for_the_same_sums(town, subject):
    _appropriated(town, subject)
    first = town.asked(decide.ask_interest, subject, as_of=LATER)
    with pytest.raises(RefusedError, match="approval_waiting"):
        town.asked(decide.ask_interest, subject, as_of=LATER)
    obligor_no = _owed(town, subject).classed.obligor_no
    with unit_of_work(town.engine, M) as connection:
        number = payees.current(connection, M, obligor_no).account_no
        payees.revoke(connection, M, number, by="jiro", at=town.moment, reason="誤り")
    with pytest.raises(RefusedError, match="refund_payee"):
        town.approve(first, LATER)


def test_the_letter_says_what_the_appropriated_sum_bore(town, subject):
    _appropriated(town, subject)
    with unit_of_work(town.engine, M) as connection:
        profile = load_profile(connection, M)
        number = notices.issue(connection, profile, subject, on=DAY, by="hanako", at=town.moment)
        said = letter(profile, notices.notice(connection, M, number))
    yen = _owed(town, subject).interest_yen
    assert ("充当した額の還付加算金", f"{yen:,}円") in said["facts"]


def test_what_the_law_gives_no_interest_for_bears_none(town):
    second = town.twice()
    town.ready(second, "wrong_instalment")
    assert _owed(town, second) is None
    with pytest.raises(RefusedError, match="refund_not_classed"):
        town.asked(decide.ask_interest, second, as_of=LATER)
    with pytest.raises(NotFoundError):
        town.refund(99)

"""還付加算金 on what was appropriated: worked out, shown, decided by two, and paid once."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from placing_town import DAY, NOTICES, M, row
from reference_town import assessment
from refund_town import RefundTown

from payments.domain.errors import NotFoundError, RefusedError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.refunds import appropriate, decide, notices, payees
from reconcile.refunds.on_appropriated import Until, on_appropriated, worked_out
from web.refunds.paper import letter

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

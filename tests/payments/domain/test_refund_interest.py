"""還付加算金: the given cases, where interest begins, which days do not count."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.accrual import LeftOut, NothingDue
from payments.domain.errors import InvalidValueError
from payments.domain.rates import Tier, shipped_rates
from payments.domain.refund_interest import (
    RefundReason,
    interest_starts_on,
    refund_interest,
    unclaimed,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "refund_interest.csv"
DAYS = st.dates(date(2000, 1, 1), date(2026, 12, 31))
AMOUNTS = st.integers(0, 3_000_000)


def rows() -> list[dict[str, str]]:
    """The rows of refund_interest.csv."""
    with VECTORS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["id"])
def test_refund_interest_vectors(row: dict[str, str]) -> None:
    starts_on, ends_on = (day(row[name] or "2025-06-01") for name in ("starts_on", "ends_on"))
    found = refund_interest(int(row["amount_yen"]), starts_on, ends_on)
    assert found.base_yen == int(row["base_yen"])
    assert ";".join(f"{s.days}@{s.rate_percent}={s.yen}" for s in found.segments) == row["segments"]
    assert (found.sum_yen, found.interest_yen) == (int(row["sum_yen"]), int(row["interest_yen"]))
    if row["paid_on"]:
        reason = {"過納": RefundReason.REASSESSED, "誤納": RefundReason.MISPAID}[
            row["refund_class"]
        ]
        assert reason.is_overpaid == (row["refund_class"] == "過納")
        assert interest_starts_on(reason, day(row["paid_on"])) == starts_on


@given(AMOUNTS, AMOUNTS, DAYS, DAYS, DAYS)
def test_more_money_or_more_days_never_bear_less(
    one_yen: int, other_yen: int, starts_on: date, one_on: date, other_on: date
) -> None:
    less_yen, more_yen = sorted((one_yen, other_yen))
    ends_on, later_on = sorted((one_on, other_on))
    little = refund_interest(less_yen, starts_on, ends_on)
    assert little.interest_yen <= refund_interest(more_yen, starts_on, ends_on).interest_yen
    assert little.interest_yen <= refund_interest(less_yen, starts_on, later_on).interest_yen
    assert little.sum_yen == sum(segment.yen for segment in little.segments)
    assert (little.nothing_due is None) == (little.interest_yen > 0)


@given(AMOUNTS, DAYS, DAYS)
def test_every_day_bears_the_rate_of_its_year(
    amount_yen: int, one_on: date, other_on: date
) -> None:
    starts_on, ends_on = sorted((one_on, other_on))
    found = refund_interest(amount_yen, starts_on, ends_on)
    for segment in found.segments:
        for end in (segment.from_on, segment.until_on):
            assert segment.terms.rate_ppm == shipped_rates().ppm(end.year, Tier.REFUND)
    assert sum(s.days for s in found.segments) in {0, (ends_on - starts_on).days + 1}


def test_it_says_why_nothing_is_due() -> None:
    one = refund_interest(300_000, day("2025-06-02"), day("2025-06-01"))
    assert (one.nothing_due, one.segments) == (NothingDue.NO_DAYS, ())
    two = refund_interest(300_000, day("2025-06-01"), day("2025-06-30"))
    assert (two.nothing_due, two.sum_yen, two.interest_yen) == (NothingDue.SMALL_RESULT, 221, 0)


@pytest.mark.parametrize(
    ("starts_on", "ends_on"), [("1999-12-31", "2000-03-01"), ("2026-01-01", "2027-01-01")]
)
def test_a_year_that_nobody_has_confirmed_is_refused(starts_on: str, ends_on: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        refund_interest(300_000, day(starts_on), day(ends_on))
    assert caught.value.error_code == "rate_unknown"


# ---- where it begins ----


@pytest.mark.parametrize(
    ("reason", "paid_on", "event_on", "corrected_on", "starts_on"),
    [
        ("reassessed", "2025-01-31", None, None, "2025-02-01"),
        ("mispaid", "2025-01-31", None, None, "2025-03-01"),  # law.md 6.1
        ("mispaid", "2025-06-10", None, None, "2025-07-11"),
        ("claimed", "2025-01-31", "2025-03-10", "2025-05-20", "2025-06-11"),  # request + 3 months
        ("claimed", "2025-01-31", "2025-03-10", "2025-04-20", "2025-05-21"),  # correction + 1 month
        ("income_tax", "2025-01-31", "2025-03-10", None, "2025-04-11"),
        ("income_tax", "2025-06-30", "2025-03-10", None, "2025-07-01"),  # not before it was paid
    ],
)
def test_the_reason_decides_where_interest_begins(
    reason: str, paid_on: str, event_on: str | None, corrected_on: str | None, starts_on: str
) -> None:
    found = interest_starts_on(
        RefundReason(reason),
        day(paid_on),
        event_on=day(event_on) if event_on else None,
        corrected_on=day(corrected_on) if corrected_on else None,
    )
    assert found == day(starts_on)


@pytest.mark.parametrize(("reason", "field"), [("claimed", "event_on"), ("income_tax", "event_on")])
def test_a_day_that_the_reason_needs_is_asked_for(reason: str, field: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        interest_starts_on(RefundReason(reason), day("2025-01-31"))
    assert (caught.value.error_code, caught.value.details["field"]) == ("refund_event", field)


# ---- days that do not count ----


def test_days_without_a_claim_do_not_count_after_thirty_days() -> None:
    assert unclaimed(day("2025-04-01"), day("2025-05-01")) is None  # the thirtieth day
    assert unclaimed(day("2025-04-01"), day("2025-05-02")) == LeftOut(
        day("2025-05-02"), day("2025-05-02")
    )


def test_what_does_not_count_leaves_a_gap() -> None:
    gap = unclaimed(day("2025-04-01"), day("2025-08-31"))
    assert gap is not None
    arguments = (1_000_000, day("2025-01-01"), day("2025-12-31"))
    found = refund_interest(*arguments, left_out=[gap])
    assert [(s.days, s.yen) for s in found.segments] == [(121, 2_983), (122, 0), (122, 3_008)]
    all_year = [LeftOut(*arguments[1:])]
    assert refund_interest(*arguments, left_out=all_year).nothing_due is NothingDue.LEFT_OUT


@given(AMOUNTS, DAYS, st.integers(0, 2_000))
def test_a_decision_a_day_later_bears_a_day_more(
    amount_yen: int, starts_on: date, days: int
) -> None:
    ends_on = min(starts_on + timedelta(days), date(2026, 12, 30))
    one, two = (
        refund_interest(amount_yen, starts_on, end).sum_yen
        for end in (ends_on, ends_on + timedelta(1))
    )
    assert one <= two <= one + amount_yen * 73 // 365_000 + 1

"""二つの暦: vectors, a second source of holidays, and the properties of the shift."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import holidays as second_source
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.calendars import (
    FIRST_YEAR,
    LAST_YEAR,
    DayOverrides,
    add_business_days,
    bank_business_day,
    holidays,
    is_bank_business_day,
    is_tax_open_day,
    tax_due_on,
)
from payments.domain.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable

VECTORS = Path(__file__).parents[2] / "vectors" / "due_dates.csv"
DAYS = st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 11, 30))


def rows() -> list[dict[str, str]]:
    """The rows of due_dates.csv."""
    with VECTORS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["nominal_on"])
def test_due_date_vectors(row: dict[str, str]) -> None:
    nominal_on = date.fromisoformat(row["nominal_on"])
    assert tax_due_on(nominal_on).isoformat() == row["tax_due_on"]
    assert bank_business_day(nominal_on).isoformat() == row["bank_business_day"]


@pytest.mark.parametrize("year", range(FIRST_YEAR, LAST_YEAR + 1))
def test_holidays_agree_with_a_second_source(year: int) -> None:
    assert holidays(year) == frozenset(second_source.country_holidays("JP", years=year))


def test_the_last_days_of_december_part_the_calendars() -> None:
    for day in (date(2026, 12, 29), date(2026, 12, 30)):
        assert is_bank_business_day(day)
        assert bank_business_day(day) == day
        assert not is_tax_open_day(day)
        assert tax_due_on(day) == date(2027, 1, 4)


@pytest.mark.parametrize("year", [FIRST_YEAR - 1, LAST_YEAR + 1])
@pytest.mark.parametrize("question", [tax_due_on, bank_business_day, is_bank_business_day])
def test_an_unknown_year_is_refused(question: Callable[[date], object], year: int) -> None:
    with pytest.raises(InvalidValueError) as caught:
        question(date(year, 6, 15))
    assert caught.value.error_code == "year_unknown"
    assert caught.value.details["found"] == year


def test_a_shift_out_of_the_known_years_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="year_unknown"):
        tax_due_on(date(LAST_YEAR, 12, 31))


def test_an_operator_closes_and_opens_days_for_both_calendars() -> None:
    monday, saturday = date(2026, 6, 1), date(2026, 5, 30)
    overrides = DayOverrides(closed=frozenset({monday}), opened=frozenset({saturday}))
    for shift in (tax_due_on, bank_business_day):
        assert shift(date(2026, 5, 31)) == monday
        assert shift(date(2026, 5, 31), overrides) == date(2026, 6, 2)
        assert shift(saturday, overrides) == saturday


def test_a_day_cannot_be_opened_and_closed() -> None:
    day = frozenset({date(2026, 6, 1)})
    with pytest.raises(InvalidValueError, match="day_open_and_closed"):
        DayOverrides(closed=day, opened=day)


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2026, 5, 29), 1, date(2026, 6, 1)),
        (date(2026, 5, 30), 1, date(2026, 6, 1)),
        (date(2026, 5, 30), 0, date(2026, 5, 30)),
        (date(2026, 12, 28), 3, date(2027, 1, 4)),
        (date(2026, 5, 1), 3, date(2026, 5, 11)),
    ],
)
def test_business_days_are_counted_after_the_day(day: date, count: int, expected: date) -> None:
    assert add_business_days(day, count) == expected


def test_business_days_are_not_counted_backwards() -> None:
    with pytest.raises(InvalidValueError, match="business_days"):
        add_business_days(date(2026, 6, 1), -1)


@given(day=DAYS)
def test_shifting_is_idempotent_monotone_and_lands_on_an_open_day(day: date) -> None:
    for shift, is_open in (
        (tax_due_on, is_tax_open_day),
        (bank_business_day, is_bank_business_day),
    ):
        shifted = shift(day)
        assert shifted >= day
        assert is_open(shifted)
        assert shift(shifted) == shifted
        passed = (day + timedelta(days=n) for n in range((shifted - day).days))
        assert not any(is_open(between) for between in passed)


@given(day=DAYS)
def test_a_bank_business_day_is_never_after_the_tax_date(day: date) -> None:
    assert bank_business_day(day) <= tax_due_on(day)


@given(
    day=DAYS.filter(lambda day: day.year < LAST_YEAR),
    first=st.integers(0, 9),
    more=st.integers(0, 9),
)
def test_business_days_add_up(day: date, first: int, more: int) -> None:
    assert add_business_days(add_business_days(day, first), more) == add_business_days(
        day, first + more
    )

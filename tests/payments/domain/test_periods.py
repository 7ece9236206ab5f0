"""期間: months run by the calendar (民法143条)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from payments.domain.periods import period_end


@pytest.mark.parametrize(
    ("first_on", "months", "last_on"),
    [
        ("2023-02-01", 1, "2023-02-28"),  # law.md 1.1, rule 10
        ("2024-02-01", 1, "2024-02-29"),
        ("2025-09-02", 1, "2025-10-01"),
        ("2025-05-31", 1, "2025-06-30"),
        ("2025-01-31", 1, "2025-02-28"),
        ("2025-12-31", 1, "2026-01-30"),
        ("2025-08-01", 3, "2025-10-31"),
        ("2025-11-30", 3, "2026-02-28"),
        ("2025-04-01", 12, "2026-03-31"),
    ],
)
def test_a_month_is_a_calendar_month(first_on: str, months: int, last_on: str) -> None:
    assert period_end(date.fromisoformat(first_on), months) == date.fromisoformat(last_on)


@given(st.dates(date(2000, 1, 1), date(2050, 12, 31)), st.integers(1, 24))
def test_months_are_neither_shorter_nor_longer_than_they_can_be(
    first_on: date, months: int
) -> None:
    days = (period_end(first_on, months) - first_on).days + 1
    assert 28 * months <= days <= 31 * months
    assert period_end(first_on, months) <= period_end(first_on + timedelta(1), months)


@pytest.mark.parametrize("months", [0, -1, 121])
def test_an_impossible_number_of_months_is_refused(months: int) -> None:
    with pytest.raises(InvalidValueError) as caught:
        period_end(date(2025, 1, 1), months)
    assert (caught.value.error_code, caught.value.details["found"]) == ("months", months)

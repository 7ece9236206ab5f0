"""会計年度: the borders of the year and of its closing period."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.fiscal import (
    closing_on,
    fiscal_year,
    in_closing_period,
    is_carried_over,
    last_closed_fiscal_year,
    revenue_year,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "due_dates.csv"


def rows() -> list[dict[str, str]]:
    """The rows of due_dates.csv."""
    with VECTORS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["nominal_on"])
def test_fiscal_year_of_the_unshifted_date(row: dict[str, str]) -> None:
    assert fiscal_year(date.fromisoformat(row["nominal_on"])) == int(row["fiscal_year"])


@pytest.mark.parametrize(
    ("day", "year"),
    [(date(2026, 3, 31), 2025), (date(2026, 4, 1), 2026), (date(2026, 12, 31), 2026)],
)
def test_the_year_turns_on_the_first_of_april(day: date, year: int) -> None:
    assert fiscal_year(day) == year


@pytest.mark.parametrize(
    ("day", "inside"),
    [
        (date(2026, 3, 31), False),
        (date(2026, 4, 1), True),
        (date(2026, 5, 31), True),
        (date(2026, 6, 1), False),
    ],
)
def test_the_closing_period_is_april_and_may(day: date, *, inside: bool) -> None:
    assert in_closing_period(2025, day) is inside


@pytest.mark.parametrize(
    ("today", "year"),
    [
        (date(2026, 3, 31), 2024),
        (date(2026, 5, 31), 2024),
        (date(2026, 6, 1), 2025),
        (date(2026, 12, 31), 2025),
        (date(2027, 1, 1), 2025),
    ],
)
def test_books_are_closed_after_the_last_of_may(today: date, year: int) -> None:
    assert last_closed_fiscal_year(today) == year


@given(today=st.dates(date(1950, 1, 1), date(2100, 1, 1)))
def test_the_last_closed_year_is_closed_and_the_next_one_is_open(today: date) -> None:
    year = last_closed_fiscal_year(today)
    assert closing_on(year) < today <= closing_on(year + 1)


@pytest.mark.parametrize(
    ("claim_year", "received_on", "year", "carried"),
    [
        (2026, date(2026, 3, 20), 2026, False),  # paid before the year begins
        (2025, date(2026, 3, 31), 2025, False),
        (2025, date(2026, 4, 1), 2025, False),  # 出納整理期間
        (2025, date(2026, 5, 31), 2025, False),
        (2025, date(2026, 6, 1), 2026, True),  # the day after 出納閉鎖
        (2024, date(2026, 4, 10), 2025, True),  # carried once, and not yet carried again
        (2024, date(2026, 6, 1), 2026, True),
    ],
)
def test_late_money_is_revenue_of_the_year_that_is_open(claim_year, received_on, year, carried):
    assert revenue_year(claim_year, received_on) == year
    assert is_carried_over(claim_year, year) is carried


@given(st.integers(2010, 2040), st.dates(date(2010, 1, 1), date(2049, 12, 31)))
def test_no_money_enters_a_year_that_was_closed(claim_year: int, received_on: date) -> None:
    year = revenue_year(claim_year, received_on)
    assert year >= claim_year
    assert received_on <= closing_on(year)
    assert not is_carried_over(claim_year, year) or received_on > closing_on(year - 1)

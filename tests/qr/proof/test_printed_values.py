"""Printed words become values again, and only when they are written as they must be."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from qr.layout.slip_words import term_label, wareki, wareki_year, yen
from qr.proof import printed_values as read


@pytest.mark.parametrize("amount", [1, 12, 999, 1_000, 12_300, 999_999, 1_000_000, 10**11 - 1])
def test_amounts_come_back(amount: int) -> None:
    assert read.yen(yen(amount)) == amount


@pytest.mark.parametrize(
    "text", ["", "12,300", "￥12300", "￥1,2300", "￥012,300", "￥12,300円", "￥", "￥0", "￥１２"]
)
def test_an_amount_written_otherwise_is_none(text: str) -> None:
    assert read.yen(text) is None


def test_days_come_back() -> None:
    for offset in range(0, 30_000, 97):
        day = date(1989, 1, 8) + timedelta(days=offset)
        assert read.day(wareki(day)) == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("令和8年6月1日（月）", date(2026, 6, 1)),
        ("令和元年5月1日（水）", date(2019, 5, 1)),
        ("平成31年4月30日（火）", date(2019, 4, 30)),
        ("令和8年6月1日（火）", None),  # a Monday
        ("令和8年6月31日（水）", None),
        ("平成38年6月1日（月）", None),
        ("令和08年6月1日（月）", None),
        ("2026年6月1日（月）", date(2026, 6, 1)),
        ("令和8年6月1日", None),
        ("", None),
    ],
)
def test_a_day_has_its_own_weekday(text: str, day: date | None) -> None:
    assert read.day(text) == day


def test_years_and_terms_come_back() -> None:
    assert [read.fiscal_year(wareki_year(year)) for year in range(1980, 2060)] == [
        *range(1980, 2060)
    ]
    terms = [f"{number:02d}" for number in range(100)]
    assert [read.term(term_label(term)) for term in terms] == terms
    assert (read.term("第01期"), read.term("期"), read.fiscal_year("8年")) == (None, None, None)


def test_spaces_say_nothing() -> None:
    assert read.squeezed("税目　太郎 様") == "税目太郎様"

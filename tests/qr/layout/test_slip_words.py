"""Words of the slip: dates and amounts as people read them."""

from __future__ import annotations

from datetime import date

import pytest

from qr.layout.slip_words import alternatives, grouped, term_label, wareki, wareki_year, yen


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (date(2026, 6, 1), "令和8年6月1日（月）"),
        (date(2019, 5, 1), "令和元年5月1日（水）"),
        (date(2019, 4, 30), "平成31年4月30日（火）"),
        (date(1989, 1, 8), "平成元年1月8日（日）"),
        (date(1989, 1, 7), "1989年1月7日（土）"),
    ],
)
def test_dates(day: date, text: str) -> None:
    assert wareki(day) == text


def test_years_terms_amounts_and_groups() -> None:
    assert [wareki_year(y) for y in (2026, 2019, 2018, 1988)] == [
        "令和8年度",
        "令和元年度",
        "平成30年度",
        "1988年度",
    ]
    assert [term_label(term) for term in ("00", "01", "10")] == ["全期", "第1期", "第10期"]
    assert yen(1_234_567) == "￥1,234,567"
    assert grouped("00002026000000123451") == "0000 2026 0000 0012 3451"


def test_alternatives_name_the_other_kind_of_slip() -> None:
    assert alternatives("01", ()) == alternatives("00", ()) == ""
    whole = alternatives("00", ("01", "02", "03"))
    assert (
        whole
        == "第1期から第3期までの全額です。期別の納付書とは、どちらか一方だけをお使いください。"
    )
    assert alternatives("00", ("04",)).startswith("第4期の全額です。")
    assert alternatives("02", ("00",)).startswith(
        "全期の納付書とは、どちらか一方だけをお使いください"
    )

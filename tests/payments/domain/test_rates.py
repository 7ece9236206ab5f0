"""割合: the shipped years against the given ones, and what is refused instead of guessed."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from payments.domain.rates import (
    PPM_PER_PERCENT,
    RateTable,
    Tier,
    percent_text,
    read_rates,
    shipped_rates,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "late_charge_rates.csv"
HEAD = "from_year,to_year,regime,low_percent,high_percent,refund_percent,late_mark,refund_mark,source\n"
COLUMNS = {
    Tier.LOW: "low_percent",
    Tier.HIGH: "high_percent",
    Tier.REFUND: "refund_interest_percent",
}


def rows() -> list[dict[str, str]]:
    """The rows of late_charge_rates.csv."""
    with VECTORS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['from_year']}-{row['to_year']}")
def test_rate_vectors(row: dict[str, str]) -> None:
    last = int(row["to_year"])
    for year in range(int(row["from_year"] or last - 20), last + 1):
        for tier, column in COLUMNS.items():
            if row["refund_mark"] == "U" and tier is Tier.REFUND:
                continue
            assert percent_text(shipped_rates().ppm(year, tier)) == row[column]
        found = shipped_rates().row(year)
        assert found is not None
        assert found.regime == row["regime"]
        assert found.mark(Tier.LOW) == "confirmed" == found.mark(Tier.HIGH)
        expected = {"C": "confirmed", "I": "inferred", "U": "unknown"}[row["refund_mark"]]
        assert found.mark(Tier.REFUND) == expected


def test_the_special_rates_follow_from_their_base() -> None:
    # law.md 1.1, rules 3 and 4: low is the base and 1 %, high the base and 7.3 %, from 2014 on.
    for row in rows():
        year = int(row["to_year"])
        if year >= 2014:
            base = round(float(row["base_percent"]) * PPM_PER_PERCENT)
            assert shipped_rates().ppm(year, Tier.LOW) == base + 10_000
            assert shipped_rates().ppm(year, Tier.HIGH) == base + 73_000


@pytest.mark.parametrize(
    ("year", "tier", "expected"),
    [
        (2027, Tier.LOW, "..2026"),
        (2027, Tier.REFUND, "2000..2026"),
        (1999, Tier.REFUND, "2000..2026"),
    ],
)
def test_a_year_without_a_rate_is_refused(year: int, tier: Tier, expected: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        shipped_rates().ppm(year, tier)
    assert caught.value.error_code == "rate_unknown"
    assert caught.value.details == {"field": tier, "found": year, "expected": expected}


def test_a_table_without_rows_knows_no_year() -> None:
    with pytest.raises(InvalidValueError, match="rate_unknown"):
        RateTable(()).ppm(2026, Tier.LOW)


def test_a_later_year_can_be_added_but_not_changed() -> None:
    more = read_rates(HEAD + "2027,2027,延滞金特例基準割合,2.95,9.25,,confirmed,unknown,告示\n")
    table = shipped_rates().with_rows(more)
    assert percent_text(table.ppm(2027, Tier.LOW)) == "2.95"
    assert table.ppm(2026, Tier.LOW) == shipped_rates().ppm(2026, Tier.LOW)
    with pytest.raises(InvalidValueError, match="rate_rows"):
        table.with_rows(more)


@pytest.mark.parametrize(
    ("line", "field", "found"),
    [
        ("2027,2026,x,2.4,8.7,0.9,c,c,s", "from_year", 2027),
        ("2027,202,x,2.4,8.7,0.9,c,c,s", "to_year", "202"),
        (",,x,2.4,8.7,0.9,c,c,s", "to_year", ""),
        ("2027,2027,x,2.4%,8.7,0.9,c,c,s", "low_percent", "2.4%"),
        ("2027,2027,x,-2.4,8.7,0.9,c,c,s", "low_percent", "-2.4"),
        ("2027,2027,x,2.4,870000,0.9,c,c,s", "high_percent", "870000"),
        ("2027,2027,x,2.4,8.7,0.90001,c,c,s", "refund_percent", "0.90001"),
        ("2027,2027,x,2.4,NaN,0.9,c,c,s", "high_percent", "NaN"),
    ],
)
def test_a_row_that_cannot_be_is_refused(line: str, field: str, found: object) -> None:
    with pytest.raises(InvalidValueError) as caught:
        RateTable(read_rates(f"{HEAD}{line}\n"))
    assert caught.value.error_code == "rate_rows"
    assert (caught.value.details["field"], caught.value.details["found"]) == (field, found)


@given(st.integers(0, 100 * PPM_PER_PERCENT - 1))
def test_a_rate_is_read_as_it_is_written(ppm: int) -> None:
    line = f"2027,2027,x,{percent_text(ppm)},14.6,,c,c,s\n"
    assert read_rates(HEAD + line)[0].low_ppm == ppm

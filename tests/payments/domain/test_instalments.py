"""期別: the split keeps every yen that the truncation left."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from payments.domain.instalments import split, truncate

VECTORS = Path(__file__).parents[2] / "vectors" / "instalments.csv"
AMOUNTS = st.integers(0, 10**11 - 1)
UNITS = st.sampled_from([1, 10, 100, 1_000, 10_000])


def rows() -> list[dict[str, str]]:
    """The rows of instalments.csv."""
    with VECTORS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["total_yen"])
def test_instalment_vectors(row: dict[str, str]) -> None:
    total_yen = int(row["total_yen"])
    parts = split(total_yen, int(row["instalments"]), unit_yen=int(row["unit_yen"]))
    assert truncate(total_yen) == int(row["truncated_total_yen"])
    assert parts == tuple(map(int, row["parts_yen"].split(";")))


def test_a_tax_loses_what_is_below_100_yen() -> None:
    assert (truncate(12_399), truncate(99), truncate(0)) == (12_300, 0, 0)
    assert split(103_699, 4) == (28_600, 25_000, 25_000, 25_000)


def test_instalments_below_the_unit_all_go_to_the_first() -> None:
    assert split(3_900, 4) == (3_900, 0, 0, 0)


def test_a_charge_has_its_own_units() -> None:
    assert split(1_234, 3, unit_yen=10, total_unit_yen=1) == (414, 410, 410)


@given(total_yen=AMOUNTS, instalments=st.integers(1, 99), unit_yen=UNITS, total_unit_yen=UNITS)
def test_the_split_conserves_yen(
    total_yen: int, instalments: int, unit_yen: int, total_unit_yen: int
) -> None:
    first_yen, *others_yen = split(
        total_yen, instalments, unit_yen=unit_yen, total_unit_yen=total_unit_yen
    )
    assert first_yen + sum(others_yen) == total_yen - total_yen % total_unit_yen
    assert len(others_yen) == instalments - 1
    assert all(part % unit_yen == 0 and 0 <= part <= first_yen for part in others_yen)
    # Nothing could be moved from the first to a whole unit for each of the others.
    if others_yen:
        assert first_yen - others_yen[0] < unit_yen * instalments


@pytest.mark.parametrize("instalments", [0, -1, 100])
def test_an_impossible_number_of_instalments_is_refused(instalments: int) -> None:
    with pytest.raises(InvalidValueError) as caught:
        split(10_000, instalments)
    assert caught.value.error_code == "instalments"
    assert caught.value.details["found"] == instalments


def test_a_negative_amount_and_a_unit_of_nothing_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="amount_yen"):
        truncate(-100)
    with pytest.raises(InvalidValueError, match="unit_yen"):
        truncate(100, 0)

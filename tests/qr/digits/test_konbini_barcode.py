"""Konbini barcode: the published vectors, round trips, limits and refusals."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from payments.domain.identifiers import konbini_check_digit, konbini_check_sum
from qr.digits.fields import SymbolError
from qr.digits.konbini_barcode import (
    KonbiniBarcode,
    build,
    free_area,
    parse,
    text_lines,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "konbini_barcode.csv"
ROWS = list(csv.DictReader(VECTORS.read_text("utf-8").splitlines()))
V13 = next(row for row in ROWS if row["id"] == "V13")["digits"]


def digits(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


payloads = st.builds(
    KonbiniBarcode,
    company_code=digits(6),
    free_area=digits(21),
    amount_yen=st.integers(0, 300_000),
    valid_until=st.none() | st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    reissue=st.integers(0, 9),
    stamp_flag=st.integers(0, 1),
)


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_vectors(row: dict[str, str]) -> None:
    barcode = parse(row["digits"])
    assert barcode.company_code == row["company_code"]
    assert barcode.free_area == row["free_area"]
    assert str(barcode.reissue) == row["reissue"]
    assert barcode.expires == row["expires"]
    assert str(barcode.stamp_flag) == row["stamp_flag"]
    assert barcode.amount_yen == int(row["amount_yen"])
    assert konbini_check_sum(row["digits"][:-1]) == int(row["mod10_sum"])
    assert str(konbini_check_digit(row["digits"][:-1])) == row["check_digit"]
    assert text_lines(row["digits"]) == (row["text_line_1"], row["text_line_2"])
    assert build(barcode) == row["digits"]


@given(payloads)
def test_build_then_parse(payload: KonbiniBarcode) -> None:
    text = build(payload)
    assert len(text) == 44
    assert parse(text) == payload


@given(payloads, st.integers(0, 43), st.integers(1, 9))
def test_any_single_digit_change_is_refused(
    payload: KonbiniBarcode, position: int, step: int
) -> None:
    text = build(payload)
    other = text[:position] + str((int(text[position]) + step) % 10) + text[position + 1 :]
    assert str(konbini_check_digit(other[:-1])) != other[-1]
    with pytest.raises(SymbolError):
        parse(other)


def corrected(text: str) -> str:
    """43 digits or more, with the right check digit."""
    return f"{text[:43]}{konbini_check_digit(text[:43])}"


def test_amount_above_the_limit_is_read_but_never_built() -> None:
    barcode = parse(corrected(V13[:37] + "300001"))
    assert barcode.over_limit
    assert not parse(V13).over_limit
    with pytest.raises(SymbolError) as caught:
        build(barcode)
    assert caught.value.error_code == "konbini_amount_limit"
    assert (caught.value.found, caught.value.position) == ("300001", 37)


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        (V13[:-1], "konbini_length", 43),
        (V13 + "0", "konbini_length", 44),
        (V13[:5] + "-" + V13[6:], "konbini_digit", 5),
        (corrected("92" + V13[2:]), "konbini_fixed", 0),
        (V13[:-1] + "6", "konbini_check_digit", 43),
        (corrected(V13[:30] + "260231" + V13[36:]), "konbini_date", 30),
        (corrected(V13[:30] + "000000" + V13[36:]), "konbini_date", 30),
        (corrected(V13[:36] + "2" + V13[37:]), "konbini_value", 36),
    ],
)
def test_refusals_name_the_place(text: str, code: str, position: int) -> None:
    with pytest.raises(SymbolError) as caught:
        parse(text)
    assert (caught.value.error_code, caught.value.position) == (code, position)


@pytest.mark.parametrize(
    ("change", "position"),
    [
        ({"valid_until": date(1999, 12, 31)}, 30),
        ({"valid_until": date(2126, 5, 31)}, 30),
        ({"reissue": 10}, 29),
        ({"stamp_flag": 2}, 36),
        ({"amount_yen": -1}, 37),
        ({"free_area": "1" * 20}, 8),
    ],
)
def test_build_refuses_what_does_not_fit(change: dict[str, object], position: int) -> None:
    with pytest.raises(SymbolError) as caught:
        build(replace(parse(V13), **change))  # type: ignore[arg-type]
    assert caught.value.position == position


def test_free_area_is_client_code_and_padded_key() -> None:
    area = free_area("00001", "12345")
    assert area == "000011234500000000000"
    barcode = replace(parse(V13), free_area=area)
    assert (barcode.client_code, barcode.own_key) == ("00001", "1234500000000000")


@pytest.mark.parametrize(
    ("client", "key"), [("0001", "1"), ("00001", ""), ("00001", "1" * 17), ("00001", "１")]
)
def test_free_area_refuses(client: str, key: str) -> None:
    with pytest.raises(InvalidValueError, match="konbini_free_area"):
        free_area(client, key)

"""eL-QR: the published vector, exact round trips, and refusal of every deviation."""

from __future__ import annotations

import csv
from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qr.digits.el_qr import PUBLIC_LAYOUT, ElQr, build, crc16, mpn_lines, parse
from qr.digits.fields import SymbolError

VECTORS = Path(__file__).parents[2] / "vectors" / "el_qr.csv"
ROW = next(csv.DictReader(VECTORS.read_text("utf-8").splitlines()))
E1 = parse(ROW["payload"])


def digits(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


payloads = st.builds(
    ElQr,
    amount_yen=st.integers(0, 10**11 - 1),
    levy_year=st.integers(0, 9999),
    tax_year=st.integers(0, 9999),
    term=digits(2),
    due_on=st.dates(),
    valid_until=st.dates(),
    collecting_body_code=digits(5),
    case_key=digits(20),
    confirmation_no=digits(6),
    item_code=digits(3),
    office_code=digits(3),
    account_no=digits(11),
    fee_bearer=digits(1),
    stamp_duty=digits(1),
    eltax_area=digits(1),
    upper_extension=digits(5),
    lower_extension=digits(7),
    additional_2=digits(85),
)


def test_vector_fields() -> None:
    for field in fields(ElQr):
        if field.name in ROW:
            value = getattr(E1, field.name)
            text = value.isoformat() if isinstance(value, date) else str(value)
            assert text == ROW[field.name], field.name
    assert E1.el_number == ROW["el_number"]
    assert mpn_lines(E1) == (ROW["upper_line"], ROW["lower_line"])
    assert ROW["payload"][-5:] == ROW["crc"]
    assert build(E1) == ROW["payload"]
    assert len(ROW["payload"]) == int(ROW["length"]) == PUBLIC_LAYOUT.payload.length


def test_el_number_has_four_labelled_parts() -> None:
    assert [(part.label_ja, part.digits) for part in E1.el_number_parts] == [
        ("収納機関番号", "99999"),
        ("納付番号", "00002026000000123451"),
        ("確認番号", "123456"),
        ("納付区分", "999"),
    ]


def test_crc_check_value() -> None:
    assert crc16("123456789") == "10673"


@given(payloads)
def test_build_then_parse(payload: ElQr) -> None:
    text = build(payload)
    assert len(text) == 255
    assert parse(text) == payload
    assert build(parse(text)) == text


@settings(max_examples=300)
@given(payloads, st.integers(0, 254), st.integers(1, 9))
def test_any_single_digit_change_is_refused(payload: ElQr, position: int, step: int) -> None:
    text = build(payload)
    other = str((int(text[position]) + step) % 10)
    with pytest.raises(SymbolError):
        parse(text[:position] + other + text[position + 1 :])


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(SymbolError):
        parse(text)


def altered(position: int, digits_in: str) -> str:
    """E1 with some digits replaced and the CRC made right again."""
    text = ROW["payload"]
    body = (text[:position] + digits_in + text[position + len(digits_in) :])[:250]
    return body + crc16(body)


@pytest.mark.parametrize(
    ("text", "code", "position", "expected"),
    [
        (ROW["payload"][:-1], "el_qr_length", 254, "255"),
        (ROW["payload"] + "0", "el_qr_length", 255, "255"),
        ("x" + ROW["payload"][1:], "el_qr_digit", 0, "0-9"),
        (altered(6, "010211"), "el_qr_fixed", 6, "010212"),
        (altered(20, "13801"), "el_qr_fixed", 16, "000513800"),
        (altered(29, "00"), "ocr_upper_check_digit", 29, "92"),
        (altered(68, "00"), "ocr_lower_check_digit", 68, "62"),
        (altered(54, "13801"), "ocr_upper_fixed", 54, "13800"),
        (altered(116, "00000012301"), "el_qr_amount", 116, "00000012300"),
        (altered(141, "20260631"), "el_qr_date", 141, "YYYYMMDD"),
        (altered(149, "20261301"), "el_qr_date", 149, "YYYYMMDD"),
        (ROW["payload"][:-1] + "1", "el_qr_crc", 250, "04760"),
    ],
)
def test_refusals_name_the_place(text: str, code: str, position: int, expected: str) -> None:
    with pytest.raises(SymbolError) as caught:
        parse(text)
    assert (caught.value.error_code, caught.value.position) == (code, position)
    assert caught.value.expected == expected
    assert code.endswith(caught.value.reason)


@pytest.mark.parametrize(
    ("change", "position"),
    [
        ({"amount_yen": 10**11}, 42),
        ({"amount_yen": -1}, 42),
        ({"term": "1"}, 139),
        ({"levy_year": 12026}, 131),
        ({"case_key": "1" * 19}, 70),
        ({"confirmation_no": "12345６"}, 90),
        ({"agency_id": "13801"}, 54),
        ({"additional_2": ""}, 161),
    ],
)
def test_build_refuses_what_does_not_fit(change: dict[str, object], position: int) -> None:
    with pytest.raises(SymbolError) as caught:
        build(replace(E1, **change))  # type: ignore[arg-type]
    assert caught.value.position == position


def test_layout_offsets_are_the_published_ones() -> None:
    place = PUBLIC_LAYOUT.payload.offset
    tags = ("tag_00", "tag_01", "tag_27", "tag_54", "tag_62", "tag_80", "tag_63")
    assert [place(tag) for tag in tags] == [0, 6, 12, 112, 127, 157, 246]

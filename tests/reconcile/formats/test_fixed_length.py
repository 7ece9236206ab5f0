"""The engine: layouts, filling, cutting and wrapping of fixed-length records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from reconcile.formats import (
    debit_result,
    fixed_length,
    konbini_mizuho120,
    konbini_muf120,
    zengin_credit,
    zengin_statement,
)
from reconcile.formats.fixed_length import Field, Layout, cut, split, wrapping_of
from reconcile.formats.wrapping import Wrapping

LAYOUT = Layout("試験", (Field("a", "数字", 3), Field("b", "文字", 5, "C")))
NEWLINES = st.sampled_from([b"\r\n", b"\r", b"\n", b""])
SINGLE = st.sampled_from(sorted(fixed_length.SINGLE_BYTE))
ROWS = st.lists(
    st.binary(min_size=8, max_size=8).map(
        lambda raw: bytes(fixed_length.SINGLE_BYTE[b % len(fixed_length.SINGLE_BYTE)] for b in raw)
    ),
    min_size=1,
    max_size=20,
)


@pytest.mark.parametrize(
    ("module", "length"),
    [
        (zengin_statement, 200),
        (zengin_credit, 200),
        (debit_result, 120),
        (konbini_muf120, 120),
        (konbini_mizuho120, 120),
    ],
)
def test_every_layout_fills_its_record(module, length):
    layouts = module.FORMAT.reader.layouts
    assert {mark: layout.length for mark, layout in layouts.items()} == dict.fromkeys(
        "1289", length
    )
    assert all(len(layout.slices) == len(layout.fields) for layout in layouts.values())


def test_format_b_of_the_credit_notice_has_the_same_length():
    assert zengin_credit.DATA_B.length == 200


@pytest.mark.parametrize(
    ("layout", "name", "start", "stop"),
    [
        (zengin_statement.HEADER, "balance_before", 116, 129),
        (zengin_statement.DATA, "payer_code", 72, 81),
        (zengin_statement.DATA, "edi", 180, 199),
        (zengin_statement.TRAILER, "data_count", 55, 61),
        (zengin_statement.END, "account_count", 12, 16),
        (zengin_credit.HEADER, "account_no", 61, 67),
        (zengin_credit.DATA_A, "cancel_code", 128, 128),
        (zengin_credit.DATA_A, "edi", 129, 148),
        (zengin_credit.DATA_B, "amount_2", 129, 140),
        (zengin_credit.DATA_B, "edi", 153, 172),
        (zengin_credit.TRAILER, "cancel_total", 26, 37),
        (debit_result.HEADER, "debited_on", 55, 58),
        (debit_result.DATA, "customer_no", 92, 111),
        (debit_result.DATA, "result_code", 112, 112),
        (debit_result.TRAILER, "failed_total", 44, 55),
        (konbini_muf120.DATA, "barcode_id", 16, 17),
        (konbini_muf120.DATA, "check_digit", 59, 59),
        (konbini_muf120.DATA, "remitted_on", 78, 85),
        (konbini_muf120.DATA, "company", 102, 105),
        (konbini_mizuho120.DATA, "barcode_id", 17, 60),
        (konbini_mizuho120.DATA, "customer_type", 71, 72),
        (konbini_mizuho120.DATA, "company", 97, 102),
    ],
)
def test_fields_stand_where_the_reference_has_them(layout, name, start, stop):
    assert layout.slices[name] == slice(start - 1, stop)


def test_numbers_are_filled_with_zeros_and_texts_with_spaces():
    assert LAYOUT.write({"a": 7, "b": "ｱB"}) == "007ｱB   ".encode("cp932")
    assert LAYOUT.write({}) == b"000     "


def test_a_text_is_cut_before_a_kana_that_would_lose_its_mark():
    assert LAYOUT.write({"b": "ｱｲｳｴｶﾞ"}) == "000ｱｲｳｴ ".encode("cp932")
    assert cut("ｶﾞｷﾞ".encode("cp932"), 1) == b""
    assert cut("ｶﾞｷﾞ".encode("cp932"), 2) == "ｶﾞ".encode("cp932")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"a": 1000}, "record_number"),
        ({"a": -1}, "record_number"),
        ({"b": "漢"}, "record_character"),
        ({"b": "😀"}, "record_character"),
        ({"b": "a\tb"}, "record_character"),
        ({"c": "1"}, "record_field"),
    ],
)
def test_what_does_not_fit_a_record_is_not_written(values, code):
    with pytest.raises(InvalidValueError) as caught:
        LAYOUT.write(values)
    assert caught.value.error_code == code


@given(
    number=st.integers(0, 999),
    text=st.lists(SINGLE, max_size=5).map(lambda raw: bytes(raw).decode("cp932")),
)
def test_written_values_are_read_again(number, text):
    raw = LAYOUT.write({"a": number, "b": text})
    values = LAYOUT.values(raw.decode("cp932"))
    assert int(values["a"]) == number
    assert values["b"].rstrip() == text.rstrip()
    assert LAYOUT.write(values) == raw


@given(rows=ROWS, newline=NEWLINES, closed=st.booleans(), end_of_file=st.booleans())
def test_a_file_read_and_written_again_is_the_same_bytes(rows, newline, closed, end_of_file):
    data = Wrapping(newline, closed, end_of_file).join(rows)
    again = [LAYOUT.write(LAYOUT.values(text)) for _, _, _, text in split(data, 8)]
    assert wrapping_of(data, 8).join(again) == data
    assert again == rows


@given(rows=ROWS, newline=NEWLINES, closed=st.booleans())
def test_records_know_their_number_and_their_place(rows, newline, closed):
    data = Wrapping(newline, closed).join(rows)
    for count, (line_no, offset, raw, text) in enumerate(split(data, 8), 1):
        assert line_no == count
        assert data[offset : offset + 8] == raw == text.encode("cp932")


@given(data=st.binary(max_size=200))
def test_no_bytes_make_the_walk_fail_or_skip_anything(data):
    end = len(data) - data.endswith(b"\x1a")
    at = 0
    for _, offset, raw, _ in split(data, 8):
        assert data[at:offset].strip(b"\r\n") == b""
        assert data[offset : offset + len(raw)] == raw
        at = offset + len(raw)
    assert data[at:end].strip(b"\r\n") == b""


def test_a_file_longer_than_a_block_is_read_through():
    rows = [f"{i:08d}".encode() for i in range(5000)]
    rows[4500] = b"12345"
    found = list(split(b"\r\n".join(rows), 8))
    assert [raw for _, _, raw, _ in found] == rows
    assert [line_no for line_no, _, _, text in found if not text] == [4501]


def test_a_field_is_found_by_its_position():
    assert [LAYOUT.field_at(position).name for position in (0, 2, 3, 7, 99)] == [*"aabbb"]


def test_the_listing_names_every_field_and_shows_what_is_no_record():
    listing = list(
        fixed_length.describe(b"001AB   \r\n0", 8, lambda text: LAYOUT if text else None)
    )
    assert listing == ["1\t0\t試験\t数字=001\t文字=AB", "2\t10\t?\t0"]

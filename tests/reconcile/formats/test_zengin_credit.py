"""振込入金通知 (01): formats A and B, cancellations, totals and single bad lines."""

from __future__ import annotations

import pytest
from fixed_samples import DAY, notices, patch, quarantined, read, refused
from hypothesis import given
from hypothesis import strategies as st

from reconcile.formats.zengin_credit import DATA_A, DATA_B, FORMAT, Notice, write

DATA = write([notices()])
DATA_IN_B = write([notices()], format_b=True)


@pytest.mark.parametrize("data", [DATA, DATA_IN_B], ids=["A", "B"])
def test_both_formats_say_the_same(data):
    lines, reading = read(FORMAT, data)
    assert reading.findings == []
    assert [(line.kind, line.amount_yen) for line in lines] == [
        ("1", 12300),
        ("1", 45600),
        ("cancel", 45600),
    ]
    assert [each.direction for each in reading.bank_lines] == ["credit", "credit", "cancel"]
    assert [each.edi for each in reading.bank_lines] == ["", "R1", ""]
    assert {each.source for each in reading.bank_lines} == {"01"}
    assert (reading.count, reading.amount_yen) == (3, 103500)


def test_a_notice_and_its_cancellation_have_keys_of_their_own():
    line, *_, cancelling = read(FORMAT, DATA)[0]
    assert line.identity == "9999-999-1-1234567|2026-06-01|000001"
    assert line.record_key == f"{line.identity}|0"
    assert cancelling.record_key == f"{cancelling.identity}|1"


def test_a_blank_cancel_code_means_the_same_as_zero():
    zero = write([notices(Notice(1, DAY, 5, raw={"cancel_code": "0"}))])
    blank = write([notices(Notice(1, DAY, 5))])
    assert read(FORMAT, zero)[0][0].record_key == read(FORMAT, blank)[0][0].record_key


def test_in_format_b_the_second_amount_counts():
    data = write([notices(Notice(1, DAY, 5, raw={"amount": "0000000007"}))], format_b=True)
    lines, reading = read(FORMAT, data)
    assert (lines[0].amount_yen, reading.findings) == (5, [])


def test_an_amount_beyond_ten_digits_needs_format_b():
    data = write([notices(Notice(1, DAY, 10**11))], format_b=True)
    assert read(FORMAT, data)[0][0].amount_yen == 10**11


@pytest.mark.parametrize("layout", [DATA_A, DATA_B])
def test_both_formats_are_written_as_read(layout):
    data = DATA if layout is DATA_A else DATA_IN_B
    row = data.split(b"\r\n")[1]
    assert layout.write(layout.values(row.decode("cp932"))) == row


@pytest.mark.parametrize(
    ("position", "value", "field", "counted", "stated"),
    [
        (2, b"000003", "振込合計件数", "2", "3"),
        (8, b"000000057901", "振込合計金額", "57900", "57901"),
        (20, b"000000", "取消合計件数", "1", "0"),
        (26, b"000000045601", "取消合計金額", "45600", "45601"),
    ],
)
def test_each_total_is_compared(position, value, field, counted, stated):
    found = quarantined(FORMAT, patch(DATA, 5, position, value), "total_mismatch")
    assert (found.line_no, found.byte_offset) == (5, 4 * 202 + position - 1)
    assert (found.field, found.found, found.expected) == (field, stated, counted)


def test_an_amount_of_other_characters_stops_the_file():
    found = quarantined(FORMAT, patch(DATA, 2, 20, b"-000012300"), "not_digits")
    assert (found.line_no, found.field, found.found) == (2, "金額", "-000012300")


def test_a_total_of_other_characters_stops_the_file():
    found = quarantined(FORMAT, patch(DATA, 5, 8, b"-00000057900"), "not_digits")
    assert (found.line_no, found.field) == (5, "振込合計金額")


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (Notice(1, DAY, 100, raw={"booked_on": "080230"}), "date"),
        (Notice(1, DAY, 100, raw={"cancel_code": "9"}), "cancel_code"),
        (Notice(1, DAY, 0), "amount_zero"),
    ],
)
def test_a_single_bad_line_is_that_lines_fault(row, fault):
    lines, reading = read(FORMAT, write([notices(row, Notice(2, DAY, 200))]))
    assert reading.findings == []
    assert [line.fault for line in lines] == [fault, None]
    assert (lines[0].amount_yen, len(reading.bank_lines)) == (row.amount_yen, 1)


@pytest.mark.parametrize(
    ("position", "value", "code"),
    [
        (4, b"1", "ebcdic"),
        (60, b"6", "time_deposit"),
        (60, b"2", "unknown_account"),
        (61, b"7654321", "unknown_account"),
    ],
)
def test_what_is_not_for_intake_is_refused(position, value, code):
    assert refused(FORMAT, patch(DATA, 1, position, value), code).line_no == 1


NOTICES = st.lists(
    st.builds(
        Notice,
        inquiry_no=st.integers(0, 999_999),
        booked_on=st.just(DAY),
        amount_yen=st.integers(1, 10**10 - 1),
        cancels=st.booleans(),
        payer_name=st.text("ｱｶﾞﾊﾟ-AZ09", max_size=20),
        edi=st.text("AZ09-", max_size=20),
    ),
    min_size=1,
    max_size=5,
)


@given(rows=NOTICES, format_b=st.booleans())
def test_what_is_written_is_read(rows, format_b):
    lines, reading = read(FORMAT, write([notices(*rows)], format_b=format_b))
    assert reading.findings == []
    assert [
        (int(bank.inquiry_no), line.amount_yen, bank.direction, bank.payer_name, bank.edi)
        for line, bank in zip(lines, reading.bank_lines, strict=True)
    ] == [
        (
            row.inquiry_no,
            row.amount_yen,
            "cancel" if row.cancels else "credit",
            row.payer_name,
            row.edi,
        )
        for row in rows
    ]

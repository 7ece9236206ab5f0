"""口座振替結果 (91): the golden record, requests posing as results, and single bad lines."""

from __future__ import annotations

import hashlib
from datetime import date

import pytest
from fixed_samples import CONTEXT, DAY, GOLDEN, PROFILE, batch, patch, quarantined, read, refused
from hypothesis import given
from hypothesis import strategies as st

from reconcile.formats.debit_result import FORMAT, RESULT_CODES, Debit, write
from reconcile.model import ReadContext

DATA = write([batch()])


def test_the_golden_record_of_the_reference():
    data = (GOLDEN / FORMAT.code / "reference.dat").read_bytes()
    assert hashlib.sha256(data).hexdigest() == (
        "30d1e5c70a46b44346304536e2751fd79472594441c61c7ac5cae48605567191"
    )
    lines, reading = read(FORMAT, data)
    assert reading.findings == []
    assert (reading.agent, reading.count, reading.amount_yen) == ("1234567890", 2, 16860)
    assert [(line.slip_key, line.kind, line.stage, line.amount_yen) for line in lines] == [
        ("20260001000123450001", "0", "confirmed", 12300),
        ("20260001000123450002", "1", "", 4560),
    ]


def test_a_result_becomes_a_line():
    line = read(FORMAT, DATA)[0][0]
    assert line.identity == "1234567890|2026-06-01|9999|20269990001234500101"
    assert line.identity == line.record_key == line.payment_key
    assert (line.paid_on, line.remitted_on) == ("2026-06-01", "2026-06-01")
    assert line.remittance_ref == "2026-06-01|9999"
    assert (line.key_kind, line.is_ours, line.key_valid) == ("debit", True, True)
    assert line.fault is None


@pytest.mark.parametrize("code", sorted(RESULT_CODES))
def test_every_result_code(code):
    lines, reading = read(FORMAT, write([batch(Debit("2026".ljust(20, "0"), 5, code))]))
    assert reading.findings == []
    assert (lines[0].kind, lines[0].fault) == (code, None)
    assert lines[0].stage == ("confirmed" if code == "0" else "")


@pytest.mark.parametrize("code", ["5", "6", "7", " ", "X"])
def test_a_code_that_is_no_result_is_that_lines_fault(code):
    rows = [Debit("2026".ljust(20, "0"), 100, code), Debit("2026".ljust(20, "1"), 200)]
    lines, reading = read(FORMAT, write([batch(*rows)]))
    assert reading.findings == []
    assert [line.fault for line in lines] == ["result_code", None]
    assert (lines[0].amount_yen, lines[0].payment_key) == (100, None)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (Debit("2026-0001-0001-00001", 100), "customer_no"),
        (Debit(" " * 20, 100), "customer_no"),
        (Debit("2026".ljust(20, "0"), 0), "amount_zero"),
    ],
)
def test_a_single_bad_line_is_that_lines_fault(row, fault):
    lines, reading = read(FORMAT, write([batch(row, Debit("2026".ljust(20, "1"), 200))]))
    assert reading.findings == []
    assert [line.fault for line in lines] == [fault, None]
    assert lines[0].identity == lines[0].record_key


def test_a_key_that_is_not_ours():
    lines, _ = read(FORMAT, write([batch(Debit("1999".ljust(20, "0"), 5))]))
    assert not lines[0].is_ours


def test_a_request_posing_as_a_result_is_refused():
    request = patch(DATA, 3, 112, b"0")
    request = patch(request, 4, 20, b"0" * 36)
    found = refused(FORMAT, request, "debit_request")
    assert (found.line_no, found.field) == (4, "振替済件数")
    assert refused(FORMAT, patch(request, 4, 20, b" " * 36), "debit_request").line_no == 4


@pytest.mark.parametrize(
    ("position", "value", "field", "counted", "stated"),
    [
        (2, b"000003", "合計件数", "2", "3"),
        (8, b"000000016861", "合計金額", "16860", "16861"),
        (20, b"000002", "振替済件数", "1", "2"),
        (26, b"000000012301", "振替済金額", "12300", "12301"),
        (38, b"000000", "振替不能件数", "1", "0"),
        (44, b"000000004561", "振替不能金額", "4560", "4561"),
    ],
)
def test_each_total_is_compared(position, value, field, counted, stated):
    found = quarantined(FORMAT, patch(DATA, 4, position, value), "total_mismatch")
    assert (found.line_no, found.byte_offset) == (4, 3 * 122 + position - 1)
    assert (found.field, found.found, found.expected) == (field, stated, counted)


def test_an_amount_of_other_characters_stops_the_file():
    found = quarantined(FORMAT, patch(DATA, 2, 81, b"-000012300"), "not_digits")
    assert (found.line_no, found.field) == (2, "引落金額")


@pytest.mark.parametrize(
    ("position", "value", "code"),
    [(4, b"1", "ebcdic"), (5, b"0000000001", "unknown_consignor")],
)
def test_what_is_not_for_intake_is_refused(position, value, code):
    assert refused(FORMAT, patch(DATA, 1, position, value), code).line_no == 1


@pytest.mark.parametrize("value", [b"0631", b"    ", b"0000"])
def test_a_debit_date_that_is_none_stops_the_file(value):
    found = quarantined(FORMAT, patch(DATA, 1, 55, value), "header_date")
    assert (found.field, found.byte_offset) == ("引落日", 54)


def test_the_year_comes_from_the_day_received():
    data = write([batch()._replace(debited_on=date(2026, 12, 28))])
    context = ReadContext(date(2027, 1, 5), PROFILE)
    assert read(FORMAT, data, context)[0][0].paid_on == "2026-12-28"
    assert read(FORMAT, data, CONTEXT)[0][0].paid_on == "2025-12-28"


@given(
    rows=st.lists(
        st.builds(
            Debit,
            customer_no=st.text("0123456789", min_size=20, max_size=20),
            amount_yen=st.integers(1, 10**8),
            result_code=st.sampled_from(sorted(RESULT_CODES)),
            holder_name=st.text("ｱｶﾞﾊﾟ-AZ09", max_size=15),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_written_is_read(rows):
    lines, reading = read(FORMAT, write([batch(*rows)]))
    assert reading.findings == []
    assert [(line.slip_key, line.amount_yen, line.kind) for line in lines] == [
        (row.customer_no, row.amount_yen, row.result_code) for row in rows
    ]
    assert {line.paid_on for line in lines} == {DAY.isoformat()}

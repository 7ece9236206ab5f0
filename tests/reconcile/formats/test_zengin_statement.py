"""入出金取引明細 (03): the golden record, totals, balances and single bad lines."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date

import pytest
from fixed_samples import (
    CONTEXT,
    DAY,
    GOLDEN,
    GOLDEN_ACCOUNT,
    PROFILE,
    SECOND_ACCOUNT,
    TWO_ACCOUNTS,
    findings,
    only,
    patch,
    quarantined,
    read,
    refused,
    statement,
)
from hypothesis import given
from hypothesis import strategies as st

from reconcile.formats.zengin_statement import FORMAT, Movement, write
from reconcile.model import ReadContext

DATA = write([statement()])
GOLDEN_CONTEXT = ReadContext(CONTEXT.received_on, replace(PROFILE, accounts=(GOLDEN_ACCOUNT,)))


def test_the_golden_record_of_the_reference():
    data = (GOLDEN / FORMAT.code / "reference.dat").read_bytes()
    assert hashlib.sha256(data).hexdigest() == (
        "345efa6863fdc172250c06adcb2186707ad781afa068ef45d6c5b71726defe8a"
    )
    lines, reading = read(FORMAT, data, GOLDEN_CONTEXT)
    assert reading.findings == []
    assert [(line.kind, line.amount_yen, line.paid_on) for line in lines] == [
        ("1", 12300, "2026-06-01"),
        ("1", 456000, "2026-06-01"),
    ]
    assert (reading.count, reading.amount_yen) == (2, 468300)
    assert reading.created_on == "2026-06-02"
    first, second = reading.bank_lines
    assert first.payer_name == "ｾﾞｲﾓｸ ﾀﾛｳ"
    assert (second.payer_name, second.remarks) == ("", "ﾋﾞｴ-ｼﾕｳﾉｳ")


def test_the_account_of_the_golden_record_is_not_the_sample_municipalitys():
    data = (GOLDEN / FORMAT.code / "reference.dat").read_bytes()
    found = refused(FORMAT, data, "unknown_account")
    assert (found.line_no, found.byte_offset, found.field) == (1, 63, "口座番号")
    assert (found.found, found.expected) == ("9999-999-2-1234567", "9999-999-1-1234567")


def test_a_movement_becomes_a_line_and_a_bank_line():
    lines, reading = read(FORMAT, DATA)
    line, bank_line = lines[0], reading.bank_lines[0]
    assert line.identity == "9999-999-1-1234567|2026-06-01|00000001"
    assert line.record_key == f"{line.identity}|1|12300"
    assert (line.stage, line.payment_key, line.slip_key, line.fault) == ("", None, None, None)
    assert bank_line._asdict() == {
        "line_no": 2,
        "account_key": "9999-999-1-1234567",
        "source": "03",
        "direction": "credit",
        "inquiry_no": "00000001",
        "booked_on": "2026-06-01",
        "value_on": "2026-06-01",
        "payer_code": "9000000001",
        "payer_name": "ﾐﾎﾝｼﾕｳﾉｳA",
        "remarks": "",
        "edi": "",
    }
    assert (reading.bank_lines[1].payer_code, reading.bank_lines[1].edi) == ("", "R1")
    assert [each.direction for each in reading.bank_lines] == ["credit", "credit", "debit"]


@pytest.mark.parametrize(
    ("line_no", "position", "value", "field", "counted", "stated"),
    [
        (5, 2, b"000003", "入金件数", "2", "3"),
        (5, 8, b"0000000468301", "入金額合計", "468300", "468301"),
        (5, 21, b"000000", "出金件数", "1", "0"),
        (5, 27, b"0000000001001", "出金額合計", "1000", "1001"),
        (5, 55, b"0000004", "データレコード件数", "3", "4"),
        (6, 2, b"0000000005", "レコード総件数", "6", "5"),
        (6, 12, b"00002", "口座数", "1", "2"),
    ],
)
def test_each_total_is_compared(line_no, position, value, field, counted, stated):
    found = quarantined(FORMAT, patch(DATA, line_no, position, value), "total_mismatch")
    assert (found.line_no, found.field) == (line_no, field)
    assert (found.found, found.expected) == (stated, counted)
    assert found.byte_offset == (line_no - 1) * 202 + position - 1


def test_the_balances_are_compared():
    found = quarantined(FORMAT, patch(DATA, 1, 116, b"00000001000001"), "balance_mismatch")
    assert (found.line_no, found.field) == (5, "取引後残高")
    assert (found.found, found.expected) == ("1467300", "1467301")


@pytest.mark.parametrize("before", [-500_000, -10_000, 0])
def test_an_overdrawn_balance_counts_below_zero(before):
    data = write([statement(before=before)])
    assert findings(FORMAT, data) == []
    flipped = patch(data, 1, 114, b"1" if before < 0 else b"2")
    assert [f.code for f in findings(FORMAT, flipped)] == ["balance_mismatch"] * (before != 0)


@pytest.mark.parametrize("value", [b"-00000012300", b"000000012 00", b"            "])
def test_an_amount_of_other_characters_stops_the_file(value):
    found = quarantined(FORMAT, patch(DATA, 2, 25, value), "not_digits")
    assert (found.line_no, found.byte_offset, found.field) == (2, 202 + 24, "取引金額")
    assert found.found == value.decode()


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ({"booked_on": "081399"}, "date"),
        ({"booked_on": "080618"}, "date"),
        ({"direction": "3"}, "direction"),
        ({"transaction": "77"}, "transaction"),
    ],
)
def test_a_single_bad_line_is_that_lines_fault(raw, fault):
    rows = [Movement(1, DAY, 100, raw=raw), Movement(2, DAY, 200)]
    if fault == "direction":
        rows[0] = rows[0]._replace(direction="3")
    lines, reading = read(FORMAT, write([statement(*rows)]))
    assert reading.findings == []
    assert [line.fault for line in lines] == [fault, None]
    assert lines[0].amount_yen == 100
    assert lines[0].identity
    assert [each.line_no for each in reading.bank_lines] == [3]


def test_an_amount_of_zero_is_that_lines_fault():
    lines, reading = read(FORMAT, write([statement(Movement(1, DAY, 0))]))
    assert ([line.fault for line in lines], reading.findings) == (["amount_zero"], [])


def test_several_accounts_each_have_their_totals():
    data = write([statement(), statement(Movement(1, DAY, 5), account=SECOND_ACCOUNT)])
    lines, reading = read(FORMAT, data, TWO_ACCOUNTS)
    assert reading.findings == []
    assert [each.account_key for each in reading.bank_lines][-1] == SECOND_ACCOUNT.key
    assert len({line.identity for line in lines}) == 4
    assert only(findings(FORMAT, data)).code == "unknown_account"


@pytest.mark.parametrize(
    ("position", "value", "code", "field"),
    [
        (4, b"1", "ebcdic", "コード区分"),
        (63, b"5", "time_deposit", "預金種目"),
        (63, b"6", "time_deposit", "預金種目"),
        (63, b"7", "time_deposit", "預金種目"),
        (23, b"0001", "unknown_account", "口座番号"),
        (42, b"001", "unknown_account", "口座番号"),
        (64, b"0007654321", "unknown_account", "口座番号"),
        (64, b"1111234567", "unknown_account", "口座番号"),
    ],
)
def test_what_is_not_for_intake_is_refused(position, value, code, field):
    found = refused(FORMAT, patch(DATA, 1, position, value), code)
    assert (found.line_no, found.field) == (1, field)


@pytest.mark.parametrize(
    ("position", "value", "code"), [(2, b"55", "kind"), (4, b"7", "code_type")]
)
def test_a_later_header_that_is_none(position, value, code):
    data = write([statement(), statement()])
    assert quarantined(FORMAT, patch(data, 6, position, value), code).line_no == 6


MOVEMENTS = st.lists(
    st.builds(
        Movement,
        inquiry_no=st.integers(0, 99_999_999),
        booked_on=st.dates(date(2020, 1, 1), DAY),
        amount_yen=st.integers(1, 10**9),
        direction=st.sampled_from("12"),
        transaction=st.sampled_from(["10", "11", "14", "19"]),
        payer_code=st.sampled_from(["", "9000000001"]),
        payer_name=st.text("ｱｶﾞﾊﾟ-AZ09", max_size=20),
        remarks=st.text("ｱｶﾞﾊﾟ-AZ09", max_size=10),
        edi=st.text("AZ09-", max_size=20),
    ),
    min_size=1,
    max_size=5,
)


@given(rows=MOVEMENTS, before=st.integers(-(10**12), 10**12))
def test_what_is_written_is_read(rows, before):
    lines, reading = read(FORMAT, write([statement(*rows, before=before)]))
    assert reading.findings == []
    assert [
        (int(bank.inquiry_no), bank.booked_on, line.amount_yen, line.kind, bank.payer_code,
         bank.payer_name, bank.remarks, bank.edi)
        for line, bank in zip(lines, reading.bank_lines, strict=True)
    ] == [
        (row.inquiry_no, row.booked_on.isoformat(), row.amount_yen, row.direction, row.payer_code,
         row.payer_name, row.remarks, row.edi)
        for row in rows
    ]  # fmt: skip

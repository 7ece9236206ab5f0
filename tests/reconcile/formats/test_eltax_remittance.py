from __future__ import annotations

import csv
import io
from datetime import date
from typing import TYPE_CHECKING

import pytest
from delimited_samples import CONTEXT, GOLDEN, cases, listing, only
from hypothesis import given
from hypothesis import strategies as st

from reconcile.formats.delimited import PAYMENT_CHANNELS
from reconcile.formats.eltax_remittance import FORMAT, RemittanceRow, write
from reconcile.model import AdviceLine, Channel, Severity

if TYPE_CHECKING:
    from reconcile.model import Reading, ReportLine

EXAMPLE = (GOLDEN / "eltax_remittance" / "example.csv").read_bytes()
ROW = RemittanceRow("R20260602-01", "2026-06-02", "app", "999", 3, 36900, 33, 36867)
TEXT = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))


@st.composite
def rows(draw: st.DrawFn) -> RemittanceRow:
    gross = draw(st.integers(1, 10**15 - 1))
    fee = draw(st.integers(0, gross))
    day = draw(st.dates(date(1950, 1, 1), date(2099, 12, 31)))
    return RemittanceRow(
        draw(st.text(TEXT, min_size=1, max_size=20)),
        day.isoformat(),
        draw(st.sampled_from(PAYMENT_CHANNELS)),
        draw(st.text("0123456789", min_size=3, max_size=3)),
        draw(st.integers(1, 10**9 - 1)),
        gross,
        fee,
        gross - fee,
    )


def read(data: bytes) -> tuple[Reading, list[ReportLine]]:
    reading = FORMAT.read(data, CONTEXT)
    return reading, list(reading.lines)


@pytest.mark.parametrize("case", cases("eltax_remittance"))
def test_golden_files_read_as_listed(case: str):
    folder = GOLDEN / "eltax_remittance"
    expected = (folder / f"{case}.expected.txt").read_text(encoding="utf-8")
    assert listing(FORMAT.read((folder / f"{case}.csv").read_bytes(), CONTEXT)) == expected


@given(st.lists(rows(), max_size=4))
def test_what_is_written_reads_as_the_same_advice(written: list[RemittanceRow]):
    data = write(written)
    reading, lines = read(data)
    assert reading.findings == []
    assert [line.fault for line in lines] == [None] * len(written)
    again = [RemittanceRow(*advice[1:]) for advice in reading.advice_lines]
    assert again == written
    assert write(again) == data


def test_the_example_reads_and_writes_to_its_bytes():
    reading, lines = read(EXAMPLE)
    assert reading.advice_lines == [
        AdviceLine(2, "R20260602-01", "2026-06-02", "app", "999", 1, 12300, 11, 12289),
        AdviceLine(3, "R20260602-02", "2026-06-02", "counter", "999", 1, 10400, 0, 10400),
    ]
    assert [line.identity for line in lines] == ["R20260602-01|app|999", "R20260602-02|counter|999"]
    assert (reading.count, reading.amount_yen) == (2, 22689)
    parsed = list(csv.reader(io.StringIO(EXAMPLE.decode(), newline="")))
    assert (
        write(RemittanceRow._make((*row[:4], *map(int, row[4:]))) for row in parsed[1:-1])
        == EXAMPLE
    )


def test_an_advice_line_moves_no_money():
    reading, (line,) = read(write([ROW]))
    assert (reading.channel, reading.counts_equal_lines) == (Channel.ADVICE, False)
    assert (line.stage, line.key_kind, line.slip_key, line.payment_key) == ("", "", None, None)
    assert line.identity == line.record_key == "R20260602-01|app|999"
    assert (line.amount_yen, line.remittance_ref, line.remitted_on) == (
        36867, "R20260602-01", "2026-06-02",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (ROW._replace(remittance_no=""), "remittance"),
        (ROW._replace(remittance_no="R" * 21), "remittance"),
        (ROW._replace(remitted_on="2026-06-31"), "date"),
        (ROW._replace(remitted_on="20260602"), "date"),
        (ROW._replace(channel="konbini"), "channel_list"),
        (ROW._replace(item_code="99"), "item_code"),
        (ROW._replace(payment_count=0), "count_zero"),
        (ROW._replace(gross_yen=0, fee_yen=0, net_yen=0), "amount_zero"),
    ],
)
def test_one_wrong_value_is_that_line_alone(row: RemittanceRow, fault: str):
    reading, lines = read(write([ROW, row]))
    assert reading.findings == []
    assert [line.fault for line in lines] == [None, fault]
    assert len(reading.advice_lines) == 1
    assert lines[1].amount_yen == row.net_yen
    assert lines[1].identity
    assert lines[1].record_key


@pytest.mark.parametrize(
    ("gross", "fee", "net"), [(100, 10, 91), (100, 0, 99), (100, 101, 1), (0, 1, 1)]
)
def test_net_must_be_gross_less_fee(gross: int, fee: int, net: int):
    data = write([ROW, ROW._replace(item_code="901", gross_yen=gross, fee_yen=fee, net_yen=net)])
    reading, lines = read(data)
    assert len(lines) == 1
    found = only(reading.findings)
    assert (found.code, found.severity, found.line_no) == ("net_amount", Severity.FATAL, 3)
    assert found.byte_offset == data.index(f",{net}\r\nT".encode()) + 1
    assert (found.field, found.found, found.expected) == ("net_yen", str(net), str(gross - fee))


def test_the_fee_may_take_everything():
    reading, (line,) = read(write([ROW._replace(gross_yen=10, fee_yen=10, net_yen=0)]))
    assert (reading.findings, line.fault, line.amount_yen) == ([], None, 0)


@pytest.mark.parametrize(
    ("field", "index"), [("count", 4), ("gross_yen", 5), ("fee_yen", 6), ("net_yen", 7)]
)
@pytest.mark.parametrize("written", ["-1", "", "1.5", "1" * 16, "１"])
def test_an_unreadable_number_rejects_the_file(field: str, index: int, written: str):
    values = list(map(str, ROW))
    values[index] = written
    data = write([]).replace(b"T,0,0", ",".join(values).encode() + b"\r\nT,1,36867")
    found = only(read(data)[0].findings)
    code = "payment_count" if field == "count" else "amount"
    assert found.code == ("wide_bytes" if written == "１" else code)
    assert (found.field, found.found, found.line_no) == (field, written, 2)


def test_the_trailer_adds_up_the_net_column():
    found = only(read(write([ROW]).replace(b"T,1,36867", b"T,1,36900"))[0].findings)
    assert (found.code, found.field, found.expected) == ("trailer_total", "net_yen", "36867")


@pytest.mark.parametrize(
    ("data", "ours"), [(EXAMPLE, True), (b"remittance_no,count", False), (b"", False)]
)
def test_the_header_tells_the_format(data: bytes, ours: bool):
    assert FORMAT.identify(data) is ours

from __future__ import annotations

import csv
import io
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from delimited_samples import CONTEXT, GOLDEN, cases, listing
from hypothesis import given
from hypothesis import strategies as st

from reconcile.formats.delimited import PAYMENT_CHANNELS
from reconcile.formats.eltax_payment import FORMAT, LAYOUT, PaymentRow, write
from reconcile.model import Channel

if TYPE_CHECKING:
    from reconcile.model import Reading, ReportLine

EXAMPLE = (GOLDEN / "eltax_payment" / "example.csv").read_bytes()
ROW = PaymentRow(
    "2", "99999", "901", "00002026000000000011", "100011", 20000, "2026-05-28", "09:30",
    "counter", "9999", "テスト銀行", "TX-1", "2026-06-02", "R20260602-02",
)  # fmt: skip
FIRST = ROW._replace(record_kind="1", remittance_on="", remittance_no="")

DIGITS = "0123456789"
TEXT = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))
DAYS = st.dates(date(1950, 1, 1), date(2099, 12, 31)).map(lambda d: d.isoformat())


@st.composite
def rows(draw: st.DrawFn) -> PaymentRow:
    kind = draw(st.sampled_from("123"))
    return PaymentRow(
        kind,
        draw(st.text(DIGITS, min_size=5, max_size=5)),
        draw(st.text(DIGITS, min_size=3, max_size=3)),
        draw(st.text(DIGITS, min_size=20, max_size=20)),
        draw(st.text(DIGITS, min_size=6, max_size=6)),
        draw(st.integers(1, 10**11 - 1)),
        draw(DAYS),
        draw(st.one_of(st.just(""), st.times().map(lambda t: f"{t:%H:%M}"))),
        draw(st.sampled_from(PAYMENT_CHANNELS)),
        draw(st.text(TEXT, min_size=1, max_size=10)),
        draw(st.text(TEXT, max_size=60)),
        draw(st.from_regex("[A-Za-z0-9-]{1,40}", fullmatch=True)),
        draw(DAYS) if kind == "2" else "",
        draw(st.text(TEXT, min_size=1, max_size=20)) if kind == "2" else "",
    )


def read(data: bytes) -> tuple[Reading, list[ReportLine]]:
    reading = FORMAT.read(data, CONTEXT)
    return reading, list(reading.lines)


def one(row: PaymentRow) -> ReportLine:
    reading, lines = read(write([row]))
    assert reading.findings == []
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize("case", cases("eltax_payment"))
def test_golden_files_read_as_listed(case: str):
    folder = GOLDEN / "eltax_payment"
    expected = (folder / f"{case}.expected.txt").read_text(encoding="utf-8")
    assert listing(FORMAT.read((folder / f"{case}.csv").read_bytes(), CONTEXT)) == expected


@given(st.lists(rows(), max_size=5))
def test_what_is_written_reads_without_a_fault(written: list[PaymentRow]):
    reading, lines = read(write(written))
    assert reading.findings == []
    assert reading.count == len(written)
    assert reading.amount_yen == sum(row.amount_yen for row in written)
    for row, line in zip(written, lines, strict=True):
        assert line.fault is None
        assert line.amount_yen == row.amount_yen
        assert line.kind == row.record_kind
        assert line.slip_key == (
            row.collecting_body_code + row.case_key + row.confirmation_no + row.item_code
        )
        assert (line.paid_on, line.paid_at or "") == (row.paid_on, row.paid_at)
        assert (line.remitted_on or "", line.remittance_ref or "") == row[12:]
        assert line.payment_key == f"{row.channel}:{row.operator_code}:{row.transaction_id}"
        assert line.record_key == f"{row.record_kind}|{line.payment_key}"


@given(st.lists(rows(), max_size=5))
def test_writing_what_an_independent_reader_read_gives_the_same_bytes(written: list[PaymentRow]):
    data = write(written)
    parsed = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    again = [PaymentRow._make((*row[:5], int(row[5]), *row[6:])) for row in parsed[1:-1]]
    assert again == written
    assert write(again) == data


@given(rows())
def test_both_ways_of_reading_agree(row: PaymentRow):
    plain = write([row])
    head, line, *rest = plain.split(b"\r\n")
    quoted = b"\r\n".join((head, b'"1"' + line[1:] if line[:1] == b"1" else line, *rest))
    assert read(quoted)[1][0][3:] == read(plain)[1][0][3:]


def test_writing_the_example_gives_its_bytes():
    parsed = list(csv.reader(io.StringIO(EXAMPLE.decode(), newline="")))
    again = [PaymentRow._make((*row[:5], int(row[5]), *row[6:])) for row in parsed[1:-1]]
    assert write(again) == EXAMPLE


def test_a_nil_report_has_no_lines():
    reading, lines = read(write([]))
    assert write([]).endswith(b"remittance_no\r\nT,0,0\r\n")
    assert (reading.findings, lines, reading.count, reading.amount_yen) == ([], [], 0, 0)


def test_what_the_reading_says_about_itself():
    reading, _ = read(EXAMPLE)
    assert (reading.format_code, reading.channel) == ("eltax_payment", Channel.ELTAX)
    assert reading.counts_equal_lines is False
    assert reading.agent == "eltax"


@pytest.mark.parametrize(("kind", "stage"), [("1", "provisional"), ("3", "withdrawal")])
def test_stages_without_money_in_the_bank(kind: str, stage: str):
    line = one(FIRST._replace(record_kind=kind))
    assert (line.stage, line.fault, line.remitted_on, line.remittance_ref) == (
        stage, None, None, None,
    )  # fmt: skip


def test_kind_2_is_confirmed_and_names_its_remittance():
    line = one(ROW)
    assert line.stage == "confirmed"
    assert (line.remitted_on, line.remittance_ref) == ("2026-06-02", "R20260602-02")


def test_another_body_code_is_not_ours_but_no_fault():
    line = one(ROW._replace(collecting_body_code="99998"))
    assert (line.is_ours, line.fault) == (False, None)
    assert one(ROW).is_ours


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (ROW._replace(record_kind="4"), "kind"),
        (ROW._replace(record_kind=""), "kind"),
        (ROW._replace(record_kind="02"), "kind"),
        (ROW._replace(collecting_body_code="9999"), "body_code"),
        (ROW._replace(item_code="9011"), "item_code"),
        (ROW._replace(case_key="1" * 19), "case_key"),
        (ROW._replace(confirmation_no=""), "confirmation_no"),
        (ROW._replace(amount_yen=0), "amount_zero"),
        (ROW._replace(paid_on="2026-02-30"), "date"),
        (ROW._replace(paid_on="20260528"), "date"),
        (ROW._replace(paid_on=""), "date"),
        (ROW._replace(paid_on="0001-01-01"), "date"),
        (ROW._replace(paid_at="24:00"), "time"),
        (ROW._replace(paid_at="9:30"), "time"),
        (ROW._replace(channel="fax"), "channel_list"),
        (ROW._replace(channel=""), "channel_list"),
        (ROW._replace(channel="窓口"), "channel_list"),
        (ROW._replace(operator_code=""), "operator_code"),
        (ROW._replace(operator_code="12345678901"), "operator_code"),
        (ROW._replace(operator_name="あ" * 61), "operator_name"),
        (ROW._replace(transaction_id=""), "transaction_id"),
        (ROW._replace(transaction_id="TX_1"), "transaction_id"),
        (ROW._replace(transaction_id="T" * 41), "transaction_id"),
        (ROW._replace(transaction_id="ＴＸ"), "transaction_id"),
        (ROW._replace(remittance_on=""), "remittance"),
        (ROW._replace(remittance_no=""), "remittance"),
        (ROW._replace(remittance_on="", remittance_no=""), "remittance"),
        (ROW._replace(remittance_on="2026-06-31"), "remittance"),
        (ROW._replace(remittance_on="20260602"), "remittance"),
        (ROW._replace(remittance_no="R" * 21), "remittance"),
        (FIRST._replace(remittance_on="2026-06-02"), "remittance"),
        (FIRST._replace(remittance_no="R1"), "remittance"),
        (FIRST._replace(record_kind="3", remittance_on="2026-06-02", remittance_no="R"), "remittance"),
        (FIRST._replace(remittance_on="2026-06-31", remittance_no="R"), "remittance"),
    ],
)  # fmt: skip
def test_one_wrong_value_is_that_line_alone(row: PaymentRow, fault: str):
    reading, lines = read(write([FIRST, row, FIRST._replace(transaction_id="TX-3")]))
    assert reading.findings == []
    assert [line.fault for line in lines] == [None, fault, None]
    bad = lines[1]
    assert bad.payment_key is None
    assert bad.amount_yen == row.amount_yen  # held in suspense, so it must survive
    assert bad.identity
    assert bad.record_key
    assert reading.count == 3


@pytest.mark.parametrize("index", [0, 1, 2, 3, 4, 5, 6, 7, 12])
def test_full_width_text_in_a_numeric_column_rejects_the_file(index: int):
    values = list(map(str, ROW))
    values[index] = "１" * max(1, len(values[index]))
    line = ",".join(values).encode()
    data = b",".join([*map(str.encode, LAYOUT.names)]) + b"\r\n" + line + b"\r\nT,1,20000\r\n"
    reading, _ = read(data)
    assert {found.code for found in reading.findings} == {"wide_bytes"}
    assert reading.findings[0].field == LAYOUT.names[index]
    assert reading.findings[0].byte_offset == data.index("１".encode())


@pytest.mark.parametrize(
    ("written", "read_as"), [("", None), ("00:00", "00:00"), ("23:59", "23:59"), ("24:00", None)]
)
def test_the_time_of_day_may_be_missing_or_unreadable(written: str, read_as: str | None):
    assert one(ROW._replace(paid_at=written)).paid_at == read_as


@pytest.mark.parametrize("field", ["case_key", "confirmation_no", "item_code"])
def test_an_unreadable_key_names_no_slip(field: str):
    other: dict[str, Any] = {field: "1"}
    assert one(ROW._replace(**other)).slip_key is None


@pytest.mark.parametrize("field", [name for name in PaymentRow._fields if name != "amount_yen"])
def test_every_column_counts_for_the_content(field: str):
    other: dict[str, Any] = {field: getattr(ROW, field) + "1"}
    assert one(ROW._replace(**other)).content != one(ROW).content


def test_equal_lines_have_equal_content():
    first, second = read(write([ROW, ROW]))[1]
    assert (first.record_key, first.content) == (second.record_key, second.content)


@pytest.mark.parametrize(
    ("data", "ours"),
    [
        (EXAMPLE, True),
        (b"\xef\xbb\xbf" + EXAMPLE, True),
        (b"record_kind,collecting_body_code,wrong", True),
        (b"remittance_no,remitted_on", False),
        (b"error: none", False),
        (b"", False),
        (EXAMPLE[175:], False),
    ],
)
def test_the_header_tells_the_format(data: bytes, ours: bool):
    assert FORMAT.identify(data) is ours

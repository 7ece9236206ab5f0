from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from delimited_samples import CONTEXT, GOLDEN, barcode, cases, listing, only
from hypothesis import given
from hypothesis import strategies as st

from reconcile.formats import slip_register
from reconcile.formats.slip_register import LAYOUT, SlipLine, SlipRow, write
from reconcile.model import Severity

if TYPE_CHECKING:
    from reconcile.formats.delimited_reader import RegisterReading
    from reconcile.model import Finding

FOLDER = GOLDEN / "slip_register"
EXAMPLE = (FOLDER / "example.csv").read_bytes()
ROW = SlipRow(
    "99999", "901", 2026, "0000012345", "01", "S2026-0000001", 1, "99999", "00002026000000123451",
    "123456", barcode(), 12300, "2026-06-01", "2026-07-01", "2026-05-11", "new",
)  # fmt: skip
DIGITS = "0123456789"
TEXT = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))


@st.composite
def rows(draw: st.DrawFn) -> SlipRow:
    dates = st.dates(date(1950, 1, 1), date(2099, 12, 31))
    due, issued, valid = sorted(draw(st.tuples(dates, dates, dates)))
    if draw(st.booleans()):
        due, issued = issued, due
    el = draw(st.booleans())
    amount = draw(st.integers(1, 999_999))
    code = barcode(
        draw(st.text(DIGITS, min_size=16, max_size=16)),
        amount=amount,
        reissue=draw(st.sampled_from(DIGITS)),
        expires=draw(st.sampled_from(("999999", f"{valid:%y%m%d}"))),
    )
    return SlipRow(
        "99999",
        draw(st.sampled_from(("901", "999"))),
        draw(st.integers(1950, 2099)),
        draw(st.text(TEXT, min_size=1, max_size=20)),
        draw(st.text(DIGITS, min_size=2, max_size=2)),
        draw(st.text(TEXT, min_size=1, max_size=30)),
        draw(st.integers(1, 9999)),
        "99999" if el else "",
        draw(st.text(DIGITS, min_size=20, max_size=20)) if el else "",
        draw(st.text(DIGITS, min_size=6, max_size=6)) if el else "",
        draw(st.sampled_from(("", code))),
        amount,
        due.isoformat(),
        valid.isoformat(),
        issued.isoformat(),
        draw(st.sampled_from(("new", "superseded", "revoked"))),
    )


def read(data: bytes) -> tuple[RegisterReading[SlipLine], list[SlipLine]]:
    reading = slip_register.read(data, CONTEXT)
    return reading, list(reading.lines)


def finding(row: SlipRow) -> Finding:
    """The one finding of a file whose third line is this row."""
    data = write([ROW, row])
    reading, lines = read(data)
    found = only(reading.findings)
    assert (found.severity, found.line_no, len(lines)) == (Severity.FATAL, 3, 1)
    assert reading.failed
    index = LAYOUT.names.index(found.field)
    start = data.index(b"\r\n", data.index(b"\r\n") + 2) + 2
    assert found.byte_offset == start + len(",".join((*map(str, row[:index]), "")).encode())
    assert found.found == str(row[index])[:60]
    return found


@pytest.mark.parametrize("case", cases("slip_register"))
def test_golden_files_read_as_listed(case: str):
    expected = (FOLDER / f"{case}.expected.txt").read_text(encoding="utf-8")
    data = (FOLDER / f"{case}.csv").read_bytes()
    assert listing(slip_register.read(data, CONTEXT)) == expected


@given(st.lists(rows(), max_size=3))
def test_reading_and_writing_again_gives_the_same_bytes(written: list[SlipRow]):
    data = write(written)
    reading, lines = read(data)
    assert reading.findings == []
    assert (reading.count, reading.amount_yen) == (
        len(written), sum(row.amount_yen for row in written),
    )  # fmt: skip
    assert [SlipRow(*line[2:]) for line in lines] == written
    assert write(SlipRow(*line[2:]) for line in lines) == data


def test_a_line_is_its_place_and_its_columns():
    header = len(",".join(LAYOUT.names)) + 2
    reading, lines = read(write([ROW]))
    assert lines == [SlipLine(2, header, *ROW)]
    assert (reading.format_code, reading.failed) == ("slip_register", False)


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        (ROW._replace(municipality_code="9999"), "municipality_code", "municipality_code"),
        (ROW._replace(municipality_code="99998"), "other_municipality", "municipality_code"),
        (ROW._replace(item_code="90"), "item_code", "item_code"),
        (ROW._replace(item_code="900"), "unknown_item", "item_code"),
        (ROW._replace(levy_year=26), "year", "levy_year"),
        (ROW._replace(notice_no=""), "notice_no", "notice_no"),
        (ROW._replace(term="1"), "term", "term"),
        (ROW._replace(slip_no=""), "slip_no", "slip_no"),
        (ROW._replace(slip_no="S" * 31), "slip_no", "slip_no"),
        (ROW._replace(version=0), "version", "version"),
        (ROW._replace(version=10_000), "version", "version"),
        (ROW._replace(collecting_body_code="999"), "body_code", "collecting_body_code"),
        (ROW._replace(collecting_body_code="99998"), "other_body", "collecting_body_code"),
        (ROW._replace(collecting_body_code=""), "el_number_parts", "collecting_body_code"),
        (ROW._replace(case_key=""), "el_number_parts", "case_key"),
        (ROW._replace(confirmation_no=""), "el_number_parts", "confirmation_no"),
        (ROW._replace(case_key="1"), "case_key", "case_key"),
        (ROW._replace(confirmation_no="1"), "confirmation_no", "confirmation_no"),
        (ROW._replace(konbini_barcode="1"), "barcode", "konbini_barcode"),
        (ROW._replace(konbini_barcode="92" + ROW[10][2:]), "barcode", "konbini_barcode"),
        (ROW._replace(konbini_barcode="", amount_yen=0), "amount_zero", "amount_yen"),
        (ROW._replace(konbini_barcode="", amount_yen=-1), "amount", "amount_yen"),
        (ROW._replace(konbini_barcode="", amount_yen=10**11), "amount", "amount_yen"),
        (ROW._replace(due_on="2026-06-31"), "date", "due_on"),
        (ROW._replace(valid_until="2026/07/01"), "date", "valid_until"),
        (ROW._replace(issued_on=""), "date", "issued_on"),
        (ROW._replace(valid_until="2026-05-31"), "date_order", "valid_until"),
        (ROW._replace(issued_on="2026-07-02"), "date_order", "issued_on"),
        (ROW._replace(state="paid"), "state", "state"),
        (ROW._replace(term="０１"), "wide_bytes", "term"),
    ],
)
def test_any_bad_value_rejects_the_file_with_its_place(row: SlipRow, code: str, field: str):
    found = finding(row)
    assert (found.code, found.field) == (code, field)


@pytest.mark.parametrize(
    ("code", "digits"),
    [
        ("barcode_check_digit", ROW.konbini_barcode[:43] + "0"),
        ("barcode_company", barcode(company="912346")),
        ("barcode_client", barcode(client="00002")),
        ("barcode_expiry", barcode(expires="261301")),
        ("barcode_expiry", barcode(expires="000000")),
        ("barcode_amount", barcode(amount=12301)),
        ("barcode_amount", barcode(amount=123)),
    ],
)
def test_a_barcode_that_is_not_what_is_printed_rejects_the_file(code: str, digits: str):
    found = finding(ROW._replace(konbini_barcode=digits))
    assert (found.code, found.field) == (code, "konbini_barcode")


def test_an_amount_without_room_in_the_barcode_rejects_the_file():
    assert finding(ROW._replace(amount_yen=1_012_300)).code == "barcode_amount"


@pytest.mark.parametrize(
    "row",
    [
        ROW._replace(collecting_body_code="", case_key="", confirmation_no=""),
        ROW._replace(konbini_barcode=""),
        ROW._replace(konbini_barcode="", amount_yen=10**11 - 1),
        ROW._replace(term="00", state="superseded", version=2),
        ROW._replace(due_on="2026-04-30", issued_on="2026-06-20"),  # a reissue after the due date
        ROW._replace(due_on="2026-07-01", issued_on="2026-07-01"),
        ROW._replace(konbini_barcode=barcode(expires="999999", reissue="9")),
    ],
)
def test_what_a_slip_may_be(row: SlipRow):
    assert read(write([row]))[0].findings == []


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ((b"T,4,60500", b"T,4,60501"), "trailer_total"),
        ((b"T,4,60500", b"T,3,60500"), "trailer_count"),
        ((b"T,4,60500\r\n", b""), "trailer_missing"),
        ((b"T,4,60500\r\n", b"T,4,60500\r\n\r\n"), "after_trailer"),
        ((b"slip_no,version", b"version,slip_no"), "header"),
        ((b",new", b""), "column_count"),
        ((b"S2026", b"S\xff026"), "undecodable"),
        ((b"\r\n", b"\n"), "newline"),
    ],
)
def test_a_damaged_file_is_rejected(damage: tuple[bytes, bytes], code: str):
    reading, _ = read(EXAMPLE.replace(*damage))
    assert reading.findings[0].code == code
    assert reading.failed


@pytest.mark.parametrize(
    ("data", "ours"),
    [(EXAMPLE, True), (b"municipality_code,item_code,fiscal_year", False), (b"", False)],
)
def test_the_header_tells_the_format(data: bytes, ours: bool):
    assert slip_register.identify(data) is ours


def test_assessments_behind_a_truncated_register_are_refused():
    other = (GOLDEN / "assessments" / "example.csv").read_bytes()
    data = EXAMPLE[: EXAMPLE.index(b"T,4,")] + other  # the same number of columns
    found = only(read(data)[0].findings)
    assert (found.code, found.severity, found.line_no) == ("several_formats", Severity.REFUSED, 6)

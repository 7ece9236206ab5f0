"""Everything that is wrong with a file as a whole, shown on the payments of files.md 3.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from delimited_samples import CONTEXT, GOLDEN, only, place
from hypothesis import given
from hypothesis import strategies as st

from reconcile.formats import eltax_remittance, konbini_dsk
from reconcile.formats.delimited_reader import FINDINGS_MAX, WARNINGS_MAX, Sheet
from reconcile.formats.eltax_payment import FORMAT, LAYOUT
from reconcile.model import Severity

if TYPE_CHECKING:
    from reconcile.model import Finding, Reading

EXAMPLE = (GOLDEN / "eltax_payment" / "example.csv").read_bytes()
LINES = EXAMPLE.split(b"\r\n")
DSK = (GOLDEN / "konbini_dsk" / "kinds.csv").read_bytes()


def read(data: bytes) -> Reading:
    reading = FORMAT.read(data, CONTEXT)
    reading.lines = iter(list(reading.lines))
    return reading


def findings(data: bytes) -> list[Finding]:
    return read(data).findings


def codes(data: bytes) -> list[str]:
    return [found.code for found in findings(data)]


def test_a_good_file_has_no_findings():
    reading = read(EXAMPLE)
    assert reading.findings == []
    assert not reading.failed
    assert (reading.count, reading.amount_yen) == (4, 47300)


def test_the_last_line_end_may_be_missing():
    whole, cut = read(EXAMPLE), read(EXAMPLE.removesuffix(b"\r\n"))
    assert list(cut.lines) == list(whole.lines)
    assert cut.findings == []


def test_a_bom_is_ignored_and_counted():
    plain, marked = list(read(EXAMPLE).lines), list(read(b"\xef\xbb\xbf" + EXAMPLE).lines)
    assert [line._replace(byte_offset=line.byte_offset + 3) for line in plain] == marked


def test_quoted_fields_read_like_plain_ones():
    quoted = b"\r\n".join(
        b'"' + line.replace(b",", b'","') + b'"' if line else b"" for line in LINES
    )
    plain, careful = list(read(EXAMPLE).lines), list(read(quoted).lines)
    assert findings(quoted) == []
    assert [line[3:] for line in careful] == [line[3:] for line in plain]


@pytest.mark.parametrize("newline", [b"\n", b"\r"])
def test_a_bare_line_end_is_refused(newline: bytes):
    data = EXAMPLE.replace(b"\r\n1,", newline + b"1,")
    found = findings(data)[0]
    assert (found.code, found.line_no) == ("newline", 1)
    assert found.byte_offset == data.index(newline + b"1,")
    assert (found.found, found.expected) == (f"0x{newline.hex().upper()}", "CRLF")


def test_a_bare_line_end_inside_a_line_names_its_byte():
    data = EXAMPLE.replace(b",21:15,", b",21:15\n,", 1)
    found = findings(data)[0]
    assert (found.code, found.line_no, found.byte_offset) == ("newline", *place(data, b"\n,app"))


@pytest.mark.parametrize("byte", [b"\x00", b"\t", b"\x1b", b"\x1a", b"\x7f"])
def test_a_control_character_is_refused(byte: bytes):
    data = EXAMPLE.replace("テスト決済".encode(), b"ab" + byte, 1)
    found = findings(data)[0]
    assert (found.code, found.severity) == ("control_character", Severity.FATAL)
    assert (found.line_no, found.byte_offset) == place(data, byte)


def test_an_undecodable_byte_names_its_place():
    data = EXAMPLE.replace("テスト銀行".encode(), b"\x83e")
    found = only(findings(data))
    assert (found.code, found.severity) == ("undecodable", Severity.FATAL)
    assert (found.line_no, found.byte_offset) == place(data, b"\x83e")
    assert (found.field, found.found, found.expected) == ("operator_name", "83 65", "utf-8")


def test_an_undecodable_header_names_line_1():
    found = only(findings(b"record_kind,\xff" + EXAMPLE))
    assert (found.code, found.line_no, found.byte_offset) == ("undecodable", 1, 12)
    assert found.field == "collecting_body_code"


def test_an_undecodable_byte_far_inside_is_found_where_it_is():
    many = LINES[1] + b"\r\n"
    data = LINES[0] + b"\r\n" + many * 12_000 + many.replace(b"app", b"ap\xff")
    found = only(findings(data))
    assert (found.code, found.line_no) == ("undecodable", 12_002)
    assert found.byte_offset == data.index(b"\xff")


def test_offsets_hold_across_the_pieces_of_a_long_file():
    many = LINES[1] + b"\r\n"
    data = LINES[0] + b"\r\n" + many * 12_000 + b"T,12000,147600000\r\n"
    reading = FORMAT.read(data, CONTEXT)
    for line in reading.lines:
        start = line.byte_offset
        assert data[start : start + line.byte_length] == LINES[1]
    assert reading.findings == []
    assert reading.count == 12_000


@pytest.mark.parametrize("broken", [b'te"st', b'"test', b'"te"st'])
def test_broken_quoting_is_refused(broken: bytes):
    data = EXAMPLE.replace("テスト銀行".encode(), broken)
    found = only(findings(data))
    assert (found.code, found.line_no) == ("quoting", 5)
    assert found.byte_offset == data.index(b"2,99999")


@pytest.mark.parametrize(
    ("header", "field", "found"),
    [
        (LINES[0].replace(b"paid_on", b"paid_date"), "paid_on", "paid_date"),
        (LINES[0].replace(b",paid_at", b""), "paid_at", "channel"),
        (LINES[0].replace(b",remittance_no", b""), "remittance_no", ""),
        (LINES[0] + b",more", "", "more"),
        (LINES[0].upper(), "record_kind", "RECORD_KIND"),
        (b'record_kind,"x', "record_kind", 'record_kind,"x'),
        (b"", "record_kind", ""),
    ],
)
def test_a_wrong_header_names_the_first_difference(header: bytes, field: str, found: str):
    finding = only(findings(header + EXAMPLE[len(LINES[0]) :]))
    assert (finding.code, finding.line_no, finding.byte_offset) == ("header", 1, 0)
    assert (finding.field, finding.found) == (field, found)


def test_an_empty_file_has_no_header():
    assert codes(b"") == ["header"]


@pytest.mark.parametrize("line", [b"1,99999", LINES[1] + b",x", b""])
def test_a_wrong_column_count_is_refused(line: bytes):
    found = findings(EXAMPLE.replace(LINES[2], line))[0]
    assert (found.code, found.line_no) == ("column_count", 3)
    assert (found.found, found.expected) == (str(line.count(b",") + 1), "14")


def test_the_header_in_the_middle_is_refused():
    found = only(findings(EXAMPLE.replace(LINES[3], LINES[0]).replace(b"T,4,47300", b"T,4,0")))
    assert (found.code, found.line_no) == ("header_again", 4)


@pytest.mark.parametrize("written", ["１２３００", "12３00", "12,300円"])
def test_full_width_digits_are_refused_with_their_place(written: str):
    if "," in written:
        written = f'"{written}"'
    data = EXAMPLE.replace(b"10400", written.encode())
    found = findings(data)[0]
    assert (found.code, found.severity) == ("wide_bytes", Severity.FATAL)
    assert (found.line_no, found.byte_offset) == place(data, written.encode())
    assert (found.field, found.found) == ("amount_yen", written.strip('"'))


@pytest.mark.parametrize(
    "written", ["-10400", "+1", "", "10400.0", "123456789012", " 10400", "1e3"]
)
def test_an_unreadable_amount_is_refused_with_its_place(written: str):
    data = EXAMPLE.replace(b"100007,10400", b"100007," + written.encode())
    found = only(findings(data))  # the trailer is not compared with what could not be read
    assert (found.code, found.line_no) == ("amount", 5)
    assert found.byte_offset == data.index(b"100007,") + 7
    assert (found.field, found.found) == ("amount_yen", written)
    assert found.expected == "数字1〜11桁"


@pytest.mark.parametrize("end", [b"", b"T"])
def test_a_missing_trailer_is_refused(end: bytes):
    data = EXAMPLE[: EXAMPLE.index(b"T,4,")] + end
    found = only(findings(data))
    assert found.code == ("trailer_form" if end else "trailer_missing")
    assert found.severity is Severity.FATAL


@pytest.mark.parametrize(
    "trailer", [b"T,4", b"T,4,47300,", b"T,x,47300", b"T,4,-1", b"T,,", "T,４,47300".encode()]
)
def test_a_misshapen_trailer_is_refused(trailer: bytes):
    found = only(findings(EXAMPLE.replace(b"T,4,47300", trailer)))
    assert (found.code, found.line_no) == ("trailer_form", 6)
    assert found.byte_offset == EXAMPLE.index(b"T,4,")
    assert found.found == trailer.decode()


def test_a_wrong_count_is_refused():
    found = only(findings(EXAMPLE.replace(b"T,4,", b"T,3,")))
    assert (found.code, found.line_no, found.field) == ("trailer_count", 6, "count")
    assert (found.byte_offset, found.found, found.expected) == (EXAMPLE.index(b"T,4") + 2, "3", "4")


def test_a_wrong_total_is_refused():
    found = only(findings(EXAMPLE.replace(b"47300", b"47301")))
    assert (found.code, found.line_no, found.field) == ("trailer_total", 6, "amount_yen")
    assert found.byte_offset == EXAMPLE.index(b"47300")
    assert (found.found, found.expected) == ("47301", "47300")


@pytest.mark.parametrize("rest", [b"\r\n", b"T,4,47300\r\n", LINES[1], b"\x1a", EXAMPLE])
def test_nothing_may_stand_behind_the_trailer(rest: bytes):
    found = only(findings(EXAMPLE + rest))
    assert (found.code, found.line_no, found.byte_offset) == ("after_trailer", 7, len(EXAMPLE))


def test_half_a_line_end_is_a_bare_one():
    assert codes(EXAMPLE[:-1]) == ["newline", "trailer_missing"]


@given(st.integers(min_value=0, max_value=len(EXAMPLE) - 3))
def test_no_prefix_of_a_file_passes_for_the_file(length: int):
    assert read(EXAMPLE[:length]).failed


@given(
    st.integers(min_value=0, max_value=len(EXAMPLE) - 1), st.integers(min_value=0, max_value=255)
)
def test_reading_never_raises_and_places_every_finding_inside(at: int, byte: int):
    data = EXAMPLE[:at] + bytes([byte]) + EXAMPLE[at + 1 :]
    for found in findings(data):
        assert found.line_no is not None
        assert found.byte_offset is not None
        assert 1 <= found.line_no <= data.count(b"\r\n") + 1
        assert 0 <= found.byte_offset <= len(data)


@pytest.mark.parametrize(
    "rest",
    [
        (GOLDEN / "eltax_remittance" / "example.csv").read_bytes(),
        DSK,
        (GOLDEN / "slip_register" / "example.csv").read_bytes(),
    ],
)
def test_a_second_format_behind_the_trailer_is_refused(rest: bytes):
    found = only(findings(EXAMPLE + rest))
    assert (found.code, found.severity) == ("several_formats", Severity.REFUSED)
    assert (found.line_no, found.byte_offset) == (7, len(EXAMPLE))
    assert found.expected == "eltax_payment"


def test_a_second_format_in_the_middle_is_refused():
    other = (GOLDEN / "eltax_remittance" / "example.csv").read_bytes()
    data = EXAMPLE[: EXAMPLE.index(b"T,4,")] + other
    found = only(findings(data))
    assert (found.code, found.severity, found.line_no) == ("several_formats", Severity.REFUSED, 6)
    assert found.found == "eltax_remittance"


def test_a_second_format_behind_a_dsk_file_is_refused():
    reading = konbini_dsk.FORMAT.read(DSK + EXAMPLE, CONTEXT)
    assert len(list(reading.lines)) == 7
    found = only(reading.findings)
    assert (found.code, found.severity, found.line_no) == ("several_formats", Severity.REFUSED, 9)


def test_findings_end_at_a_hundred():
    data = LINES[0] + b"\r\n" + b"1,2\r\n" * 500
    found = findings(data)
    assert len(found) == FINDINGS_MAX == 100
    assert {f.code for f in found} == {"column_count"}


def test_warnings_leave_room_for_what_stops_the_file():
    sheet = Sheet()
    for line_no in range(200):
        sheet.warn("fiscal_year", line_no, 0, "fiscal_year", "2025", "2026")
    assert len(sheet.findings) == WARNINGS_MAX
    sheet.fatal("date", 300, 0)
    assert sheet.findings[-1].code == "date"


def test_a_finding_shows_only_the_beginning_of_a_long_value():
    data = EXAMPLE.replace(b"10400", b"9" * 5000)
    assert findings(data)[0].found == "9" * 60


def test_a_field_behind_a_quoted_one_is_found_at_its_own_byte():
    data = eltax_remittance.LAYOUT.write(
        [('R"1,2"', "2026-06-02", "app", "999", 1, 12300, 0, 12289)]
    )
    reading = eltax_remittance.FORMAT.read(data, CONTEXT)
    assert list(reading.lines) == []
    assert only(reading.findings).byte_offset == data.index(b"12289")


def test_the_layout_names_are_the_header_of_the_example():
    assert ",".join(LAYOUT.names).encode() == LINES[0]


def test_lines_before_an_undecodable_byte_are_read():
    reading = read(EXAMPLE.replace("テスト銀行".encode(), b"\x83e"))
    assert [line.line_no for line in reading.lines] == [2, 3, 4]


def test_a_dsk_file_in_place_of_the_trailer_is_refused():
    data = EXAMPLE[: EXAMPLE.index(b"T,4,")] + DSK
    found = only(findings(data))
    assert (found.code, found.severity, found.line_no) == ("several_formats", Severity.REFUSED, 6)

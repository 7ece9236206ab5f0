from __future__ import annotations

import csv
import io
from datetime import date
from typing import TYPE_CHECKING

import pytest
from delimited_samples import CONTEXT, GOLDEN, barcode, cases, listing, only
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.identifiers import konbini_check_digit
from reconcile.formats.konbini_dsk import FORMAT, LAYOUT, DskRow, write
from reconcile.model import Channel, Severity

if TYPE_CHECKING:
    from reconcile.model import Reading, ReportLine

FOLDER = GOLDEN / "konbini_dsk"
KINDS = (FOLDER / "kinds.csv").read_bytes()
# The example line of files.md 2.4 (barcode V3 of konbini_barcode.csv).
EXAMPLE = (
    "01,20260520,1234,EAN91929023252070000010123499900199999900106050,000001,01234999001,0,10605,"
    "030,ファミリーマート,001234,0,20260520"
)
HEADER = (
    "種別,収納日,収納時刻,バーコード情報,ユーザー使用欄1,ユーザー使用欄2,印紙フラグ,金額,"
    "コンビニ本部コード,コンビニ名,店舗コード,振込日,データ作成日"
)
CODE = barcode()
ROW = DskRow(
    "01", "20260520", "1234", CODE, 12300, "030", "ファミリーマート", "001234", "0", "20260520"
)
CONFIRMED = ROW._replace(kind="02", remitted_on="20260605")

DIGITS = "0123456789"
NAMES = st.text("ローソンｾﾌﾞﾝ-ＰａｙA 1,\"'・①髙", max_size=20)
DAYS = st.dates(date(1950, 1, 1), date(2099, 12, 31)).map(lambda d: d.strftime("%Y%m%d"))


@st.composite
def rows(draw: st.DrawFn) -> DskRow:
    kind = draw(st.sampled_from(("01", "02", "03", "12", "22", "81")))
    body = "91" + draw(st.text(DIGITS, min_size=41, max_size=41))
    own_digit = str(konbini_check_digit(body))
    return DskRow(
        kind,
        draw(DAYS),
        "0000" if kind in {"12", "22"} else draw(st.times()).strftime("%H%M"),
        # The stamp flag is echoed as it is, and only 0 and 1 exist.
        f"{body[:36]}{draw(st.sampled_from('01'))}{body[37:]}{own_digit}",
        draw(st.integers(1, 999_999)),
        draw(st.text(DIGITS, min_size=3, max_size=3)),
        draw(NAMES),
        draw(st.text(DIGITS, min_size=6, max_size=6)),
        draw(DAYS) if kind in {"02", "12", "22"} else "0",
        draw(DAYS),
    )


def read(data: bytes) -> tuple[Reading, list[ReportLine]]:
    reading = FORMAT.read(data, CONTEXT)
    return reading, list(reading.lines)


def one(row: DskRow) -> ReportLine:
    reading, lines = read(write([row]))
    assert reading.findings == []
    assert len(lines) == 1
    return lines[0]


def with_column(index: int, value: str) -> bytes:
    """A file of one good line, in which one column says something else."""
    head, line = write([CONFIRMED]).decode("cp932").split("\r\n")[:2]
    values = line.split(",")
    values[index] = value
    return "\r\n".join((head, ",".join(values), "")).encode("cp932")


@pytest.mark.parametrize("case", cases("konbini_dsk"))
def test_golden_files_read_as_listed(case: str):
    expected = (FOLDER / f"{case}.expected.txt").read_text(encoding="utf-8")
    assert listing(FORMAT.read((FOLDER / f"{case}.csv").read_bytes(), CONTEXT)) == expected


def test_the_example_line_of_the_layout():
    data = f"{HEADER}\r\n{EXAMPLE}\r\n".encode("cp932")
    reading, (line,) = read(data)
    assert reading.findings == []
    assert (line.kind, line.stage, line.amount_yen) == ("01", "provisional", 10605)
    assert (line.slip_key, line.reissue, line.key_valid) == ("252070000010123499900", "1", True)
    assert line.is_ours is False  # its client code is 25207, ours is 00001
    assert (line.paid_on, line.paid_at, line.fault) == ("2026-05-20", "12:34", None)
    row = DskRow(
        "01", "20260520", "1234", "91929023252070000010123499900199999900106050", 10605,
        "030", "ファミリーマート", "001234", "0", "20260520",
    )  # fmt: skip
    assert write([row]) == data


@given(st.lists(rows(), max_size=5))
def test_what_is_written_reads_without_a_fault(written: list[DskRow]):
    reading, lines = read(write(written))
    assert reading.findings == []
    assert (reading.count, reading.amount_yen) == (
        len(written), sum(row.amount_yen for row in written),
    )  # fmt: skip
    for row, line in zip(written, lines, strict=True):
        assert line.fault is None
        assert (line.kind, line.amount_yen) == (row.kind, row.amount_yen)
        assert (line.slip_key, line.reissue) == (row.barcode[8:29], row.barcode[29])
        assert line.key_valid is (row.barcode[43] == str(konbini_check_digit(row.barcode[:43])))
        assert line.identity == f"konbini_dsk:{row.barcode[8:30]}"


@given(st.lists(rows(), max_size=5))
def test_writing_what_an_independent_reader_read_gives_the_same_bytes(written: list[DskRow]):
    data = write(written)
    text = data.decode("cp932")
    again = [
        DskRow._make((*v[:3], v[3][3:], int(v[7]), *v[8:]))
        for v in list(csv.reader(io.StringIO(text, newline=""), strict=True))[1:]
    ]
    assert again == written
    assert write(again) == data


@given(rows())
def test_both_ways_of_reading_agree(row: DskRow):
    plain = write([row])
    head, line, *rest = plain.split(b"\r\n")
    quoted = b"\r\n".join((head, b'"' + line[:2] + b'"' + line[2:], *rest))
    assert read(quoted)[1][0][3:] == read(plain)[1][0][3:]


@pytest.mark.parametrize(
    ("kind", "stage"),
    [
        ("01", "provisional"),
        ("02", "confirmed"),
        ("03", "withdrawal"),
        ("12", "confirmed"),
        ("22", "confirmed"),
        ("81", "provisional"),
    ],
)
def test_each_kind_has_its_stage(kind: str, stage: str):
    remitted = "20260605" if stage == "confirmed" else "0"
    line = one(ROW._replace(kind=kind, remitted_on=remitted))
    assert (line.stage, line.kind, line.fault) == (stage, kind, None)
    expected = "2026-06-05" if stage == "confirmed" else None
    assert (line.remittance_ref, line.remitted_on) == (expected, expected)


@pytest.mark.parametrize("kind", ["12", "22"])
def test_postal_payments_tell_no_time(kind: str):
    assert one(CONFIRMED._replace(kind=kind, paid_at="0000")).paid_at is None
    assert one(ROW._replace(paid_at="0000")).paid_at == "00:00"


def test_an_echo_with_another_date_keeps_the_key():
    echo = CODE[:30] + "999999" + CODE[36:]
    line = one(CONFIRMED._replace(kind="12", paid_at="0000", barcode=echo))
    assert (line.key_valid, line.fault, line.is_ours) == (False, None, True)
    assert line.slip_key == one(ROW).slip_key


def test_an_echo_with_another_amount_counts_column_8():
    echo = CODE[:37] + "000001" + CODE[43:]
    line = one(CONFIRMED._replace(kind="22", paid_at="0000", barcode=echo, amount_yen=7900))
    assert (line.amount_yen, line.key_valid, line.fault) == (7900, False, None)
    assert line.identity == one(ROW).identity


def test_keys_of_a_line():
    line = one(ROW)
    free = CODE[8:29]
    assert line.identity == f"konbini_dsk:{free}1"
    assert line.record_key == f"konbini_dsk|01|20260520|1234|{CODE}|030|001234"
    assert line.payment_key == f"konbini_dsk|20260520|1234|{free}1|030|001234|12300"
    assert line.operator == "konbini_dsk"


def test_the_day_of_writing_is_no_content():
    first, later, other = one(ROW), one(ROW._replace(created_on="20260521")), one(CONFIRMED)
    assert first.content == later.content != other.content
    assert one(ROW._replace(cvs_name="別の店")).content != first.content


def test_what_the_reading_says_about_itself():
    reading, lines = read(KINDS)
    assert (reading.format_code, reading.channel) == ("konbini_dsk", Channel.KONBINI)
    assert reading.counts_equal_lines is True
    assert reading.agent == "konbini_dsk"
    assert (reading.count, reading.amount_yen) == (7, sum(line.amount_yen or 0 for line in lines))


def test_a_client_code_of_others_is_not_ours_but_no_fault():
    line = one(ROW._replace(barcode=barcode(client="00002")))
    assert (line.is_ours, line.fault) == (False, None)


@pytest.mark.parametrize(
    ("index", "value", "fault"),
    [
        (0, "04", "kind"),
        (0, "", "kind"),
        (0, "2", "kind"),
        (1, "20260532", "date"),
        (1, "99999999", "date"),
        (1, "2026052", "date"),
        (1, "2026-05-20", "date"),
        (2, "2400", "time"),
        (2, "1260", "time"),
        (2, "", "time"),
        (3, "EAN" + CODE[:43], "barcode"),
        (3, "EAN" + CODE + "0", "barcode"),
        (3, CODE, "barcode"),
        (3, "EAN92" + CODE[2:], "barcode"),
        (3, "", "barcode"),
        (4, "999999", "user_field"),
        (4, "", "user_field"),
        (5, "99999999999", "user_field"),
        (6, "2", "stamp_flag"),
        (7, "0", "amount_zero"),
        (7, "000000", "amount_zero"),
        (8, "30", "cvs_code"),
        (9, "店" * 61, "cvs_name"),
        (10, "1234", "shop_code"),
        (11, "0", "remittance"),
        (11, "", "remittance"),
        (11, "20260631", "remittance"),
        (11, "00000000", "remittance"),
        (12, "20260230", "created_on"),
        (12, "", "created_on"),
    ],
)
def test_one_wrong_value_is_that_line_alone(index: int, value: str, fault: str):
    good = write([ROW]).split(b"\r\n")[1]
    reading, lines = read(with_column(index, value) + good + b"\r\n")
    assert reading.findings == []
    assert [line.fault for line in lines] == [fault, None]
    bad = lines[0]
    assert bad.payment_key is None
    assert bad.amount_yen == (0 if index == 7 else 12300)
    assert bad.identity
    assert bad.record_key
    assert (bad.slip_key is None) is (fault == "barcode")


@pytest.mark.parametrize("kind", ["01", "03", "81"])
@pytest.mark.parametrize("written", ["20260605", "00000000", ""])
def test_no_transfer_date_before_the_books_are_closed(kind: str, written: str):
    assert one(ROW._replace(kind=kind, remitted_on=written)).fault == "remittance"


@pytest.mark.parametrize("value", ["-12300", "1234567", "", "12,3", "¥1", "12300 ", "1e5"])
def test_an_unreadable_amount_rejects_the_file(value: str):
    if "," in value:
        value = f'"{value}"'
    data = with_column(7, value.replace("¥", "\\"))
    found = only(read(data)[0].findings)
    assert (found.code, found.severity, found.line_no) == ("amount", Severity.FATAL, 2)
    assert found.byte_offset == data.index(b",0," + value.replace("¥", "\\").encode()) + 3
    assert (found.field, found.expected) == ("金額", "数字1〜6桁")


@pytest.mark.parametrize("index", [i for i in range(13) if i != 9])
def test_full_width_bytes_outside_the_name_reject_the_file(index: int):
    data = with_column(index, "１２")
    found = only(read(data)[0].findings)
    assert (found.code, found.field, found.found) == ("wide_bytes", LAYOUT.names[index], "１２")
    assert found.byte_offset == data.index("１２".encode("cp932"))


@pytest.mark.parametrize("byte", [b"\x80", b"\xa0", b"\xfd", b"\xfe", b"\xff", b"\x83"])
def test_bytes_that_are_no_characters_reject_the_file(byte: bytes):
    data = write([ROW._replace(cvs_name="NAME"), ROW]).replace(b"NAME", b"N" + byte)
    found = only(read(data)[0].findings)
    assert (found.code, found.severity, found.line_no) == ("undecodable", Severity.FATAL, 2)
    assert (found.byte_offset, found.field) == (data.index(b"N" + byte) + 1, "コンビニ名")


def test_a_file_in_utf_8_is_not_shift_jis():
    data = write([ROW]).decode("cp932").encode()
    assert FORMAT.identify(data)
    assert only(read(data)[0].findings).code in {"undecodable", "header"}


@pytest.mark.parametrize("encoding", ["cp932", "utf-8"])
def test_a_bom_rejects_the_file(encoding: str):
    data = b"\xef\xbb\xbf" + write([ROW]).decode("cp932").encode(encoding)
    assert FORMAT.identify(data)
    reading, lines = read(data)
    found = only(reading.findings)
    assert (found.code, found.severity, found.byte_offset) == ("bom", Severity.FATAL, 0)
    assert lines == []


def test_the_last_line_end_may_be_missing():
    reading, lines = read(KINDS.removesuffix(b"\r\n"))
    assert (reading.findings, len(lines)) == ([], 7)


@pytest.mark.parametrize("cut", [3, 5, 9])
def test_a_cut_last_field_rejects_the_file(cut: int):
    data = KINDS[:-cut]
    found = only(read(data)[0].findings)
    assert (found.code, found.line_no, found.byte_offset) == ("truncated", 8, len(data))


@pytest.mark.parametrize("cut", [11, 12, 20, 60, 100])
def test_a_cut_last_line_rejects_the_file(cut: int):
    assert only(read(KINDS[:-cut])[0].findings).code == "column_count"


@given(st.integers(0, len(KINDS) - 3))
def test_only_a_cut_between_lines_goes_unseen(length: int):
    # There is no trailer: what misses whole lines cannot be told from a shorter day.
    data = KINDS[:length]
    whole = data.endswith(b"\r\n") or KINDS[length : length + 2] == b"\r\n"
    assert read(data)[0].failed is not whole


def test_two_files_glued_together_are_refused():
    reading, _ = read(KINDS + KINDS)
    found = only(reading.findings)
    assert (found.code, found.line_no, found.byte_offset) == ("header_again", 9, len(KINDS))


@pytest.mark.parametrize("extra", [b"", b"01,20260520", b"\x1a", b"T,7,64500"])
def test_anything_else_than_a_line_is_refused(extra: bytes):
    found = only(read(KINDS + extra + b"\r\n")[0].findings)
    assert found.code == ("control_character" if extra == b"\x1a" else "column_count")
    assert (found.line_no, found.byte_offset) == (9, len(KINDS))


@pytest.mark.parametrize("answer", ["error:", "error: 対象なし\r\n次の行", "error:E01\n"])
def test_an_error_answer_is_refused(answer: str):
    data = answer.encode("cp932")
    assert FORMAT.identify(data)
    reading, lines = read(data)
    found = only(reading.findings)
    assert (found.code, found.severity) == ("agent_error", Severity.REFUSED)
    assert found.found == answer.splitlines()[0]
    assert (lines, reading.failed) == ([], True)


@pytest.mark.parametrize(
    ("data", "ours"),
    [
        (KINDS, True),
        (f'"種別","収納日",{HEADER}'.encode("cp932"), True),
        ("収納日,種別".encode("cp932"), False),
        (EXAMPLE.encode("cp932"), False),
        (b"ERROR: x", False),
        (b"", False),
    ],
)
def test_the_header_tells_the_format(data: bytes, ours: bool):
    assert FORMAT.identify(data) is ours

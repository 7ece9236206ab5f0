from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from delimited_samples import CONTEXT, GOLDEN, cases, listing, only
from hypothesis import given
from hypothesis import strategies as st

from reconcile.formats import assessments
from reconcile.formats.assessments import LAYOUT, AssessmentLine, AssessmentRow, write
from reconcile.model import Severity

if TYPE_CHECKING:
    from reconcile.formats.delimited_reader import RegisterReading

FOLDER = GOLDEN / "assessments"
EXAMPLE = (FOLDER / "example.csv").read_bytes()
ROW = AssessmentRow(
    "99999", "999", 2026, 2026, "0000012345", "01", "000000000123", "税目 太郎", "ゼイモク タロウ",
    "1000001", "未来市一丁目1-1", 12300, "2026-05-31", "initial", "G2026-0000012345", "",
)  # fmt: skip
FLAGS = ("collection_hold", "dunning_hold", "direct_debit")
TEXT = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))


@st.composite
def rows(draw: st.DrawFn) -> AssessmentRow:
    due = draw(st.dates(date(1951, 1, 1), date(2099, 12, 31)))
    kind = draw(st.sampled_from(("initial", "correction", "cancellation")))
    return AssessmentRow(
        "99999",
        draw(st.sampled_from(("901", "951", "999"))),
        due.year - (due.month < 4),
        draw(st.integers(1950, 2099)),
        draw(st.text(TEXT, min_size=1, max_size=20)),
        f"{draw(st.integers(1, 99)):02d}",
        draw(st.text(TEXT, min_size=1, max_size=15)),
        draw(st.text(TEXT, min_size=1, max_size=100)),
        draw(st.text(TEXT, max_size=100)),
        draw(st.sampled_from(("", "1000001"))),
        draw(st.text(TEXT, max_size=200)),
        0 if kind == "cancellation" else draw(st.integers(0, 10**11 - 1)),
        due.isoformat(),
        kind,
        draw(st.text(TEXT, max_size=30)),
        ";".join(draw(st.lists(st.sampled_from(FLAGS), unique=True))),
    )


def read(data: bytes) -> tuple[RegisterReading[AssessmentLine], list[AssessmentLine]]:
    reading = assessments.read(data, CONTEXT)
    return reading, list(reading.lines)


def with_column(name: str, value: str) -> bytes:
    """A file of one good line, in which one column says something else."""
    head, line, *rest = write([ROW]).decode().split("\r\n")
    values = line.split(",")
    values[LAYOUT.names.index(name)] = value
    return "\r\n".join((head, ",".join(values), *rest)).encode()


@pytest.mark.parametrize("case", cases("assessments"))
def test_golden_files_read_as_listed(case: str):
    expected = (FOLDER / f"{case}.expected.txt").read_text(encoding="utf-8")
    data = (FOLDER / f"{case}.csv").read_bytes()
    assert listing(assessments.read(data, CONTEXT)) == expected


@given(st.lists(rows(), max_size=3))
def test_reading_and_writing_again_gives_the_same_bytes(written: list[AssessmentRow]):
    data = write(written)
    reading, lines = read(data)
    assert reading.findings == []
    assert (reading.count, reading.amount_yen) == (
        len(written), sum(row.amount_yen for row in written),
    )  # fmt: skip
    assert [AssessmentRow(*line[2:]) for line in lines] == written
    assert write(AssessmentRow(*line[2:]) for line in lines) == data


def test_the_example_reads_and_writes_to_its_bytes():
    reading, lines = read(EXAMPLE)
    assert (reading.format_code, reading.failed) == ("assessments", False)
    assert lines[0] == AssessmentLine(2, 179, *ROW)
    assert (lines[1].amount_yen, lines[1].flags) == (12000, "direct_debit")
    assert write(AssessmentRow(*line[2:]) for line in lines) == EXAMPLE


def test_a_line_begins_where_it_says():
    _, lines = read(EXAMPLE)
    for line in lines:
        assert EXAMPLE[line.byte_offset :].startswith(b"99999,999,2026")


def test_names_keep_every_character():
    name = '𠮷田󠄀　葛󠄁子, "本人"'  # beyond the BMP, with a variation selector
    _, (line,) = read(write([ROW._replace(obligor_name=name)]))
    assert line.obligor_name == name


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("municipality_code", "9999", "municipality_code"),
        ("municipality_code", "99998", "other_municipality"),
        ("item_code", "99", "item_code"),
        ("item_code", "998", "unknown_item"),
        ("fiscal_year", "26", "year"),
        ("levy_year", "2100", "year"),
        ("notice_no", "", "notice_no"),
        ("notice_no", "1" * 21, "notice_no"),
        ("term", "00", "term"),
        ("term", "1", "term"),
        ("obligor_no", "", "obligor_no"),
        ("obligor_no", "1" * 16, "obligor_no"),
        ("obligor_name", "", "obligor_name"),
        ("obligor_name", "名" * 101, "obligor_name"),
        ("obligor_kana", "カ" * 101, "obligor_kana"),
        ("postal_code", "100-0001", "postal_code"),
        ("address", "町" * 201, "address"),
        ("amount_yen", "-1", "amount"),
        ("amount_yen", "", "amount"),
        ("amount_yen", "1" * 12, "amount"),
        ("due_on_statutory", "2026-05-32", "date"),
        ("due_on_statutory", "2026-02-29", "date"),
        ("due_on_statutory", "20260531", "date"),
        ("due_on_statutory", "", "date"),
        ("kind", "new", "assessment_kind"),
        ("whole_year_group", "G" * 31, "whole_year_group"),
        ("flags", "hold", "flags"),
        ("flags", "direct_debit;", "flags"),
        ("kind", "cancellation", "cancellation_amount"),
        ("term", "０１", "wide_bytes"),
        ("amount_yen", "１２３００", "wide_bytes"),
    ],
)
def test_any_bad_value_rejects_the_file_with_its_place(name: str, value: str, code: str):
    data = with_column(name, value)
    reading, lines = read(data)
    found = only(reading.findings)
    assert (found.code, found.severity, found.line_no) == (code, Severity.FATAL, 2)
    assert (reading.failed, lines) == (True, [])
    if code == "cancellation_amount":
        name, value = "amount_yen", "12300"
    personal = bool(value) and name in {"obligor_name", "obligor_kana", "postal_code", "address"}
    assert (found.field, personal) == (name, found.found.startswith(f"（{len(value)}文字、"))
    assert personal or found.found == value[:60]
    assert found.byte_offset is not None
    assert data[found.byte_offset :].startswith(value.encode())
    before = data[: found.byte_offset].rpartition(b"\r\n")[2]
    assert before.count(b",") == LAYOUT.names.index(name)


def test_several_bad_values_are_all_named():
    data = write([ROW._replace(municipality_code="99998", due_on_statutory="2026-02-30"), ROW])
    reading, lines = read(data)
    assert [found.code for found in reading.findings] == ["other_municipality", "date"]
    assert [line.line_no for line in lines] == [3]


@pytest.mark.parametrize(
    ("due", "year"),
    [("2027-03-31", 2026), ("2027-04-01", 2027), ("2026-12-25", 2026), ("2027-01-31", 2026)],
)
def test_the_fiscal_year_is_that_of_the_unshifted_date(due: str, year: int):
    row = ROW._replace(due_on_statutory=due, fiscal_year=year)
    assert read(write([row]))[0].findings == []
    data = write([row._replace(fiscal_year=year - 1)])
    reading, lines = read(data)
    found = only(reading.findings)
    assert (found.code, found.severity, found.field) == (
        "fiscal_year", Severity.WARNING, "fiscal_year",
    )  # fmt: skip
    assert (found.found, found.expected) == (str(year - 1), str(year))
    assert found.byte_offset == data.index(b"\r\n") + 2 + len("99999,999,")
    assert (reading.failed, len(lines)) == (False, 1)


@pytest.mark.parametrize("kind", ["initial", "correction"])
def test_an_instalment_may_be_nothing(kind: str):
    # Truncation puts the remainder into the first instalment, so a later one can be 0.
    assert read(write([ROW._replace(kind=kind, amount_yen=0)]))[0].findings == []


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ((b"T,2,24300", b"T,2,24301"), "trailer_total"),
        ((b"T,2,24300", b"T,1,24300"), "trailer_count"),
        ((b"T,2,24300\r\n", b""), "trailer_missing"),
        ((b"T,2,24300\r\n", b"T,2,24300\r\nx"), "after_trailer"),
        ((b"term,obligor_no", b"obligor_no,term"), "header"),
        ((b",initial", b",initial,"), "column_count"),
        ((b"1000001", b"10000\x81"), "undecodable"),
        ((b"\r\n", b"\n"), "newline"),
    ],
)
def test_a_damaged_file_is_rejected(damage: tuple[bytes, bytes], code: str):
    reading, _ = read(EXAMPLE.replace(*damage))
    assert reading.findings[0].code == code
    assert reading.failed


def test_a_bom_is_ignored():
    reading, lines = read(b"\xef\xbb\xbf" + EXAMPLE)
    assert (reading.findings, [line.byte_offset for line in lines]) == ([], [182, 340])


def test_another_municipality_reads_its_own_file():
    profile = replace(CONTEXT.profile, municipality_code="99998")
    reading = assessments.read(EXAMPLE, replace(CONTEXT, profile=profile))
    assert list(reading.lines) == []
    assert {found.code for found in reading.findings} == {"other_municipality"}


@pytest.mark.parametrize(
    ("data", "ours"),
    [(EXAMPLE, True), (b"municipality_code,item_code,levy_year", False), (b"", False)],
)
def test_the_header_tells_the_format(data: bytes, ours: bool):
    assert assessments.identify(data) is ours

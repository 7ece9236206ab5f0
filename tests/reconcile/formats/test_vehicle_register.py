"""車両台帳: a register without money, read and written; every wrong value with its place."""

from __future__ import annotations

from datetime import date

import pytest
from delimited_samples import CONTEXT, GOLDEN, cases, listing, only
from hypothesis import given
from hypothesis import strategies as st

from reconcile.formats import slip_register, vehicle_register
from reconcile.formats.vehicle_register import LAYOUT, VehicleRow, read, write
from reconcile.model import Severity

ROW = VehicleRow("99999", "903", 2026, "0000012345", "未来 580 あ 12-34", "2027-05-31")
EXAMPLE = write([ROW, ROW._replace(notice_no="0000012346", certificate_until="")])
TEXT = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))
DAYS = st.dates(date(1950, 1, 1), date(2099, 12, 31)).map(date.isoformat)
ROWS = st.builds(
    VehicleRow,
    st.just("99999"),
    st.sampled_from(("901", "903")),
    st.integers(1950, 2099),
    st.text(TEXT, min_size=1, max_size=20),
    st.text(TEXT, min_size=1, max_size=30),
    st.just("") | DAYS,
)


def _findings(data: bytes):
    reading = read(data, CONTEXT)
    list(reading.lines)
    return reading.findings


@pytest.mark.parametrize("case", cases("vehicle_register"))
def test_golden_files(case: str):
    folder = GOLDEN / "vehicle_register"
    data = (folder / f"{case}.csv").read_bytes()
    expected = (folder / f"{case}.expected.txt").read_text("utf-8")
    assert listing(read(data, CONTEXT)) == expected


def test_the_trailer_counts_and_adds_nothing_up():
    assert EXAMPLE.decode().splitlines() == [
        "municipality_code,item_code,levy_year,notice_no,vehicle_no,certificate_until",
        "99999,903,2026,0000012345,未来 580 あ 12-34,2027-05-31",
        "99999,903,2026,0000012346,未来 580 あ 12-34,",
        "T,2",
    ]
    reading = read(EXAMPLE, CONTEXT)
    assert [line[2:] for line in reading.lines] == [
        ROW,
        ROW._replace(notice_no="0000012346", certificate_until=""),
    ]
    assert (reading.format_code, reading.count, reading.amount_yen) == ("vehicle_register", 2, 0)
    assert not reading.failed


@given(st.lists(ROWS, max_size=5))
def test_what_is_written_is_read(rows: list[VehicleRow]):
    reading = read(write(rows), CONTEXT)
    assert [line[2:] for line in reading.lines] == rows
    assert (reading.findings, reading.count) == ([], len(rows))


@pytest.mark.parametrize(
    ("changes", "code", "field", "expected"),
    [
        ({"municipality_code": "88888"}, "other_municipality", "municipality_code", "99999"),
        ({"item_code": "777"}, "unknown_item", "item_code", "団体設定の科目"),
        ({"levy_year": 26}, "year", "levy_year", "YYYY"),
        ({"notice_no": ""}, "notice_no", "notice_no", "1〜20文字"),
        ({"vehicle_no": ""}, "vehicle_no", "vehicle_no", "1〜30文字"),
        ({"vehicle_no": "あ" * 31}, "vehicle_no", "vehicle_no", "1〜30文字"),
        ({"certificate_until": "2027-02-30"}, "date", "certificate_until", "YYYY-MM-DDまたは空欄"),
        ({"certificate_until": "20270531"}, "date", "certificate_until", "YYYY-MM-DDまたは空欄"),
    ],
)
def test_a_wrong_value_is_named(changes, code, field, expected):
    row = ROW._replace(**changes)
    found = only(_findings(write([ROW, row])))
    assert (found.code, found.field, found.expected) == (code, field, expected)
    assert (found.severity, found.line_no) == (Severity.FATAL, 3)
    index = LAYOUT.names.index(field)
    assert found.found == str(row[index])[:60]


@pytest.mark.parametrize(
    ("damage", "code", "found", "expected"),
    [
        ((b"T,2", b"T,3"), "trailer_count", "3", "2"),
        ((b"T,2", b"T,2,0"), "trailer_form", "T,2,0", "T,<件数>"),
        ((b"T,2\r\n", b""), "trailer_missing", "", "T,<件数>"),
        ((b"T,2\r\n", b"T,2\r\nx"), "after_trailer", "x", ""),
    ],
)
def test_the_end_must_tie(damage, code, found, expected):
    finding = only(_findings(EXAMPLE.replace(*damage)))
    assert (finding.code, finding.found, finding.expected) == (code, found, expected)


def test_a_trailer_with_a_total_stays_one():
    data = slip_register.write([]).replace(b"T,0,0", b"T,0")
    reading = slip_register.read(data, CONTEXT)
    list(reading.lines)
    finding = only(reading.findings)
    assert (finding.code, finding.expected) == ("trailer_form", "T,<件数>,<合計>")


def test_the_header_tells_it_from_a_slip_register():
    assert vehicle_register.identify(EXAMPLE)
    assert not slip_register.identify(EXAMPLE)
    assert not vehicle_register.identify(slip_register.write([]))

"""The guards that every fixed-length file passes: structure, lengths and bytes."""

from __future__ import annotations

import pytest
from fixed_samples import (
    ACCOUNT,
    CONTEXT,
    batch,
    collected,
    findings,
    join,
    notices,
    patch,
    quarantined,
    read,
    records,
    refused,
    statement,
)
from hypothesis import given
from hypothesis import strategies as st

from reconcile.formats import (
    debit_result,
    konbini_mizuho120,
    konbini_muf120,
    zengin_credit,
    zengin_statement,
)
from reconcile.formats.detect import detect
from reconcile.formats.fixed_reader import FINDINGS_MAX, FixedFormat
from reconcile.formats.wrapping import Wrapping
from reconcile.model import Finding

FILES = {
    "zengin_statement": (zengin_statement.FORMAT, zengin_statement.write([statement()])),
    "zengin_credit": (zengin_credit.FORMAT, zengin_credit.write([notices()])),
    "debit_result": (debit_result.FORMAT, debit_result.write([batch()])),
    "konbini_muf120": (konbini_muf120.FORMAT, konbini_muf120.write([collected()])),
    "konbini_mizuho120": (konbini_mizuho120.FORMAT, konbini_mizuho120.write([collected()])),
}
EACH = pytest.mark.parametrize("code", FILES)


@EACH
@pytest.mark.parametrize("newline", [b"\r\n", b"\r", b"\n", b""])
@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("end_of_file", [True, False])
def test_every_way_to_end_records_reads_the_same(code, newline, closed, end_of_file):
    form, data = FILES[code]
    usual, _ = read(form, data)
    lines, reading = read(form, Wrapping(newline, closed, end_of_file).join(records(data)))
    assert reading.findings == []
    assert [line._replace(byte_offset=0) for line in lines] == [
        line._replace(byte_offset=0) for line in usual
    ]


@EACH
def test_a_line_names_its_bytes_in_the_file(code):
    form, data = FILES[code]
    lines, reading = read(form, data)
    assert reading.count == len(lines) > 0
    assert reading.amount_yen == sum(line.amount_yen or 0 for line in lines)
    for line in lines:
        row = data[line.byte_offset : line.byte_offset + line.byte_length]
        assert row == records(data)[line.line_no - 1]


@EACH
def test_two_groups_in_one_file(code):
    form, data = FILES[code]
    rows = records(data)
    if form is zengin_statement.FORMAT:
        rows[-1:] = []
        end = zengin_statement.END.write(
            {"record_type": "9", "record_count": 2 * len(rows) + 1, "account_count": 2}
        )
        rows = [*rows, *rows, end]
    else:
        rows = [*rows[:-1], *rows]
    lines, reading = read(form, join(rows))
    assert reading.findings == []
    assert len(lines) == 2 * len(read(form, data)[0])


@EACH
def test_bom(code):
    form, data = FILES[code]
    assert form.identify(b"\xef\xbb\xbf" + data)
    found = quarantined(form, b"\xef\xbb\xbf" + data, "bom")
    assert found.found == "EF BB BF"


@EACH
def test_a_truncated_file(code):
    form, data = FILES[code]
    row = len(records(data)[0])
    cut = data[: 2 * (row + 2) + 30]
    codes = [found.code for found in findings(form, cut)]
    assert codes == ["record_length", "trailer_missing", "end_missing"]
    first = findings(form, cut)[0]
    assert (first.line_no, first.byte_offset) == (3, 2 * (row + 2))
    assert (first.found, first.expected) == ("30", str(row))


@EACH
def test_a_truncated_file_without_line_ends(code):
    form, data = FILES[code]
    cut = b"".join(records(data))[:-30]
    assert [found.code for found in findings(form, cut)] == ["record_length"]


@EACH
def test_a_record_too_long(code):
    form, data = FILES[code]
    rows = records(data)
    rows[1] += b"0"
    found = quarantined(form, join(rows), "record_length")
    assert (found.line_no, found.found) == (2, str(len(rows[0]) + 1))


@EACH
def test_full_width_bytes_name_the_field_they_stand_in(code):
    form, data = FILES[code]
    label = form.reader.layouts["2"].field_at(len(records(data)[0]) - 2).label
    position = len(records(data)[0]) - 1
    found = quarantined(form, patch(data, 2, position, "税".encode("cp932")), "wide_bytes")
    said = "（1文字、全角を含む）" if label in {"EDI情報", "摘要内容"} else "税"
    assert (found.line_no, found.field, found.found) == (2, label, said)
    assert data[: found.byte_offset].count(b"\r\n") == 1
    assert found.byte_offset == len(records(data)[0]) + 2 + position - 1


@EACH
def test_stray_bytes(code):
    form, data = FILES[code]
    found = quarantined(form, patch(data, 2, len(records(data)[0]), b"\x00"), "invalid_byte")
    assert found.found == "0x00"


@EACH
def test_another_line_end_in_the_middle(code):
    form, data = FILES[code]
    row = len(records(data)[0])
    broken = data[:row] + b"\r\n" + data[row + 2 : 2 * row + 2] + b"\n" + data[2 * row + 4 :]
    found = quarantined(form, broken, "line_end")
    assert (found.found[:2], found.expected) == ("0A", "0D 0A")


@EACH
def test_a_missing_end_record(code):
    form, data = FILES[code]
    found = quarantined(form, join(records(data)[:-1]), "end_missing")
    assert found.expected == "エンド"


@EACH
def test_a_missing_trailer(code):
    form, data = FILES[code]
    rows = records(data)
    codes = [found.code for found in findings(form, join([*rows[:-2], rows[-1]]))]
    assert codes[0] == "trailer_missing"


@EACH
def test_a_header_inside_a_group(code):
    form, data = FILES[code]
    rows = records(data)
    codes = [found.code for found in findings(form, join([rows[0], *rows]))]
    assert codes[0] == "trailer_missing"


@EACH
def test_data_without_a_header(code):
    form, data = FILES[code]
    rows = records(data)
    found = findings(form, join([*rows[:-1], rows[1], rows[-1]]))
    assert found[0].code == "header_missing"
    assert found[0].line_no == len(rows)


@EACH
def test_a_trailer_without_a_header(code):
    form, data = FILES[code]
    rows = records(data)
    assert findings(form, join([*rows[:-1], rows[-2], rows[-1]]))[0].code == "header_missing"


@EACH
def test_an_end_record_alone(code):
    form, data = FILES[code]
    assert findings(form, join(records(data)[-1:]))[0].code == "header_missing"


@EACH
def test_an_unknown_record_type(code):
    form, data = FILES[code]
    found = quarantined(form, patch(data, 2, 1, b"5"), "record_type")
    assert (found.line_no, found.found) == (2, "5")


@EACH
def test_a_shifted_record_without_line_ends_stops_the_reading(code):
    form, data = FILES[code]
    rows = records(data)
    assert quarantined(form, b"".join([rows[0], b"x", *rows[1:]]), "record_type").line_no == 2


@EACH
@pytest.mark.parametrize("rest", [b"\r\n", b"x", b"9" * 400])
def test_anything_after_the_end_record(code, rest):
    form, data = FILES[code]
    assert quarantined(form, data + rest, "after_end").line_no == len(records(data)) + 1


@EACH
def test_the_same_file_twice_in_one(code):
    form, data = FILES[code]
    assert quarantined(form, data + data, "after_end").line_no == len(records(data)) + 1


@EACH
@pytest.mark.parametrize("other", FILES)
def test_two_formats_in_one_file(code, other):
    if code == other:
        return
    form, data = FILES[code]
    found = refused(form, data + FILES[other][1], "several_formats")
    assert (found.found, found.expected) == (other, code)


@EACH
@pytest.mark.parametrize("other", FILES)
def test_a_group_of_another_format_before_the_end(code, other):
    if code == other:
        return
    form, data = FILES[code]
    rows = records(data)
    inner = records(FILES[other][1])[:-1]
    found = refused(form, join([*rows[:-1], *inner, rows[-1]]), "several_formats")
    assert (found.found, found.expected) == (other, code)


@EACH
def test_a_csv_file_behind_the_end_record(code):
    form, data = FILES[code]
    csv = b"record_kind,collecting_body_code,item_code\r\n"
    assert refused(form, data + csv, "several_formats").found == "eltax_payment"


@EACH
def test_an_other_zengin_file_behind_the_end_record(code):
    form, data = FILES[code]
    request = b"1210" + b"9" * 116
    assert refused(form, data + request, "several_formats").found == "総合振込"


def test_findings_are_capped():
    rows = records(FILES["konbini_muf120"][1])
    data = join([rows[0], *[b"x" * 120] * (FINDINGS_MAX + 50), *rows[-2:]])
    assert len(findings(konbini_muf120.FORMAT, data)) == FINDINGS_MAX


def test_totals_are_not_compared_when_records_could_not_be_read():
    rows = records(FILES["zengin_statement"][1])
    rows[1] = rows[1][:-3]
    assert [f.code for f in findings(zengin_statement.FORMAT, join(rows))] == ["record_length"]


def test_reading_is_lazy():
    form, data = FILES["debit_result"]
    reading = form.read(data, CONTEXT)
    assert reading.count == 0
    next(reading.lines)
    assert reading.count == 1


def test_an_empty_group_is_a_nil_report():
    rows = records(zengin_statement.write([statement()._replace(movements=(), account=ACCOUNT)]))
    assert [row[:1] for row in rows] == [b"1", b"8", b"9"]
    lines, reading = read(zengin_statement.FORMAT, join(rows))
    assert (lines, reading.findings) == ([], [])


@EACH
@given(
    places=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=8),
    cut=st.integers(0, 2000),
    again=st.integers(0, 2000),
)
def test_no_damage_makes_the_reading_fail(code, places, cut, again):
    form, data = FILES[code]
    spoilt = bytearray(data)
    for position, value in places:
        spoilt[position % len(spoilt)] = value
    spoilt = spoilt[: cut % len(spoilt) + 1] + spoilt[again % len(spoilt) :]
    lines, reading = read(form, bytes(spoilt))
    assert all(line.identity and line.record_key and len(line.content) == 16 for line in lines)
    assert all(0 <= (each.byte_offset or 0) <= len(spoilt) for each in reading.findings)
    assert isinstance(detect(bytes(spoilt)), Finding | FixedFormat)

"""形式の判定: one claim, or a refusal that says what the file looks like."""

from __future__ import annotations

import pytest
from fixed_samples import batch, collected, join, notices, only, read, records, statement

from reconcile import formats
from reconcile.formats import (
    debit_result,
    konbini_mizuho120,
    konbini_muf120,
    signatures,
    zengin_credit,
    zengin_statement,
)
from reconcile.formats.detect import detect
from reconcile.model import Finding, Severity

FILES = {
    "zengin_statement": zengin_statement.write([statement()]),
    "zengin_credit": zengin_credit.write([notices()]),
    "debit_result": debit_result.write([batch()]),
    "konbini_muf120": konbini_muf120.write([collected()]),
    "konbini_mizuho120": konbini_mizuho120.write([collected()]),
}
CSV_HEADS = {
    "konbini_dsk": "種別,収納日,収納時刻,".encode("cp932"),
    "eltax_payment": b"record_kind,collecting_body_code,item_code,",
    "eltax_remittance": b"remittance_no,remitted_on,channel,",
}


def refusal(data: bytes) -> Finding:
    found = detect(data)
    assert isinstance(found, Finding)
    assert found.severity is Severity.REFUSED
    return found


def test_every_format_has_a_code_of_its_own():
    codes = [form.code for form in formats.FORMATS]
    assert sorted(codes) == sorted({*FILES, *CSV_HEADS})
    assert all(form.label_ja and form.sources for form in formats.FORMATS)


@pytest.mark.parametrize("code", FILES)
def test_a_file_is_known_by_its_content(code):
    form = detect(FILES[code])
    assert not isinstance(form, Finding)
    assert form.code == code
    assert read(form, FILES[code])[1].findings == []
    assert detect(b"".join(records(FILES[code]))).code == code


@pytest.mark.parametrize("code", CSV_HEADS)
def test_the_opening_of_a_csv_file_is_known(code):
    assert signatures.opening(CSV_HEADS[code]) == code


@pytest.mark.parametrize("code", FILES)
def test_a_file_with_a_bom_is_still_known(code):
    assert detect(b"\xef\xbb\xbf" + FILES[code]).code == code


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kind, name)
        for kind, name in signatures.ZENGIN_KINDS.items()
        if kind not in {"01", "03", "91"}
    ],
)
def test_another_zengin_kind_is_refused_by_name(kind, name):
    found = refusal(f"1{kind}01234567890".ljust(120).encode())
    assert (found.code, found.found) == ("other_zengin_kind", f"{kind} {name}")
    assert (found.line_no, found.byte_offset, found.field) == (1, 1, "種別コード")


def test_digits_in_ebcdic_are_refused():
    assert refusal(bytes([0xF1, 0xF0, 0xF3, 0xF1, *[0xF0] * 196])).code == "ebcdic"


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\xef\xbb\xbf"])
def test_an_empty_file(data):
    assert refusal(data).code == "empty_file"


@pytest.mark.parametrize(
    "data", [b"%PDF-1.7", b"a,b,c\r\n", b"2" * 120, b"1" + b"x" * 119, b"1550" * 30]
)
def test_a_file_of_no_known_format(data):
    found = refusal(data)
    assert found.code == "unknown_format"
    assert found.expected.count(",") == len(formats.FORMATS) - 1


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"municipality_code,item_code,fiscal_year,levy_year", "assessments"),
        (b"municipality_code,item_code,levy_year,notice_no", "slip_register"),
        (b"municipality_code,item_code,levy_year,notice_no,vehicle_no,", "vehicle_register"),
    ],
)
def test_a_file_for_another_command_is_named(head, code):
    found = refusal(head)
    assert (found.code, found.found) == ("wrong_command", code)
    assert found.expected.startswith("kokin ")


def test_an_agents_error_answer_is_refused_by_whoever_claims_it():
    found = detect(b"error: no data\r\n")
    if not isinstance(found, Finding):
        found = only(read(found, b"error: no data\r\n")[1].findings)
    assert (found.code, found.severity) == ("agent_error", Severity.REFUSED)


def test_a_file_that_two_formats_claim_is_refused(monkeypatch):
    monkeypatch.setattr(
        "reconcile.formats.detect.FORMATS", (debit_result.FORMAT, debit_result.FORMAT)
    )
    found = refusal(FILES["debit_result"])
    assert (found.code, found.found) == ("several_formats", "debit_result, debit_result")


@pytest.mark.parametrize("code", ["konbini_muf120", "konbini_mizuho120"])
def test_a_konbini_file_is_told_by_the_first_readable_barcode(code):
    rows = records(FILES[code])
    blank = rows[1][:12] + b" " * 50 + rows[1][62:]
    assert detect(join([rows[0], blank, *rows[1:]])).code == code


@pytest.mark.parametrize("code", ["konbini_muf120", "konbini_mizuho120"])
def test_a_nil_report_is_told_by_its_header(code):
    rows = records(FILES[code])
    assert detect(join([rows[0], *rows[-2:]])).code == code


def test_data_without_any_barcode_are_of_no_known_format():
    rows = records(FILES["konbini_muf120"])
    assert refusal(join([rows[0], b"2".ljust(120), *rows[-2:]])).code == "unknown_format"

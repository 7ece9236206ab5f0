"""Every accepted file, taken apart and written back by the same tables, is the bytes delivered."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fixed_samples import (
    CONTEXT,
    GOLDEN,
    GOLDEN_ACCOUNT,
    PROFILE,
    SECOND_ACCOUNT,
    batch,
    collected,
    join,
    notices,
    read,
    records,
    statement,
)
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from reconcile.formats import (
    FORMATS,
    assessments,
    debit_result,
    konbini_mizuho120,
    konbini_muf120,
    signatures,
    slip_register,
    zengin_credit,
    zengin_statement,
)
from reconcile.formats.delimited_reader import DelimitedFormat
from reconcile.formats.fixed_reader import FixedFormat
from reconcile.model import ReadContext

EVERY_ACCOUNT = ReadContext(
    CONTEXT.received_on,
    replace(PROFILE, accounts=(*PROFILE.accounts, GOLDEN_ACCOUNT, SECOND_ACCOUNT)),
)
GOOD = [
    pytest.param(form, path.read_bytes(), id=f"{form.code}/{path.stem}")
    for form in FORMATS
    for path in sorted((GOLDEN / form.code).iterdir())
    if path.suffix != ".txt" and not read(form, path.read_bytes(), EVERY_ACCOUNT)[1].failed
]
FIXED = {
    "zengin_statement": zengin_statement.write([statement(), statement()]),
    "zengin_credit_a": zengin_credit.write([notices()]),
    "zengin_credit_b": zengin_credit.write([notices()], format_b=True),
    "debit_result": debit_result.write([batch(), batch()]),
    "konbini_muf120": konbini_muf120.write([collected(), collected()]),
    "konbini_mizuho120": konbini_mizuho120.write([collected()]),
}
FORM = {form.code: form for form in FORMATS}
# Every unquoted text a line of these files may hold, and what must be quoted.
VALUES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x3FF, exclude_characters="\x7f"), max_size=12
)


def written_back(form, data: bytes) -> bytes:
    wrapping, rows = form.take_apart(data)
    return form.write(rows, wrapping)


@pytest.mark.parametrize(("form", "data"), GOOD)
def test_golden_files(form, data):
    assert written_back(form, data) == data


def test_no_format_is_left_out():
    assert {form.code for form, _ in (param.values for param in GOOD)} == FORM.keys()
    assert all(isinstance(form, FixedFormat | DelimitedFormat) for form in FORMATS)


@pytest.mark.parametrize("code", FIXED)
@pytest.mark.parametrize("newline", [b"\r\n", b"\r", b"\n", b""])
@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("end_of_file", [b"", b"\x1a"])
def test_every_way_to_hold_fixed_records_together(code, newline, closed, end_of_file):
    form = FORM[code.removesuffix("_a").removesuffix("_b")]
    data = newline.join(records(FIXED[code])) + (newline if closed else b"") + end_of_file
    assert not read(form, data)[1].failed
    assert written_back(form, data) == data


@given(code=st.sampled_from(sorted(FIXED)), data=st.data())
def test_any_padding_of_a_fixed_record_survives(code, data):
    """Whatever single bytes stand in a record: zeros, blanks, kana, things we would not write."""
    form = FORM[code.removesuffix("_a").removesuffix("_b")]
    rows = records(FIXED[code])
    number = data.draw(st.integers(0, len(rows) - 1))
    row = bytearray(rows[number])
    at = data.draw(st.integers(1, len(row) - 8))
    row[at : at + 8] = data.draw(
        st.lists(st.sampled_from(b" 0019Aa,-\\~\xa6\xb6\xde\xdf"), min_size=8, max_size=8)
    )
    spoilt = join([*rows[:number], bytes(row), *rows[number + 1 :]])
    assert written_back(form, spoilt) == spoilt


@given(
    lines=st.lists(st.lists(VALUES, min_size=2, max_size=5), min_size=1, max_size=5),
    quotes=st.sets(st.integers(0, 24)),
    closed=st.booleans(),
    bom=st.booleans(),
)
def test_every_way_to_write_lines(lines, quotes, closed, bom):
    """Quotes where none are needed, a BOM, a missing last line end: all of it comes back."""

    def field(value: str, place: int) -> str:
        bare = place not in quotes and "," not in value and '"' not in value
        return value if bare else '"' + value.replace('"', '""') + '"'

    text = "\r\n".join(
        ",".join(field(value, 5 * row + column) for column, value in enumerate(values))
        for row, values in enumerate(lines)
    )
    data = (b"\xef\xbb\xbf" if bom else b"") + (text + "\r\n" * closed).encode()
    for form in (FORM["eltax_payment"], FORM["eltax_remittance"]):
        assert written_back(form, data) == data


@pytest.mark.parametrize("register", [assessments, slip_register])
def test_registers(register):
    data = (GOLDEN / register.LAYOUT.code / "example.csv").read_bytes()
    wrapping, rows = register.LAYOUT.take_apart(data)
    assert register.LAYOUT.put_together(rows, wrapping) == data


def test_a_line_that_no_accepted_file_has_is_not_taken_apart():
    with pytest.raises(InvalidValueError) as stopped:
        list(FORM["eltax_payment"].take_apart(b'a,"b\r\n')[1])
    assert stopped.value.error_code == "record_quoting"


@pytest.mark.parametrize("module", [konbini_muf120, konbini_mizuho120])
def test_the_place_that_tells_the_konbini_layouts_apart_is_that_of_their_tables(module):
    at, place = module.DATA.slices, signatures.BARCODES[module.FORMAT.code]
    assert at["barcode_id"].start == place.start
    assert at["filler_1"].start == place.stop

"""Described layouts beside the shipped ones: what claims a file, readings, bytes written back."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from fixed_samples import (
    CONTEXT,
    GOLDEN,
    PROFILE,
    batch,
    collected,
    join,
    notices,
    records,
    statement,
)
from hypothesis import given
from hypothesis import strategies as st
from own_layouts import (
    EXAMPLES,
    description,
    kyodo,
    kyodo_line,
    own_context,
    own_format,
    with_layouts,
)

from payments.domain.errors import InvalidValueError
from reconcile.formats import (
    FORMATS,
    debit_result,
    eltax_payment,
    konbini_mizuho120,
    konbini_muf120,
    zengin_credit,
    zengin_statement,
)
from reconcile.formats.detect import detect
from reconcile.formats.own_format import OwnFormat, formats_of
from reconcile.model import Finding
from web.texts.errors import ERRORS

MUF = description("konbini_muf120")
KYODO = description("konbini_kyodo")
GOLDEN_MUF = sorted((GOLDEN / "konbini_muf120").glob("*.dat"))
SHIPPED = {
    "zengin_statement": zengin_statement.write([statement()]),
    "zengin_credit": zengin_credit.write([notices()]),
    "debit_result": debit_result.write([batch()]),
    "konbini_mizuho120": konbini_mizuho120.write([collected()]),
    "konbini_muf120": konbini_muf120.write([collected()]),
    "konbini_dsk": (GOLDEN / "konbini_dsk" / "example.csv").read_bytes(),
    "eltax_payment": eltax_payment.write([]),
}


@pytest.mark.parametrize("path", GOLDEN_MUF, ids=lambda path: path.stem)
def test_a_shipped_layout_described_as_data_reads_the_same(path):
    """Lines, keys and digests included; findings too, but for the warnings about codes."""
    data = path.read_bytes()
    shipped, own = konbini_muf120.FORMAT.read(data, CONTEXT), own_format(MUF).read(data, CONTEXT)
    assert list(own.lines) == list(shipped.lines)
    assert own.findings == [each for each in shipped.findings if each.code != "unknown_company"]
    assert (own.count, own.amount_yen, own.agent) == (
        shipped.count, shipped.amount_yen, shipped.agent,
    )  # fmt: skip


def test_what_replaces_a_shipped_format_takes_its_place_and_no_other():
    formats = formats_of(with_layouts(MUF))
    assert [entry.code for entry in formats].count("konbini_muf120") == 1
    assert isinstance(formats[-1], OwnFormat)
    assert {entry.code for entry in formats} == {entry.code for entry in FORMATS}
    for code, data in SHIPPED.items():
        found = detect(data, with_layouts(MUF, KYODO))
        assert not isinstance(found, Finding)
        assert found.code == code


def test_without_layouts_nothing_changes():
    assert formats_of(PROFILE) is FORMATS


def test_a_described_file_is_known_by_its_content():
    profile = with_layouts(MUF, KYODO)
    found = detect(kyodo(kyodo_line()), profile)
    assert found.code == "konbini_kyodo"
    assert detect(kyodo(kyodo_line())).code == "unknown_format"
    nil = join([records(SHIPPED["konbini_muf120"])[0], *records(SHIPPED["konbini_muf120"])[-2:]])
    refused = detect(nil, profile)
    # Without a data record nothing tells the two 120-byte layouts apart but their headers.
    assert "konbini_muf120" in {refused.code, *getattr(refused, "found", "").split(", ")}


def clashing(shape: dict[str, Any], **other: Any) -> dict[str, Any]:
    return deepcopy(shape) | other


@pytest.mark.parametrize(
    ("shapes", "code", "found", "expected"),
    [
        ([clashing(MUF, replaces=[])], "layout_code", "konbini_muf120",
         'replaces = ["konbini_muf120"]'),
        ([clashing(KYODO, replaces=["konbini_kyodo"])], "layout_value", "konbini_kyodo",
         ", ".join(sorted(entry.code for entry in FORMATS))),
        ([KYODO, KYODO], "layout_code", "konbini_kyodo", "1回だけ"),
        ([clashing(MUF, code="konbini_muf121", replaces=[])], "layout_ambiguous",
         "konbini_muf121", "konbini_muf120"),
        ([KYODO, clashing(KYODO, code="konbini_kyodo2")], "layout_ambiguous",
         "konbini_kyodo", "konbini_kyodo2"),
    ],
)  # fmt: skip
def test_layouts_that_could_claim_one_file_are_refused(shapes, code, found, expected):
    with pytest.raises(InvalidValueError) as stopped:
        formats_of(with_layouts(*shapes))
    assert stopped.value.error_code == code
    details = stopped.value.details
    assert (details["found"], details["expected"]) == (found, expected)
    assert expected in ERRORS[code].format(**details)


def test_a_description_that_is_no_table_is_refused():
    with pytest.raises(InvalidValueError) as stopped:
        formats_of(replace(PROFILE, layouts=("[]",)))
    assert stopped.value.error_code == "layout_value"


def test_a_layout_may_take_the_place_of_formats_that_are_not_used():
    """A header of 1 and a date looks like that of both 120-byte layouts, whatever follows."""
    shape = clashing(MUF, code="konbini_town", replaces=["konbini_muf120"])
    formats = formats_of(with_layouts(shape))
    assert [entry.code for entry in formats][-1] == "konbini_town"
    assert "konbini_muf120" not in {entry.code for entry in formats}
    assert detect(SHIPPED["konbini_muf120"], with_layouts(shape)).code == "konbini_town"


# ---- bytes ----


@pytest.mark.parametrize("path", GOLDEN_MUF, ids=lambda path: path.stem)
def test_described_fixed_files_are_written_back(path):
    data = path.read_bytes()
    form = own_format(MUF)
    wrapping, rows = form.take_apart(data)
    assert form.write(rows, wrapping) == data


NAMES = st.text(st.sampled_from("みほん店ABｱﾞ 1,\"'"), max_size=8).map(
    lambda text: '"' + text.replace('"', '""') + '"'
)


@given(
    lines=st.lists(st.tuples(st.sampled_from("129"), st.integers(0, 10**9), NAMES), max_size=5),
    closed=st.booleans(),
)
def test_described_csv_files_are_read_and_written_back(lines, closed):
    data = kyodo(
        *(
            kyodo_line(state, yen=yen, transfer_on="2026-06-25" * (state == "2"), shop_name=name)
            for state, yen, name in lines
        )
    )
    data = data if closed else data[:-1]
    form = own_format(KYODO)
    reading = form.read(data, own_context(KYODO))
    read = list(reading.lines)
    assert reading.findings == []
    assert [line.amount_yen for line in read] == [yen for _, yen, _ in lines]
    assert [line.fault for line in read] == [None if yen else "amount_zero" for _, yen, _ in lines]
    wrapping, rows = form.take_apart(data)
    assert form.write(rows, wrapping) == data


def test_every_example_is_tried_here():
    assert EXAMPLES == ["konbini_kyodo", "konbini_muf120"]

"""A description is checked when it is loaded: file, key, value and what was expected."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from own_layouts import EXAMPLES, description

from payments.domain.errors import InvalidValueError
from reconcile.formats.own_layout import Control, Part, own_layout
from reconcile.model import Channel
from web.texts.errors import ERRORS


def load(shape: dict[str, Any]):
    return own_layout(shape, file="様式.toml", key="")


def changed(name: str, path: str, value: Any) -> dict[str, Any]:
    """An example with one value set, or taken away where it is None."""
    shape = deepcopy(description(name))
    place: Any = shape
    *steps, end = path.split(".")
    for step in steps:
        place = place[int(step) if isinstance(place, list) else step]
    last: int | str = int(end) if isinstance(place, list) else end
    if value is None:
        del place[last]
    else:
        place[last] = value
    return shape


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_good(name):
    assert load(description(name)).code == name


def test_what_a_fixed_layout_becomes():
    own = load(description("konbini_muf120"))
    assert (own.channel, own.record_length, own.replaces) == (
        Channel.KONBINI,
        120,
        ("konbini_muf120",),
    )
    assert {role: record.layout.length for role, record in own.records.items()} == dict.fromkeys(
        ("header", "data", "trailer", "end"), 120
    )
    assert own.data.layout.slices["shop"] == slice(62, 69)
    assert own.line["paid_on"] == (Part("data", "paid_on"),)
    assert len(own.line["barcode"]) == 10


def test_what_a_csv_layout_becomes():
    own = load(description("konbini_kyodo"))
    assert (own.record_length, own.encoding, own.newline) == (0, "cp932", b"\n")
    assert own.kinds == {"1": "01", "2": "02", "9": "03"}
    assert own.controls[-1] == Control("trailer", "confirmed", "amount", frozenset("2"))
    assert own.not_content == {"made_on"}


MUF, KYODO = "konbini_muf120", "konbini_kyodo"


@pytest.mark.parametrize(
    ("name", "path", "value", "code", "key", "found"),
    [
        (MUF, "code", None, "layout_missing", "code", ""),
        (MUF, "code", "Muf-120", "layout_value", "code", "Muf-120"),
        (MUF, "code", "muf_120", "layout_value", "code", "muf_120"),
        (MUF, "code", 7, "layout_value", "code", "7"),
        (MUF, "channel", "bank", "layout_value", "channel", "bank"),
        (MUF, "shape", "xml", "layout_value", "shape", "xml"),
        (MUF, "record_length", 119, "layout_length", "records[0].fields", "120"),
        (MUF, "record_length", "120", "layout_value", "record_length", "120"),
        (MUF, "record_length", True, "layout_value", "record_length", "True"),
        (MUF, "record_length", 0, "layout_value", "record_length", "0"),
        (MUF, "replaces", True, "layout_value", "replaces", "True"),
        (MUF, "colour", "red", "layout_unknown", "colour", "red"),
        (MUF, "records", None, "layout_missing", "records", ""),
        (MUF, "records", ["x"], "layout_value", "records[0]", "x"),
        (MUF, "records.1", {"record": "header", "fields": []}, "layout_value",
         "records[1].record", "header"),
        (MUF, "records.1.record", "body", "layout_value", "records[1].record", "body"),
        (MUF, "records.1.colour", 1, "layout_unknown", "records[1].colour", "1"),
        (MUF, "records.1.fields", [], "layout_missing", "records[1].fields", ""),
        (MUF, "records.1.fields.1.length", 3, "layout_start", "records[1].fields[4].start",
         "barcode_id"),
        (MUF, "records.1.fields.2.start", 5, "layout_start", "records[1].fields[2].start",
         "paid_on"),
        (MUF, "records.1.fields.21.length", 14, "layout_length", "records[1].fields", "119"),
        (MUF, "records.1.fields.2.length", 6, "layout_length", "records[1].fields[2].length", "6"),
        (MUF, "records.1.fields.2.kind", "date", "layout_value", "records[1].fields[2].kind",
         "date"),
        (MUF, "records.1.fields.2.name", "Paid", "layout_value", "records[1].fields[2].name",
         "Paid"),
        (MUF, "records.1.fields.2.name", "kind", "layout_value", "records[1].fields[2].name",
         "kind"),
        (MUF, "records.1.fields.2.size", 8, "layout_unknown", "records[1].fields[2].size", "8"),
        (MUF, "records.1.fields.1.length", None, "layout_missing",
         "records[1].fields[1].length", ""),
        (MUF, "records.1.fields.12.length", 16, "layout_value", "records[1].fields[12].length",
         "16"),
        (MUF, "records.1.fields.0.value", "1", "layout_marks", "records", "1, 1, 8, 9"),
        (MUF, "records.1.fields.0", {"kind": "digits", "name": "x", "length": 1},
         "layout_marks", "records", "1, None, 8, 9"),
        (MUF, "line.colour", "kind", "layout_unknown", "line.colour", "kind"),
        (MUF, "line.amount", None, "layout_missing", "line.amount", ""),
        (MUF, "line.amount", "total", "layout_value", "line.amount", "total"),
        (MUF, "line.amount", "shop", "layout_target", "line.amount", "digits"),
        (MUF, "line.amount", {"constant": "5"}, "layout_target", "line.amount", "5"),
        (MUF, "line.amount", {"value": "5"}, "layout_missing", "line.amount.constant", ""),
        (MUF, "line.paid_on", "header.created", "layout_value", "line.paid_on", "header.created"),
        (MUF, "line.paid_on", "paid_at", "layout_target", "line.paid_on", "hhmm"),
        (MUF, "line.barcode", ["barcode_id", "country"], "layout_length", "line.barcode", "3"),
        (MUF, "line.barcode", [], "layout_value", "line.barcode", "[]"),
        (MUF, "line.barcode", None, "layout_missing", "line.barcode", ""),
        (MUF, "line.free_area", ["company_code", "customer_no"], "layout_missing",
         "line.barcode", ""),
        (MUF, "line.remitted_on", None, "layout_missing", "line.remitted_on", ""),
        (MUF, "line.kind", {"constant": "05"}, "layout_value", "line.kind", "05"),
        (MUF, "kinds.01", "99", "layout_value", "kinds.01", "99"),
        (MUF, "kinds.01", 1, "layout_value", "kinds.01", "1"),
        (KYODO, "line.shop", ["shop", "shop_name"], "layout_length", "line.shop", "46"),
        (KYODO, "encoding", "euc-jp", "layout_value", "encoding", "euc-jp"),
        (KYODO, "newline", "cr", "layout_value", "newline", "cr"),
        (KYODO, "column_header", "no", "layout_value", "column_header", "no"),
        (KYODO, "records.2.fields.0.value", "T", "layout_marks", "records", "HD, DT, T"),
        (KYODO, "records.1.fields.1.values", ["1", ""], "layout_value",
         "records[1].fields[1].values[1]", ""),
        (KYODO, "kinds.9", None, "layout_missing", "kinds.9", ""),
        (KYODO, "not_content", ["made"], "layout_value", "not_content[0]", "made"),
        (KYODO, "controls.0.field", "service", "layout_value", "controls[0].field", "service"),
        (KYODO, "controls.0.record", "data", "layout_value", "controls[0].record", "data"),
        (KYODO, "controls.1.total", "sum", "layout_value", "controls[1].total", "sum"),
        (KYODO, "controls.1.total", "records", "layout_value", "controls[1].total", "records"),
        (KYODO, "controls.1.of", "x", "layout_unknown", "controls[1].of", "x"),
    ],
)  # fmt: skip
def test_each_mistake_is_named(name, path, value, code, key, found):
    with pytest.raises(InvalidValueError) as stopped:
        load(changed(name, path, value))
    details = stopped.value.details
    assert (stopped.value.error_code, details["key"], details["found"]) == (code, key, found)
    assert details["file"] == "様式.toml"
    assert details["expected"]
    assert "様式.toml" in ERRORS[code].format(**details)


def test_data_lines_alone_need_a_column_header_or_a_mark():
    shape = description(KYODO)
    shape["records"] = shape["records"][1:2]
    shape["controls"] = []
    assert load(shape).data.mark == "DT"
    del shape["records"][0]["fields"][0]
    with pytest.raises(InvalidValueError) as stopped:
        load(shape)
    assert stopped.value.error_code == "layout_marks"
    assert load(shape | {"column_header": True}).data.mark is None


def test_only_confirmed_reports_need_the_day_of_the_money():
    shape = description(KYODO)
    shape["kinds"] = {"1": "01", "2": "81", "9": "03"}
    del shape["line"]["remitted_on"]
    assert "remitted_on" not in load(shape).line

"""独自様式: a further layout that a municipality describes as data, checked when it is loaded.

The description is a table ``[[layouts]]`` of the profile; docs/formats.md says how to write one.
Every mistake is an :class:`InvalidValueError` that names file, key, value and what was expected;
nothing of a layout is guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from reconcile.formats.debit_result import DONE, RESULT_CODES
from reconcile.formats.eltax_payment import STAGES as ELTAX_STAGES
from reconcile.formats.fixed_length import Layout
from reconcile.formats.konbini_dsk import STAGES as KONBINI_STAGES
from reconcile.formats.own_table import Table
from reconcile.formats.own_values import DATES, KINDS, TIMES, OwnField
from reconcile.model import Channel, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER, DATA, TRAILER, END = "header", "data", "trailer", "end"
ROLES = {HEADER: "ヘッダー", DATA: "データ", TRAILER: "トレーラ", END: "エンド"}
FIXED, CSV = "fixed", "csv"
NEWLINES = {"crlf": b"\r\n", "lf": b"\n"}
TOTALS = ("count", "amount", "records", "groups")

_CODE = re.compile("[a-z][a-z0-9_]{2,29}")
_NAME = re.compile("[a-z][a-z0-9_]{0,39}")
_LENGTH_MAX = 4_000
_AMOUNT_DIGITS_MAX = 15  # a sum stays within the database's whole numbers
_AMOUNT_DIGITS = 11  # the amount field of the eL-QR, the widest of all slips (symbols.md 1)
_KEYS = ("code", "label", "channel", "shape", "record_length", "encoding", "newline",
         "column_header", "replaces", "records", "line", "kinds", "controls",
         "not_content")  # fmt: skip
_FIELD_KEYS = ("name", "label", "kind", "length", "start", "value", "values", "optional")

# A confirmed report says which credit will bring the money (files.md 2.1, 3.2).
_OF_CONFIRMED = {
    Channel.KONBINI: ("remitted_on",),
    Channel.ELTAX: ("remitted_on", "remittance_no"),
}

# What our kinds of report mean (files.md 2.1, 3.2, 1.5).
STAGES: Mapping[Channel, Mapping[str, str]] = {
    Channel.KONBINI: KONBINI_STAGES,
    Channel.ELTAX: ELTAX_STAGES,
    Channel.DEBIT: {
        code: (Stage.CONFIRMED if code == DONE else Stage.NONE).value
        for code in sorted(RESULT_CODES)
    },
}


class Target(NamedTuple):
    """写し先: a value of the report line that fields are mapped to."""

    needed: bool = False
    kinds: tuple[str, ...] = ()  # of the one field that may stand there; () = any, or several
    length: int = 0  # digits of the whole, where they are counted
    most: int = 0  # characters of the whole, where they are bounded


_AMOUNT, _DAY, _TIME = ("amount",), DATES, TIMES
TARGETS: Mapping[Channel, Mapping[str, Target]] = {
    Channel.KONBINI: {
        "kind": Target(needed=True),
        "amount": Target(needed=True, kinds=_AMOUNT),
        "paid_on": Target(needed=True, kinds=_DAY),
        "paid_at": Target(kinds=_TIME),
        "barcode": Target(length=44),
        "free_area": Target(length=21),
        "reissue": Target(length=1),
        "company": Target(most=20),
        "shop": Target(most=20),
        "remitted_on": Target(kinds=_DAY),
    },
    Channel.ELTAX: {
        "kind": Target(needed=True),
        "amount": Target(needed=True, kinds=_AMOUNT),
        "paid_on": Target(needed=True, kinds=_DAY),
        "paid_at": Target(kinds=_TIME),
        "el_number": Target(needed=True, length=34),
        "channel": Target(needed=True, most=20),
        "operator": Target(needed=True, most=10),
        "transaction_id": Target(needed=True, most=40),
        "remitted_on": Target(kinds=_DAY),
        "remittance_no": Target(most=20),
    },
    Channel.DEBIT: {
        "kind": Target(needed=True),
        "amount": Target(needed=True, kinds=_AMOUNT),
        "paid_on": Target(needed=True, kinds=_DAY),
        "customer_no": Target(needed=True, length=20),
        "consignor": Target(needed=True, length=10),
        "bank": Target(needed=True, length=4),
    },
}


@dataclass(frozen=True)
class OwnRecord:
    """独自様式のレコード: one kind of record, by the table of the fixed-length engine."""

    role: str
    fields: tuple[OwnField, ...]

    @cached_property
    def layout(self) -> Layout:
        """The same fields as the engine's table; offsets follow from the lengths."""
        return Layout(ROLES[self.role], tuple(entry.column() for entry in self.fields))

    @cached_property
    def mark(self) -> str | None:
        """データ区分: the constant that this record begins with, if it does."""
        first = self.fields[0]
        return first.values[0] if first.kind == "constant" else None

    def field(self, name: str) -> OwnField | None:
        """The field of this name."""
        return next((entry for entry in self.fields if entry.name == name), None)


class Part(NamedTuple):
    """出どころ: a field of a record, or a constant text where ``role`` is empty."""

    role: str
    text: str


class Control(NamedTuple):
    """合計の照合: what a field of a header, trailer or end record must say (R4)."""

    role: str
    field: str
    total: str  # one of TOTALS
    kinds: frozenset[str]  # only data records of these kinds; all when empty


@dataclass(frozen=True)
class OwnLayout:
    """独自様式: one described layout, checked."""

    code: str
    label: str
    channel: Channel
    record_length: int  # bytes; 0 for a CSV
    encoding: str
    newline: bytes
    column_header: bool
    replaces: tuple[str, ...]  # shipped formats that take no part beside this one
    records: Mapping[str, OwnRecord]
    line: Mapping[str, tuple[Part, ...]]
    kinds: Mapping[str, str]  # kind as written → our kind
    controls: tuple[Control, ...]
    not_content: frozenset[str]

    @property
    def data(self) -> OwnRecord:
        """The data record, which every layout has."""
        return self.records[DATA]


def own_layout(description: Mapping[str, Any], *, file: str, key: str) -> OwnLayout:
    """A layout from its description (parsed TOML); every deviation is an InvalidValueError."""
    table = Table(description, file, key)
    code = table.take("code", str)
    if _CODE.fullmatch(code) is None:
        table.fail("layout_value", "code", code, "a-z, 0-9, _（3〜30文字）")
    channel = Channel(table.choose("channel", [str(each) for each in TARGETS]))
    if channel is Channel.KONBINI and not code.startswith("konbini_"):
        table.fail("layout_value", "code", code, "konbini_…")
    shape = table.choose("shape", (FIXED, CSV))
    if shape == FIXED:
        length = table.number("record_length", 2, _LENGTH_MAX)
        encoding, newline, column_header = "cp932", b"\r\n", False
    else:
        length = 0
        encoding = table.choose("encoding", ("cp932", "utf-8"))
        newline = NEWLINES[table.choose("newline", NEWLINES, "crlf")]
        column_header = table.take("column_header", bool, default=True)
    label = table.take("label", str)
    replaces = table.texts("replaces", [])
    records = _records(table, length, has_names=column_header)
    line = _line(table, channel, records)
    layout = OwnLayout(
        code, label, channel, length, encoding, newline, column_header, replaces, records, line,
        _kinds(table, channel, records, line),
        tuple(_control(entry, records) for entry in table.tables("controls", [])),
        frozenset(_data_names(table, "not_content", records)),
    )  # fmt: skip
    table.finish(_KEYS)
    return layout


def _records(table: Table, length: int, *, has_names: bool) -> dict[str, OwnRecord]:
    """The records of a layout; they are told apart by the constant that each begins with."""
    found: dict[str, OwnRecord] = {}
    for entry in table.tables("records"):
        role = entry.choose("record", ROLES)
        if role in found:
            entry.fail("layout_value", "record", role, "1回だけ")
        fields = _fields(entry, length)
        entry.finish(("record", "fields"))
        found[role] = OwnRecord(role, fields)
    if DATA not in found:
        table.fail("layout_missing", "records", ", ".join(found), f'record = "{DATA}"')
    if len(found) > 1 or not has_names:
        marks = [record.mark for record in found.values()]
        widths = {len(mark) for mark in marks if mark}
        if None in marks or len(set(marks)) != len(marks) or len(widths) != 1:
            expected = "レコードごとに異なる、同じ長さの constant で始まること"
            table.fail("layout_marks", "records", ", ".join(map(str, marks)), expected)
    return found


def _fields(table: Table, length: int) -> tuple[OwnField, ...]:
    """The fields of one record, in order; places follow from lengths, and are compared."""
    found: list[OwnField] = []
    start = 1
    for entry in table.tables("fields"):
        own = _field(entry, len(found) + 1, fixed=length > 0)
        if length and entry.number("start", 1, _LENGTH_MAX, start) != start:
            entry.fail("layout_start", "start", own.name, start)
        entry.finish(_FIELD_KEYS)
        if any(own.name == other.name for other in found):
            entry.fail("layout_value", "name", own.name, "同じレコードの中で1回だけ")
        start += own.length
        found.append(own)
    if not found:
        table.fail("layout_missing", "fields", "", "[…]")
    if length and start - 1 != length:
        table.fail("layout_length", "fields", start - 1, length)
    return tuple(found)


def _field(table: Table, number: int, *, fixed: bool) -> OwnField:
    """One field; kinds that have a length of their own need none."""
    kind = table.choose("kind", KINDS)
    name = table.take("name", str, f"filler_{number}" if kind == "filler" else None)
    if _NAME.fullmatch(name) is None:
        table.fail("layout_value", "name", name, "a-z, 0-9, _（1〜40文字）")
    values: tuple[str, ...] = ()
    if kind == "constant":
        values = (table.take("value", str),)
    elif kind == "choice":
        values = table.texts("values")
    implied = KINDS[kind].length or max(map(len, values), default=0)
    usual = implied or (0 if fixed else _AMOUNT_DIGITS if kind == "amount" else 60)
    length = table.number("length", 1, _LENGTH_MAX, usual or None)
    if (implied and length != implied) or (fixed and any(len(v) != length for v in values)):
        table.fail("layout_length", "length", length, implied)
    if kind == "amount" and length > _AMOUNT_DIGITS_MAX:
        table.fail("layout_value", "length", length, f"1〜{_AMOUNT_DIGITS_MAX}")
    label = table.take("label", str, name)
    return OwnField(name, label, length, kind, values, table.take("optional", bool, default=False))


def _line(
    table: Table, channel: Channel, records: Mapping[str, OwnRecord]
) -> dict[str, tuple[Part, ...]]:
    """The mapping to the report line: which fields make which of its values."""
    line = table.table("line")
    targets = TARGETS[channel]
    found = {name: _parts(line, name, records) for name in line.names() if name in targets}
    line.finish(targets)
    for name, target in targets.items():
        if name in found:
            _check_target(line, name, target, found[name], records)
        elif target.needed:
            line.fail("layout_missing", name, "", "項目の名前")
    if channel is Channel.KONBINI and ("barcode" in found) == ("free_area" in found):
        line.fail("layout_missing", "barcode", "", "barcode または free_area の一方")
    return found


def _parts(line: Table, name: str, records: Mapping[str, OwnRecord]) -> tuple[Part, ...]:
    """One target: a field, several joined, ``header.…``, or a table with a constant."""
    if line.is_table(name):
        constant = line.table(name)
        parts: tuple[Part, ...] = (Part("", constant.take("constant", str)),)
        constant.finish(("constant",))
        return parts
    parts = ()
    for text in line.one_or_more(name):
        head, dot, rest = text.partition(".")
        role, field = (head, rest) if dot else (DATA, text)
        if role not in {HEADER, DATA} or role not in records or not records[role].field(field):
            known = ", ".join(entry.name for entry in records[DATA].fields)
            line.fail("layout_value", name, text, known)
        parts += (Part(role, field),)
    return parts


def _check_target(
    line: Table,
    name: str,
    target: Target,
    parts: tuple[Part, ...],
    records: Mapping[str, OwnRecord],
) -> None:
    """A target gets fields of the right kinds, and as many digits as it has."""
    fields = [records[part.role].field(part.text) for part in parts if part.role]
    kinds = [entry.kind for entry in fields if entry]
    if target.kinds and (len(parts) != 1 or kinds[:1] == [] or kinds[0] not in target.kinds):
        line.fail("layout_target", name, ", ".join(kinds) or parts[0].text, "、".join(target.kinds))
    digits = sum(entry.length for entry in fields if entry) + sum(
        len(part.text) for part in parts if not part.role
    )
    if target.length and digits != target.length:
        line.fail("layout_length", name, digits, target.length)
    if target.most and digits > target.most:
        line.fail("layout_length", name, digits, f"{target.most}以下")
    if name == "amount" and parts[0].role != DATA:
        line.fail("layout_target", name, f"{HEADER}.{parts[0].text}", DATA)


def _kinds(
    table: Table,
    channel: Channel,
    records: Mapping[str, OwnRecord],
    line: Mapping[str, tuple[Part, ...]],
) -> dict[str, str]:
    """種別の対応: what each kind as written is among ours; their own meaning when not said."""
    ours = STAGES[channel]
    given = table.table("kinds")
    if not given.names():
        kinds = {kind: kind for kind in ours}
    else:
        kinds = {name: given.choose(name, ours) for name in given.names()}
    confirmed = any(ours[kind] == Stage.CONFIRMED for kind in kinds.values())
    for name in _OF_CONFIRMED.get(channel, ()) if confirmed else ():
        if name not in line:
            table.fail("layout_missing", f"line.{name}", "", "項目の名前")
    constant = [part.text for part in line["kind"] if not part.role]
    if constant and constant[0] not in kinds:
        table.fail("layout_value", "line.kind", constant[0], ", ".join(kinds))
    field = records[line["kind"][0].role].field(line["kind"][0].text) if not constant else None
    for value in field.values if field and field.kind == "choice" else ():
        if value not in kinds:
            table.fail("layout_missing", f"kinds.{value}", "", " / ".join(ours))
    return kinds


def _control(table: Table, records: Mapping[str, OwnRecord]) -> Control:
    """One control total."""
    role = table.choose("record", [each for each in records if each != DATA])
    name = table.take("field", str)
    field = records[role].field(name)
    if field is None or field.kind not in {"digits", "amount"}:
        known = [each.name for each in records[role].fields if each.kind in {"digits", "amount"}]
        table.fail("layout_value", "field", name, ", ".join(known))
    total = table.choose("total", TOTALS)
    if total in {"records", "groups"} and role != END:
        table.fail("layout_value", "total", total, "count / amount")
    control = Control(role, name, total, frozenset(table.texts("kinds", [])))
    table.finish(("record", "field", "total", "kinds"))
    return control


def _data_names(table: Table, key: str, records: Mapping[str, OwnRecord]) -> tuple[str, ...]:
    """Names of data fields."""
    names = table.texts(key, [])
    for place, name in enumerate(names):
        if records[DATA].field(name) is None:
            known = ", ".join(entry.name for entry in records[DATA].fields)
            table.fail("layout_value", f"{key}[{place}]", name, known)
    return names

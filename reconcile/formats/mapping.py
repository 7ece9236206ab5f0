"""台帳の対応づけ: how the CSV of a core system becomes a register of ours, described as data.

The core systems of municipalities (標準準拠システム) hand their registers over as CSV files whose
columns, codes and date forms differ from ours and from each other. A description says which column
becomes which field; docs/formats.md says how to write one. It is checked here, whole, when the
profile is loaded. None of this project's examples is a layout of the standard specifications.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from reconcile.formats import assessments, obligors
from reconcile.formats.own_layout import NEWLINES
from reconcile.formats.own_table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconcile.formats.delimited import Layout

ASSESSMENTS, OBLIGORS = "assessments", "obligors"
LAYOUTS: Mapping[str, Layout] = {ASSESSMENTS: assessments.LAYOUT, OBLIGORS: obligors.LAYOUT}
ENCODINGS = ("utf-8", "cp932", "shift_jis_2004")  # UTF-8 with and without BOM
DELIMITERS = {"comma": ",", "tab": "\t"}
DAYS = ("yyyy-mm-dd", "yyyymmdd", "yyyy/mm/dd", "wareki", "gyymmdd")
YEARS = ("yyyy", "wareki_year", "gyy")
PLAIN, KANA, COMMAS = "plain", "kana", "commas"

_CODE = re.compile("[a-z][a-z0-9_]{2,29}")
_KEYS = ("code", "label", "register", "encoding", "newline", "delimiter", "column_header",
         "columns", "names", "fields", "flags", "control")  # fmt: skip
_RULE_KEYS = ("column", "join", "with", "constant", "form", "codes", "default", "first", "last",
              "strip_zeros", "pad", "trim")  # fmt: skip
_FLAGS = ("collection_hold", "dunning_hold", "direct_debit")
_COLUMNS_MAX, _TEXT_MAX = 1_000, 40
# Fields that a description may leave out; they are empty then.
_OPTIONAL = frozenset({"obligor_kana", "postal_code", "address", "whole_year_group", "flags"})
_NAMES = frozenset({"obligor_name", "obligor_kana", "postal_code", "address"})
_DAY_FIELDS, _YEAR_FIELDS = frozenset({"due_on_statutory"}), frozenset({"fiscal_year", "levy_year"})
_KANA_FIELDS, _YEN_FIELDS = frozenset({"obligor_kana"}), frozenset({"amount_yen"})


class Rule(NamedTuple):
    """対応: what becomes of one or several columns on their way into a field."""

    columns: tuple[str, ...]  # names, or places as ``#3``; none for a constant
    between: str = ""
    constant: str = ""
    form: str = PLAIN
    codes: Mapping[str, str] | None = None
    default: str | None = None  # where the column is blank
    first: int = 0
    last: int = 0
    strip_zeros: bool = False
    pad: int = 0
    trim: bool = False


class Flag(NamedTuple):
    """印: a column whose values say whether a flag of the instalment is set."""

    name: str
    column: str
    values: frozenset[str]
    others: frozenset[str]


class Control(NamedTuple):
    """合計行: the last line, known by its first value, with the places of count and amount."""

    mark: str
    count_at: int  # 0-based
    amount_at: int | None


@dataclass(frozen=True)
class RegisterMapping:
    """台帳の対応づけ: one description, checked."""

    code: str
    label: str
    register: str
    encoding: str
    newline: bytes
    delimiter: str
    column_header: bool
    columns: tuple[str, ...]  # all of them in order; () where the header of the file says it
    names: str  # "file", or "register": names come from the 宛名 taken in before
    rules: Mapping[str, Rule]
    flags: tuple[Flag, ...]
    control: Control | None

    @property
    def layout(self) -> Layout:
        """The register of ours that the file becomes."""
        return LAYOUTS[self.register]

    def wanted(self) -> tuple[str, ...]:
        """The columns that are used, each once."""
        used = [name for rule in self.rules.values() for name in rule.columns]
        return tuple(dict.fromkeys([*used, *(flag.column for flag in self.flags)]))


def mapping(description: Mapping[str, Any], *, file: str, key: str) -> RegisterMapping:
    """A mapping from its description (parsed TOML).

    Raises :class:`InvalidValueError` ``layout_value``, ``layout_missing`` or ``layout_unknown``
    with file, key, value and what was expected.
    """
    table = Table(description, file, key)
    code = table.take("code", str)
    if _CODE.fullmatch(code) is None:
        table.fail("layout_value", "code", code, "a-z, 0-9, _（3〜30文字）")
    label = table.take("label", str)
    register = table.choose("register", LAYOUTS)
    encoding = table.choose("encoding", ENCODINGS, "utf-8")
    newline = NEWLINES[table.choose("newline", NEWLINES, "crlf")]
    delimiter = DELIMITERS[table.choose("delimiter", DELIMITERS, "comma")]
    column_header = table.take("column_header", bool, default=True)
    columns = table.texts("columns", [])
    if not columns and not column_header:
        table.fail("layout_missing", "columns", "", "列見出しのないファイルでは、すべての列の名前")
    if len(set(columns)) != len(columns) or len(columns) > _COLUMNS_MAX:
        table.fail("layout_value", "columns", ", ".join(columns)[:80], "異なる名前、1,000列まで")
    names = table.choose("names", ("file", "register"), "file")
    if names == "register" and register != ASSESSMENTS:
        table.fail("layout_value", "names", names, "file")
    rules = _rules(table, register, columns, names)
    flags = tuple(_flag(entry, columns) for entry in table.tables("flags", []))
    if flags and register != ASSESSMENTS:
        table.fail("layout_value", "flags", len(flags), "register = assessments")
    control = _control(table)
    table.finish(_KEYS)
    return RegisterMapping(
        code, label, register, encoding, newline, delimiter, column_header, columns, names, rules,
        flags, control,
    )  # fmt: skip


def _rules(table: Table, register: str, columns: tuple[str, ...], names: str) -> dict[str, Rule]:
    """The rules of all fields; those that a register needs must be there."""
    fields = table.table("fields")
    known = LAYOUTS[register].names
    found: dict[str, Rule] = {}
    for name in known:
        if name in fields.names():
            found[name] = _rule(fields, name, columns)
        elif not (name in _OPTIONAL or (names == "register" and name in _NAMES)):
            fields.fail("layout_missing", name, "", "列の名前")
    if names == "register" and (double := _NAMES & found.keys()):
        fields.fail("layout_value", min(double), names, 'names = "file"')
    fields.finish(known)
    return found


def _rule(fields: Table, name: str, columns: tuple[str, ...]) -> Rule:
    """One rule: a column's name, or a table."""
    if not fields.is_table(name):
        return Rule((_column(fields, name, fields.take(name, str), columns),), form=_usual(name))
    entry = fields.table(name)
    given = [key for key in ("column", "join", "constant") if key in entry.names()]
    if len(given) != 1:
        entry.fail("layout_missing", "column", ", ".join(given), "column / join / constant の一つ")
    if given == ["constant"]:
        rule = Rule((), constant=entry.take("constant", str))
        entry.finish(("constant",))
        return rule
    parts = entry.texts("join") if given == ["join"] else (_place(entry),)
    forms = _forms(name)
    rule = Rule(
        tuple(_column(entry, given[0], part, columns) for part in parts),
        between=entry.take("with", str, ""),
        form=entry.choose("form", forms, forms[0]),
        codes=_pairs(entry.table("codes")) if entry.is_table("codes") else None,
        default=entry.take("default", str) if "default" in entry.names() else None,
        first=entry.number("first", 0, _TEXT_MAX, 0),
        last=entry.number("last", 0, _TEXT_MAX, 0),
        strip_zeros=entry.take("strip_zeros", bool, default=False),
        pad=entry.number("pad", 0, _TEXT_MAX, 0),
        trim=entry.take("trim", bool, default=False),
    )
    entry.finish(_RULE_KEYS)
    return rule


def _place(entry: Table) -> str:
    """A column by its name, or by its place counted from 1."""
    if isinstance(entry.peek("column"), str):
        return entry.take("column", str)
    return f"#{entry.number('column', 1, _COLUMNS_MAX)}"


def _column(table: Table, key: str, name: str, columns: tuple[str, ...]) -> str:
    """The column must be one of those that are listed; a place within them becomes its name."""
    if not columns:
        return name
    place = int(name[1:]) if name[:1] == "#" and name[1:].isdecimal() else 0
    if 1 <= place <= len(columns):
        return columns[place - 1]
    if name not in columns:
        table.fail("layout_value", key, name, ", ".join(columns)[:200])
    return name


def _forms(name: str) -> tuple[str, ...]:
    """The forms that a field may have, the usual one first."""
    if name in _DAY_FIELDS:
        return DAYS
    if name in _YEAR_FIELDS:
        return YEARS
    if name in _KANA_FIELDS:
        return (PLAIN, KANA)
    return (PLAIN, COMMAS) if name in _YEN_FIELDS else (PLAIN,)


def _usual(name: str) -> str:
    return _forms(name)[0]


def _flag(entry: Table, columns: tuple[str, ...]) -> Flag:
    """One flag; every value that the column may have is named."""
    flag = Flag(
        entry.choose("flag", _FLAGS),
        _column(entry, "column", entry.take("column", str), columns),
        frozenset(entry.texts("values")),
        frozenset(str(each) for each in entry.take("others", list)),
    )
    if double := flag.values & flag.others:
        entry.fail("layout_value", "others", ", ".join(sorted(double)), "values にない値")
    entry.finish(("flag", "column", "values", "others"))
    return flag


def _control(table: Table) -> Control | None:
    """The last line of the file, where it has one."""
    if not table.is_table("control"):
        return None
    entry = table.table("control")
    mark = entry.take("mark", str)
    count = entry.number("count", 2, _COLUMNS_MAX) - 1
    amount = entry.number("amount", 2, _COLUMNS_MAX) - 1 if "amount" in entry.names() else None
    entry.finish(("mark", "count", "amount"))
    return Control(mark, count, amount)


def _pairs(table: Table) -> dict[str, str]:
    """A table of codes: as written → as ours."""
    found = {name: table.take(name, str) for name in table.names()}
    table.finish(())
    return found

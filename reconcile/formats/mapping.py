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

from reconcile.formats.mapping_rules import (
    ASSESSMENTS,
    COLUMNS_MAX,
    LAYOUTS,
    MARK,
    SIGNED,
    Flag,
    Known,
    Rule,
    column_of,
    flag_of,
    rules_of,
)
from reconcile.formats.own_layout import NEWLINES
from reconcile.formats.own_table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconcile.formats.delimited import Layout

ENCODINGS = ("utf-8", "cp932", "shift_jis_2004")  # UTF-8 with and without BOM
DELIMITERS = {"comma": ",", "tab": "\t"}
# In a line of several instalments each is numbered: the line times this, and its 期別.
LINES_APART = 100

_CODE = re.compile("[a-z][a-z0-9_]{2,29}")
_TERM = re.compile("(?!00)[0-9]{2}")
_KEYS = ("code", "label", "register", "encoding", "newline", "delimiter", "column_header",
         "columns", "names", "wide", "changes", "fields", "flags", "control")  # fmt: skip


class Control(NamedTuple):
    """合計行: the last line, known by its first value, with the places of count and amount."""

    mark: str
    count_at: int  # 0-based
    amount_at: int | None


class Wide(NamedTuple):
    """横持ち: several instalments in one line, each in columns of its own."""

    terms: Mapping[str, str]  # 期別 → what {n} stands for in the names of columns, in order of 期別
    blank: frozenset[str]  # amounts as written that say that there is no such instalment
    total: str  # the column of their sum; "" where the file has none


class Changes(NamedTuple):
    """異動の読み方: what amounts of changes mean beside new full amounts."""

    before: Rule | None  # 更正前の額, compared with the books; None where the file does not say it
    number: str  # the column that tells a change from another like it; "" where there is none


class Instalment(NamedTuple):
    """一期分: the rules by which one instalment of a line is read."""

    term: str  # "" where a line is one instalment
    rules: Mapping[str, Rule]
    flags: tuple[Flag, ...]
    before: Rule | None


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
    wide: Wide | None
    changes: Changes | None

    @property
    def layout(self) -> Layout:
        """The register of ours that the file becomes."""
        return LAYOUTS[self.register]

    def instalments(self) -> list[Instalment]:
        """The rules of each instalment of a line, by 期別; one where a line is one."""
        before = self.changes.before if self.changes else None
        if self.wide is None:
            return [Instalment("", self.rules, self.flags, before)]
        return [
            Instalment(
                term,
                {name: rule.at(term, mark) for name, rule in self.rules.items()},
                tuple(flag.at(mark) for flag in self.flags),
                before.at(term, mark) if before else None,
            )
            for term, mark in self.wide.terms.items()
        ]

    def wanted(self) -> tuple[str, ...]:
        """The columns that are used, each once."""
        used: list[str] = []
        for each in self.instalments():
            rules = [*each.rules.values(), *([each.before] if each.before else [])]
            used += [name for rule in rules for name in rule.columns]
            used += [flag.column for flag in each.flags]
        used += [self.wide.total] if self.wide else []
        used += [self.changes.number] if self.changes else []
        return tuple(dict.fromkeys(filter(None, used)))


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
    columns = _columns(table, column_header=column_header)
    names = table.choose("names", ("file", "register"), "file")
    for name, given in (("names", names == "register"), ("wide", "wide" in table.names()),
                        ("changes", "changes" in table.names())):  # fmt: skip
        if given and register != ASSESSMENTS:
            table.fail("layout_value", name, register, "register = assessments")
    wide = _wide(table, columns)
    known = Known(columns, wide.terms if wide else {})
    rules = rules_of(table, register, known, names)
    changes = _changes(table, known, rules)
    flags = tuple(flag_of(entry, known) for entry in table.tables("flags", []))
    if flags and register != ASSESSMENTS:
        table.fail("layout_value", "flags", len(flags), "register = assessments")
    control = _control(table)
    table.finish(_KEYS)
    return RegisterMapping(
        code, label, register, encoding, newline, delimiter, column_header, columns, names, rules,
        flags, control, wide, changes,
    )  # fmt: skip


def _columns(table: Table, *, column_header: bool) -> tuple[str, ...]:
    """All columns in order, where they are listed."""
    columns = table.texts("columns", [])
    if not columns and not column_header:
        table.fail("layout_missing", "columns", "", "列見出しのないファイルでは、すべての列の名前")
    if len(set(columns)) != len(columns) or len(columns) > COLUMNS_MAX:
        table.fail("layout_value", "columns", ", ".join(columns)[:80], "異なる名前、1,000列まで")
    return columns


def _wide(table: Table, columns: tuple[str, ...]) -> Wide | None:
    """Several instalments to a line, where the file is so."""
    if "wide" not in table.names():
        return None
    entry = table.table("wide")
    if entry.is_table("terms"):
        given = entry.table("terms")
        terms = {name: given.take(name, str) for name in given.names()}
    else:
        marks = entry.texts("terms")
        terms = {mark.rjust(2, "0"): mark for mark in marks}
        if len(terms) != len(marks):
            entry.fail("layout_value", "terms", ", ".join(marks)[:80], "異なる期別")
    wrong = [term for term in terms if _TERM.fullmatch(term) is None]
    if wrong or not terms or len(set(terms.values())) != len(terms):
        found = ", ".join(wrong or terms.values())[:80]
        entry.fail("layout_value", "terms", found, "01〜99 の期別と、異なる列の印")
    blank = frozenset(str(each) for each in entry.take("blank", list, [""]))
    total = entry.take("total", str, "")
    known = Known(columns, {})
    wide = Wide(
        dict(sorted(terms.items())),
        blank,
        column_of(entry, "total", total, known) if total else "",
    )
    entry.finish(("terms", "blank", "total"))
    return wide


def _changes(table: Table, known: Known, rules: Mapping[str, Rule]) -> Changes | None:
    """What amounts of changes mean; a signed amount needs it."""
    if "changes" not in table.names():
        if "amount_yen" in rules and rules["amount_yen"].form == SIGNED:
            table.fail("layout_missing", "changes", SIGNED, "[changes]")
        return None
    entry = table.table("changes")
    before = None
    if "before" in entry.names():
        amount = rules["amount_yen"]
        column = column_of(entry, "before", entry.take("before", str), known)
        if known.terms and MARK not in column:
            entry.fail("layout_value", "before", column, MARK)
        before = Rule((column,), form=amount.form, trim=amount.trim)
    number = entry.take("number", str, "")
    if number:
        number = column_of(entry, "number", number, Known(known.columns, {}))
    entry.finish(("before", "number"))
    return Changes(before, number)


def _control(table: Table) -> Control | None:
    """The last line of the file, where it has one."""
    if not table.is_table("control"):
        return None
    entry = table.table("control")
    mark = entry.take("mark", str)
    count = entry.number("count", 2, COLUMNS_MAX) - 1
    amount = entry.number("amount", 2, COLUMNS_MAX) - 1 if "amount" in entry.names() else None
    entry.finish(("mark", "count", "amount"))
    return Control(mark, count, amount)

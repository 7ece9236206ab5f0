"""台帳の対応づけ・項目の規則: what becomes of the columns of a line on their way into a field.

A file with several instalments to a line repeats some of its columns. In the name of such a column
``{n}`` stands for what differs (第{n}期税額), and every rule is worked out once for each instalment
(:meth:`Rule.at`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconcile.formats import assessments, obligors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconcile.formats.delimited import Layout
    from reconcile.formats.own_table import Table

ASSESSMENTS, OBLIGORS = "assessments", "obligors"
LAYOUTS: Mapping[str, Layout] = {ASSESSMENTS: assessments.LAYOUT, OBLIGORS: obligors.LAYOUT}
DAYS = ("yyyy-mm-dd", "yyyymmdd", "yyyy/mm/dd", "wareki", "gyymmdd")
YEARS = ("yyyy", "wareki_year", "gyy")
PLAIN, KANA, COMMAS, SIGNED = "plain", "kana", "commas", "signed"
MARK = "{n}"
COLUMNS_MAX = 1_000

_RULE_KEYS = ("column", "join", "with", "constant", "by_term", "form", "codes", "default", "first",
              "last", "strip_zeros", "pad", "trim")  # fmt: skip
_FLAGS = ("collection_hold", "dunning_hold", "direct_debit")
_TEXT_MAX = 40
# Fields that a description may leave out; they are empty then.
_OPTIONAL = frozenset({"obligor_kana", "postal_code", "address", "whole_year_group", "flags"})
_NAMES = frozenset({"obligor_name", "obligor_kana", "postal_code", "address"})
_DAY_FIELDS, _YEAR_FIELDS = frozenset({"due_on_statutory"}), frozenset({"fiscal_year", "levy_year"})
_KANA_FIELDS, _YEN_FIELDS = frozenset({"obligor_kana"}), frozenset({"amount_yen"})


class Known(NamedTuple):
    """列: the columns that are listed (none: those of the header), and the instalments of a line.

    ``terms``: 期別 → what ``{n}`` stands for; none where a line is one instalment.
    """

    columns: tuple[str, ...]
    terms: Mapping[str, str]

    def spread(self, name: str) -> list[str]:
        """The columns that a name with ``{n}`` means; any other name means itself."""
        if not self.terms or MARK not in name:
            return [name]
        return [name.replace(MARK, mark) for mark in self.terms.values()]


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
    by_term: Mapping[str, str] | None = None  # 期別 → value, where no column says it

    def at(self, term: str, mark: str) -> Rule:
        """The rule for one instalment of a line."""
        columns = tuple(name.replace(MARK, mark) for name in self.columns)
        constant = self.by_term[term] if self.by_term is not None else self.constant
        return self._replace(columns=columns, constant=constant, by_term=None)


class Flag(NamedTuple):
    """印: a column whose values say whether a flag of the instalment is set."""

    name: str
    column: str
    values: frozenset[str]
    others: frozenset[str]

    def at(self, mark: str) -> Flag:
        """The flag of one instalment of a line."""
        return self._replace(column=self.column.replace(MARK, mark))


def rules_of(table: Table, register: str, known: Known, names: str) -> dict[str, Rule]:
    """The rules of all fields; those that a register needs must be there.

    Where a line is several instalments, their 期別 comes from the description, not from a column.
    """
    fields = table.table("fields")
    every = LAYOUTS[register].names
    found: dict[str, Rule] = {}
    for name in every:
        if known.terms and name == "term":
            if name in fields.names():
                fields.fail("layout_value", name, fields.peek(name), "wide.terms")
            found[name] = Rule((), by_term={term: term for term in known.terms})
        elif name in fields.names():
            found[name] = _rule(fields, name, known)
        elif not (name in _OPTIONAL or (names == "register" and name in _NAMES)):
            fields.fail("layout_missing", name, "", "列の名前")
    if names == "register" and (double := _NAMES & found.keys()):
        fields.fail("layout_value", min(double), names, 'names = "file"')
    if known.terms and not any(MARK in column for column in found["amount_yen"].columns):
        fields.fail("layout_value", "amount_yen", found["amount_yen"].columns, MARK)
    fields.finish(every)
    return found


def _rule(fields: Table, name: str, known: Known) -> Rule:
    """One rule: a column's name, or a table."""
    if not fields.is_table(name):
        column = column_of(fields, name, fields.take(name, str), known)
        return Rule((column,), form=_forms(name)[0])
    entry = fields.table(name)
    sources = ("column", "join", "constant", *(("by_term",) if known.terms else ()))
    given = [key for key in sources if key in entry.names()]
    if len(given) != 1:
        entry.fail("layout_missing", "column", ", ".join(given), f"{' / '.join(sources)} の一つ")
    if given == ["constant"]:
        rule = Rule((), constant=entry.take("constant", str))
        entry.finish(("constant",))
        return rule
    if given == ["by_term"]:
        rule = Rule((), by_term=_by_term(entry, known))
        entry.finish(("by_term",))
        return rule
    parts = entry.texts("join") if given == ["join"] else (_place(entry),)
    forms = _forms(name)
    rule = Rule(
        tuple(column_of(entry, given[0], part, known) for part in parts),
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


def _by_term(entry: Table, known: Known) -> dict[str, str]:
    """A value for each 期別; none of them may be forgotten."""
    found = _pairs(entry.table("by_term"))
    if found.keys() != known.terms.keys():
        entry.fail("layout_value", "by_term", ", ".join(found), ", ".join(known.terms))
    return found


def _place(entry: Table) -> str:
    """A column by its name, or by its place counted from 1."""
    if isinstance(entry.peek("column"), str):
        return entry.take("column", str)
    return f"#{entry.number('column', 1, COLUMNS_MAX)}"


def column_of(table: Table, key: str, name: str, known: Known) -> str:
    """The column must be one of those that are listed; a place within them becomes its name."""
    columns = known.columns
    if not columns:
        return name
    place = int(name[1:]) if name[:1] == "#" and name[1:].isdecimal() else 0
    if 1 <= place <= len(columns):
        return columns[place - 1]
    for each in known.spread(name):
        if each not in columns:
            table.fail("layout_value", key, each, ", ".join(columns)[:200])
    return name


def _forms(name: str) -> tuple[str, ...]:
    """The forms that a field may have, the usual one first."""
    if name in _DAY_FIELDS:
        return DAYS
    if name in _YEAR_FIELDS:
        return YEARS
    if name in _KANA_FIELDS:
        return (PLAIN, KANA)
    return (PLAIN, COMMAS, SIGNED) if name in _YEN_FIELDS else (PLAIN,)


def flag_of(entry: Table, known: Known) -> Flag:
    """One flag; every value that the column may have is named."""
    flag = Flag(
        entry.choose("flag", _FLAGS),
        column_of(entry, "column", entry.take("column", str), known),
        frozenset(entry.texts("values")),
        frozenset(str(each) for each in entry.take("others", list)),
    )
    if double := flag.values & flag.others:
        entry.fail("layout_value", "others", ", ".join(sorted(double)), "values にない値")
    entry.finish(("flag", "column", "values", "others"))
    return flag


def _pairs(table: Table) -> dict[str, str]:
    """A table of codes: as written → as ours."""
    found = {name: table.take(name, str) for name in table.names()}
    table.finish(())
    return found

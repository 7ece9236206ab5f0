"""第一の壁: whether a statement names the municipality of every table that it reads or writes.

A statement is taken apart (sqlglot). In each of its query blocks, every table with rows of a body
must be tied to a municipality: to a value that is bound, or to a table or block that is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COLUMN = "municipality_code"
BOUND = ""  # the name of what a municipality is tied to in the end


def unscoped(statement: str, tables: Iterable[str]) -> set[str]:
    """The tables of ``tables`` that some block of the statement reads or writes for all bodies."""
    scoped = set(tables)
    found: set[str] = set()
    for tree in sqlglot.parse(statement, dialect="sqlite"):
        if tree is None:
            continue
        named = {cte.alias for cte in tree.find_all(exp.CTE)}
        for block in tree.find_all(exp.Select, exp.Update, exp.Delete):
            found |= _loose(block, scoped - named)
        if isinstance(tree, exp.Insert):
            found |= _inserted(tree, scoped)
    return found


def _loose(block: exp.Expression, scoped: set[str]) -> set[str]:
    """The tables of one block that are tied to no municipality."""
    sources = dict(_sources(block))
    tables = {alias: name for alias, name in sources.items() if name in scoped}
    pairs = list(_ties(block, list(tables)))
    # A value, a derived or common table, a row of an outer block: looked at in its own block.
    tied = {end for pair in pairs for end in pair if end not in tables}
    while more := {end for pair in pairs if tied & set(pair) for end in pair} - tied:
        tied |= more
    return {name for alias, name in tables.items() if alias not in tied}


def _sources(block: exp.Expression) -> Iterator[tuple[str, str]]:
    """(alias, name) of what a block reads from; the name of a sub-select is empty."""
    first, joins = _from(block)
    if isinstance(block, exp.Update | exp.Delete) and isinstance(block.this, exp.Table):
        first = [block.this, *first]
    for source in [*first, *(join.this for join in joins)]:
        yield source.alias_or_name, source.name if isinstance(source, exp.Table) else ""


def _from(block: exp.Expression) -> tuple[list[exp.Expression], list[exp.Join]]:
    """What stands first behind FROM, and what is joined to it."""
    start = block.args.get("from") or block.args.get("from_")
    joins = list(block.args.get("joins") or [])
    if start is None:
        return [], joins
    return [start.this], [*joins, *(start.this.args.get("joins") or [])]


def _ties(block: exp.Expression, aliases: list[str]) -> Iterator[tuple[str, str]]:
    """Which of the sources have the same municipality, or a bound one."""
    first, joins = _from(block)
    seen = [source.alias_or_name for source in first]
    for join in joins:
        if any(column.name == COLUMN for column in join.args.get("using") or []):
            yield from ((join.this.alias_or_name, alias) for alias in seen)
        seen.append(join.this.alias_or_name)
    where = block.args.get("where")
    conditions = [join.args.get("on") for join in joins]
    conditions.append(where.this if where is not None else None)
    for condition in filter(None, conditions):
        for part in _all_of(condition):
            yield from _tie(part, aliases)


def _all_of(condition: exp.Expression) -> Iterator[exp.Expression]:
    """The parts that all have to hold; of an OR none can be counted on."""
    if isinstance(condition, exp.Paren):
        yield from _all_of(condition.this)
    elif isinstance(condition, exp.And):
        yield from _all_of(condition.args["this"])
        yield from _all_of(condition.args["expression"])
    else:
        yield condition


def _tie(part: exp.Expression, aliases: list[str]) -> Iterator[tuple[str, str]]:
    """What one condition ties together."""
    if isinstance(part, exp.In):
        columns = part.this.expressions if isinstance(part.this, exp.Tuple) else [part.this]
        for column in filter(_is_code, columns):
            yield from ((alias, BOUND) for alias in _owners(column, aliases))
        return
    if not isinstance(part, exp.EQ | exp.Is | exp.NullSafeEQ):
        return
    left, right = part.left, part.right
    if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
        pairs = list(zip(left.expressions, right.expressions, strict=True))
    elif isinstance(left, exp.Tuple):  # (a, b) = (SELECT …)
        pairs = [(column, right) for column in left.expressions]
    else:
        pairs = [(left, right)]
    for one, other in pairs:
        for column, value in ((one, other), (other, one)):
            if not _is_code(column):
                continue
            ends = _owners(value, aliases) if _is_code(value) else [BOUND]
            yield from ((alias, end) for alias in _owners(column, aliases) for end in ends)


def _is_code(value: exp.Expression) -> bool:
    return isinstance(value, exp.Column) and value.name == COLUMN


def _owners(column: exp.Expression, aliases: list[str]) -> list[str]:
    """Whose column it is: of the table it names, or of the only one there is that has it."""
    table = column.args.get("table")
    if table is not None:
        return [table.name]
    return aliases if len(aliases) == 1 else []


def _inserted(tree: exp.Insert, scoped: set[str]) -> set[str]:
    """The table of an INSERT whose columns do not hold the municipality."""
    target = tree.this
    columns = target.expressions if isinstance(target, exp.Schema) else []
    table = target.this if isinstance(target, exp.Schema) else target
    if table.name not in scoped or COLUMN in {column.name for column in columns}:
        return set()
    return {table.name}

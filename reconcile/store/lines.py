"""明細の書込: the report lines of a file into ``source_line``, as fast as each database takes them.

A million lines pass here, so this module knows its driver for SQLite. That one binds plain
integers, text and byte arrays at once, but looks up an adapter for every None, boolean and
``bytes``; and a value costs it a tenth of a microsecond at best. So lines are turned into columns,
some thousand at a time: what is the same in all of them is written into the statement, the rest is
bound in the kinds that need no adapter. PostgreSQL takes the same columns as the text of a COPY;
while its server writes some, the next ones are read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from payments.store.bulk import copied, copied_column, copy_text
from reconcile.model import ColumnedLines, ReportLine, in_columns
from reconcile.store.ahead import read_ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection

    from reconcile.model import Columns

_COLUMNS = ("municipality_code", "file_id", *ReportLine._fields)
_REF, _STAGE, _REMITTED_ON, _FAULT = map(
    ReportLine._fields.index, ("remittance_ref", "stage", "remitted_on", "fault")
)
_WORD = re.compile("[0-9A-Za-z_:|.-]*")
_NOTHING = -1  # stands for None on its way: no text and no amount equals it


def write_lines(
    connection: Connection,
    municipality_code: str,
    file_id: int,
    lines: Iterable[ReportLine],
    look: Callable[[Columns], None],
) -> None:
    """報告明細: write all lines of a file; ``look`` is shown the columns of each portion."""
    portions = lines.portions if isinstance(lines, ColumnedLines) else in_columns(lines)
    if connection.dialect.name == "sqlite":
        for columns in portions:
            look(columns)
            _into_sqlite(connection, municipality_code, file_id, columns)
        return

    def texts() -> Iterator[str]:
        written = ((each, _as_text(municipality_code, file_id, each)) for each in portions)
        for columns, text in read_ahead(written):
            look(columns)
            yield text

    copy_text(connection, "source_line", _COLUMNS, texts())


def groups_named(columns: Columns) -> dict[str, str | None]:
    """払込単位: those that confirmed lines of a portion name, with the day of their remittance."""
    refs, faults = columns[_REF], columns[_FAULT]
    if not any(refs):  # 速報: a million lines that name none
        return {}
    named = zip(refs, columns[_STAGE], columns[_REMITTED_ON], faults, strict=True)
    groups: dict[str, str | None] = {}
    for ref, stage, remitted_on, fault in named:
        if ref and stage == "confirmed" and fault is None:
            groups.setdefault(ref, remitted_on)
    return groups


def _into_sqlite(
    connection: Connection, municipality_code: str, file_id: int, columns: Columns
) -> None:
    """One portion, column by column."""
    marks = [f"'{municipality_code}'", str(file_id)]
    bound: list[Iterable[Any]] = []
    for column in columns:
        if _is_same(column):
            literal = _literal(column[0])
            if literal is not None:
                marks.append(literal)
                continue
        marks.append(f"NULLIF(?, {_NOTHING})" if None in column else "?")
        bound.append(_plain(column))
    cursor: Any = connection.connection.cursor()
    cursor.executemany(
        f"INSERT INTO source_line ({', '.join(_COLUMNS)}) VALUES ({', '.join(marks)})",
        zip(*bound, strict=True),
    )
    cursor.close()


def _as_text(municipality_code: str, file_id: int, columns: Columns) -> str:
    """One portion in the text form of PostgreSQL's COPY, column by column."""
    marks = [municipality_code, str(file_id)]
    varying: list[Iterable[str]] = []
    for column in columns:
        if _is_same(column):
            marks.append(copied(column[0]).replace("%", "%%"))
        else:
            marks.append("%s")
            varying.append(copied_column(column))
    row = "\t".join(marks) + "\n"
    return "".join(map(row.__mod__, zip(*varying, strict=True)))


def _is_same(column: tuple[Any, ...]) -> bool:
    """Whether all lines have this value; of a single line nothing is said to be the same."""
    first = column[0]
    return len(column) > 1 and first == column[-1] and column.count(first) == len(column)


def _literal(value: object) -> str | None:
    """A value as SQL text; None for text that is not a plain word, which is bound instead."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(int(value))
    return f"'{value}'" if isinstance(value, str) and _WORD.fullmatch(value) else None


def _plain(column: tuple[Any, ...]) -> Iterable[Any]:
    """The values in kinds that need no adapter."""
    if None in column:
        column = tuple(_NOTHING if value is None else value for value in column)
    kind = type(column[0])
    if kind is bytes:
        return map(bytearray, column)
    return map(int, column) if kind is bool else column

"""明細の書込: the report lines of a file into ``source_line``, as fast as each database takes them.

A million lines pass here one by one, so this module knows its drivers. SQLite's takes plain
integers, text and byte arrays without a detour; None, booleans, bytes and named tuples cost it a
look-up each (together more than the row itself), so that they come as other values and the
statement turns them back.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from payments.store.bulk import insert_rows
from reconcile.model import ReportLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection

_PORTION = 2_000
_OPTIONAL = frozenset({
    "payment_key", "slip_key", "amount_yen", "paid_on", "paid_at", "remittance_ref", "remitted_on",
    "fault",
})  # fmt: skip
_COLUMNS = ("municipality_code", "file_id", *ReportLine._fields)
_MARKS = ", ".join("NULLIF(?, '')" if name in _OPTIONAL else "?" for name in ReportLine._fields)


def write_lines(
    connection: Connection,
    municipality_code: str,
    file_id: int,
    lines: Iterable[ReportLine],
    look: Callable[[list[ReportLine]], None],
) -> None:
    """報告明細: write all lines of a file; ``look`` is shown each portion on its way."""
    portions = _portions(lines, look)
    if connection.dialect.name == "sqlite":
        for portion in portions:
            _into_sqlite(connection, municipality_code, file_id, portion)
        return
    rows = chain.from_iterable(portions)
    constants = (municipality_code, file_id)
    insert_rows(connection, "source_line", _COLUMNS, rows, constants=constants)


def _portions(
    lines: Iterable[ReportLine], look: Callable[[list[ReportLine]], None]
) -> Iterator[list[ReportLine]]:
    """The lines, some thousands at a time."""
    lines = iter(lines)
    while portion := list(islice(lines, _PORTION)):
        look(portion)
        yield portion


def _into_sqlite(
    connection: Connection, municipality_code: str, file_id: int, portion: list[ReportLine]
) -> None:
    """One portion, its values in the kinds that the driver binds at once."""
    cursor: Any = connection.connection.cursor()
    cursor.executemany(
        f"INSERT INTO source_line ({', '.join(_COLUMNS)}) "
        f"VALUES ('{municipality_code}', {file_id}, {_MARKS})",
        [
            (
                line_no, offset, length, stage, kind, identity, record_key, bytearray(content),
                payment_key or "", key_kind, slip_key or "", reissue, 1 if is_ours else 0,
                1 if key_valid else 0, "" if amount is None else amount, paid_on or "",
                paid_at or "", operator, remittance_ref or "", remitted_on or "", fault or "",
            )
            for (
                line_no, offset, length, stage, kind, identity, record_key, content, payment_key,
                key_kind, slip_key, reissue, is_ours, key_valid, amount, paid_on, paid_at,
                operator, remittance_ref, remitted_on, fault,
            ) in portion
        ],
    )  # fmt: skip
    cursor.close()

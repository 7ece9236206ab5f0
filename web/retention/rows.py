"""保存年限の行: rows of a table in one order and one form, and the chain over them.

Each link is the SHA-256 of the link before it and of the row, so that the last one stands for every
row, its place and its content; the first link is the SHA-256 of nothing. Both databases give the
same chain for the same rows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Integer, func, select
from sqlmodel import SQLModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import ColumnElement, Connection, Table

    from web.retention.rules import Rule

PORTION = 5_000
# Where the records with a period are declared; a command has loaded few of these.
DECLARED_IN = (
    "web.events.tables",
    "web.notices.tables",
    "web.people.tables",
    "web.residents.tables",
    "web.tables",
)
EMPTY = sha256(b"").hexdigest()


@dataclass(slots=True)
class Chain:
    """連鎖: how many rows there were, and the last link."""

    rows: int = 0
    sha256: str = field(default=EMPTY)

    def add(self, row: Mapping[str, Any]) -> str:
        """The text of a row, after it has become the next link."""
        text = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        self.sha256 = sha256(f"{self.sha256}\n{text}".encode()).hexdigest()
        self.rows += 1
        return text


def due(connection: Connection, code: str, rule: Rule, before: datetime) -> int:
    """満了した件数: how many rows of the table are older."""
    counted = select(func.count()).where(*_older(rule, code, before))
    return int(connection.execute(counted).scalar_one())


def held(connection: Connection, code: str, rule: Rule) -> tuple[int, datetime | None]:
    """保存中: how many rows the table has of the body, and when the oldest happened."""
    table = table_of(rule.table)
    asked = select(func.count(), func.min(table.c[rule.moment])).where(
        table.c.municipality_code == code
    )
    number, oldest = connection.execute(asked).one()
    return int(number), oldest


def older_rows(
    connection: Connection, code: str, rule: Rule, before: datetime
) -> Iterator[dict[str, Any]]:
    """満了した行, oldest first, as values that JSON knows."""
    table = table_of(rule.table)
    ordered = (table.c[rule.moment], *table.primary_key.columns)
    asked = select(table).where(*_older(rule, code, before)).order_by(*ordered)
    found = connection.execute(asked.execution_options(yield_per=PORTION))
    for row in found.mappings():
        yield {name: _plain(value) for name, value in row.items()}


def delete_older(connection: Connection, code: str, rule: Rule, before: datetime) -> int:
    """廃棄: what went."""
    gone = connection.execute(table_of(rule.table).delete().where(*_older(rule, code, before)))
    return int(gone.rowcount)


def chain_of(connection: Connection, code: str, rule: Rule, before: datetime) -> Chain:
    """連鎖 over what is due, as the database has it now."""
    chain = Chain()
    for row in older_rows(connection, code, rule, before):
        chain.add(row)
    return chain


def table_of(name: str) -> Table:
    """The table by its name, whatever else this process has loaded."""
    if name not in SQLModel.metadata.tables:
        for module in DECLARED_IN:
            import_module(module)
    return SQLModel.metadata.tables[name]


def parquet_columns(name: str) -> dict[str, str]:
    """The columns of an archived table: numbers and flags as such, everything else as text."""
    return {column.name: _kind(column.type) for column in table_of(name).columns}


def _older(rule: Rule, code: str, before: datetime) -> tuple[ColumnElement[bool], ...]:
    table = table_of(rule.table)
    # SQLite keeps instants as text in UTC, without a zone.
    return (table.c.municipality_code == code, table.c[rule.moment] < before.astimezone(UTC))


def _kind(kind: object) -> str:
    if isinstance(kind, Boolean):
        return "BOOLEAN"
    return "BIGINT" if isinstance(kind, Integer) else "VARCHAR"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value

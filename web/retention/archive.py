"""保管: what is due is written to Parquet, read back, and put on record with its chain.

A file is believed when it was read again: as many rows, the same chain. What the record says of it
is what two people decide about later, and ``kokin retention check`` compares both at any time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
from sqlalchemy import select, text

from payments.domain.errors import NotFoundError, RefusedError
from payments.store.bulk import take_numbers
from web.retention.parquet import beside, file_sha256, read_rows, write_rows
from web.retention.rows import Chain, older_rows, parquet_columns
from web.retention.tables import RetentionArchiveRow, RetentionDeletionRow

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from web.retention.rules import Rule

archives = RetentionArchiveRow.__table__  # type: ignore[attr-defined]
deletions = RetentionDeletionRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Archive:
    """保管: one file and what it holds; ``deleted_at`` when its rows have left the database."""

    archive_no: int
    table_name: str
    before_at: datetime
    row_count: int
    rows_sha256: str
    file_name: str
    file_sha256: str
    made_at: datetime
    made_by: str
    deleted_at: datetime | None


def archive(
    connection: Connection,
    code: str,
    rule: Rule,
    folder: Path,
    *,
    before: datetime,
    by: str,
    at: datetime,
) -> Archive:
    """保管 of what is due of one table before a moment; the file lies beside a manifest.

    Raises :class:`RefusedError` ``retention_nothing`` or ``retention_unreadable``, and
    :class:`ConfigurationError` ``output_unwritable``.
    """
    number = take_numbers(connection, code, "retention_archive", 1)
    target = folder / f"{code}-{number:06d}-{rule.table}.parquet"
    chain = Chain()
    with beside(target) as part:
        lines = (chain.add(row) for row in older_rows(connection, code, rule, before))
        write_rows(part, parquet_columns(rule.table), lines)
        if not chain.rows:
            raise RefusedError("retention_nothing", table=rule.table)
        if read_chain(part, rule.table) != chain:
            raise RefusedError("retention_unreadable", path=str(target))
        made = {
            "archive_no": number, "table_name": rule.table, "before_at": before.astimezone(UTC),
            "row_count": chain.rows, "rows_sha256": chain.sha256, "file_name": target.name,
            "file_sha256": file_sha256(part), "made_at": at.astimezone(UTC), "made_by": by,
        }  # fmt: skip
        _write_manifest(connection, code, target, made)
        part.replace(target)
    connection.execute(archives.insert().values(municipality_code=code, **made))
    return archive_of(connection, code, number)


def archive_of(connection: Connection, code: str, number: int) -> Archive:
    """One archive; :class:`NotFoundError` ``retention_archive``."""
    found = [each for each in archives_of(connection, code) if each.archive_no == number]
    if not found:
        raise NotFoundError("retention_archive", archive_no=number)
    return found[0]


def archives_of(connection: Connection, code: str) -> list[Archive]:
    """保管の一覧, in the order in which they were made."""
    asked = (
        select(archives, deletions.c.deleted_at)
        .outerjoin(
            deletions,
            (deletions.c.municipality_code == archives.c.municipality_code)
            & (deletions.c.archive_no == archives.c.archive_no),
        )
        .where(archives.c.municipality_code == code)
        .order_by(archives.c.archive_no)
    )
    return [
        Archive(**{name: value for name, value in row.items() if name != "municipality_code"})
        for row in connection.execute(asked).mappings()
    ]


def require_file(found: Archive, folder: Path) -> None:
    """保管の確認: the file is there and holds just what the record says.

    Raises :class:`RefusedError` ``retention_file``.
    """
    path = folder / found.file_name
    try:
        same = file_sha256(path) == found.file_sha256
        chain = read_chain(path, found.table_name) if same else Chain()
    except (OSError, duckdb.Error):
        same, chain = False, Chain()
    if not same or chain != Chain(found.row_count, found.rows_sha256):
        raise RefusedError("retention_file", path=str(path), archive_no=found.archive_no)


def read_chain(path: Path, table: str) -> Chain:
    """連鎖 over the rows of a file, in its order."""
    chain = Chain()
    for row in read_rows(path, parquet_columns(table)):
        chain.add(row)
    return chain


def _write_manifest(
    connection: Connection, code: str, target: Path, made: dict[str, object]
) -> None:
    """What the file is, and the last seal of the books then, for who has only the file."""
    sealed = connection.execute(
        text(
            "SELECT seal_no, sha256 FROM seal WHERE municipality_code = :m "
            "ORDER BY seal_no DESC LIMIT 1"
        ),
        {"m": code},
    ).one_or_none()
    told = {
        "municipality_code": code,
        **{name: value.isoformat() if isinstance(value, datetime) else value
           for name, value in made.items()},
        "last_seal_no": sealed.seal_no if sealed else 0,
        "last_seal_sha256": sealed.sha256 if sealed else "",
    }  # fmt: skip
    target.with_suffix(".json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n")

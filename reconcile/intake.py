"""取込: keep the bytes once, then find out what they are (R2: evidence before decision)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import DateTime, bindparam, text

from payments.store import former
from payments.store.bulk import insert_rows, take_numbers
from payments.store.unit_of_work import unit_of_work
from reconcile.announce import announce_file
from reconcile.model import FileStatus, Severity
from reconcile.store.evidence import write_evidence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import Connection, Engine

    from reconcile.model import Delivery, Finding, Reading


class Kept(NamedTuple):
    """証拠として保管した資料: its number, and whether the same bytes were accepted before."""

    file_id: int
    sha256: str
    is_duplicate: bool


def keep_evidence(
    engine: Engine, municipality_code: str, delivery: Delivery, *, received_on: date
) -> Kept:
    """Store the bytes and their hash, and commit, before anything is decided.

    The same bytes again are a duplicate when they were accepted before; bytes that were refused,
    quarantined or interrupted get another try under their old number (R8). A nil report may come
    again byte for byte (outcomes.md 3).
    """
    with unit_of_work(engine, municipality_code) as connection:
        return keep_bytes(connection, municipality_code, delivery, received_on=received_on)


def keep_bytes(
    connection: Connection, municipality_code: str, delivery: Delivery, *, received_on: date
) -> Kept:
    """証拠の保管 within a transaction, which is to be committed before anything is decided."""
    sha256 = hashlib.sha256(delivery.data).hexdigest()
    earlier = connection.execute(
        text(
            "SELECT file_id, name, received_on, status, count AS records FROM source_file "
            "WHERE municipality_code = :m AND sha256 = :sha256 ORDER BY file_id DESC LIMIT 1"
        ),
        {"m": municipality_code, "sha256": sha256},
    ).first()
    if earlier is not None and earlier.status != FileStatus.ACCEPTED:
        said = (str(earlier.name), str(earlier.received_on)[:10])
        if said != (delivery.name, received_on.isoformat()):  # the rest changes when it is decided
            _keep_former(connection, municipality_code, earlier.file_id)
        connection.execute(
            text(
                "UPDATE source_file SET name = :name, received_on = :received_on "
                "WHERE municipality_code = :m AND file_id = :file_id"
            ),
            {
                "m": municipality_code,
                "file_id": earlier.file_id,
                "name": delivery.name,
                "received_on": received_on.isoformat(),
            },
        )
        return Kept(earlier.file_id, sha256, is_duplicate=False)
    if earlier is not None and earlier.records:
        return Kept(earlier.file_id, sha256, is_duplicate=True)
    file_id = take_numbers(connection, municipality_code, "file", 1)
    connection.execute(
        text(
            "INSERT INTO source_file (municipality_code, file_id, sha256, nil_no, name, "
            "size_bytes, format_code, channel, agent, status, received_on, taken_in_at, "
            "count, amount_yen) VALUES (:m, :file_id, :sha256, :nil_no, :name, :size, '', '', "
            "'', 'received', :received_on, :now, 0, 0)"
        ),
        {
            "m": municipality_code,
            "file_id": file_id,
            "sha256": sha256,
            "nil_no": 0 if earlier is None else file_id,
            "name": delivery.name,
            "size": len(delivery.data),
            "received_on": received_on.isoformat(),
            "now": datetime.now(UTC).isoformat(timespec="microseconds"),
        },
    )
    if earlier is None:
        write_evidence(connection, municipality_code, sha256, delivery.data)
    return Kept(file_id, sha256, is_duplicate=False)


def decided_meanwhile(connection: Connection, municipality_code: str, kept: Kept) -> bool:
    """取込済か: whether another process has finished the same bytes since they were kept (R8).

    Two processes may be given one file at the same time: each keeps the evidence, and whoever
    writes first decides it. To be asked in the transaction that would decide it again.
    """
    status = connection.execute(
        text("SELECT status FROM source_file WHERE municipality_code = :m AND file_id = :file_id"),
        {"m": municipality_code, "file_id": kept.file_id},
    ).scalar_one()
    return bool(status == FileStatus.ACCEPTED)


def record_file(
    connection: Connection, municipality_code: str, file_id: int, status: FileStatus,
    reading: Reading | None,
) -> None:  # fmt: skip
    """What became of a file: its status and what was read; to be followed by its findings."""
    decided = connection.execute(
        text(
            "SELECT 1 FROM source_file WHERE municipality_code = :m AND file_id = :file_id "
            "AND status <> 'received'"
        ),
        {"m": municipality_code, "file_id": file_id},
    ).first()
    if decided:
        _keep_former(connection, municipality_code, file_id)
    connection.execute(
        text(
            "UPDATE source_file SET status = :status, format_code = :format_code, "
            "channel = :channel, agent = :agent, created_on = :created_on, count = :count, "
            "amount_yen = :amount_yen, decided_at = :decided_at "
            "WHERE municipality_code = :m AND file_id = :file_id"
        ).bindparams(bindparam("decided_at", type_=DateTime(timezone=True))),
        {
            "m": municipality_code,
            "file_id": file_id,
            "status": str(status),
            "format_code": reading.format_code if reading else "",
            "channel": str(reading.channel) if reading else "",
            "agent": reading.agent if reading else "",
            "created_on": reading.created_on if reading else None,
            "count": reading.count if reading else 0,
            "amount_yen": reading.amount_yen if reading else 0,
            "decided_at": former.written_at(),
        },
    )
    announce_file(connection, municipality_code, file_id, str(status))


def _keep_former(connection: Connection, municipality_code: str, file_id: int) -> None:
    """前の値: what a file that is tried again said before, and how many findings it had."""
    row = connection.execute(
        text(
            "SELECT f.name, f.format_code, f.channel, f.agent, f.status, "
            "CAST(f.received_on AS VARCHAR(10)) AS received_on, "
            "CAST(f.created_on AS VARCHAR(10)) AS created_on, f.count AS records, f.amount_yen, "
            "(SELECT COUNT(*) FROM finding d WHERE d.municipality_code = :m "
            "AND d.file_id = f.file_id) AS findings "
            "FROM source_file f WHERE f.municipality_code = :m AND f.file_id = :file_id"
        ),
        {"m": municipality_code, "file_id": file_id},
    ).one()
    former.keep(connection, municipality_code, "source_file", str(file_id), row._asdict())


def record_findings(
    connection: Connection, municipality_code: str, file_id: int, findings: Sequence[Finding]
) -> None:
    """The findings of the latest try, in place of those of an earlier one."""
    connection.execute(
        text("DELETE FROM finding WHERE municipality_code = :m AND file_id = :file_id"),
        {"m": municipality_code, "file_id": file_id},
    )
    insert_rows(
        connection,
        "finding",
        ("municipality_code", "file_id", "finding_no", "code", "severity", "line_no",
         "byte_offset", "field", "found", "expected"),
        [
            (number, f.code, str(f.severity), f.line_no, f.byte_offset, f.field,
             f.found.replace("\0", "␀")[:500], f.expected[:500])
            for number, f in enumerate(findings, start=1)
        ],
        constants=(municipality_code, file_id),
    )  # fmt: skip


def status_of(findings: Sequence[Finding]) -> FileStatus:
    """取込対象外 when the file is not for intake at all, else 保留."""
    refused = any(finding.severity is Severity.REFUSED for finding in findings)
    return FileStatus.REFUSED if refused else FileStatus.QUARANTINED

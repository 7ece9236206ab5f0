"""資料の内容: one file, its findings with their places, and what its lines ended in; the list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.domain.errors import NotFoundError
from reconcile.file_totals import of_file
from reconcile.model import OutcomeSum
from reconcile.report.arrivals import as_date

if TYPE_CHECKING:
    from sqlalchemy import Connection

FINDINGS_MAX = 500


@dataclass(frozen=True, slots=True)
class FileView:
    """資料: as it came, and what became of it."""

    file_id: int
    sha256: str
    name: str
    size_bytes: int
    format_code: str
    channel: str
    agent: str
    status: str
    received_on: date | None
    created_on: date | None
    taken_in_at: str
    count: int
    amount_yen: int
    findings: tuple[Any, ...]  # rows: code severity line_no byte_offset field found expected
    outcomes: dict[str, OutcomeSum]
    cases: int


class FileHead(NamedTuple):
    """資料の一行 of the list."""

    file_id: int
    name: str
    format_code: str
    channel: str
    status: str
    received_on: date
    records: int
    amount_yen: int
    findings: int


class FilePage(NamedTuple):
    """資料の一覧: one page of it, and how many there are."""

    total: int
    files: list[FileHead]


class Wanted(NamedTuple):
    """絞込み: which files are asked for; what is empty does not narrow them."""

    status: str = ""
    channel: str = ""  # notifications only where they are asked for
    name: str = ""  # a part of the name as it came
    since: date | None = None  # days of receipt
    until: date | None = None


def list_files(
    connection: Connection,
    municipality_code: str,
    wanted: Wanted,
    *,
    limit: int = 50,
    offset: int = 0,
) -> FilePage:
    """Files, the youngest first."""
    conditions = {
        "f.municipality_code = :m": True,
        "f.status = :status": wanted.status,
        "f.channel = :channel": wanted.channel,
        "f.channel <> 'notification'": not wanted.channel,
        "f.name LIKE :part ESCAPE '!'": wanted.name,
        "f.received_on >= :since": wanted.since,
        "f.received_on <= :until": wanted.until,
    }
    where = " AND ".join(condition for condition, asked in conditions.items() if asked)
    part = "".join(f"!{letter}" if letter in "!%_" else letter for letter in wanted.name)
    values = wanted._asdict() | {"m": municipality_code, "part": f"%{part}%"}
    total = connection.execute(text(f"SELECT COUNT(*) FROM source_file f WHERE {where}"), values)
    rows = connection.execute(
        text(
            "SELECT f.file_id, f.name, f.format_code, f.channel, f.status, f.received_on, "
            "f.count AS records, f.amount_yen, (SELECT COUNT(*) FROM finding g "
            "WHERE g.municipality_code = f.municipality_code AND g.file_id = f.file_id) "
            f"FROM source_file f WHERE {where} ORDER BY f.file_id DESC "
            "LIMIT :limit OFFSET :offset"
        ),
        {**values, "limit": limit, "offset": offset},
    )
    files = [FileHead(*row) for row in rows]
    return FilePage(
        int(total.scalar_one()),
        [file._replace(received_on=as_date(file.received_on) or date.min) for file in files],
    )


def show_file(connection: Connection, municipality_code: str, file_id: int) -> FileView:
    """One file; :class:`NotFoundError` ``file``."""
    values = {"m": municipality_code, "file_id": file_id}
    row = connection.execute(
        text("SELECT * FROM source_file WHERE municipality_code = :m AND file_id = :file_id"),
        values,
    ).one_or_none()
    if row is None:
        raise NotFoundError("file", file_id=file_id)
    findings = connection.execute(
        text(
            "SELECT code, severity, line_no, byte_offset, field, found, expected FROM finding "
            "WHERE municipality_code = :m AND file_id = :file_id ORDER BY finding_no LIMIT :most"
        ),
        {**values, "most": FINDINGS_MAX},
    ).all()
    cases = connection.execute(
        text(
            "SELECT COUNT(*) FROM review_case WHERE municipality_code = :m AND file_id = :file_id"
        ),
        values,
    ).scalar_one()
    return FileView(
        file_id=row.file_id,
        sha256=row.sha256,
        name=row.name,
        size_bytes=row.size_bytes,
        format_code=row.format_code,
        channel=row.channel,
        agent=row.agent,
        status=row.status,
        received_on=as_date(row.received_on),
        created_on=as_date(row.created_on),
        taken_in_at=str(row.taken_in_at),
        count=row.count,  # type: ignore[arg-type]  # the column, not tuple.count
        amount_yen=row.amount_yen,
        findings=tuple(findings),
        outcomes=_outcomes(connection, municipality_code, file_id),
        cases=int(cases),
    )


def _outcomes(connection: Connection, code: str, file_id: int) -> dict[str, OutcomeSum]:
    """Count and amounts by the outcome in force, the most frequent first."""
    sums: dict[str, list[int]] = {}
    for row in of_file(connection, code, file_id):
        total = sums.setdefault(row.outcome, [0] * 4)
        for place, figure in enumerate(row[5:9]):
            total[place] += int(figure)
    order = sorted(sums, key=lambda outcome: (-sums[outcome][0], outcome))
    return {outcome: OutcomeSum(*sums[outcome]) for outcome in order}

"""説明の証拠: the bytes of one record, the occasions of booking, and the reports beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, text

from payments.domain.errors import NotFoundError
from reconcile.explain.model import MISSING, UNPROVEN, Evidence, Journal, Other
from reconcile.store.evidence import evidence_part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

BYTES_MAX = 4_096  # no record is longer; a file without line ends might be
OTHERS_MAX = 50
_READ = (
    "stage", "kind", "key_kind", "slip_key", "reissue", "is_ours", "key_valid", "amount_yen",
    "paid_on", "paid_at", "operator", "remittance_ref", "remitted_on", "fault", "occurrence",
)  # fmt: skip
_LINE = """
SELECT l.*, f.name, f.sha256, f.size_bytes, f.format_code, f.channel, f.agent, f.status,
    f.received_on, f.taken_in_at
FROM source_line l
JOIN source_file f ON f.municipality_code = :m AND f.file_id = l.file_id
WHERE l.municipality_code = :m AND l.file_id = :file_id AND l.line_no = :line_no"""


def line_row(connection: Connection, municipality_code: str, file_id: int, line_no: int) -> Any:
    """報告明細 with its file; :class:`NotFoundError` ``explain_line``."""
    row = connection.execute(
        text(_LINE), {"m": municipality_code, "file_id": file_id, "line_no": line_no}
    ).one_or_none()
    if row is None:
        raise NotFoundError("explain_line", file_id=file_id, line_no=line_no)
    return row


def evidence_of(connection: Connection, municipality_code: str, line: Any) -> Evidence:
    """届いたもの: the record as it lies in the evidence, and as it was read.

    Only the pieces with the record are read, and nothing is proven yet
    (:mod:`reconcile.explain.proof`).
    """
    data = evidence_part(
        connection,
        municipality_code,
        line.sha256,
        line.byte_offset,
        min(line.byte_length, BYTES_MAX),
    )
    return Evidence(
        file_id=line.file_id,
        file_name=line.name,
        sha256=line.sha256,
        size_bytes=line.size_bytes,
        format_code=line.format_code,
        channel=line.channel,
        agent=line.agent,
        status=line.status,
        received_on=str(line.received_on),
        taken_in_at=instant(line.taken_in_at),
        line_no=line.line_no,
        byte_offset=line.byte_offset,
        byte_length=line.byte_length,
        hex=data.hex(" "),
        text=_readable(data),
        proof=UNPROVEN if data else MISSING,
        read={name: plain(getattr(line, name)) for name in _READ}
        | {"is_ours": bool(line.is_ours), "key_valid": bool(line.key_valid)},
    )


def _readable(data: bytes) -> str:
    """The record as text: UTF-8 where it is, else the Shift_JIS of banks and agents."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp932", errors="replace")


def plain(value: Any) -> Any:
    """A database value as an explanation carries it: dates as ISO text.

    PostgreSQL hands out sums of yen as decimals.
    """
    if isinstance(value, Decimal):
        return int(value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def instant(value: Any) -> str:
    """A moment as ISO text in UTC: SQLite hands out text, with a zone or without."""
    if not value:
        return ""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def flag(value: Any) -> int:
    """A truth as the rules bind it."""
    return 1 if value else 0


def journals_of(
    connection: Connection, municipality_code: str, journal_ids: Iterable[int]
) -> dict[int, Journal]:
    """仕訳帳 by number."""
    wanted = sorted(set(journal_ids))
    if not wanted:
        return {}
    rows = connection.execute(
        text(
            "SELECT j.journal_id, j.kind, j.booked_on, j.made_at, j.actor, j.reason, j.file_id, "
            "f.name FROM journal j LEFT JOIN source_file f ON f.municipality_code = :m "
            "AND f.file_id = j.file_id "
            "WHERE j.municipality_code = :m AND j.journal_id IN :some"
        ).bindparams(bindparam("some", expanding=True)),
        {"m": municipality_code, "some": wanted},
    )
    return {
        row.journal_id: Journal(
            row.journal_id, row.kind, str(row.booked_on), instant(row.made_at), row.actor,
            row.reason, row.file_id, row.name or "",
        )
        for row in rows
    }  # fmt: skip


_LINE_OTHERS = """
SELECT p.file_id, p.line_no, p.stage, p.kind, p.amount_yen, p.paid_on, p.record_key,
    p.payment_key, f.name, f.channel, o.outcome, o.rule, o.revision, o.journal_id,
    o.applied_yen + o.suspense_yen AS booked_yen, o.partner_file_id, o.partner_line_no
FROM source_line p
JOIN source_file f ON f.municipality_code = :m AND f.file_id = p.file_id
JOIN line_outcome o ON o.municipality_code = :m AND o.file_id = p.file_id AND o.line_no = p.line_no
WHERE p.municipality_code = :m AND {which}
ORDER BY p.file_id, p.line_no, o.revision LIMIT :most"""


def reports_beside(connection: Connection, municipality_code: str, line: Any) -> list[Any]:
    """同じ納付・同じ記録の報告: every revision of the outcome of each line of one identity.

    The line itself is among them, so that the order of events can be told.
    """
    return list(
        connection.execute(
            text(_LINE_OTHERS.format(which="p.identity = :identity")),
            {"m": municipality_code, "identity": line.identity, "most": 8 * OTHERS_MAX},
        )
    )


def others_of(
    connection: Connection, municipality_code: str, line: Any, beside: list[Any]
) -> tuple[Other, ...]:
    """関わる報告: the lines of one payment or record, each with its relation to this one."""
    me = (line.file_id, line.line_no)
    mine = {
        (row.partner_file_id, row.partner_line_no): row.outcome
        for row in beside
        if (row.file_id, row.line_no) == me and row.partner_file_id is not None
    }
    rows = {(row.file_id, row.line_no): row for row in beside if (row.file_id, row.line_no) != me}
    for file_id, line_no in mine.keys() - rows.keys():
        found = connection.execute(
            text(_LINE_OTHERS.format(which="p.file_id = :file_id AND p.line_no = :line_no")),
            {"m": municipality_code, "file_id": file_id, "line_no": line_no, "most": 8},
        ).all()
        rows |= {(row.file_id, row.line_no): row for row in found}
    return tuple(
        Other(
            _relation(line, row, mine.get(key)), *key[:1], row.name, row.line_no, row.stage,
            row.kind, row.amount_yen, str(row.paid_on or ""), row.outcome,
        )
        for key, row in sorted(rows.items())[:OTHERS_MAX]
    )  # fmt: skip


def _relation(line: Any, other: Any, my_outcome: str | None) -> str:
    """How the other line stands to this one."""
    if my_outcome is not None:
        return {"confirms": "confirms", "withdraws": "withdraws", "withdrawn": "withdrawn_by"}.get(
            my_outcome, "same_payment"
        )
    if (other.partner_file_id, other.partner_line_no) == (line.file_id, line.line_no):
        return {"confirms": "confirmed_by", "withdraws": "withdrawn_by"}.get(
            other.outcome, "same_payment"
        )
    if other.record_key == line.record_key:
        return "same_record"
    return "same_payment" if other.payment_key == line.payment_key else "same_number"

"""封印: ledger and decisions are chained by digests, so that nothing can be altered unseen.

A seal covers what was committed since the seal before it: journals up to one number, and entries
(files that came, acts of people) up to another. Its digest is the SHA-256 of what it says: the
digest of the seal before, and for each table the number of rows, their yen and their digest. Who
alters, adds or removes a row afterwards must make every later seal anew, and with them those whose
digests stand on signed reports outside the database (:mod:`reconcile.day_close`).

Bookings are set-based and must stay so; hashing a million postings inside their transaction would
cost it a fifth more. So a seal is made right behind the commit, from a read transaction that holds
up nobody, and written in a moment. :func:`seal_pending` may run at any time, again and again.

The digest of a part, so that anybody can work it out again:

- a row is the JSON array of its columns, without spaces and without its brackets, in UTF-8
  (bytes as hexadecimal digits, instants as the database gives them, on PostgreSQL in UTC);
- the digest of a row is its SHA-256;
- up to 256 rows in their order are a block: SHA-256 of ``block:`` and their digests;
- the digest of the part is the SHA-256 of ``part:`` and the digests of its blocks.

So a row can be shown to be sealed without showing what stands beside it
(:mod:`reconcile.audit_pack`). :mod:`reconcile.verify_seal` works all of it out by itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.store.bulk import take_numbers
from payments.store.unit_of_work import reading, unit_of_work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, Engine

BLOCK_ROWS = 256
FIRST = "0" * 64  # what the first seal has before it
# One seal covers at least one journal; it ends where many rows or many journals have come.
_LINES_MAX, _JOURNALS_MAX, _ENTRIES_MAX = 200_000, 2_000, 50_000
_AT_ONCE = 20 * BLOCK_ROWS

_JOURNALS = (
    "j.municipality_code = :m AND j.journal_id > :after_journal AND j.journal_id <= :journal_id"
)
_ENTRIES = (
    "e.municipality_code = :m AND e.entry_no > :after_entry AND e.entry_no <= :entry_no "
    "AND e.kind = '{kind}'"
)
_OUTCOME = (
    "o.file_id, o.line_no, o.revision, o.outcome, o.rule, o.applied_yen, o.suspense_yen, "
    "o.slip_id, o.partner_file_id, o.partner_line_no, o.journal_id"
)


class Part(NamedTuple):
    """封印する表: its rows under a seal, in their order; ``yen`` are the columns to add up."""

    name: str
    columns: tuple[str, ...]
    statement: str
    yen: tuple[int, ...] = ()


def _part(name: str, columns: str, source: str, yen: tuple[int, ...] = ()) -> Part:
    names = tuple(c.split(" AS ")[-1].split(".")[-1].strip() for c in columns.split(", "))
    return Part(name, names, f"SELECT {columns} FROM {source}", yen)


def _entered(kind: str, columns: str, table: str, key: str) -> Part:
    """The rows that entries of one kind stand for, in the order of the entries."""
    source = (
        f"seal_entry e JOIN {table} t ON t.municipality_code = :m AND {key} "
        f"WHERE {_ENTRIES.format(kind=kind)} ORDER BY e.entry_no"
    )
    return _part(kind, f"e.entry_no, {columns}", source)


_BY_ID = "t.{name} = e.subject_id"
_BY_EVENT = "t.{name} = e.subject_id AND t.event_no = e.part_no"
PARTS: tuple[Part, ...] = (
    _part(
        "journal",
        "j.journal_id, j.kind, j.file_id, CAST(j.booked_on AS VARCHAR(10)) AS booked_on, "
        "j.made_at, j.actor, j.reason",
        f"journal j WHERE {_JOURNALS} ORDER BY j.journal_id",
    ),
    _part(
        "posting",
        "j.journal_id, j.subject_file_id, j.subject_line_no, j.leg, j.debit_account, "
        "j.credit_account, j.amount_yen, j.reason, j.notice_id, j.term, j.group_id",
        f"posting j WHERE {_JOURNALS} "
        "ORDER BY j.journal_id, j.subject_file_id, j.subject_line_no, j.leg",
        (6,),
    ),
    # The first outcome of a line is decided by the journal of its own file.
    _part(
        "line_outcome",
        _OUTCOME,
        "journal j JOIN line_outcome o ON o.municipality_code = :m AND o.file_id = j.file_id "
        f"AND o.revision = 1 WHERE {_JOURNALS} ORDER BY j.journal_id, o.line_no",
        (5, 6),
    ),
    _part(
        "line_outcome_again",
        _OUTCOME,
        f"line_outcome o WHERE {_JOURNALS.replace('j.', 'o.')} AND o.revision > 1 "
        "ORDER BY o.journal_id, o.file_id, o.line_no, o.revision",
        (5, 6),
    ),
    _part(
        "assessment_event",
        "a.file_id, a.line_no, a.kind, a.notice_id, a.term, a.amount_yen, a.flags, a.content, "
        "a.outcome",
        "journal j JOIN assessment_event a ON a.municipality_code = :m AND a.file_id = j.file_id "
        f"WHERE {_JOURNALS} ORDER BY j.journal_id, a.line_no",
        (5,),
    ),
    _entered(
        "file", "t.file_id, t.sha256, t.size_bytes, t.taken_in_at", "source_file",
        _BY_ID.format(name="file_id"),
    ),
    _entered(
        "case_event",
        "t.case_no, t.event_no, CAST(t.happened_on AS VARCHAR(10)) AS happened_on, t.actor, "
        "t.event, t.note",
        "case_event", _BY_EVENT.format(name="case_no"),
    ),
    _entered(
        "slip_event",
        "t.slip_id, t.event_no, t.kind, t.happened_at, t.actor, t.reason, t.other_slip_id",
        "slip_event", _BY_EVENT.format(name="slip_id"),
    ),
    _entered(
        "approval_asked",
        "t.approval_id, t.kind, t.subject, t.content_json, t.content_sha256, t.reason, "
        "t.asked_by, t.asked_at",
        "approval", _BY_ID.format(name="approval_id"),
    ),
    _entered(
        "approval_decided",
        "t.approval_id, t.decision, t.decided_by, t.decided_at, t.note, t.content_sha256",
        "approval", _BY_ID.format(name="approval_id"),
    ),
    _entered(
        "day_closure",
        "t.closure_no, t.period, t.event, CAST(t.ends_on AS VARCHAR(10)) AS ends_on, "
        "CAST(t.closed_until AS VARCHAR(10)) AS closed_until, t.closed_year, t.journal_id, "
        "t.report_sha256, t.approval_id, t.asked_by, t.decided_by, t.reason, t.made_at",
        "day_closure", _BY_ID.format(name="closure_no"),
    ),
)  # fmt: skip


class Seal(NamedTuple):
    """封印: its number, what it reaches up to, and its digest."""

    seal_no: int
    journal_id: int
    entry_no: int
    sha256: str


class Made(NamedTuple):
    """封印の一覧の一行."""

    seal_no: int
    journal_id: int
    entry_no: int
    sha256: str
    made_utc: str


class PartDigest(NamedTuple):
    """封印の内訳: the rows of one table under a seal."""

    part: str
    row_count: int
    amount_yen: int
    sha256: str
    marks: bytes


@dataclass(slots=True)
class _Draft:
    """A seal before it is written."""

    last: Seal
    journal_id: int
    entry_no: int
    parts: list[PartDigest]


def seal_pending(
    engine: Engine, municipality_code: str, progress: Callable[[int], None] | None = None
) -> int:
    """未封印の封印: seal whatever has been committed and is not sealed yet; how many seals.

    Rows are read in bounded portions. Stopped half way, the seals made so far stand; two processes
    at once make the same chain. ``progress`` is called with the number of rows read so far.
    """
    made = done = 0
    while True:
        with reading(engine, municipality_code) as connection:
            draft = _draft(connection, municipality_code)
        if draft is None:
            return made
        with unit_of_work(engine, municipality_code) as connection:
            # Another process may have sealed the same meanwhile.
            if last_seal(connection, municipality_code) == draft.last:
                _write(connection, municipality_code, draft)
                made += 1
        done += sum(part.row_count for part in draft.parts)
        if progress is not None:
            progress(done)


def seal_now(connection: Connection, municipality_code: str) -> Seal:
    """その場の封印: seal everything up to here in this write transaction; the last seal."""
    while (draft := _draft(connection, municipality_code)) is not None:
        _write(connection, municipality_code, draft)
    return last_seal(connection, municipality_code)


def last_seal(connection: Connection, municipality_code: str) -> Seal:
    """最後の封印; number 0 before the first one."""
    row = connection.execute(
        text(
            "SELECT seal_no, journal_id, entry_no, sha256 FROM seal WHERE municipality_code = :m "
            "ORDER BY seal_no DESC LIMIT 1"
        ),
        {"m": municipality_code},
    ).one_or_none()
    return Seal(0, 0, 0, FIRST) if row is None else Seal(*row)


def seals_after(connection: Connection, municipality_code: str, seal_no: int) -> list[Made]:
    """封印の一覧 behind a number, in order."""
    found = connection.execute(
        text(
            "SELECT seal_no, journal_id, entry_no, sha256, made_utc FROM seal "
            "WHERE municipality_code = :m AND seal_no > :after ORDER BY seal_no"
        ),
        {"m": municipality_code, "after": seal_no},
    )
    return [Made(*row) for row in found]


def _draft(connection: Connection, municipality_code: str) -> _Draft | None:
    """The next seal, or None when everything is sealed."""
    last = last_seal(connection, municipality_code)
    journal_id = _next_journal(connection, municipality_code, last.journal_id)
    entry_no = _next_entry(connection, municipality_code, last.entry_no)
    if (journal_id, entry_no) == (last.journal_id, last.entry_no):
        return None
    scope = {
        "m": municipality_code,
        "after_journal": last.journal_id,
        "journal_id": journal_id,
        "after_entry": last.entry_no,
        "entry_no": entry_no,
    }
    parts = [digest_part(part, part_rows(connection, part, scope)) for part in PARTS]
    return _Draft(last, journal_id, entry_no, [part for part in parts if part.row_count])


def _next_journal(connection: Connection, municipality_code: str, after: int) -> int:
    """The last journal that the next seal covers."""
    rows = connection.execute(
        text(
            "SELECT j.journal_id, COALESCE(f.count, 0) AS lines FROM journal j "
            "LEFT JOIN source_file f ON f.municipality_code = :m AND f.file_id = j.file_id "
            "WHERE j.municipality_code = :m AND j.journal_id > :after "
            "ORDER BY j.journal_id LIMIT :most"
        ),
        {"m": municipality_code, "after": after, "most": _JOURNALS_MAX},
    ).all()
    lines = 0
    for row in rows:
        after = row.journal_id
        lines += row.lines
        if lines >= _LINES_MAX:
            break
    return after


def _next_entry(connection: Connection, municipality_code: str, after: int) -> int:
    """The last entry that the next seal covers; entries have no gaps."""
    last = connection.execute(
        text(
            "SELECT entry_no FROM seal_entry WHERE municipality_code = :m "
            "ORDER BY entry_no DESC LIMIT 1"
        ),
        {"m": municipality_code},
    ).scalar_one_or_none()
    return min(int(last or 0), after + _ENTRIES_MAX)


def part_rows(
    connection: Connection, part: Part, scope: dict[str, Any]
) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a part, whole blocks at a time."""
    found = connection.execute(
        text(part.statement), scope, execution_options={"yield_per": _AT_ONCE}
    )
    for portion in found.partitions(_AT_ONCE):
        yield [tuple(row) for row in portion]


def row_texts(rows: Sequence[Sequence[Any]]) -> list[str]:
    """行の正規形: every row as the text whose digest is sealed."""
    texts = _json(rows)[2:-2].split("],[")
    if len(texts) != len(rows):  # somebody's words contain the very same signs
        texts = [_json(row)[1:-1] for row in rows]
    return texts


def digest_part(part: Part, portions: Iterator[list[tuple[Any, ...]]]) -> PartDigest:
    """The digest of all rows of a part, with their number and yen."""
    count = amount_yen = 0
    blocks, marks = sha256(b"part:"), bytearray()
    for rows in portions:
        digests = b"".join([sha256(row.encode()).digest() for row in row_texts(rows)])
        for start in range(0, len(digests), BLOCK_ROWS * 32):
            block = digests[start : start + BLOCK_ROWS * 32]
            blocks.update(sha256(b"block:" + block).digest())
        marks += marks_of(digests)
        count += len(rows)
        amount_yen += sum(row[column] for row in rows for column in part.yen)
    return PartDigest(part.name, count, amount_yen, blocks.hexdigest(), bytes(marks))


def marks_of(digests: bytes) -> bytearray:
    """見分け: the first two bytes of every digest."""
    marks = bytearray(len(digests) // 16)
    marks[0::2], marks[1::2] = digests[0::32], digests[1::32]
    return marks


def seal_text(
    municipality_code: str,
    seal_no: int,
    previous_sha256: str,
    reach: tuple[int, int],
    made_utc: str,
    parts: Sequence[tuple[str, int, int, str]],
) -> str:
    """封印の正規形: what a seal says, and what its digest is the SHA-256 of."""
    return _json([municipality_code, seal_no, previous_sha256, *reach, made_utc, list(parts)])


def _write(connection: Connection, municipality_code: str, draft: _Draft) -> None:
    """The seal and its parts."""
    seal_no = take_numbers(connection, municipality_code, "seal", 1)
    made_utc = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    said = seal_text(
        municipality_code,
        seal_no,
        draft.last.sha256,
        (draft.journal_id, draft.entry_no),
        made_utc,
        [part[:4] for part in draft.parts],
    )
    connection.execute(
        text(
            "INSERT INTO seal (municipality_code, seal_no, journal_id, entry_no, "
            "previous_sha256, sha256, made_utc) VALUES (:m, :seal_no, :journal_id, :entry_no, "
            ":previous, :sha256, :made_utc)"
        ),
        {
            "m": municipality_code,
            "seal_no": seal_no,
            "journal_id": draft.journal_id,
            "entry_no": draft.entry_no,
            "previous": draft.last.sha256,
            "sha256": sha256(said.encode()).hexdigest(),
            "made_utc": made_utc,
        },
    )
    for part in draft.parts:
        connection.execute(
            text(
                "INSERT INTO seal_part (municipality_code, seal_no, part, row_count, amount_yen, "
                "sha256, marks) VALUES (:m, :seal_no, :part, :row_count, :amount_yen, :sha256, "
                ":marks)"
            ),
            {"m": municipality_code, "seal_no": seal_no, **part._asdict()},
        )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> str:
    """Bytes as hexadecimal digits, an instant in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    message = f"{type(value).__name__} has no canonical form"
    raise TypeError(message)

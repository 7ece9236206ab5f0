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
  (bytes as hexadecimal digits, instants as the database that sealed them gives them: SQLite as
  ``2026-07-15 03:04:05.000000``, PostgreSQL as ``2026-07-15T03:04:05.000000+00:00``);
- the digest of a row is its SHA-256;
- up to 256 rows in their order are a block: SHA-256 of ``block:`` and their digests;
- the digest of the part is the SHA-256 of ``part:`` and the digests of its blocks.

So a row can be shown to be sealed without showing what stands beside it
(:mod:`reconcile.audit.pack`). :mod:`reconcile.verify.seal` works all of it out by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.store.bulk import take_numbers
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.audit.seal_parts import (
    BLOCK_ROWS,
    PARTS,
    as_json,
    of_file,
    of_server,
    part_rows,
    row_texts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from reconcile.audit.seal_parts import Part

FIRST = "0" * 64  # what the first seal has before it
# One seal covers at least one journal; it ends where many rows or many journals have come.
_LINES_MAX, _JOURNALS_MAX, _ENTRIES_MAX = 200_000, 2_000, 50_000
_MARKS = (
    "SELECT SUBSTR(marks, 1, :most) FROM seal_part "
    "WHERE municipality_code = :m AND seal_no = :seal_no AND part = :part"
)


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


def is_pending(connection: Connection, municipality_code: str) -> bool:
    """未封印があるか: whether anything has been committed since the last seal."""
    last = last_seal(connection, municipality_code)
    journal_id = _next_journal(connection, municipality_code, last.journal_id)
    entry_no = _next_entry(connection, municipality_code, last.entry_no)
    return (journal_id, entry_no) != (last.journal_id, last.entry_no)


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
    parts = [_digest(part, _portions(connection, part, scope)) for part in PARTS]
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


def _portions(
    connection: Connection, part: Part, scope: dict[str, Any]
) -> Iterator[tuple[list[str], int]]:
    """The rows of a part as texts with their yen, whole blocks at a time."""
    if part.on_sqlite and connection.dialect.name == "sqlite":
        for rows in part_rows(connection, part._replace(statement=part.on_sqlite), scope):
            yield [row[0][1:-1] for row in rows], sum(row[1] for row in rows)
        return
    for rows in part_rows(connection, part, scope):
        yield row_texts(rows), sum(row[column] for row in rows for column in part.yen)


def instants_of(
    connection: Connection,
    part: Part,
    scope: dict[str, Any],
    said: str,
    first: Sequence[tuple[Any, ...]],
) -> Callable[[datetime], str]:
    """時刻の言い方: how the instants under a seal are said whose digest of a part is ``said``.

    Books that were moved to PostgreSQL keep the seals that were made over the file before. The
    marks of the ``first`` rows of the part tell which way it is, without reading on. Only where
    they do not (rows that were altered, or marks that are equal by chance) the digest does.
    """
    if connection.dialect.name != "postgresql" or not any(
        column.endswith("_at") for column in part.columns
    ):
        return of_server
    marks = connection.execute(
        text(_MARKS), {**scope, "part": part.name, "most": 2 * len(first)}
    ).scalar_one_or_none()
    alike = {words: _alike(row_texts(first, words), marks) for words in (of_server, of_file)}
    if alike[of_server] != alike[of_file]:
        return max(alike, key=alike.__getitem__)
    found = ((row_texts(rows, of_file), 0) for rows in part_rows(connection, part, scope))
    return of_file if _digest(part, found).sha256 == said else of_server


def _alike(texts: list[str], marks: bytes | None) -> int:
    """How many of the first rows of a part have the marks that were kept of them."""
    digests = b"".join([sha256(row.encode()).digest() for row in texts])
    pairs = zip(_pairs(bytes(_marks(digests))), _pairs(bytes(marks or b"")), strict=False)
    return sum(one == other for one, other in pairs)


def _pairs(marks: bytes) -> list[bytes]:
    return [marks[at : at + 2] for at in range(0, len(marks), 2)]


def _digest(part: Part, portions: Iterator[tuple[list[str], int]]) -> PartDigest:
    """The digest of all rows of a part, with their number and yen."""
    count = amount_yen = 0
    blocks, marks = sha256(b"part:"), bytearray()
    for texts, yen in portions:
        digests = b"".join([sha256(row.encode()).digest() for row in texts])
        for start in range(0, len(digests), BLOCK_ROWS * 32):
            block = digests[start : start + BLOCK_ROWS * 32]
            blocks.update(sha256(b"block:" + block).digest())
        marks += _marks(digests)
        count += len(texts)
        amount_yen += yen
    return PartDigest(part.name, count, amount_yen, blocks.hexdigest(), bytes(marks))


def _marks(digests: bytes) -> bytearray:
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
    return as_json([municipality_code, seal_no, previous_sha256, *reach, made_utc, list(parts)])


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

"""検算・封印: the chain of seals, worked out once more from the rows themselves.

The form of the digests is described in :mod:`reconcile.audit.seal`; nothing of it is used here.
Named are the first row that is not as it was sealed, in every part of every seal; what was taken
out of the chain; rows that came past it; signed reports that name another seal; and what has
waited for its seal for more than a day.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from reconcile.verify.entered import ENTERED
from reconcile.verify.walk import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.verify.walk import Store

_PORTION = 4_096  # whole blocks
_BLOCK = 256
_DIGEST = 32
_SEALED_WITHIN = timedelta(days=1)
_SHOWN = 200

_SEALS = """
SELECT seal_no, journal_id, entry_no, previous_sha256, sha256, made_utc FROM seal
WHERE municipality_code = :m ORDER BY seal_no"""
_SEAL_PARTS = """
SELECT part, row_count, amount_yen, sha256, marks FROM seal_part
WHERE municipality_code = :m AND seal_no = :seal_no"""
_GIVEN = """
SELECT MAX(next_value) - 1 FROM number_block WHERE municipality_code = :m AND name = 'seal'"""
_OUTCOME = """file_id, line_no, revision, outcome, rule, applied_yen, suspense_yen, slip_id,
    partner_file_id, partner_line_no, journal_id"""
# What is found by journals, in the order in which seals name it: how many columns name a row, and
# which are yen.
_BOOKED: dict[str, tuple[str, int, tuple[int, ...]]] = {
    "journal": (
        """SELECT journal_id, kind, file_id, CAST(booked_on AS VARCHAR(10)), made_at, actor, reason
        FROM journal WHERE municipality_code = :m AND journal_id BETWEEN :first AND :last
        ORDER BY journal_id""",
        1,
        (),
    ),
    "posting": (
        """SELECT journal_id, subject_file_id, subject_line_no, leg, debit_account,
            credit_account, amount_yen, reason, notice_id, term, group_id
        FROM posting WHERE municipality_code = :m AND journal_id BETWEEN :first AND :last
        ORDER BY journal_id, subject_file_id, subject_line_no, leg""",
        4,
        (6,),
    ),
    "line_outcome": (
        f"""SELECT {_OUTCOME} FROM line_outcome
        WHERE municipality_code = :m AND file_id = :file_id AND revision = 1
        ORDER BY line_no""",
        3,
        (5, 6),
    ),
    "line_outcome_again": (
        f"""SELECT {_OUTCOME} FROM line_outcome
        WHERE municipality_code = :m AND journal_id BETWEEN :first AND :last AND revision > 1
        ORDER BY journal_id, file_id, line_no, revision""",
        3,
        (5, 6),
    ),
    "assessment_event": (
        """SELECT file_id, line_no, kind, notice_id, term, amount_yen, flags, content, outcome
        FROM assessment_event WHERE municipality_code = :m AND file_id = :file_id
        ORDER BY line_no""",
        2,
        (5,),
    ),
}
_OF_FILES = ("line_outcome", "assessment_event")
_FILES = """
SELECT file_id FROM journal WHERE municipality_code = :m AND journal_id BETWEEN :first AND :last
  AND file_id IS NOT NULL ORDER BY journal_id"""
_PARTS = (*_BOOKED, *ENTERED)
_COVERED = "WHERE municipality_code = :m AND journal_id <= :last"
_ONLY = {"approval_decided": " AND decision IS NOT NULL"}
_CLOSURES = """
SELECT closure_no, report_json FROM day_closure
WHERE municipality_code = :m AND event = 'closed' ORDER BY closure_no"""
_WAITING_JOURNAL = """
SELECT journal_id, made_at FROM journal WHERE municipality_code = :m AND journal_id > :last
ORDER BY journal_id LIMIT 1"""


def seals(store: Store, now: datetime | None = None) -> Iterator[Difference]:
    """封印の検算; ``now`` is the clock unless the caller has another."""
    previous, journal_id, entry_no, number = "0" * 64, 0, 0, 0
    made: dict[int, str] = {}
    covered: dict[str, int] = {}
    for seal in list(store.rows(_SEALS)):
        number += 1
        subject = f"seal:{seal.seal_no}"
        if seal.seal_no != number:
            yield Difference("seal_chain", subject, str(number), str(seal.seal_no))
            number = seal.seal_no
        if seal.previous_sha256 != previous:
            yield Difference("seal_chain", subject, previous, seal.previous_sha256)
        parts = {row.part: row for row in store.rows(_SEAL_PARTS, seal_no=seal.seal_no)}
        said = _said(store, seal, parts)
        if said != seal.sha256:
            yield Difference("seal_digest", subject, seal.sha256, said)
        for part in _PARTS:
            reach = (journal_id, seal.journal_id, entry_no, seal.entry_no)
            yield from _part(store, subject, part, parts.get(part), reach)
            if part in parts:
                covered[part] = covered.get(part, 0) + parts[part].row_count
        made[seal.seal_no] = previous = seal.sha256
        journal_id, entry_no = seal.journal_id, seal.entry_no
    given = store.number(_GIVEN)
    if given != number:
        yield Difference("seal_chain", f"seal:{given}", str(given), str(number))
    yield from _covered(store, journal_id, entry_no, covered)
    yield from _anchors(store, made)
    yield from _waiting(store, journal_id, now or datetime.now(UTC))


def _said(store: Store, seal: Any, parts: dict[str, Any]) -> str:
    """The digest of what the seal says."""
    listed = [list(parts[name])[:4] for name in _PARTS if name in parts]
    said = [
        store.profile.municipality_code,
        seal.seal_no,
        seal.previous_sha256,
        seal.journal_id,
        seal.entry_no,
        seal.made_utc,
        listed,
    ]
    return hashlib.sha256(_text(said).encode()).hexdigest()


def _part(
    store: Store, subject: str, part: str, sealed: Any, reach: tuple[int, int, int, int]
) -> Iterator[Difference]:
    """One table under one seal: its first row that is not as it was sealed."""
    rows, width, yen = _rows(store, part, reach)
    marks = bytes(sealed.marks) if sealed else b""
    digest, count, amount_yen, first = hashlib.sha256(b"part:"), 0, 0, ""
    while portion := [*islice(rows, _PORTION)]:
        texts = _texts(portion)
        digests = [hashlib.sha256(row.encode()).digest() for row in texts]
        for start in range(0, len(digests), _BLOCK):
            block = b"".join(digests[start : start + _BLOCK])
            digest.update(hashlib.sha256(b"block:" + block).digest())
        if not first:
            first = _first_unlike(portion, texts, digests, marks[2 * count :], width)
        count += len(portion)
        amount_yen += sum(sum(map(itemgetter(column), portion)) for column in yen)
    found = (count, amount_yen, digest.hexdigest()) if count else None
    expected = (sealed.row_count, sealed.amount_yen, sealed.sha256) if sealed else None
    if found != expected:
        place, shown = first.split("\t") if first else ("", " ".join(map(str, found or "-")))
        should = " ".join(map(str, expected or "-"))
        yield Difference("seal_row", f"{subject} {part} {place}".strip(), should, shown)


def _first_unlike(
    portion: list[Any], texts: list[str], digests: list[bytes], marks: bytes, width: int
) -> str:
    """The key and the text of the first row whose mark is another one; "" for none."""
    if b"".join([d[:2] for d in digests]) == marks[: 2 * len(digests)]:
        return ""
    place = next(
        number
        for number, digest in enumerate(digests)
        if digest[:2] != marks[2 * number : 2 * number + 2]
    )
    key = "/".join(map(str, portion[place][:width]))
    return f"{key}\t{texts[place][:_SHOWN]}"


def _rows(
    store: Store, part: str, reach: tuple[int, int, int, int]
) -> tuple[Iterator[Any], int, tuple[int, ...]]:
    """The rows of a part, how many of their columns name them, and which are yen."""
    after_journal, journal_id, after_entry, entry_no = reach
    if part in _BOOKED:
        statement, width, yen = _BOOKED[part]
        span = {"first": after_journal + 1, "last": journal_id}
        if part not in _OF_FILES:
            return _flat(store, statement, **span), width, yen
        files = [row.file_id for row in store.rows(_FILES, **span)]
        rows = chain.from_iterable(_flat(store, statement, file_id=file_id) for file_id in files)
        return rows, width, yen
    table, key, columns = ENTERED[part]
    one, _, other = key.partition(", ")
    events = f" AND t.{other} = e.part_no" if other else ""
    statement = (
        f"SELECT e.entry_no, t.* FROM seal_entry e JOIN (SELECT {columns} FROM {table} "
        f"WHERE municipality_code = :m) t ON t.{one} = e.subject_id{events} "
        "WHERE e.municipality_code = :m AND e.entry_no BETWEEN :first AND :last "
        "AND e.kind = :kind ORDER BY e.entry_no"
    )
    width = 3 if other else 2  # the entry, and the key of its row
    return _flat(store, statement, first=after_entry + 1, last=entry_no, kind=part), width, ()


def _flat(store: Store, statement: str, **values: object) -> Iterator[tuple[Any, ...]]:
    """The rows of a statement as plain tuples."""
    return chain.from_iterable(store.portions(statement, **values))


def _covered(
    store: Store, journal_id: int, entry_no: int, covered: dict[str, int]
) -> Iterator[Difference]:
    """No row has come past the chain: tables hold as many as their seals and entries say."""
    tables = {
        "journal": ("journal",),
        "posting": ("posting",),
        "line_outcome": ("line_outcome", "line_outcome_again"),
    }
    for table, parts in tables.items():
        held = store.number(f"SELECT COUNT(*) FROM {table} {_COVERED}", last=journal_id)
        sealed = sum(covered.get(part, 0) for part in parts)
        if held != sealed:
            yield Difference("seal_coverage", table, str(sealed), str(held))
    for kind, (table, _key, _columns) in ENTERED.items():
        held = store.number(
            f"SELECT COUNT(*) FROM {table} WHERE municipality_code = :m{_ONLY.get(kind, '')}"
        )
        entered = store.number(
            "SELECT COUNT(*) FROM seal_entry WHERE municipality_code = :m AND kind = :kind",
            kind=kind,
        )
        if held != entered:
            yield Difference("seal_coverage", kind, str(entered), str(held))
    entries = store.number(
        "SELECT COUNT(*) FROM seal_entry WHERE municipality_code = :m AND entry_no <= :last",
        last=entry_no,
    )
    if entries != entry_no:
        yield Difference("seal_coverage", "seal_entry", str(entry_no), str(entries))


def _anchors(store: Store, made: dict[int, str]) -> Iterator[Difference]:
    """Every signed report names a seal that is still the same."""
    for row in store.rows(_CLOSURES):
        report = json.loads(row.report_json)
        seal_no, signed = int(report.get("seal_no", 0)), str(report.get("seal_sha256", ""))
        if seal_no and made.get(seal_no, "") != signed:
            subject = f"closure:{row.closure_no} seal:{seal_no}"
            yield Difference("seal_anchor", subject, signed, made.get(seal_no, ""))


def _waiting(store: Store, journal_id: int, now: datetime) -> Iterator[Difference]:
    """What was booked and has waited for its seal for too long."""
    for row in store.rows(_WAITING_JOURNAL, last=journal_id):
        moment = row.made_at
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        if now - moment > _SEALED_WITHIN:
            since = moment.astimezone(UTC).isoformat(timespec="seconds")
            yield Difference("unsealed", f"journal:{row.journal_id}", since, "")


def _texts(rows: list[tuple[Any, ...]]) -> list[str]:
    """Rows in the form that is sealed: JSON without the outer brackets."""
    joined = _text(rows)
    texts = joined[2:-2].split("],[")
    return texts if len(texts) == len(rows) else [_text(row)[1:-1] for row in rows]


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_other)


def _other(value: object) -> str:
    """What JSON does not know: instants (in UTC) and bytes (as hexadecimal digits)."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)

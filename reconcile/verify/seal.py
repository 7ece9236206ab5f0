"""検算・封印: the chain of seals, worked out once more from the rows themselves.

The form of the digests is described in :mod:`reconcile.audit.seal`; nothing of it is used here.
Named are the first row that is not as it was sealed, in every part of every seal; what was taken
out of the chain; rows that came past it; signed reports that name another seal; and what has
waited for its seal for more than a day.

Every table is read once, in the order of the seals, beside all others: as many statements for ten
years of seals as for one. Only what differs is read again, to find its first row.
"""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from reconcile.verify.entered import ENTERED
from reconcile.verify.walk import Difference, Sections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconcile.verify.walk import Store

    _Form = Callable[[object], str]

_PORTION = 4_096  # whole blocks
_BLOCK = 256
_DIGEST = 32
_SEALED_WITHIN = timedelta(days=1)
_SHOWN = 200

_INSTANT = re.compile(r"\w_at\b")  # the name of a column
_SEALS = """
SELECT seal_no, journal_id, entry_no, previous_sha256, sha256, made_utc FROM seal
WHERE municipality_code = :m ORDER BY seal_no"""
_SEAL_PARTS = """
SELECT part, row_count, amount_yen, sha256, seal_no FROM seal_part
WHERE municipality_code = :m ORDER BY seal_no"""
_MARKS = """
SELECT marks FROM seal_part WHERE municipality_code = :m AND seal_no = :seal_no AND part = :part"""
_GIVEN = """
SELECT MAX(next_value) - 1 FROM number_block WHERE municipality_code = :m AND name = 'seal'"""
_OUTCOME = """o.file_id, o.line_no, o.revision, o.outcome, o.rule, o.applied_yen,
    o.suspense_yen, o.slip_id, o.partner_file_id, o.partner_line_no, o.journal_id"""


class _Part(NamedTuple):
    """封印する表: its rows between two journals or entries, in the order in which these are sealed.

    ``width`` columns name a row; ``yen`` are added up; ``by`` is the column of the journal or the
    entry by which a row is sealed, and ``apart`` says that this one is not sealed itself.
    """

    statement: str
    width: int
    yen: tuple[int, ...] = ()
    by: int = 0
    apart: bool = False


# What is found by journals, in the order in which seals name it.
_BOOKED: dict[str, _Part] = {
    "journal": _Part(
        """SELECT journal_id, kind, file_id, CAST(booked_on AS VARCHAR(10)), made_at, actor, reason
        FROM journal WHERE municipality_code = :m AND journal_id BETWEEN :first AND :last
        ORDER BY journal_id""",
        1,
    ),
    "posting": _Part(
        """SELECT journal_id, subject_file_id, subject_line_no, leg, debit_account,
            credit_account, amount_yen, reason, notice_id, term, group_id
        FROM posting WHERE municipality_code = :m AND journal_id BETWEEN :first AND :last
        ORDER BY journal_id, subject_file_id, subject_line_no, leg""",
        4,
        (6,),
    ),
    "line_outcome": _Part(
        f"""SELECT {_OUTCOME}, j.journal_id AS sealed_by FROM journal j
        JOIN line_outcome o ON o.municipality_code = :m AND o.file_id = j.file_id
          AND o.revision = 1
        WHERE j.municipality_code = :m AND j.journal_id BETWEEN :first AND :last
        ORDER BY j.journal_id, o.line_no""",
        3,
        (5, 6),
        by=-1,
        apart=True,
    ),
    "line_outcome_again": _Part(
        f"""SELECT {_OUTCOME} FROM line_outcome o
        WHERE o.municipality_code = :m AND o.journal_id BETWEEN :first AND :last
          AND o.revision > 1
        ORDER BY o.journal_id, o.file_id, o.line_no, o.revision""",
        3,
        (5, 6),
        by=-1,
    ),
    "assessment_event": _Part(
        """SELECT a.file_id, a.line_no, a.kind, a.notice_id, a.term, a.amount_yen, a.flags,
            a.content, a.outcome, j.journal_id FROM journal j
        JOIN assessment_event a ON a.municipality_code = :m AND a.file_id = j.file_id
        WHERE j.municipality_code = :m AND j.journal_id BETWEEN :first AND :last
        ORDER BY j.journal_id, a.line_no""",
        2,
        (5,),
        by=-1,
        apart=True,
    ),
}
_PARTS = (*_BOOKED, *ENTERED)
_COVERED = "WHERE municipality_code = :m AND journal_id <= :last"
_ENTERED_KINDS = "SELECT kind, COUNT(*) FROM seal_entry WHERE municipality_code = :m GROUP BY kind"
_ONLY = {"approval_decided": " AND decision IS NOT NULL"}
_CLOSURES = """
SELECT closure_no, report_json FROM day_closure
WHERE municipality_code = :m AND event = 'closed' ORDER BY closure_no"""
_WAITING_JOURNAL = """
SELECT journal_id, made_at FROM journal WHERE municipality_code = :m AND journal_id > :last
ORDER BY journal_id LIMIT 1"""


class _Sealed(NamedTuple):
    """封印の範囲: a seal, and what the seal before it reached."""

    seal: Any
    after_journal: int
    after_entry: int

    def span(self, part: str) -> tuple[int, int]:
        """The journals or entries of this seal: behind which, and up to which."""
        if part in _BOOKED:
            return self.after_journal, self.seal.journal_id
        return self.after_entry, self.seal.entry_no


def seals(store: Store, now: datetime | None = None) -> Iterator[Difference]:
    """封印の検算; ``now`` is the clock unless the caller has another."""
    previous, number = "0" * 64, 0
    made: dict[int, str] = {}
    covered: dict[str, int] = {}
    entered = {kind: int(count) for kind, count in store.rows(_ENTERED_KINDS)}
    sections = Sections(store.portions(_SEAL_PARTS))
    chained = _chained(list(store.rows(_SEALS)))
    for sealed, tables in _tables(store, chained, entered):
        seal = sealed.seal
        number += 1
        subject = f"seal:{seal.seal_no}"
        if seal.seal_no != number:
            yield Difference("seal_chain", subject, str(number), str(seal.seal_no))
            number = seal.seal_no
        if seal.previous_sha256 != previous:
            yield Difference("seal_chain", subject, previous, seal.previous_sha256)
        parts = {row[0]: row for row in sections.of(seal.seal_no)}
        said = _said(store, seal, parts)
        if said != seal.sha256:
            yield Difference("seal_digest", subject, seal.sha256, said)
        for part in _PARTS:
            yield from _part(store, sealed, part, parts.get(part), tables.get(part))
            if part in parts:
                covered[part] = covered.get(part, 0) + parts[part][1]
        made[seal.seal_no] = previous = seal.sha256
    last = chained[-1].seal if chained else None
    given = store.number(_GIVEN)
    if given != number:
        yield Difference("seal_chain", f"seal:{given}", str(given), str(number))
    reached = (last.journal_id, last.entry_no) if last else (0, 0)
    yield from _covered(store, reached, covered, entered)
    yield from _anchors(store, made)
    yield from _waiting(store, reached[0], now or datetime.now(UTC))


def _chained(found: list[Any]) -> list[_Sealed]:
    """Every seal with what the one before it reached."""
    before = [(0, 0), *((seal.journal_id, seal.entry_no) for seal in found)]
    return [_Sealed(seal, *after) for seal, after in zip(found, before, strict=False)]


def _tables(
    store: Store, chained: list[_Sealed], entered: dict[str, int]
) -> Iterator[tuple[_Sealed, dict[str, _Rows]]]:
    """Every seal with the rows of the tables, which go on from seal to seal.

    They cannot go back. Where somebody has put a seal that reaches less far behind another, the
    tables are begun anew for it, and once more behind it.
    """
    begin = 0
    while begin < len(chained):
        end = begin + 1
        while not _goes_back(chained[begin]) and end < len(chained):
            if _goes_back(chained[end]):
                break
            end += 1
        first, last = chained[begin], chained[end - 1]
        tables = {
            part: _Rows(store, part, first.span(part)[0], last.span(part)[1])
            for part in _PARTS
            if part in _BOOKED or part in entered
        }
        for sealed in chained[begin:end]:
            yield sealed, tables
        begin = end


def _goes_back(sealed: _Sealed) -> bool:
    """Whether it reaches less far than the seal before it, as no seal does that was made so."""
    return any(after > last for after, last in map(sealed.span, ("journal", "file")))


class _Rows:
    """一つの表: the rows of a part, handed out from seal to seal."""

    def __init__(self, store: Store, part: str, after: int, last: int) -> None:
        """Nothing is read yet."""
        self.part = _BOOKED[part] if part in _BOOKED else _entered(part)
        kind = {} if part in _BOOKED else {"kind": part}
        self._portions = store.portions(self.part.statement, first=after + 1, last=last, **kind)
        self._rows: list[tuple[Any, ...]] = []
        self._at = 0

    def until(self, last: int) -> Iterator[tuple[Any, ...]]:
        """The next rows, up to this journal or entry."""
        return chain.from_iterable(self._parts(last))

    def _parts(self, last: int) -> Iterator[Sequence[tuple[Any, ...]]]:
        """The same portion by portion."""
        while self._at < len(self._rows) or self._read():
            end = bisect_right(self._rows, last, self._at, key=itemgetter(self.part.by))
            rows, self._at = self._rows[self._at : end], end
            yield [row[:-1] for row in rows] if self.part.apart else rows
            if end < len(self._rows):
                return

    def _read(self) -> bool:
        """Take the next portion."""
        self._rows, self._at = next(self._portions, []), 0
        return bool(self._rows)


def _said(store: Store, seal: Any, parts: dict[str, Any]) -> str:
    """The digest of what the seal says."""
    listed = [list(parts[name]) for name in _PARTS if name in parts]
    said = [
        store.profile.municipality_code,
        seal.seal_no,
        seal.previous_sha256,
        seal.journal_id,
        seal.entry_no,
        seal.made_utc,
        listed,
    ]
    return hashlib.sha256(_text(said, _other).encode()).hexdigest()


def _part(
    store: Store, sealed: _Sealed, part: str, said: Any, table: _Rows | None
) -> Iterator[Difference]:
    """One table under one seal: its first row that is not as it was sealed."""
    after, last = sealed.span(part)
    expected = tuple(said[1:]) if said else None
    found = _summed(table.until(last), table.part.yen, _other) if table else None
    if found == expected:
        return
    forms = _forms(store, table.part) if table else ()
    for form in forms[1:]:  # read once more: of books that were moved only
        again = _Rows(store, part, after, last)
        if _summed(again.until(last), again.part.yen, form) == expected:
            return
    first = _first_unlike(store, sealed, part, forms) if found else ""
    place, shown = first.split("\t", 1) if first else ("", " ".join(map(str, found or "-")))
    should = " ".join(map(str, expected or "-"))
    subject = f"seal:{sealed.seal.seal_no} {part} {place}".strip()
    yield Difference("seal_row", subject, should, shown)


def _summed(
    rows: Iterator[tuple[Any, ...]], yen: Sequence[int], form: _Form
) -> tuple[int, int, str] | None:
    """Number, yen and digest of the rows of a part; None where there are none."""
    digest, count, amount_yen = hashlib.sha256(b"part:"), 0, 0
    while portion := [*islice(rows, _PORTION)]:
        marks = _digests(_texts(portion, form))
        for start in range(0, len(marks), _BLOCK):
            block = b"".join(marks[start : start + _BLOCK])
            digest.update(hashlib.sha256(b"block:" + block).digest())
        count += len(portion)
        amount_yen += sum(sum(map(itemgetter(column), portion)) for column in yen)
    return (count, amount_yen, digest.hexdigest()) if count else None


def _forms(store: Store, part: _Part) -> tuple[_Form, ...]:
    """In which words the instants of a part may be sealed; one way where it has none.

    Books that were moved to PostgreSQL keep the seals that were made over the file before.
    """
    moved = store.connection.dialect.name == "postgresql" and _INSTANT.search(part.statement)
    return (_other, _other_in_file) if moved else (_other,)


def _first_unlike(store: Store, sealed: _Sealed, part: str, forms: Sequence[_Form]) -> str:
    """The key and the text of the first row whose mark is another one; "" for none.

    In the words in which most rows before it are as they were.
    """
    asked = store.rows(_MARKS, seal_no=sealed.seal.seal_no, part=part)
    marks = b"".join(bytes(row.marks) for row in asked)
    return max(_unlike_in(store, sealed, part, marks, form) for form in forms)[1]


def _unlike_in(
    store: Store, sealed: _Sealed, part: str, marks: bytes, form: _Form
) -> tuple[int, str]:
    """The same in these words, behind how many rows that are as they were."""
    after, last = sealed.span(part)
    again = _Rows(store, part, after, last)
    rows, count = again.until(last), 0
    while portion := [*islice(rows, _PORTION)]:
        texts = _texts(portion, form)
        for place, digest in enumerate(_digests(texts)):
            at = 2 * (count + place)
            if digest[:2] != marks[at : at + 2]:
                key = "/".join(map(str, portion[place][: again.part.width]))
                return count + place, f"{key}\t{texts[place][:_SHOWN]}"
        count += len(portion)
    return count, ""


def _digests(texts: list[str]) -> list[bytes]:
    return [hashlib.sha256(row.encode()).digest() for row in texts]


def _entered(kind: str) -> _Part:
    """The rows that entries of a kind stand for, each named by its entry and its own key."""
    table, key, columns = ENTERED[kind]
    one, _, other = key.partition(", ")
    events = f" AND t.{other} = e.part_no" if other else ""
    statement = (
        f"SELECT e.entry_no, t.* FROM seal_entry e JOIN (SELECT {columns} FROM {table} "
        f"WHERE municipality_code = :m) t ON t.{one} = e.subject_id{events} "
        "WHERE e.municipality_code = :m AND e.entry_no BETWEEN :first AND :last "
        "AND e.kind = :kind ORDER BY e.entry_no"
    )
    return _Part(statement, 3 if other else 2)


def _covered(
    store: Store, reached: tuple[int, int], covered: dict[str, int], entered: dict[str, int]
) -> Iterator[Difference]:
    """No row has come past the chain: tables hold as many as their seals and entries say."""
    journal_id, entry_no = reached
    tables = {
        "journal": ("journal",),
        "posting": ("posting",),
        "line_outcome": ("line_outcome", "line_outcome_again"),
    }
    wanted = {table: sum(covered.get(part, 0) for part in parts) for table, parts in tables.items()}
    wanted |= {kind: entered.get(kind, 0) for kind in ENTERED}
    wanted["seal_entry"] = entry_no
    counts = [f"SELECT '{table}' AS name, COUNT(*) FROM {table} {_COVERED}" for table in tables]
    counts += [
        f"SELECT '{kind}', COUNT(*) FROM {table} WHERE municipality_code = :m{_ONLY.get(kind, '')}"
        for kind, (table, _key, _columns) in ENTERED.items()
    ]
    counts.append(
        "SELECT 'seal_entry', COUNT(*) FROM seal_entry "
        "WHERE municipality_code = :m AND entry_no <= :entry_no"
    )
    asked = store.rows(" UNION ALL ".join(counts), last=journal_id, entry_no=entry_no)
    held = {name: int(count) for name, count in asked}
    for name, should in wanted.items():
        if held[name] != should:
            yield Difference("seal_coverage", name, str(should), str(held[name]))


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


def _texts(rows: list[tuple[Any, ...]], form: _Form) -> list[str]:
    """Rows in the form that is sealed: JSON without the outer brackets."""
    joined = _text(rows, form)
    texts = joined[2:-2].split("],[")
    return texts if len(texts) == len(rows) else [_text(row, form)[1:-1] for row in rows]


def _text(value: object, form: _Form) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=form)


def _other(value: object) -> str:
    """What JSON does not know: instants (in UTC) and bytes (as hexadecimal digits)."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)


def _other_in_file(value: object) -> str:
    """The same as SQLite has instants in its file: in UTC as well, and without saying so."""
    if isinstance(value, datetime):
        plain = value.astimezone(UTC).replace(tzinfo=None)
        return plain.isoformat(sep=" ", timespec="microseconds")
    return _other(value)

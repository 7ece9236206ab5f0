"""照会の記録簿: every question is written down and counted before it is answered.

Questions that arrive together share one transaction (:class:`GroupCommit`); counts are added in the
database, so that they hold over all processes of the service. While somebody else holds the books'
lock (SQLite has one writer, and an intake may take a while), answers do not wait for it: what was
asked is kept here, counted by what was last known, and written as soon as the lock is free.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.exc import OperationalError

from payments.store.engine import is_busy
from payments.store.one_trip import OneTrip, executed
from payments.store.straight import Backfill, Straight
from web import clock
from web.enquiries.counts import ADDING, COLUMNS, rows_of, totals
from web.enquiries.limits import (
    DAY,
    SPENT,
    Asked,
    Key,
    Verdict,
    counted,
    decide,
    is_guarded,
    site_key,
)
from web.notifications.group_commit import GroupCommit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from payments.domain.enquiring import Enquiries

LOCK_WAIT_MS = 200
AGAIN_SECONDS = 1.0  # between two looks whether the lock is free
PENDING_MAX = 20_000  # questions that may wait to be written; beyond that none is answered
KNOWN_MAX = 200_000  # counts that are remembered here
_ANSWERED = Verdict(0)
KEPT = 2 * DAY  # counts are forgotten after it
TIDY_SECONDS = 3_600
TIDY_MAX = 2_000  # counts that are forgotten with one group of questions, so that nobody waits
TOO_MANY = Verdict(30, "busy")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """一つの問い: as it is written down; digests only."""

    asked: Asked
    number_digest: str
    answer: str
    way: str


class _Told(NamedTuple):
    """書き留めた問い with its moment and what it adds to the counts."""

    question: Question
    now: float
    added: dict[Key, int]


def _told(question: Question, now: float) -> _Told:
    return _Told(question, now, counted(question.asked, now))


class Tally:
    """照会の記録簿 of one municipality in one process."""

    def __init__(self, engine: Engine, municipality_code: str) -> None:
        """Beside the books that ``engine`` opens; nothing is begun before the first question."""
        self._trip: OneTrip | None = None
        self._straight: Straight | None = None
        if engine.dialect.name == "postgresql":
            self._trip = OneTrip(engine, _PREPARED, lock_wait_ms=LOCK_WAIT_MS)
        else:
            self._straight = Straight(engine, lock_wait_ms=LOCK_WAIT_MS)
            self._backfill = Backfill(self._straight)
        self._code = municipality_code
        self._commits = GroupCommit[tuple[Question, "Enquiries"] | None, Verdict](self._perform)
        self._pending: list[_Told] = []
        self._known: dict[Key, int] = {}
        self._again_at = 0.0
        self._tidied_at = 0.0
        self._refused: dict[tuple[str, bool], tuple[float, Verdict]] = {}

    def ask(self, question: Question, section: Enquiries) -> Verdict:
        """Write the question down and count it; whether it may be answered.

        A source that was told to wait and does not is told so again without further work: neither
        the books nor the record can be filled by it.
        """
        now = clock.now().timestamp()
        whose = question.asked.source, bool(question.asked.proof)
        until, refusal = self._refused.get(whose, (0.0, _ANSWERED))
        if now < until:
            return Verdict(int(until - now) + 1, refusal.rule)
        verdict = self._commits.run((question, section))
        if verdict == SPENT:
            return self.ask(replace(question, asked=replace(question.asked, proof="")), section)
        if not verdict.answered and verdict.rule != "slip":
            if len(self._refused) >= KNOWN_MAX:
                self._refused = {}
            self._refused[whose] = now + verdict.wait_seconds - 1, verdict
        return verdict

    def guarded(self, section: Enquiries) -> bool:
        """警戒中か, as far as this process has heard."""
        return is_guarded(self._known.get(site_key(clock.now().timestamp()), 0), section)

    @property
    def waiting(self) -> int:
        """未記録: how many questions are not in the database yet."""
        return len(self._pending)

    def close(self) -> None:
        """Write what waits; end the thread."""
        if self._pending:
            self._again_at = 0.0
            self._commits.run(None)
        if self._pending:
            log.warning("%d enquiries could not be written down", len(self._pending))
            self._pending = []
        self._commits.close()
        if self._trip is not None:
            self._trip.close()
        if self._straight is not None:
            self._backfill.close()
            self._straight.close()

    # ---- in the one thread that writes ----

    def _perform(self, batch: list[tuple[Question, Enquiries] | None]) -> list[Verdict]:
        now = clock.now().timestamp()
        asked = [each for each in batch if each is not None]
        if len(self._pending) + len(asked) > PENDING_MAX:
            return [TOO_MANY] * len(batch)
        told = [_told(question, now) for question, _section in asked]
        before = self._write(told, now)
        verdicts = []
        mine = iter(told)
        for each in batch:
            if each is None:
                verdicts.append(_ANSWERED)
                continue
            question, section = each
            verdicts.append(decide(question.asked, before, section, now))
            for key, number in next(mine).added.items():
                before[key] = before.get(key, 0) + number
        return verdicts

    def _write(self, told: list[_Told], now: float) -> dict[Key, int]:
        """Write what waits and these; what had been counted before these."""
        added = _sums(told)
        if not (self._pending and time.monotonic() < self._again_at):
            try:
                self._flush(self._pending + told, now)
            except OperationalError as error:
                if not is_busy(error):
                    raise
                self._put_off(told, added)
            else:
                self._pending = []
        else:
            self._put_off(told, added)
        return {key: self._known.get(key, 0) - number for key, number in added.items()}

    def _put_off(self, told: list[_Told], added: Mapping[Key, int]) -> None:
        """Keep them until the lock is free, and look again by oneself."""
        if told and not self._pending:
            timer = threading.Timer(AGAIN_SECONDS * 2, self._look_again)
            timer.daemon = True
            timer.start()
        self._pending = [*self._pending, *told]
        self._again_at = time.monotonic() + AGAIN_SECONDS
        for key, number in added.items():
            self._known[key] = self._known.get(key, 0) + number

    def _look_again(self) -> None:
        while self._pending:
            self._commits.run(None)
            if self._pending:
                time.sleep(AGAIN_SECONDS)

    def _flush(self, told: list[_Told], now: float) -> None:
        added = _sums(told)
        over = now - self._tidied_at > TIDY_SECONDS
        before = int(now - KEPT) if over else 0
        note = self._note_at_once if self._trip else self._note
        found, forgotten = note(told, added, before)
        if over and forgotten < TIDY_MAX:
            self._tidied_at = now
        if len(self._known) > KNOWN_MAX:
            self._known = {}
        self._known.update(found)

    def _note(
        self, told: list[_Told], added: Mapping[Key, int], before: int
    ) -> tuple[dict[Key, int], int]:
        """Write questions down and add to the counts; their totals, and how many are forgotten."""
        if self._straight is None:
            return {}, 0
        forgotten = 0
        with self._straight.writing() as connection:
            connection.executemany(_LOG, [self._row(each) for each in told])
            rows = []
            for each in rows_of(added):
                rows += connection.execute(_ADD, [self._code, *each]).fetchall()
            if before:
                forgotten = connection.execute(_FORGET, (self._code, before, TIDY_MAX)).rowcount
        self._backfill.wrote()
        return totals(rows, added), forgotten

    def _note_at_once(
        self, told: list[_Told], added: Mapping[Key, int], before: int
    ) -> tuple[dict[Key, int], int]:
        """The same in one message, on PostgreSQL."""
        if self._trip is None:
            return {}, 0
        values = {
            "m": self._code,
            "log": json.dumps([self._row(each)[1:] for each in told]),
            "rows": json.dumps(rows_of(added)),
            "before": before,
            "most": TIDY_MAX,
        }
        statements = f"{_NOTE}; {_FORGOTTEN}" if before else _NOTE
        found = self._trip.run(self._code, statements, values)
        forgotten = len(found.pop()) if before else 0
        return totals(found[0], added), forgotten

    def _row(self, told: _Told) -> list[object]:
        """照会記録 as a row: instants as SQLite has them, which PostgreSQL reads as well.

        Numbers begin with their moment, so that what is written lies together.
        """
        at = datetime.fromtimestamp(told.now, UTC)
        question = told.question
        return [
            self._code,
            f"{int(told.now * 1000):012x}{secrets.token_hex(10)}",
            clock.in_japan(at).date().isoformat(),
            f"{at:%Y-%m-%d %H:%M:%S.%f}",
            question.number_digest,
            question.asked.source,
            question.answer,
            question.way,
            bool(question.asked.proof),
        ]


_LOG_COLUMNS = (
    "municipality_code, enquiry_id, asked_on, asked_at, number_digest, source_digest, answer, way, "
    "proven"
)
_LOG = f"INSERT INTO enquiry_log ({_LOG_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ADD = ADDING.format(rows=f"VALUES (?, {', '.join('?' * len(COLUMNS))})")
_FORGET = (
    "DELETE FROM enquiry_count WHERE (municipality_code, ends, subject) IN ("
    "SELECT municipality_code, ends, subject FROM enquiry_count "
    "WHERE municipality_code = {m} AND ends < {before} LIMIT {most})"
)
_FORGOTTEN = f"{_FORGET.format(m='%(m)s', before='%(before)s', most='%(most)s')} RETURNING 1"
_FORGET = _FORGET.format(m="?", before="?", most="?")
_OF_ROW = ", ".join(
    f"each ->> {place}" if name == "subject" else f"CAST(each ->> {place} AS bigint)"
    for place, name in enumerate(COLUMNS)
)
_PREPARED = {
    "asked": (
        "varchar, jsonb",
        (
            f"INSERT INTO enquiry_log ({_LOG_COLUMNS}) SELECT $1, each ->> 0, "
            "CAST(each ->> 1 AS date), CAST(each ->> 2 AS timestamp) AT TIME ZONE 'UTC', "
            "each ->> 3, each ->> 4, each ->> 5, each ->> 6, CAST(each ->> 7 AS boolean) "
            "FROM jsonb_array_elements($2) AS each"
        ),
    ),
    "counted": (
        "varchar, jsonb",
        ADDING.format(rows=f"SELECT $1, {_OF_ROW} FROM jsonb_array_elements($2) AS each"),
    ),
}
_NOTE = f"{executed('asked', ('m', 'log'))}; {executed('counted', ('m', 'rows'))}"


def _sums(told: list[_Told]) -> dict[Key, int]:
    """What several questions add together."""
    found: dict[Key, int] = {}
    for each in told:
        for key, number in each.added.items():
            found[key] = found.get(key, 0) + number
    return found

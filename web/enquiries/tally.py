"""照会の記録簿: every question is written down and counted before it is answered.

Questions that arrive together share one transaction (:class:`GroupCommit`); counts are added in the
database, so that they hold over all processes of the service. While somebody else holds the books'
lock (SQLite has one writer, and an intake may take a while), answers do not wait for it: what was
asked is kept here, counted by what was last known, and written as soon as the lock is free.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, insert, text
from sqlalchemy.exc import OperationalError

from payments.store.engine import is_busy, keys_of, open_engine
from payments.store.one_trip import OneTrip, executed
from payments.store.unit_of_work import side_work
from web import clock
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
from web.tables import EnquiryCountRow, EnquiryLogRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Engine

    from payments.domain.enquiring import Enquiries

LOCK_WAIT_MS = 200
AGAIN_SECONDS = 1.0  # between two looks whether the lock is free
PENDING_MAX = 20_000  # questions that may wait to be written; beyond that none is answered
KNOWN_MAX = 200_000  # counts that are remembered here
_ANSWERED = Verdict(0)
KEPT = 2 * DAY  # counts are forgotten after it
TIDY_SECONDS = 3_600
TOO_MANY = Verdict(30, "busy")

log = logging.getLogger(__name__)

log_table = EnquiryLogRow.__table__  # type: ignore[attr-defined]
count_table = EnquiryCountRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Question:
    """一つの問い: as it is written down; digests only."""

    asked: Asked
    number_digest: str
    answer: str
    way: str


class _Told(NamedTuple):
    """書き留めた問い with its moment."""

    question: Question
    now: float


class Tally:
    """照会の記録簿 of one municipality in one process."""

    def __init__(self, engine: Engine, municipality_code: str) -> None:
        """Beside the books that ``engine`` opens; nothing is begun before the first question."""
        url = engine.url.render_as_string(hide_password=False)
        self._engine = open_engine(
            url, keys=keys_of(engine), lock_wait_ms=LOCK_WAIT_MS, connections=1
        )
        self._trip: OneTrip | None = None
        if engine.dialect.name == "postgresql":
            self._trip = OneTrip(engine, _PREPARED, lock_wait_ms=LOCK_WAIT_MS)
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
        self._engine.dispose()

    # ---- in the one thread that writes ----

    def _perform(self, batch: list[tuple[Question, Enquiries] | None]) -> list[Verdict]:
        now = clock.now().timestamp()
        asked = [each for each in batch if each is not None]
        if len(self._pending) + len(asked) > PENDING_MAX:
            return [TOO_MANY] * len(batch)
        told = [_Told(question, now) for question, _section in asked]
        before = self._write(told, now)
        verdicts = []
        for each in batch:
            if each is None:
                verdicts.append(_ANSWERED)
                continue
            question, section = each
            verdicts.append(decide(question.asked, before, section, now))
            for key, number in counted(question.asked, now).items():
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
        totals = self._note_at_once(told, added) if self._trip else self._note(told, added)
        if now - self._tidied_at > TIDY_SECONDS:
            self._tidied_at = now
            with side_work(self._engine, self._code) as connection:
                connection.execute(
                    delete(count_table).where(
                        count_table.c.municipality_code == self._code,
                        count_table.c.ends < now - KEPT,
                    )
                )
        if len(self._known) > KNOWN_MAX:
            self._known = {}
        self._known.update(totals)

    def _note(self, told: list[_Told], added: Mapping[Key, int]) -> dict[Key, int]:
        """Write questions down and add to the counts; their totals."""
        with side_work(self._engine, self._code) as connection:
            if told:
                connection.execute(insert(log_table), [self._row(each) for each in told])
            rows = {"m": self._code, "rows": _counts(added)}
            return _totals(connection.execute(_ADD, rows), added)

    def _note_at_once(self, told: list[_Told], added: Mapping[Key, int]) -> dict[Key, int]:
        """The same in one message, on PostgreSQL."""
        if self._trip is None:
            return {}
        rows = [[str(value) for value in self._row(each).values()][1:] for each in told]
        values = {"m": self._code, "log": json.dumps(rows), "rows": _counts(added)}
        found = self._trip.run(self._code, _NOTE, values)
        return _totals(found[-1], added)

    def _row(self, told: _Told) -> dict[str, object]:
        at = datetime.fromtimestamp(told.now, UTC)
        question = told.question
        return {
            "municipality_code": self._code,
            "enquiry_id": uuid.uuid4().hex,
            "asked_on": clock.in_japan(at).date(),
            "asked_at": at,
            "number_digest": question.number_digest,
            "source_digest": question.asked.source,
            "answer": question.answer,
            "way": question.way,
            "proven": bool(question.asked.proof),
        }


def _counts(added: Mapping[Key, int]) -> str:
    """What is added, in the order of the keys, so that of two processes none waits for both."""
    keys = sorted(added)
    return json.dumps(
        [[key.subject, key.begun, key.begun + key.seconds, added[key]] for key in keys]
    )


def _totals(rows: Iterable[Sequence[Any]], added: Mapping[Key, int]) -> dict[Key, int]:
    """What the counts have come to."""
    found = {(subject, begun, ends): asked for subject, begun, ends, asked in rows}
    return {key: found[key.subject, key.begun, key.begun + key.seconds] for key in added}


# One statement for any number of counts, so that each database has to think about it only once.
_ADDING = (
    "INSERT INTO enquiry_count (municipality_code, subject, begun, ends, asked) "
    "SELECT {m}, {rows} "
    "ON CONFLICT (municipality_code, subject, begun, ends) "
    "DO UPDATE SET asked = enquiry_count.asked + excluded.asked "
    "RETURNING subject, begun, ends, asked"
)
_ADD = text(
    _ADDING.format(
        m="CAST(:m AS VARCHAR(5))",
        rows="json_extract(each.value, '$[0]'), json_extract(each.value, '$[1]'), "
        "json_extract(each.value, '$[2]'), json_extract(each.value, '$[3]') "
        "FROM json_each(:rows) AS each WHERE true",
    )
)
_PREPARED = {
    "asked": (
        "varchar, json",
        (
            "INSERT INTO enquiry_log (municipality_code, enquiry_id, asked_on, asked_at, "
            "number_digest, source_digest, answer, way, proven) SELECT $1, each ->> 0, "
            "CAST(each ->> 1 AS date), CAST(each ->> 2 AS timestamptz), each ->> 3, each ->> 4, "
            "each ->> 5, each ->> 6, CAST(each ->> 7 AS boolean) "
            "FROM json_array_elements($2) AS each"
        ),
    ),
    "counted": (
        "varchar, json",
        _ADDING.format(
            m="$1",
            rows="each ->> 0, CAST(each ->> 1 AS bigint), CAST(each ->> 2 AS bigint), "
            "CAST(each ->> 3 AS integer) FROM json_array_elements($2) AS each",
        ),
    ),
}
_NOTE = f"{executed('asked', ('m', 'log'))}; {executed('counted', ('m', 'rows'))}"


def _sums(told: list[_Told]) -> dict[Key, int]:
    """What several questions add together."""
    found: dict[Key, int] = {}
    for each in told:
        for key, number in counted(each.question.asked, each.now).items():
            found[key] = found.get(key, 0) + number
    return found

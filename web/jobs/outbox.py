"""外部通知の配信: what has happened is told to webhooks and folders.

No transaction is open while a receiver is spoken to. Several workers may run at once: each event
is claimed by one (:mod:`web.events.deliveries`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.exc import OperationalError

from payments.domain.errors import ConfigurationError
from payments.store.engine import is_busy
from payments.store.phases import carried
from payments.store.unit_of_work import reading
from web import clock, leases
from web.events.addresses import Reach
from web.events.body import content, encoded, event_id, one_event
from web.events.deliveries import (
    FAILED,
    WAITING,
    Claim,
    anything_due,
    claim,
    put_back,
    spread,
    write_down,
)
from web.events.drop import drop
from web.events.subscribers import FOLDER, everybody, secrets_of
from web.events.transport import DELIVERED, Answer, Lines, post_signed
from web.jobs.contract import JobResult, JobState
from web.jobs.locks import noting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from web.jobs.contract import JobContext

BATCH = 64
WRITES_TRIED = 4  # each waits a minute for a busy SQLite file
SENDERS = 8  # at once; a slow receiver does not hold the others up


class _Letter(NamedTuple):
    """一件の送信: everything it needs, read before the transaction ended."""

    claimed: Claim
    url: str
    secrets: tuple[str, ...]  # none: they cannot be opened with the keys there are
    message_id: str
    body: bytes


@dataclass
class _Run:
    """One run of the job for one municipality."""

    context: JobContext
    holder: str = field(default_factory=leases.holder_name)
    resting: set[int] = field(default_factory=set)  # subscribers who do not answer just now
    lines: Lines = field(default_factory=Lines)
    delivered: int = 0
    to_retry: int = 0  # attempts that will be made again
    given_up: int = 0

    @property
    def code(self) -> str:
        return self.context.municipality_code

    def go(self) -> None:
        """Until nothing is due any more."""
        while True:
            self.context.beat()
            with noting(self.context.engine, self.code) as connection:
                spread(connection, self.code, clock.now())
            with noting(self.context.engine, self.code) as connection:
                claims = claim(
                    connection, self.code, self.holder, clock.now(), resting=self.resting,
                    most=BATCH,
                )  # fmt: skip
            if not claims:
                return
            self._send(claims)

    def _send(self, claims: list[Claim]) -> None:
        """One batch: read, send, write down."""
        with reading(self.context.engine, self.code) as connection:
            letters = self._letters(connection, claims)
        reach = Reach.of(self.context.settings)
        with ThreadPoolExecutor(SENDERS, "outbox") as senders:
            answers = list(senders.map(carried(partial(self._post, reach)), letters))
        for left in reversed(range(WRITES_TRIED)):
            try:
                states = self._write_down(letters, answers)
                break
            except OperationalError as error:  # What was sent must not be sent again for nothing.
                if not (left and is_busy(error)):
                    raise
        self.delivered += states.count(DELIVERED)
        self.given_up += states.count(FAILED)
        self.to_retry += states.count(WAITING)

    def _post(self, reach: Reach, letter: _Letter) -> Answer | None:
        """One request; None when its receiver has just shown that it does not answer."""
        if letter.claimed.subscriber_no in self.resting:
            return None
        answer = Answer("secret_unreadable", None, 0)
        if letter.secrets:
            answer = post_signed(
                reach, letter.url, letter.secrets, letter.body, message_id=letter.message_id,
                at=clock.now(), lines=self.lines,
            )  # fmt: skip
        if not answer.was_heard:
            self.resting.add(letter.claimed.subscriber_no)
        return answer

    def _write_down(self, letters: list[_Letter], answers: list[Answer | None]) -> list[str]:
        """What became of a batch, in one transaction; the states of what was tried."""
        now, states, untried = clock.now(), [], []
        with noting(self.context.engine, self.code) as connection:
            for letter, answer in zip(letters, answers, strict=True):
                if answer is None:
                    untried.append(letter.claimed)
                else:
                    states.append(
                        write_down(connection, self.code, self.holder, letter.claimed, answer, now)
                    )
            put_back(connection, self.code, self.holder, untried, now)
        return states

    def _letters(self, connection: Connection, claims: Iterable[Claim]) -> list[_Letter]:
        """What is sent, as each subscriber may read it."""
        known = {one.subscriber_no: one for one in everybody(connection, self.code)}
        secrets = {
            number: self._secrets(connection, number)
            for number in {claimed.subscriber_no for claimed in claims}
        }
        letters = []
        for claimed in claims:
            subscriber = known[claimed.subscriber_no]
            row = one_event(connection, self.code, claimed.event_no)
            letters.append(
                _Letter(
                    claimed,
                    subscriber.address,
                    secrets[claimed.subscriber_no],
                    event_id(row.event_no, row.token),
                    encoded(content(subscriber, self.code, row)),
                )
            )
        return letters

    def _secrets(self, connection: Connection, number: int) -> tuple[str, ...]:
        try:
            return secrets_of(connection, self.context.settings, self.code, number, clock.now())
        except ConfigurationError:
            return ()  # The key ring lacks their key: the others are told all the same.


def anything_to_tell(context: JobContext) -> bool:
    """Whether there is anything to do."""
    with reading(context.engine, context.municipality_code) as connection:
        return anything_due(connection, context.municipality_code, clock.now())


def outbox(context: JobContext) -> JobResult:
    """外部通知の配信; INCOMPLETE when something was given up or a folder cannot be written."""
    run = _Run(context)
    files = 0
    notes: list[str] = []
    try:
        with closing(run.lines):
            run.go()
        files, notes = _folders(context)
    except OperationalError as error:
        if not is_busy(error):
            raise
        notes.append("books_busy")
    if run.given_up:
        notes.append("event_delivery_failed")
    totals = {
        "delivered": run.delivered,
        "to_retry": run.to_retry,
        "given_up": run.given_up,
        "event_files": files,
    }
    if run.delivered or run.to_retry or run.given_up or files:
        context.say(
            f"外部通知: 配信 {run.delivered:,}件 再送待ち {run.to_retry:,}件 "
            f"断念 {run.given_up:,}件 ファイル {files:,}件"
        )
    return JobResult(JobState.INCOMPLETE if notes else JobState.OK, totals, tuple(notes))


def _folders(context: JobContext) -> tuple[int, list[str]]:
    """The files that were written, and what kept others from it."""
    code = context.municipality_code
    with reading(context.engine, code) as connection:
        folders = [
            one for one in everybody(connection, code) if one.channel == FOLDER and not one.disabled
        ]
    files, notes = 0, []
    for subscriber in folders:
        try:
            files += drop(context.engine, code, subscriber, context.beat)
        except ConfigurationError as error:
            notes.append(error.error_code)
    return files, notes

"""記帳: what the spool holds goes into the books, in order of arrival, through the one pipeline.

Evidence, lines, outcomes and postings come from :func:`reconcile.pipeline.take_in`, as for a file.
Behind it the books note which notification became which file (``payment_notification``), then the
spool its mark. Whoever dies between these steps books nothing twice: the same bytes are the same
file, and the next one who looks completes the marks.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, insert, text, update
from sqlalchemy.exc import DBAPIError, OperationalError

from payments.store.engine import is_busy
from payments.store.phases import phase
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.formats.notification import FORMAT
from reconcile.model import Delivery, FileStatus
from reconcile.pipeline import take_in
from reconcile.together import Incoming, take_in_together
from web import clock, messages
from web.notifications.known import known_to_books, notifications
from web.notifications.spool_rows import Mark

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from reconcile.model import FileReport
    from web.notifications.known import Known
    from web.notifications.spool import Spool
    from web.notifications.spool_rows import Entry

TOGETHER_MAX = 32  # notifications in one transaction: it holds the books' lock for so long
# The number names no slip of ours, whether it is misread, another's or unknown (outcomes.md 4).
UNKNOWN_SLIP = frozenset({"unknown_slip", "invalid_key", "other_municipality"})
# Made once: building a statement costs more than it costs the database to run it.
_KEEP_AGAIN = (
    update(notifications)
    .where(
        notifications.c.municipality_code == bindparam("m"),
        notifications.c.key_id == bindparam("key"),
        notifications.c.notification_id == bindparam("id"),
    )
    .values(file_id=bindparam("file"), answer_json=bindparam("answer"))
)
_KEEP = insert(notifications).values(
    municipality_code=bindparam("m"),
    key_id=bindparam("key"),
    notification_id=bindparam("id"),
    body_sha256=bindparam("sha256"),
    received_at=bindparam("at"),
    file_id=bindparam("file"),
    answer_json=bindparam("answer"),
)
_FIRST_OUTCOMES = text(
    "SELECT outcome FROM line_outcome WHERE municipality_code = :m AND file_id = :file "
    "AND revision = 1"
)

log = logging.getLogger(__name__)


class BooksBusyError(Exception):
    """Somebody else is writing the books, or booking the spool: later."""


class Answer(NamedTuple):
    """受付の答え: status and members; the same again for every repetition."""

    status: int
    members: dict[str, Any]

    @property
    def accepted(self) -> bool:
        """Whether the notification was taken in, or will be."""
        return self.status < 400

    def as_text(self) -> str:
        """The answer as it is kept."""
        kept = {"status": self.status, "members": self.members}
        return json.dumps(kept, ensure_ascii=False)


def answer_from(text: str) -> Answer:
    """An answer that was kept."""
    kept = json.loads(text)
    return Answer(kept["status"], kept["members"])


def members(entry: Entry, status: str) -> dict[str, Any]:
    """What an operator is told about an entry, whatever became of it."""
    return {
        "id": entry.notification_id,
        "status": status,
        "sha256": entry.body_sha256,
        "received_at": _instant(entry.received_at),
    }


class Step(NamedTuple):
    """記帳の一歩: the entries that were looked at together, and how many of them are booked."""

    entries: list[Entry]
    booked: int


def book_waiting(
    engine: Engine,
    spool: Spool,
    municipality_code: str,
    *,
    after: int = 0,
    wait: bool = False,
    begin: Callable[[int], None] = lambda _number: None,
) -> Iterator[Step]:
    """Book what waits behind number ``after``, oldest first, and what arrives meanwhile.

    Yields step by step what was looked at; ``begin`` hears how many a step will look at. What
    cannot be booked (a mistake of ours) is logged, stays, and holds back no other. Raises
    :class:`BooksBusyError` when another process has the turn (unless ``wait``) or the books' lock,
    and what SQLAlchemy raises when the database is in trouble; what has been booked until then
    stays booked.
    """
    last = after
    while True:
        with spool.turn(municipality_code, wait=wait) as mine:
            if not mine:
                raise BooksBusyError
            found = spool.next_waiting(municipality_code, last, TOGETHER_MAX)
            if not found:
                return
            begin(len(found))
            last = found[-1].spool_no
            with phase("notifications.book", body=municipality_code, count=len(found)):
                booked = _book(engine, spool, municipality_code, found)
        yield Step(found, booked)


def book_again(engine: Engine, spool: Spool, municipality_code: str) -> int:
    """復元の後: book what the spool calls booked and the books do not know; how many there were.

    That is so when the books were restored from an older copy than the spool. What is missing is
    the end of the spool, so that one look suffices otherwise. Raises :class:`BooksBusyError`.
    """
    missing: list[Entry] = []
    before = None
    while (entry := spool.last_booked(municipality_code, before)) is not None:
        if _known(engine, municipality_code, entry) is not None:
            break
        missing.append(entry)
        before = entry.spool_no
    missing.reverse()
    for start in range(0, len(missing), TOGETHER_MAX):
        with spool.turn(municipality_code) as mine:
            if not mine:
                raise BooksBusyError
            _book(engine, spool, municipality_code, missing[start : start + TOGETHER_MAX])
    return len(missing)


def _book(engine: Engine, spool: Spool, municipality_code: str, entries: list[Entry]) -> int:
    """Book some entries, in the books and then in the spool; how many are in the books now."""
    bodies = spool.bodies(municipality_code, [entry.spool_no for entry in entries])
    incoming = [
        Incoming(
            Delivery(f"{entry.key_id}-{entry.notification_id}.json", bodies[entry.spool_no]),
            entry.received_on,
            f"api:{entry.key_id}",
        )
        for entry in entries
    ]
    marks: list[Mark] = []
    noted: dict[int, Mark | None] = {}

    def note(connection: Connection, place: int, report: FileReport) -> None:
        noted[place] = _keep(connection, municipality_code, entries[place], report)

    try:
        reports = take_in_together(engine, municipality_code, incoming, FORMAT, note)
        for place, (entry, each, found) in enumerate(zip(entries, incoming, reports, strict=True)):
            mark = noted[place] if found else _alone(engine, municipality_code, entry, each)
            if mark is not None:
                marks.append(mark)
    except OperationalError as error:
        if is_busy(error):
            raise BooksBusyError from error
        raise  # A full disk or a server that is gone: no other entry would fare better.
    finally:
        spool.mark_booked(municipality_code, marks)
    return len(marks)


def _alone(engine: Engine, municipality_code: str, entry: Entry, incoming: Incoming) -> Mark | None:
    """What becomes of an entry by itself that could not be booked with others; None: it waits."""
    delivery, received_on, actor = incoming
    try:
        report = take_in(
            engine, municipality_code, delivery,
            received_on=received_on, actor=actor, file_format=FORMAT,
        )  # fmt: skip
        if report.status is FileStatus.STOPPED:
            return None
        with unit_of_work(engine, municipality_code) as connection:
            return _keep(connection, municipality_code, entry, report)
    except OperationalError:
        raise
    except DBAPIError as error:
        # The statement may carry numbers of slips: only the kind of error is logged.
        log.error("notification %d: %s", entry.spool_no, type(error).__name__)  # noqa: TRY400
    except Exception:
        log.exception("notification %d", entry.spool_no)
    return None


def _answer(entry: Entry, report: FileReport, outcomes: Collection[str]) -> Answer:
    """What the operator is told."""
    if report.status.is_good:
        # Only whether there is such a slip is told: what was owed is a tax secret.
        unknown = not UNKNOWN_SLIP.isdisjoint(outcomes)
        known = "repeated" if "repeat" in outcomes else "recorded"
        outcome = "unknown_slip" if unknown else known
        return Answer(202 if unknown else 201, members(entry, "accepted") | {"outcome": outcome})
    findings = [
        {
            "code": finding.code,
            "field": finding.field,
            "found": finding.found,
            "expected": finding.expected,
            "message": messages.finding(finding.code),
        }
        for finding in report.findings
    ]
    quarantined = members(entry, "quarantined")
    return Answer(422, quarantined | {"code": "notification_quarantined", "findings": findings})


def _keep(
    connection: Connection, municipality_code: str, entry: Entry, report: FileReport
) -> Mark | None:
    """Which notification became which file, and the answer; again after a crash, the same."""
    if report.file_id is None:
        return None
    # Bytes that were here before, perhaps before a crash, are told what became of them then.
    outcomes = set(report.outcomes) or _first_outcomes(
        connection, municipality_code, report.file_id
    )
    answer = _answer(entry, report, outcomes).as_text()
    mark = Mark(entry.spool_no, report.file_id, answer)
    mine = {"m": municipality_code, "key": entry.key_id, "id": entry.notification_id}
    values = {"file": report.file_id, "answer": answer}
    if connection.execute(_KEEP_AGAIN, mine | values).rowcount:
        return mark
    at = clock.in_japan(entry.received_at).astimezone(UTC)
    connection.execute(_KEEP, mine | values | {"sha256": entry.body_sha256, "at": at})
    return mark


def _first_outcomes(connection: Connection, municipality_code: str, file_id: int) -> set[str]:
    """What the line of a notification ended in when it was first decided."""
    found = connection.execute(_FIRST_OUTCOMES, {"m": municipality_code, "file": file_id})
    return set(found.scalars())


def known_answer(
    engine: Engine, municipality_code: str, key_id: str, notification_id: str
) -> Answer | None:
    """The answer to a notification that the books know, or None."""
    with reading(engine, municipality_code) as connection:
        key = (key_id, notification_id)
        found = known_to_books(connection, municipality_code, [key]).get(key)
    if found is None or found.answer_json is None:
        return None
    return answer_from(found.answer_json)


def _known(engine: Engine, municipality_code: str, entry: Entry) -> Known | None:
    """What the books know of an entry."""
    with reading(engine, municipality_code) as connection:
        return known_to_books(connection, municipality_code, [entry.key]).get(entry.key)


@lru_cache(maxsize=64)  # Whatever shares a commit arrived at the same instant.
def _instant(value: datetime) -> str:
    """An instant in Japanese time, to the second."""
    return clock.in_japan(value).isoformat(timespec="seconds")

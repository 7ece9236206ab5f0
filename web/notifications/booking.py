"""記帳: what the spool holds goes into the books, in order of arrival, through the one pipeline.

Evidence, lines, outcomes and postings come from :func:`reconcile.pipeline.take_in`, as for a file.
Behind it the books note which notification became which file (``payment_notification``), then the
spool its mark. Whoever dies between these steps books nothing twice: the same bytes are the same
file, and the next one who looks completes the marks.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import DBAPIError, OperationalError

from payments.store.engine import is_busy
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.formats.notification import FORMAT
from reconcile.model import Delivery, FileStatus
from reconcile.pipeline import take_in
from web import clock, messages
from web.tables import PaymentNotificationRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Engine

    from reconcile.model import FileReport
    from web.notifications.spool import Entry, Spool

notifications = PaymentNotificationRow.__table__  # type: ignore[attr-defined]

LOOK_AHEAD = 10
_KNOWN = select(notifications.c.body_sha256, notifications.c.answer_json).where(
    notifications.c.municipality_code == bindparam("m"),
    notifications.c.key_id == bindparam("key_id"),
    notifications.c.notification_id == bindparam("notification_id"),
)

log = logging.getLogger(__name__)


class BooksBusyError(Exception):
    """Somebody else is writing the books, or booking the spool: later."""


@dataclass(frozen=True, slots=True)
class Answer:
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
    """記帳の一歩: an entry that was looked at, and how many are known to wait behind it."""

    entry: Entry
    booked: bool
    behind: int  # never more than :data:`LOOK_AHEAD`


def book_waiting(
    engine: Engine,
    spool: Spool,
    municipality_code: str,
    *,
    after: int = 0,
    wait: bool = False,
) -> Iterator[Step]:
    """Book what waits behind number ``after``, oldest first, and what arrives meanwhile.

    Yields each entry looked at. One that cannot be booked (a mistake of ours) is logged, stays, and
    holds back no other. Raises :class:`BooksBusyError` when another process has the turn (unless
    ``wait``) or the books' lock, and what SQLAlchemy raises when the database is in trouble; what
    has been booked until then stays booked.
    """
    last = after
    while True:
        with spool.turn(municipality_code, wait=wait) as mine:
            if not mine:
                raise BooksBusyError
            found = spool.next_waiting(municipality_code, last, 1 + LOOK_AHEAD)
            if not found:
                return
            last = found[0].spool_no
            booked = _try(engine, spool, municipality_code, found[0])
        yield Step(found[0], booked, len(found) - 1)


def book_again(engine: Engine, spool: Spool, municipality_code: str) -> int:
    """復元の後: book what the spool calls booked and the books do not know; how many there were.

    That is so when the books were restored from an older copy than the spool. What is missing is
    the end of the spool, so that one look suffices otherwise. Raises :class:`BooksBusyError`.
    """
    missing: list[Entry] = []
    before = None
    while (entry := spool.last_booked(municipality_code, before)) is not None:
        if known_to_books(engine, municipality_code, entry.key_id, entry.notification_id):
            break
        missing.append(entry)
        before = entry.spool_no
    for entry in reversed(missing):
        with spool.turn(municipality_code) as mine:
            if not mine:
                raise BooksBusyError
            _try(engine, spool, municipality_code, entry)
    return len(missing)


def _try(engine: Engine, spool: Spool, municipality_code: str, entry: Entry) -> bool:
    """Book one entry; whether it is in the books now."""
    try:
        return _book(engine, spool, municipality_code, entry)
    except OperationalError as error:
        if is_busy(error):
            raise BooksBusyError from error
        raise  # A full disk or a server that is gone: no other entry would fare better.
    except DBAPIError as error:
        # The statement may carry numbers of slips: only the kind of error is logged.
        log.error("notification %d: %s", entry.spool_no, type(error).__name__)  # noqa: TRY400
    except Exception:
        log.exception("notification %d", entry.spool_no)
    return False


def _book(engine: Engine, spool: Spool, municipality_code: str, entry: Entry) -> bool:
    """Book one entry, in the books and then in the spool; False when the intake stopped."""
    report = take_in(
        engine,
        municipality_code,
        Delivery(
            f"{entry.key_id}-{entry.notification_id}.json",
            spool.body(municipality_code, entry.spool_no),
        ),
        received_on=entry.received_on,
        actor=f"api:{entry.key_id}",
        file_format=FORMAT,
    )
    if report.status is FileStatus.STOPPED or report.file_id is None:
        return False
    kept = _answer(entry, report).as_text()
    _keep(engine, municipality_code, entry, report.file_id, kept)
    spool.mark_booked(municipality_code, entry.spool_no, file_id=report.file_id, answer_json=kept)
    return True


def _answer(entry: Entry, report: FileReport) -> Answer:
    """What the operator is told."""
    if report.status.is_good:
        return Answer(201, members(entry, "accepted"))
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
    engine: Engine, municipality_code: str, entry: Entry, file_id: int, answer_json: str
) -> None:
    """Which notification became which file, and the answer; again after a crash, the same."""
    mine = (
        notifications.c.municipality_code == municipality_code,
        notifications.c.key_id == entry.key_id,
        notifications.c.notification_id == entry.notification_id,
    )
    values = {"file_id": file_id, "answer_json": answer_json}
    with unit_of_work(engine, municipality_code) as connection:
        if connection.execute(update(notifications).where(*mine).values(values)).rowcount:
            return
        connection.execute(
            insert(notifications).values(
                municipality_code=municipality_code,
                key_id=entry.key_id,
                notification_id=entry.notification_id,
                body_sha256=entry.body_sha256,
                received_at=clock.in_japan(entry.received_at).astimezone(UTC),
                **values,
            )
        )


def known_to_books(
    engine: Engine, municipality_code: str, key_id: str, notification_id: str
) -> tuple[str, Answer | None] | None:
    """The body's hash and the answer of a notification that the books know, or None."""
    values = {"m": municipality_code, "key_id": key_id, "notification_id": notification_id}
    with reading(engine, municipality_code) as connection:
        row = connection.execute(_KNOWN, values).one_or_none()
    if row is None:
        return None
    return row.body_sha256, None if row.answer_json is None else answer_from(row.answer_json)


def _instant(value: datetime) -> str:
    """An instant in Japanese time, to the second."""
    return clock.in_japan(value).isoformat(timespec="seconds")

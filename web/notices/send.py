"""お知らせを送る: said once per key, to every recipient, with a record of each attempt.

The record that an attempt begins is committed before it is made, and its end after it. A repeat
run therefore sends nothing that was sent, tries again what failed, and leaves alone what another
process is sending right now. Only a process that dies between the two leaves an attempt without
end; it is made again after :data:`ATTEMPT_DIES`, because an alarm is better twice than never, and
its mail carries the same Message-ID.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from payments.store.bulk import take_numbers
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.notices.channels import Notice, NotSentError, drop_file, send_mail
from web.notices.recipients import targets
from web.notices.tables import NoticeEventRow, NoticeRow
from web.notices.webhook import post

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Row

    from web.jobs.contract import JobContext
    from web.notices.recipients import Target

ATTEMPT_DIES = timedelta(minutes=10)
PAUSE_MAX = timedelta(hours=1)
TRIED_FOR = timedelta(days=2)  # afterwards nobody wants to hear of it any more
KEY_MAX = 120
SUBJECT_MAX = 200

notices = NoticeRow.__table__  # type: ignore[attr-defined]
events = NoticeEventRow.__table__  # type: ignore[attr-defined]


def send_notice(
    context: JobContext, kind: str, subject: str, lines: Iterable[str], *, key: str = ""
) -> bool:
    """お知らせ: say ``lines`` under ``subject``; whether every recipient has it now.

    ``key`` names what it is about, and the same key is said only once; without one, the same
    words are said once a day. Never raises for what a channel cannot do: that is on record.
    """
    body = "\n".join(lines) + "\n"
    if not key:
        day = clock.in_japan(context.now).date().isoformat()
        key = f"{kind}:{sha256(f'{day}|{subject}|{body}'.encode()).hexdigest()[:32]}"
    return _deliver(context, _said(context, key[:KEY_MAX], kind, subject[:SUBJECT_MAX], body))


def said_since(connection: Connection, municipality_code: str, since: datetime) -> set[str]:
    """言ったこと: the keys of all notices since a moment."""
    rows = connection.execute(
        select(notices.c.notice_key).where(
            notices.c.municipality_code == municipality_code,
            notices.c.made_at >= since.astimezone(UTC),
        )
    )
    return set(rows.scalars())


def send_again(context: JobContext) -> int:
    """再送: try once more what some recipient does not have yet; how many still lack it."""
    with reading(context.engine, context.municipality_code) as connection:
        rows = connection.execute(
            select(notices)
            .where(
                notices.c.municipality_code == context.municipality_code,
                notices.c.made_at > context.now.astimezone(UTC) - TRIED_FOR,
            )
            .order_by(notices.c.notice_no)
        ).all()
    return sum(not _deliver(context, _notice(row)) for row in rows)


def _said(context: JobContext, key: str, kind: str, subject: str, body: str) -> Notice:
    """The notice under its key, as it was first said."""
    code = context.municipality_code
    with unit_of_work(context.engine, code) as connection:
        mine = (notices.c.municipality_code == code, notices.c.notice_key == key)
        row = connection.execute(select(notices).where(*mine)).one_or_none()
        if row is None:
            connection.execute(
                insert(notices).values(
                    municipality_code=code,
                    notice_no=take_numbers(connection, code, "notice", 1),
                    notice_key=key,
                    kind=kind,
                    subject=subject,
                    body=body,
                    made_at=context.now.astimezone(UTC),
                )
            )
            row = connection.execute(select(notices).where(*mine)).one()
        return _notice(row)


def _notice(row: Row[Any]) -> Notice:
    return Notice(
        row.municipality_code, row.notice_no, row.notice_key, row.kind, row.subject, row.body,
        _aware(row.made_at),
    )  # fmt: skip


def _deliver(context: JobContext, notice: Notice) -> bool:
    """To every recipient of the settings; whether all of them have it."""
    recipients = context.settings.recipients(context.municipality_code)
    done = [_attempt(context, notice, target) for target in targets(recipients)]
    return all(done)


def _attempt(context: JobContext, notice: Notice, target: Target) -> bool:
    """One attempt, unless it was sent before or somebody is at it."""
    code = context.municipality_code
    with unit_of_work(context.engine, code) as connection:
        past = _past(connection, notice, target)
        if any(row.state == "sent" for row in past):
            return True
        if past and clock.now() < _aware(past[-1].happened_at) + _pause(past[-1]):
            return False
        number = past[-1].attempt_no + 1 if past else 1
        _write(connection, notice, target, number, "begun")
    error_code = ""
    try:
        _send(context, notice, target)
    except NotSentError as error:
        error_code = error.code
    state = "failed" if error_code else "sent"
    with unit_of_work(context.engine, code) as connection:
        _write(connection, notice, target, number, state, error_code)
    return not error_code


def _past(connection: Connection, notice: Notice, target: Target) -> list[Row[Any]]:
    """What happened so far, in its order."""
    return list(
        connection.execute(
            select(events)
            .where(
                events.c.municipality_code == notice.municipality_code,
                events.c.notice_no == notice.notice_no,
                events.c.channel == target.channel,
                events.c.recipient == target.recipient,
            )
            # "begun" comes before "failed" and "sent".
            .order_by(events.c.attempt_no, events.c.state)
        )
    )


def _pause(last: Row[Any]) -> timedelta:
    """How long after ``last`` nobody tries again: the longer, the more often it has failed."""
    if last.state == "begun":
        return ATTEMPT_DIES
    return min(timedelta(minutes=2 ** min(last.attempt_no - 1, 10)), PAUSE_MAX)


def _aware(at: datetime) -> datetime:
    """SQLite gives instants back without zone; they were written in UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _send(context: JobContext, notice: Notice, target: Target) -> None:
    """By the channel of the target."""
    settings = context.settings
    if target.channel == "mail":
        send_mail(settings, notice, target.recipient)
    elif target.channel == "webhook":
        recipients = settings.recipients(context.municipality_code)
        post(settings, notice, recipients.webhook, recipients.webhook_secret)
    else:
        drop_file(settings.notice_folder(context.municipality_code), notice)


def _write(
    connection: Connection,
    notice: Notice,
    target: Target,
    number: int,
    state: str,
    error_code: str = "",
) -> None:
    connection.execute(
        insert(events).values(
            municipality_code=notice.municipality_code,
            notice_no=notice.notice_no,
            channel=target.channel,
            recipient=target.recipient,
            attempt_no=number,
            state=state,
            error_code=error_code,
            happened_at=clock.now(),
        )
    )

"""納付通知の受付: once per idempotency key, evidence first, then the same road as a file.

The answer says that the notification is kept, not whose slip it was or whether it was owed: what a
person has paid is a tax secret (地方税法22条), also towards the operator who took the money.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from payments.domain.errors import ConflictError, InvalidValueError, NotFoundError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.formats.notification import FORMAT
from reconcile.model import Delivery, FileStatus
from reconcile.pipeline import take_in
from web import clock, messages
from web.tables import PaymentNotificationRow

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine, Row

    from reconcile.model import FileReport

IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
notifications = PaymentNotificationRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Answer:
    """受付の答え: status and members; the same again for every repetition."""

    status: int
    members: dict[str, Any]

    @property
    def accepted(self) -> bool:
        """Whether the notification was taken in."""
        return self.status < 400


def identifier(header: str | None, body: bytes) -> str:
    """The idempotency key: the header, or ``notification_id`` of the body.

    Raises :class:`InvalidValueError` ``idempotency_key_missing`` or ``idempotency_key_invalid``.
    """
    key = header or _notification_id(body)
    if not key:
        raise InvalidValueError("idempotency_key_missing")
    if IDENTIFIER.fullmatch(key) is None:
        raise InvalidValueError("idempotency_key_invalid")
    return key


def _notification_id(body: bytes) -> str:
    """The member of the body, when there is one to be read."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    value = found.get("notification_id") if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""


def receive(
    engine: Engine, municipality_code: str, key_id: str, notification_id: str, body: bytes
) -> tuple[Answer, bool]:
    """Take one notification in; the answer, and whether this request was the first.

    A request that was interrupted after its evidence was kept is finished by the next one with the
    same key and body. Raises :class:`ConflictError` ``idempotency_conflict`` for another body.
    """
    digest = sha256(body).hexdigest()
    first = _enter(engine, municipality_code, key_id, notification_id, digest)
    row = _row(engine, municipality_code, key_id, notification_id)
    if row.body_sha256 != digest:
        raise ConflictError("idempotency_conflict", notification_id=notification_id)
    if row.answer_json is not None:
        stored = json.loads(row.answer_json)
        return Answer(stored["status"], stored["members"]), False
    report = take_in(
        engine,
        municipality_code,
        Delivery(f"{key_id}-{notification_id}.json", body),
        received_on=clock.today(),
        actor=f"api:{key_id}",
        file_format=FORMAT,
    )
    answer = _answer(notification_id, digest, _instant(row.received_at), report)
    if report.status is not FileStatus.STOPPED:
        _keep_answer(engine, municipality_code, key_id, notification_id, report, answer)
    return answer, first


def show(engine: Engine, municipality_code: str, key_id: str, notification_id: str) -> Answer:
    """What was answered; :class:`NotFoundError` ``notification`` also for other people's keys."""
    row = _row(engine, municipality_code, key_id, notification_id)
    if row is None or row.answer_json is None:
        raise NotFoundError("notification", notification_id=notification_id)
    stored = json.loads(row.answer_json)
    members = {name: stored["members"][name] for name in ("id", "status", "sha256", "received_at")}
    return Answer(200, members)


def _enter(
    engine: Engine, municipality_code: str, key_id: str, notification_id: str, digest: str
) -> bool:
    """Claim the idempotency key; False when it is known already."""
    try:
        with unit_of_work(engine, municipality_code) as connection:
            connection.execute(
                insert(notifications).values(
                    municipality_code=municipality_code,
                    key_id=key_id,
                    notification_id=notification_id,
                    body_sha256=digest,
                    received_at=clock.now(),
                )
            )
    except IntegrityError:
        return False
    return True


def _row(
    engine: Engine, municipality_code: str, key_id: str, notification_id: str
) -> Row[Any] | Any:
    with reading(engine, municipality_code) as connection:
        return connection.execute(
            select(notifications).where(
                notifications.c.municipality_code == municipality_code,
                notifications.c.key_id == key_id,
                notifications.c.notification_id == notification_id,
            )
        ).one_or_none()


def _answer(notification_id: str, digest: str, received_at: str, report: FileReport) -> Answer:
    """What the operator is told."""
    members: dict[str, Any] = {
        "id": notification_id,
        "status": "accepted",
        "sha256": digest,
        "received_at": received_at,
    }
    if report.status.is_good:
        return Answer(201, members)
    if report.status is FileStatus.STOPPED:
        return Answer(503, {"code": "not_ready"})
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
    quarantined = members | {"status": "quarantined"}
    return Answer(422, quarantined | {"code": "notification_quarantined", "findings": findings})


def _keep_answer(
    engine: Engine,
    municipality_code: str,
    key_id: str,
    notification_id: str,
    report: FileReport,
    answer: Answer,
) -> None:
    stored = json.dumps({"status": answer.status, "members": answer.members}, ensure_ascii=False)
    with unit_of_work(engine, municipality_code) as connection:
        connection.execute(
            update(notifications)
            .where(
                notifications.c.municipality_code == municipality_code,
                notifications.c.key_id == key_id,
                notifications.c.notification_id == notification_id,
            )
            .values(file_id=report.file_id, answer_json=stored)
        )


def _instant(value: datetime) -> str:
    """An instant in Japanese time, to the second."""
    return clock.in_japan(value).isoformat(timespec="seconds")

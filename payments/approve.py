"""承認: what one person asks for and another person decides (design R10).

An approval says exactly what will be done, as JSON with its hash. It is decided once, by somebody
else than who asked: this module says so in words, the database in a constraint. Until then who
asked may take it back. What is done when it is approved is the business of whoever asked;
:func:`approved` answers whether just this was approved.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.domain.reason import require_reason
from payments.store.bulk import take_numbers
from payments.store.slip_tables import ApprovalRow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

DECISIONS = ("approved", "rejected")
RECALLED = "recalled"
WAITING = "waiting"
STATES = (WAITING, *DECISIONS, RECALLED)

table = ApprovalRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Approval:
    """承認: what was asked, by whom, and what became of it."""

    approval_id: int
    kind: str
    subject: str
    content: dict[str, Any]
    content_sha256: str
    reason: str
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision: str | None
    note: str

    @property
    def state(self) -> str:
        """状態: ``waiting``, ``approved``, ``rejected`` or ``recalled``."""
        return self.decision or WAITING


def ask(
    connection: Connection,
    municipality_code: str,
    kind: str,
    subject: str,
    content: Mapping[str, Any],
    *,
    asked_by: str,
    at: datetime,
    reason: str,
) -> Approval:
    """承認の依頼: ask for ``content`` to be done.

    Raises :class:`InvalidValueError` ``reason_missing`` or ``reason_long``, and
    :class:`RefusedError` ``approval_waiting`` while the same subject waits for a decision.
    """
    reason = require_reason(reason)
    waiting = [
        a for a in of_subject(connection, municipality_code, kind, subject) if not a.decision
    ]
    if waiting:
        raise RefusedError("approval_waiting", approval_id=waiting[0].approval_id)
    approval_id = take_numbers(connection, municipality_code, "approval", 1)
    written = canonical(content)
    connection.execute(
        table.insert().values(
            municipality_code=municipality_code,
            approval_id=approval_id,
            kind=kind,
            subject=subject,
            content_json=written,
            content_sha256=sha256(written.encode()).hexdigest(),
            reason=reason,
            asked_by=asked_by,
            asked_at=at,
            note="",
        )
    )
    return show(connection, municipality_code, approval_id)


def decide(
    connection: Connection,
    municipality_code: str,
    approval_id: int,
    decision: str,
    *,
    decided_by: str,
    at: datetime,
    note: str = "",
) -> Approval:
    """承認・却下: once, and by somebody else than who asked.

    A rejection needs a ``note``. Raises :class:`NotFoundError` ``approval``, :class:`RefusedError`
    ``approval_decided`` or ``approval_same_person``, :class:`InvalidValueError`
    ``approval_decision``, ``reason_missing`` or ``reason_long``.
    """
    if decision not in DECISIONS:
        raise InvalidValueError("approval_decision", found=decision, expected=" / ".join(DECISIONS))
    approval = show(connection, municipality_code, approval_id)
    if approval.asked_by.casefold() == decided_by.casefold():
        raise RefusedError("approval_same_person", user_name=decided_by)
    if decision == "rejected" or note.strip():
        note = require_reason(note)
    return _end(connection, municipality_code, approval, decision, decided_by, at, note)


def recall(
    connection: Connection,
    municipality_code: str,
    approval_id: int,
    *,
    recalled_by: str,
    at: datetime,
    note: str,
) -> Approval:
    """取下げ: who asked takes the request back, with a reason, while nobody has decided it.

    Raises :class:`NotFoundError` ``approval``, :class:`RefusedError` ``approval_decided`` or
    ``approval_other_person``, :class:`InvalidValueError` ``reason_missing`` or ``reason_long``.
    """
    approval = show(connection, municipality_code, approval_id)
    if approval.asked_by != recalled_by:
        raise RefusedError("approval_other_person", user_name=recalled_by)
    note = require_reason(note)
    return _end(connection, municipality_code, approval, RECALLED, recalled_by, at, note)


def _end(
    connection: Connection,
    municipality_code: str,
    approval: Approval,
    decision: str,
    decided_by: str,
    at: datetime,
    note: str,
) -> Approval:
    """Write down how a request ended; somebody else may have been first."""
    changed = connection.execute(
        update(table)
        .where(
            table.c.municipality_code == municipality_code,
            table.c.approval_id == approval.approval_id,
            table.c.decision.is_(None),
        )
        .values(decision=decision, decided_by=decided_by, decided_at=at, note=note)
    ).rowcount
    if not changed:
        raise RefusedError(
            "approval_decided", approval_id=approval.approval_id, state=approval.state
        )
    return show(connection, municipality_code, approval.approval_id)


def approved(
    connection: Connection,
    municipality_code: str,
    kind: str,
    subject: str,
    content: Mapping[str, Any],
) -> Approval | None:
    """承認済か: the latest approval of just this content, None when there is none."""
    wanted = sha256(canonical(content).encode()).hexdigest()
    found = [
        approval
        for approval in of_subject(connection, municipality_code, kind, subject)
        if approval.decision == "approved" and approval.content_sha256 == wanted
    ]
    return found[-1] if found else None


def show(connection: Connection, municipality_code: str, approval_id: int) -> Approval:
    """承認 by its number; :class:`NotFoundError` ``approval``."""
    row = connection.execute(
        select(table).where(
            table.c.municipality_code == municipality_code, table.c.approval_id == approval_id
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError("approval", approval_id=approval_id)
    return _approval(row)


def approvals(
    connection: Connection,
    municipality_code: str,
    *,
    state: str = "",
    kind: str = "",
    limit: int = 100,
    offset: int = 0,
) -> list[Approval]:
    """承認の一覧: what waits first, then newest first.

    ``state`` is one of :data:`STATES`; "" is all of them, and so is a ``kind`` of "".
    """
    if not state:  # two short walks of an index instead of sorting everything ever asked for
        waiting = how_many(connection, municipality_code, state=WAITING, kind=kind)
        first = _page(connection, _chosen(municipality_code, WAITING, kind), limit, offset)
        rest = [*_chosen(municipality_code, "", kind), table.c.decision.is_not(None)]
        begin = max(offset - waiting, 0)
        return first + _page(connection, rest, limit - len(first), begin)
    return _page(connection, _chosen(municipality_code, state, kind), limit, offset)


def how_many(
    connection: Connection, municipality_code: str, *, state: str = "", kind: str = ""
) -> int:
    """承認の件数: how many :func:`approvals` has in all."""
    chosen = _chosen(municipality_code, state, kind)
    return int(connection.execute(select(func.count()).where(*chosen)).scalar_one())


def _page(
    connection: Connection, chosen: list[ColumnElement[bool]], limit: int, offset: int
) -> list[Approval]:
    """One page of a list, newest first."""
    rows = connection.execute(
        select(table)
        .where(*chosen)
        .order_by(table.c.approval_id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [_approval(row) for row in rows]


def _chosen(municipality_code: str, state: str, kind: str) -> list[ColumnElement[bool]]:
    """The condition of a list."""
    chosen = [table.c.municipality_code == municipality_code]
    if state == WAITING:
        chosen.append(table.c.decision.is_(None))
    elif state:
        chosen.append(table.c.decision == state)
    if kind:
        chosen.append(table.c.kind == kind)
    return chosen


def canonical(content: Mapping[str, Any]) -> str:
    """内容の正規形: the JSON text that is hashed; dates and enums as their text."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)


def of_subject(
    connection: Connection, municipality_code: str, kind: str, subject: str
) -> list[Approval]:
    """承認の経過: everything that was ever asked about this subject, oldest first."""
    rows = connection.execute(
        select(table)
        .where(
            table.c.municipality_code == municipality_code,
            table.c.kind == kind,
            table.c.subject == subject,
        )
        .order_by(table.c.approval_id)
    )
    return [_approval(row) for row in rows]


def _approval(row: Row[Any]) -> Approval:
    """An approval from its row."""
    return Approval(
        row.approval_id, row.kind, row.subject, json.loads(row.content_json), row.content_sha256,
        row.reason, row.asked_by, row.asked_at, row.decided_by, row.decided_at, row.decision,
        row.note,
    )  # fmt: skip

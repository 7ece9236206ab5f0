"""振込データの取消: a batch that the bank shall not transfer ends, and its refunds are free again.

Two people withdraw it: when the bank never got the file, when its day has passed, or when an
account of it was revoked. Once the file was taken the bank must have said that it stopped the
transfer, and who said so is part of what is approved. Nothing goes away: the batch keeps its rows,
its hash and its history, and its file is never to be had again; each of its refunds is what it was
before it was sent, and its next transfer is an attempt of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments import approve
from payments.domain.errors import RefusedError
from payments.domain.reason import require_reason
from reconcile.refunds import bank
from reconcile.refunds.batch_events import BUILT, HANDED_OUT, WITHDRAWN, write_batch_event
from reconcile.refunds.batches import GONE, batch, facts_of, lines
from reconcile.refunds.events import WITHDRAWN as REFUND_WITHDRAWN
from reconcile.refunds.events import write_event

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile

KIND = "refund_batch_withdraw"


def withdraw_content(
    connection: Connection, profile: Profile, batch_no: int, stopped: str = ""
) -> dict[str, Any]:
    """取消の依頼の内容: which batch will not be transferred, and what has become of its file.

    ``stopped``: who at the bank confirmed that the transfer is stopped; needed once the file was
    taken. A transfer can come back only from a batch that was paid. Raises :class:`NotFoundError`
    ``batch_no``; :class:`RefusedError` ``batch_state`` (paid, replaced or withdrawn already),
    ``batch_bank_line`` while the statement has a line that may be its payment, or
    ``batch_stopped_missing``; :class:`InvalidValueError` ``reason_long``.
    """
    found = batch(connection, profile.municipality_code, batch_no)
    if found.state not in {BUILT, *GONE}:
        raise RefusedError("batch_state", batch_no=batch_no, state=found.state)
    if found.state in GONE:
        paid = bank.payments_of(connection, profile, found)
        if paid:
            raise RefusedError(
                "batch_bank_line", batch_no=batch_no, expected=paid[0].booked_on.isoformat()
            )
    if found.state == HANDED_OUT and not stopped.strip():
        raise RefusedError("batch_stopped_missing", batch_no=batch_no)
    return {
        **facts_of(found),
        "state": found.state,
        "stopped": require_reason(stopped) if stopped.strip() else "",
    }


def ask_withdraw(
    connection: Connection,
    profile: Profile,
    batch_no: int,
    *,
    asked_by: str,
    at: datetime,
    reason: str,
    stopped: str = "",
) -> Approval:
    """取消の依頼; what :func:`withdraw_content` and :func:`payments.approve.ask` raise."""
    content = withdraw_content(connection, profile, batch_no, stopped)
    return approve.ask(
        connection, profile.municipality_code, KIND, f"batch:{batch_no}", content,
        asked_by=asked_by, at=at, reason=reason,
    )  # fmt: skip


def content_now(connection: Connection, profile: Profile, approval: Approval) -> dict[str, Any]:
    """いまの内容: what would be asked for now; raises what :func:`withdraw_content` raises."""
    said = approval.content
    return withdraw_content(connection, profile, int(said["batch_no"]), str(said["stopped"]))


def withdraw(connection: Connection, profile: Profile, approval: Approval, *, on: date) -> None:
    """取消の承認: the batch ends, and what was sent with it waits for another one.

    A batch that was not released has sent nothing: its refunds are free by its end alone. Raises
    :class:`RefusedError` ``approval_stale`` (its file was taken since it was asked for) and what
    :func:`withdraw_content` raises.
    """
    content = content_now(connection, profile, approval)
    if approve.canonical(content) != approve.canonical(approval.content):
        raise RefusedError("approval_stale", approval_id=approval.approval_id)
    code, number = profile.municipality_code, int(content["batch_no"])
    by, at, why = str(approval.decided_by), approval.decided_at, approval.reason
    write_batch_event(
        connection, code, number, WITHDRAWN, by=by, at=at, note=why,
        approval_id=approval.approval_id,
    )  # fmt: skip
    if content["state"] == BUILT:
        return
    for each in lines(connection, code, number):
        write_event(
            connection, code, each.refund_no, REFUND_WITHDRAWN, on=on, by=by, at=at, note=why,
            batch_no=number,
        )  # fmt: skip

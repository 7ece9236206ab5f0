"""振込データの引渡し: released by two people, sent once; its file again only with a reason.

What is released counts as sent: every attempt at a refund gets its row in ``refund_sent``, whose
key lets a second batch with the same attempt fail, whoever releases it and whenever.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from payments import approve
from payments.domain.errors import InvalidValueError, RefusedError
from payments.domain.reason import require_reason
from reconcile.refunds import payees
from reconcile.refunds.batch_events import BUILT, HANDED_OUT, RELEASED, write_batch_event
from reconcile.refunds.batches import batch, facts_of, file_of, lines, rewrite
from reconcile.refunds.events import PAYABLE, SENT, refunds, write_event
from reconcile.store.refund_tables import RefundSentRow

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile

KIND = "refund_batch"

sent_table: Any = RefundSentRow.__table__  # type: ignore[attr-defined]


def release_content(
    connection: Connection, municipality_code: str, batch_no: int
) -> dict[str, Any]:
    """引渡しの依頼の内容: which file, with which totals.

    Raises :class:`NotFoundError` ``batch_no``; :class:`RefusedError` ``batch_state``,
    ``batch_changed`` (also when a refund of it no longer waits as it did) or ``batch_payee`` when
    an account of it was revoked since it was built.
    """
    found = batch(connection, municipality_code, batch_no)
    if found.state != BUILT:
        raise RefusedError("batch_state", batch_no=batch_no, state=found.state)
    rewrite(connection, municipality_code, found)
    waits = {
        (each.refund_no, each.attempt, each.account_no, each.amount_yen, each.interest_yen)
        for each in refunds(connection, municipality_code, states=PAYABLE, batch_no=batch_no)
    }
    frozen = lines(connection, municipality_code, batch_no)
    if any(tuple(line[1:]) not in waits for line in frozen):
        raise RefusedError("batch_changed", batch_no=batch_no)
    if payees.not_counting(connection, municipality_code, (line.account_no for line in frozen)):
        raise RefusedError("batch_payee", batch_no=batch_no)
    return facts_of(found)


def ask_release(
    connection: Connection,
    profile: Profile,
    batch_no: int,
    *,
    asked_by: str,
    at: datetime,
    reason: str,
) -> Approval:
    """引渡しの依頼; what :func:`release_content` and :func:`payments.approve.ask` raise."""
    code = profile.municipality_code
    content = release_content(connection, code, batch_no)
    return approve.ask(
        connection, code, KIND, f"batch:{batch_no}", content,
        asked_by=asked_by, at=at, reason=reason,
    )  # fmt: skip


def release(connection: Connection, profile: Profile, approval: Approval, *, on: date) -> None:
    """引渡しの承認: every transfer of the batch counts as sent from now on, and never again.

    Raises :class:`InvalidValueError` ``batch_day`` when the day of transfer has passed;
    :class:`RefusedError` ``approval_stale`` and what :func:`release_content` raises.
    """
    code, number = profile.municipality_code, int(approval.content["batch_no"])
    content = release_content(connection, code, number)
    if approve.canonical(content) != approve.canonical(approval.content):
        raise RefusedError("approval_stale", approval_id=approval.approval_id)
    if date.fromisoformat(content["transfer_on"]) < on:
        raise InvalidValueError("batch_day", found=content["transfer_on"])
    by, at = str(approval.decided_by), approval.decided_at
    for each in lines(connection, code, number):
        connection.execute(
            sent_table.insert().values(
                municipality_code=code,
                refund_no=each.refund_no,
                attempt=each.attempt,
                batch_no=number,
            )
        )
        write_event(connection, code, each.refund_no, SENT, on=on, by=by, at=at, batch_no=number)
    write_batch_event(
        connection, code, number, RELEASED, by=by, at=at, approval_id=approval.approval_id
    )


def hand_out(
    connection: Connection,
    municipality_code: str,
    batch_no: int,
    *,
    by: str,
    at: datetime,
    reason: str = "",
) -> bytes:
    """引渡し: the file of a released batch, and the record of who took it.

    Taking the same bytes again needs a reason, which stands in the record: the bank may have got
    them already (I14b). Raises what :func:`file_of` raises, and :class:`InvalidValueError`
    ``reason_missing`` or ``reason_long`` from the second time on.
    """
    data = file_of(connection, municipality_code, batch_no)
    first = batch(connection, municipality_code, batch_no).state == RELEASED
    why = "" if first else require_reason(reason)
    write_batch_event(connection, municipality_code, batch_no, HANDED_OUT, by=by, at=at, note=why)
    return data

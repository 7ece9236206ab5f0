"""振替の束の承認と送付: two people release, replace or withdraw a batch; it is sent once (R10).

What the first person asked for must still be so when the second agrees: a row that has been paid,
held back or corrected since, stops a release, and the batch is built anew by two people.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from payments.domain.errors import RefusedError
from payments.domain.reason import require_reason
from reconcile.debit import batches as books
from reconcile.debit.batches import (
    BUILT,
    DIFFERS,
    RELEASED,
    REPLACED,
    SENT,
    TAKEN_AGAIN,
    WITHDRAWN,
    Batch,
)
from reconcile.debit.build import (
    Act,
    Cause,
    changes_from,
    choice_again,
    require_day,
    rows_digest,
    write,
)
from reconcile.debit.choose import Asked
from reconcile.debit.results import outcome_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile

RELEASE, REPLACE, WITHDRAW = "debit_release", "debit_replace", "debit_withdraw"
KINDS = (RELEASE, REPLACE, WITHDRAW)
LOOKED_THROUGH = 2_000  # debits of a day that a page still chooses again


def subject_of(batch_no: int) -> str:
    """承認の対象 of a batch."""
    return f"debit_batch:{batch_no}"


def release_content(
    connection: Connection, profile: Profile, batch_no: int, *, today: date
) -> dict[str, Any]:
    """送付の内容: exactly what will go to the bank.

    Raises :class:`RefusedError` ``debit_state``, ``debit_day_past`` or ``debit_batch_changed`` (the
    books say something else than the rows), and what :func:`batches.bytes_of` raises.
    """
    batch = books.batch_of(connection, profile.municipality_code, batch_no)
    _require_state(batch, BUILT)
    require_day(profile, batch.debit_on, today)
    require_unchanged(connection, profile, batch)
    books.bytes_of(connection, profile.municipality_code, batch)
    return {**_facts(batch), "left": batch.left}


def replace_content(
    connection: Connection, profile: Profile, batch_no: int, stopped: str, *, today: date
) -> dict[str, Any]:
    """作り直しの内容: what the new batch would hold, and what differs from the one in force.

    ``stopped``: who at the bank confirmed that the first file is stopped; needed once it was sent.
    Raises :class:`RefusedError` ``debit_state``, ``debit_stopped_missing``, ``debit_day_past``,
    ``debit_batch_same`` when nothing differs, and ``debit_results_came``.
    """
    code = profile.municipality_code
    batch = books.batch_of(connection, code, batch_no)
    _require_stopped(connection, code, batch, stopped)
    require_day(profile, batch.debit_on, today)
    choice = choice_again(connection, profile, batch)
    changes = changes_from(connection, code, batch, choice)
    if not changes or not choice.rows:
        raise RefusedError("debit_batch_same", batch_no=batch_no)
    return {
        **_facts(batch),
        "sent": batch.event(SENT) is not None,
        "stopped": stopped,
        "new_count": len(choice.rows),
        "new_amount_yen": choice.amount_yen,
        "new_rows_sha256": rows_digest(choice.rows),
        "added": sum(not change.before_yen for change in changes),
        "removed": sum(not change.after_yen for change in changes),
        "changed": sum(bool(c.before_yen and c.after_yen) for c in changes),
    }


def withdraw_content(
    connection: Connection, profile: Profile, batch_no: int, stopped: str
) -> dict[str, Any]:
    """取消の内容: the batch that will not be debited; raises as :func:`replace_content`."""
    batch = books.batch_of(connection, profile.municipality_code, batch_no)
    _require_stopped(connection, profile.municipality_code, batch, stopped)
    return {**_facts(batch), "sent": batch.event(SENT) is not None, "stopped": stopped}


def content_now(
    connection: Connection, profile: Profile, approval: Approval, *, today: date
) -> dict[str, Any]:
    """いまの内容: what would be asked for now; equal to what was asked for, or it is stale."""
    batch_no = int(approval.content["batch_no"])
    if approval.kind == RELEASE:
        return release_content(connection, profile, batch_no, today=today)
    stopped = str(approval.content["stopped"])
    if approval.kind == REPLACE:
        return replace_content(connection, profile, batch_no, stopped, today=today)
    return withdraw_content(connection, profile, batch_no, stopped)


def is_looked_through(connection: Connection, municipality_code: str, approval: Approval) -> bool:
    """中身の確認: whether the debits of that day are few enough to be chosen again for a page."""
    if approval.kind == WITHDRAW:
        return True
    debit_on = date.fromisoformat(str(approval.content["debit_on"]))
    of_day = books.batches_on(connection, municipality_code, debit_on)
    return sum(batch.count for batch in of_day) <= LOOKED_THROUGH


def content_at_a_glance(
    connection: Connection, profile: Profile, approval: Approval, *, today: date
) -> dict[str, Any]:
    """一見した内容: as :func:`content_now`, but rows and file of a large batch are not looked at.

    For a page: nobody waits while tens of thousands are chosen once more. The decision looks at
    everything, whatever the page has said.
    """
    code = profile.municipality_code
    if is_looked_through(connection, code, approval):
        return content_now(connection, profile, approval, today=today)
    batch = books.batch_of(connection, code, int(approval.content["batch_no"]))
    require_day(profile, batch.debit_on, today)
    if approval.kind == RELEASE:
        _require_state(batch, BUILT)
        return {**_facts(batch), "left": batch.left}
    _require_stopped(connection, code, batch, str(approval.content["stopped"]))
    return {**approval.content, **_facts(batch)}


def carry_out(connection: Connection, profile: Profile, approval: Approval, act: Act) -> Batch:
    """承認の実行; call it when :func:`content_now` is what was approved.

    Gives the batch as it stands then; of a replacement the new one, which is to be released by two
    people as any other.
    """
    code = profile.municipality_code
    batch = books.batch_of(connection, code, int(approval.content["batch_no"]))
    said = {"actor": act.actor, "at": act.at, "approval_id": approval.approval_id,
            "reason": approval.reason}  # fmt: skip
    if approval.kind == RELEASE:
        books.add_event(connection, code, batch, RELEASED, **said)
        return books.batch_of(connection, code, batch.batch_no)
    choice = choice_again(connection, profile, batch) if approval.kind == REPLACE else None
    _end(connection, code, batch)
    event = WITHDRAWN if choice is None else REPLACED
    books.add_event(connection, code, batch, event, **said)
    if choice is None:
        return books.batch_of(connection, code, batch.batch_no)
    asked = Asked(batch.debit_on, batch.due_from_on, batch.round, batch.first_batch_no or 0)
    cause = Cause(batch.batch_no, approval.approval_id, approval.reason)
    return write(connection, profile, asked, batch.bank_code, choice, act, cause)


def send(
    connection: Connection, profile: Profile, batch_no: int, act: Act, *, reason: str = ""
) -> tuple[Batch, bytes]:
    """送付: the bytes for the bank, and that they were taken.

    The first time the batch counts as sent. Taking the same bytes again needs a reason: the bank
    may have got them already (I14b). Raises :class:`RefusedError` ``debit_state``,
    ``debit_day_past`` or ``debit_batch_changed``, :class:`InvalidValueError` ``reason_missing``.
    """
    code = profile.municipality_code
    batch = books.batch_of(connection, code, batch_no)
    if not batch.in_force or batch.event(RELEASED) is None:
        raise RefusedError("debit_state", batch_no=batch_no, state=batch.state)
    data = books.bytes_of(connection, code, batch)
    if batch.event(SENT) is None:
        require_day(profile, batch.debit_on, act.today)
        require_unchanged(connection, profile, batch)
        books.add_event(connection, code, batch, SENT, actor=act.actor, at=act.at, reason=reason)
    else:
        why = require_reason(reason)
        books.add_event(
            connection, code, batch, TAKEN_AGAIN, actor=act.actor, at=act.at, reason=why
        )
    return books.batch_of(connection, code, batch_no), data


def require_unchanged(connection: Connection, profile: Profile, batch: Batch) -> None:
    """変わっていないか: nobody in the batch has paid, been held or corrected since it was built.

    What came in addition is no reason to stop: it is shown, and may wait. Raises
    :class:`RefusedError` ``debit_batch_changed``.
    """
    choice = choice_again(connection, profile, batch)
    changes = changes_from(connection, profile.municipality_code, batch, choice)
    gone = [change for change in changes if change.before_yen]
    if gone:
        raise RefusedError("debit_batch_changed", batch_no=batch.batch_no, found=len(gone))


def _facts(batch: Batch) -> dict[str, Any]:
    return {
        "batch_no": batch.batch_no,
        "debit_on": batch.debit_on.isoformat(),
        "bank_code": batch.bank_code,
        "bank_name": batch.head.bank_name,
        "round": batch.round,
        "count": batch.count,
        "amount_yen": batch.amount_yen,
        "file_sha256": batch.file_sha256,
    }


def _require_state(batch: Batch, *states: str) -> None:
    if batch.state not in states:
        raise RefusedError("debit_state", batch_no=batch.batch_no, state=batch.state)


def _require_stopped(
    connection: Connection, municipality_code: str, batch: Batch, stopped: str
) -> None:
    """A batch that was sent is ended only with the bank's word, and before its results."""
    _require_state(batch, BUILT, RELEASED, SENT, DIFFERS, "acknowledged")
    if outcome_of(connection, municipality_code, batch).came:
        raise RefusedError("debit_results_came", batch_no=batch.batch_no)
    if batch.event(SENT) is not None and not stopped.strip():
        raise RefusedError("debit_stopped_missing", batch_no=batch.batch_no)


def _end(connection: Connection, municipality_code: str, batch: Batch) -> None:
    """The batch is in force no more; the database lets this happen once."""
    connection.execute(
        update(books.batch_table)
        .where(
            books.batch_table.c.municipality_code == municipality_code,
            books.batch_table.c.batch_no == batch.batch_no,
        )
        .values(in_force=False)
    )

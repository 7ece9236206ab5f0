"""受付件数の確認: what a bank says it took of a batch, and every bank of a run (G-03, I19).

A count or an amount that differs from what was sent opens a case and keeps the run red; a later
answer that agrees ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError, RefusedError
from reconcile import flag
from reconcile.debit import batches as books
from reconcile.debit.batches import ACKNOWLEDGED, DIFFERS, SENT, Batch
from reconcile.debit.results import outcome_of

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from reconcile.debit.build import Act

CASE = "debit_acknowledgement_differs"
COUNT_MAX, YEN_MAX = 999_999_999, 999_999_999_999  # as many digits as the books keep of each


def acknowledge(
    connection: Connection,
    municipality_code: str,
    batch_no: int,
    count: int,
    amount_yen: int,
    act: Act,
    *,
    note: str = "",
) -> Batch:
    """受付の記録; the batch as it stands then.

    Raises :class:`RefusedError` ``debit_state`` for a batch that was not sent or is in force no
    more, and :class:`InvalidValueError` ``debit_acknowledged_count``.
    """
    batch = books.batch_of(connection, municipality_code, batch_no)
    if batch.event(SENT) is None or not batch.in_force:
        raise RefusedError("debit_state", batch_no=batch_no, state=batch.state)
    for found, most in ((count, COUNT_MAX), (amount_yen, YEN_MAX)):
        if not 0 <= found <= most:
            raise InvalidValueError("debit_acknowledged_count", found=found)
    books.add_event(
        connection, municipality_code, batch, ACKNOWLEDGED, actor=act.actor, at=act.at,
        reason=note,
        count=count, amount_yen=amount_yen,
    )  # fmt: skip
    batch = books.batch_of(connection, municipality_code, batch_no)
    subject = f"debit:{batch_no}"
    if batch.state == DIFFERS:
        yen = abs(batch.amount_yen - amount_yen)
        flag.open_cases(
            connection, municipality_code, [flag.Case(CASE, subject, yen)],
            on=act.today.isoformat(),
            actor=act.actor,
        )  # fmt: skip
    else:
        flag.close_cases(
            connection, municipality_code, [subject], kinds=frozenset({CASE}),
            on=act.today.isoformat(), actor=act.actor, note="acknowledged",
        )  # fmt: skip
    return batch


def red_banks(connection: Connection, municipality_code: str, debit_on: date) -> list[str]:
    """未確認の銀行: those of the batches of a day that nobody has acknowledged as sent."""
    return [
        batch.bank_code
        for batch in books.batches_on(connection, municipality_code, debit_on)
        if batch.state != ACKNOWLEDGED and not outcome_of(connection, municipality_code, batch).came
    ]

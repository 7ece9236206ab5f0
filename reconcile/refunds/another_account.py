"""振込先の訂正: a refund that came back, or whose account was revoked, goes to another account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.domain.errors import RefusedError
from reconcile.refunds import payees
from reconcile.refunds.events import (
    PAYABLE,
    PAYEE_CHANGED,
    RETURNED,
    Refund,
    refund,
    write_event,
)
from reconcile.refunds.returned import came_back_from, end_case

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.refunds.payees import Registered


def wants_payee(connection: Connection, municipality_code: str, found: Refund) -> bool:
    """別の口座が要るか: its transfer came back, or it waits and its account was revoked."""
    if found.state == RETURNED:
        return True
    numbers = [found.account_no] if found.state in PAYABLE else []
    return bool(payees.not_counting(connection, municipality_code, numbers))


def another(connection: Connection, municipality_code: str, found: Refund) -> Registered | None:
    """別の口座: the one that counts now, unless a transfer of this refund came back from it."""
    tried = came_back_from(connection, municipality_code, found)
    given = payees.current(connection, municipality_code, found.obligor_no)
    return None if given is None or given.account_no in {found.account_no, *tried} else given


def change_payee(
    connection: Connection,
    profile: Profile,
    refund_no: int,
    *,
    by: str,
    at: datetime,
    on: date,
) -> int:
    """振込先の訂正 to the account that counts now; returns its number.

    Of a refund that came back, or that waits while its own account was revoked. Two people stand
    behind the new account already. The case of a transfer that came back ends with it. Raises
    :class:`NotFoundError` ``refund_no``;
    :class:`RefusedError` ``refund_state`` otherwise, ``refund_payee`` when the person has given no
    other account since.
    """
    code = profile.municipality_code
    found = refund(connection, code, refund_no)
    if not wants_payee(connection, code, found):
        raise RefusedError("refund_state", refund_no=refund_no, state=found.state)
    given = another(connection, code, found)
    if given is None:
        raise RefusedError("refund_payee", subject=found.subject)
    write_event(
        connection, code, refund_no, PAYEE_CHANGED, on=on, by=by, at=at,
        account_no=given.account_no,
    )  # fmt: skip
    if found.state == RETURNED:
        end_case(connection, code, refund_no, by=by, on=on, note=PAYEE_CHANGED)
    return given.account_no

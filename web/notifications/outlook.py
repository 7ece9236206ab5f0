"""記帳待ちの見通し: what of the spool concerns those who read or close the books.

What people read of the books (day report, the resident's answer, dunning) rests on what is booked.
A notification that waits is therefore shown beside it, and no day is closed over one.
"""

from __future__ import annotations

from contextlib import closing, suppress
from datetime import date
from typing import TYPE_CHECKING

from payments.domain.errors import RefusedError
from payments.domain.fiscal import closing_on
from reconcile import day_close
from web.notifications.booking import BooksBusyError, book_waiting
from web.notifications.spool import Spool

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from web.notifications.spool import Waiting


def waiting(engine: Engine, municipality_code: str, until: date | None = None) -> Waiting:
    """記帳待ち of all days, or of those up to ``until``; for commands and single questions."""
    with closing(Spool(engine)) as spool:
        return spool.waiting(municipality_code, until)


def book_rest(engine: Engine, municipality_code: str) -> int:
    """Book what waits now, taking turns with a server that does; how many were booked here.

    When the books stay locked longer than a statement waits, the rest is left to others.
    """
    number = 0
    with closing(Spool(engine)) as spool, suppress(BooksBusyError):
        for step in book_waiting(engine, spool, municipality_code, wait=True):
            number += step.booked
    return number


def require_booked(engine: Engine, municipality_code: str, kind: str, subject: str) -> None:
    """締めの前に: nothing waits of the day or year that is to be closed.

    Raises :class:`RefusedError` ``close_notifications`` when something does.
    """
    if kind == day_close.CLOSE:
        until = date.fromisoformat(subject)
    elif kind == day_close.YEAR_CLOSE:
        until = closing_on(int(subject))
    else:
        return
    found = waiting(engine, municipality_code, until)
    if found.number:
        raise RefusedError("close_notifications", subject=subject, number=found.number)

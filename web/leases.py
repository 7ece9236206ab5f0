"""定時処理の占有: one process at a time for one slot of a job, however many are running."""

from __future__ import annotations

import contextlib
import os
import socket
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from payments.store.unit_of_work import unit_of_work
from web.tables import JobLeaseRow

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

STALE_AFTER = timedelta(minutes=30)
KEPT_FOR = timedelta(days=40)

leases = JobLeaseRow.__table__  # type: ignore[attr-defined]


def holder_name() -> str:
    """A name for this process that no other process has."""
    return f"{socket.gethostname()[:30]}/{os.getpid()}/{uuid.uuid4().hex[:8]}"


def take(
    engine: Engine, municipality_code: str, job: str, slot: str, holder: str, at: datetime
) -> bool:
    """Whether this process may run the slot: nobody did, or who did has died over it.

    A slot that failed, or whose holder is gone from this host or has been silent for
    :data:`STALE_AFTER`, may be taken again; one that is done never. A lease from further ahead was
    taken before the clock was put back.
    """
    values = {"municipality_code": municipality_code, "job": job, "slot": slot}
    try:
        with unit_of_work(engine, municipality_code) as connection:
            connection.execute(
                insert(leases).values(**values, holder=holder, taken_at=at, result="")
            )
    except IntegrityError:
        with unit_of_work(engine, municipality_code) as connection:
            mine = (
                leases.c.municipality_code == municipality_code,
                leases.c.job == job,
                leases.c.slot == slot,
            )
            before = str(connection.execute(select(leases.c.holder).where(*mine)).scalar_one())
            silent = ~leases.c.taken_at.between(at - STALE_AFTER, at + STALE_AFTER)
            if _is_gone(before):
                silent |= leases.c.holder == before
            taken = connection.execute(
                update(leases)
                .where(
                    *mine,
                    (leases.c.result == "failed") | ((leases.c.result == "") & silent),
                )
                .values(holder=holder, taken_at=at, done_at=None, result="")
            )
            return bool(taken.rowcount)
    return True


def _is_gone(holder: str) -> bool:
    """Whether the process of this name surely runs no more: it ran here, and nobody has its number.

    Of another host, or where the number has been given to another process, nobody can tell.
    """
    host, _slash, rest = holder.partition("/")
    pid = rest.partition("/")[0]
    if host != holder_name().partition("/")[0] or not pid.isdecimal():
        return False
    try:
        with contextlib.suppress(PermissionError):  # of another account: it lives
            os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    return False


def finish(
    engine: Engine,
    municipality_code: str,
    job: str,
    slot: str,
    holder: str,
    *,
    result: str,
    at: datetime,
) -> None:
    """The slot has been run (``done``) or has to be run again (``failed``)."""
    with unit_of_work(engine, municipality_code) as connection:
        connection.execute(
            update(leases)
            .where(
                leases.c.municipality_code == municipality_code,
                leases.c.job == job,
                leases.c.slot == slot,
                leases.c.holder == holder,
            )
            .values(done_at=at, result=result)
        )
        connection.execute(
            delete(leases).where(
                leases.c.municipality_code == municipality_code,
                leases.c.result == "done",
                leases.c.taken_at < at - KEPT_FOR,
            )
        )


def is_done(engine: Engine, municipality_code: str, job: str, slot: str) -> bool:
    """Whether some process has run the slot to its end."""
    with unit_of_work(engine, municipality_code) as connection:
        result = connection.execute(
            select(leases.c.result).where(
                leases.c.municipality_code == municipality_code,
                leases.c.job == job,
                leases.c.slot == slot,
            )
        ).scalar_one_or_none()
    return result == "done"

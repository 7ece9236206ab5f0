"""締め出し: whoever is refused again and again has to wait, longer each time.

Counted in the database, so that neither a restart nor another process begins anew: by name,
wherever it is tried from, and by source, whichever names are tried. Whoever waits gets the answer
of a wrong password, whatever they type (NIST SP 800-63B 5.2.2, OWASP ASVS 5.0, 6.3.1).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, insert, select, update

from web import clock
from web.accounts.tables import StaffAttemptRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

FREE = {"name": 5, "from": 20}  # failures in a row before there is any wait
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=30)
FORGOTTEN = timedelta(days=1)  # after the last failure

attempts = StaffAttemptRow.__table__  # type: ignore[attr-defined]


class Subject(NamedTuple):
    """誰の失敗か: a name, or the place from which somebody tries."""

    kind: str  # name, from
    value: str

    @property
    def key(self) -> str:
        """As it stands in the table."""
        return f"{self.kind} {self.value}"[:80]


def wait_after(kind: str, failures: int) -> timedelta:
    """待ち時間: nothing for the first few failures, then 30 seconds, doubled each time.

    >>> [wait_after("name", n).seconds for n in (4, 5, 6, 7, 99)]
    [0, 30, 60, 120, 1800]
    """
    beyond = failures - FREE[kind]
    if beyond < 0:
        return timedelta(0)
    return min(FIRST_WAIT * (1 << min(beyond, 20)), LONGEST_WAIT)


def is_locked(connection: Connection, municipality_code: str, *subjects: Subject) -> bool:
    """Whether one of them still has to wait."""
    return any(
        opens_at is not None and opens_at > clock.now()
        for opens_at in (locked_until(connection, municipality_code, each) for each in subjects)
    )


def locked_until(
    connection: Connection, municipality_code: str, subject: Subject
) -> datetime | None:
    """Until when it has to wait, also when that is over; None when it never had to."""
    opens_at = connection.execute(
        select(attempts.c.opens_at).where(*_is(municipality_code, subject))
    ).scalar_one_or_none()
    return clock.in_japan(opens_at) if opens_at else None


def failed(connection: Connection, municipality_code: str, *subjects: Subject) -> bool:
    """One more failure of each; whether one has to wait from now on."""
    now, waits = clock.now(), False
    connection.execute(
        delete(attempts).where(
            attempts.c.municipality_code == municipality_code,
            attempts.c.failed_at < now - FORGOTTEN,
        )
    )
    for subject in subjects:
        failures = 1 + (
            connection.execute(
                select(attempts.c.failures).where(*_is(municipality_code, subject))
            ).scalar_one_or_none()
            or 0
        )
        wait = wait_after(subject.kind, failures)
        values = {
            "failures": failures,
            "failed_at": now,
            "opens_at": now + wait if wait else None,
        }
        waits = waits or bool(wait)
        changed = connection.execute(
            update(attempts).where(*_is(municipality_code, subject)).values(values)
        ).rowcount
        if not changed:
            key = {"municipality_code": municipality_code, "subject": subject.key}
            connection.execute(insert(attempts).values(key | values))
    return waits


def forget(connection: Connection, municipality_code: str, *subjects: Subject) -> bool:
    """解除: they begin anew; whether there was anything to forget."""
    found = [
        connection.execute(delete(attempts).where(*_is(municipality_code, subject))).rowcount
        for subject in subjects
    ]
    return any(found)


def _is(municipality_code: str, subject: Subject) -> tuple[Any, ...]:
    return (
        attempts.c.municipality_code == municipality_code,
        attempts.c.subject == subject.key,
    )

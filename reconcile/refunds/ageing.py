"""過誤納の経過と時効: what waits how long, and whose right to it ends soon (地方税法18条の3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from payments.domain.overpayment import claim_late_from
from reconcile.refunds.found import SHORT, overpayments

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.refunds.found import Overpayment

# Days since the money arose, up to and with; the last has no end.
BUCKETS = (30, 90, 365, 1_461)
AT_ONCE = 100_000


class Aged(NamedTuple):
    """経過の一件, with the warnings that it deserves."""

    overpayment: Overpayment
    days: int
    bucket: int
    expired: bool  # the right has ended
    expires_soon: bool
    unnoticed: bool  # a month has passed, and nobody was told
    unclaimed_on: date | None  # the first day that bears no interest, when nobody claims


class Ageing(NamedTuple):
    """経過と時効: number and yen of each of :data:`BUCKETS` and beyond, and every single one."""

    numbers: tuple[int, ...]
    yen: tuple[int, ...]
    rows: tuple[Aged, ...]

    @property
    def warnings(self) -> tuple[Aged, ...]:
        """注意を要するもの."""
        return tuple(row for row in self.rows if row.expired or row.expires_soon or row.unnoticed)


def ageing(connection: Connection, profile: Profile, as_of: date) -> Ageing:
    """経過と時効 of all that waits on ``as_of``."""
    rows = []
    for each in overpayments(connection, profile, as_of, limit=AT_ONCE, brief=True):
        if each.state == SHORT:
            continue
        days = (as_of - each.arose_on).days
        left = (each.expires_on - as_of).days
        rows.append(
            Aged(
                each,
                days,
                next((n for n, most in enumerate(BUCKETS) if days <= most), len(BUCKETS)),
                expired=left < 0,
                expires_soon=0 <= left <= profile.refunds.warn_days,
                unnoticed=each.noticed_on is None and days > BUCKETS[0],
                unclaimed_on=claim_late_from(each.noticed_on) if each.noticed_on else None,
            )
        )
    places = range(len(BUCKETS) + 1)
    return Ageing(
        tuple(sum(row.bucket == place for row in rows) for place in places),
        tuple(
            sum(row.overpayment.waiting_yen for row in rows if row.bucket == place)
            for place in places
        ),
        tuple(rows),
    )

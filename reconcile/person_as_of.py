"""過去の収納状況: what stood on a person's account at any moment, from the ledger alone (as-of).

A moment is a place in the order of bookings: everything up to a journal. Whatever was booked later,
taken back or corrected says nothing about it.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from payments.domain.errors import NotFoundError
from reconcile.explain.history import Moment, history_of

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

_NOTICES = """
SELECT notice_id, item_code, levy_year, notice_no FROM notice
WHERE municipality_code = :m AND obligor_no = :obligor_no
ORDER BY levy_year, item_code, notice_no"""
_LAST = """
SELECT COALESCE(MAX(journal_id), 0) FROM journal WHERE municipality_code = :m AND made_at <= :at"""


class Stood(NamedTuple):
    """期別の過去の姿: claim, what had been paid of it, and what was open."""

    notice_id: int
    term: str
    item_code: str
    levy_year: int
    notice_no: str
    amount_yen: int
    paid_yen: int

    @property
    def open_yen(self) -> int:
        """未納 at that moment."""
        return self.amount_yen - self.paid_yen


def journal_at(connection: Connection, municipality_code: str, at: datetime) -> int:
    """仕訳帳の位置: the last journal that had been made at a moment, 0 before the first."""
    found = connection.execute(
        text(_LAST),
        {"m": municipality_code, "at": at.astimezone(UTC).isoformat(timespec="microseconds")},
    )
    return int(found.scalar_one())


def account_as_of(
    connection: Connection, municipality_code: str, obligor_no: str, journal_id: int
) -> tuple[Stood, ...]:
    """過去の収納状況 of a person after a journal; claims that did not exist yet are left out.

    Raises :class:`NotFoundError` ``person`` when nothing was ever assessed for this number.
    """
    notices = connection.execute(
        text(_NOTICES), {"m": municipality_code, "obligor_no": obligor_no}
    ).all()
    if not notices:
        raise NotFoundError("person")
    after = Moment(journal_id + 1, 0)
    return tuple(
        Stood(
            notice.notice_id, term, notice.item_code, notice.levy_year, notice.notice_no,
            stood.amount_yen, stood.amount_yen - stood.outstanding_yen,
        )
        for notice in notices
        for term, stood in sorted(
            history_of(connection, municipality_code, notice.notice_id).standings(after).items()
        )
    )  # fmt: skip

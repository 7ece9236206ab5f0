"""還付の経過: what has happened to a refund, one row after the other; the last one is its state.

Of a transfer that was withdrawn nothing is left but its history: the state, with its day, is that
of the row before it was sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.domain.errors import NotFoundError
from payments.versions import as_day
from reconcile.store.refund_tables import RefundEventRow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from sqlalchemy import Connection

DECIDED, SENT, PAID, RETURNED = "decided", "sent", "paid", "returned"
PAYEE_CHANGED, CANCELLED = "payee_changed", "cancelled"
WITHDRAWN = "withdrawn"  # its batch was: what it was before that was sent, it is again
STATES = (DECIDED, SENT, PAID, RETURNED, PAYEE_CHANGED, CANCELLED)
PAYABLE = (DECIDED, PAYEE_CHANGED)  # waits for a batch

table: Any = RefundEventRow.__table__  # type: ignore[attr-defined]


class Refund(NamedTuple):
    """還付 with its state; ``attempt`` is that of its next or latest transfer."""

    refund_no: int
    approval_id: int
    overpayment_no: int
    subject: str
    reason: str
    notice_id: int
    term: str
    item_code: str
    levy_year: int
    notice_no: str
    obligor_no: str
    amount_yen: int
    interest_yen: int
    interest_from_on: date
    decided_on: date
    out_from_on: date | None
    out_until: date | None
    asked_by: str
    decided_by: str
    state: str
    since_on: date
    account_no: int  # to which it goes
    batch_no: int | None  # the batch that sent it last
    attempt: int

    @property
    def total_yen(self) -> int:
        """振込額: with its interest."""
        return self.amount_yen + self.interest_yen


class Happening(NamedTuple):
    """還付の経過の一件."""

    event_no: int
    event: str
    happened_on: date
    batch_no: int | None
    account_no: int | None
    file_id: int
    line_no: int
    actor: str
    note: str
    made_at: Any


_LAST = """(SELECT MAX(w.event_no) FROM refund_event w WHERE w.municipality_code = :m
    AND w.refund_no = x.refund_no {which})"""
_VALUE = """(SELECT w.{column} FROM refund_event w WHERE w.municipality_code = :m
    AND w.refund_no = x.refund_no AND w.event_no = {number})"""
# A sending is followed by its withdrawal at once, or by what the bank did.
_STANDS = _LAST.format(
    which="""AND w.event <> 'withdrawn' AND NOT EXISTS (SELECT 1 FROM refund_event u
        WHERE u.municipality_code = :m AND u.refund_no = w.refund_no
          AND u.event_no = w.event_no + 1 AND u.event = 'withdrawn')"""
)
_ACCOUNT = _VALUE.format(
    column="account_no", number=_LAST.format(which="AND w.account_no IS NOT NULL")
)
_BATCH = _VALUE.format(column="batch_no", number=_LAST.format(which="AND w.batch_no IS NOT NULL"))
_REFUNDS = f"""
SELECT x.refund_no, x.approval_id, x.overpayment_no, c.subject, c.reason, x.notice_id, x.term,
    n.item_code, n.levy_year, n.notice_no, x.obligor_no, x.amount_yen, x.interest_yen,
    x.interest_from_on, x.decided_on, x.out_from_on, x.out_until, x.asked_by, x.decided_by,
    v.event, v.happened_on, COALESCE({_ACCOUNT}, x.account_no) AS account_no,
    {_BATCH} AS batch_no,
    1 + (SELECT COUNT(*) FROM refund_event w WHERE w.municipality_code = :m
        AND w.refund_no = x.refund_no AND w.event IN ('returned', 'withdrawn')) AS attempt
FROM refund x
JOIN overpayment c ON c.municipality_code = :m AND c.overpayment_no = x.overpayment_no
JOIN notice n ON n.municipality_code = :m AND n.notice_id = x.notice_id
JOIN refund_event v ON v.municipality_code = :m AND v.refund_no = x.refund_no
 AND v.event_no = {_STANDS}
WHERE x.municipality_code = :m {{which}}
ORDER BY x.refund_no"""
_DAYS = ("interest_from_on", "decided_on", "out_from_on", "out_until", "since_on")


def refund(connection: Connection, municipality_code: str, refund_no: int) -> Refund:
    """還付 by its number; :class:`NotFoundError` ``refund_no``."""
    found = _refunds(
        connection, municipality_code, "AND x.refund_no = :refund_no", refund_no=refund_no
    )
    if not found:
        raise NotFoundError("refund_no", refund_no=refund_no)
    return found[0]


def refunds(
    connection: Connection,
    municipality_code: str,
    *,
    states: Iterable[str] = (),
    obligor_no: str = "",
    subject: str = "",
    batch_no: int = 0,
    numbers: Iterable[int] = (),
) -> list[Refund]:
    """還付の一覧 by number; all states where none is named, all numbers likewise."""
    wanted = ", ".join(f"'{state}'" for state in states if state in STATES)
    which = f" AND v.event IN ({wanted})" if wanted else ""
    some = ", ".join(str(int(number)) for number in numbers)
    which += f" AND x.refund_no IN ({some})" if some else ""
    which += " AND x.obligor_no = :obligor_no" if obligor_no else ""
    which += " AND c.subject = :subject" if subject else ""
    if batch_no:
        which += """ AND EXISTS (SELECT 1 FROM refund_batch_line b WHERE b.municipality_code = :m
            AND b.batch_no = :batch_no AND b.refund_no = x.refund_no)"""
    return _refunds(
        connection,
        municipality_code,
        which,
        obligor_no=obligor_no,
        subject=subject,
        batch_no=batch_no,
    )


def happenings(connection: Connection, municipality_code: str, refund_no: int) -> list[Happening]:
    """還付の経過, oldest first."""
    rows = connection.execute(
        text(
            "SELECT event_no, event, happened_on, batch_no, account_no, file_id, line_no, actor, "
            "note, made_at FROM refund_event "
            "WHERE municipality_code = :m AND refund_no = :refund_no ORDER BY event_no"
        ),
        {"m": municipality_code, "refund_no": refund_no},
    )
    return [Happening(row[0], row[1], as_day(row[2]), *row[3:]) for row in rows]


def write_event(
    connection: Connection,
    municipality_code: str,
    refund_no: int,
    event: str,
    *,
    on: date,
    by: str,
    at: datetime | None,
    **other: object,
) -> None:
    """還付の経過を書く: the next row about a refund."""
    last = connection.execute(
        text(
            "SELECT COALESCE(MAX(event_no), 0) FROM refund_event "
            "WHERE municipality_code = :m AND refund_no = :refund_no"
        ),
        {"m": municipality_code, "refund_no": refund_no},
    ).scalar_one()
    connection.execute(
        table.insert().values(
            municipality_code=municipality_code,
            refund_no=refund_no,
            event_no=int(last) + 1,
            event=event,
            happened_on=on,
            actor=by,
            made_at=at,
            **{"note": "", "file_id": 0, "line_no": 0} | other,
        )
    )


def _refunds(
    connection: Connection, municipality_code: str, which: str, **values: object
) -> list[Refund]:
    rows = connection.execute(
        text(_REFUNDS.format(which=which)), {"m": municipality_code, **values}
    )
    found = []
    for row in rows:
        facts = dict(zip(Refund._fields, row, strict=True))
        facts |= {name: as_day(facts[name]) for name in _DAYS if facts[name] is not None}
        found.append(Refund(**facts))
    return found

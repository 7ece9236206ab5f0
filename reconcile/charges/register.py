"""延滞金・督促手数料の一覧: every charge that was booked, as it stands, with what led to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.store.lookups import rows_about
from payments.versions import as_day
from reconcile.charges.due import Basis, basis_from

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import Connection, Row


@dataclass(frozen=True, slots=True)
class BookedCharge:
    """延滞金・督促手数料 as it stands; ``place`` names its claim, ``principal`` what bears it."""

    notice_id: int
    term: str
    kind: str
    place: str
    principal_notice_id: int
    principal_term: str
    principal: str
    obligor_no: str
    fiscal_year: int
    due_on: date
    amount_yen: int
    open_yen: int


@dataclass(frozen=True, slots=True)
class Booking:
    """調定の一回: which line, which amount, and what it was worked out from."""

    file_id: int
    line_no: int
    booked_on: date
    amount_yen: int
    basis: Basis | None


_CHARGE = """
SELECT b.notice_id, b.term, b.kind, n.item_code, n.levy_year, n.notice_no, n.obligor_no,
    b.principal_notice_id, b.principal_term, p.item_code AS principal_item,
    p.levy_year AS principal_year, p.notice_no AS principal_no, i.fiscal_year, i.due_on,
    a.amount_yen, a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen AS open_yen
FROM (SELECT DISTINCT kind, notice_id, term, principal_notice_id, principal_term
      FROM late_charge_booking WHERE municipality_code = :m AND {{which}}) b
JOIN notice n ON n.municipality_code = :m AND n.notice_id = b.notice_id
JOIN notice p ON p.municipality_code = :m AND p.notice_id = b.principal_notice_id
JOIN instalment i ON i.municipality_code = :m AND i.notice_id = b.notice_id AND i.term = b.term
JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = b.notice_id
    AND a.term = b.term
WHERE 1 = 1 {open}
ORDER BY b.notice_id DESC, b.term DESC"""
_OPEN = "AND a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen > 0"
_BOOKINGS = """
SELECT b.file_id, b.line_no, f.received_on, b.amount_yen, b.basis_json, b.kind
FROM late_charge_booking b
JOIN source_file f ON f.municipality_code = :m AND f.file_id = b.file_id
WHERE b.municipality_code = :m AND b.notice_id = :notice_id AND b.term = :term
ORDER BY b.file_id, b.line_no"""


def booked_charges(
    connection: Connection,
    municipality_code: str,
    *,
    only_open: bool = False,
    below: int = 2**62,
    limit: int = 100,
) -> list[BookedCharge]:
    """延滞金・督促手数料の一覧, newest first; ``below`` is the last notice before."""
    statement = _CHARGE.format(open=_OPEN if only_open else "").format(which="notice_id < :below")
    rows = connection.execute(
        text(f"{statement} LIMIT :limit"),
        {"m": municipality_code, "below": below, "limit": limit},
    )
    return [_charge(row) for row in rows]


def charges_of_notices(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> list[BookedCharge]:
    """延滞金・督促手数料 on these notices."""
    statement = _CHARGE.format(open="").format(which="principal_notice_id IN :some")
    return [
        _charge(row) for row in rows_about(connection, statement, municipality_code, notice_ids)
    ]


def bookings_of(
    connection: Connection, municipality_code: str, notice_id: int, term: str
) -> list[Booking]:
    """調定の経過 of a charge, oldest first."""
    rows = connection.execute(
        text(_BOOKINGS), {"m": municipality_code, "notice_id": notice_id, "term": term}
    )
    return [
        Booking(
            row.file_id, row.line_no, as_day(row.received_on), row.amount_yen,
            basis_from(row.basis_json) if "paid_on" in row.basis_json else None,
        )
        for row in rows
    ]  # fmt: skip


def _charge(row: Row[tuple[object, ...]]) -> BookedCharge:
    """A charge with the names of its claim and of what bears it."""
    return BookedCharge(
        row.notice_id, row.term, row.kind,
        f"{row.item_code}/{row.levy_year}/{row.notice_no}/{row.term}",
        row.principal_notice_id, row.principal_term,
        f"{row.principal_item}/{row.principal_year}/{row.principal_no}/{row.principal_term}",
        row.obligor_no, row.fiscal_year, as_day(row.due_on), row.amount_yen, int(row.open_yen),
    )  # fmt: skip

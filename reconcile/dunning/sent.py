"""発送した督促状から生じるもの: the renewal of limitation, and the fee of each letter (law.md 3).

The renewal is written down with the dispatch itself. The fee is a claim that a register brings in,
so it follows in transactions of its own: which letters still lack theirs is read from the books,
so that a run after whatever happened books just those (R8).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.charges import DUNNING_FEE
from payments.domain.errors import RefusedError
from payments.domain.limitation import Cause
from payments.limitation import record_renewal
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from payments.versions import as_day
from reconcile.charges.booking import Booked, FeeLetter, book_fees, cancel_fees

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from payments.domain.profile import Profile

_LEFT = """
FROM dunning_event e
JOIN dunning_letter l ON l.municipality_code = :m AND l.list_no = e.list_no{more}
WHERE e.municipality_code = :m AND e.event = 'dispatched'
  AND NOT EXISTS (SELECT 1 FROM dunning_pull p WHERE p.municipality_code = :m
      AND p.list_no = l.list_no AND p.pull_no = e.subject_no AND p.seq = l.seq)"""
_OF_LIST = f"SELECT l.notice_id, l.term {_LEFT.format(more='')} AND e.list_no = :list_no"
_BEARING = """
JOIN dunning_row w ON w.municipality_code = :m AND w.list_no = l.list_no
    AND w.notice_id = l.notice_id AND w.term = l.term
JOIN dunning_fee f ON f.municipality_code = :m AND f.list_no = l.list_no
    AND f.item_code = w.item_code AND f.due_on = w.due_on AND f.fee_yen > 0"""
# A fee that was taken back with its letter is none: the next letter bears it again.
TAKEN_OUT = '{"taken_out":true}'
_BEARS = f"""EXISTS (SELECT 1 FROM late_charge_booking b WHERE b.municipality_code = :m
    AND b.principal_notice_id = l.notice_id AND b.principal_term = l.term
    AND b.kind = '{DUNNING_FEE}' AND NOT EXISTS (
      SELECT 1 FROM late_charge_booking x WHERE x.municipality_code = :m
        AND x.principal_notice_id = l.notice_id AND x.principal_term = l.term
        AND x.kind = b.kind AND x.file_id >= b.file_id AND x.basis_json = :taken_out))"""
_WITHOUT_FEE = f"""
SELECT l.notice_id, l.term, e.happened_on {_LEFT.format(more=_BEARING)}
  AND NOT {_BEARS}
ORDER BY l.notice_id, l.term"""
_OF_LETTERS = f"""
SELECT l.notice_id, l.term FROM dunning_letter l {_BEARING}
WHERE l.municipality_code = :m AND l.list_no = :list_no AND NOT {_BEARS}
ORDER BY l.notice_id, l.term"""
# A letter that will never leave, by the list it stands on.
_NEVER = """EXISTS (SELECT 1 FROM dunning_event e WHERE e.municipality_code = :m
    AND e.list_no = {letter}.list_no AND (e.event = 'dropped' OR (e.event = 'dispatched'
      AND EXISTS (SELECT 1 FROM dunning_pull p WHERE p.municipality_code = :m
        AND p.list_no = e.list_no AND p.pull_no = e.subject_no AND p.seq = {letter}.seq))))"""
_TAKEN = f"""
SELECT DISTINCT l.notice_id, l.term FROM dunning_letter l
WHERE l.municipality_code = :m AND {_BEARS} AND {_NEVER.format(letter="l")}
  AND NOT EXISTS (SELECT 1 FROM dunning_letter o WHERE o.municipality_code = :m
      AND o.notice_id = l.notice_id AND o.term = l.term AND NOT {_NEVER.format(letter="o")})
ORDER BY l.notice_id, l.term"""
_FEES = """
SELECT item_code, CAST(due_on AS VARCHAR(10)) AS due_on, fee_yen FROM dunning_fee
WHERE municipality_code = :m AND list_no = :list_no ORDER BY item_code, due_on"""


def renew(
    connection: Connection, municipality_code: str, list_no: int, *, on: date, actor: str
) -> int:
    """時効の更新 by the letters of a dispatched list; how many were new."""
    found = connection.execute(text(_OF_LIST), {"m": municipality_code, "list_no": list_no})
    places = [(row.notice_id, row.term) for row in found]
    return record_renewal(
        connection, municipality_code, places, Cause.DUNNING, on,
        reason=f"dunning:{list_no}", actor=actor,
    )  # fmt: skip


def require_fees(connection: Connection, profile: Profile, list_no: int, on: date) -> None:
    """手数料の確認: letters that leave on ``on`` bear the fee with which their list was drawn.

    Raises :class:`RefusedError` ``dunning_fee_changed`` where a rule has begun in between.
    """
    scope = {"m": profile.municipality_code, "list_no": list_no}
    for row in connection.execute(text(_FEES), scope):
        now = profile.charges.fee_yen(
            row.item_code, letter_on=on, due_on=date.fromisoformat(row.due_on)
        )
        if now != row.fee_yen:
            raise RefusedError(
                "dunning_fee_changed", list_no=list_no, found=row.fee_yen, expected=now
            )


def book_sent_fees(engine: Engine, municipality_code: str, *, on: date, actor: str) -> Booked:
    """督促手数料の調定 of every letter that left the building and still lacks it.

    Fees that were booked for slips enclosed with letters that did not leave are taken back first.
    Raises what :func:`reconcile.charges.booking.book_fees` raises.
    """
    scope = {"m": municipality_code, "taken_out": TAKEN_OUT}
    with reading(engine, municipality_code) as connection:
        taken = [(row.notice_id, row.term) for row in connection.execute(text(_TAKEN), scope)]
    if taken:
        cancel_fees(engine, municipality_code, taken, on=on, actor=actor, basis=TAKEN_OUT)
    with reading(engine, municipality_code) as connection:
        found = connection.execute(text(_WITHOUT_FEE), scope)
        letters = [FeeLetter(row.notice_id, row.term, as_day(row.happened_on)) for row in found]
    if not letters:
        return Booked(0, 0, 0)
    return book_fees(engine, municipality_code, letters, on=on, actor=actor)


def book_list_fees(
    engine: Engine, municipality_code: str, list_no: int, *, on: date, actor: str
) -> Booked:
    """督促手数料の調定 of a list before its letters are printed, so that they enclose its slips.

    What of it does not leave the building is taken back by :func:`book_sent_fees`. Raises what
    :func:`require_fees` and :func:`reconcile.charges.booking.book_fees` raise.
    """
    scope = {"m": municipality_code, "taken_out": TAKEN_OUT, "list_no": list_no}
    with reading(engine, municipality_code) as connection:
        require_fees(connection, load_profile(connection, municipality_code), list_no, on)
        found = connection.execute(text(_OF_LETTERS), scope)
        letters = [FeeLetter(row.notice_id, row.term, on) for row in found]
    if not letters:
        return Booked(0, 0, 0)
    return book_fees(engine, municipality_code, letters, on=on, actor=actor)


def fee_items(connection: Connection, municipality_code: str, list_no: int) -> set[str]:
    """手数料のある科目: the levies of which letters of a list bear a fee."""
    rows = connection.execute(text(_FEES), {"m": municipality_code, "list_no": list_no})
    return {row.item_code for row in rows if row.fee_yen}

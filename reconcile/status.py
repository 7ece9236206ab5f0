"""納付書の状態: what a resident who holds a slip may be told about it (law.md 10.1, R12).

The 34 digits of the eL number, 確認番号 included, are the credential. The answer is about that slip
only, never about its owner, and it says up to when each channel has reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from reconcile.placement.placed import BY_HAND, placed_on
from reconcile.report.arrivals import as_date, sources

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection, Row

    from payments.domain.profile import Profile

UNKNOWN = "unknown"
UNCONFIRMED, PROVISIONAL, CHECKING = "unconfirmed", "provisional", "checking"
PAID, EXPIRED, REISSUED = "paid", "expired", "reissued"


@dataclass(frozen=True, slots=True)
class CutOff:
    """データの基準: up to which day one source has reported; None when nothing came yet."""

    code: str
    format_code: str
    received_on: date | None


@dataclass(frozen=True, slots=True)
class SlipStatus:
    """照会の答え: a state and what it rests on. ``amount_yen`` and dates are on the slip itself."""

    state: str
    cut_offs: tuple[CutOff, ...]
    paid_on: date | None = None
    valid_until: date | None = None


def slip_status(
    connection: Connection, profile: Profile, el_number: str, *, today: date
) -> SlipStatus:
    """The state of the slip with these 34 digits; ``unknown`` for any other text."""
    code = profile.municipality_code
    cut_offs = data_cut_offs(connection, profile)
    slip = connection.execute(
        text(
            "SELECT s.slip_id, s.notice_id, s.term, s.valid_until, s.amount_yen, k.superseded "
            "FROM pay_key k JOIN slip s ON s.municipality_code = k.municipality_code "
            "AND s.slip_id = k.slip_id WHERE k.municipality_code = :m AND k.pay_key = :key"
        ),
        {"m": code, "key": f"E{el_number}"},
    ).one_or_none()
    if slip is None:
        return SlipStatus(UNKNOWN, cut_offs)
    valid_until = as_date(slip.valid_until)
    paid = _payment(connection, code, slip)
    if paid is not None:
        return SlipStatus(paid[0], cut_offs, paid[1], valid_until)
    if slip.superseded:
        state = REISSUED
    elif valid_until is not None and valid_until < today:
        state = EXPIRED
    else:
        state = UNCONFIRMED
    return SlipStatus(state, cut_offs, None, valid_until)


def data_cut_offs(connection: Connection, profile: Profile) -> tuple[CutOff, ...]:
    """Up to which day each source of slip payments has reported."""
    rows = connection.execute(
        text(
            "SELECT format_code, MAX(received_on) FROM source_file "
            "WHERE municipality_code = :m AND status = 'accepted' GROUP BY format_code"
        ),
        {"m": profile.municipality_code},
    )
    newest = {str(code): as_date(day) for code, day in rows}
    return tuple(
        CutOff(source.code, source.format_code, newest.get(source.format_code))
        for source in sources(profile)
        if source.format_code == "eltax_payment" or source.format_code.startswith("konbini_")
    )


def _payment(
    connection: Connection, municipality_code: str, slip: Row[Any]
) -> tuple[str, date | None] | None:
    """State and 領収日 when something was paid for what the slip asks for, else None.

    納付済 needs the whole amount, confirmed. Money that is there but not (all) applied to it is
    being looked at; another way of paying the same (全期 or an older slip) counts as well, and what
    people placed counts where they placed it.
    """
    settled = _settled(connection, municipality_code, slip.notice_id, slip.term)
    rows = connection.execute(
        text(
            f"SELECT r.stage, CASE WHEN {BY_HAND.format(receipt='r')} THEN 0 "
            "ELSE r.applied_yen END AS applied_yen, r.paid_on, r.slip_id FROM receipt r "
            "WHERE r.municipality_code = :m AND r.notice_id = :notice AND r.stage <> 'withdrawn' "
            "ORDER BY r.paid_on, r.file_id, r.line_no"
        ),
        {"m": municipality_code, "notice": slip.notice_id},
    ).all()
    own = [row for row in rows if row.slip_id == slip.slip_id]
    applied = [row for row in own if row.applied_yen > 0]
    if settled or sum(row.applied_yen for row in applied) >= slip.amount_yen:
        relevant = applied or [row for row in rows if row.applied_yen > 0]
        placed = placed_on(connection, municipality_code, slip.notice_id)
        stages = {row.stage for row in relevant}
        stages |= {part.stage for part in placed if slip.term in {"00", part.term}}
        waiting = "provisional" in stages
        paid_on = as_date(applied[-1].paid_on) if applied else None
        return (PROVISIONAL if waiting else PAID), paid_on
    if own:
        return CHECKING, as_date(own[0].paid_on)
    return None


def _settled(connection: Connection, municipality_code: str, notice_id: int, term: str) -> bool:
    """Whether what the slip asks for has been settled by other payments."""
    covered = "in_group" if term == "00" else "term = :term"
    row = connection.execute(
        text(
            "SELECT COUNT(*) AS terms, "
            "SUM(amount_yen - term_yen - whole_yen + surplus_yen) AS outstanding, "
            "SUM(term_yen + whole_yen) AS applied FROM instalment_account "
            f"WHERE municipality_code = :m AND notice_id = :notice AND {covered}"
        ),
        {"m": municipality_code, "notice": notice_id, **({} if term == "00" else {"term": term})},
    ).one()
    return bool(row.terms and row.applied and not row.outstanding)

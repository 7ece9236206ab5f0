"""納付書の状態: what a resident who holds a slip may be told about it (law.md 10.1, R12).

The 34 digits of the eL number, 確認番号 included, are the credential. The answer is about that slip
only, never about its owner, and it says up to when each channel has reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import text

from reconcile.report_blocks import as_date, sources

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.domain.profile import Profile

UNKNOWN = "unknown"
UNCONFIRMED, PROVISIONAL, CHECKING = "unconfirmed", "provisional", "checking"
PAID, EXPIRED, REISSUED = "paid", "expired", "reissued"
# Channels a slip can be paid through; a debit result or a statement says nothing about a slip.
SLIP_CHANNELS = ("konbini", "eltax")


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
            "SELECT slip_id, notice_id, term, valid_until, state, "
            "EXISTS (SELECT 1 FROM slip newer WHERE newer.municipality_code = s.municipality_code "
            "AND newer.notice_id = s.notice_id AND newer.term = s.term "
            "AND newer.version > s.version AND newer.state = 'new') AS replaced "
            "FROM slip s WHERE municipality_code = :m AND slip_id = (SELECT slip_id FROM pay_key "
            "WHERE municipality_code = :m AND pay_key = :key)"
        ),
        {"m": code, "key": f"E{el_number}"},
    ).one_or_none()
    if slip is None:
        return SlipStatus(UNKNOWN, cut_offs)
    valid_until = as_date(slip.valid_until)
    paid = _payment(connection, code, slip.slip_id)
    if paid is not None:
        return SlipStatus(paid[0], cut_offs, paid[1], valid_until)
    if _settled(connection, code, slip.notice_id, slip.term):
        return SlipStatus(PAID, cut_offs, None, valid_until)
    if slip.state != "new" or slip.replaced:
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
    connection: Connection, municipality_code: str, slip_id: int
) -> tuple[str, date | None] | None:
    """State and 領収日 by the payments of this very slip, or None when there is none."""
    rows = connection.execute(
        text(
            "SELECT r.stage, r.applied_yen, r.paid_on FROM line_outcome o JOIN receipt r "
            "ON r.municipality_code = o.municipality_code AND r.file_id = o.file_id "
            "AND r.line_no = o.line_no WHERE r.municipality_code = :m AND r.slip_id = :slip "
            "AND o.slip_id = :slip AND r.stage <> 'withdrawn' "
            "ORDER BY r.paid_on, r.file_id, r.line_no"
        ),
        {"m": municipality_code, "slip": slip_id},
    ).all()
    applied = [row for row in rows if row.applied_yen > 0]
    for row in applied:
        if row.stage == "confirmed":
            return PAID, as_date(row.paid_on)
    if applied:
        return PROVISIONAL, as_date(applied[0].paid_on)
    return (CHECKING, as_date(rows[0].paid_on)) if rows else None


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

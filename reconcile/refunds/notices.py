"""還付・充当の通知: what a person is told about their overpayment (地方税法17条の2⑤).

What was appropriated follows from the placements that did it, what goes back from what still waits
and from what is decided. Every notice is kept as it was made; its day begins the thirty days after
which an unclaimed refund bears no interest (17条の4②).
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.domain.errors import NotFoundError, RefusedError
from payments.domain.overpayment import OverpaymentReason, claim_late_from, expires_on
from payments.store.bulk import take_numbers
from payments.versions import as_day
from reconcile.refunds.events import CANCELLED, refunds
from reconcile.refunds.found import overpayment, years_of
from reconcile.refunds.on_appropriated import on_appropriated, standing
from reconcile.store.refund_tables import RefundNoticeRow

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

REFUND, APPROPRIATION, BOTH = "refund", "appropriation", "both"

table: Any = RefundNoticeRow.__table__  # type: ignore[attr-defined]

_CLASSED = """
SELECT c.reason, c.paid_on, c.arose_on, c.interest_from_on, c.obligor_no, n.item_code, n.levy_year,
    n.notice_no, c.term
FROM overpayment c
JOIN notice n ON n.municipality_code = :m AND n.notice_id = c.notice_id
WHERE c.municipality_code = :m AND c.subject = :subject
ORDER BY c.overpayment_no DESC LIMIT 1"""
_NOTICES = """
SELECT notice_no, obligor_no, subject, kind, content_json, noticed_on, actor FROM refund_notice
WHERE municipality_code = :m {which} ORDER BY notice_no DESC"""


class Notice(NamedTuple):
    """通知: as it was made."""

    notice_no: int
    obligor_no: str
    subject: str
    kind: str
    content: dict[str, Any]
    noticed_on: date
    actor: str


def issue(
    connection: Connection,
    profile: Profile,
    subject: str,
    *,
    on: date,
    by: str,
    at: datetime,
) -> int:
    """通知の作成; returns its number.

    Raises :class:`RefusedError` ``refund_not_classed``, and what :func:`content_of` raises.
    """
    code = profile.municipality_code
    kind, obligor_no, content = content_of(connection, profile, subject, on)
    number = take_numbers(connection, code, "refund_notice", 1)
    connection.execute(
        table.insert().values(
            municipality_code=code,
            notice_no=number,
            obligor_no=obligor_no,
            subject=subject,
            kind=kind,
            content_json=json.dumps(content, ensure_ascii=False, sort_keys=True),
            noticed_on=on,
            actor=by,
            made_at=at,
        )
    )
    return number


def content_of(
    connection: Connection, profile: Profile, subject: str, on: date
) -> tuple[str, str, dict[str, Any]]:
    """通知の内容: its kind, whose it is, and what it says.

    Raises :class:`RefusedError` ``refund_not_classed``.
    """
    code = profile.municipality_code
    row = connection.execute(text(_CLASSED), {"m": code, "subject": subject}).one_or_none()
    if row is None:
        raise RefusedError("refund_not_classed", subject=subject)
    reason = OverpaymentReason(row.reason)
    parts = appropriated(connection, code, subject)
    owed = on_appropriated(connection, code, subject) if parts else None
    waits = 0
    with suppress(NotFoundError):  # all of it was appropriated
        waits = max(overpayment(connection, profile, subject, on).waiting_yen, 0)
    decided = sum(
        each.amount_yen
        for each in refunds(connection, code, subject=subject)
        if each.state != CANCELLED
    )
    refund_yen = waits + decided
    kind = BOTH if parts and refund_yen else (APPROPRIATION if parts else REFUND)
    arose_on = as_day(row.arose_on)
    content = {
        "place": [row.item_code, row.levy_year, row.notice_no, row.term],
        "reason": str(reason),
        "paid_on": as_day(row.paid_on).isoformat(),
        "arose_on": arose_on.isoformat(),
        "interest_from_on": as_day(row.interest_from_on).isoformat(),
        "total_yen": refund_yen + sum(part["amount_yen"] for part in parts),
        "refund_yen": refund_yen,
        "parts": parts,
        "interest_on_parts_yen": owed.interest_yen if owed is not None else 0,
        "claim_late_on": claim_late_from(on).isoformat(),
        "expires_on": expires_on(arose_on, years_of(profile, row.item_code)).isoformat(),
    }
    return kind, row.obligor_no, content


def appropriated(
    connection: Connection, municipality_code: str, subject: str
) -> list[dict[str, Any]]:
    """充当・委託納付されたもの of an overpayment: place, yen, day of its effect, which of both.

    What was undone since is none.
    """
    return [each.part for each in standing(connection, municipality_code, subject)]


def notice(connection: Connection, municipality_code: str, notice_no: int) -> Notice:
    """通知 by its number; :class:`NotFoundError` ``refund_notice``."""
    found = _notices(connection, municipality_code, "AND notice_no = :no", no=notice_no)
    if not found:
        raise NotFoundError("refund_notice", notice_no=notice_no)
    return found[0]


def notices_of(connection: Connection, municipality_code: str, subject: str) -> list[Notice]:
    """通知の経過 of an overpayment, newest first."""
    return _notices(connection, municipality_code, "AND subject = :subject", subject=subject)


def _notices(
    connection: Connection, municipality_code: str, which: str, **values: object
) -> list[Notice]:
    rows = connection.execute(
        text(_NOTICES.format(which=which)), {"m": municipality_code, **values}
    )
    return [
        Notice(row[0], row[1], row[2], row[3], json.loads(row[4]), as_day(row[5]), row[6])
        for row in rows
    ]

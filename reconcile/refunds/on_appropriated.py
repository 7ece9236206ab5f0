"""充当した額の還付加算金: what an overpayment bore until it settled what the same person owed.

The law adds interest to what is appropriated as to what is paid back, up to the day of the
appropriation or of 充当適状 where that is earlier (地方税法17条の4①; ``law.md 6.3``). Sums that
end on one day are worked out together, so that the fractions of the law are dropped once. It is
paid to the person by a refund of its own, which two people decide as any other.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from payments.domain.overpayment import OverpaymentReason
from payments.domain.refund_interest import RefundInterest, refund_interest
from payments.versions import as_day
from reconcile.placement.ask import placement_view
from reconcile.refunds.events import CANCELLED, refunds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from typing import Any

    from sqlalchemy import Connection

_CLASSED = """
SELECT c.overpayment_no, c.reason, c.arose_on, c.interest_from_on, c.file_id, c.line_no,
    c.notice_id, c.term, c.obligor_no, n.item_code, n.levy_year, n.notice_no
FROM overpayment c
JOIN notice n ON n.municipality_code = :m AND n.notice_id = c.notice_id
WHERE c.municipality_code = :m AND c.subject = :subject
ORDER BY c.overpayment_no DESC LIMIT 1"""
_DONE = """
SELECT a.approval_id, a.content_json, p.file_id, p.line_no, j.booked_on
FROM approval a
JOIN placement p ON p.municipality_code = :m AND p.approval_id = a.approval_id
JOIN journal j ON j.municipality_code = :m AND j.journal_id = p.journal_id
WHERE a.municipality_code = :m AND a.kind = 'appropriation' AND a.decision = 'approved'
  AND a.content_json LIKE :named ORDER BY a.approval_id"""
_SAID = "SELECT content_json FROM approval WHERE municipality_code = :m AND approval_id = :no"


class Until(NamedTuple):
    """充当の一部: so much of the overpayment, and the last day on which it bore interest."""

    approval_id: int  # of the appropriation; 0 while it is only proposed
    amount_yen: int
    ends_on: date


class Bearing(NamedTuple):
    """一つの日までの計算: the sums that end on one day, with the appropriations behind them."""

    approvals: tuple[int, ...]
    amount_yen: int
    interest: RefundInterest


class OnAppropriated(NamedTuple):
    """充当した額の還付加算金: of one classed overpayment, as far as it is not decided yet."""

    classed: Any  # the row of its class
    bearings: tuple[Bearing, ...]

    @property
    def interest_yen(self) -> int:
        """還付加算金の合計."""
        return sum(each.interest.interest_yen for each in self.bearings)

    def said(self) -> list[dict[str, Any]]:
        """計算の記録, as the request for its payment keeps it."""
        return [
            {
                "approvals": list(each.approvals),
                "amount_yen": each.amount_yen,
                "ends_on": each.interest.ends_on.isoformat(),
                "interest_yen": each.interest.interest_yen,
            }
            for each in self.bearings
        ]


def worked_out(begins: date, parts: Iterable[Until]) -> tuple[Bearing, ...]:
    """計算 by the day on which the sums end, the earliest first.

    Raises what :func:`payments.domain.refund_interest.refund_interest` raises.
    """
    found = []
    for ends_on, some in groupby(
        sorted(parts, key=lambda each: each.ends_on), key=lambda each: each.ends_on
    ):
        mine = list(some)
        yen = sum(each.amount_yen for each in mine)
        approvals = tuple(sorted({each.approval_id for each in mine} - {0}))
        found.append(Bearing(approvals, yen, refund_interest(yen, begins, ends_on)))
    return tuple(found)


def on_appropriated(
    connection: Connection, municipality_code: str, subject: str
) -> OnAppropriated | None:
    """充当した額の還付加算金 that nobody has decided to pay yet.

    None where it was never classed, or where the law gives none (予納, 期別の取り違え). An
    appropriation that was undone since bears none.
    """
    scope = {"m": municipality_code, "subject": subject}
    classed = connection.execute(text(_CLASSED), scope).one_or_none()
    if classed is None or OverpaymentReason(classed.reason).interest_reason is None:
        return None
    paid = _decided(connection, municipality_code, subject)
    rows = connection.execute(
        text(_DONE), {"m": municipality_code, "named": f'%"overpayment": "{subject}"%'}
    ).all()
    parts = [
        part
        for row in rows
        if row.approval_id not in paid
        for part in _standing(connection, municipality_code, row)
    ]
    return OnAppropriated(classed, worked_out(as_day(classed.interest_from_on), parts))


def _standing(connection: Connection, code: str, row: Any) -> list[Until]:
    """The parts of one appropriation that still stand where they were put."""
    done_on = as_day(row.booked_on)
    view = placement_view(connection, code, row.file_id, row.line_no)
    stands = {part.place for part in view.parts}
    return [
        Until(row.approval_id, part["amount_yen"], ends_on(done_on, part))
        for part in parts_of(json.loads(row.content_json))
        if part["place"] in stands
    ]


def parts_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    """充当された部分 of one request: what it adds to where the money stood before."""
    found = []
    stood: dict[str, int] = {}
    for part in content["stands"]["parts"]:
        stood[part["place"]] = stood.get(part["place"], 0) + part["amount_yen"]
    for part in content["parts"]:
        effective_on = content["effective_on"].get(part["place"])
        yen = part["amount_yen"] - stood.get(part["place"], 0)
        if effective_on and yen > 0:
            found.append(
                {
                    "place": part["place"],
                    "amount_yen": yen,
                    "effective_on": effective_on,
                    "entrusted": part["place"] in content.get("entrusted", ()),
                }
            )
    return found


def ends_on(done_on: date, part: dict[str, Any]) -> date:
    """加算の終わり: 充当適状 where that is earlier; what was entrusted is paid back on the day."""
    if part["entrusted"]:
        return done_on
    return min(done_on, as_day(part["effective_on"]))


def _decided(connection: Connection, code: str, subject: str) -> set[int]:
    """The appropriations whose interest two people have decided to pay."""
    found: set[int] = set()
    for each in refunds(connection, code, subject=subject):
        if each.amount_yen == 0 and each.state != CANCELLED:
            said = connection.execute(text(_SAID), {"m": code, "no": each.approval_id}).scalar_one()
            found |= {no for one in json.loads(said)["bears"] for no in one["approvals"]}
    return found

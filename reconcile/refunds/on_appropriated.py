"""充当した額の還付加算金: what an overpayment bore until it settled what the same person owed.

The law adds interest to what is appropriated as to what is paid back, up to the day of the
appropriation or of 充当適状 where that is earlier (地方税法17条の4①; ``law.md 6.3``). Sums that
end on one day are worked out together, so that the fractions of the law are dropped once. It is
paid to the person by a refund of its own, which two people decide as any other. What two people
undo bears nothing, however often it is done again; what was paid for it is taken off the next
interest of the same overpayment.
"""

from __future__ import annotations

import json
from collections import defaultdict
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
_LINES = """
SELECT p.file_id, p.line_no, MIN(a.approval_id) AS first_id
FROM approval a
JOIN placement p ON p.municipality_code = :m AND p.approval_id = a.approval_id
WHERE a.municipality_code = :m AND a.kind = 'appropriation' AND a.decision = 'approved'
  AND a.content_json LIKE :named
GROUP BY p.file_id, p.line_no ORDER BY first_id, p.file_id, p.line_no"""
_PLACEMENTS = """
SELECT p.placement_no, a.approval_id, a.content_json, j.booked_on
FROM placement p
JOIN approval a ON a.municipality_code = :m AND a.approval_id = p.approval_id
JOIN journal j ON j.municipality_code = :m AND j.journal_id = p.journal_id
WHERE p.municipality_code = :m AND p.file_id = :file_id AND p.line_no = :line_no
ORDER BY p.placement_no"""
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


class Standing(NamedTuple):
    """充当の残り: what an appropriation added somewhere and nobody has taken away since."""

    approval_id: int
    done_on: date
    part: dict[str, Any]  # as :func:`parts_of` says it, with what of it still stands


class OnAppropriated(NamedTuple):
    """充当した額の還付加算金: of one classed overpayment, as far as it is not decided yet.

    ``paid_before_yen`` was paid for what was undone since, and is taken off.
    """

    classed: Any  # the row of its class
    bearings: tuple[Bearing, ...]
    paid_before_yen: int = 0

    @property
    def interest_yen(self) -> int:
        """還付加算金の合計, less what was paid before for what was undone."""
        found = sum(each.interest.interest_yen for each in self.bearings)
        return found - min(found, self.paid_before_yen)

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
    decided = _decided(connection, municipality_code, subject)
    paid = {no for said in decided for one in said.get("bears", ()) for no in one["approvals"]}
    stands = standing(connection, municipality_code, subject)
    parts = [
        Until(each.approval_id, each.part["amount_yen"], ends_on(each.done_on, each.part))
        for each in stands
        if each.approval_id not in paid
    ]
    begins = as_day(classed.interest_from_on)
    return OnAppropriated(classed, worked_out(begins, parts), _paid_before(decided, stands))


def paid_before_yen(connection: Connection, municipality_code: str, subject: str) -> int:
    """既払の加算金: paid for appropriations that were undone since, and not taken off yet."""
    decided = _decided(connection, municipality_code, subject)
    if not decided:
        return 0
    return _paid_before(decided, standing(connection, municipality_code, subject))


def _paid_before(decided: list[dict[str, Any]], stands: list[Standing]) -> int:
    """What was decided for more than still stands, less what was taken off since."""
    yen = -sum(int(said.get("paid_before_yen", 0)) for said in decided)
    for said in decided:
        begins = as_day(said["interest_from_on"])
        for one in said.get("bears", ()):
            left = sum(e.part["amount_yen"] for e in stands if e.approval_id in one["approvals"])
            if left < one["amount_yen"]:
                borne = refund_interest(left, begins, as_day(one["ends_on"])).interest_yen
                yen += max(0, one["interest_yen"] - borne)
    return max(0, yen)


def standing(connection: Connection, municipality_code: str, subject: str) -> list[Standing]:
    """充当の残り of an overpayment: part by part as every later placement has left it."""
    scope = {"m": municipality_code, "named": f'%"overpayment": "{subject}"%'}
    return [
        each
        for line in connection.execute(text(_LINES), scope).all()
        for each in _standing(connection, municipality_code, subject, line.file_id, line.line_no)
    ]


def is_provisional(connection: Connection, municipality_code: str, subject: str) -> bool:
    """速報のままか: whether what was appropriated was brought by a report that may be withdrawn."""
    scope = {"m": municipality_code, "named": f'%"overpayment": "{subject}"%'}
    return any(
        placement_view(connection, municipality_code, line.file_id, line.line_no).stage
        == "provisional"
        and _standing(connection, municipality_code, subject, line.file_id, line.line_no)
        for line in connection.execute(text(_LINES), scope).all()
    )


def _standing(
    connection: Connection, code: str, subject: str, file_id: int, line_no: int
) -> list[Standing]:
    """The parts of one payment that still stand where an appropriation of this put them."""
    view = placement_view(connection, code, file_id, line_no)
    if view.stage == "withdrawn":
        return []
    places: defaultdict[str, _Place] = defaultdict(_Place)
    scope = {"m": code, "file_id": file_id, "line_no": line_no}
    for row in connection.execute(text(_PLACEMENTS), scope):
        said = json.loads(row.content_json)
        whose = str(said.get("overpayment", ""))
        _stand(places, said["stands"]["parts"])
        adds = {part["place"]: part for part in parts_of(said)} if whose else {}
        mine = whose == subject
        done_on = as_day(row.booked_on)
        added = {
            place: Standing(row.approval_id, done_on, part) if mine else None
            for place, part in adds.items()
        }
        _stand(places, said["parts"], added, moves_on=whose.startswith("claim:"))
    _stand(places, [{"place": part.place, "amount_yen": part.amount_yen} for part in view.parts])
    found = [one for place in places.values() for one in place.layers if one.whose is not None]
    found.sort(key=lambda one: one.order)
    return [
        one.whose._replace(part={**one.whose.part, "amount_yen": one.yen})
        for one in found
        if one.whose is not None
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


def _decided(connection: Connection, code: str, subject: str) -> list[dict[str, Any]]:
    """What two people have decided to pay back of this, or in interest, as it was asked for."""
    return [
        json.loads(
            connection.execute(text(_SAID), {"m": code, "no": each.approval_id}).scalar_one()
        )
        for each in refunds(connection, code, subject=subject)
        if each.state != CANCELLED
    ]


# ---- one payment, placement after placement ----


class _Layer:
    """Money that came to a place at once; ``whose`` is None where it bears nothing here."""

    def __init__(self, whose: Standing | None, yen: int, order: int) -> None:
        self.whose = whose
        self.yen = yen
        self.order = order


class _Place:
    """期別の金 of one payment: in layers, the last of which goes first.

    ``moved_yen`` a correction has set free and 充当 has moved on since: it has settled its claim
    until then, and so stays what it was appropriated for.
    """

    def __init__(self) -> None:
        self.layers: list[_Layer] = []
        self.moved_yen = 0

    @property
    def yen(self) -> int:
        """What stands here now."""
        return sum(layer.yen for layer in self.layers) - self.moved_yen

    def take(self, yen: int, *, moves_on: bool) -> None:
        """So much goes from here."""
        if moves_on:
            self.moved_yen += yen
            return
        while yen > 0:
            last = self.layers[-1]
            now = min(last.yen, yen)
            last.yen -= now
            yen -= now
            if not last.yen:
                self.layers.pop()


def _stand(
    places: defaultdict[str, _Place],
    parts: Iterable[dict[str, Any]],
    added: dict[str, Standing | None] | None = None,
    *,
    moves_on: bool = False,
) -> None:
    """Every place has now what ``parts`` say; what came is ``added``, or bears nothing."""
    now = {part["place"]: int(part["amount_yen"]) for part in parts}
    for name in [*places, *(name for name in now if name not in places)]:
        place = places[name]
        more = now.get(name, 0) - place.yen
        if more < 0:
            place.take(-more, moves_on=moves_on)
            continue
        if added is None or name not in added:  # what had moved on comes back first
            back = min(place.moved_yen, more)
            place.moved_yen -= back
            more -= back
        if more:
            order = max((one.order for each in places.values() for one in each.layers), default=0)
            place.layers.append(_Layer((added or {}).get(name), more, order + 1))

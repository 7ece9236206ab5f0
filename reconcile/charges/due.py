"""延滞金の確定: what each instalment bears, from what the books say about it now.

An instalment bears a charge that is certain once nothing of it is open and every payment on it is
confirmed (law.md 1.1 row 18); until then, or when nothing is claimed or something was given up, it
bears none. The same books give the same charges, in whatever order things came (R8).
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from payments.domain.accrual import LeftOut
from payments.domain.late_charge import LateCharge, LateChargeRules, PartPayment, late_charge
from payments.domain.late_charge_levies import shipped_levies
from payments.domain.late_charges import OverdueClaim, late_charges
from payments.store.lookups import rows_about
from payments.versions import as_day
from reconcile.charges.effect import effective_days
from reconcile.charges.waived import Waived, waivers_of
from reconcile.post import LEGS_PER_TURN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from payments.charges import PlaceKey
    from payments.domain.profile import Profile


class Claim(NamedTuple):
    """期別 as the books stand, with everything that a charge on it is worked out from."""

    notice_id: int
    term: str
    item_code: str
    amount_yen: int
    open_yen: int
    written_off_yen: int
    due_on: date
    payments: tuple[PartPayment, ...]  # of the claim as it stands now, oldest first
    provisional: bool  # a payment on it is only announced
    waived: Waived

    @property
    def place(self) -> PlaceKey:
        """Its key."""
        return self.notice_id, self.term

    @property
    def paid_up(self) -> bool:
        """完納: paid entirely, by payments that are confirmed."""
        settled = self.amount_yen > 0 and self.open_yen <= 0 and not self.written_off_yen
        return settled and bool(self.payments) and not self.provisional

    @property
    def last_paid_on(self) -> date:
        """完納日; of a claim that is :attr:`paid_up`."""
        return self.payments[-1].paid_on


@dataclass(frozen=True, slots=True)
class Basis:
    """計算の基礎: what a charge was worked out from, so that it can be shown again line by line."""

    levy: str
    tax_yen: int
    due_on: date
    paid_on: date
    payments: tuple[PartPayment, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    waived_yen: int = 0  # of the result; all of it with ``waived_whole``
    waived_whole: bool = False

    def work_out(self) -> LateCharge:
        """計算: the charge before what was waived of its result."""
        return late_charge(
            self.tax_yen,
            self.due_on,
            self.paid_on,
            rules=self.rules,
            payments=self.payments,
            left_out=self.left_out,
        )

    @property
    def rules(self) -> LateChargeRules:
        """定め in force for this due date."""
        return shipped_levies().rules(self.levy, self.due_on)

    def after_waiver(self, charge_yen: int) -> int:
        """減免後の額."""
        return 0 if self.waived_whole else max(charge_yen - self.waived_yen, 0)

    def as_json(self) -> str:
        """Text for the booking."""
        return json.dumps(
            {
                "levy": self.levy,
                "tax_yen": self.tax_yen,
                "due_on": self.due_on.isoformat(),
                "paid_on": self.paid_on.isoformat(),
                "payments": [[p.paid_on.isoformat(), p.amount_yen] for p in self.payments],
                "left_out": [
                    [s.from_on.isoformat(), s.until_on.isoformat(), s.percent]
                    for s in self.left_out
                ],
                "waived_yen": self.waived_yen,
                "waived_whole": self.waived_whole,
            },
            separators=(",", ":"),
        )


def basis_from(text_: str) -> Basis:
    """計算の基礎 as it was written down with a booking."""
    said = json.loads(text_)
    day = date.fromisoformat
    return Basis(
        said["levy"],
        said["tax_yen"],
        day(said["due_on"]),
        day(said["paid_on"]),
        tuple(PartPayment(day(on), yen) for on, yen in said["payments"]),
        tuple(LeftOut(day(a), day(b), percent) for a, b, percent in said["left_out"]),
        said["waived_yen"],
        said["waived_whole"],
    )


@dataclass(slots=True)
class Due:
    """確定した延滞金: yen by instalment; an instalment that bears none has 0 and no basis."""

    yen: dict[PlaceKey, int] = field(default_factory=dict)
    basis: dict[PlaceKey, Basis] = field(default_factory=dict)


def charges_due(profile: Profile, claims: Iterable[Claim]) -> Due:
    """延滞金の確定 of these instalments (pure); of levies without a line in the profile none.

    Raises :class:`InvalidValueError` ``rate_unknown`` for a year without a rate.
    """
    found = Due()
    alike: dict[tuple[LateChargeRules, date], list[Claim]] = defaultdict(list)
    for claim in claims:
        found.yen[claim.place] = 0
        levy = profile.charges.levy(claim.item_code)
        if levy is None or not claim.paid_up or claim.last_paid_on <= claim.due_on:
            continue
        basis = _basis(claim, levy.levy)
        found.basis[claim.place] = basis
        if basis.payments or basis.left_out:
            found.yen[claim.place] = basis.after_waiver(basis.work_out().charge_yen)
        else:
            alike[basis.rules, basis.paid_on].append(claim)
    for (rules, paid_on), group in alike.items():
        owed = (OverdueClaim(claim.amount_yen, claim.due_on) for claim in group)
        for claim, yen in zip(group, late_charges(owed, paid_on, rules=rules), strict=True):
            found.yen[claim.place] = found.basis[claim.place].after_waiver(yen)
    return found


def _basis(claim: Claim, levy: str) -> Basis:
    """A claim paid at one time needs no list of payments."""
    at_once = claim.payments[0].paid_on == claim.last_paid_on
    return Basis(
        levy,
        claim.amount_yen,
        claim.due_on,
        claim.last_paid_on,
        () if at_once else claim.payments,
        claim.waived.periods,
        claim.waived.yen,
        claim.waived.whole,
    )


# ---- from the books ----

_CLAIMS = """
SELECT a.notice_id, a.term, n.item_code, a.amount_yen,
    a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen AS open_yen, a.written_off_yen,
    i.due_on
FROM instalment_account a
JOIN notice n ON n.municipality_code = :m AND n.notice_id = a.notice_id
JOIN instalment i ON i.municipality_code = :m AND i.notice_id = a.notice_id AND i.term = a.term
WHERE a.municipality_code = :m AND a.notice_id IN :some ORDER BY a.notice_id, a.term"""
_PARTS = f"""
JOIN posting g ON g.municipality_code = :m AND g.journal_id = r.journal_id
  AND g.subject_file_id = r.file_id AND g.subject_line_no = r.line_no
  AND g.leg >= r.leg AND g.leg < r.leg + {LEGS_PER_TURN}
  AND g.credit_account = 'receivable' AND g.reason IN ('applied', 'placed')
JOIN source_file f ON f.municipality_code = :m AND f.file_id = r.file_id"""
_PART = """r.file_id, r.line_no, g.leg, g.notice_id, g.term, COALESCE(r.paid_on, f.received_on)
    AS paid_on, g.amount_yen, r.stage, g.reason"""
# A payment is found by its own notice, or by the notice that two people placed it on.
_PAID = f"""
SELECT {_PART} FROM receipt r {_PARTS}
WHERE r.municipality_code = :m AND r.notice_id IN :some AND r.stage <> 'withdrawn'
UNION
SELECT {_PART} FROM placement_part t
JOIN placement p ON p.municipality_code = :m AND p.placement_no = t.placement_no
JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.file_id AND r.line_no = p.line_no
  AND r.journal_id = p.journal_id {_PARTS}
WHERE t.municipality_code = :m AND t.notice_id IN :some AND r.stage <> 'withdrawn'"""
# 充当: money that waited in suspense pays an instalment from the day on which it was paid in.
_APPROPRIATED = """
SELECT p.notice_id, p.term, COALESCE(r.paid_on, j.booked_on) AS paid_on,
    SUM(CASE WHEN p.credit_account = 'receivable' THEN p.amount_yen ELSE -p.amount_yen END) AS yen
FROM posting p
JOIN journal j ON j.municipality_code = :m AND j.journal_id = p.journal_id
LEFT JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.subject_file_id
    AND r.line_no = p.subject_line_no
WHERE p.municipality_code = :m AND p.notice_id IN :some AND p.reason <> 'surplus'
  AND ((p.debit_account = 'suspense' AND p.credit_account = 'receivable')
    OR (p.debit_account = 'receivable' AND p.credit_account = 'suspense'))
GROUP BY 1, 2, 3"""


def claims_of(
    connection: Connection, municipality_code: str, places: Iterable[PlaceKey]
) -> list[Claim]:
    """期別 with their payments and waivers as the books stand; in order of notice and term."""
    wanted = set(places)
    notice_ids = sorted({notice_id for notice_id, _ in wanted})
    rows = [
        row
        for row in rows_about(connection, _CLAIMS, municipality_code, notice_ids)
        if (row.notice_id, row.term) in wanted
    ]
    paid, provisional = _payments(connection, municipality_code, rows)
    waived = waivers_of(connection, municipality_code, notice_ids)
    return [
        Claim(
            row.notice_id, row.term, row.item_code, row.amount_yen, row.open_yen,
            row.written_off_yen, as_day(row.due_on),
            _up_to(row.amount_yen, paid.get((row.notice_id, row.term), ())),
            (row.notice_id, row.term) in provisional,
            waived.get((row.notice_id, row.term), Waived()),
        )
        for row in rows
    ]  # fmt: skip


def _payments(
    connection: Connection, municipality_code: str, rows: Sequence[Any]
) -> tuple[dict[PlaceKey, list[PartPayment]], set[PlaceKey]]:
    """Payments by instalment, and those with one that is only announced."""
    paid: dict[PlaceKey, list[PartPayment]] = defaultdict(list)
    provisional: set[PlaceKey] = set()
    notice_ids = sorted({row.notice_id for row in rows})
    effective = effective_days(connection, municipality_code, notice_ids)
    seen: set[tuple[int, int, int]] = set()
    for part in rows_about(connection, _PAID, municipality_code, notice_ids):
        if (part.file_id, part.line_no, part.leg) in seen:
            continue  # placed from a notice of one portion on one of another
        seen.add((part.file_id, part.line_no, part.leg))
        place, paid_on = (part.notice_id, part.term), as_day(part.paid_on)
        if part.reason == "placed":
            paid_on = effective.get((part.file_id, part.line_no), {}).get(place, paid_on)
        paid[place].append(PartPayment(paid_on, part.amount_yen))
        if part.stage == "provisional":
            provisional.add(place)
    missing = [
        row.notice_id
        for row in rows
        if row.amount_yen - row.open_yen - row.written_off_yen
        > sum(p.amount_yen for p in paid.get((row.notice_id, row.term), ()))
    ]
    for row in rows_about(connection, _APPROPRIATED, municipality_code, missing):
        if row.yen > 0:
            paid[row.notice_id, row.term].append(PartPayment(as_day(row.paid_on), int(row.yen)))
    return paid, provisional


def _up_to(amount_yen: int, paid: Iterable[PartPayment]) -> tuple[PartPayment, ...]:
    """What of the payments went to the claim as it stands now, oldest first."""
    found = []
    for payment in sorted(paid):
        yen = min(payment.amount_yen, amount_yen)
        if yen > 0:
            found.append(PartPayment(payment.paid_on, yen))
            amount_yen -= yen
    return tuple(found)

"""延滞金・督促手数料: which claims are charges, and on which instalment.

A charge is a claim of its own: a notice of the charge's 科目 with the number, levy year and term
of the instalment that bears it, in the fiscal year of that instalment (自治令142条③). So slips,
matching and refunds treat it as any other claim; ``late_charge_booking`` says what it belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from payments.store.lookups import rows_about

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

LATE_CHARGE, DUNNING_FEE = "late_charge", "dunning_fee"
PlaceKey = tuple[int, str]  # notice_id, term


class Charge(NamedTuple):
    """延滞金・督促手数料 as the books stand: the claim, and the instalment that bears it."""

    kind: str  # late_charge or dunning_fee
    notice_id: int
    term: str
    principal_notice_id: int
    principal_term: str
    item_code: str  # of the charge
    amount_yen: int
    open_yen: int

    @property
    def place(self) -> PlaceKey:
        """The charge's own claim."""
        return self.notice_id, self.term

    @property
    def principal(self) -> PlaceKey:
        """The instalment that bears it."""
        return self.principal_notice_id, self.principal_term


def is_charge(alias: str, kind: str = "") -> str:
    """延滞金等か: a condition on ``alias`` with ``notice_id`` and ``term``; binds ``:m``."""
    narrowed = f" AND lcb.kind = '{kind}'" if kind else ""
    return (
        "EXISTS (SELECT 1 FROM late_charge_booking lcb WHERE lcb.municipality_code = :m "
        f"AND lcb.notice_id = {alias}.notice_id AND lcb.term = {alias}.term{narrowed})"
    )


_LINKS = """
SELECT DISTINCT b.kind, b.notice_id, b.term, b.principal_notice_id, b.principal_term, n.item_code,
    a.amount_yen, a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen AS open_yen
FROM late_charge_booking b
JOIN notice n ON n.municipality_code = :m AND n.notice_id = b.notice_id
JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = b.notice_id
    AND a.term = b.term
WHERE b.municipality_code = :m AND b.{which} IN :some
ORDER BY b.kind, b.notice_id, b.term"""


def charges_on(
    connection: Connection, municipality_code: str, principals: Iterable[PlaceKey]
) -> dict[PlaceKey, list[Charge]]:
    """期別 → the charges that were booked on it; one without charges is left out."""
    wanted = set(principals)
    found: dict[PlaceKey, list[Charge]] = {}
    for charge in _charges(connection, municipality_code, wanted, "principal_notice_id"):
        if charge.principal in wanted:
            found.setdefault(charge.principal, []).append(charge)
    return found


def charges_among(
    connection: Connection, municipality_code: str, places: Iterable[PlaceKey]
) -> dict[PlaceKey, Charge]:
    """延滞金等である期別: those of these claims that are charges, and of which instalment."""
    wanted = set(places)
    return {
        charge.place: charge
        for charge in _charges(connection, municipality_code, wanted, "notice_id")
        if charge.place in wanted
    }


def _charges(
    connection: Connection, municipality_code: str, places: set[PlaceKey], which: str
) -> list[Charge]:
    rows = rows_about(
        connection,
        _LINKS.format(which=which),
        municipality_code,
        sorted({notice_id for notice_id, _ in places}),
    )
    return [Charge._make(row) for row in rows]

"""印刷の対象: which instalments and groups need a slip, as one SELECT over the books."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from payments.domain.errors import InvalidValueError
from payments.domain.holds import HoldKind
from payments.domain.slip import WHOLE_YEAR, SlipEvent, SlipState
from payments.store.hold_tables import held_by_people
from payments.versions import CHANGED, OPEN_YEN

if TYPE_CHECKING:
    from datetime import date

KINDS = ("both", "term", "whole")
# 印刷の順: for the post office, or as notices are filed.
ORDERS = {
    "postal": "o.postal_code, n.obligor_no, c.notice_id, c.term",
    "notice": "n.item_code, n.levy_year, n.notice_no, c.term",
}
# Paper of these runs exists or is coming into being.
_COUNTING = "'planned', 'printing', 'printed', 'released'"

# A slip that a correction ended names what had changed, and has no say in what is printed later.
_REVOKED_BY_PEOPLE = f""" AND NOT EXISTS (SELECT 1 FROM slip s
    JOIN slip_event e ON e.municipality_code = :m AND e.slip_id = s.slip_id
     AND e.kind = '{SlipEvent.REVOKED.value}'
     AND e.reason NOT IN ({", ".join(f"'{code}'" for code in CHANGED)})
    WHERE s.municipality_code = :m AND s.notice_id = c.notice_id AND s.term = c.term
      AND s.state = '{SlipState.REVOKED.value}'
      AND NOT EXISTS (SELECT 1 FROM slip later WHERE later.municipality_code = :m
        AND later.notice_id = s.notice_id AND later.term = s.term
        AND later.slip_id > s.slip_id))"""


@dataclass(frozen=True, slots=True)
class Selection:
    """印刷の対象: empty fields leave everything in.

    By default it is what needs a slip: every instalment with something left to pay, and the 全期
    slip of its group, unless a run that counts has printed just that slip; what was printed as 見本
    does not count once the municipality is live. Instalments on direct debit and held ones get none
    unless asked for, nor do those whose slip a person ended (失効) without another in its place;
    ``again`` (or naming a slip) also takes what has been printed before.
    """

    item_code: str = ""
    levy_year: int | None = None
    notice_no: str = ""
    term: str = ""
    slip_no: str = ""
    obligor_no: str = ""
    kinds: str = "both"  # 期別 and 全期, or one of them
    due_from: date | None = None  # 納期限 (shifted); of a 全期 slip that of its first open part
    due_to: date | None = None
    limit: int | None = None
    with_direct_debit: bool = False
    with_collection_hold: bool = False
    with_revoked: bool = False
    again: bool = False
    order: str = "postal"  # of ORDERS
    dunning_list: int | None = (
        None  # 督促状: the letters of a list, in the order of their envelopes
    )
    with_fees: bool = False  # 督促手数料 of these letters, each by a slip of its own


def candidates(selection: Selection, on: date) -> tuple[str, dict[str, Any]]:
    """納付書が要るもの: a SELECT of (notice_id, term, open_yen, due_on), and its values but ``m``.

    ``on`` is the day on which people's holds are looked at.

    A 全期 slip is only for a group of which more than one part is open and for which no money has
    come by 期別 slips: a payment on it would otherwise be an overpayment (outcomes.md 4, row 7).
    """
    if selection.kinds not in KINDS:
        raise InvalidValueError(
            "slip_kinds", field="kinds", found=selection.kinds, expected=" / ".join(KINDS)
        )
    if selection.order not in ORDERS:
        raise InvalidValueError("slip_order", found=selection.order, expected=" / ".join(ORDERS))
    if selection.dunning_list is not None:
        # A letter for each that was listed; what has changed since is taken out before dispatch.
        selection = replace(
            selection, kinds="term", with_direct_debit=True, with_collection_hold=True,
            with_revoked=True, again=True,
        )  # fmt: skip
    scope, values = _scope(selection)
    held = ""
    if not selection.with_direct_debit:
        held += " OR i.direct_debit"
    if not selection.with_collection_hold:
        held += f" OR i.collection_hold OR {held_by_people(HoldKind.COLLECTION.value)}"
        values["held_on"] = on.isoformat()
    parts = []
    if selection.kinds != "whole":
        parts.append(_by_term(scope, held))
    if selection.kinds != "term":
        parts.append(_whole(scope, held))
    conditions = _narrowed(selection, values)
    return (
        f"SELECT c.* FROM ({' UNION ALL '.join(parts)}) c WHERE c.open_yen > 0{conditions}",
        values,
    )


def _by_term(scope: str, held: str) -> str:
    """Instalments with something left to pay."""
    return f"""SELECT a.notice_id, a.term, {OPEN_YEN} AS open_yen, i.due_on
        FROM instalment_account a
        JOIN instalment i ON i.municipality_code = a.municipality_code
         AND i.notice_id = a.notice_id AND i.term = a.term
        WHERE a.municipality_code = :m{scope} AND NOT ({OPEN_YEN} <= 0{held})"""


def _whole(scope: str, held: str) -> str:
    """Groups that may still be paid at once; one held part holds the 全期 slip back."""
    is_open = f"{OPEN_YEN} > 0"
    any_held = f"{is_open} AND (1 = 0{held})"
    return f"""SELECT a.notice_id, '{WHOLE_YEAR}' AS term, SUM({OPEN_YEN}) AS open_yen,
               MIN(CASE WHEN {is_open} THEN i.due_on END) AS due_on
        FROM instalment_account a
        JOIN instalment i ON i.municipality_code = a.municipality_code
         AND i.notice_id = a.notice_id AND i.term = a.term
        WHERE a.municipality_code = :m AND a.in_group{scope}
        GROUP BY a.notice_id
        HAVING SUM(a.term_yen) = 0 AND SUM(CASE WHEN {is_open} THEN 1 ELSE 0 END) > 1
           AND SUM(CASE WHEN {any_held} THEN 1 ELSE 0 END) = 0"""


def _scope(selection: Selection) -> tuple[str, dict[str, Any]]:
    """What narrows the notices down, before anything is added up."""
    columns = {
        "item_code": "n.item_code = :item_code",
        "levy_year": "n.levy_year = :levy_year",
        "notice_no": "n.notice_no = :notice_no",
        "obligor_no": "n.obligor_no = :obligor_no",
    }
    values = {name: getattr(selection, name) for name in columns if getattr(selection, name)}
    scope = ""
    if values:
        wanted = " AND ".join(columns[name] for name in values)
        scope += (
            " AND a.notice_id IN (SELECT n.notice_id FROM notice n "
            f"WHERE n.municipality_code = :m AND {wanted})"
        )
    if selection.slip_no:
        values["slip_no"] = selection.slip_no
        scope += (
            " AND a.notice_id IN (SELECT s.notice_id FROM slip s "
            "WHERE s.municipality_code = :m AND s.slip_no = :slip_no)"
        )
    if selection.dunning_list is not None:
        values["dunning_list"] = selection.dunning_list
        letter = (
            "EXISTS (SELECT 1 FROM dunning_letter d WHERE d.municipality_code = :m "
            "AND d.list_no = :dunning_list AND d.notice_id = {0}notice_id AND d.term = {0}term)"
        )
        listed = letter.format("a.")
        if selection.with_fees:
            listed = (
                f"({listed} OR EXISTS (SELECT 1 FROM late_charge_booking b "
                "WHERE b.municipality_code = :m AND b.kind = 'dunning_fee' "
                f"AND b.notice_id = a.notice_id AND b.term = a.term "
                f"AND {letter.format('b.principal_')}))"
            )
        scope += f" AND {listed}"
    return scope, values


def _narrowed(selection: Selection, values: dict[str, Any]) -> str:
    """What narrows the places down; adds its values to ``values``."""
    conditions = ""
    if selection.term:
        conditions += " AND c.term = :term"
        values["term"] = selection.term
    if selection.due_from is not None:
        conditions += " AND c.due_on >= :due_from"
        values["due_from"] = selection.due_from.isoformat()
    if selection.due_to is not None:
        conditions += " AND c.due_on <= :due_to"
        values["due_to"] = selection.due_to.isoformat()
    if selection.slip_no:
        conditions += (
            " AND EXISTS (SELECT 1 FROM slip s WHERE s.municipality_code = :m "
            "AND s.slip_no = :slip_no AND s.term = c.term AND s.state = 'new')"
        )
    if not selection.with_revoked:
        conditions += _REVOKED_BY_PEOPLE
    counting = "'planned', 'printing'" if selection.again or selection.slip_no else _COUNTING
    # 見本 on paper is no slip once the municipality is live.
    real = """(r.state IN ('planned', 'printing') OR NOT r.sample OR NOT EXISTS (
                 SELECT 1 FROM municipality t WHERE t.municipality_code = :m AND t.live))"""
    return (
        conditions
        + f""" AND NOT EXISTS (SELECT 1 FROM print_run_slip p
            JOIN print_run r ON r.municipality_code = :m AND r.run_id = p.run_id
            LEFT JOIN slip s ON s.municipality_code = :m AND s.slip_id = p.slip_id
            WHERE p.municipality_code = :m AND p.notice_id = c.notice_id AND p.term = c.term
              AND p.refusal = '' AND r.state IN ({counting}) AND {real}
              AND (p.slip_id IS NULL OR (s.state = 'new' AND s.amount_yen = c.open_yen)))"""
    )

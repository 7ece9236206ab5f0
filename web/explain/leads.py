"""関連する記録: where else a claim stands: charges, plans, debits, letters, refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.domain.slip import WHOLE_YEAR
from web.duties import Do, can

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from web.accounts.staff import StaffUser

_LEADS = """
SELECT 1 AS place, 'charge' AS kind, CAST(b.notice_id AS VARCHAR(20)) AS first, b.term AS second
FROM late_charge_booking b
WHERE b.municipality_code = :m AND b.principal_notice_id = :notice_id {of_principal}
UNION SELECT 2, 'principal', CAST(b.principal_notice_id AS VARCHAR(20)), b.principal_term
FROM late_charge_booking b
WHERE b.municipality_code = :m AND b.notice_id = :notice_id {of_b}
UNION SELECT 3, 'plan', CAST(p.plan_no AS VARCHAR(20)), '' FROM payment_plan_part p
WHERE p.municipality_code = :m AND p.notice_id = :notice_id {of_p}
UNION SELECT 4, 'write_off', CAST(w.notice_id AS VARCHAR(20)), w.term FROM write_off w
WHERE w.municipality_code = :m AND w.notice_id = :notice_id {of_w}
UNION SELECT 5, 'debit', CAST(d.batch_no AS VARCHAR(20)), '' FROM debit_row d
WHERE d.municipality_code = :m AND d.notice_id = :notice_id {of_d}
UNION SELECT 6, 'dunning', CAST(l.list_no AS VARCHAR(20)), '' FROM dunning_list l
JOIN dunning_row r ON r.municipality_code = :m AND r.list_no = l.list_no
    AND r.notice_id = :notice_id {of_r}
WHERE l.municipality_code = :m
UNION SELECT 7, 'overpayment',
    'line:' || CAST(o.file_id AS VARCHAR(20)) || ':' || CAST(o.line_no AS VARCHAR(20)), ''
FROM receipt o WHERE o.municipality_code = :m AND o.notice_id = :notice_id
  AND o.suspense_yen > 0 AND o.stage <> 'withdrawn' {of_o}
UNION SELECT 7, 'overpayment', 'claim:' || CAST(a.notice_id AS VARCHAR(20)) || '/' || a.term, ''
FROM instalment_account a WHERE a.municipality_code = :m AND a.notice_id = :notice_id
  AND a.surplus_yen > 0 {of_a}
UNION SELECT 8, 'refund', CAST(x.refund_no AS VARCHAR(20)), '' FROM refund x
WHERE x.municipality_code = :m AND x.notice_id = :notice_id {of_x}
ORDER BY 1, 3, 4"""
_DO = {
    "charge": Do.READ_CHARGES,
    "principal": Do.READ_CHARGES,
    "plan": Do.READ_CHARGES,
    "write_off": Do.READ_CHARGES,
    "debit": Do.READ_DEBITS,
    "dunning": Do.READ_DUNNING,
    "overpayment": Do.READ_REFUNDS,
    "refund": Do.READ_REFUNDS,
}


class Lead(NamedTuple):
    """関連する記録の一つ: its kind, the number that people know it by, and its page."""

    kind: str
    number: str
    endpoint: str
    values: dict[str, Any]


def leads_of(
    connection: Connection, municipality_code: str, notice_id: int, term: str, person: StaffUser
) -> list[Lead]:
    """関連する記録 of an instalment, or of a whole notice; only what the person may open."""
    whole = term in {"", WHOLE_YEAR}
    narrowed = {f"of_{alias}": "" if whole else f"AND {alias}.term = :term" for alias in "bpwdrxoa"}
    narrowed["of_principal"] = "" if whole else "AND b.principal_term = :term"
    # A payment of the whole year is one of each instalment.
    narrowed["of_o"] = "" if whole else "AND o.term IN (:term, '00')"
    values = {"m": municipality_code, "notice_id": notice_id} | ({} if whole else {"term": term})
    rows = connection.execute(text(_LEADS.format(**narrowed)), values).all()
    return [
        _lead(row.kind, row.first, row.second, notice_id)
        for row in rows
        if can(person, _DO[row.kind])
    ]


def _lead(kind: str, first: str, second: str, notice_id: int) -> Lead:
    if kind in {"charge", "principal", "write_off"}:
        return Lead(kind, second, "charges.show", {"notice_id": int(first), "term": second})
    if kind == "dunning":
        where = {"list_no": int(first), "notice_id": notice_id}
        return Lead(kind, first, "dunning.explain_notice", where)
    if kind == "overpayment":
        return Lead(kind, "", "refunds.show", {"subject": first})
    endpoint, name = {
        "plan": ("charges.show_plan", "plan_no"),
        "debit": ("debits.show", "debit_no"),
        "refund": ("refunds.one", "refund_no"),
    }[kind]
    return Lead(kind, first, endpoint, {name: int(first)})

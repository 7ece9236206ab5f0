"""払込単位: what one bank credit should contain, kept up with every confirmed payment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.store import former
from payments.store.bulk import take_numbers
from reconcile.rules import PAYMENT_RULES
from reconcile.store.former_groups import keep_former

if TYPE_CHECKING:
    from sqlalchemy import Connection

ELTAX_CHANNELS = ("counter", "app", "credit", "internet_banking", "direct_debit", "payeasy")
_PART = (
    "CASE "
    + " ".join(
        f"WHEN l.identity LIKE '{name}:%' THEN '{name}/' || SUBSTR(l.slip_key, 32, 3)"
        for name in ELTAX_CHANNELS
    )
    + " END"
)
JOIN_GROUPS = f"""
INSERT INTO remittance_part (municipality_code, group_id, part, confirmed_count, confirmed_yen)
SELECT CAST(:m AS VARCHAR(5)), g.group_id, {{part}}, COUNT(*), SUM(l.amount_yen)
FROM source_line l
JOIN line_outcome o ON o.municipality_code = :m AND o.file_id = l.file_id
 AND o.line_no = l.line_no AND o.revision = 1
 AND o.rule IN ('S1', {", ".join(f"'{rule.code}'" for rule in PAYMENT_RULES)})
JOIN remittance_group g ON g.municipality_code = :m AND g.agent = :agent
 AND g.ref = l.remittance_ref
WHERE l.municipality_code = :m AND l.file_id = :file_id AND l.stage = 'confirmed'
  AND NOT EXISTS (
    SELECT 1 FROM receipt r WHERE r.municipality_code = :m AND r.file_id = l.file_id
      AND r.line_no = l.line_no AND r.stage = 'withdrawn')
GROUP BY g.group_id, {{part}}
ON CONFLICT (municipality_code, group_id, part) DO UPDATE
SET confirmed_count = remittance_part.confirmed_count + excluded.confirmed_count,
    confirmed_yen = remittance_part.confirmed_yen + excluded.confirmed_yen
"""
# A group keeps the fee at which it was paid, also for payments that join it later.
TOTAL_GROUPS = """
UPDATE remittance_group SET confirmed_count = s.payments, confirmed_yen = s.yen,
    fee_yen = CASE WHEN agent = 'eltax' OR confirmed_count = 0 THEN fee_yen
        ELSE s.payments * (fee_yen / confirmed_count) END
FROM (SELECT p.group_id, SUM(p.confirmed_count) AS payments, SUM(p.confirmed_yen) AS yen
      FROM remittance_part p
      JOIN remittance_group g ON g.municipality_code = :m AND g.group_id = p.group_id
      WHERE p.municipality_code = :m AND g.agent = :agent AND g.ref = :ref
      GROUP BY p.group_id) s
WHERE remittance_group.municipality_code = :m AND remittance_group.group_id = s.group_id
"""
# What was paid at an earlier fee stays so: it would be open again for what the fee has changed by.
AGREED_FEES = """
UPDATE remittance_group SET fee_yen = confirmed_count * :each
WHERE municipality_code = :m AND agent = :agent AND fee_yen <> confirmed_count * :each
  AND credited_yen = 0
"""


def join_groups(
    connection: Connection, scope: dict[str, Any], refs: list[str], *, fee_each_yen: int = 0
) -> None:
    """Add this file's confirmed payments to the groups they name, duplicates included.

    The confirmed sum of a group is every confirmed receipt that names it, in suspense or not
    (outcomes.md 9). ``fee_each_yen`` is what the agent keeps back of each, as agreed.
    """
    part = _PART if scope["agent"] == "eltax" else "TRIM('')"  # PostgreSQL groups by no constant
    connection.execute(text(JOIN_GROUPS.format(part=part)), scope)
    for ref in refs:
        keep_former(connection, scope["m"], "g.agent = :agent AND g.ref = :ref",
                    agent=scope["agent"], ref=ref)  # fmt: skip
        connection.execute(text(TOTAL_GROUPS), {**scope, "ref": ref})
    if fee_each_yen:
        which = "g.agent = :agent AND g.fee_yen <> g.confirmed_count * :each AND g.credited_yen = 0"
        keep_former(connection, scope["m"], which, agent=scope["agent"], each=fee_each_yen)
        connection.execute(text(AGREED_FEES), {**scope, "each": fee_each_yen})


def enter_groups(
    connection: Connection, municipality_code: str, agent: str, refs: dict[str, str | None]
) -> None:
    """払込単位: make sure that each remittance named here has its group."""
    for ref, remitted_on in refs.items():
        known = connection.execute(
            text(
                "SELECT 1 FROM remittance_group WHERE municipality_code = :m AND agent = :agent "
                "AND ref = :ref"
            ),
            {"m": municipality_code, "agent": agent, "ref": ref},
        ).first()
        if known:
            continue
        group_id = take_numbers(connection, municipality_code, "group", 1)
        connection.execute(
            text(
                "INSERT INTO remittance_group (municipality_code, group_id, agent, ref, "
                "remitted_on, confirmed_count, confirmed_yen, fee_yen, credited_yen) "
                "VALUES (:m, :group_id, :agent, :ref, :remitted_on, 0, 0, 0, 0)"
            ),
            {
                "m": municipality_code,
                "group_id": group_id,
                "agent": agent,
                "ref": ref,
                "remitted_on": remitted_on,
            },
        )
        former.keep(connection, municipality_code, "remittance_group", str(group_id), None)

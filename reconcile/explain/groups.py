"""払込単位の説明: what a payer's remittance groups were worth to a credit at the time.

That is today's sum less what was booked since, so that nothing is guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from reconcile.settlement.line_books import as_date
from reconcile.settlement.search import Group

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.explain.model import Facts

# What was booked about remittance groups after a journal; its own postings are told apart.
SINCE = """
SELECT p.group_id, p.journal_id, p.subject_file_id AS file_id, p.subject_line_no AS line_no, p.leg,
    p.debit_account, p.credit_account, p.amount_yen,
    CASE WHEN EXISTS (SELECT 1 FROM line_outcome o WHERE o.municipality_code = :m
        AND o.file_id = p.subject_file_id AND o.line_no = p.subject_line_no AND o.revision = 1
        AND o.outcome = 'malformed') THEN 1 ELSE 0 END AS malformed
FROM posting p
JOIN remittance_group g ON g.municipality_code = :m AND g.group_id = p.group_id AND g.agent = :agent
WHERE p.municipality_code = :m AND p.journal_id >= :journal_id"""
_RECEIVED = {"receivable", "suspense", "reported"}


def change(posting: Any) -> tuple[int, int]:
    """How a posting changed its group: confirmed, credited (yen)."""
    debit, credit, yen = posting.debit_account, posting.credit_account, posting.amount_yen
    if posting.malformed:
        return 0, 0
    if debit == "confirmed_due" and credit in _RECEIVED:
        return yen, 0
    if credit == "confirmed_due" and debit in _RECEIVED:
        return -yen, 0
    if (debit, credit) == ("unidentified", "confirmed_due"):
        return 0, yen
    return (0, -yen) if (debit, credit) == ("confirmed_due", "unidentified") else (0, 0)


def groups_then(
    connection: Connection, profile: Profile, agent: str, line: Any, outcome: Any
) -> tuple[list[Group], bool]:
    """The agent's groups as the credit found them, and whether others settled beside it.

    Credits are decided at the end of their journal. Of those that settled in the same one it is
    not recorded which came first: what settled this line's own groups is taken out, the rest is
    left in when this line found nothing.
    """
    terms = profile.agent(agent)
    net = terms is not None and terms.is_net
    each = terms.fee_each_yen if terms is not None else 0
    scope = {"m": profile.municipality_code, "agent": agent, "journal_id": outcome.journal_id}
    rows = connection.execute(
        text(
            "SELECT group_id, ref, remitted_on, confirmed_yen, fee_yen, credited_yen "
            "FROM remittance_group WHERE municipality_code = :m AND agent = :agent "
            "AND remitted_on IS NOT NULL"
        ),
        scope,
    ).all()
    expected = {
        row.group_id: row.confirmed_yen - (row.fee_yen if net else 0) - row.credited_yen
        for row in rows
    }
    beside = False
    payments: set[tuple[int, int, int, bool]] = set()  # confirmed since, or no longer
    for posting in connection.execute(text(SINCE), scope):
        if posting.group_id not in expected:
            continue
        confirmed, credited = change(posting)
        mine = (posting.file_id, posting.line_no) == (line.file_id, line.line_no)
        if posting.journal_id > outcome.journal_id or (credited and mine):
            expected[posting.group_id] -= confirmed - credited
            payment = (posting.group_id, posting.file_id, posting.line_no, confirmed > 0)
            if confirmed and payment not in payments:
                payments.add(payment)
                expected[posting.group_id] += each if confirmed > 0 else -each
        elif credited:  # another credit of the same journal
            beside = True
            if outcome.outcome == "settled":
                expected[posting.group_id] += credited
    if net and not each:
        for ref, fee_yen in _fees_since(connection, scope):
            for row in rows:
                if row.ref == ref:
                    expected[row.group_id] += fee_yen
    groups = [
        Group(row.group_id, row.ref, as_date(row.remitted_on), expected[row.group_id])
        for row in rows
        if expected[row.group_id]
    ]
    return groups, beside


def _fees_since(connection: Connection, scope: dict[str, Any]) -> list[tuple[str, int]]:
    """Fees that advice named after the journal: they were not known then."""
    rows = connection.execute(
        text(
            "SELECT v.remittance_no, SUM(v.fee_yen) AS fee_yen FROM advice_line v "
            "JOIN line_outcome o ON o.municipality_code = :m AND o.file_id = v.file_id "
            "AND o.line_no = v.line_no AND o.revision = 1 "
            "AND o.outcome IN ('advised', 'advice_difference') "
            "WHERE v.municipality_code = :m AND o.journal_id > :journal_id "
            "GROUP BY v.remittance_no"
        ),
        scope,
    )
    return [(str(row.remittance_no), int(row.fee_yen)) for row in rows]


_SPLIT = """
SELECT p.group_id, COUNT(*) AS split, SUM(p.amount_yen) AS split_yen FROM posting p
JOIN posting mine ON mine.municipality_code = :m AND mine.journal_id = :journal_id
    AND mine.subject_file_id = :file_id AND mine.subject_line_no = :line_no
    AND mine.reason = 'settled' AND mine.group_id = p.group_id
WHERE p.municipality_code = :m AND p.journal_id = :journal_id AND p.reason = 'settled'
GROUP BY p.group_id"""
_BLOCKED = """
SELECT b.group_id FROM link_block b
JOIN journal j ON j.municipality_code = :m AND j.journal_id = :journal_id
WHERE b.municipality_code = :m AND b.file_id = :file_id AND b.line_no = :line_no
  AND b.group_id IS NOT NULL AND b.made_at <= j.made_at"""


def _scope(municipality_code: str, line: Any, outcome: Any) -> dict[str, Any]:
    return {
        "m": municipality_code,
        "file_id": line.file_id,
        "line_no": line.line_no,
        "journal_id": outcome.journal_id,
    }


def split_then(connection: Connection, municipality_code: str, line: Any, outcome: Any) -> Facts:
    """分割入金: how many credits settled the group together in this journal, and their sum."""
    scope = _scope(municipality_code, line, outcome)
    row = connection.execute(text(_SPLIT), scope).first()
    if row is None:
        return {}
    return {"group_id": row.group_id, "split": row.split, "split_yen": int(row.split_yen)}


def rivals_then(connection: Connection, municipality_code: str, line: Any, agent: str) -> int:
    """同日の入金: how many other credits of the payer came on the same 勘定日."""
    found: int = connection.execute(
        text(
            "SELECT COUNT(*) FROM deposit d JOIN deposit mine ON mine.municipality_code = :m "
            "AND mine.file_id = :file_id AND mine.line_no = :line_no "
            "AND mine.booked_on = d.booked_on "
            "WHERE d.municipality_code = :m AND d.agent = :agent AND d.state <> 'withdrawn' "
            "AND (d.file_id <> :file_id OR d.line_no <> :line_no)"
        ),
        {"m": municipality_code, "file_id": line.file_id, "line_no": line.line_no, "agent": agent},
    ).scalar_one()
    return found


def blocked_then(
    connection: Connection, municipality_code: str, line: Any, outcome: Any
) -> frozenset[int]:
    """The groups that people had taken from the credit by then."""
    scope = _scope(municipality_code, line, outcome)
    return frozenset(connection.execute(text(_BLOCKED), scope).scalars())

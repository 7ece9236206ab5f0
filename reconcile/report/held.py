"""仮受と未入金: money that waits for a person or for an agent, and since when.

仮受金 is what receipts hold beside the claims (``receipt.suspense_yen``) and what corrections took
out of claims (``instalment_account.surplus_yen``), less what two people decided to pay back
(還付未済); together they are the balance of that account.
不明入金 are the credits that nobody has found a place for. 別段預金 of a bank is, for these books,
what agents have confirmed and not yet paid in (確報未入金).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, text

from reconcile.day_totals import ledger
from reconcile.report.arrivals import as_date
from reconcile.store.refund_tables import DECIDED_OF_RECEIPT, DECIDED_OF_SURPLUS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

# Days since the money came, up to and with; the last has no end.
BUCKETS = (7, 30, 90, 365)
# Money that nobody owed: it goes back, or to another claim with the payer's consent.
OVERPAID = ("duplicate", "over", "alternative_paid", "superseded_slip", "cancelled_assessment")
SURPLUS = "surplus"

# Looked up line by line: joined, PostgreSQL may read all outcomes and all notices of a city for the
# few lines that are asked for (2.3 and 1.8 million, 0.9 s).
_OUTCOME = """COALESCE((SELECT o.outcome FROM line_outcome o WHERE o.municipality_code = :m
    AND o.file_id = {of}.file_id AND o.line_no = {of}.line_no
    ORDER BY o.revision DESC LIMIT 1), '')"""
_ITEM = """COALESCE((SELECT n.item_code FROM notice n WHERE n.municipality_code = :m
    AND n.notice_id = r.notice_id), '')"""
# CROSS JOIN keeps SQLite at the few receipts that hold anything.
_SUSPENSE = f"""
SELECT {_OUTCOME.format(of="r")} AS outcome, f.channel, {_ITEM} AS item_code,
    CAST(f.received_on AS VARCHAR(10)) AS since, COUNT(*) AS number,
    SUM(r.suspense_yen - {DECIDED_OF_RECEIPT}) AS yen
FROM receipt r CROSS JOIN source_file f
WHERE r.municipality_code = :m AND r.suspense_yen > 0
  AND r.suspense_yen <> {DECIDED_OF_RECEIPT}
  AND f.municipality_code = :m AND f.file_id = r.file_id
GROUP BY 1, 2, 3, 4
"""
_SURPLUS = f"""
SELECT n.item_code, COALESCE((SELECT CAST(MAX(f.received_on) AS VARCHAR(10))
        FROM assessment_event e JOIN source_file f ON f.municipality_code = :m
            AND f.file_id = e.file_id
        WHERE e.municipality_code = :m AND e.notice_id = a.notice_id AND e.term = a.term
          AND e.outcome = 'applied'), '') AS since, a.surplus_yen - {DECIDED_OF_SURPLUS} AS yen
FROM instalment_account a CROSS JOIN notice n
WHERE a.municipality_code = :m AND a.surplus_yen > 0
  AND a.surplus_yen <> {DECIDED_OF_SURPLUS}
  AND n.municipality_code = :m AND n.notice_id = a.notice_id
"""
_CREDITS = f"""
SELECT d.account_key, d.agent, {_OUTCOME.format(of="d")} AS outcome,
    CAST(d.booked_on AS VARCHAR(10)) AS since, COUNT(*) AS number, SUM(d.amount_yen) AS yen
FROM deposit d
WHERE d.municipality_code = :m AND d.state = 'open'
GROUP BY 1, 2, 3, 4
"""
_DUE = """
SELECT agent, CAST(remitted_on AS VARCHAR(10)) AS since, COUNT(*) AS number,
    SUM(confirmed_yen - credited_yen) AS gross, SUM(fee_yen) AS fee
FROM remittance_group
WHERE municipality_code = :m
  AND confirmed_yen - CASE WHEN agent IN :net THEN fee_yen ELSE 0 END <> credited_yen
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class HeldLine:
    """仮受の一行: money of one kind, by how long it has been waiting.

    ``number`` and ``yen`` have one figure for each of :data:`BUCKETS` and one for what is older.
    """

    kind: str  # outcome, ``surplus``, or the agent
    channel: str
    item_code: str
    number: tuple[int, ...]
    yen: tuple[int, ...]
    oldest_on: date | None

    @property
    def total(self) -> int:
        """件数."""
        return sum(self.number)

    @property
    def total_yen(self) -> int:
        """金額."""
        return sum(self.yen)


@dataclass(frozen=True, slots=True)
class Held:
    """仮受・未入金 on ``as_of``, with the balances of the ledger that they must be."""

    as_of: date
    suspense: tuple[HeldLine, ...]
    credits: tuple[HeldLine, ...]
    due: tuple[HeldLine, ...]
    suspense_yen: int  # 仮受金 by the ledger
    unidentified_yen: int  # 不明入金 by the ledger
    reported_yen: int  # 速報未収 by the ledger
    confirmed_due_yen: int  # 確報未入金 by the ledger

    @property
    def overpaid(self) -> tuple[HeldLine, ...]:
        """過誤納: of 仮受金 what nobody owed."""
        return tuple(line for line in self.suspense if line.kind in {*OVERPAID, SURPLUS})


def held(connection: Connection, profile: Profile, as_of: date) -> Held:
    """仮受・未入金 as the books stand; ages are counted up to ``as_of``."""
    code = profile.municipality_code
    found: list[tuple[tuple[str, str, str], str, int, int]] = []
    for row in connection.execute(text(_SUSPENSE), {"m": code}):
        key = (str(row.outcome), str(row.channel), str(row.item_code))
        found.append((key, row.since, int(row.number), int(row.yen)))
    found += [
        ((SURPLUS, "", str(row.item_code)), row.since, 1, int(row.yen))
        for row in connection.execute(text(_SURPLUS), {"m": code})
    ]
    credit_rows = [
        ((str(row.outcome), str(row.agent), str(row.account_key)), row.since, int(row.number),
         int(row.yen))
        for row in connection.execute(text(_CREDITS), {"m": code})
    ]  # fmt: skip
    due_rows = []
    net = [terms.code for terms in profile.agents if terms.is_net]
    due = text(_DUE).bindparams(bindparam("net", expanding=True))
    for row in connection.execute(due, {"m": code, "net": net}):
        yen = int(row.gross) - (int(row.fee) if row.agent in net else 0)
        due_rows.append(((str(row.agent), "", ""), row.since or "", int(row.number), yen))
    balances = _balances(connection, code, as_of)
    return Held(
        as_of=as_of,
        suspense=_lines(found, as_of),
        credits=_lines(credit_rows, as_of),
        due=_lines(due_rows, as_of),
        suspense_yen=-balances.get("suspense", 0),
        unidentified_yen=-balances.get("unidentified", 0),
        reported_yen=balances.get("reported", 0),
        confirmed_due_yen=balances.get("confirmed_due", 0),
    )


def bucket_of(since: date | None, as_of: date) -> int:
    """経過の区分: the place in :data:`BUCKETS`, behind them for what is older or of no day."""
    if since is None:
        return len(BUCKETS)
    days = (as_of - since).days
    return next((place for place, most in enumerate(BUCKETS) if days <= most), len(BUCKETS))


def _lines(
    found: Iterable[tuple[tuple[str, str, str], str, int, int]], as_of: date
) -> tuple[HeldLine, ...]:
    """The rows of one kind together, by age; the largest amount first."""
    sums: dict[tuple[str, str, str], tuple[list[int], list[int], list[str]]] = {}
    for key, since, number, yen in found:
        numbers, amounts, days = sums.setdefault(
            key, ([0] * (len(BUCKETS) + 1), [0] * (len(BUCKETS) + 1), [])
        )
        place = bucket_of(as_date(since or None), as_of)
        numbers[place] += number
        amounts[place] += yen
        days += [since] if since else []
    lines = [
        HeldLine(*key, tuple(numbers), tuple(amounts), as_date(min(days, default=None)))
        for key, (numbers, amounts, days) in sums.items()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.total_yen, line.kind, line.item_code)))


def _balances(connection: Connection, code: str, day: date) -> dict[str, int]:
    """残高 of every account, debit minus credit, over everything booked."""
    sums: dict[str, int] = {}
    for row in ledger(connection, code, day, day):
        sums[row.debit] = sums.get(row.debit, 0) + row.amount_yen
        sums[row.credit] = sums.get(row.credit, 0) - row.amount_yen
    return sums

"""日計の各欄: the queries behind the blocks of the day report (law.md 7.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from reconcile.report.arrivals import as_date
from reconcile.report.cash import balances
from reconcile.rules import PLACEMENT_OUTCOMES, RULES

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.day_totals import LedgerRow
    from reconcile.report.lines import LineTotal

PAYMENT_CHANNELS = frozenset({"konbini", "eltax", "debit", "notification"})
# A line that became a receipt; what a withdrawal took back had become one, too.
BOOKING = frozenset(
    {rule.outcome for rule in RULES if rule.books} | PLACEMENT_OUTCOMES | {"withdrawn"}
)
GROUPS_MAX = 200


class OutcomeTotal(NamedTuple):
    """照合結果の集計 of one channel."""

    channel: str
    outcome: str
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int
    applied_yen: int
    suspense_yen: int


@dataclass(frozen=True, slots=True)
class Cash:
    """口座の一日: what the statement says and what its lines add up to."""

    account_key: str
    opening_yen: int | None
    credit_count: int
    credits_yen: int
    debit_count: int
    debits_yen: int
    closing_yen: int | None
    previous_closing_yen: int | None

    @property
    def computed_yen(self) -> int | None:
        """Opening + credits − debits."""
        if self.opening_yen is None:
            return None
        return self.opening_yen + self.credits_yen - self.debits_yen

    @property
    def ties(self) -> bool:
        """Whether the lines lead from the opening to the closing balance."""
        return self.computed_yen == self.closing_yen


@dataclass(frozen=True, slots=True)
class Group:
    """払込単位: what one credit should contain, and what came."""

    group_id: int
    agent: str
    ref: str
    remitted_on: date | None
    confirmed_count: int
    confirmed_yen: int
    fee_yen: int
    credited_yen: int

    @property
    def difference_yen(self) -> int:
        """入金 − (確報 − 手数料): 0 when the money is all there."""
        return self.credited_yen - (self.confirmed_yen - self.fee_yen)


class Flow(NamedTuple):
    """収納の流れ of one channel: what its lines of the period did, in number and yen."""

    channel: str
    received_count: int  # lines that became a receipt: 速報, or 確報 without one
    received_yen: int
    applied_yen: int
    suspense_yen: int
    confirmed_count: int  # 確報, with or without a 速報 before
    confirmed_yen: int
    withdrawn_count: int  # 取消
    withdrawn_yen: int


@dataclass(frozen=True, slots=True)
class AccountMovement:
    """勘定の動き of one ledger account; balances are debit minus credit."""

    account: str
    opening_yen: int
    debit_yen: int
    credit_yen: int

    @property
    def closing_yen(self) -> int:
        """後残高."""
        return self.opening_yen + self.debit_yen - self.credit_yen


@dataclass(frozen=True, slots=True)
class FileSummary:
    """資料の一行."""

    file_id: int
    name: str
    format_code: str
    channel: str
    status: str
    count: int
    amount_yen: int
    findings: int
    sha256: str


def outcomes(found: tuple[LineTotal, ...]) -> tuple[OutcomeTotal, ...]:
    """照合結果 by channel, the most frequent first."""
    sums: dict[tuple[str, str], list[int]] = {}
    for line in found:
        total = sums.setdefault((line.channel, line.outcome), [0, 0, 0, 0])
        for place, figure in enumerate(line[4:8]):
            total[place] += figure
    totals = [OutcomeTotal(*key, *figures) for key, figures in sums.items()]
    return tuple(sorted(totals, key=lambda o: (o.channel, -o.count, o.outcome)))


def flows(found: tuple[LineTotal, ...]) -> tuple[Flow, ...]:
    """収納の流れ by channel: received, applied, in suspense, confirmed, withdrawn."""
    sums: dict[str, list[int]] = {}
    for line in found:
        if line.channel not in PAYMENT_CHANNELS:
            continue
        total = sums.setdefault(line.channel, [0] * 8)
        money = (line.count, line.amount_yen)
        received = line.outcome in BOOKING
        moved = {
            0: money if received else (0, 0),
            2: (line.applied_yen, line.suspense_yen),
            4: money
            if line.outcome == "confirms" or (received and line.stage == "confirmed")
            else (0, 0),
            6: money if line.outcome == "withdraws" else (0, 0),
        }
        for place, (left, right) in moved.items():
            total[place] += left
            total[place + 1] += right
    return tuple(Flow(channel, *sums[channel]) for channel in sorted(sums))


def cash(connection: Connection, profile: Profile, first: date, last: date) -> tuple[Cash, ...]:
    """現金: per account, the statements' balances and their lines from ``first`` to ``last``."""
    code = profile.municipality_code
    found = []
    for account in profile.accounts:
        balance = balances(connection, code, account.key, first, last)
        rows = connection.execute(
            text(
                "SELECT b.direction, COUNT(*) AS lines, SUM(l.amount_yen) AS yen FROM bank_line b "
                "JOIN source_line l ON l.municipality_code = b.municipality_code "
                "AND l.file_id = b.file_id AND l.line_no = b.line_no "
                "JOIN line_outcome o ON o.municipality_code = l.municipality_code "
                "AND o.file_id = l.file_id AND o.line_no = l.line_no AND o.revision = 1 "
                "WHERE b.municipality_code = :m AND b.account_key = :account "
                "AND b.source = :source AND b.booked_on BETWEEN :first AND :last "
                "AND o.outcome NOT IN ('repeat', 'conflict') GROUP BY b.direction"
            ),
            {
                "m": code,
                "account": account.key,
                "source": account.money_kind,
                "first": (balance.period.from_on if balance else first).isoformat(),
                "last": last.isoformat(),
            },
        )
        sums = {str(row.direction): (int(row.lines), int(row.yen)) for row in rows}
        if not sums and balance is None:
            continue
        credit, debit = sums.get("credit", (0, 0)), sums.get("debit", (0, 0))
        found.append(
            Cash(
                account_key=account.key,
                opening_yen=balance.period.opening_yen if balance else None,
                credit_count=credit[0],
                credits_yen=credit[1],
                debit_count=debit[0],
                debits_yen=debit[1],
                closing_yen=balance.period.closing_yen if balance else None,
                previous_closing_yen=balance.previous_closing_yen if balance else None,
            )
        )
    return tuple(found)


def groups(connection: Connection, municipality_code: str, day: date) -> tuple[Group, ...]:
    """払込単位: due on the day, credited on the day, or still open with a difference."""
    rows = connection.execute(
        text(
            "SELECT g.* FROM remittance_group g WHERE g.municipality_code = :m AND ("
            "g.remitted_on = :day "
            "OR (g.remitted_on < :day AND g.credited_yen <> g.confirmed_yen - g.fee_yen) "
            "OR EXISTS (SELECT 1 FROM settlement s JOIN bank_line b "
            "ON b.municipality_code = s.municipality_code AND b.file_id = s.file_id "
            "AND b.line_no = s.line_no WHERE s.municipality_code = g.municipality_code "
            "AND s.group_id = g.group_id AND b.booked_on = :day)) "
            "ORDER BY g.remitted_on DESC, g.agent, g.ref LIMIT :most"
        ),
        {"m": municipality_code, "day": day.isoformat(), "most": GROUPS_MAX},
    )
    return tuple(
        Group(
            group_id=row.group_id,
            agent=row.agent,
            ref=row.ref,
            remitted_on=as_date(row.remitted_on),
            confirmed_count=row.confirmed_count,
            confirmed_yen=row.confirmed_yen,
            fee_yen=row.fee_yen,
            credited_yen=row.credited_yen,
        )
        for row in rows
    )


def movements(rows: tuple[LedgerRow, ...]) -> tuple[AccountMovement, ...]:
    """勘定の動き: opening, debit, credit per ledger account."""
    sums: dict[str, list[int]] = {}
    for row in rows:
        if row.when > 0:
            continue
        debit = sums.setdefault(row.debit, [0, 0, 0])
        credit = sums.setdefault(row.credit, [0, 0, 0])
        if row.when < 0:
            debit[0] += row.amount_yen
            credit[0] -= row.amount_yen
        else:
            debit[1] += row.amount_yen
            credit[2] += row.amount_yen
    return tuple(AccountMovement(account, *sums[account]) for account in sorted(sums))


def files(connection: Connection, municipality_code: str, day: date) -> tuple[FileSummary, ...]:
    """資料: the files of the day in the order they came, notifications left out."""
    rows = connection.execute(
        text(
            "SELECT f.file_id, f.name, f.format_code, f.channel, f.status, f.count, f.amount_yen, "
            "(SELECT COUNT(*) FROM finding d WHERE d.municipality_code = f.municipality_code "
            "AND d.file_id = f.file_id) AS findings, f.sha256 "
            "FROM source_file f WHERE f.municipality_code = :m AND f.received_on = :day "
            "AND f.format_code <> 'notification' ORDER BY f.file_id"
        ),
        {"m": municipality_code, "day": day.isoformat()},
    )
    return tuple(FileSummary(*row) for row in rows)

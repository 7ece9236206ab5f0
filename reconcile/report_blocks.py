"""日計の各欄: the queries behind the blocks of the day report (law.md 7.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from reconcile.report_arrivals import as_date
from reconcile.report_cash import balances

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

RECEIVABLE, ASSESSED = "receivable", "assessed"
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


class LedgerRow(NamedTuple):
    """仕訳の集計: ``when`` is -1 before the day, 0 on it, 1 after it."""

    when: int
    item_code: str
    fiscal_year: int | None
    debit: str
    credit: str
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int


@dataclass(frozen=True, slots=True)
class Posting:
    """収入の集計 of one 会計年度 and 科目."""

    fiscal_year: int
    item_code: str
    item_name: str
    count: int
    before_yen: int
    today_yen: int

    @property
    def total_yen(self) -> int:
        """累計."""
        return self.before_yen + self.today_yen


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


def outcomes(connection: Connection, municipality_code: str, day: date) -> tuple[OutcomeTotal, ...]:
    """照合結果: the outcomes in force of the lines received on the day."""
    rows = connection.execute(
        text(
            "SELECT f.channel, o.outcome, COUNT(*), SUM(COALESCE(l.amount_yen, 0)), "
            "SUM(o.applied_yen), SUM(o.suspense_yen) FROM source_file f "
            "JOIN source_line l "
            "ON l.municipality_code = f.municipality_code AND l.file_id = f.file_id "
            "JOIN line_outcome o ON o.municipality_code = l.municipality_code "
            "AND o.file_id = l.file_id AND o.line_no = l.line_no "
            "WHERE f.municipality_code = :m AND f.received_on = :day AND NOT EXISTS ("
            "SELECT 1 FROM line_outcome later WHERE later.municipality_code = o.municipality_code "
            "AND later.file_id = o.file_id AND later.line_no = o.line_no "
            "AND later.revision > o.revision) "
            "GROUP BY f.channel, o.outcome ORDER BY f.channel, COUNT(*) DESC, o.outcome"
        ),
        {"m": municipality_code, "day": day.isoformat()},
    )
    return tuple(OutcomeTotal(str(r[0]), str(r[1]), *map(int, r[2:])) for r in rows)


def cash(connection: Connection, profile: Profile, day: date) -> tuple[Cash, ...]:
    """現金: per account, the statement's balances and its lines of the day."""
    code = profile.municipality_code
    found = []
    for account in profile.accounts:
        balance = balances(connection, code, account.key, day)
        rows = connection.execute(
            text(
                "SELECT b.direction, COUNT(*) AS lines, SUM(l.amount_yen) AS yen FROM bank_line b "
                "JOIN source_line l ON l.municipality_code = b.municipality_code "
                "AND l.file_id = b.file_id AND l.line_no = b.line_no "
                "JOIN line_outcome o ON o.municipality_code = l.municipality_code "
                "AND o.file_id = l.file_id AND o.line_no = l.line_no AND o.revision = 1 "
                "WHERE b.municipality_code = :m AND b.account_key = :account "
                "AND b.source = :source AND b.booked_on BETWEEN :first AND :day "
                "AND o.outcome NOT IN ('repeat', 'conflict') GROUP BY b.direction"
            ),
            {
                "m": code,
                "account": account.key,
                "source": account.money_kind,
                "first": (balance.today.from_on if balance else day).isoformat(),
                "day": day.isoformat(),
            },
        )
        sums = {str(row.direction): (int(row.lines), int(row.yen)) for row in rows}
        if not sums and balance is None:
            continue
        credit, debit = sums.get("credit", (0, 0)), sums.get("debit", (0, 0))
        found.append(
            Cash(
                account_key=account.key,
                opening_yen=balance.today.opening_yen if balance else None,
                credit_count=credit[0],
                credits_yen=credit[1],
                debit_count=debit[0],
                debits_yen=debit[1],
                closing_yen=balance.today.closing_yen if balance else None,
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


def ledger(connection: Connection, municipality_code: str, day: date) -> tuple[LedgerRow, ...]:
    """仕訳帳の集計: one pass over the postings, by day, 科目, 年度 and accounts."""
    rows = connection.execute(
        text(
            "SELECT CASE WHEN j.booked_on < :day THEN -1 WHEN j.booked_on = :day THEN 0 "
            "ELSE 1 END AS moment, COALESCE(n.item_code, '') AS item, i.fiscal_year, "
            "p.debit_account, p.credit_account, COUNT(*), SUM(p.amount_yen) "
            "FROM posting p JOIN journal j ON j.municipality_code = p.municipality_code "
            "AND j.journal_id = p.journal_id "
            "LEFT JOIN notice n ON n.municipality_code = p.municipality_code "
            "AND n.notice_id = p.notice_id "
            "LEFT JOIN instalment i ON i.municipality_code = p.municipality_code "
            "AND i.notice_id = p.notice_id AND i.term = p.term "
            "WHERE p.municipality_code = :m GROUP BY 1, 2, 3, 4, 5"
        ),
        {"m": municipality_code, "day": day.isoformat()},
    )
    return tuple(
        LedgerRow(int(r[0]), str(r[1]), r[2], str(r[3]), str(r[4]), int(r[5]), int(r[6]))
        for r in rows
    )


def postings(rows: tuple[LedgerRow, ...], profile: Profile) -> tuple[Posting, ...]:
    """収入: money that settled instalments, reversals deducted, by 年度 and 科目."""
    sums: dict[tuple[int, str], list[int]] = {}
    for row in rows:
        sign = _collects(row)
        if not sign or row.when > 0:
            continue
        total = sums.setdefault((row.fiscal_year or 0, row.item_code), [0, 0, 0])
        total[0 if row.when < 0 else 1] += sign * row.amount_yen
        total[2] += sign * row.count if row.when == 0 else 0
    names = {item.item_code: item.name for item in profile.items}
    return tuple(
        Posting(year, item, names.get(item, item), count, before, today)
        for (year, item), (before, today, count) in sorted(sums.items())
        if before or today
    )


def _collects(row: LedgerRow) -> int:
    """+1 for a posting that settles what is owed, -1 for its reversal, 0 for any other."""
    if row.credit == RECEIVABLE and row.debit != ASSESSED:
        return 1
    if row.debit == RECEIVABLE and row.credit != ASSESSED:
        return -1
    return 0


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

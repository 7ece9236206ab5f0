"""決算の歳入: what was assessed, came in and is still open of a year, with the year before.

The columns are those of 歳入 in 決算書 (地方自治法施行規則16条の2) without the budget, which is
not in these books. 収入済額 is what settled claims: money that was paid too much stands in 仮受金
and is shown beside it as 還付未済 where its 科目 is known; what the bank has paid back of it is
還付済.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from payments.domain.fiscal import closing_on
from reconcile import carry_over
from reconcile.day_totals import ledger
from reconcile.report.revenue import year_lines

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.day_totals import LedgerRow
    from reconcile.report.revenue import YearLine

SUSPENSE = "suspense"
REFUND_DUE, OUTGOING, UNIDENTIFIED = "refund_due", "outgoing", "unidentified"
HELD_BACK = frozenset({SUSPENSE, REFUND_DUE})  # 還付未済: until the bank has paid it


@dataclass(frozen=True, slots=True)
class AccountLine:
    """歳入の一行: one 科目 of 現年 or 滞繰; the figures of the year before are for comparison."""

    fund: str
    item_code: str
    item_name: str
    carried: bool  # 滞納繰越分
    assessed_yen: int  # 調定額
    carried_in_yen: int  # of it: 繰越額
    collected_yen: int  # 収入済額
    closing_period_yen: int  # of it: 出納整理期間
    refundable_yen: int  # 還付未済: in 仮受金 for this 科目, or decided and not paid
    refunded_yen: int  # 還付済: what the bank paid back, less what came back
    written_off_yen: int  # 不納欠損額
    outstanding_yen: int  # 収入未済額
    before_assessed_yen: int
    before_collected_yen: int


@dataclass(frozen=True, slots=True)
class YearAccount:
    """決算の歳入 of a 会計年度; ``unnamed_yen`` is 仮受金 of which no 科目 is known."""

    year: int
    closed: bool  # two people closed it; nothing of it changes any more
    carried_out_yen: int | None  # 翌年度へ繰り越した額, once it was
    lines: tuple[AccountLine, ...]
    unnamed_yen: int


def year_account(connection: Connection, profile: Profile, year: int) -> YearAccount:
    """決算の歳入 of ``year``, as the books stand."""
    code = profile.municipality_code
    rows, lines = _year(connection, profile, year)
    rows_before, before = _year(connection, profile, year - 1)
    refundable, refunded = _refundable(rows, year), _refunded(rows, rows_before, year)
    run = carry_over.run_of(connection, code, year)
    keys = {(line.item_code, line.carried): line for line in lines}
    old = {(line.item_code, line.carried): line for line in before}
    named = {key for sums in (refundable, refunded) for key, yen in sums.items() if key[0] and yen}
    items = {item.item_code: item for item in profile.items}
    found = []
    for key in sorted(keys.keys() | old.keys() | named):
        line, was = keys.get(key), old.get(key)
        item = items.get(key[0])
        found.append(
            AccountLine(
                fund=item.fund if item else "",
                item_code=key[0],
                item_name=item.name if item else key[0],
                carried=key[1],
                assessed_yen=line.assessed_yen if line else 0,
                carried_in_yen=line.carried_in_yen if line else 0,
                collected_yen=line.collected_yen if line else 0,
                closing_period_yen=line.closing_period_yen if line else 0,
                refundable_yen=refundable.get(key, 0),
                refunded_yen=refunded.get(key, 0),
                written_off_yen=line.written_off_yen if line else 0,
                outstanding_yen=line.outstanding_yen if line else 0,
                before_assessed_yen=was.assessed_yen if was else 0,
                before_collected_yen=was.collected_yen if was else 0,
            )
        )
    unnamed = sum(yen for key, yen in refundable.items() if not key[0])
    carried_out = run.amount_yen if run else None
    return YearAccount(year, run is not None, carried_out, tuple(found), unnamed)


def _year(
    connection: Connection, profile: Profile, year: int
) -> tuple[tuple[LedgerRow, ...], tuple[YearLine, ...]]:
    """All postings as seen from 出納整理期間, and the lines of the year from all of them."""
    code = profile.municipality_code
    rows = ledger(connection, code, date(year + 1, 4, 1), closing_on(year))
    # The year of a posting decides, not the day on which it was booked.
    all_of = tuple(row._replace(when=0) for row in rows)
    carried_in = carry_over.carried_into(connection, code, year)
    return rows, year_lines(all_of, rows, profile, year, carried_in)


def _refundable(rows: tuple[LedgerRow, ...], year: int) -> dict[tuple[str, bool], int]:
    """仮受金 at 出納閉鎖 by 科目 and whether its claim is of an older year.

    What was paid by then for claims of a later year is revenue of that one (出納整理期間).
    """
    sums: dict[tuple[str, bool], int] = {}
    for row in rows:
        gained = (row.credit in HELD_BACK) - (row.debit in HELD_BACK)
        if row.when > 0 or row.claim_year > year or not gained:
            continue
        key = (row.item_code, 0 < row.claim_year < year)
        yen = gained * row.amount_yen
        sums[key] = sums.get(key, 0) + yen
    return sums


def _refunded(
    rows: tuple[LedgerRow, ...], before: tuple[LedgerRow, ...], year: int
) -> dict[tuple[str, bool], int]:
    """還付済 of the year: on its own claims, and on older ones since the year before was closed."""
    sums: dict[tuple[str, bool], int] = {}
    for sign, ledger_rows, last_year in ((1, rows, year), (-1, before, year - 1)):
        for row in ledger_rows:
            paid = ((row.debit, row.credit) == (REFUND_DUE, OUTGOING)) - (
                (row.debit, row.credit) == (UNIDENTIFIED, REFUND_DUE)
            )
            if paid and row.when <= 0 and row.claim_year <= last_year:
                key = (row.item_code, 0 < row.claim_year < year)
                sums[key] = sums.get(key, 0) + sign * paid * row.amount_yen
    return sums

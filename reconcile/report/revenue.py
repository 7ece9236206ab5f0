"""収入の集計: revenue by 会計 × 年度 × 科目 × 現年・滞繰 × channel, and the account of a year.

Revenue is money that settled instalments, reversals deducted (law.md 7.4, block 3). A number counts
instalments settled: a 全期 payment counts once for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.domain.fiscal import last_closed_fiscal_year
from reconcile.day_totals import ASSESSED, RECEIVABLE, collects, writes_off

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from payments.domain.profile import Profile
    from reconcile.day_totals import ClaimRow, LedgerRow


@dataclass(frozen=True, slots=True)
class Revenue:
    """収入の一行: before the period, in it, since the first of its month, and all of the year."""

    fund: str  # 会計
    fiscal_year: int  # 歳入の属する年度
    item_code: str
    item_name: str
    carried: bool  # 滞納繰越分
    channel: str
    before_count: int  # 前日累計
    before_yen: int
    count: int  # 本日, or of the period
    amount_yen: int
    month_count: int  # 月計
    month_yen: int

    @property
    def total_count(self) -> int:
        """累計 (当年度), number."""
        return self.before_count + self.count

    @property
    def total_yen(self) -> int:
        """累計 (当年度), yen."""
        return self.before_yen + self.amount_yen


@dataclass(frozen=True, slots=True)
class YearLine:
    """歳入の一行 of a fiscal year: what was assessed, what came, what is still open."""

    fund: str
    item_code: str
    item_name: str
    carried: bool
    assessed_yen: int  # 調定額, for 滞納繰越分 with what was carried in
    collected_yen: int  # 収入済額
    closing_period_yen: int  # of it: 出納整理期間
    carried_in_yen: int = 0  # of assessed_yen: 繰越額; the rest was assessed or corrected since
    written_off_yen: int = 0  # 不納欠損額

    @property
    def outstanding_yen(self) -> int:
        """収入未済額."""
        return self.assessed_yen - self.collected_yen - self.written_off_yen


@dataclass(frozen=True, slots=True)
class Claimed:
    """調定の異動の一行: what was assessed, corrected or cancelled in the period."""

    fund: str
    fiscal_year: int  # 歳入の属する年度
    item_code: str
    item_name: str
    carried: bool  # of 滞納繰越分: a correction after the close of its year
    reason: str  # assessment, correction or cancellation
    count: int
    amount_yen: int  # below zero: the claims shrank


def assesses(row: LedgerRow) -> int:
    """+1 for 調定, -1 for a lowering correction or a cancellation, 0 for any other."""
    accounts = (row.debit, row.credit)
    return {(RECEIVABLE, ASSESSED): 1, (ASSESSED, RECEIVABLE): -1}.get(accounts, 0)


def year_of(row: LedgerRow) -> int:
    """歳入の属する年度 (payments.domain.fiscal.revenue_year)."""
    return max(row.claim_year, row.open_year)


def revenue(
    rows: tuple[LedgerRow, ...], profile: Profile, first: date, *, year: int | None = None
) -> tuple[Revenue, ...]:
    """収入: every year whose books are open on ``first``, or that something was booked into.

    With ``year`` only that 会計年度, whatever its state.
    """
    open_from = last_closed_fiscal_year(first) + 1
    sums: dict[tuple[int, str, bool, str], list[int]] = {}
    for row in rows:
        sign, belongs = collects(row.debit, row.credit), year_of(row)
        if not sign or row.when > 0 or (year is not None and belongs != year):
            continue
        key = (belongs, row.item_code, row.claim_year < belongs, row.channel)
        total = sums.setdefault(key, [0] * 6)
        for place, counts in ((0, row.when < 0), (2, row.when == 0), (4, row.when > -2)):
            if counts:
                total[place] += sign * row.count
                total[place + 1] += sign * row.amount_yen
    items = {item.item_code: item for item in profile.items}
    found = []
    for (belongs, code, carried, channel), total in sums.items():
        moved = any(total[2:4]) or (any(total) and (belongs >= open_from or year is not None))
        if moved:
            item = items.get(code)
            fund, name = (item.fund, item.name) if item else ("", code)
            found.append(Revenue(fund, belongs, code, name, carried, channel, *total))
    return tuple(sorted(found, key=_order))


def _until(rows: tuple[LedgerRow, ...]) -> tuple[LedgerRow, ...]:
    return tuple(row for row in rows if row.when <= 0)


def _order(line: Revenue) -> tuple[int, str, bool, str]:
    return -line.fiscal_year, line.item_code, line.carried, line.channel


def claimed_lines(
    rows: tuple[ClaimRow, ...], profile: Profile, *, year: int | None = None
) -> tuple[Claimed, ...]:
    """調定の異動 by 会計 × 年度 × 科目 × 現年・滞繰; with ``year`` only of that 会計年度."""
    items = {item.item_code: item for item in profile.items}
    sums: dict[tuple[int, str, bool, str], list[int]] = {}
    for row in rows:
        belongs = max(row.claim_year, row.open_year)
        if year is None or belongs == year:
            key = (-belongs, row.item_code, row.claim_year < belongs, row.reason)
            total = sums.setdefault(key, [0, 0])
            total[0] += row.count
            total[1] += row.amount_yen
    found = []
    for (belongs, code, carried, reason), total in sorted(sums.items()):
        item = items.get(code)
        fund, name = (item.fund, item.name) if item else ("", code)
        found.append(Claimed(fund, -belongs, code, name, carried, reason, *total))
    return tuple(found)


def left_open(rows: tuple[LedgerRow, ...], year: int) -> dict[str, int]:
    """収入未済 by 科目: what ``year`` and the years before leave open, by the ledger alone."""
    sums: dict[str, int] = {}
    for row in rows:
        if row.claim_year and year_of(row) <= year:
            settled = collects(row.debit, row.credit) + writes_off(row.debit, row.credit)
            yen = (assesses(row) - settled) * row.amount_yen
            sums[row.item_code] = sums.get(row.item_code, 0) + yen
    return sums


def year_lines(
    rows: tuple[LedgerRow, ...],
    closing: tuple[LedgerRow, ...],
    profile: Profile,
    year: int,
    carried_in: Mapping[str, int] | None = None,
) -> tuple[YearLine, ...]:
    """歳入 of a 会計年度 by 科目 and 現年・滞繰 (T7 by year); ``closing``: 出納整理期間 alone.

    ``carried_in`` is what was carried into the year by 科目; while the year before is still open,
    it is what would be.
    """
    known = left_open(_until(rows), year - 1) if carried_in is None else carried_in
    # 調定, 収入済, 出納整理期間, 繰越額, 不納欠損
    sums = {(item, True): [yen, 0, 0, yen, 0] for item, yen in known.items()}
    for row in rows:
        if row.when > 0 or not row.claim_year or row.claim_year > year:
            continue
        total = sums.setdefault((row.item_code, row.claim_year < year), [0] * 5)
        if year_of(row) == year:
            total[0] += assesses(row) * row.amount_yen
            total[1] += collects(row.debit, row.credit) * row.amount_yen
            total[4] += writes_off(row.debit, row.credit) * row.amount_yen
    for row in closing:
        if row.when == 0 and collects(row.debit, row.credit) and year_of(row) == year:
            sums[row.item_code, row.claim_year < year][2] += (
                collects(row.debit, row.credit) * row.amount_yen
            )
    items = {item.item_code: item for item in profile.items}
    return tuple(
        YearLine(
            items[code].fund if code in items else "",
            code,
            items[code].name if code in items else code,
            carried,
            *sums[code, carried],
        )
        for code, carried in sorted(sums)
        if any(sums[code, carried])
    )

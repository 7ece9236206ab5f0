"""経営の数字: rates, shares, durations and costs of a year beside the year before."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from reconcile.delays import delays
from reconcile.report.fees import by_agent, fee_lines
from reconcile.report.figures import (
    MEDIAN,
    NINE_IN_TEN,
    by_month,
    case_months,
    collected_cells,
    delays_by_channel,
    months_of,
    percentile,
    rates,
    total_rate,
)
from web import formatting, messages
from web.days.sheet import Cell, columns_of, sheet_of
from web.reports import drawings
from web.reports.document import Document, Linked, Target, each_text, heading_of, rate_text, share
from web.reports.ledgers import item_text, month_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.report.figures import CaseMonth, Rate

Cells = dict[tuple[str, str, str], tuple[int, int]]
Shares = dict[str, tuple[int, int]]


def figures_document(connection: Connection, profile: Profile, year: int, as_of: date) -> Document:
    """経営の数字 of a 会計年度."""
    code = profile.municipality_code
    rows = by_month(connection, code)
    now, before = rates(rows, year), rates(rows, year - 1)
    months = months_of(year)[:12]
    cells = collected_cells(rows, months[0], months[-1])
    old_months = months_of(year - 1)[:12]
    old_cells = collected_cells(rows, old_months[0], old_months[-1])
    first, last = date(year, 4, 1), date(year + 1, 3, 31)
    cases = case_months(connection, code, first, last)
    waits = delays_by_channel(delays(connection, code, months[0], months[-1]))
    old_waits = delays_by_channel(delays(connection, code, old_months[0], old_months[-1]))
    fees = by_agent(fee_lines(connection, profile, first, last))
    old_fees = by_agent(fee_lines(connection, profile, date(year - 1, 4, 1), date(year, 3, 31)))
    shares, old_shares = _by_channel(cells), _by_channel(old_cells)
    parts = [
        _rate_months(total_rate(now), total_rate(before), year),
        _rate_items(now, before, profile, year),
        _shares(shares, old_shares, year),
        _delays(waits, old_waits, year),
        _cases(cases),
        _costs(fees, old_fees, year),
    ]
    if profile.costs.sheets:
        parts.append(_paper(shares, profile))
    charts = (
        drawings.rate_lines(total_rate(now), total_rate(before), year),
        drawings.share_columns(cells, months),
        drawings.case_columns(cases, months),
        drawings.delay_rows(waits),
    )
    head = heading_of(profile, "経営の数字", as_of, year=year)
    return Document("figures", head, tuple(parts), year=year, charts=charts)


def _by_channel(cells: Cells) -> Shares:
    """チャネル別の件数と金額."""
    sums: dict[str, list[int]] = {}
    for (_month, _item, channel), (number, yen) in cells.items():
        total = sums.setdefault(channel, [0, 0])
        total[0] += number
        total[1] += yen
    return {channel: (total[0], total[1]) for channel, total in sorted(sums.items())}


def _rate_months(now: Mapping[str, Rate], before: Mapping[str, Rate], year: int) -> Linked:
    columns = columns_of(
        "月:word", "調定額（累計）:yen", "収入済額（累計）:yen", "収納率:figure",
        "前年同月の収納率:figure", "差（ポイント）:figure",
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    targets = {}
    old = dict(zip(months_of(year), months_of(year - 1), strict=True))
    for place, (month, rate) in enumerate(now.items()):
        was = before.get(old[month])
        rows.append(
            (
                month_text(month), rate.assessed_yen, rate.collected_yen,
                rate_text(rate.hundredths), rate_text(was.hundredths if was else None),
                _points(rate, was),
            )
        )  # fmt: skip
        figure = {"year": year, "carried": 0, "month": month}
        targets[place, 1] = Target("reports.ledger", {"what": "assessed", **figure})
        targets[place, 2] = Target("reports.ledger", {"what": "collected", **figure})
    note = "現年分、会計日による累計。出納整理期間の5月まで。金額からはその月の明細が開く"
    sheet = sheet_of("rate_months", "収納率の推移", columns, rows, adds_up=False, note=note)
    return Linked(sheet, targets)


def _rate_items(
    now: Mapping[str, Mapping[str, Rate]],
    before: Mapping[str, Mapping[str, Rate]],
    profile: Profile,
    year: int,
) -> Linked:
    """科目別: every month so far, this year over last year."""
    months = months_of(year)
    last = max((month for by in now.values() for month in by), default="")
    shown = [month for month in months if month <= last]
    heads = [f"{int(month[5:])}月:figure" for month in shown]
    columns = columns_of("科目", "年度:word", "調定額:yen", "収入済額:yen", *heads)
    rows: list[tuple[Cell, ...]] = []
    targets = {}
    for item in sorted(now):
        rate = now[item].get(last)
        if rate is None:
            continue
        figure = {"item": item, "year": year, "carried": 0}
        targets[len(rows), 2] = Target("reports.ledger", {"what": "assessed", **figure})
        targets[len(rows), 3] = Target("reports.ledger", {"what": "collected", **figure})
        rows.append(
            (
                item_text(profile, item), str(year), rate.assessed_yen, rate.collected_yen,
                *(rate_text(_hundredths(now[item], month)) for month in shown),
            )
        )  # fmt: skip
        old = before.get(item, {})
        same = old.get(months_of(year - 1)[len(shown) - 1])
        rows.append(
            (
                item_text(profile, item), str(year - 1),
                same.assessed_yen if same else None, same.collected_yen if same else None,
                *(
                    rate_text(_hundredths(old, month))
                    for month in months_of(year - 1)[: len(shown)]
                ),
            )
        )  # fmt: skip
    note = "現年分の累計。各科目の下の行が前年同月"
    sheet = sheet_of("rate_items", "科目別の収納率", columns, rows, adds_up=False, note=note)
    return Linked(sheet, targets)


def _shares(now: Shares, before: Shares, year: int) -> Linked:
    columns = columns_of(
        "チャネル", "件数:count", "件数の割合:figure", "金額:yen", "金額の割合:figure",
        "前年度の件数の割合:figure", "前年度の金額の割合:figure",
    )  # fmt: skip
    whole = [sum(pair[place] for pair in now.values()) for place in (0, 1)]
    old = [sum(pair[place] for pair in before.values()) for place in (0, 1)]
    rows: list[tuple[Cell, ...]] = []
    targets = {}
    for place, (channel, (number, yen)) in enumerate(now.items()):
        was = before.get(channel, (0, 0))
        rows.append(
            (
                messages.label("channel", channel), number, rate_text(share(number, whole[0])),
                yen, rate_text(share(yen, whole[1])), rate_text(share(was[0], old[0])),
                rate_text(share(was[1], old[1])),
            )
        )  # fmt: skip
        values = {"what": "collected", "channel": channel, "booked": year}
        targets[place, 1] = targets[place, 3] = Target("reports.ledger", values)
    note = "会計日が年度内の収入。件数は消し込んだ期別の数"
    return Linked(sheet_of("shares", "チャネル別の割合", columns, rows, note=note), targets)


def _delays(
    now: Mapping[str, dict[int, int]], before: Mapping[str, dict[int, int]], year: int
) -> Linked:
    columns = columns_of(
        "チャネル",
        "件数:count",
        "中央値:figure",
        "9割がこの日数以内:figure",
        "前年度の中央値:figure",
    )
    rows: list[tuple[Cell, ...]] = []
    targets = {}
    for place, (channel, days) in enumerate(sorted(now.items())):
        rows.append(
            (
                messages.label("channel", channel), sum(days.values()),
                _days(percentile(days, MEDIAN)), _days(percentile(days, NINE_IN_TEN)),
                _days(percentile(before.get(channel, {}), MEDIAN)),
            )
        )  # fmt: skip
        values = {"what": "collected", "channel": channel, "booked": year}
        targets[place, 1] = Target("reports.ledger", values)
    note = "領収日から消込の会計日まで。取り消した消込も数える"
    return Linked(sheet_of("delays", "納付から消込までの日数", columns, rows, note=note), targets)


def _cases(found: tuple[CaseMonth, ...]) -> Linked:
    columns = columns_of(
        "月:word", "発生:count", "終了:count", "終了までの中央値:figure", "9割がこの日数以内:figure"
    )
    rows: list[tuple[Cell, ...]] = []
    targets = {}
    for place, month in enumerate(found):
        rows.append(
            (
                month_text(month.month), month.opened, month.closed, _days(month.median_days),
                _days(month.slow_days),
            )
        )  # fmt: skip
        for column, what in ((1, "opened"), (2, "closed")):
            values = {"listing": "cases", "month": month.month, "what": what}
            targets[place, column] = Target("reports.rows", values)
    return Linked(sheet_of("cases", "確認事項（月別）", columns, rows), targets)


def _costs(
    now: Mapping[str, tuple[int, int | None]],
    before: Mapping[str, tuple[int, int | None]],
    year: int,
) -> Linked:
    columns = columns_of(
        "払込元", "件数:count", "費用:yen", "1件あたり:figure", "前年度の1件あたり:figure"
    )
    rows: list[tuple[Cell, ...]] = []
    targets = {}
    for place, (agent, (count, cost)) in enumerate(now.items()):
        was = before.get(agent, (0, None))
        rows.append(
            (
                messages.label("agent", agent), count, cost, each_text(cost, count),
                each_text(was[1], was[0]),
            )
        )  # fmt: skip
        values = {"listing": "groups", "agent": agent, "booked": year}
        targets[place, 2] = Target("reports.rows", values)
    note = "差し引かれた手数料、または団体設定の単価×件数。どちらもない払込元は「—」"
    return Linked(sheet_of("costs", "1件あたりの費用", columns, rows, note=note), targets)


def _paper(shares: Shares, profile: Profile) -> Linked:
    columns = columns_of(
        "チャネル", "件数:count", "1件あたりの枚数:figure", "減った紙:figure", "節減額:yen"
    )
    rows: list[tuple[Cell, ...]] = []
    for channel, (number, _yen) in shares.items():
        sheets = profile.costs.sheets.get(channel, 0)
        rows.append(
            (
                messages.label("channel", channel), number, formatting.count(sheets, "枚"),
                formatting.count(sheets * number, "枚"), sheets * number * profile.costs.sheet_yen,
            )
        )  # fmt: skip
    note = "団体設定の枚数（costs.sheets）と1枚の費用（costs.sheet_yen）による"
    return Linked(sheet_of("paper", "減った紙", columns, rows, note=note))


def _hundredths(by: Mapping[str, Rate], month: str) -> int | None:
    rate = by.get(month)
    return rate.hundredths if rate else None


def _points(now: Rate, before: Rate | None) -> str:
    """差: percentage points with two digits."""
    if now.hundredths is None or before is None or before.hundredths is None:
        return "—"
    return rate_text(now.hundredths - before.hundredths).removesuffix("%")


def _days(number: int | None) -> str:
    return "—" if number is None else formatting.count(number, "日")

"""報告の表: the year's account, fees, and money that waits, as tables that lead to their rows."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from reconcile.report.fees import fee_lines
from reconcile.report.held import BUCKETS, SURPLUS, held
from reconcile.report.year_account import year_account
from web import formatting, messages
from web.days.sheet import Cell, Sheet, columns_of, sheet_of, total_of
from web.language import translated
from web.reports.document import Document, Linked, Target, each_text, heading_of, rate_text, share

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.report.fees import FeeLine
    from reconcile.report.held import Held, HeldLine
    from reconcile.report.year_account import AccountLine, YearAccount

_YEAR_NOTE = (
    "収入済額は消し込んだ額。還付未済額は、出納閉鎖までに記帳した仮受金のうち科目の分かるものと、還付を決めて"
    "まだ払っていないもの。還付済額は、口座から払った額（還付加算金を除く）。不納欠損額は、その年度に記帳した決定による額。"
)
_AGES = ("7日以内", "30日以内", "90日以内", "1年以内", "1年超")
assert len(_AGES) == len(BUCKETS) + 1  # noqa: S101 - two lists that say the same


def year_document(connection: Connection, profile: Profile, year: int, as_of: date) -> Document:
    """歳入: 調定・収入・還付未済・収入未済 by 会計, 科目 and 現年・滞繰, with last year's."""
    account = year_account(connection, profile, year)
    state = "締め済" if account.closed else "締め前"
    head = heading_of(profile, "歳入（調定・収入・収入未済）", as_of, state=state, year=year)
    if account.unnamed_yen:
        unnamed = ("科目の分からない仮受金", formatting.yen(account.unnamed_yen))
        head = replace(head, facts=(*head.facts, unnamed))
    parts = (_account(account), _funds(account))
    return Document("year", head, parts, year=year)


def _account(account: YearAccount) -> Linked:
    columns = columns_of(
        "会計", "科目", "区分:word", "調定額:yen", "うち繰越額:yen", "収入済額:yen",
        "うち出納整理期間:yen", "還付未済額:yen", "還付済額:yen", "不納欠損額:yen",
        "収入未済額:yen", "収納率:figure", "前年度収入済額:yen", "増減:yen", "前年度収納率:figure",
    )  # fmt: skip
    rows, targets = [], {}
    for place, line in enumerate(account.lines):
        rows.append(_account_row(line))
        figure = {"item": line.item_code, "year": account.year, "carried": int(line.carried)}
        targets[place, 3] = Target("reports.ledger", {"what": "assessed", **figure})
        targets[place, 5] = Target("reports.ledger", {"what": "collected", **figure})
        if line.carried:
            targets[place, 4] = _carried_in(line, account.year - 1)
        if line.refundable_yen:
            values = {"listing": "refundable", "item": line.item_code}
            targets[place, 7] = Target("reports.rows", values)
        if line.outstanding_yen:
            targets[place, 10] = _outstanding(line, account)
        if line.refunded_yen:
            targets[place, 8] = Target("refunds.listing", {})
        targets[place, 12] = Target(
            "reports.ledger", {"what": "collected", **figure, "year": account.year - 1}
        )
    total = list(total_of(columns, rows))
    total[11] = rate_text(_rate_of(account.lines, before=False))
    total[14] = rate_text(_rate_of(account.lines, before=True))
    sheet = Sheet("account", "歳入（科目別）", columns, tuple(rows), tuple(total), _YEAR_NOTE)
    return Linked(sheet, targets)


def _account_row(line: AccountLine) -> tuple[Cell, ...]:
    return (
        line.fund,
        f"{line.item_code} {line.item_name}",
        messages.label("carried", "carried" if line.carried else "current"),
        line.assessed_yen,
        line.carried_in_yen,
        line.collected_yen,
        line.closing_period_yen,
        line.refundable_yen,
        line.refunded_yen,
        line.written_off_yen,
        line.outstanding_yen,
        rate_text(share(line.collected_yen, line.assessed_yen)),
        line.before_collected_yen,
        line.collected_yen - line.before_collected_yen,
        rate_text(share(line.before_collected_yen, line.before_assessed_yen)),
    )


def _carried_in(line: AccountLine, from_year: int) -> Target:
    """繰越額: the instalments as they were carried."""
    values: dict[str, str | int] = {"listing": "carried", "item": line.item_code}
    return Target("reports.rows", {**values, "year": from_year})


def _outstanding(line: AccountLine, account: YearAccount) -> Target:
    """収入未済: what was carried out of a closed year, else what is open today."""
    values: dict[str, str | int] = {"item": line.item_code, "year": account.year}
    if account.closed:
        return Target(
            "reports.rows", {"listing": "carried", **values, "carried": int(line.carried)}
        )
    return Target("reports.rows", {"listing": "open", **values, "carried": int(line.carried)})


def _rate_of(lines: tuple[AccountLine, ...], *, before: bool) -> int | None:
    """収納率 of all lines together."""
    if before:
        return share(
            sum(line.before_collected_yen for line in lines),
            sum(line.before_assessed_yen for line in lines),
        )
    return share(
        sum(line.collected_yen for line in lines), sum(line.assessed_yen for line in lines)
    )


def _funds(account: YearAccount) -> Linked:
    """会計・区分別の計."""
    sums: dict[tuple[str, bool], list[AccountLine]] = {}
    for line in account.lines:
        sums.setdefault((line.fund, line.carried), []).append(line)
    columns = columns_of(
        "会計", "区分:word", "調定額:yen", "収入済額:yen", "収入未済額:yen", "収納率:figure",
        "前年度収入済額:yen", "前年度収納率:figure",
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for (fund, carried), lines in sorted(sums.items()):
        rows.append(
            (
                fund,
                messages.label("carried", "carried" if carried else "current"),
                sum(line.assessed_yen for line in lines),
                sum(line.collected_yen for line in lines),
                sum(line.outstanding_yen for line in lines),
                rate_text(_rate_of(tuple(lines), before=False)),
                sum(line.before_collected_yen for line in lines),
                rate_text(_rate_of(tuple(lines), before=True)),
            )
        )
    total = list(total_of(columns, rows))
    total[5] = rate_text(_rate_of(account.lines, before=False))
    total[7] = rate_text(_rate_of(account.lines, before=True))
    return Linked(Sheet("funds", "会計・区分別の計", columns, tuple(rows), tuple(total)))


# ---- 手数料 ----


def fees_document(connection: Connection, profile: Profile, year: int, as_of: date) -> Document:
    """手数料: what agents collected, kept back and paid in, by agent and month of 払込日."""
    lines = fee_lines(connection, profile, date(year, 4, 1), date(year + 1, 3, 31))
    head = heading_of(profile, "収納手数料", as_of, year=year)
    return Document("fees", head, (_fee_months(lines), _fee_agents(lines, year)), year=year)


def _fee_months(lines: tuple[FeeLine, ...]) -> Linked:
    columns = columns_of(
        "払込元", "払込月:word", "払込:count", "収納:count", "総額:yen", "手数料:yen",
        "差引後:yen", "入金額:yen", "差:yen", "1件あたり:figure",
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    targets = {}
    for place, line in enumerate(lines):
        kept = line.fee_yen if line.deducted else 0
        rows.append(
            (
                messages.label("agent", line.agent), line.month, line.groups, line.count,
                line.gross_yen, kept, line.net_yen, line.credited_yen, line.difference_yen,
                each_text(kept, line.count) if line.deducted else "—",
            )
        )  # fmt: skip
        values = {"listing": "groups", "agent": line.agent, "month": line.month}
        for column in (2, 4, 5, 7, 8):
            targets[place, column] = Target("reports.rows", values)
    note = "払込日のある月別。手数料は差し引かれたもの（繰替払）。別に請求される手数料は下の表"
    return Linked(sheet_of("fee_months", "払込と手数料（月別）", columns, rows, note=note), targets)


def _fee_agents(lines: tuple[FeeLine, ...], year: int) -> Linked:
    columns = columns_of(
        "払込元", "収納:count", "総額:yen", "差引手数料:yen", "請求の見込み:yen", "1件あたり:figure"
    )
    agents: dict[str, list[FeeLine]] = {}
    for line in lines:
        agents.setdefault(line.agent, []).append(line)
    rows: list[tuple[Cell, ...]] = []
    targets = {}
    for place, (agent, of_agent) in enumerate(agents.items()):
        count = sum(line.count for line in of_agent)
        costs = [line.cost_yen for line in of_agent]
        cost = None if None in costs else sum(yen for yen in costs if yen is not None)
        invoices = [line.invoiced_yen for line in of_agent if line.invoiced_yen is not None]
        rows.append(
            (
                messages.label("agent", agent), count, sum(line.gross_yen for line in of_agent),
                sum(line.fee_yen for line in of_agent if line.deducted),
                sum(invoices) if invoices else None, each_text(cost, count),
            )
        )  # fmt: skip
        values = {"listing": "groups", "agent": agent, "booked": year}
        targets[place, 2] = Target("reports.rows", values)
    note = "請求の見込みは、団体設定の単価（costs.each_yen）×件数。単価のない払込元は「—」"
    return Linked(sheet_of("fee_agents", "払込元別の費用", columns, rows, note=note), targets)


# ---- 仮受・未入金 ----


def suspense_document(connection: Connection, profile: Profile, as_of: date) -> Document:
    """仮受・未入金: money that waits, by what it is and since when."""
    found = held(connection, profile, as_of)
    parts = (
        _balances(found),
        _held_sheet("suspense", "仮受金", found.suspense, profile, "suspense"),
        _held_sheet("credits", "不明入金", found.credits, profile, "credits"),
        _held_sheet("due", "別段預金等（確報後、入金を待つもの）", found.due, profile, "groups"),
    )
    return Document("suspense", heading_of(profile, "仮受・未入金", as_of), parts)


def overpaid_document(connection: Connection, profile: Profile, as_of: date) -> Document:
    """過誤納: money that nobody owed, by reason, 科目 and age."""
    found = held(connection, profile, as_of)
    sheet = _held_sheet("overpaid", "過誤納（理由別）", found.overpaid, profile, "suspense")
    return Document("overpaid", heading_of(profile, "過誤納", as_of), (sheet,))


def credits_document(connection: Connection, profile: Profile, as_of: date) -> Document:
    """未照合の入金: credits that nobody has found a place for, by account and age."""
    found = held(connection, profile, as_of)
    sheet = _held_sheet("credits", "未照合の入金", found.credits, profile, "credits")
    return Document("credits", heading_of(profile, "未照合の入金", as_of), (sheet,))


def _balances(found: Held) -> Linked:
    """残高と内訳: what the ledger says and what the lists below add up to."""
    columns = columns_of("勘定", "仕訳の残高:yen", "内訳の計:yen", "差:yen", "一致:word")
    sums = (
        ("suspense", found.suspense_yen, sum(line.total_yen for line in found.suspense)),
        ("unidentified", found.unidentified_yen, sum(line.total_yen for line in found.credits)),
        ("confirmed_due", found.confirmed_due_yen, None),
        ("reported", found.reported_yen, None),
    )
    rows: list[tuple[Cell, ...]] = []
    for account, ledger_yen, parts_yen in sums:
        same = parts_yen is None or parts_yen == ledger_yen
        rows.append(
            (
                messages.label("account", account), ledger_yen, parts_yen,
                None if parts_yen is None else ledger_yen - parts_yen,
                "—" if parts_yen is None else translated("一致") if same else translated("不一致"),
            )
        )  # fmt: skip
    note = "確報未入金は差引手数料を含む仕訳の残高。払込元別の内訳（下の表）は差引後の額"
    return Linked(sheet_of("balances", "残高", columns, rows, adds_up=False, note=note))


def _held_sheet(
    code: str, title: str, lines: tuple[HeldLine, ...], profile: Profile, listing: str
) -> Linked:
    """One kind of waiting money, by age."""
    head = {
        "credits": ("内容", "払込元", "口座"),
        "groups": ("払込元", "チャネル:word", "科目"),
    }.get(listing, ("内容", "チャネル:word", "科目"))
    columns = columns_of(
        *head, "件数:count", *(f"{age}:yen" for age in _AGES), "計:yen", "最古:word"
    )
    rows: list[tuple[Cell, ...]] = []
    targets = {}
    for place, line in enumerate(lines):
        rows.append((*_held_words(line, profile, listing), line.total, *line.yen, line.total_yen,
                     line.oldest_on.isoformat() if line.oldest_on else "—"))  # fmt: skip
        targets[place, 9] = targets[place, 3] = _held_target(line, listing)
    note = "日の分からないものは「1年超」に入れ、最古の日に数えていない"
    return Linked(sheet_of(code, title, columns, rows, note=note if rows else ""), targets)


def _held_words(line: HeldLine, profile: Profile, listing: str) -> tuple[str, str, str]:
    if listing == "groups":
        return messages.label("agent", line.kind), "—", "—"
    if listing == "credits":
        agent = messages.label("agent", line.channel) if line.channel else "—"
        return messages.outcome(line.kind).label if line.kind else "—", agent, line.item_code
    kind = "更正による過納" if line.kind == SURPLUS else messages.outcome(line.kind).label
    return kind, messages.label("channel", line.channel), item_text(profile, line.item_code)


def _held_target(line: HeldLine, listing: str) -> Target:
    if listing == "groups":
        return Target("reports.rows", {"listing": "groups", "agent": line.kind, "unpaid": 1})
    if listing == "credits":
        return Target(
            "reports.rows",
            {"listing": "credits", "kind": line.kind, "agent": line.channel,
             "account": line.item_code},
        )  # fmt: skip
    if line.kind == SURPLUS:
        return Target("reports.rows", {"listing": "surplus", "item": line.item_code})
    return Target(
        "reports.rows",
        {"listing": "suspense", "kind": line.kind, "channel": line.channel,
         "item": line.item_code or "-"},
    )  # fmt: skip


def item_text(profile: Profile, item_code: str) -> str:
    """``901 固定資産税``; a dash where no 科目 is known."""
    if not item_code:
        return "—"
    name = next((item.name for item in profile.items if item.item_code == item_code), "")
    return f"{item_code} {name}".rstrip()


def month_text(month: str) -> str:
    """``2026-06`` as people read it."""
    return formatting.month(date(int(month[:4]), int(month[5:]), 1))


def end_of(month: str) -> date:
    """The last day of ``2026-06``."""
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, monthrange(year, number)[1])

"""日計の表: a report as the tables that a person reads, the same in every format.

The page, the text, CSV, XLSX and PDF are all made of these, so that no figure can differ between
them. A cell is a text, a whole number (yen or a count, as its column says) or None for a dash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from web import formatting, messages
from web.days.sheet import Cell, Sheet, columns_of, sheet_of, total_of
from web.language import translate as _

if TYPE_CHECKING:
    from reconcile.closures import Closure
    from reconcile.report.period import DayReport


@dataclass(frozen=True, slots=True)
class Heading:
    """表題: what a report is, and in which state."""

    title: str
    municipality: str
    state: str
    facts: tuple[tuple[str, str], ...]  # name, value


def heading(report: DayReport, closure: Closure | None) -> Heading:
    """What stands above the tables: the period, and whether it was signed, by whom."""
    facts = [
        (_("団体"), report.municipality_name),
        (_("対象期間"), _span(formatting.long_day(report.first), formatting.long_day(report.day))),
    ]
    if report.period == "day":
        facts[1] = (_("会計日"), formatting.full_day(report.day))
        numbers = [file.file_id for file in report.files]
        span = _("なし")
        if numbers:
            span = _(
                "{span}（{number}件）", span=_span(min(numbers), max(numbers)), number=len(numbers)
            )
        facts.append((_("資料番号"), span))
    until = report.closed_until
    behind = until is not None and report.day <= until
    open_word = {"day": "within", "month": "all_days"}.get(report.period, "open")
    state = messages.label("closure", open_word if behind else "open")
    if closure is not None:
        event = messages.label("closure", closure.event)
        state = _("{event}（締め番号 {number}）", event=event, number=closure.closure_no)
        facts += [
            (_("作成"), closure.asked_by),
            (_("確認"), f"{closure.decided_by}（{formatting.moment(closure.made_at)}）"),
            (_("特記"), closure.reason or _("なし")),
            (_("ハッシュ"), closure.report_sha256),
        ]
        if report.seal_no:
            sealed = _("{number}番 {sha256}", number=report.seal_no, sha256=report.seal_sha256)
            facts.append((_("封印"), sealed))
    facts.insert(1, (_("状態"), state))
    return Heading(_title(report), report.municipality_name, state, tuple(facts))


def _title(report: DayReport) -> str:
    """日計表 2026年（令和8年）6月1日（月） and the like."""
    if report.period == "year":
        era, year = formatting.fiscal_year(report.first.year), report.first.year
        return _("歳入年度表 {era}（{year}年度）", era=era, year=year)
    if report.period == "month":
        return _("月計表 {month}", month=formatting.month(report.first))
    return _("日計表 {day}", day=formatting.full_day(report.day))


def _span(first: object, last: object) -> str:
    return _("{first}〜{last}", first=first, last=last)


def sheets(report: DayReport) -> tuple[Sheet, ...]:
    """Every block of the report that its period has."""
    found = [_revenue(report), _funds(report)]
    if report.period == "year":
        found.insert(0, _year(report))
    if report.claimed:
        found.append(_claimed(report))
    if report.carried:
        found.append(_carry(report))
    if report.period == "day":
        found += [_arrivals(report)]
    if report.period != "year":
        found += [_flows(report), _outcomes(report), _cash(report)]
    if report.period == "day":
        found += [_groups(report)]
    found += [_movements(report), _checks(report), _waiting(report)]
    found += [_files(report)] if report.period == "day" else [_days(report)]
    return tuple(found)


def _carried(*, carried: bool) -> str:
    return messages.label("carried", "carried" if carried else "current")


def _period_word(report: DayReport) -> str:
    """本日, 本月 or 年度: what the figures of the period are called."""
    return messages.label("period_now", report.period)


def _revenue(report: DayReport) -> Sheet:
    """会計 × 年度 × 科目 × 現年・滞繰 × チャネル."""
    now = _period_word(report)
    head = ("会計", "年度:word", "科目", "区分:word", "チャネル:word")
    figures = {
        "day": ("前日累計:yen", "件数:count", "本日:yen", "月計:yen", "累計:yen"),
        "month": ("前月累計:yen", "件数:count", "月計:yen", "累計:yen"),
        "year": ("件数:count", f"{now}:yen"),
    }[report.period]
    rows: list[tuple[Cell, ...]] = []
    for line in report.revenue:
        key: tuple[Cell, ...] = (
            line.fund,
            formatting.fiscal_year(line.fiscal_year),
            f"{line.item_code} {line.item_name}",
            _carried(carried=line.carried),
            messages.label("channel", line.channel),
        )
        count, yen = line.count, line.amount_yen
        figures_of: dict[str, tuple[Cell, ...]] = {
            "day": (line.before_yen, count, yen, line.month_yen, line.total_yen),
            "month": (line.before_yen, count, yen, line.total_yen),
            "year": (count, yen),
        }
        rows.append((*key, *figures_of[report.period]))
    return sheet_of("revenue", _("収入（会計・年度・科目別）"), columns_of(*head, *figures), rows)


def _funds(report: DayReport) -> Sheet:
    """会計・年度別の計, for 指定金融機関の日計 to be compared with (T4)."""
    sums: dict[tuple[str, int], list[int]] = {}
    for line in report.revenue:
        total = sums.setdefault((line.fund, line.fiscal_year), [0, 0, 0, 0])
        figures = (line.before_yen, line.count, line.amount_yen, line.total_yen)
        for place, figure in enumerate(figures):
            total[place] += figure
    rows: list[tuple[Cell, ...]] = [
        (fund, formatting.fiscal_year(year), *sums[fund, year]) for fund, year in sorted(sums)
    ]
    now = _period_word(report)
    columns = columns_of("会計", "年度:word", "前累計:yen", "件数:count", f"{now}:yen", "累計:yen")
    return sheet_of("funds", _("収入（会計・年度別の計）"), columns, rows)


def _year(report: DayReport) -> Sheet:
    columns = columns_of(
        "会計",
        "科目",
        "区分:word",
        "調定額:yen",
        "うち繰越額:yen",
        "収入済額:yen",
        "うち出納整理期間:yen",
        "収入未済額:yen",
        "収入率:figure",
    )
    rows = [
        (
            line.fund,
            f"{line.item_code} {line.item_name}",
            _carried(carried=line.carried),
            line.assessed_yen,
            line.carried_in_yen,
            line.collected_yen,
            line.closing_period_yen,
            line.outstanding_yen,
            _rate(line.collected_yen, line.assessed_yen),
        )
        for line in report.year_lines
    ]
    total = list(total_of(columns, rows))
    collected, assessed = (
        sum(getattr(line, name) for line in report.year_lines)
        for name in ("collected_yen", "assessed_yen")
    )
    total[-1] = _rate(collected, assessed)
    note = _("不納欠損額は、まだこの帳簿にありません。")
    title = _("歳入（調定・収入済・収入未済）")
    return Sheet("year", title, columns, tuple(rows), tuple(total), note)


def _claimed(report: DayReport) -> Sheet:
    """調定の異動: assessed, corrected, cancelled."""
    rows: list[tuple[Cell, ...]] = [
        (
            line.fund,
            formatting.fiscal_year(line.fiscal_year),
            f"{line.item_code} {line.item_name}",
            _carried(carried=line.carried),
            messages.label("claimed", line.reason),
            line.count,
            line.amount_yen,
        )
        for line in report.claimed
    ]
    head = ("会計", "年度:word", "科目", "区分:word", "異動:word")
    columns = columns_of(*head, "件数:count", "増減:yen")
    return sheet_of("claimed", _("調定の異動"), columns, rows)


def _carry(report: DayReport) -> Sheet:
    """滞納繰越: what passed from one year into the next in the period, and what was taken back."""
    rows: list[tuple[Cell, ...]] = [
        (
            formatting.short_day(event.booked_on),
            messages.label("carry_event", event.event),
            event.carry_no,
            formatting.fiscal_year(event.from_year),
            formatting.fiscal_year(event.to_year),
            event.item_code,
            event.count,
            event.amount_yen,
        )
        for event in report.carried
    ]
    head = ("会計日:word", "区分:word", "番号:figure", "繰越元:word", "繰越先:word", "科目:word")
    columns = columns_of(*head, "件数:count", "繰越額:yen")
    return sheet_of("carried", _("滞納繰越（調定替え）"), columns, rows)


def _rate(part_yen: int, whole_yen: int) -> str:
    """収入率 in percent with two digits, cut off (99.99 is not yet 100)."""
    if whole_yen <= 0:
        return "—"
    hundredths = part_yen * 10_000 // whole_yen
    return f"{hundredths // 100}.{hundredths % 100:02d}%"


def _arrivals(report: DayReport) -> Sheet:
    rows: list[tuple[Cell, ...]] = [
        (
            messages.label("format", a.source.format_code),
            formatting.wide(a.source.name),
            messages.label("arrival", a.state),
            a.files,
            a.count,
            a.amount_yen,
            a.provisional[1],
            a.confirmed[1],
            a.withdrawal[1],
        )
        for a in report.arrivals
    ]
    head = ("資料", "送付元", "状態:word", "資料数:count", "明細:count", "金額:yen")
    columns = columns_of(*head, "速報:yen", "確報:yen", "取消:yen")
    # Sources of one format share its stages, and money stands in statements as well as reports.
    return sheet_of("arrivals", _("受領"), columns, rows, adds_up=False)


def _flows(report: DayReport) -> Sheet:
    columns = columns_of(
        "チャネル:word",
        "受入:count",
        "受入額:yen",
        "消込:yen",
        "仮受:yen",
        "確報:count",
        "確報額:yen",
        "取消:count",
        "取消額:yen",
    )
    rows = [(messages.label("channel", flow.channel), *flow[1:]) for flow in report.flows]
    return sheet_of("flows", _("収納の流れ（受入・消込・確報・取消）"), columns, rows)


def _outcomes(report: DayReport) -> Sheet:
    rows = [
        (messages.label("channel", o.channel), messages.outcome(o.outcome).label, *o[2:])
        for o in report.outcomes
    ]
    columns = columns_of("チャネル:word", "結果", "件数:count", "金額:yen", "消込:yen", "仮受:yen")
    return sheet_of("outcomes", _("照合結果"), columns, rows)


def _cash(report: DayReport) -> Sheet:
    rows: list[tuple[Cell, ...]] = [
        (
            line.account_key,
            line.opening_yen,
            line.credit_count,
            line.credits_yen,
            line.debit_count,
            line.debits_yen,
            line.closing_yen,
            _mark(ok=line.ties),
        )
        for line in report.cash
    ]
    columns = columns_of(
        "口座",
        "前残高:yen",
        "入金件数:count",
        "入金:yen",
        "出金件数:count",
        "出金:yen",
        "後残高:yen",
        "一致:word",
    )
    return sheet_of("cash", _("現金（入出金明細）"), columns, rows)


def _groups(report: DayReport) -> Sheet:
    rows = [
        (
            messages.label("agent", g.agent),
            g.ref.replace("|", " / "),
            formatting.short_day(g.remitted_on),
            g.confirmed_count,
            g.confirmed_yen,
            g.fee_yen,
            g.credited_yen,
            g.difference_yen,
        )
        for g in report.groups
    ]
    head = ("払込元", "番号", "払込日:word", "件数:count", "確報:yen")
    columns = columns_of(*head, "差引手数料:yen", "入金:yen", "差:yen")
    note = _("この日が払込日のもの、この日に入金のあったもの、まだ入金と一致していないもの")
    return sheet_of("groups", _("払込（確報と入金）"), columns, rows, note=note)


def _movements(report: DayReport) -> Sheet:
    rows = [
        (messages.label("account", m.account), m.opening_yen, m.debit_yen, m.credit_yen,
         m.closing_yen)
        for m in report.movements
    ]  # fmt: skip
    columns = columns_of("勘定", "前残高:yen", "借方:yen", "貸方:yen", "残高:yen")
    return sheet_of("movements", _("勘定の動き"), columns, rows, note=_("残高は借方−貸方"))


def _checks(report: DayReport) -> Sheet:
    rows: list[tuple[Cell, ...]] = []
    for check in report.checks:
        number, name = messages.label("check_no", check.code), messages.label("check", check.code)
        scope = messages.label("check_scope", check.scope)
        if not check.applies:
            why = messages.label("check_absent", check.code)
            rows.append((number, f"{name} — {why}", scope, None, None, None, _("対象なし")))
            continue
        left, right, differs = (
            formatting.figure(figure, check.unit)
            for figure in (check.left, check.right, check.left - check.right)
        )
        rows.append((number, name, scope, left, right, differs, _mark(ok=check.ok)))
    head = (
        "番号:word",
        "合うべき合計",
        "範囲:word",
        "左:figure",
        "右:figure",
        "差:figure",
        "一致:word",
    )
    note = _(
        "全帳簿の突合は、仕訳番号 {sums_journal_id} までの帳簿による",
        sums_journal_id=report.sums_journal_id,
    )
    return sheet_of("checks", _("突合"), columns_of(*head), rows, adds_up=False, note=note)


def _mark(*, ok: bool) -> str:
    return _("一致") if ok else _("不一致")


def _waiting(report: DayReport) -> Sheet:
    rows = [(messages.case(kind).label, number, yen) for kind, number, yen in report.waiting]
    columns = columns_of("種類", "件数:count", "金額:yen")
    return sheet_of("waiting", _("未対応・対応中の確認事項"), columns, rows)


def _files(report: DayReport) -> Sheet:
    rows = [
        (
            f.file_id,
            f.name,
            messages.label("format", f.format_code),
            messages.label("file_status", f.status),
            f.count,
            f.amount_yen,
            f.findings,
        )
        for f in report.files
    ]
    columns = columns_of(
        "資料番号:figure", "資料", "形式", "状態:word", "明細:count", "金額:yen", "指摘:count"
    )
    return sheet_of("files", _("資料"), columns, rows, adds_up=False)


def _days(report: DayReport) -> Sheet:
    until = report.closed_until
    rows = [
        (
            formatting.long_day(day),
            number,
            yen,
            messages.label("closure", "closed" if until and day <= until else "day_open"),
        )
        for day, number, yen in report.days
    ]
    columns = columns_of("会計日", "件数:count", "収入:yen", "締め:word")
    return sheet_of("days", _("会計日別の収入"), columns, rows)

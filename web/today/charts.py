"""今日の図: the figures of the page where looking beats reading, each bar with its rows."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from flask import url_for

from reconcile.report import trend
from web import formatting, messages
from web.charts.columns import columns
from web.charts.lines import lines, spark
from web.charts.model import Point, Words
from web.charts.rows import rows
from web.charts.waterfall import waterfall
from web.language import translate as _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.report.open_items import Age
    from web.charts.model import Chart
    from web.today.figures import Figures, Levy, Progress

_WEEK, _ONE_DAY = timedelta(weeks=1), timedelta(days=1)
_LABELLED = 5  # every fifth day is written under the bars
_MOST = 90  # in a hundred: nearly all


def by_day(found: Figures) -> Chart:
    """日別・チャネル別の収入 of thirty days."""
    channels = [
        channel for channel in found.channels if any(d.get(channel) for _d, d in found.by_day)
    ]
    points = [
        Point(
            formatting.short_day(day),
            tuple(sums.get(channel, 0) for channel in channels),
            _moves("collected", day, day) if sums else "",
            f"{day.month}/{day.day}" if (found.day - day).days % _LABELLED == 0 else "",
        )
        for day, sums in found.by_day
    ]
    first = found.by_day[0][0]
    sum_yen = sum(sum(sums.values()) for _day, sums in found.by_day)
    return columns(
        Words(
            "by-day",
            _("収入（日別・チャネル別、30日間）"),
            _("{first}から{last}までの収入は{yen}です。", first=formatting.long_day(first),
              last=formatting.long_day(found.day), yen=formatting.yen(sum_yen)),
            _("会計日"),
            total=_("計"),
        ),
        [messages.label("channel", channel) for channel in channels],
        points,
    )  # fmt: skip


def progress(found: Progress) -> Chart:
    """年度の進み: 現年度分の収入, all levies, beside the year before."""
    names = [formatting.fiscal_year(found.year)]
    if found.has_year_before:
        names.append(formatting.fiscal_year(found.year - 1))
    points = []
    for week, day in enumerate(found.days):
        first_of_month = day.month != (day - _WEEK).month
        points.append(
            Point(
                formatting.long_day(day),
                found.collected(week)[: len(names)],
                _moves("collected", day - _WEEK + _ONE_DAY, day) if week < found.known else "",
                _("{month}月", month=day.month) if first_of_month else "",
            )
        )
    now, before = found.collected(found.known - 1)
    return lines(
        Words(
            "progress",
            _("現年度分の収入の累計（前年度との比較）"),
            _("{day}までに{now}、前年度の同じ時期は{before}です。",
              day=formatting.long_day(found.days[found.known - 1]), now=formatting.yen(now),
              before=formatting.yen(before)) if found.has_year_before
            else _("{day}までに{now}です。前年度の数字はありません。",
                   day=formatting.long_day(found.days[found.known - 1]), now=formatting.yen(now)),
            _("週の終わり"),
        ),
        names,
        points,
    )  # fmt: skip


def levy(found: Levy, name: str) -> Chart:
    """税目の小さな線: this year so far, and the year before where there is any."""
    words = Words(
        f"levy-{found.item_code}", name,
        _("年度はじめからの収入の累計は{yen}です。", yen=formatting.yen(found.collected_yen)),
        "",
    )  # fmt: skip
    before = [found.series_before] if found.series_before[-1] else []
    return spark(words, found.series, *before)


def ageing(ages: Sequence[Age], day: date, *, is_over: bool, opens: bool = True) -> Chart:
    """確認事項の経過日数; of a day that is over without links, as the list shows what is so now.

    ``opens``: whether who looks may read the list.
    """
    points = []
    for age in ages:
        first, last = age.days(day)
        bounds = {"from": first, "to": last}
        values: dict[str, Any] = {name: each.isoformat() for name, each in bounds.items() if each}
        points.append(
            Point(
                age_words(age),
                (age.amount_yen,),
                url_for("cases.worklist", **values) if age.count and opens and not is_over else "",
                note=formatting.count(age.count),
            )
        )
    number = sum(age.count for age in ages)
    return rows(
        Words(
            "ageing",
            _("{day}の終わりに未対応だった確認事項（経過日数別）", day=formatting.long_day(day))
            if is_over else _("未対応の確認事項（経過日数別）"),
            _("{number}、{yen}です。", number=formatting.count(number),
              yen=formatting.yen(sum(age.amount_yen for age in ages))),
            _("経過日数"),
            note=_("件数"),
        ),
        _("金額"),
        points,
    )  # fmt: skip


def age_words(age: Age) -> str:
    """経過日数の区分 in words."""
    if age.to_days is None:
        return _("{days}日以上", days=age.from_days)
    if not age.from_days:
        return _("{days}日以内", days=age.to_days)
    return _("{first}〜{last}日", first=age.from_days, last=age.to_days)


def waits(found: Figures) -> Chart:
    """速報から確報までの日数 by channel: half of the yen within so many days, and nearly all."""
    points = []
    for channel, waited in found.waits.items():
        most = trend.within_days(waited, _MOST)
        yen = formatting.yen(sum(wait.amount_yen for wait in waited))
        points.append(
            Point(
                messages.label("channel", channel),
                (trend.within_days(waited, 50),),
                _moves("confirmed", found.by_day[0][0], found.day, channel=channel),
                note=_("9割は{days}日以内（{yen}）", days=most, yen=yen),
            )
        )
    return rows(
        Words(
            "waits",
            _("速報から確報までの日数（30日間の確報、金額の中央値）"),
            _(
                "チャネルごとに、確報の半分の金額が何日以内に届いたかを示します。"
                "古い速報から順に確報になったものとして数えた目安です。"
            ),
            _("チャネル"),
            unit="日",
            note=_("9割が届くまで"),
        ),
        _("日数"),
        points,
    )


def fall(found: Figures) -> Chart:
    """調定から入金まで since the fiscal year began."""
    way = found.way
    first = date(found.progress.year, 4, 1)
    steps = [
        Point(_("要収納額"), (way.to_collect_yen,), _moves("assessed", first, found.day)),
        Point(_("消込"), (way.collected_yen,), _moves("collected", first, found.day)),
        Point(_("速報"), (way.received_yen,), _moves("received", first, found.day)),
        Point(_("確報"), (way.confirmed_yen,), _moves("confirmed", first, found.day)),
        Point(_("入金照合済"), (way.settled_yen,), _moves("settled", first, found.day)),
    ]
    names = (_("収入未済"), _("仮受"), _("確報待ち"), _("入金待ち"))
    values = [point.values[0] or 0 for point in steps]
    day_page = url_for("days.show", day=found.day.isoformat())
    lost = [
        Point(name, (values[number] - values[number + 1],), f"{day_page}#movements")
        for number, name in enumerate(names)
    ]
    return waterfall(
        Words(
            "way",
            _("調定から入金まで（年度はじめから）"),
            _("要収納額{all}のうち、消込{collected}、確報{confirmed}、入金照合済{settled}です。",
              all=formatting.yen(way.to_collect_yen), collected=formatting.yen(way.collected_yen),
              confirmed=formatting.yen(way.confirmed_yen),
              settled=formatting.yen(way.settled_yen)),
            _("段階"),
        ),
        (_("段階の金額"), _("次の段階との差")),
        steps,
        lost,
    )  # fmt: skip


def _moves(step: str, first: date, last: date, channel: str | None = None) -> str:
    values: dict[str, Any] = {} if channel is None else {"channel": channel}
    return url_for(
        "today.moves", step=step, first=first.isoformat(), last=last.isoformat(), **values
    )


def rate(part_yen: int, whole_yen: int) -> str:
    """割合, to a tenth of a hundredth: ``98.7%``; a dash where there is no whole."""
    if whole_yen <= 0:
        return "—"
    tenths = part_yen * 1000 // whole_yen
    sign = "−" if tenths < 0 else ""
    return f"{sign}{abs(tenths) // 10:,}.{abs(tenths) % 10}%"

"""経営の数字の図: the charts beside the tables, from the same figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.report.figures import MEDIAN, NINE_IN_TEN, months_of, percentile
from web import messages
from web.charts.columns import columns
from web.charts.lines import lines
from web.charts.model import Chart, Point, Words
from web.charts.rows import rows
from web.language import translate as _
from web.reports.ledgers import month_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconcile.report.figures import CaseMonth, Rate

_WHOLE = 100  # hundredths in a percent


def rate_lines(now: Mapping[str, Rate], before: Mapping[str, Rate], year: int) -> Chart:
    """収納率の推移 of this year and of last year, in whole percent."""
    old = months_of(year - 1)
    points = [
        Point(
            month_text(month),
            (_percent(now.get(month)), _percent(before.get(old[place]))),
            short=str(int(month[5:])),
        )
        for place, month in enumerate(months_of(year))
    ]
    words = Words(
        "rates",
        _("収納率の推移（現年分、累計）"),
        _("月の終わりごとの、調定額に対する収入済額の割合。前年同月と並べる。"),
        _("月"),
        unit="%",
    )
    series = (_("{year}年度", year=year), _("{year}年度", year=year - 1))
    return lines(words, series, points)


def share_columns(
    cells: Mapping[tuple[str, str, str], tuple[int, int]], months: Sequence[str]
) -> Chart:
    """チャネル別の収入 by month, in yen."""
    channels = sorted({channel for _month, _item, channel in cells})
    sums: dict[tuple[str, str], int] = {}
    for (month, _item, channel), (_number, yen) in cells.items():
        sums[month, channel] = sums.get((month, channel), 0) + yen
    points = [
        Point(
            month_text(month),
            tuple(sums.get((month, channel), 0) for channel in channels),
            short=str(int(month[5:])),
        )
        for month in months
    ]
    words = Words(
        "shares",
        _("チャネル別の収入（月別）"),
        _("会計日の月ごとの収入を、チャネルで積み上げたもの。"),
        _("月"),
        total=_("計"),
    )
    return columns(words, [messages.label("channel", channel) for channel in channels], points)


def case_columns(found: Sequence[CaseMonth], months: Sequence[str]) -> Chart:
    """確認事項の発生と終了 by month."""
    by = {month.month: month for month in found}
    points = [
        Point(
            month_text(month),
            (by[month].opened, by[month].closed) if month in by else (None, None),
            short=str(int(month[5:])),
        )
        for month in months
    ]
    words = Words(
        "cases",
        _("確認事項の発生と終了"),
        _("月ごとに発生した件数と終了した件数。"),
        _("月"),
        unit="件",
    )
    return lines(words, (_("発生"), _("終了")), points)


def delay_rows(waits: Mapping[str, dict[int, int]]) -> Chart:
    """納付から消込までの日数 by channel: the days within which nine in ten came."""
    points = [
        Point(
            messages.label("channel", channel),
            (percentile(days, NINE_IN_TEN) or 0,),
            note=_("中央値 {days}日", days=percentile(days, MEDIAN) or 0),
        )
        for channel, days in sorted(waits.items())
    ]
    words = Words(
        "delays",
        _("納付から消込までの日数（9割がこの日数以内）"),
        _("チャネルごとに、領収日から消込の会計日までの日数。"),
        _("チャネル"),
        unit="日",
        note=_("中央値"),
    )
    return rows(words, _("9割がこの日数以内"), points)


def _percent(rate: Rate | None) -> int | None:
    """百分率, cut off to a whole one."""
    if rate is None or rate.hundredths is None:
        return None
    return rate.hundredths // _WHOLE

"""日の明細の画面: what the figures of 照合結果 are made of, for a page and for a spreadsheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.store.unit_of_work import reading
from reconcile.day_lines import START, DaySum, chosen, lines_of_day
from web import messages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from sqlalchemy import Engine

    from reconcile.report.period import DayReport

PAGE = 100
_CSV_PAGE = 5_000
COLUMNS = (
    "資料番号", "行", "チャネル", "結果", "結果コード", "領収日", "金額", "消込", "仮受",
)  # fmt: skip


def figure_of(report: DayReport, channel: str, outcome: str) -> DaySum:
    """日計の数字: what a report says of the same lines."""
    rows = [
        each[2:6]
        for each in report.outcomes
        if channel in {"", each.channel} and outcome in {"", each.outcome}
    ]
    return DaySum(*(sum(figures) for figures in zip(*rows, strict=True)))


def line_cells(
    engine: Engine, municipality_code: str, day: date, channel: str, outcome: str
) -> Iterator[tuple[object, ...]]:
    """その明細 for a spreadsheet, as a stream (:data:`COLUMNS`)."""
    with reading(engine, municipality_code) as connection:
        wanted = chosen(connection, municipality_code, day, channel=channel, outcome=outcome)
    after = START
    while True:
        with reading(engine, municipality_code) as connection:
            rows = lines_of_day(connection, municipality_code, wanted, after=after, limit=_CSV_PAGE)
        for row in rows:
            line = row.line
            yield (
                row.file_id, line.line_no, messages.label("channel", row.channel),
                messages.outcome(line.outcome or "").label, line.outcome,
                line.paid_on.isoformat() if line.paid_on else "",
                line.amount_yen, line.applied_yen, line.suspense_yen,
            )  # fmt: skip
        if len(rows) < _CSV_PAGE:
            return
        after = rows[-1].place

"""今日の明細: the rows that the figures of the page are made of, by day and one by one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from payments.store.unit_of_work import reading
from reconcile.report import trend
from reconcile.report.open_items import open_credits
from reconcile.report.steps import START, step_rows
from web import messages
from web.texts.explain import REASONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from sqlalchemy import Connection, Engine

    from reconcile.report.open_items import Credit
    from reconcile.report.steps import StepRow
    from reconcile.report.trend import Figure

PAGE = 100
_CSV_PAGE = 5_000
_DAYS = 7  # are read for a page to begin with


class DayRow(NamedTuple):
    """日別の明細: what one day, channel and levy add to a step."""

    day: str  # ISO date
    channel: str
    item_code: str
    figure: Figure


def by_day(
    connection: Connection,
    municipality_code: str,
    step: str,
    first: date,
    last: date,
    channel: str | None = None,
) -> tuple[DayRow, ...]:
    """日別の明細 of a step, the latest day first; of one channel or of all."""
    by = ("booked_on", "item_code", "channel")
    sums: dict[tuple[str, str, str], list[int]] = {}
    for row in trend.moved(connection, municipality_code, first, last, by):
        way = trend.sign(step, row.debit, row.credit)
        if way and channel in {None, row.channel}:
            both = sums.setdefault((row.booked_on, row.channel, row.item_code), [0, 0])
            both[0] += way * row.count
            both[1] += way * row.amount_yen
    ordered = sorted(sorted(sums), key=lambda key: key[0], reverse=True)
    return tuple(DayRow(*key, trend.Figure(*sums[key])) for key in ordered)


def page_of_days(
    connection: Connection,
    municipality_code: str,
    step: str,
    first: date,
    last: date,
    channel: str | None = None,
) -> tuple[tuple[DayRow, ...], date | None]:
    """一ページ of the same: whole days back from ``last``, and where the next page begins."""
    found: tuple[DayRow, ...] = ()
    end, days = last, _DAYS
    while end >= first and len(found) < PAGE:
        begin = max(first, end - timedelta(days=days - 1))
        found += by_day(connection, municipality_code, step, begin, end, channel)
        end, days = begin - timedelta(days=1), days * 2
    return found, end if end >= first else None


def total_of(
    connection: Connection,
    municipality_code: str,
    step: str,
    first: date,
    last: date,
    channel: str | None = None,
) -> Figure:
    """合計 of a step over some days, of one channel or of all."""
    rows = trend.moved(connection, municipality_code, first, last, ("channel",))
    return trend.total((row for row in rows if channel in {None, row.channel}), step)


DAY_COLUMNS = ("会計日", "チャネル", "科目コード", "科目", "件数", "金額")
STEP_COLUMNS = (
    "仕訳番号", "資料番号", "行", "枝番", "チャネル", "科目コード", "借方", "貸方", "理由", "金額",
)  # fmt: skip
CREDIT_COLUMNS = ("資料番号", "行", "勘定日", "口座", "払込元", "金額")


def day_cells(rows: Iterable[DayRow], items: dict[str, str]) -> Iterator[tuple[object, ...]]:
    """日別の明細 for a spreadsheet (:data:`DAY_COLUMNS`)."""
    for row in rows:
        yield (
            row.day, messages.label("channel", row.channel), row.item_code,
            items.get(row.item_code, ""), row.figure.count, row.figure.amount_yen,
        )  # fmt: skip


def step_cells(
    engine: Engine, municipality_code: str, find: Callable[..., tuple[StepRow, ...]]
) -> Iterator[tuple[object, ...]]:
    """段階の明細 for a spreadsheet, as a stream (:data:`STEP_COLUMNS`)."""
    after: tuple[int, ...] = START
    while True:
        with reading(engine, municipality_code) as connection:
            rows = find(connection, municipality_code, after=after, limit=_CSV_PAGE)
        for row in rows:
            yield (
                row.journal_id, row.file_id, row.line_no, row.leg,
                messages.label("channel", row.channel), row.item_code,
                messages.label("account", row.debit), messages.label("account", row.credit),
                REASONS.get(row.reason, row.reason), row.amount_yen,
            )  # fmt: skip
        if len(rows) < _CSV_PAGE:
            return
        after = rows[-1].place


def credit_cells(engine: Engine, municipality_code: str) -> Iterator[tuple[object, ...]]:
    """未照合の入金 for a spreadsheet, as a stream (:data:`CREDIT_COLUMNS`)."""
    after: tuple[int, ...] = (0, 0)
    while True:
        with reading(engine, municipality_code) as connection:
            rows: tuple[Credit, ...] = open_credits(
                connection, municipality_code, after=after, limit=_CSV_PAGE
            )
        for row in rows:
            yield (
                row.file_id, row.line_no, row.booked_on.isoformat(), row.account_key,
                messages.label("agent", row.agent) if row.agent else "", row.amount_yen,
            )  # fmt: skip
        if len(rows) < _CSV_PAGE:
            return
        after = rows[-1].file_id, rows[-1].line_no


def steps_of(
    step: str, day: date, channel: str, item_code: str
) -> Callable[..., tuple[StepRow, ...]]:
    """段階の明細 of a day as a question that is asked page by page."""

    def find(
        connection: Connection,
        municipality_code: str,
        *,
        after: tuple[int, ...],
        limit: int,
    ) -> tuple[StepRow, ...]:
        return step_rows(
            connection, municipality_code, step, day, channel=channel, item_code=item_code,
            after=after, limit=limit,
        )  # fmt: skip

    return find

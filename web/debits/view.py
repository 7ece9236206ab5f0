"""口座振替の画面の中身: a day with all its banks, and a batch with its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from payments.domain.calendars import add_business_days, bank_business_day, is_bank_business_day
from payments.store.lookups import rows_about
from reconcile.debit import batches as books
from reconcile.debit.batches import FIRST, Batch
from reconcile.debit.counts import LIVE_MAX, counts_of, sums_of, unplanned
from reconcile.debit.results import awaited_until, results_of_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.debit.build import Change
    from reconcile.debit.counts import DayCounts, Plan
    from reconcile.debit.results import Sums

ROWS_SHOWN = 100
ROWS_AT_ONCE = 2_000  # of a list that is sent as it comes


class ShownRow(NamedTuple):
    """明細の一行, with the names that people know it by."""

    row_no: int
    notice_id: int
    item_code: str
    levy_year: int
    notice_no: str
    term: str
    customer_no: str
    amount_yen: int
    new_code: str
    result: str
    file_id: int | None
    line_no: int | None


class ShownChange(NamedTuple):
    """違い, with the names that people know it by; 0 yen where it is not."""

    notice_id: int
    item_code: str
    levy_year: int
    notice_no: str
    term: str
    before_yen: int
    after_yen: int
    account_changed: bool


class BankLine(NamedTuple):
    """一つの銀行 of a day: what is planned, its batch, and what came back.

    ``plan`` and ``sums`` are None where a large day was not counted yet.
    """

    plan: Plan | None
    batch: Batch | None
    sums: Sums | None
    changed: int
    bank_code: str
    bank_name: str
    red: bool


@dataclass(frozen=True, slots=True)
class RunPage:
    """振替日: every bank, and what no bank can be asked for."""

    debit_on: date
    banks: tuple[BankLine, ...]
    seconds: tuple[BankLine, ...]
    nowhere: dict[str, list[int]]
    send_until_on: date
    results_until_on: date
    late: bool  # a bank has no file yet, and its 送付期限 is over
    ahead: bool
    may_second: bool
    counts: DayCounts | None  # None: a large day that nobody has counted


@dataclass(frozen=True, slots=True)
class BatchPage:
    """束: what it holds and what differs from the books now."""

    rows: tuple[ShownRow, ...]
    next_after: int  # 0 on the last page
    sums: Sums | None
    changed: int
    changes: tuple[ShownChange, ...]  # the first; of a large day only their number is known
    send_until_on: date
    late: bool  # it was not sent yet, and its 送付期限 is over
    ahead: bool
    counts: DayCounts | None


def run_page(connection: Connection, profile: Profile, day: date, today: date) -> RunPage:
    """振替日 with all its banks."""
    counts = counts_of(connection, profile, day)
    standing = books.batches_on(connection, profile.municipality_code, day)
    first = {batch.bank_code: batch for batch in standing if batch.round == FIRST}
    banks = sorted({*(bank.bank_code for bank in profile.debit.banks), *first})
    lines = [_line(profile, counts, code, first.get(code)) for code in banks]
    second = [
        _line(profile, counts, batch.bank_code, batch) for batch in standing if batch.round != FIRST
    ]
    until_on = send_until(profile, day)
    sent = [line.batch is not None and _was_sent(line.batch) for line in (*lines, *second)]
    return RunPage(
        day,
        tuple(lines),
        tuple(second),
        counts.nowhere if counts else {},
        until_on,
        awaited_until(day, profile.debit.result_days),
        until_on < today and not all(sent),
        day > today,
        any(line.sums is not None and line.sums.failed[0] for line in lines),
        counts,
    )


def batch_page(
    connection: Connection, profile: Profile, batch: Batch, after: int, today: date
) -> BatchPage:
    """束 with a page of its rows; what differs now is asked until it was sent."""
    code = profile.municipality_code
    page = shown_rows(connection, code, batch, after=after, limit=ROWS_SHOWN + 1)
    more = len(page) > ROWS_SHOWN
    page = page[:ROWS_SHOWN]
    until_on, waits = send_until(profile, batch.debit_on), batch.in_force and not _was_sent(batch)
    counts = counts_of(connection, profile, batch.debit_on)
    number = batch.batch_no
    sums = counts.sums.get(number) if counts else None
    if sums is None and batch.count <= LIVE_MAX:  # one that ended stands in no count of its day
        sums = sums_of(connection, code, batch)
    return BatchPage(
        tuple(page),
        page[-1].row_no if more else 0,
        sums,
        counts.changed.get(number, 0) if counts and waits else 0,
        _changes(connection, code, counts, number) if counts and waits else (),
        until_on,
        until_on < today and waits,
        batch.debit_on > today,
        counts,
    )


def every_row(connection: Connection, municipality_code: str, batch: Batch) -> Iterator[ShownRow]:
    """明細 from the first to the last, a portion at a time, however many there are."""
    after = 0
    while portion := shown_rows(
        connection, municipality_code, batch, after=after, limit=ROWS_AT_ONCE
    ):
        yield from portion
        after = portion[-1].row_no


def shown_rows(
    connection: Connection,
    municipality_code: str,
    batch: Batch,
    *,
    after: int = 0,
    limit: int | None = None,
) -> list[ShownRow]:
    """明細 of a batch with names and results, in the order of its file, behind a row."""
    rows = books.rows_of(connection, municipality_code, batch.batch_no, after=after, limit=limit)
    results = {
        each.row_no: each for each in results_of_rows(connection, municipality_code, batch, rows)
    }
    names = _names(connection, municipality_code, (row.notice_id for row in rows))
    return [
        ShownRow(
            row.row_no, row.notice_id, names[row.notice_id].item_code,
            names[row.notice_id].levy_year, names[row.notice_id].notice_no, row.term,
            row.customer_no, row.amount_yen, row.new_code, results[row.row_no].code,
            results[row.row_no].file_id, results[row.row_no].line_no,
        )
        for row in rows
    ]  # fmt: skip


def _changes(
    connection: Connection, municipality_code: str, counts: DayCounts, number: int
) -> tuple[ShownChange, ...]:
    found: tuple[Change, ...] = (counts.changes or {}).get(number, ())[:ROWS_SHOWN]
    names = _names(connection, municipality_code, (each.notice_id for each in found))
    return tuple(
        ShownChange(
            each.notice_id, names[each.notice_id].item_code, names[each.notice_id].levy_year,
            names[each.notice_id].notice_no, each.term, each.before_yen, each.after_yen,
            each.account_changed,
        )
        for each in found
    )  # fmt: skip


def _names(
    connection: Connection, municipality_code: str, notices: Iterable[int]
) -> dict[int, Any]:
    """通知書 by their internal number: levy, year and number."""
    rows = rows_about(
        connection,
        "SELECT notice_id, item_code, levy_year, notice_no FROM notice "
        "WHERE municipality_code = :m AND notice_id IN :some",
        municipality_code,
        sorted(set(notices)),
    )
    return {row.notice_id: row for row in rows}


def send_until(profile: Profile, debit_on: date) -> date:
    """送付期限: so many business days before the debit, itself a day on which banks take files."""
    day, last_on = debit_on, bank_business_day(debit_on)
    while add_business_days(day, profile.debit.lead_days) > last_on or (
        not is_bank_business_day(day)
    ):
        day = day.fromordinal(day.toordinal() - 1)
    return day


def _was_sent(batch: Batch) -> bool:
    return batch.event(books.SENT) is not None


def _line(
    profile: Profile, counts: DayCounts | None, bank_code: str, batch: Batch | None
) -> BankLine:
    names = {bank.bank_code: bank.bank_name for bank in profile.debit.banks}
    name = batch.head.bank_name if batch else names.get(bank_code, "")
    plan = counts.plans.get(bank_code) if counts and not batch else None
    if counts is None or batch is None:
        # What nobody has counted is not red for it; a batch that nobody acknowledged is.
        red = batch.state != books.ACKNOWLEDGED if batch else unplanned(plan)
        return BankLine(plan, batch, None, 0, bank_code, name, red)
    sums = counts.sums.get(batch.batch_no)
    # Every bank of the run is acknowledged, or red (I19).
    came = sums is not None and sums.came
    red = not sums.agrees if sums and came else batch.state != books.ACKNOWLEDGED
    changed = counts.changed.get(batch.batch_no, 0)
    return BankLine(plan, batch, sums, changed, bank_code, name, red)

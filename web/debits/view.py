"""口座振替の画面の中身: a day with all its banks, and a batch with its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.calendars import add_business_days, bank_business_day
from payments.store.lookups import rows_about
from reconcile.debit import batches as books
from reconcile.debit.batches import FIRST, Batch
from reconcile.debit.build import changes_from, choice_again, run_of
from reconcile.debit.results import Outcome, awaited_until, outcome_of, results_of

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.debit.build import BankPlan, Change

ROWS_SHOWN = 100


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


class BankLine(NamedTuple):
    """一つの銀行 of a day: its plan, its batch, and what came back."""

    plan: BankPlan | None
    batch: Batch | None
    outcome: Outcome | None
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


@dataclass(frozen=True, slots=True)
class BatchPage:
    """束: what it holds and what differs from the books now."""

    rows: tuple[ShownRow, ...]
    next_after: int  # 0 on the last page
    outcome: Outcome
    changes: tuple[Change, ...]
    send_until_on: date
    late: bool  # it was not sent yet, and its 送付期限 is over
    ahead: bool


def run_page(connection: Connection, profile: Profile, day: date, today: date) -> RunPage:
    """振替日 with all its banks."""
    run = run_of(connection, profile, day)
    names = {bank.bank_code: bank.bank_name for bank in profile.debit.banks}
    lines = [
        _line(connection, profile, plan, plan.batch, plan.bank_code, names) for plan in run.banks
    ]
    second = [
        _line(connection, profile, None, batch, batch.bank_code, names)
        for batch in books.batches_on(connection, profile.municipality_code, day)
        if batch.round != FIRST
    ]
    until_on = send_until(profile, day)
    sent = [line.batch is not None and _was_sent(line.batch) for line in (*lines, *second)]
    return RunPage(
        day,
        tuple(lines),
        tuple(second),
        run.nowhere,
        until_on,
        awaited_until(day, profile.debit.result_days),
        until_on < today and not all(sent),
        day > today,
        any(line.outcome is not None and line.outcome.failed[0] for line in lines),
    )


def batch_page(
    connection: Connection, profile: Profile, batch: Batch, after: int, today: date
) -> BatchPage:
    """束 with a page of its rows; what differs now is asked until it was sent."""
    code = profile.municipality_code
    page = shown_rows(connection, code, batch, after=after, limit=ROWS_SHOWN + 1)
    more = len(page) > ROWS_SHOWN
    page = page[:ROWS_SHOWN]
    changes: tuple[Change, ...] = ()
    until_on, waits = send_until(profile, batch.debit_on), batch.in_force and not _was_sent(batch)
    if waits:
        changes = changes_from(connection, code, batch, choice_again(connection, profile, batch))
    return BatchPage(
        tuple(page),
        page[-1].row_no if more else 0,
        outcome_of(connection, code, batch),
        changes,
        until_on,
        until_on < today and waits,
        batch.debit_on > today,
    )


def shown_rows(
    connection: Connection,
    municipality_code: str,
    batch: Batch,
    *,
    after: int = 0,
    limit: int | None = None,
) -> list[ShownRow]:
    """明細 of a batch with names and results, in the order of its file, behind a row."""
    results = {r.row_no: r for r in results_of(connection, municipality_code, batch) if r.row_no}
    rows = books.rows_of(connection, municipality_code, batch.batch_no, after=after, limit=limit)
    names = {
        row.notice_id: row
        for row in rows_about(
            connection,
            "SELECT notice_id, item_code, levy_year, notice_no FROM notice "
            "WHERE municipality_code = :m AND notice_id IN :some",
            municipality_code,
            sorted({row.notice_id for row in rows}),
        )
    }
    return [
        ShownRow(
            row.row_no, row.notice_id, names[row.notice_id].item_code,
            names[row.notice_id].levy_year, names[row.notice_id].notice_no, row.term,
            row.customer_no, row.amount_yen, row.new_code, results[row.row_no].code,
            results[row.row_no].file_id, results[row.row_no].line_no,
        )
        for row in rows
    ]  # fmt: skip


def send_until(profile: Profile, debit_on: date) -> date:
    """送付期限: so many business days before the debit."""
    day = debit_on
    while add_business_days(day, profile.debit.lead_days) > bank_business_day(debit_on):
        day = day.fromordinal(day.toordinal() - 1)
    return day


def _was_sent(batch: Batch) -> bool:
    return batch.event(books.SENT) is not None


def _line(
    connection: Connection,
    profile: Profile,
    plan: BankPlan | None,
    batch: Batch | None,
    bank_code: str,
    names: dict[str, str],
) -> BankLine:
    outcome = outcome_of(connection, profile.municipality_code, batch) if batch else None
    name = batch.head.bank_name if batch else names.get(bank_code, "")
    red = plan is not None and plan.state == "none"
    if batch is not None and outcome is not None:
        # Every bank of the run is acknowledged, or red (I19).
        red = batch.state != books.ACKNOWLEDGED if not outcome.came else not outcome.agrees
    return BankLine(plan, batch, outcome, bank_code, name, red)

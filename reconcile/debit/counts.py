"""振替日の集計: what a day of debits comes to, counted when it is small and kept when it is not.

The day of a large city has hundreds of thousands of debits, each held against the books and against
what the bank said: seconds of work. So up to :data:`LIVE_MAX` debits are counted whenever somebody
asks; beyond, what was counted last is told with its moment, and whether the books have moved since.
It is counted when batches are built and whenever a person asks for it. Nothing is decided by it:
what is released, sent or replaced is held against the books themselves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, insert, select, text

from payments.domain.errors import RefusedError
from reconcile.debit import batches as books
from reconcile.debit.batches import FIRST, SENT
from reconcile.debit.build import NONE, changes_from, choice_again, run_of
from reconcile.debit.choose import Choice
from reconcile.debit.results import Pot, Sums, outcome_of
from reconcile.store.debit_tables import DebitCountRow

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.debit.batches import Batch
    from reconcile.debit.build import Change

LIVE_MAX = 5_000  # debits of a day that are counted while a person waits for the page
count_table = DebitCountRow.__table__  # type: ignore[attr-defined]
# As many instalments as would be too many, by the index of due dates alone.
_DUE = """
SELECT COUNT(*) FROM (SELECT 1 FROM instalment i WHERE i.municipality_code = :m
    AND i.due_on BETWEEN :begin AND :day LIMIT :most) q"""
# Whatever changes what a debit is for is a posting, a file, or entered under the seal.
_MARK = """
SELECT (SELECT COALESCE(MAX(journal_id), 0) FROM journal WHERE municipality_code = :m) AS journal,
    (SELECT COALESCE(MAX(file_id), 0) FROM source_file WHERE municipality_code = :m) AS file,
    (SELECT COALESCE(MAX(entry_no), 0) FROM seal_entry WHERE municipality_code = :m) AS entry"""


class Plan(NamedTuple):
    """一つの銀行の予定: its state (reconcile.debit.build), and what a new batch would hold."""

    state: str
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int


@dataclass(frozen=True, slots=True)
class DayCounts:
    """振替日の集計: by bank what is planned, by batch what came back and what differs now."""

    plans: dict[str, Plan]
    sums: dict[int, Sums]
    changed: dict[int, int]  # instalments of a batch that is not sent, of which the books moved on
    nowhere: dict[str, list[int]]  # ground → count and yen
    counted_at: datetime | None = None  # None: just now
    moved: bool = False  # the books have moved on since
    changes: dict[int, tuple[Change, ...]] | None = None  # only of what was counted just now


def counts_of(connection: Connection, profile: Profile, day: date) -> DayCounts | None:
    """振替日の集計: live where the day is small; else as it was kept, None when it never was."""
    code = profile.municipality_code
    if is_small(connection, code, day):
        return counted(connection, profile, day)
    row = connection.execute(
        select(count_table).where(
            count_table.c.municipality_code == code, count_table.c.debit_on == day
        )
    ).one_or_none()
    if row is None:
        return None
    said = json.loads(row.content_json)
    return DayCounts(
        {bank: Plan(*plan) for bank, plan in said["plans"].items()},
        {int(no): Sums(*(_pot(each) for each in pots)) for no, pots in said["sums"].items()},
        {int(no): number for no, number in said["changed"].items()},
        said["nowhere"],
        row.counted_at,
        row.mark != _mark(connection, code),
    )


def keep(connection: Connection, profile: Profile, day: date, at: datetime) -> None:
    """数え直し: a large day is counted and kept; a small one needs no keeping."""
    code = profile.municipality_code
    if is_small(connection, code, day):
        return
    mark = _mark(connection, code)
    found = counted(connection, profile, day)
    content: dict[str, Any] = {
        "plans": found.plans, "sums": found.sums, "changed": found.changed,
        "nowhere": found.nowhere,
    }  # fmt: skip
    where = (count_table.c.municipality_code == code) & (count_table.c.debit_on == day)
    connection.execute(delete(count_table).where(where))
    connection.execute(
        insert(count_table).values(
            municipality_code=code,
            debit_on=day,
            mark=mark,
            counted_at=at,
            content_json=json.dumps(content, sort_keys=True),
        )
    )


def is_small(connection: Connection, municipality_code: str, day: date) -> bool:
    """数えながら見せられる日か: at most :data:`LIVE_MAX` instalments and debits."""
    standing = books.batches_on(connection, municipality_code, day)
    if sum(batch.count for batch in standing) > LIVE_MAX:
        return False
    begin = min((batch.due_from_on for batch in standing), default=day)
    due = connection.execute(
        text(_DUE),
        {"m": municipality_code, "begin": begin.isoformat(), "day": day.isoformat(),
         "most": LIVE_MAX + 1},
    ).scalar_one()  # fmt: skip
    return int(due) <= LIVE_MAX


def counted(connection: Connection, profile: Profile, day: date) -> DayCounts:
    """振替日の集計 from the books as they stand."""
    code = profile.municipality_code
    run = run_of(connection, profile, day, coded=False)
    changes: dict[int, tuple[Change, ...]] = {}
    sums: dict[int, Sums] = {}
    for plan in run.banks:
        if plan.batch is not None and plan.batch.event(SENT) is None:
            changes[plan.batch.batch_no] = plan.changes
    for batch in books.batches_on(connection, code, day):
        sums[batch.batch_no] = sums_of(connection, code, batch)
        if batch.round != FIRST and batch.event(SENT) is None:
            changes[batch.batch_no] = _changes(connection, profile, batch)
    plans = {
        plan.bank_code: Plan(plan.state, len(plan.choice.rows), plan.choice.amount_yen)
        for plan in run.banks
    }
    numbers = {number: len(of) for number, of in changes.items()}
    return DayCounts(plans, sums, numbers, run.nowhere, changes=changes)


def sums_of(connection: Connection, municipality_code: str, batch: Batch) -> Sums:
    """束の結果 in sums, counted row by row."""
    return outcome_of(connection, municipality_code, batch).sums


def unplanned(plan: Plan | None) -> bool:
    """束のない銀行: it would be asked for something, and nobody has made its batch."""
    return plan is not None and plan.state == NONE


def _changes(connection: Connection, profile: Profile, batch: Batch) -> tuple[Change, ...]:
    """違い of a second batch; all of it where it could not be built any more.

    A late word of the bank about the first (another count, a result nobody asked for) says so; what
    that is, whoever releases it is told.
    """
    try:
        choice = choice_again(connection, profile, batch)
    except RefusedError:
        choice = Choice((), {})
    return changes_from(connection, profile.municipality_code, batch, choice)


def _mark(connection: Connection, municipality_code: str) -> str:
    row = connection.execute(text(_MARK), {"m": municipality_code}).one()
    return "/".join(map(str, row))


def _pot(pair: list[int]) -> Pot:
    return pair[0], pair[1]

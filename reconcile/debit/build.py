"""振替の束の作成: one batch per day, bank and round, built once (G-01).

A second build for the same day and bank makes nothing: it says what differs. To put another batch
in the place of one that is in force, two people agree (:mod:`reconcile.debit.release`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.calendars import is_bank_business_day
from payments.domain.errors import (
    InvalidValueError,
    NotFoundError,
    RefusedError,
)
from payments.store.bulk import insert_rows, take_numbers
from reconcile.debit import batches as books
from reconcile.debit.accounts import differing
from reconcile.debit.batches import BUILT, FIRST, SECOND, Batch, banks_of, head_of
from reconcile.debit.choose import Asked, Candidate, Choice, candidates, chosen
from reconcile.debit.results import answered
from reconcile.debit.second import Second, second_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.domain.debiting import DebitBank
    from payments.domain.profile import Profile
    from reconcile.debit.batches import Row

_COLUMNS = ("municipality_code", "batch_no", "row_no", "notice_id", "term", "amount_yen",
            "customer_no", "entry_no", "new_code")  # fmt: skip
NONE, EMPTY, UNCHANGED, DIFFERENT = "none", "empty", "unchanged", "different"
NO_BANK = ""


class Act(NamedTuple):
    """作成の機会: who builds, and when."""

    actor: str
    at: datetime
    today: date


class Cause(NamedTuple):
    """作り直しの理由: which batch is replaced, by which approval, and why."""

    replaces_no: int
    approval_id: int
    reason: str


class Change(NamedTuple):
    """違い: an instalment of which two selections say something else; 0 yen where it is not."""

    notice_id: int
    term: str
    before_yen: int
    after_yen: int
    account_changed: bool


@dataclass(frozen=True, slots=True)
class BankPlan:
    """一つの銀行の予定: what would go into its batch now, beside what is in force."""

    bank_code: str
    choice: Choice
    batch: Batch | None
    changes: tuple[Change, ...] = ()

    @property
    def state(self) -> str:
        """``none`` yet, ``empty``, ``unchanged`` or ``different`` from what is in force."""
        if self.batch is None:
            return NONE if self.choice.rows else EMPTY
        return DIFFERENT if self.changes else UNCHANGED


@dataclass(frozen=True, slots=True)
class Run:
    """振替日の予定: every bank of the profile, and what no bank can be asked for."""

    debit_on: date
    round: int
    due_from_on: date
    banks: tuple[BankPlan, ...]
    nowhere: dict[str, list[int]] = field(default_factory=dict)  # ground → count and yen


def run_of(
    connection: Connection,
    profile: Profile,
    debit_on: date,
    due_from_on: date | None = None,
    *,
    coded: bool = True,
) -> Run:
    """振替日の予定 of the first round: bank by bank, what is in force and what would be now.

    What stands in a batch in force is looked at by the day from which it took instalments. Whoever
    only counts asks for no 新規コード (``coded``), which are a question to all debits there were.
    """
    code = profile.municipality_code
    begin = due_from_on or debit_on
    standing = {b.bank_code: b for b in books.batches_on(connection, code, debit_on)
                if b.round == FIRST}  # fmt: skip
    if due_from_on is None and standing:
        begin = min(batch.due_from_on for batch in standing.values())
    plans = []
    fresh = candidates(connection, code, Asked(debit_on, begin))
    for bank_code in sorted({*banks_of(profile), *standing}):
        batch, besides, found = standing.get(bank_code), 0, fresh
        if batch is not None:
            besides = batch.batch_no
            found = candidates(
                connection, code, Asked(debit_on, batch.due_from_on, besides=besides)
            )
        choice = chosen(connection, code, found, bank_code, besides=besides, coded=coded)
        # What the results themselves have changed is no difference of two selections.
        awaited = batch is not None and not answered(connection, code, batch)[0]
        changes = changes_from(connection, code, batch, choice) if batch and awaited else ()
        plans.append(BankPlan(bank_code, choice, batch, changes))
    return Run(debit_on, FIRST, begin, tuple(plans), _nowhere(profile, fresh))


def build(
    connection: Connection,
    profile: Profile,
    debit_on: date,
    act: Act,
    *,
    due_from_on: date | None = None,
    banks: Iterable[str] = (),
) -> tuple[Run, list[Batch]]:
    """束の作成: a batch for every bank (or these) that has none and is owed something.

    Gives the run as it stands then, and the batches that were built now. Raises
    :class:`InvalidValueError` ``debit_day``, ``debit_due_from``, :class:`RefusedError`
    ``debit_day_past`` or ``debit_day_far``, :class:`NotFoundError` ``debit_bank``, and
    :class:`RefusedError` ``debit_unconfigured``.
    """
    require_day(profile, debit_on, act.today)
    if due_from_on is not None and due_from_on > debit_on:
        raise InvalidValueError("debit_due_from", found=due_from_on.isoformat())
    wanted = set(banks) or set(banks_of(profile))
    for bank_code in sorted(wanted - set(banks_of(profile))):
        raise NotFoundError("debit_bank", found=bank_code)
    run = run_of(connection, profile, debit_on, due_from_on)
    built = []
    for plan in run.banks:
        if plan.state == NONE and plan.bank_code in wanted:
            asked = Asked(debit_on, due_from_on or debit_on)
            built.append(write(connection, profile, asked, plan.bank_code, plan.choice, act))
    return run_of(connection, profile, debit_on, due_from_on), built


def build_second(
    connection: Connection, profile: Profile, first_on: date, debit_on: date, act: Act
) -> tuple[list[Second], list[Batch]]:
    """再振替の作成: a batch of the failed ones for every bank of the first day.

    All banks or none. Raises what :func:`second_of` and :func:`require_day` raise,
    :class:`RefusedError` ``debit_second_day`` for a day that is not after the first,
    ``debit_batch_exists`` where a second debit is in force already, and :class:`NotFoundError`
    ``debit_run``.
    """
    require_day(profile, debit_on, act.today)
    if debit_on <= first_on:
        raise RefusedError("debit_second_day", found=debit_on.isoformat())
    found = seconds(connection, profile, first_on, debit_on)
    built = []
    for second in found:
        bank_code = second.first.bank_code
        standing = books.in_force(
            connection, profile.municipality_code, debit_on, bank_code, SECOND
        )
        if standing is not None:
            raise RefusedError("debit_batch_exists", batch_no=standing.batch_no)
        if second.choice.rows:
            asked = Asked(debit_on, second.first.due_from_on, SECOND, second.first.batch_no)
            built.append(write(connection, profile, asked, bank_code, second.choice, act))
    return found, built


def seconds(
    connection: Connection, profile: Profile, first_on: date, debit_on: date
) -> list[Second]:
    """再振替の内容: bank by bank; :class:`NotFoundError` ``debit_run`` when nothing was sent."""
    firsts = [
        batch
        for batch in books.batches_on(connection, profile.municipality_code, first_on)
        if batch.round == FIRST and batch.event(books.SENT) is not None
    ]
    if not firsts:
        raise NotFoundError("debit_run", found=first_on.isoformat())
    return [second_of(connection, profile, first, debit_on) for first in firsts]


def choice_again(connection: Connection, profile: Profile, batch: Batch) -> Choice:
    """いまの選択 for a batch that was built: what would go into it now."""
    code = profile.municipality_code
    if batch.first_batch_no is not None:
        first = books.batch_of(connection, code, batch.first_batch_no)
        return second_of(connection, profile, first, batch.debit_on, besides=batch.batch_no).choice
    asked = Asked(batch.debit_on, batch.due_from_on, besides=batch.batch_no)
    found = candidates(connection, code, asked)
    return chosen(connection, code, found, batch.bank_code, besides=batch.batch_no)


def changes_from(
    connection: Connection, municipality_code: str, batch: Batch, choice: Choice
) -> tuple[Change, ...]:
    """違い of what would be chosen now from what stands in a batch."""
    rows = books.rows_of(connection, municipality_code, batch.batch_no)
    old = {(row.notice_id, row.term): row for row in rows}
    new = {(row.notice_id, row.term): row for row in choice.rows}
    entries = {key: (old[key].entry_no, new[key].entry_no) for key in old.keys() & new.keys()}
    # An entry that says the same account once more is no other account.
    unlike = differing(connection, municipality_code, entries.values())
    found = []
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        before_yen = before.amount_yen if before else 0
        after_yen = after.amount_yen if after else 0
        moved = entries.get(key) in unlike
        if before_yen != after_yen or moved:
            found.append(Change(*key, before_yen, after_yen, moved))
    return tuple(found)


def write(
    connection: Connection,
    profile: Profile,
    asked: Asked,
    bank_code: str,
    choice: Choice,
    act: Act,
    cause: Cause | None = None,
) -> Batch:
    """束を書く: the batch with its hash, its rows, and that it was built.

    Raises what :func:`debit_request.write` raises, before anything is written.
    """
    code = profile.municipality_code
    head = head_of(profile, _bank(profile, bank_code))
    data = books.file_bytes(connection, code, head, asked.debit_on, choice.rows)
    batch_no = take_numbers(connection, code, "debit_batch", 1)
    connection.execute(
        books.batch_table.insert().values(
            municipality_code=code,
            batch_no=batch_no,
            debit_on=asked.debit_on,
            bank_code=bank_code,
            round=asked.round,
            first_batch_no=asked.first_batch_no or None,
            replaces_no=cause.replaces_no if cause else None,
            due_from_on=asked.due_from_on,
            head_json=json.dumps(head, ensure_ascii=False),
            left_json=json.dumps(choice.left, sort_keys=True),
            count=len(choice.rows),
            amount_yen=choice.amount_yen,
            file_sha256=sha256(data).hexdigest(),
            size_bytes=len(data),
            built_at=act.at,
            actor=act.actor,
            approval_id=cause.approval_id if cause else None,
            reason=cause.reason if cause else "",
            in_force=True,
        )
    )
    rows = ((batch_no, *row) for row in choice.rows)
    insert_rows(connection, "debit_row", _COLUMNS, rows, constants=(code,))
    batch = books.batch_of(connection, code, batch_no)
    books.add_event(
        connection, code, batch, BUILT, actor=act.actor, at=act.at, reason=batch.reason,
        approval_id=cause.approval_id if cause else None,
    )  # fmt: skip
    return books.batch_of(connection, code, batch_no)


def require_day(profile: Profile, debit_on: date, today: date) -> None:
    """引落日の確認: a bank business day ahead, but not far ahead (I17, I18).

    Raises as :func:`build`.
    """
    if not profile.debit.banks or not profile.debit.consignor_name:
        raise RefusedError("debit_unconfigured")
    if not is_bank_business_day(debit_on):
        raise InvalidValueError("debit_day", found=debit_on.isoformat())
    if debit_on <= today:
        raise RefusedError("debit_day_past", found=debit_on.isoformat())
    if debit_on > today + timedelta(days=profile.debit.ahead_days_max):
        raise RefusedError("debit_day_far", found=debit_on.isoformat(),
                           expected=profile.debit.ahead_days_max)  # fmt: skip


def _bank(profile: Profile, bank_code: str) -> DebitBank:
    """The bank; :class:`NotFoundError` ``debit_bank`` when the profile names it no more."""
    found = banks_of(profile).get(bank_code)
    if found is None:
        raise NotFoundError("debit_bank", found=bank_code)
    return found


def _nowhere(profile: Profile, found: Sequence[Candidate]) -> dict[str, list[int]]:
    """What no bank can be asked for: without an account, or at a bank that takes no requests."""
    known = banks_of(profile)
    left: dict[str, list[int]] = {}
    for each in found:
        if each.bank_code in known or each.ground in {"paid", "in_batch"}:
            continue
        pot = left.setdefault(each.ground or "bank_unknown", [0, 0])
        pot[0] += 1
        pot[1] += max(each.open_yen, 0)
    return dict(sorted(left.items()))


def rows_digest(rows: Sequence[Row]) -> str:
    """明細のハッシュ, so that two people agree about the same rows."""
    return sha256(json.dumps([list(row) for row in rows]).encode()).hexdigest()

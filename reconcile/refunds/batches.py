"""還付の振込データ: refunds that go out together, frozen, released by two people, sent once.

A batch belongs to a day and an account. It is built once: its transfers are rows that never change
(numbers sealed), its file is written from these rows alone, and its hash is kept, so that the same
bytes can be had again at any time. A second build for that day says what differs and needs a
reason; it takes the place of one that was not released, and of a released one it takes nothing:
an attempt at a refund is sent with one batch, which the key of ``refund_sent`` sees to whoever
releases at the same time. Two people may withdraw one (:mod:`reconcile.refunds.withdraw`).
"""

from __future__ import annotations

import json
from datetime import date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.domain.calendars import bank_business_day
from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.domain.reason import require_reason
from payments.store.bulk import take_numbers
from payments.versions import as_day
from reconcile.formats.zengin_transfer import Order, Transfer, write
from reconcile.refunds import payees
from reconcile.refunds.batch_events import (
    BUILT,
    HANDED_OUT,
    PAID,
    RELEASED,
    REPLACED,
    write_batch_event,
)
from reconcile.refunds.events import PAYABLE, Refund, refunds
from reconcile.refunds.read_back import require_as_meant
from reconcile.refunds.sealed import read_text, write_text
from reconcile.store.refund_tables import RefundBatchLineRow, RefundBatchRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from payments.domain.profile import Account, Profile

LIVE = (BUILT, RELEASED, HANDED_OUT, PAID)
GONE = (RELEASED, HANDED_OUT)  # of which the bank must still pay
STATEMENT = "03"  # 入出金取引明細: the only file in which money leaves an account

table: Any = RefundBatchRow.__table__  # type: ignore[attr-defined]
line_table: Any = RefundBatchLineRow.__table__  # type: ignore[attr-defined]


class Batch(NamedTuple):
    """振込データ with its state."""

    batch_no: int
    transfer_on: date
    account_key: str
    build_no: int
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int
    interest_yen: int
    file_sha256: str
    difference: dict[str, list[int]]  # refund numbers: added, removed, changed
    reason: str
    built_by: str
    made_at: Any
    state: str

    @property
    def total_yen(self) -> int:
        """合計: what the bank pays."""
        return self.amount_yen + self.interest_yen

    @property
    def file_name(self) -> str:
        """ファイル名."""
        return f"refund-{self.transfer_on:%Y%m%d}-{self.batch_no}.txt"


class Frozen(NamedTuple):
    """振込の一件 as it is frozen, without the account's number."""

    line_no: int
    refund_no: int
    attempt: int
    account_no: int
    amount_yen: int
    interest_yen: int


# The file may be taken again behind the payment, which stays the end of a batch; nothing comes
# behind its withdrawal.
_STATE = """COALESCE((SELECT e.event FROM refund_batch_event e WHERE e.municipality_code = :m
    AND e.batch_no = b.batch_no
    ORDER BY CASE e.event WHEN 'paid' THEN 0 ELSE 1 END, e.event_no DESC LIMIT 1), 'built')"""
_BATCHES = f"""
SELECT b.batch_no, b.transfer_on, b.account_key, b.build_no, b.count, b.amount_yen,
    b.interest_yen, b.file_sha256, b.difference_json, b.reason, b.built_by, b.made_at,
    {_STATE} AS state
FROM refund_batch b WHERE b.municipality_code = :m {{which}} ORDER BY b.batch_no DESC"""
_LINES = """
SELECT line_no, refund_no, attempt, account_no, amount_yen, interest_yen FROM refund_batch_line
WHERE municipality_code = :m AND batch_no = :batch_no AND line_no > :after ORDER BY line_no"""
# Refunds that another batch holds already: one that is neither replaced nor withdrawn.
_TAKEN = f"""
SELECT l.refund_no, l.attempt, l.account_no, {_STATE} AS state FROM refund_batch b
JOIN refund_batch_line l ON l.municipality_code = :m AND l.batch_no = b.batch_no
WHERE b.municipality_code = :m AND b.batch_no <> :except
  AND {_STATE} NOT IN ('replaced', 'withdrawn')"""
_SENT = "SELECT refund_no, attempt FROM refund_sent WHERE municipality_code = :m"


# ---- what there is ----


def batches(connection: Connection, municipality_code: str) -> list[Batch]:
    """振込データの一覧, newest first."""
    return _batches(connection, municipality_code, "")


def batch(connection: Connection, municipality_code: str, batch_no: int) -> Batch:
    """振込データ by its number; :class:`NotFoundError` ``batch_no``."""
    found = _batches(connection, municipality_code, "AND b.batch_no = :no", no=batch_no)
    if not found:
        raise NotFoundError("batch_no", batch_no=batch_no)
    return found[0]


def lines(
    connection: Connection,
    municipality_code: str,
    batch_no: int,
    *,
    after: int = 0,
    most: int | None = None,
) -> list[Frozen]:
    """振込の明細 as frozen, behind the line of a number."""
    values = {"m": municipality_code, "batch_no": batch_no, "after": after}
    statement = _LINES if most is None else f"{_LINES} LIMIT :most"
    rows = connection.execute(text(statement), values | ({} if most is None else {"most": most}))
    return [Frozen(*row) for row in rows]


def _batches(
    connection: Connection, municipality_code: str, which: str, **values: object
) -> list[Batch]:
    rows = connection.execute(
        text(_BATCHES.format(which=which)), {"m": municipality_code, **values}
    )
    found = []
    for row in rows:
        facts = list(row)
        facts[1], facts[8] = as_day(row.transfer_on), json.loads(row.difference_json)
        if isinstance(row.made_at, str):  # as SQLite hands out instants
            facts[11] = datetime.fromisoformat(row.made_at)
        found.append(Batch(*facts))
    return found


# ---- building ----


class Draft(NamedTuple):
    """作成の見込み: what a build would hold, and how that differs from the one before."""

    transfer_on: date
    account: Account
    refunds: tuple[Refund, ...]
    before: Batch | None
    difference: dict[str, list[int]]
    held: tuple[Refund, ...]  # left out: their account was revoked

    @property
    def total_yen(self) -> int:
        """合計."""
        return sum(each.total_yen for each in self.refunds)


def draft(connection: Connection, profile: Profile, transfer_on: date) -> Draft:
    """作成の見込み for a day: every refund that waits for a transfer, less what others hold.

    A refund whose account was revoked is held back until it has another one.

    Raises :class:`RefusedError` ``refund_orderer`` where the profile names nobody who transfers,
    ``refund_account_notice`` where nobody would see that the bank has paid.
    """
    account = account_of(profile)
    require_statement(account)
    code = profile.municipality_code
    which = "AND b.transfer_on = :day AND b.account_key = :key"
    builds = _batches(connection, code, which, day=transfer_on.isoformat(), key=account.key)
    before = builds[0] if builds else None
    replaces = before.batch_no if before is not None and before.state == BUILT else 0
    taken = _taken(connection, code, replaces)
    taken |= {tuple(row) for row in connection.execute(text(_SENT), {"m": code})}
    waits = [
        each
        for each in refunds(connection, code, states=PAYABLE)
        if (each.refund_no, each.attempt) not in taken
    ]
    revoked = payees.not_counting(connection, code, (each.account_no for each in waits))
    found = tuple(each for each in waits if each.account_no not in revoked)
    held = tuple(each for each in waits if each.account_no in revoked)
    stood = lines(connection, code, before.batch_no) if before is not None else []
    return Draft(transfer_on, account, found, before, _difference(stood, found), held)


def _taken(connection: Connection, code: str, replaces: int) -> set[tuple[int, int]]:
    """Attempts that other batches hold; one that can never be released holds none of its own."""
    rows = connection.execute(text(_TAKEN), {"m": code, "except": replaces}).all()
    waits = (row.account_no for row in rows if row.state == BUILT)
    revoked = payees.not_counting(connection, code, waits)
    return {
        (row.refund_no, row.attempt)
        for row in rows
        if row.state != BUILT or row.account_no not in revoked
    }


def build(
    connection: Connection,
    profile: Profile,
    transfer_on: date,
    *,
    by: str,
    at: datetime,
    today: date,
    reason: str = "",
) -> Batch:
    """振込データの作成: frozen line by line, written, read back, and hashed, or not at all.

    Raises :class:`InvalidValueError` ``batch_day`` (no day on which banks transfer, or past) or
    ``reason_missing``; :class:`RefusedError` what :func:`draft` raises, ``batch_empty``, or
    ``batch_reason`` when there is a build for that day and nobody has said why.
    """
    code = profile.municipality_code
    if transfer_on < today or bank_business_day(transfer_on) != transfer_on:
        raise InvalidValueError("batch_day", found=transfer_on.isoformat())
    made = draft(connection, profile, transfer_on)
    if made.before is not None and not reason.strip():
        raise RefusedError(
            "batch_reason", transfer_on=transfer_on.isoformat(), batch_no=made.before.batch_no
        )
    if not made.refunds:
        raise RefusedError("batch_empty", transfer_on=transfer_on.isoformat())
    reason = require_reason(reason) if made.before is not None else ""
    number = take_numbers(connection, code, "refund_batch", 1)
    transfers = [_transfer(connection, code, number, each) for each in made.refunds]
    order = _order(profile, made.account, transfer_on, transfers)
    data = write([order])
    require_as_meant(data, transfers)
    header = {**order._asdict(), "transfer_on": transfer_on.isoformat(), "transfers": None}
    connection.execute(
        table.insert().values(
            municipality_code=code,
            batch_no=number,
            transfer_on=transfer_on,
            account_key=made.account.key,
            build_no=made.before.build_no + 1 if made.before is not None else 1,
            order_json=json.dumps(header, ensure_ascii=False, sort_keys=True),
            count=len(transfers),
            amount_yen=sum(each.amount_yen for each in made.refunds),
            interest_yen=sum(each.interest_yen for each in made.refunds),
            file_sha256=sha256(data).hexdigest(),
            difference_json=json.dumps(made.difference),
            reason=reason,
            built_by=by,
            made_at=at,
        )
    )
    _freeze(connection, code, number, zip(made.refunds, transfers, strict=True))
    if made.before is not None and made.before.state == BUILT:
        write_batch_event(
            connection, code, made.before.batch_no, REPLACED, by=by, at=at, note=reason
        )
    return batch(connection, code, number)


def _freeze(
    connection: Connection, code: str, number: int, found: Iterable[tuple[Refund, Transfer]]
) -> None:
    connection.execute(
        line_table.insert(),
        [
            {
                "municipality_code": code,
                "batch_no": number,
                "line_no": line_no,
                "refund_no": each.refund_no,
                "attempt": each.attempt,
                "account_no": each.account_no,
                "amount_yen": each.amount_yen,
                "interest_yen": each.interest_yen,
                "text_no": write_text(
                    connection, code, json.dumps(transfer._asdict(), ensure_ascii=False)
                ),
            }
            for line_no, (each, transfer) in enumerate(found, start=1)
        ],
    )


def require_statement(account: Account) -> None:
    """仕向口座の資料: its money must be what the statement (03) says.

    出金 stands in no other file (files.md 1.1, 1.2), and a statement of an account whose money is
    what 振込入金通知 (01) says is 情報 alone (outcomes.md 7): its batches could never be paid.
    Raises :class:`RefusedError` ``refund_account_notice``.
    """
    if account.money_kind != STATEMENT:
        raise RefusedError("refund_account_notice", account=account.key)


def account_of(profile: Profile) -> Account:
    """仕向口座: the one that the profile names, or its first.

    Raises :class:`RefusedError` ``refund_orderer``.
    """
    refunds_ = profile.refunds
    found = (
        profile.account(refunds_.account)
        if refunds_.account
        else next(iter(profile.accounts), None)
    )
    if found is None or not refunds_.orderer_code or not refunds_.orderer_name:
        raise RefusedError("refund_orderer")
    return found


def _transfer(connection: Connection, code: str, batch_no: int, each: Refund) -> Transfer:
    """One refund as the bank is told; the customer codes are our numbers."""
    to = payees.payee(connection, code, each.account_no)
    return Transfer(
        bank_code=to.bank_code,
        branch_code=to.branch_code,
        account_type=to.account_type,
        account_no=to.account_no,
        payee_name=to.holder,
        amount_yen=each.total_yen,
        bank_name=to.bank_name,
        branch_name=to.branch_name,
        customer_code_1=f"{each.refund_no:010d}",
        customer_code_2=f"{batch_no:010d}",
    )


def _order(
    profile: Profile, account: Account, transfer_on: date, transfers: Sequence[Transfer]
) -> Order:
    return Order(
        orderer_code=profile.refunds.orderer_code,
        orderer_name=profile.refunds.orderer_name,
        transfer_on=transfer_on,
        bank_code=account.bank_code,
        bank_name=account.bank_name,
        branch_code=account.branch_code,
        branch_name=account.branch_name,
        account_type=account.account_type,
        account_no=account.account_no,
        transfers=transfers,
    )


def _difference(before: Sequence[Frozen], now: Sequence[Refund]) -> dict[str, list[int]]:
    """違い: refunds that a build has beside the one before it, or without it, or otherwise."""
    # Another attempt is no difference of its own: what came back goes to another account.
    old = {each.refund_no: (each.account_no, each.amount_yen) for each in before}
    new = {each.refund_no: (each.account_no, each.amount_yen) for each in now}
    return {
        "added": sorted(new.keys() - old.keys()),
        "removed": sorted(old.keys() - new.keys()),
        "changed": sorted(no for no in old.keys() & new.keys() if old[no] != new[no]),
    }


# ---- the file ----


def file_of(connection: Connection, municipality_code: str, batch_no: int) -> bytes:
    """振込ファイル of a released batch, from its frozen rows: the same bytes at any time.

    Raises :class:`NotFoundError` ``batch_no``; :class:`RefusedError` ``batch_state`` while two
    people have not released it, ``batch_changed`` when the rows are not those that were frozen.
    """
    found = batch(connection, municipality_code, batch_no)
    if found.state not in {*GONE, PAID}:
        raise RefusedError("batch_state", batch_no=batch_no, state=found.state)
    return rewrite(connection, municipality_code, found)


def facts_of(found: Batch) -> dict[str, Any]:
    """束の要点: what two people agree to when they decide about a batch."""
    return {
        "batch_no": found.batch_no,
        "transfer_on": found.transfer_on.isoformat(),
        "account_key": found.account_key,
        "build_no": found.build_no,
        "count": found.count,
        "amount_yen": found.amount_yen,
        "interest_yen": found.interest_yen,
        "total_yen": found.total_yen,
        "file_sha256": found.file_sha256,
    }


def rewrite(connection: Connection, municipality_code: str, found: Batch) -> bytes:
    """The file of a batch once more; :class:`RefusedError` ``batch_changed``."""
    scope = {"m": municipality_code, "batch_no": found.batch_no}
    header = connection.execute(
        text(
            "SELECT order_json FROM refund_batch "
            "WHERE municipality_code = :m AND batch_no = :batch_no"
        ),
        scope,
    ).scalar_one()
    numbers = connection.execute(
        text(
            "SELECT text_no FROM refund_batch_line "
            "WHERE municipality_code = :m AND batch_no = :batch_no ORDER BY line_no"
        ),
        scope,
    ).scalars()
    transfers = [
        Transfer(**json.loads(read_text(connection, municipality_code, number)))
        for number in numbers.all()
    ]
    said = json.loads(header)
    said |= {"transfer_on": date.fromisoformat(said["transfer_on"]), "transfers": transfers}
    data = write([Order(**said)])
    if sha256(data).hexdigest() != found.file_sha256:
        raise RefusedError("batch_changed", batch_no=found.batch_no)
    return data

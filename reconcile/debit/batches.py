"""振替の束: batches as the books have them, their rows, what happened to them, and their bytes.

The file of a batch is made from its frozen rows alone, so that the same bytes can be had again at
any time; their hash was recorded when it was built.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select

from payments.domain.errors import ConflictError, NotFoundError
from reconcile.debit.accounts import accounts_by_entry
from reconcile.formats import debit_request
from reconcile.formats.debit_records import Batch as RequestBatch
from reconcile.formats.debit_records import Debit
from reconcile.formats.wrapping import Wrapping
from reconcile.store.debit_tables import DebitBatchRow, DebitEventRow, DebitRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.domain.debiting import DebitBank
    from payments.domain.profile import Profile

batch_table = DebitBatchRow.__table__  # type: ignore[attr-defined]
row_table = DebitRow.__table__  # type: ignore[attr-defined]
event_table = DebitEventRow.__table__  # type: ignore[attr-defined]
FIRST, SECOND = 1, 2
BUILT, RELEASED, SENT, TAKEN_AGAIN = "built", "released", "sent", "taken_again"
ACKNOWLEDGED, REPLACED, WITHDRAWN = "acknowledged", "replaced", "withdrawn"
DIFFERS = "differs"
STATES = (BUILT, RELEASED, SENT, DIFFERS, ACKNOWLEDGED, REPLACED, WITHDRAWN)


class Head(NamedTuple):
    """ヘッダー of the file of a batch, frozen with it."""

    consignor_code: str
    consignor_name: str
    bank_code: str
    bank_name: str
    branch_code: str
    branch_name: str
    account_type: str
    account_no: str
    line_ends: str


class Row(NamedTuple):
    """明細: one debit of a batch."""

    row_no: int
    notice_id: int
    term: str
    amount_yen: int
    customer_no: str
    entry_no: int
    new_code: str


@dataclass(frozen=True, slots=True)
class Event:
    """出来事 of a batch; count and yen are those a bank acknowledged."""

    event_no: int
    event: str
    made_at: datetime
    actor: str
    reason: str
    approval_id: int | None
    count: int | None
    amount_yen: int | None


@dataclass(frozen=True, slots=True)
class Batch:
    """振替の束: one file for one day, bank and round."""

    batch_no: int
    debit_on: date
    bank_code: str
    round: int
    first_batch_no: int | None
    replaces_no: int | None
    due_from_on: date
    head: Head
    left: dict[str, list[int]]  # reason → count and yen of what was left out
    count: int
    amount_yen: int
    file_sha256: str
    size_bytes: int
    built_at: datetime
    actor: str
    reason: str
    in_force: bool
    events: tuple[Event, ...]

    @property
    def name(self) -> str:
        """ファイル名 for the bank: the day with its year, the bank, the round and the number."""
        return f"debit-{self.debit_on:%Y%m%d}-{self.bank_code}-{self.round}-{self.batch_no}.dat"

    @property
    def state(self) -> str:
        """状態: one of :data:`STATES`."""
        happened = {event.event for event in self.events}
        for ended in (REPLACED, WITHDRAWN):
            if not self.in_force and ended in happened:
                return ended
        if self.acknowledged is not None:
            return ACKNOWLEDGED if self.acknowledged == (self.count, self.amount_yen) else DIFFERS
        return SENT if SENT in happened else RELEASED if RELEASED in happened else BUILT

    @property
    def acknowledged(self) -> tuple[int, int] | None:
        """受付件数・金額 as the bank said last; None before it said anything."""
        said = [(e.count or 0, e.amount_yen or 0) for e in self.events if e.event == ACKNOWLEDGED]
        return said[-1] if said else None

    def event(self, name: str) -> Event | None:
        """The latest event of this name."""
        return next((event for event in reversed(self.events) if event.event == name), None)


def banks_of(profile: Profile) -> dict[str, DebitBank]:
    """取扱金融機関 by code."""
    return {bank.bank_code: bank for bank in profile.debit.banks}


def head_of(profile: Profile, bank: DebitBank) -> Head:
    """ヘッダー of a file for this bank."""
    return Head(
        bank.consignor_code or profile.debit_consignor_code, profile.debit.consignor_name,
        bank.bank_code, bank.bank_name, bank.branch_code, bank.branch_name, bank.account_type,
        bank.account_no, bank.line_ends,
    )  # fmt: skip


def batch_of(connection: Connection, municipality_code: str, batch_no: int) -> Batch:
    """振替の束 by its number; :class:`NotFoundError` ``debit_batch``."""
    found = _batches(connection, municipality_code, batch_table.c.batch_no == batch_no)
    if not found:
        raise NotFoundError("debit_batch", batch_no=batch_no)
    return found[0]


def batches_on(
    connection: Connection, municipality_code: str, debit_on: date, *, in_force: bool = True
) -> list[Batch]:
    """その日の束, by round and bank; with those that ended when ``in_force`` is False."""
    wanted = batch_table.c.debit_on == debit_on
    if in_force:
        wanted &= batch_table.c.in_force
    return _batches(connection, municipality_code, wanted)


def batches(connection: Connection, municipality_code: str, *, limit: int = 200) -> list[Batch]:
    """束の一覧, the latest debit first."""
    newest = (
        select(batch_table.c.batch_no)
        .where(batch_table.c.municipality_code == municipality_code)
        .order_by(batch_table.c.debit_on.desc(), batch_table.c.batch_no.desc())
        .limit(limit)
    )
    found = _batches(connection, municipality_code, batch_table.c.batch_no.in_(newest))
    return sorted(found, key=lambda batch: (batch.debit_on, batch.batch_no), reverse=True)


def in_force(
    connection: Connection, municipality_code: str, debit_on: date, bank_code: str, round_: int
) -> Batch | None:
    """有効な束 of this day, bank and round; the database keeps it from being two."""
    found = _batches(
        connection,
        municipality_code,
        (batch_table.c.debit_on == debit_on)
        & (batch_table.c.bank_code == bank_code)
        & (batch_table.c.round == round_)
        & batch_table.c.in_force,
    )
    return found[0] if found else None


def rows_of(
    connection: Connection,
    municipality_code: str,
    batch_no: int,
    *,
    after: int = 0,
    limit: int | None = None,
) -> list[Row]:
    """明細 of a batch in the order of its file; ``after`` the row of this number."""
    wanted = (
        select(*(row_table.c[name] for name in Row._fields))
        .where(
            row_table.c.municipality_code == municipality_code,
            row_table.c.batch_no == batch_no,
            row_table.c.row_no > after,
        )
        .order_by(row_table.c.row_no)
    )
    return [Row(*row) for row in connection.execute(wanted.limit(limit))]


def bytes_of(connection: Connection, municipality_code: str, batch: Batch) -> bytes:
    """ファイルの内容: the bytes of a batch, made again from its rows.

    Raises :class:`ConflictError` ``debit_file_differs`` when they are not those recorded.
    """
    rows = rows_of(connection, municipality_code, batch.batch_no)
    data = file_bytes(connection, municipality_code, batch.head, batch.debit_on, rows)
    if sha256(data).hexdigest() != batch.file_sha256:
        raise ConflictError("debit_file_differs", batch_no=batch.batch_no)
    return data


def file_bytes(
    connection: Connection, municipality_code: str, head: Head, debit_on: date, rows: Sequence[Row]
) -> bytes:
    """口座振替依頼 of these rows; raises what :func:`debit_request.write` raises."""
    accounts = accounts_by_entry(connection, municipality_code, [row.entry_no for row in rows])
    debits = [
        Debit(
            row.customer_no, row.amount_yen, "0", account.bank_code, account.bank_name,
            account.branch_code, account.branch_name, account.account_type, account.account_no,
            account.holder_name, row.new_code,
        )
        for row in rows
        for account in (accounts[row.entry_no],)
    ]  # fmt: skip
    request = RequestBatch(
        head.consignor_code, head.consignor_name, debit_on, head.bank_code, head.bank_name,
        head.branch_code, head.branch_name, head.account_type, head.account_no, debits,
    )  # fmt: skip
    newline = b"\r\n" if head.line_ends == "crlf" else b""
    return debit_request.write([request], Wrapping(newline=newline))


def add_event(
    connection: Connection, municipality_code: str, batch: Batch, event: str, **said: Any
) -> None:
    """出来事の記録: ``actor`` and ``at``, and perhaps reason, approval_id, count, amount_yen."""
    connection.execute(
        event_table.insert().values(
            municipality_code=municipality_code,
            batch_no=batch.batch_no,
            event_no=len(batch.events) + 1,
            event=event,
            made_at=said["at"],
            actor=said["actor"],
            reason=said.get("reason", ""),
            approval_id=said.get("approval_id"),
            file_sha256=batch.file_sha256,
            count=said.get("count"),
            amount_yen=said.get("amount_yen"),
        )
    )


def as_json(batch: Batch) -> dict[str, Any]:
    """束 for a program, with its state."""
    said = {**asdict(batch), "head": batch.head._asdict()}
    return {**said, "state": batch.state, "name": batch.name}


def _batches(connection: Connection, municipality_code: str, wanted: Any) -> list[Batch]:
    rows = connection.execute(
        select(batch_table, batch_table.c["count"].label("records"))
        .where(batch_table.c.municipality_code == municipality_code, wanted)
        .order_by(batch_table.c.round, batch_table.c.bank_code, batch_table.c.batch_no)
    ).all()
    events: dict[int, list[Event]] = {row.batch_no: [] for row in rows}
    for event in connection.execute(
        select(event_table, event_table.c["count"].label("records"))
        .where(
            event_table.c.municipality_code == municipality_code,
            event_table.c.batch_no.in_(sorted(events)),
        )
        .order_by(event_table.c.batch_no, event_table.c.event_no)
    ):
        events[event.batch_no].append(
            Event(
                event.event_no, event.event, event.made_at, event.actor, event.reason,
                event.approval_id, event.records, event.amount_yen,
            )
        )  # fmt: skip
    return [
        Batch(
            row.batch_no, row.debit_on, row.bank_code, row.round, row.first_batch_no,
            row.replaces_no, row.due_from_on, Head(*json.loads(row.head_json)),
            json.loads(row.left_json), row.records, row.amount_yen, row.file_sha256,
            row.size_bytes, row.built_at, row.actor, row.reason, row.in_force,
            tuple(events[row.batch_no]),
        )
        for row in rows
    ]  # fmt: skip

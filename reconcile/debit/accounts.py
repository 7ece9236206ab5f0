"""口座振替の口座: the register of payers' accounts, added to by files and by people.

An entry holds from its day on, for one item or for all ("" ); one for the item comes before one for
all. What was registered is never overwritten: an entry that says something new follows, so that
every debit that was asked for can name the entry it went to.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select

from payments.domain.errors import InvalidValueError, NotFoundError
from payments.store.bulk import take_numbers
from payments.store.lookups import rows_about
from payments.store.statistics import count_filled
from reconcile.store.debit_tables import DebitAccountRow
from reconcile.store.sealed_texts import read_texts, write_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from reconcile.formats.debit_accounts import AccountLine

BATCH_LINES = 5_000
_FILLED = {"debit_account": ("entry_no", "obligor_no", "item_code")}
SET, ENDED = "set", "ended"
ACCOUNT_TYPES = ("1", "2", "3", "9")
table = DebitAccountRow.__table__  # type: ignore[attr-defined]
# The entry that holds for payer ``{payer}`` and item ``{item}`` on the day ``:account_on``: one for
# the item before one for all, the latest day first.
IN_FORCE = (
    "(SELECT d.entry_no FROM debit_account d WHERE d.municipality_code = :m "
    "AND d.obligor_no = {payer} AND d.item_code IN ({item}, '') AND d.from_on <= :account_on "
    "ORDER BY d.item_code DESC, d.from_on DESC, d.entry_no DESC LIMIT 1)"
)


class Account(NamedTuple):
    """口座: where a debit goes. An ended entry has none of it."""

    bank_code: str = ""
    bank_name: str = ""
    branch_code: str = ""
    branch_name: str = ""
    account_type: str = ""
    account_no: str = ""
    holder_name: str = ""

    @property
    def masked_no(self) -> str:
        """口座番号 for the eye: its last three digits."""
        return f"****{self.account_no[-3:]}" if self.account_no else ""


class Entry(NamedTuple):
    """登録の一行, opened."""

    entry_no: int
    obligor_no: str
    item_code: str
    event: str
    from_on: date
    account: Account
    reason: str
    actor: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Wish:
    """登録の希望: what somebody wants to register, from a page or a command."""

    obligor_no: str
    item_code: str
    event: str
    from_on: date
    account: Account
    reason: str


@dataclass(slots=True)
class Registered:
    """登録結果: counts by what became of the lines; any error rejects the whole register."""

    outcomes: dict[str, int] = field(default_factory=dict)
    errors: list[tuple[int, str, str, str]] = field(default_factory=list)
    """Line, code, field, value found."""


class Occasion(NamedTuple):
    """登録の機会: who registers, when, why, and from which file."""

    actor: str
    at: datetime
    reason: str
    file_id: int | None = None


def register(
    connection: Connection,
    municipality_code: str,
    lines: Iterable[AccountLine],
    occasion: Occasion,
) -> Registered:
    """口座の登録 of a file: a line that says something new becomes an entry.

    ``applied`` (the first entry of a payer and item), ``changed``, or ``repeat`` of what holds from
    that day already; ``unknown_obligor`` and ``account_twice`` are errors.
    """
    result = Registered()
    seen: set[tuple[str, str, date]] = set()
    batch: list[AccountLine] = []
    batches = 0
    for line in lines:
        batch.append(line)
        if len(batch) >= BATCH_LINES:
            _register(connection, municipality_code, batch, seen, result, occasion)
            batch = []
            batches += 1
            count_filled(connection, _FILLED, BATCH_LINES, batches=batches)
    _register(connection, municipality_code, batch, seen, result, occasion)
    return result


def register_one(
    connection: Connection, municipality_code: str, wish: Wish, *, actor: str, at: datetime
) -> int:
    """口座の登録 by a person: the number of the new entry.

    Whether the bank takes the account was checked before. Raises :class:`NotFoundError` ``obligor``
    and :class:`InvalidValueError` ``debit_account_same`` when just that is registered already, and
    ``debit_account_none`` for the end of what there is not.
    """
    require_payer(connection, municipality_code, wish.obligor_no)
    entries = entries_of(connection, municipality_code, wish.obligor_no)
    if wish.event == ENDED and not entries:
        raise InvalidValueError("debit_account_none")
    of_day = [e for e in entries if (e.item_code, e.from_on) == (wish.item_code, wish.from_on)]
    if of_day and (of_day[-1].event, of_day[-1].account) == (wish.event, wish.account):
        raise InvalidValueError("debit_account_same")
    occasion = Occasion(actor, at, wish.reason)
    head = (wish.obligor_no, wish.item_code, wish.event, wish.from_on)
    return _write(connection, municipality_code, [(head, wish.account)], occasion)


def require_payer(connection: Connection, municipality_code: str, obligor_no: str) -> None:
    """納付義務者の確認; :class:`NotFoundError` ``obligor``."""
    if not _known(connection, municipality_code, [obligor_no]):
        raise NotFoundError("obligor", obligor_no=obligor_no)


def entries_of(connection: Connection, municipality_code: str, obligor_no: str) -> list[Entry]:
    """口座の経過 of a payer, item by item, oldest first."""
    rows = connection.execute(
        select(table)
        .where(table.c.municipality_code == municipality_code, table.c.obligor_no == obligor_no)
        .order_by(table.c.item_code, table.c.from_on, table.c.entry_no)
    ).all()
    accounts = _open(connection, municipality_code, rows)
    return [
        Entry(
            row.entry_no, row.obligor_no, row.item_code, row.event, row.from_on, account,
            row.reason, row.actor, row.made_at,
        )
        for row, account in zip(rows, accounts, strict=True)
    ]  # fmt: skip


def accounts_by_entry(
    connection: Connection, municipality_code: str, entries: Sequence[int]
) -> dict[int, Account]:
    """口座 by the numbers of their entries, opened."""
    statement = (
        "SELECT d.entry_no, d.event, d.bank_code, d.bank_name, d.branch_code, d.branch_name, "
        "d.account_type, d.text_no FROM debit_account d "
        "WHERE d.municipality_code = :m AND d.entry_no IN :some"
    )
    rows = list(rows_about(connection, statement, municipality_code, sorted(set(entries))))
    accounts = _open(connection, municipality_code, rows)
    return {row.entry_no: account for row, account in zip(rows, accounts, strict=True)}


def differing(
    connection: Connection, municipality_code: str, pairs: Iterable[tuple[int, int]]
) -> set[tuple[int, int]]:
    """違う口座: those pairs of entries that do not say the same account; only these are opened."""
    unlike = {pair for pair in pairs if pair[0] != pair[1]}
    accounts = accounts_by_entry(
        connection, municipality_code, [number for pair in unlike for number in pair]
    )
    return {pair for pair in unlike if accounts[pair[0]] != accounts[pair[1]]}


def _opened(rows: Sequence[Any], texts: Mapping[int, str]) -> list[Account]:
    """口座 of rows, opened."""
    found = []
    for row in rows:
        if row.event == ENDED:
            found.append(Account())
            continue
        number, holder = json.loads(texts[row.text_no])
        found.append(
            Account(
                row.bank_code, row.bank_name, row.branch_code, row.branch_name, row.account_type,
                number, holder,
            )
        )  # fmt: skip
    return found


def _open(connection: Connection, municipality_code: str, rows: Sequence[Any]) -> list[Account]:
    numbers = [row.text_no for row in rows if row.text_no is not None]
    return _opened(rows, read_texts(connection, municipality_code, numbers))


def _register(
    connection: Connection,
    municipality_code: str,
    batch: Sequence[AccountLine],
    seen: set[tuple[str, str, date]],
    result: Registered,
    occasion: Occasion,
) -> None:
    """Some lines: what stands is read once, what is new is written in bulk."""
    if not batch:
        return
    known = _known(connection, municipality_code, [line.obligor_no for line in batch])
    last = _last(connection, municipality_code, sorted(known))
    registered = {(payer, item_code) for payer, item_code, _ in last}
    new: list[tuple[tuple[str, str, str, date], Account]] = []
    for line in batch:
        from_on = date.fromisoformat(line.from_on)
        key = (line.obligor_no, line.item_code, from_on)
        if line.obligor_no not in known or key in seen:
            code = "unknown_obligor" if line.obligor_no not in known else "account_twice"
            result.errors.append((line.line_no, code, "obligor_no", line.obligor_no))
            continue
        seen.add(key)
        account = Account() if line.event == ENDED else Account(
            line.bank_code, line.bank_name, line.branch_code, line.branch_name, line.account_type,
            line.account_no, line.holder_name,
        )  # fmt: skip
        # A list says the same of a day however often it comes, and whatever stands beside it.
        outcome = "changed" if key[:2] in registered else "applied"
        if last.get(key) == (line.event, account):
            outcome = "repeat"
        else:
            registered.add(key[:2])
            new.append(((*key[:2], line.event, from_on), account))
        result.outcomes[outcome] = result.outcomes.get(outcome, 0) + 1
    if result.errors or not new:  # with an error the register is rejected whole
        return
    _write(connection, municipality_code, new, occasion)


def _write(
    connection: Connection,
    municipality_code: str,
    new: Sequence[tuple[tuple[str, str, str, date], Account]],
    occasion: Occasion,
) -> int:
    """New entries in bulk, their numbers and holders sealed; the first of their numbers."""
    first = take_numbers(connection, municipality_code, "debit_account", len(new))
    said = [
        json.dumps([account.account_no, account.holder_name], ensure_ascii=False)
        for head, account in new
        if head[2] == SET
    ]
    text_no = write_texts(connection, municipality_code, said)
    rows = []
    for entry_no, ((obligor_no, item_code, event, from_on), account) in enumerate(new, first):
        rows.append(
            {
                "municipality_code": municipality_code,
                "entry_no": entry_no,
                "obligor_no": obligor_no,
                "item_code": item_code,
                "event": event,
                "from_on": from_on,
                "bank_code": account.bank_code,
                "bank_name": account.bank_name,
                "branch_code": account.branch_code,
                "branch_name": account.branch_name,
                "account_type": account.account_type,
                "text_no": text_no if event == SET else None,
                "file_id": occasion.file_id,
                "reason": occasion.reason,
                "actor": occasion.actor,
                "made_at": occasion.at,
            }
        )
        text_no += event == SET
    connection.execute(table.insert(), rows)
    return first


def _known(connection: Connection, municipality_code: str, numbers: Iterable[str]) -> set[str]:
    """Those of these payers that there are."""
    statement = (
        "SELECT obligor_no FROM obligor WHERE municipality_code = :m AND obligor_no IN :some"
    )
    rows = rows_about(connection, statement, municipality_code, sorted(set(numbers)))
    return {row.obligor_no for row in rows}


def _last(
    connection: Connection, municipality_code: str, payers: Sequence[str]
) -> dict[tuple[str, str, date], tuple[str, Account]]:
    """The newest entry of each payer, item and day from which it holds, opened."""
    rows = connection.execute(
        select(table)
        .where(table.c.municipality_code == municipality_code, table.c.obligor_no.in_(payers))
        .order_by(table.c.entry_no)
    ).all()
    accounts = _open(connection, municipality_code, rows)
    return {
        (row.obligor_no, row.item_code, row.from_on): (row.event, account)
        for row, account in zip(rows, accounts, strict=True)
    }

"""還付先口座: where a person wants money back, from the resident's page or from paper.

Somebody registers an account (:func:`register`), somebody of the staff who is not the same person
confirms it (:func:`confirm`) after looking at the paper or the name, and only then may money go
there (:func:`current`). Nothing is overwritten: a further account is a further row, and the newest
confirmed one counts. The number itself is sealed (:mod:`reconcile.refunds.sealed`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.domain.reason import require_reason
from payments.store.bulk import take_numbers
from payments.versions import as_day
from reconcile.formats.zengin_common import bank_text
from reconcile.refunds.sealed import read_text, write_text
from reconcile.store.refund_tables import PayeeAccountEventRow, PayeeAccountRow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from sqlalchemy import Connection

RESIDENT, PAPER = "resident", "paper"
SOURCES = (RESIDENT, PAPER)
WAITING, CONFIRMED, REVOKED = "waiting", "confirmed", "revoked"
ACCOUNT_TYPES = {"1": "普通", "2": "当座", "4": "貯蓄", "9": "その他"}
NAME_BYTES = 30
_DIGITS = {"bank_code": 4, "branch_code": 3, "account_no": 7}
_SHOWN_DIGITS = 3

table = PayeeAccountRow.__table__  # type: ignore[attr-defined]
event_table = PayeeAccountEventRow.__table__  # type: ignore[attr-defined]


class Payee(NamedTuple):
    """口座: a bank account as a transfer names it; the holder in half-width kana."""

    bank_code: str
    branch_code: str
    account_type: str
    account_no: str
    holder: str
    bank_name: str = ""  # in half-width kana; a bank does not need it
    branch_name: str = ""

    @property
    def shown(self) -> str:
        """画面の表記: bank, branch and the last three digits."""
        kind = ACCOUNT_TYPES[self.account_type]
        hidden = "*" * (len(self.account_no) - _SHOWN_DIGITS)
        last = self.account_no[-_SHOWN_DIGITS:]
        return f"{self.bank_code}-{self.branch_code} {kind} {hidden}{last}"


class Registered(NamedTuple):
    """登録された口座: what may be shown of it, and how far it has come."""

    account_no: int
    obligor_no: str
    source: str
    shown: str
    registered_by: str
    registered_on: date
    state: str  # waiting, confirmed or revoked
    decided_by: str
    note: str


def payee_of(
    bank_code: str,
    branch_code: str,
    account_type: str,
    account_no: str,
    holder: str,
    *,
    bank_name: str = "",
    branch_name: str = "",
) -> Payee:
    """口座 as somebody wrote it, folded to what a bank takes.

    A number shorter than seven digits gets its zeros. Raises :class:`InvalidValueError`
    ``payee_account`` with the field, or ``record_character`` for a name that no bank takes.
    """
    values = {"bank_code": bank_code.strip(), "branch_code": branch_code.strip()}
    values["account_no"] = account_no.strip().rjust(_DIGITS["account_no"], "0")
    for field, value in values.items():
        if len(value) != _DIGITS[field] or not (value.isascii() and value.isdigit()):
            # What was typed is no one's business but the typist's.
            raise InvalidValueError("payee_account", field=field, expected=_DIGITS[field])
    if account_type not in ACCOUNT_TYPES:
        raise InvalidValueError(
            "payee_account", field="account_type", expected=" / ".join(ACCOUNT_TYPES)
        )
    names = {
        "payee_name": bank_text(holder.strip(), "payee_name"),
        "bank_name": bank_text(bank_name.strip(), "bank_name")[:15],
        "branch_name": bank_text(branch_name.strip(), "branch_name")[:15],
    }
    if not names["payee_name"] or len(names["payee_name"]) > NAME_BYTES:
        raise InvalidValueError("payee_account", field="holder", expected=f"1..{NAME_BYTES}")
    return Payee(
        values["bank_code"], values["branch_code"], account_type, values["account_no"],
        names["payee_name"], names["bank_name"], names["branch_name"],
    )  # fmt: skip


def register(
    connection: Connection,
    municipality_code: str,
    obligor_no: str,
    payee: Payee,
    *,
    source: str,
    by: str,
    on: date,
    at: datetime,
) -> int:
    """口座の登録 for a person; returns its number. It waits until somebody confirms it.

    Raises :class:`NotFoundError` ``person``.
    """
    known = connection.execute(
        text("SELECT 1 FROM obligor WHERE municipality_code = :m AND obligor_no = :obligor_no"),
        {"m": municipality_code, "obligor_no": obligor_no},
    ).first()
    if known is None:
        raise NotFoundError("person")
    number = take_numbers(connection, municipality_code, "payee_account", 1)
    written = json.dumps(payee._asdict(), ensure_ascii=False)
    connection.execute(
        table.insert().values(
            municipality_code=municipality_code,
            account_no=number,
            obligor_no=obligor_no,
            source=source,
            shown=payee.shown,
            text_no=write_text(connection, municipality_code, written),
            registered_by=by,
            registered_on=on,
            made_at=at,
        )
    )
    return number


def confirm(
    connection: Connection, municipality_code: str, account_no: int, *, by: str, at: datetime
) -> None:
    """口座の確認 by a person who did not write it down.

    Raises :class:`NotFoundError` ``payee``; :class:`RefusedError` ``payee_same_person`` or
    ``payee_decided``.
    """
    found = account(connection, municipality_code, account_no)
    if found.registered_by.casefold() == by.casefold():
        raise RefusedError("payee_same_person", user_name=by)
    if found.state != WAITING:
        raise RefusedError("payee_decided", account_no=account_no)
    _event(connection, municipality_code, account_no, CONFIRMED, by, "", at)


def revoke(
    connection: Connection,
    municipality_code: str,
    account_no: int,
    *,
    by: str,
    reason: str,
    at: datetime,
) -> None:
    """口座の取消: nothing goes there any more, for a reason.

    What two people released before counts as sent: only the bank can still stop it, and the page
    of its batch says so.

    Raises :class:`NotFoundError` ``payee``; :class:`RefusedError` ``payee_decided``;
    :class:`InvalidValueError` ``reason_missing`` or ``reason_long``.
    """
    note = require_reason(reason)
    if account(connection, municipality_code, account_no).state == REVOKED:
        raise RefusedError("payee_decided", account_no=account_no)
    _event(connection, municipality_code, account_no, REVOKED, by, note, at)


def account(connection: Connection, municipality_code: str, account_no: int) -> Registered:
    """登録された口座 by its number; :class:`NotFoundError` ``payee``."""
    found = _accounts(
        connection, municipality_code, "a.account_no = :account_no", account_no=account_no
    )
    if not found:
        raise NotFoundError("payee", account_no=account_no)
    return found[0]


def history(connection: Connection, municipality_code: str, obligor_no: str) -> list[Registered]:
    """口座の経過 of a person, newest first."""
    return _accounts(
        connection, municipality_code, "a.obligor_no = :obligor_no", obligor_no=obligor_no
    )


def current(connection: Connection, municipality_code: str, obligor_no: str) -> Registered | None:
    """いまの口座: the newest confirmed one of the person, or None."""
    found = history(connection, municipality_code, obligor_no)
    return next((each for each in found if each.state == CONFIRMED), None)


def not_counting(
    connection: Connection, municipality_code: str, numbers: Iterable[int]
) -> set[int]:
    """使えない口座: those of the numbers that are not confirmed, or were revoked since."""
    some = ", ".join(str(int(number)) for number in {0, *numbers})
    which = f"a.account_no IN ({some}) AND {_STATE} <> '{CONFIRMED}'"
    return {each.account_no for each in _accounts(connection, municipality_code, which)}


def waiting(connection: Connection, municipality_code: str) -> list[Registered]:
    """確認待ちの口座, oldest first."""
    found = _accounts(connection, municipality_code, f"{_STATE} = '{WAITING}'")
    return found[::-1]


def payee(connection: Connection, municipality_code: str, account_no: int) -> Payee:
    """口座 with its number, for a transfer or for who must look at it.

    Raises :class:`NotFoundError` ``payee`` and the errors of the key ring.
    """
    number = connection.execute(
        text(
            "SELECT text_no FROM payee_account "
            "WHERE municipality_code = :m AND account_no = :account_no"
        ),
        {"m": municipality_code, "account_no": account_no},
    ).scalar_one_or_none()
    if number is None:
        raise NotFoundError("payee", account_no=account_no)
    return Payee(**json.loads(read_text(connection, municipality_code, number)))


_LAST = """(SELECT {column} FROM payee_account_event e WHERE e.municipality_code = :m
    AND e.account_no = a.account_no ORDER BY e.event_no DESC LIMIT 1)"""
_STATE = f"COALESCE({_LAST.format(column='e.event')}, '{WAITING}')"


def _accounts(
    connection: Connection, municipality_code: str, which: str, **values: object
) -> list[Registered]:
    rows: list[Any] = list(
        connection.execute(
            text(
                f"""SELECT a.account_no, a.obligor_no, a.source, a.shown, a.registered_by,
                    a.registered_on, {_STATE} AS state, {_LAST.format(column="e.actor")},
                    {_LAST.format(column="e.note")}
                FROM payee_account a WHERE a.municipality_code = :m AND {which}
                ORDER BY a.account_no DESC"""
            ),
            {"m": municipality_code, **values},
        )
    )
    return [_registered(row) for row in rows]


def _registered(row: Any) -> Registered:
    *facts, day, state, decided_by, note = row
    account_no, obligor_no, source, shown, by = facts
    return Registered(
        account_no, obligor_no, source, shown, by, as_day(day), state, decided_by or "", note or ""
    )


def _event(
    connection: Connection,
    municipality_code: str,
    account_no: int,
    event: str,
    by: str,
    note: str,
    at: datetime,
) -> None:
    last = connection.execute(
        text(
            "SELECT COALESCE(MAX(event_no), 0) FROM payee_account_event "
            "WHERE municipality_code = :m AND account_no = :account_no"
        ),
        {"m": municipality_code, "account_no": account_no},
    ).scalar_one()
    connection.execute(
        event_table.insert().values(
            municipality_code=municipality_code,
            account_no=account_no,
            event_no=int(last) + 1,
            event=event,
            actor=by,
            note=note,
            made_at=at,
        )
    )

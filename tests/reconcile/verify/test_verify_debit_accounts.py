"""検算・口座: a register of payers' accounts is read again; what differs is named, not shown."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from slip_town import SlipTown
from sqlalchemy import text

from payments.store.unit_of_work import unit_of_work
from reconcile.debit.accounts import Account, Wish, register_one
from reconcile.formats.debit_accounts import AccountRow, write
from reconcile.model import Delivery
from reconcile.registers import import_debit_accounts
from reconcile.verify.everything import verify

AT = datetime(2026, 5, 1, 3, tzinfo=UTC)
PAYER, OTHER = "000000000001", "000000000002"
HOME = Account("9999", "ﾃｽﾄ", "001", "ﾎﾝﾃﾝ", "1", "7654321", "ｾﾞｲﾓｸ ﾀﾛｳ")


@pytest.fixture
def town(sqlite_url):
    """Two registers, the second of which repeats a line, and what a person registered between."""
    found = SlipTown(sqlite_url)
    found.notice(1, (10_000,))
    found.notice(2, (8_000,))
    rows = [AccountRow("99999", who, "", "set", "2026-06-01", *HOME) for who in (PAYER, OTHER)]
    _take(found, "first.csv", *rows)
    with found.write() as connection:
        wish = Wish(PAYER, "", "set", date(2026, 7, 1), HOME._replace(account_no="1"), "届出")
        register_one(connection, found.code, wish, actor="abe", at=AT)
    ended = AccountRow("99999", OTHER, "", "ended", "2026-08-01")
    _take(found, "second.csv", rows[0], ended)
    yield found
    found.close()


def _take(town, name, *rows):
    delivery = Delivery(name, write(rows))
    report = import_debit_accounts(
        town.engine, town.code, delivery, received_on=date(2026, 5, 1), at=AT
    )
    assert report.status.is_good


def _named(town):
    return [(d.name, d.subject, d.found) for d in verify(town.engine, town.code)]


def test_registers_of_accounts_are_right(town):
    assert _named(town) == []


@pytest.mark.parametrize(
    ("statement", "subject", "found"),
    [
        ("UPDATE debit_account SET branch_code = '2' WHERE entry_no = 1", "1:2", "branch_code"),
        ("UPDATE debit_account SET from_on = '2026-01-01' WHERE entry_no = 4", "2:3", "obligor_no"),
        ("UPDATE sealed_text SET data = '[]' WHERE text_no = 1", "1:2", "account_no, holder_name"),
        ("UPDATE debit_account SET file_id = 1 WHERE entry_no = 3", "file:1", "3"),
    ],
)
def test_what_was_altered_is_named(town, statement, subject, found):
    with unit_of_work(town.engine, town.code) as connection:
        for trigger in (
            connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
            .scalars()
            .all()
        ):
            connection.execute(text(f"DROP TRIGGER {trigger}"))
        connection.execute(text(statement))
    named = [(d[1], d[2]) for d in _named(town) if d[0] == "debit_account"]
    assert [(s, f) for s, f in named if s == subject and f.startswith(found)]

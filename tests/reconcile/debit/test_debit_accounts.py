"""口座振替の口座: registered by files and people, from a day on, sealed, never overwritten."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from slip_town import SlipTown
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from payments.domain.errors import ConfigurationError, KokinError
from payments.store.engine import open_engine
from payments.store.sealed_bytes import key_ring_from, new_key_text
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.debit.accounts import (
    IN_FORCE,
    Account,
    Wish,
    accounts_by_entry,
    entries_of,
    register_one,
)
from reconcile.formats.debit_accounts import AccountRow, write
from reconcile.model import Delivery, FileStatus
from reconcile.registers import import_debit_accounts

AT = datetime(2026, 5, 1, 3, tzinfo=UTC)
ON = date(2026, 5, 1)
PAYER, OTHER = "000000000001", "000000000002"
HOME = Account("9999", "ﾃｽﾄ", "001", "ﾎﾝﾃﾝ", "1", "7654321", "ｾﾞｲﾓｸ ﾀﾛｳ")
MOVED = HOME._replace(bank_code="9998", account_no="1112223")


@pytest.fixture
def town(database_url):
    found = SlipTown(database_url)
    found.notice(1, (10_000, 12_000))
    found.notice(2, (8_000,))
    yield found
    found.close()


def line(payer=PAYER, account=HOME, event="set", from_on="2026-06-01", item=""):
    where = account if event == "set" else Account()
    return AccountRow("99999", payer, item, event, from_on, *where)


def take(town, *rows, name="accounts.csv"):
    delivery = Delivery(name, write(rows))
    return import_debit_accounts(town.engine, town.code, delivery, received_on=ON, at=AT)


def register(town, account=MOVED, event="set", from_on=date(2026, 8, 1), item="", payer=PAYER):
    wish = Wish(payer, item, event, from_on, account, "届出")
    with town.write() as connection:
        return register_one(connection, town.code, wish, actor="abe", at=AT)


def in_force(town, on, item="901", payer=PAYER):
    query = IN_FORCE.format(payer=":payer", item=":item")
    (row,) = town.rows(f"SELECT {query} AS entry_no", payer=payer, item=item, account_on=on)
    return row.entry_no


def test_a_file_registers_what_is_new_and_repeats_nothing(town):
    assert {k: v.count for k, v in take(town, line(), line(OTHER)).outcomes.items()} == {
        "applied": 2
    }
    again = take(town, line(), line(OTHER, MOVED, from_on="2026-07-01"), name="again.csv")
    assert {k: v.count for k, v in again.outcomes.items()} == {"changed": 1, "repeat": 1}
    with town.read() as connection:
        first, second = entries_of(connection, town.code, OTHER)
    assert (first.account, second.account) == (HOME, MOVED)
    assert second.account.masked_no == "****223"
    assert second.from_on == date(2026, 7, 1)


def test_a_list_of_several_days_says_the_same_however_often_it_comes(town):
    """Two dated lines of a payer, in whatever order, and an older list again: nothing new."""
    now, later = line(), line(account=MOVED, from_on="2026-10-01")

    def outcomes(name, *rows):
        return {k: v.count for k, v in take(town, *rows, name=name).outcomes.items()}

    assert outcomes("a", now, later) == {"applied": 1, "changed": 1}
    assert outcomes("b", later, now) == {"repeat": 2}
    assert outcomes("c", now) == {"repeat": 1}
    with town.read() as connection:
        assert len(entries_of(connection, town.code, PAYER)) == 2
    with pytest.raises(KokinError, match="debit_account_same"):
        register(town, HOME, from_on=date(2026, 6, 1))
    # What a day says now is another thing again: it is registered, and so is the way back.
    assert outcomes("d", line(account=MOVED)) == {"changed": 1}
    assert outcomes("e", line(), line(OTHER)) == {"changed": 1, "applied": 1}


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([line("000000000009")], "unknown_obligor"),
        ([line(), line()], "account_twice"),
        ([line(item="123")], "unknown_item"),
        ([line()._replace(municipality_code="99998")], "other_municipality"),
        ([line()._replace(from_on="2026-02-30")], "date"),
        ([line()._replace(event="gone")], "account_event"),
        ([line(account=HOME._replace(holder_name="山田 太郎"))], "account_form"),
        ([line(account=HOME._replace(account_no=""))], "account_form"),
        ([line(account=HOME._replace(holder_name=""))], "account_form"),
        ([line(event="ended")._replace(bank_code="9999")], "account_of_end"),
    ],
)
def test_one_mistake_rejects_the_whole_file(town, rows, code):
    data = write([line(OTHER)]).splitlines(keepends=True)
    bad = [",".join(map(str, row)).encode() + b"\r\n" for row in rows]
    trailer = f"T,{len(rows) + 1}\r\n".encode()
    delivery = Delivery("bad.csv", b"".join([*data[:2], *bad, trailer]))
    report = import_debit_accounts(town.engine, town.code, delivery, received_on=ON, at=AT)
    assert report.status is FileStatus.QUARANTINED
    assert code in {finding.code for finding in report.findings}
    assert town.rows("SELECT 1 FROM debit_account WHERE municipality_code = :m") == []


def test_the_account_of_a_day(town):
    """From a day on; the one for the item before the one for all; an end ends it."""
    assert in_force(town, "2026-06-30") is None
    take(town, line())
    every = in_force(town, "2026-06-30")
    assert in_force(town, "2026-05-31") is None
    moved = register(town)
    own = register(town, HOME._replace(account_no="5556667"), item="901", from_on=date(2026, 7, 1))
    assert in_force(town, "2026-07-31", "902") == every
    assert in_force(town, "2026-08-01", "902") == moved
    assert in_force(town, "2026-08-01", "901") == own
    ended = register(town, Account(), "ended", date(2026, 9, 1), "901")
    assert in_force(town, "2026-09-01", "901") == ended
    with town.read() as connection:
        found = accounts_by_entry(connection, town.code, [every, moved, ended])
    assert found == {every: HOME, moved: MOVED, ended: Account()}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"payer": "000000000009"}, "obligor"),
        ({"account": HOME, "from_on": date(2026, 6, 1)}, "debit_account_same"),
        ({"account": Account(), "event": "ended", "payer": OTHER}, "debit_account_none"),
    ],
)
def test_what_a_person_cannot_register(town, change, code):
    take(town, line())
    with pytest.raises(KokinError) as refused:
        register(town, **change)
    assert refused.value.error_code == code


def test_the_register_is_only_added_to(town):
    take(town, line())
    for statement in (
        "UPDATE debit_account SET from_on = '2026-01-01' WHERE municipality_code = :m",
        "DELETE FROM debit_account WHERE municipality_code = :m",
    ):
        with pytest.raises(DatabaseError):
            town.run_sql(statement)


def test_with_a_key_the_number_and_the_holder_lie_sealed(town):
    keys = key_ring_from(new_key_text("k1"))
    url = town.engine.url.render_as_string(hide_password=False)
    sealed = open_engine(url, keys=keys)
    wish = Wish(PAYER, "", "set", ON, HOME, "届出")
    with unit_of_work(sealed, town.code) as connection:
        number = register_one(connection, town.code, wish, actor="abe", at=AT)
    with reading(sealed, town.code) as connection:
        row = connection.execute(
            text("SELECT data, key_id FROM sealed_text WHERE municipality_code = :m"),
            {"m": town.code},
        ).one()
        assert b"7654321" not in bytes(row.data)
        assert row.key_id == "k1"
        assert accounts_by_entry(connection, town.code, [number]) == {number: HOME}
    sealed.dispose()
    with town.read() as connection, pytest.raises(ConfigurationError):
        entries_of(connection, town.code, PAYER)

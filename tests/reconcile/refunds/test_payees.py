"""Accounts of payees: registered, confirmed by somebody else, sealed, and never overwritten."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from placing_town import M, PlacingTown
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.store.engine import open_engine
from payments.store.sealed_bytes import Key, KeyRing
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.refunds import payees
from reconcile.refunds.sealed import seal_anew

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

AT = datetime(2026, 6, 20, 1, tzinfo=UTC)
DAY = date(2026, 6, 20)
PAYEE = payees.payee_of("9999", "001", "1", "12345", "ﾐﾎﾝ ﾀﾛｳ")


@pytest.fixture
def town(database_url: str) -> Iterator[PlacingTown]:
    town = PlacingTown(database_url)
    yield town
    town.check()
    town.close()


def person(town: PlacingTown) -> str:
    return str(town.rows("SELECT MIN(obligor_no) FROM obligor")[0][0])


def register(engine: Engine, who: str, payee: payees.Payee = PAYEE) -> int:
    with unit_of_work(engine, M) as connection:
        return payees.register(
            connection, M, who, payee, source=payees.PAPER, by="hanako", on=DAY, at=AT
        )


def test_an_account_counts_once_somebody_else_has_confirmed_it(town):
    who = person(town)
    number = register(town.engine, who)
    with unit_of_work(town.engine, M) as connection:
        assert payees.current(connection, M, who) is None
        assert [each.account_no for each in payees.waiting(connection, M)] == [number]
        with pytest.raises(RefusedError, match="payee_same_person"):
            payees.confirm(connection, M, number, by="HANAKO", at=AT)
        payees.confirm(connection, M, number, by="jiro", at=AT)
        with pytest.raises(RefusedError, match="payee_decided"):
            payees.confirm(connection, M, number, by="jiro", at=AT)
        found = payees.current(connection, M, who)
        assert found is not None
        assert (found.shown, found.state) == ("9999-001 普通 ****345", "confirmed")
        assert payees.payee(connection, M, number) == PAYEE._replace(account_no="0012345")
        assert payees.waiting(connection, M) == []


def test_the_newest_confirmed_account_counts_and_a_revoked_one_does_not(town):
    who = person(town)
    first, second = register(town.engine, who), register(town.engine, who)
    with unit_of_work(town.engine, M) as connection:
        for number in (first, second):
            payees.confirm(connection, M, number, by="jiro", at=AT)
        assert payees.current(connection, M, who).account_no == second
        payees.revoke(connection, M, second, by="jiro", reason="名義が違う", at=AT)
        assert payees.current(connection, M, who).account_no == first
        assert [each.state for each in payees.history(connection, M, who)] == [
            "revoked",
            "confirmed",
        ]
        with pytest.raises(RefusedError, match="payee_decided"):
            payees.revoke(connection, M, second, by="jiro", reason="もう一度", at=AT)


def test_nobody_has_an_account_that_does_not_exist(town):
    with unit_of_work(town.engine, M) as connection:
        with pytest.raises(NotFoundError, match="payee"):
            payees.account(connection, M, 77)
        with pytest.raises(NotFoundError, match="payee"):
            payees.payee(connection, M, 77)
        with pytest.raises(NotFoundError, match="person"):
            payees.register(
                connection, M, "404", PAYEE, source=payees.PAPER, by="hanako", on=DAY, at=AT
            )


@pytest.mark.parametrize(
    ("written", "field"),
    [
        (("999", "001", "1", "1234567", "ﾐﾎﾝ"), "bank_code"),
        (("9999", "1", "1", "1234567", "ﾐﾎﾝ"), "branch_code"),
        (("9999", "001", "3", "1234567", "ﾐﾎﾝ"), "account_type"),
        (("9999", "001", "1", "12345678", "ﾐﾎﾝ"), "account_no"),
        (("9999", "001", "1", "１２３４５６７", "ﾐﾎﾝ"), "account_no"),
        (("9999", "001", "1", "1234567", " "), "holder"),
        (("9999", "001", "1", "1234567", "ｱ" * 31), "holder"),
    ],
)
def test_what_no_bank_has_is_refused_without_repeating_it(written, field):
    with pytest.raises(InvalidValueError, match="payee_account") as caught:
        payees.payee_of(*written)
    assert caught.value.details["field"] == field
    assert "found" not in caught.value.details


def test_full_width_names_become_what_a_bank_takes():
    found = payees.payee_of("9999", "001", "1", "1234567", "ミホン　タロウ")
    assert found.holder == "ﾐﾎﾝ ﾀﾛｳ"


def test_with_a_key_the_number_lies_sealed_and_follows_a_new_key(town):
    who = person(town)
    old, new = Key("old", b"1" * 32), Key("new", b"2" * 32)
    engine = open_engine(town.url, keys=KeyRing([old]))
    number = register(engine, who)
    stored = town.rows("SELECT key_id, data FROM sealed_text")[0]
    assert stored.key_id == "old"
    assert b"12345" not in bytes(stored.data)
    engine.dispose()
    engine = open_engine(town.url, keys=KeyRing([old, new]))
    with unit_of_work(engine, M) as connection:
        assert seal_anew(connection, M) == 0
    engine.dispose()
    engine = open_engine(town.url, keys=KeyRing([new]))
    with unit_of_work(engine, M) as connection:
        assert payees.payee(connection, M, number).account_no == "0012345"
        assert seal_anew(connection, M, clear=True) == 0
    with reading(town.engine, M) as connection:
        assert payees.payee(connection, M, number).account_no == "0012345"
    with unit_of_work(engine, M) as connection:
        assert seal_anew(connection, M) == 0
    engine.dispose()
    with unit_of_work(town.engine, M) as connection:
        assert seal_anew(connection, M, clear=True) == 1  # what does not open stays as it is
    engine = open_engine(town.url, keys=KeyRing([new]))
    with unit_of_work(engine, M) as connection:  # verify reads it without a key
        assert seal_anew(connection, M, clear=True) == 0
    engine.dispose()


def test_the_database_keeps_what_was_registered(town):
    register(town.engine, person(town))
    with (
        pytest.raises(DBAPIError, match="append_only"),
        unit_of_work(town.engine, M) as connection,
    ):
        connection.execute(text("UPDATE payee_account SET shown = ''"))

"""What the database itself refuses about closed days (R7, R10)."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payments.store.engine import open_engine
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.journal import closed_books, open_day_for, open_journal

AT = "2026-06-01 09:00:00.000000"
CLOSURE = (
    "INSERT INTO day_closure VALUES ('99999', :no, 'day', 'closed', :day, :day, 0, 1, '{}', 'h', "
    "1, :asked_by, :decided_by, '', :at)"
)


@pytest.fixture
def engine(database_url):
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


def _close(engine, day, number=1, asked_by="abe", decided_by="ito"):
    with unit_of_work(engine, "99999") as connection:
        connection.execute(
            text(CLOSURE),
            {"no": number, "day": day, "asked_by": asked_by, "decided_by": decided_by, "at": AT},
        )


def test_the_same_person_twice_is_refused_by_the_database(engine):
    with pytest.raises(DBAPIError, match="day_closure_two_people"):
        _close(engine, "2026-06-01", decided_by="abe")


@pytest.mark.parametrize(
    "change", ["UPDATE day_closure SET reason = 'x'", "DELETE FROM day_closure"]
)
def test_what_was_closed_is_only_ever_added_to(engine, change):
    _close(engine, "2026-06-01")
    with (
        pytest.raises(DBAPIError, match="append_only"),
        unit_of_work(engine, "99999") as connection,
    ):
        connection.execute(text(change))


def test_no_journal_enters_a_closed_day(engine):
    _close(engine, "2026-06-05")
    insert = (
        "INSERT INTO journal (municipality_code, journal_id, kind, booked_on, made_at, actor, "
        "reason) VALUES (:m, 1, 'x', :day, :at, 'a', '')"
    )
    with (
        pytest.raises(DBAPIError, match="closed_day"),
        unit_of_work(engine, "99999") as connection,
    ):
        connection.execute(text(insert), {"m": "99999", "day": "2026-06-05", "at": AT})
    with unit_of_work(engine, "99998") as connection:  # another municipality has its own days
        connection.execute(text(insert), {"m": "99998", "day": "2026-06-05", "at": AT})


def test_what_comes_late_is_booked_on_the_next_open_business_day(engine):
    friday, saturday, monday = date(2026, 6, 5), date(2026, 6, 6), date(2026, 6, 8)
    with reading(engine, "99999") as connection:
        assert closed_books(connection, "99999") == (None, 0)
        assert open_day_for(connection, "99999", friday) == friday
    _close(engine, friday.isoformat())
    with unit_of_work(engine, "99999") as connection:
        assert closed_books(connection, "99999") == (friday, 0)
        assert open_day_for(connection, "99999", date(2026, 6, 1)) == monday
        assert open_day_for(connection, "99999", saturday) == saturday
        number = open_journal(connection, "99999", "intake", friday, "abe")
        booked = connection.execute(
            text("SELECT CAST(booked_on AS VARCHAR(10)) FROM journal WHERE journal_id = :n"),
            {"n": number},
        ).scalar_one()
        assert booked == monday.isoformat()


def test_a_year_whose_holidays_are_unknown_still_has_a_next_day(engine):
    _close(engine, "2050-12-31")
    with reading(engine, "99999") as connection:
        assert open_day_for(connection, "99999", date(2050, 12, 1)) == date(2051, 1, 1)

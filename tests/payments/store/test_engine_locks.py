"""An engine that does not wait for somebody else's lock, and the error that says so."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payments.store.engine import is_busy, open_engine
from payments.store.unit_of_work import reading, unit_of_work


@pytest.fixture
def engines(database_url):
    """One that waits, and one that does not."""
    found = open_engine(database_url), open_engine(database_url, lock_wait_ms=1)
    yield found
    for engine in found:
        engine.dispose()


def _write(engine):
    with unit_of_work(engine, "99999") as connection:
        connection.execute(text("SELECT 1"))


def test_who_does_not_wait_is_told_that_the_books_are_busy(engines):
    patient, impatient = engines
    with unit_of_work(patient, "99999"):
        with pytest.raises(DBAPIError) as caught:
            _write(impatient)
        with reading(impatient, "99999") as connection:
            assert connection.execute(text("SELECT 1")).scalar_one() == 1
    assert is_busy(caught.value)
    _write(impatient)


def test_other_errors_are_not_about_locks(engines):
    with pytest.raises(DBAPIError) as caught, reading(engines[1], "99999") as connection:
        connection.execute(text("SELECT * FROM nowhere"))
    assert not is_busy(caught.value)


def test_an_error_of_the_database_names_nobody(engines):
    """Errors end in logs, and parameters are names, numbers of slips and amounts."""
    with pytest.raises(DBAPIError) as caught, reading(engines[0], "99999") as connection:
        connection.execute(text("SELECT 1 FROM nowhere WHERE name = :name"), {"name": "見本花子"})
    assert "nowhere" in str(caught.value)
    assert "見本花子" not in str(caught.value)

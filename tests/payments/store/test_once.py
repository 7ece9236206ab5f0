"""A read transaction sees one picture, and is asked the same question once."""

from __future__ import annotations

import pytest

from payments.store.engine import open_engine
from payments.store.unit_of_work import another_picture, once, reading, unit_of_work

M = "99999"


@pytest.fixture
def engine(database_url):
    found = open_engine(database_url)
    yield found
    found.dispose()


def _asks(connection, asked):
    def look():
        asked.append(1)
        return len(asked)

    return once(connection, "question", look)


def test_a_reading_asks_once(engine):
    asked = []
    with reading(engine, M) as connection:
        assert [_asks(connection, asked), _asks(connection, asked)] == [1, 1]
    with reading(engine, M) as connection:  # another picture
        assert _asks(connection, asked) == 2


def test_where_something_is_written_it_is_asked_each_time(engine):
    asked = []
    with unit_of_work(engine, M) as connection:
        assert [_asks(connection, asked), _asks(connection, asked)] == [1, 2]
        with another_picture(connection):
            assert _asks(connection, asked) == 3


def test_another_picture_is_asked_by_itself_and_forgotten(engine):
    asked = []
    with reading(engine, M) as connection:
        assert _asks(connection, asked) == 1
        with another_picture(connection):
            assert [_asks(connection, asked), _asks(connection, asked)] == [2, 2]
        assert _asks(connection, asked) == 1

"""一括書込: what a driver raises below SQLAlchemy is told as SQLAlchemy tells it."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from payments.store.bulk import copy_text, insert_rows
from payments.store.engine import open_engine


@pytest.fixture
def connection(database_url):
    engine = open_engine(database_url)
    with engine.connect().execution_options(writes=True) as opened, opened.begin():
        opened.execute(text("CREATE TEMP TABLE told (number BIGINT NOT NULL CHECK (number < 9))"))
        yield opened
    engine.dispose()


@pytest.mark.parametrize("rows", [1, 60])  # one by one, and by COPY
def test_a_row_that_the_database_refuses(connection, rows):
    nested = connection.begin_nested()
    with pytest.raises(IntegrityError) as told:
        insert_rows(connection, "told", ["number"], [(7_654_321,)] * rows)
    nested.rollback()
    assert "7654321" not in str(told.value.statement)
    assert told.value.params is None


def test_no_room_is_trouble_and_no_mistake(connection):
    trouble = connection.dialect.loaded_dbapi.OperationalError("no room")

    def rows():
        yield (1,)
        raise trouble

    nested = connection.begin_nested()
    with pytest.raises(OperationalError, match="no room"):
        insert_rows(connection, "told", ["number"], rows())
    nested.rollback()


@pytest.mark.postgres
def test_texts_that_the_database_refuses(postgres_url):
    engine = open_engine(postgres_url)
    with engine.connect() as connection, connection.begin() as begun:
        connection.execute(text("CREATE TEMP TABLE told (number BIGINT)"))
        with pytest.raises(DataError):
            copy_text(connection, "told", ["number"], ["no number\n"])
        begun.rollback()
    engine.dispose()

"""The databases that tests are given: fresh each time, and of an ordinary account."""

from __future__ import annotations

import pytest
import sqlalchemy


def _one(url, statement):
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        value = connection.execute(sqlalchemy.text(statement)).scalar()
    engine.dispose()
    return value


@pytest.mark.parametrize("_attempt", [1, 2])
def test_a_bare_database_is_new_for_every_test(bare_database_url, _attempt):
    engine = sqlalchemy.create_engine(bare_database_url)
    with engine.begin() as connection:
        assert sqlalchemy.inspect(connection).get_table_names() == []
        connection.execute(sqlalchemy.text("CREATE TABLE left_over (id INTEGER)"))
    engine.dispose()


@pytest.mark.postgres
def test_the_role_of_the_tests_is_no_superuser(bare_postgres_url):
    assert _one(bare_postgres_url, "SELECT rolsuper FROM pg_roles WHERE rolname = user") is False

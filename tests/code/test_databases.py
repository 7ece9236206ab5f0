"""The databases that tests are given: fresh each time, and of an ordinary account."""

from __future__ import annotations

import pytest
import sqlalchemy

_WRITTEN = """INSERT INTO municipality (municipality_code, name, profile_json, live)
    VALUES ('99999', '見本市', '{}', false); ANALYZE municipality"""
_LEFT = (
    "SELECT COUNT(*) FROM municipality",
    "SELECT COUNT(*) FROM pg_stats WHERE schemaname = 'public'",
)
_NUMBER = "SELECT oid FROM pg_database WHERE datname = current_database()"
_CHANGES = [
    "CREATE TABLE left_over (id INTEGER)",
    "DROP INDEX enquiry_log_by_number",
    "DROP TRIGGER journal_append_only ON journal",
    "ALTER TABLE journal DISABLE TRIGGER journal_append_only",
    "ALTER TABLE journal DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE municipality ALTER COLUMN name DROP NOT NULL",
    "GRANT SELECT ON journal TO public",
]


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


@pytest.fixture
def used(spare_databases):
    """Lets a test have a database and do something to it; its name, and what each step saw."""

    def use(*statements):
        name = spare_databases.take()
        with spare_databases.cluster.connect(name) as connection:
            done = [connection.execute(statement) for statement in (_NUMBER, *statements)]
            seen = [each.fetchone()[0] if each.description else None for each in done]
        spare_databases.give_back(name)
        return name, *seen

    return use


@pytest.mark.postgres
def test_nothing_that_a_test_wrote_is_left_for_the_next(used):
    name, number, _nothing = used(_WRITTEN)
    next_name, same, rows, statistics = used(*_LEFT)
    assert same == number
    assert next_name != name
    assert (rows, statistics) == (0, 0)


@pytest.mark.postgres
@pytest.mark.parametrize("change", _CHANGES)
def test_a_database_that_a_test_has_changed_serves_no_other(used, change):
    _name, number, _nothing = used(change)
    assert used()[1] != number

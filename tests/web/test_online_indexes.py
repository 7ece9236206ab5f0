"""Indexes of large tables: built beside those who write, and built to the end when cut off."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from revisions import at
from sqlalchemy.exc import OperationalError

from payments.domain.errors import ConfigurationError
from payments.store.engine import open_engine
from payments.store.unit_of_work import unit_of_work
from web import doctor, online_indexes
from web.config import load_settings
from web.database import applied_revisions, lacking_indexes, upgrade
from web.online_indexes import ONLINE, build_lacking, lacking

INDEX = "instalment_by_due_on"
_STATE = sa.text(
    "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "WHERE c.relname = :name"
)


@pytest.fixture
def books(postgres_url):
    engine = open_engine(postgres_url)
    yield engine
    engine.dispose()


def state(engine, name=INDEX):
    """Whether it is valid; None where there is none."""
    with engine.connect() as connection:
        return connection.execute(_STATE, {"name": name}).scalar_one_or_none()


def cut_off(engine):
    """A build that is ended half way: somebody's transaction keeps it waiting for too long."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP INDEX {INDEX}")
    impatient = open_engine(str(engine.url.render_as_string(hide_password=False)), lock_wait_ms=50)
    with unit_of_work(engine, "99999") as writing:
        # Whoever has written the table must have ended before an index over it is whole.
        writing.exec_driver_sql("LOCK TABLE instalment IN ROW EXCLUSIVE MODE")
        with pytest.raises(OperationalError, match="lock timeout"):
            build_lacking(impatient, {"0034"})
    impatient.dispose()


@pytest.mark.postgres
def test_an_upgraded_database_has_them_all_and_they_are_valid(books):
    assert {state(books, index.name) for index in ONLINE} == {True}
    assert lacking_indexes(books) == []
    assert build_lacking(books, applied_revisions(books)) == []


@pytest.mark.postgres
def test_a_build_that_was_cut_off_is_named_and_made_again(books, postgres_url):
    cut_off(books)
    assert state(books) is False  # there, and used by nobody
    assert lacking_indexes(books) == [INDEX]
    settings = load_settings(database_url=postgres_url)
    with pytest.raises(ConfigurationError) as error:
        doctor._database(settings)
    assert error.value.error_code == "database_index"
    upgrade(postgres_url)
    assert state(books) is True
    doctor._database(settings)  # complains of nothing any more


@pytest.mark.postgres
def test_others_write_the_table_while_it_is_built(books):
    with books.begin() as connection:
        connection.exec_driver_sql(f"DROP INDEX {INDEX}")
    seen = []

    def written(_connection, cursor, statement, *_rest):
        if "CREATE INDEX CONCURRENTLY" in statement:
            seen.append(cursor.connection.autocommit)
            with unit_of_work(books, "99999") as connection:
                connection.exec_driver_sql("LOCK TABLE instalment IN ROW EXCLUSIVE MODE NOWAIT")

    sa.event.listen(books, "before_cursor_execute", written)
    assert build_lacking(books, {"0034"}) == [INDEX]
    assert seen == [True]
    assert state(books) is True


@pytest.mark.postgres
def test_only_what_belongs_to_the_revision_is_built(books, monkeypatch):
    other = online_indexes.OnlineIndex("9999", "not_yet", "instalment", ("municipality_code",))
    monkeypatch.setattr(online_indexes, "ONLINE", (*ONLINE, other))
    with books.connect() as connection:
        assert lacking(connection, applied_revisions(books)) == []
        assert lacking(connection, {"9999"}) == [other]
    assert state(books, "not_yet") is None


@pytest.mark.postgres
def test_a_second_builder_waits_for_the_first(books):
    waits = []

    def paused(_connection, _cursor, statement, *_rest):
        if "pg_sleep" in statement:
            waits.append(statement)
            first.exec_driver_sql(f"SELECT pg_advisory_unlock({online_indexes._LOCK})")

    with books.connect() as first:
        first.exec_driver_sql(f"SELECT pg_advisory_lock({online_indexes._LOCK})")
        sa.event.listen(books, "before_cursor_execute", paused)
        assert build_lacking(books, {"0034"}) == []
    assert len(waits) == 1


def test_on_sqlite_the_migration_builds_it(sqlite_url):
    engine = open_engine(sqlite_url)
    assert INDEX in {index["name"] for index in sa.inspect(engine).get_indexes("instalment")}
    assert lacking_indexes(engine) == []
    assert build_lacking(engine, {"0034"}) == []
    engine.dispose()


def test_there_and_back(books):
    from alembic import command  # noqa: PLC0415 - as web.database does

    at(books, command.downgrade, "0033")
    assert state(books) is None
    at(books, command.upgrade, "head")
    every = [index.name for index in ONLINE]
    assert lacking_indexes(books) == every
    assert build_lacking(books, applied_revisions(books)) == every
    assert {state(books, index.name) for index in ONLINE} == {True}

"""The tables of slips: as the migrations make them, and guarded by the database itself."""

from __future__ import annotations

import click
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

import payments.store.slip_tables
import payments.store.tables
import reconcile.store.tables
import web.tables
from payments.store.engine import open_engine
from payments.store.unit_of_work import reading, unit_of_work
from web.cli import COMMANDS, main

# The commands know the tables of every part.
REGISTERED = (
    payments.store.slip_tables,
    payments.store.tables,
    reconcile.store.tables,
    web.tables,
    *(main.get_command(click.Context(main), name) for name in COMMANDS),
)
AT = "2026-04-01 00:00:00.000000"
ROWS = {
    "slip_upload": "'99999', 1, :at, 'a', 'f.csv', 1, 100, 'x'",
    "slip_upload_line": "'99999', 1, 1, 1, 'new'",
    "print_run_difference": "'99999', 1, 1, 1, 1, 'S', 'amount', '1', '2'",
}
ASKED = (
    "INSERT INTO approval (municipality_code, approval_id, kind, subject, content_json, "
    "content_sha256, reason, asked_by, asked_at, note) "
    "VALUES ('99999', 1, 'k', 's', '{}', 'h', 'r', 'abe', :at, '')"
)
DECIDED = (
    "UPDATE approval SET decided_by = :by, decided_at = :at, decision = 'approved' "
    "WHERE municipality_code = '99999' AND approval_id = 1"
)


@pytest.fixture
def engine(database_url):
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


def _run(engine, statement, **values):
    with unit_of_work(engine, "99999") as connection:
        connection.execute(text(statement), values)


def _refused(engine, statement, **values):
    with pytest.raises(DBAPIError) as caught:
        _run(engine, statement, **values)
    return str(caught.value.orig)


def test_the_migrations_make_what_the_tables_say(engine):
    assert all(REGISTERED)
    ours = SQLModel.metadata.tables

    def known(_object, name, kind, *_rest):
        # The staging tables of PostgreSQL are no part of the metadata.
        return kind != "table" or name in ours

    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"include_object": known})
        assert compare_metadata(context, SQLModel.metadata) == []


@pytest.mark.parametrize("table", ROWS)
def test_what_happened_is_only_ever_added_to(engine, table):
    values = {"at": AT} if ":at" in ROWS[table] else {}
    _run(engine, f"INSERT INTO {table} VALUES ({ROWS[table]})", **values)
    assert "append_only" in _refused(engine, f"UPDATE {table} SET municipality_code = '99999'")
    assert "append_only" in _refused(engine, f"DELETE FROM {table}")


def test_the_same_person_twice_is_refused_by_the_database(engine):
    _run(engine, ASKED, at=AT)
    assert "approval_two_people" in _refused(engine, DECIDED, at=AT, by="abe")
    _run(engine, DECIDED, at=AT, by="ito")


def test_a_decision_never_changes(engine):
    _run(engine, ASKED, at=AT)
    assert "append_only" in _refused(engine, "UPDATE approval SET content_json = '{1}'")
    _run(engine, DECIDED, at=AT, by="ito")
    assert "append_only" in _refused(engine, DECIDED, at=AT, by="ueda")
    assert "append_only" in _refused(engine, "DELETE FROM approval")


def test_a_slip_is_handed_in_once_in_each_state(engine):
    line = "INSERT INTO slip_upload_line VALUES ('99999', :upload, 1, 7, :state)"
    _run(engine, line, upload=1, state="new")
    _run(engine, line, upload=2, state="revoked")
    assert "append_only" not in _refused(engine, line, upload=3, state="new")


@pytest.mark.postgres
def test_one_municipality_never_sees_the_approvals_of_another(postgres_url):
    engine = open_engine(postgres_url)
    _run(engine, ASKED, at=AT)
    try:
        for municipality, seen in (("99999", 1), ("99998", 0)):
            with reading(engine, municipality) as connection:
                found = connection.execute(text("SELECT COUNT(*) FROM approval")).scalar_one()
            assert found == seen
    finally:
        engine.dispose()

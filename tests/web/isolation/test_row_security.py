"""R11, the second wall: PostgreSQL itself, asked in plain SQL by the roles of the service."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, ProgrammingError
from two_bodies import OTHER, OWN

from payments.domain.errors import ConfigurationError, NotFoundError
from payments.store.engine import open_engine
from payments.store.municipalities import bodies
from payments.store.roles import require_held
from payments.store.row_security import EVERY
from payments.store.unit_of_work import reading, unit_of_work

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module", params=["owner", "app"])
def engine(server, request):
    """The database, as the owner of the tables and as the service."""
    made = open_engine(getattr(server, request.param))
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def owner(server):
    made = open_engine(server.owner)
    yield made
    made.dispose()


def _tables(engine, having=""):
    """Every table with rows of a body, from the catalogue: a new one is tried with the others."""
    with engine.connect() as connection:
        found = connection.execute(
            sa.text(
                "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
                "AND a.attname = 'municipality_code' AND NOT a.attisdropped "
                f"WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace {having} "
                "ORDER BY 1"
            )
        )
        return list(found.scalars())


def _count(connection, table, code):
    where = "" if code is None else f" WHERE municipality_code = '{code}'"
    return connection.execute(sa.text(f"SELECT COUNT(*) FROM {table}{where}")).scalar_one()


def test_every_table_of_a_body_stands_behind_the_same_wall(owner):
    with owner.connect() as connection:
        rules = connection.execute(
            sa.text(
                "SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check "
                "FROM pg_policies WHERE schemaname = 'public'"
            )
        ).all()
    assert {rule.tablename for rule in rules} == set(_tables(owner)) >= {"municipality", "slip"}
    assert len(rules) == len(_tables(owner))  # one policy each: a second would open it further
    assert len({rule[1:] for rule in rules}) == 1
    assert rules[0].qual == rules[0].with_check
    assert _tables(owner, "AND NOT (c.relrowsecurity AND c.relforcerowsecurity)") == []


def test_who_has_entered_no_body_sees_nothing_and_adds_nothing(engine):
    with engine.connect() as connection:
        assert {t: _count(connection, t, None) for t in _tables(engine)} == dict.fromkeys(
            _tables(engine), 0
        )
    with pytest.raises(ProgrammingError, match="row-level security"), engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO number_block (municipality_code, name, next_value) VALUES (:m, 'x', 1)"
            ),
            {"m": OTHER},
        )


def test_who_has_entered_one_body_sees_its_rows_and_no_others(engine, owner):
    seen = 0
    for table in _tables(engine):
        with reading(engine, OWN) as connection:
            assert _count(connection, table, OTHER) == 0, table
            visible = _count(connection, table, None)
        with reading(owner, EVERY) as connection:
            assert visible == _count(connection, table, OWN), table
            seen += _count(connection, table, OTHER) > 0
    assert seen >= 30  # … although the other body has rows there.


def test_who_has_entered_one_body_changes_and_deletes_no_row_of_another(engine, owner):
    before = _all_rows(owner)
    for table in _tables(engine):
        same = f"UPDATE {table} SET municipality_code = municipality_code"
        for statement in (same, f"DELETE FROM {table}"):
            done = _done(engine, f"{statement} WHERE municipality_code = :b", {"b": OTHER})
            assert done in {0, "refused"}, table
    assert _all_rows(owner) == before


def test_who_has_entered_one_body_writes_no_row_of_another(engine, owner):
    """Neither a new row, nor one of its own that is moved over there."""
    tried = 0
    before = _all_rows(owner)
    for table in _tables(engine):
        with reading(owner, EVERY) as connection:
            statement = f"SELECT * FROM {table} WHERE municipality_code = :m LIMIT 1"
            row = connection.execute(sa.text(statement), {"m": OTHER}).mappings().first()
        if row is None:
            continue
        marks = ", ".join(f":{name}" for name in row)
        new = f"INSERT INTO {table} ({', '.join(map(str, row))}) VALUES ({marks})"
        assert _done(engine, new, dict(row)) == "refused", table
        moved = f"UPDATE {table} SET municipality_code = :b"
        assert _done(engine, moved, {"b": OTHER}) in {0, "refused"}, table
        tried += 1
    assert tried >= 30
    assert _all_rows(owner) == before


def _done(engine, statement, values):
    """How many rows a statement of the neighbour touched, or that it was refused."""
    try:
        with unit_of_work(engine, OWN) as connection:
            return connection.execute(sa.text(statement), values).rowcount
    except DBAPIError as error:
        return "refused" if _is_refusal(str(error.orig)) else str(error.orig)


def _is_refusal(said):
    return any(words in said for words in ("row-level security", "append_only", "permission"))


def _all_rows(owner):
    with reading(owner, EVERY) as connection:
        return {
            table: (_count(connection, table, OWN), _count(connection, table, OTHER))
            for table in _tables(owner)
        }


def test_only_the_owner_may_enter_all_of_them(owner, server):
    with reading(owner, EVERY) as connection:
        assert _count(connection, "slip", OWN) > 0
        assert _count(connection, "slip", OTHER) > 0
    for role in (server.app, server.auditor):
        engine = open_engine(role)
        with reading(engine, EVERY) as connection:
            assert _count(connection, "slip", None) == 0
        engine.dispose()


def test_what_anybody_may_know_is_answered_without_entering_one(engine):
    with reading(engine) as connection:
        assert [body.code for body in bodies(connection)] == [OWN, OTHER]
        key_of = sa.text("SELECT kokin_body_of_key(:key)")
        found = {
            key: connection.execute(key_of, {"key": key}).scalar_one()
            for key in ("operator-own", "operator-other-0", "nobody")
        }
        # Nothing stays open behind the question.
        assert _count(connection, "slip", None) == 0
    assert found == {"operator-own": OWN, "operator-other-0": OTHER, "nobody": None}


def test_the_service_cannot_undo_what_is_only_ever_added_to(server):
    engine = open_engine(server.app)
    for table in ("posting", "journal", "seal", "line_outcome", "case_event"):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET municipality_code = 'x'"):
            with (
                pytest.raises(ProgrammingError, match="permission denied"),
                unit_of_work(engine, OWN) as connection,
            ):
                connection.execute(sa.text(statement))
    for statement in (
        "TRUNCATE slip", "DROP TABLE slip", "ALTER TABLE slip DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE posting DISABLE TRIGGER ALL", "DROP POLICY one_municipality ON slip",
        "UPDATE alembic_version SET version_num = '0001'",
        f"INSERT INTO municipality VALUES ('{OWN}', 'x', '{{}}', FALSE)",
    ):  # fmt: skip
        with (
            pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
            unit_of_work(engine, OWN) as connection,
        ):
            connection.execute(sa.text(statement))
    engine.dispose()


def test_an_auditor_reads_everything_but_secrets_and_writes_nothing(server):
    engine = open_engine(server.auditor)
    with reading(engine, OWN) as connection:
        assert _count(connection, "slip", None) > 0
        names = connection.execute(sa.text("SELECT user_name FROM staff_user")).scalars().all()
        assert "kansa" in names
    for statement in (
        "SELECT password_hash FROM staff_user", "SELECT * FROM staff_user",
        "SELECT * FROM api_secret", "SELECT * FROM api_key",
        "DELETE FROM slip", "UPDATE slip SET state = 'new'",
        f"INSERT INTO number_block VALUES ('{OWN}', 'x', 1)",
    ):  # fmt: skip
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            unit_of_work(engine, OWN) as connection,
        ):
            connection.execute(sa.text(statement))
    engine.dispose()


def test_rights_are_given_only_to_a_role_that_the_wall_holds(owner):
    with reading(owner) as connection:
        for role in ("no_such_role", "x; DROP TABLE slip"):
            with pytest.raises(NotFoundError, match="database_role"):
                require_held(connection, role)
        for role in ("postgres", "kokin"):  # a superuser, and the owner of the tables
            with pytest.raises(ConfigurationError, match="database_role_free"):
                require_held(connection, role)

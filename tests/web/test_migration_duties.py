"""0021: several roles of a person, and the way back to one; the log is only ever added to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from alembic import command
from revisions import at
from sqlalchemy.exc import DatabaseError

from payments.store.engine import open_engine
from payments.store.row_security import EVERY
from payments.store.unit_of_work import reading, unit_of_work
from web.database import upgrade

M = "99999"
AT = datetime(2026, 6, 1, tzinfo=UTC)
BEFORE = {"abe": "tax", "baba": "treasury", "chiba": "auditor", "doi": "admin"}
AFTER = {
    "abe": {"slips", "collection"},
    "baba": {"treasury"},
    "chiba": {"auditor"},
    "doi": {"admin", "approver"},
}


@pytest.fixture
def engine(bare_database_url: str):
    """A database of the revision before, with one person of each role."""
    upgrade(bare_database_url, "0020")
    engine = open_engine(bare_database_url)
    with unit_of_work(engine, M) as connection:
        for name, role in BEFORE.items():
            connection.execute(
                sa.text(
                    "INSERT INTO staff_user (municipality_code, user_name, display_name, role, "
                    "password_hash, session_stamp, disabled, made_at) "
                    "VALUES (:m, :name, :name, :role, 'h', 's', :disabled, :at)"
                ).bindparams(sa.bindparam("at", type_=sa.DateTime(timezone=True))),
                {"m": M, "name": name, "role": role, "disabled": name == "abe", "at": AT},
            )
        connection.execute(
            sa.text(
                "INSERT INTO staff_event (municipality_code, event_id, happened_at, actor, source, "
                "event, subject) VALUES (:m, 'e', :at, 'abe', 'cli', 'signed_in', '')"
            ).bindparams(sa.bindparam("at", type_=sa.DateTime(timezone=True))),
            {"m": M, "at": AT},
        )
    yield engine
    engine.dispose()


def rows(engine: sa.Engine, statement: str) -> list[sa.Row]:
    with reading(engine, EVERY if engine.dialect.name == "postgresql" else M) as connection:
        return list(connection.execute(sa.text(statement)))


def change_the_log(engine: sa.Engine, statement: str) -> None:
    with unit_of_work(engine, M) as connection:
        connection.execute(sa.text(statement))


def test_roles_of_before_become_several_and_one_again(engine: sa.Engine) -> None:
    at(engine, command.upgrade, "0021")
    held: dict[str, set[str]] = {}
    for row in rows(engine, "SELECT user_name, role FROM staff_role"):
        held.setdefault(row.user_name, set()).add(row.role)
    assert held == AFTER
    people = rows(engine, "SELECT user_name, disabled, password_once FROM staff_user")
    assert {row.user_name for row in people if row.disabled} == {"abe"}
    assert not any(row.password_once for row in people)
    change_the_log(engine, f"INSERT INTO staff_role VALUES ('{M}', 'chiba', 'treasury')")

    at(engine, command.downgrade, "0020")
    people = rows(engine, "SELECT user_name, role, disabled FROM staff_user")
    # Of several roles the one that may do most is left, and nobody's right grows.
    assert {row.user_name: row.role for row in people} == BEFORE | {"chiba": "treasury"}
    assert {row.user_name for row in people if row.disabled} == {"abe"}
    with pytest.raises(DatabaseError):
        change_the_log(engine, "UPDATE staff_user SET role = 'approver'")

    at(engine, command.upgrade, "0021")
    assert len(rows(engine, "SELECT * FROM staff_role")) == 6


def test_nobody_changes_the_log_from_here_on(engine: sa.Engine) -> None:
    at(engine, command.upgrade, "0021")
    for statement in ("UPDATE staff_event SET actor = 'x'", "DELETE FROM staff_event"):
        with pytest.raises(DatabaseError, match="append_only"):
            change_the_log(engine, statement)
    assert [row.actor for row in rows(engine, "SELECT actor FROM staff_event")] == ["abe"]

    at(engine, command.downgrade, "0020")
    change_the_log(engine, "DELETE FROM staff_event")
    assert rows(engine, "SELECT actor FROM staff_event") == []

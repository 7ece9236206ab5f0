"""0018: a request may be recalled, and everything that guards and seals requests stays."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from alembic import command
from revisions import at
from sqlalchemy.exc import DatabaseError

from payments import approve
from payments.store.engine import open_engine
from payments.store.unit_of_work import reading, unit_of_work
from web.database import upgrade

M = "99999"
AT = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def engine(bare_database_url: str):
    """A database of the revision before, with one request in it."""
    upgrade(bare_database_url, "0017")
    engine = open_engine(bare_database_url)
    with unit_of_work(engine, M) as connection:
        approve.ask(connection, M, "k", "s", {}, asked_by="abe", at=AT, reason="r")
    yield engine
    engine.dispose()


def recall(engine: sa.Engine) -> None:
    with unit_of_work(engine, M) as connection:
        approve.recall(connection, M, 1, recalled_by="abe", at=AT, note="誤り")


def guards(engine: sa.Engine) -> int:
    """How many triggers stand at the table."""
    names = {
        "sqlite": "SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' "
        "AND tbl_name = 'approval'",
        "postgresql": "SELECT COUNT(*) FROM pg_trigger WHERE NOT tgisinternal "
        "AND tgrelid = 'approval'::regclass",
    }
    with reading(engine) as connection:
        return int(connection.execute(sa.text(names[engine.dialect.name])).scalar_one())


def test_before_it_the_database_refuses_what_is_allowed_after_it(engine: sa.Engine) -> None:
    before = guards(engine)
    assert before >= 2
    with pytest.raises(DatabaseError):
        recall(engine)

    at(engine, command.upgrade, "0018")
    assert guards(engine) == before
    recall(engine)
    with reading(engine, M) as connection:
        assert approve.show(connection, M, 1).state == "recalled"
        if engine.dialect.name == "sqlite":
            found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
            assert found == ["ok"]


def test_it_goes_back_as_long_as_nothing_was_recalled(engine: sa.Engine) -> None:
    at(engine, command.upgrade, "0018")
    at(engine, command.downgrade, "0017")
    with pytest.raises(DatabaseError):
        recall(engine)

    at(engine, command.upgrade, "0018")
    recall(engine)
    with pytest.raises((RuntimeError, DatabaseError)):
        at(engine, command.downgrade, "0017")

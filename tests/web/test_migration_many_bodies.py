"""Revision 0056 on PostgreSQL, forward and back: what stands behind the wall stays the same."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic import command
from revisions import at

from payments.store.engine import open_engine
from web.database import upgrade

OPTIONS = sa.text("SELECT reloptions FROM pg_class WHERE oid = 'receipt'::regclass")
INDEXES = sa.text(
    "SELECT COUNT(*) FROM pg_indexes WHERE indexname IN "
    "('decision_by_line', 'match_work_by_notice')"
)
WALLS = sa.text("SELECT COUNT(DISTINCT qual) FROM pg_policies")
SEEN = sa.text("SELECT COUNT(*) FROM number_block")


def _found(engine, code):
    """What a transaction that has entered this municipality sees, and what the schema says."""
    with engine.connect() as connection, connection.begin():
        connection.execute(
            sa.text("SELECT set_config('kokin.municipality_code', :code, true)"), {"code": code}
        )
        asked = (OPTIONS, INDEXES, WALLS, SEEN)
        return tuple(connection.execute(each).scalar_one() for each in asked)


@pytest.mark.postgres
def test_there_and_back(bare_postgres_url):
    upgrade(bare_postgres_url)
    engine = open_engine(bare_postgres_url)
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT set_config('kokin.municipality_code', '99999', true)"))
        connection.execute(
            sa.text(
                "INSERT INTO number_block (municipality_code, name, next_value) "
                "VALUES ('99999', 'x', 1)"
            )
        )
    patient = ["autovacuum_vacuum_threshold=5000"]
    assert _found(engine, "99999") == (patient, 2, 1, 1)
    assert _found(engine, "99998") == (patient, 2, 1, 0)
    at(engine, command.downgrade, "0055")
    assert _found(engine, "99999") == (None, 0, 1, 1)
    assert _found(engine, "99998") == (None, 0, 1, 0)
    at(engine, command.upgrade, "0056")
    assert _found(engine, "99999") == (patient, 2, 1, 1)
    engine.dispose()

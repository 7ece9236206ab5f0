"""0055: a nil report is taken back, and no downgrade lets it stand again."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic import command
from revisions import at
from sqlalchemy.exc import DatabaseError

from payments.store.engine import open_engine
from payments.store.unit_of_work import unit_of_work
from web.database import upgrade

TAKEN_BACK = """INSERT INTO nil_report_change VALUES ('99999', 'eltax', '2026-06-01', 1,
    'withdrawn', 'kaikei', '誤り', '2026-06-01 00:00:00+00:00')"""


def test_it_goes_back_only_while_nothing_was_taken_back(bare_database_url: str) -> None:
    upgrade(bare_database_url, "0055")
    engine = open_engine(bare_database_url)
    at(engine, command.downgrade, "0054")
    at(engine, command.upgrade, "0055")
    with unit_of_work(engine, "99999") as connection:
        connection.execute(sa.text(TAKEN_BACK))
    with pytest.raises((RuntimeError, DatabaseError)):
        at(engine, command.downgrade, "0054")
    engine.dispose()

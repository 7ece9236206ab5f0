"""0004: three foreign keys go and come back, and the rows stay as they are."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic import command
from revisions import at

from payments.store.engine import open_engine
from payments.store.unit_of_work import reading
from web.database import upgrade

KEYS = {"source_line": "source_file", "line_outcome": "source_line", "posting": "journal"}


def parents(engine: sa.Engine) -> dict[str, set[str]]:
    """Which tables each of the three names in a foreign key."""
    inspector = sa.inspect(engine)
    return {
        table: {key["referred_table"] for key in inspector.get_foreign_keys(table)}
        for table in KEYS
    }


def release_before(url: str) -> sa.Engine:
    """A database of the release before, with one file and one line in it."""
    upgrade(url, "0003")
    engine = open_engine(url)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(
            sa.text(
                "INSERT INTO source_file (municipality_code, file_id, sha256, nil_no, name, "
                "size_bytes, format_code, channel, agent, status, received_on, taken_in_at, "
                "count, amount_yen) VALUES ('99999', 1, 'x', 0, 'n', 1, '', '', '', 'accepted', "
                "'2026-06-01', '2026-06-01 00:00:00+00:00', 1, 0)"
            )
        )
        connection.execute(
            sa.text(
                "INSERT INTO source_line (municipality_code, file_id, line_no, byte_offset, "
                "byte_length, stage, kind, identity, record_key, content, key_kind, reissue, "
                "is_ours, key_valid, operator) VALUES ('99999', 1, 2, 0, 1, '', '01', 'i', 'r', "
                ":content, '', '', TRUE, TRUE, 'o')"
            ),
            {"content": b"c"},
        )
    return engine


@pytest.fixture
def engine(bare_database_url: str):
    """That database, of either kind."""
    engine = release_before(bare_database_url)
    yield engine
    engine.dispose()


def test_the_keys_go_and_come_back(engine: sa.Engine) -> None:
    """Forward they are dropped, backward they hold again."""
    before = parents(engine)
    assert all(parent in before[table] for table, parent in KEYS.items())

    at(engine, command.upgrade, "0004")
    assert parents(engine) == {"source_line": set(), "line_outcome": set(), "posting": set()}

    at(engine, command.downgrade, "0003")
    assert parents(engine) == before


def test_the_rows_stay(engine: sa.Engine) -> None:
    """Nothing is lost, and SQLite finds its file in order."""
    at(engine, command.upgrade, "head")
    with reading(engine, "99999") as connection:
        lines = connection.execute(sa.text("SELECT file_id, line_no, identity FROM source_line"))
        assert [tuple(line) for line in lines] == [(1, 2, "i")]
        if engine.dialect.name == "sqlite":
            found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
            assert found == ["ok"]


@pytest.mark.postgres
def test_the_municipality_is_asked_once_per_statement(bare_postgres_url: str) -> None:
    """R11: every policy of that time reads the setting in a sub-select, and still guards."""
    engine = release_before(bare_postgres_url)
    at(engine, command.upgrade, "0004")
    with engine.connect() as connection, connection.begin():
        rules = connection.execute(
            sa.text("SELECT qual FROM pg_policies WHERE policyname = 'one_municipality'")
        )
        assert all("SELECT current_setting" in rule for rule in rules.scalars())
        seen = {}
        for code in ("11111", "99999"):
            connection.execute(
                sa.text("SELECT set_config('kokin.municipality_code', :code, true)"), {"code": code}
            )
            found = connection.execute(sa.text("SELECT COUNT(*) FROM source_line"))
            seen[code] = found.scalar_one()
        assert seen == {"11111": 0, "99999": 1}
    engine.dispose()

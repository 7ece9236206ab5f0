"""0054: a batch of refunds may be withdrawn, and everything that guards its history stays."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from alembic import command
from revisions import at
from sqlalchemy.exc import DatabaseError

from payments.store.engine import open_engine
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.refunds.batch_events import batch_events, write_batch_event
from reconcile.store.refund_tables import RefundBatchRow
from web.database import upgrade

M = "99999"
AT = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def engine(bare_database_url: str):
    """A database of the revision before, with one batch in it."""
    upgrade(bare_database_url, "0053")
    engine = open_engine(bare_database_url)
    table = RefundBatchRow.__table__
    with unit_of_work(engine, M) as connection:
        connection.execute(
            table.insert().values(
                municipality_code=M, batch_no=1, transfer_on=date(2026, 6, 4), account_key="a",
                build_no=1, order_json="{}", count=1, amount_yen=1, interest_yen=0,
                file_sha256="x", difference_json="{}", reason="", built_by="abe", made_at=AT,
            )
        )  # fmt: skip
    yield engine
    engine.dispose()


def withdraw(engine: sa.Engine) -> None:
    with unit_of_work(engine, M) as connection:
        write_batch_event(connection, M, 1, "withdrawn", by="abe", at=AT)


def guards(engine: sa.Engine) -> int:
    """How many triggers stand at the tables."""
    names = {
        "sqlite": "SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' "
        "AND tbl_name IN ('refund_event', 'refund_batch_event')",
        "postgresql": "SELECT COUNT(*) FROM pg_trigger WHERE NOT tgisinternal "
        "AND tgrelid IN ('refund_event'::regclass, 'refund_batch_event'::regclass)",
    }
    with reading(engine) as connection:
        return int(connection.execute(sa.text(names[engine.dialect.name])).scalar_one())


def test_before_it_the_database_refuses_what_is_allowed_after_it(engine: sa.Engine) -> None:
    before = guards(engine)
    assert before >= 4
    with pytest.raises(DatabaseError):
        withdraw(engine)

    at(engine, command.upgrade, "0054")
    assert guards(engine) == before
    with (
        pytest.raises(DatabaseError, match=r"(?i)check"),
        unit_of_work(engine, M) as connection,
    ):
        write_batch_event(connection, M, 1, "lost", by="abe", at=AT)
    withdraw(engine)
    with reading(engine, M) as connection:
        assert [each.event for each in batch_events(connection, M, 1)] == ["withdrawn"]
        if engine.dialect.name == "sqlite":
            found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
            assert found == ["ok"]


def test_it_goes_back_as_long_as_nothing_was_withdrawn(engine: sa.Engine) -> None:
    at(engine, command.upgrade, "0054")
    at(engine, command.downgrade, "0053")
    with pytest.raises(DatabaseError):
        withdraw(engine)

    at(engine, command.upgrade, "0054")
    withdraw(engine)
    with pytest.raises((RuntimeError, DatabaseError)):
        at(engine, command.downgrade, "0053")

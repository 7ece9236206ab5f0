"""検算・振込先: an account of a refund that opens to another one than was confirmed is named."""

from __future__ import annotations

import pytest
from refund_town import RefundTown
from sqlalchemy import text

from payments.store.unit_of_work import unit_of_work
from reconcile.verify.everything import verify

M = "99999"


@pytest.fixture
def town(sqlite_url):
    """A refund that was decided; nothing guards the rows any more."""
    town = RefundTown(sqlite_url)
    town.refunded(town.twice())
    with unit_of_work(town.engine, M) as connection:
        names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        for name in list(names.scalars()):
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield town
    town.close()


def found(town):
    """What verify says of the accounts of payees."""
    return [each for each in verify(town.engine, M) if each.name == "payee_account"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payee_account SET shown = REPLACE(shown, '*', '1')",
        "UPDATE payee_account SET shown = '0001-001' || SUBSTR(shown, 9)",
        "UPDATE payee_account SET text_no = text_no + 1000",
    ],
)
def test_an_account_that_opens_to_another_one_is_named(town, change):
    assert found(town) == []
    with unit_of_work(town.engine, M) as connection:
        connection.exec_driver_sql(change)
        (named,) = connection.execute(text("SELECT account_no FROM payee_account")).scalars()
    assert [each.subject for each in found(town)] == [f"account:{named}"]

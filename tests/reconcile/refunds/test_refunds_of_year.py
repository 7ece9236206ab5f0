"""還付未済 and 還付済 of the year's account: from the decision to the bank and back, to the yen."""

from __future__ import annotations

from datetime import date

import pytest
from placing_town import M
from refund_town import RefundTown

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from reconcile.report import held_rows
from reconcile.report.year_account import year_account

BACK = date(2026, 6, 26)


@pytest.fixture
def town(database_url):
    made = RefundTown(database_url)
    yield made
    made.close()


def _sums(town):
    """還付未済, 還付済, and what the list behind 還付未済 adds up to."""
    with reading(town.engine, M) as connection:
        lines = year_account(connection, load_profile(connection, M), 2026).lines
        listed = list(held_rows.rows(connection, M, "refundable"))
        kinds = tuple(row.part for row in listed)
        for row in listed:  # every page begins behind the key before it
            later = held_rows.rows(
                connection, M, "refundable", after=held_rows.key_of("refundable", row)
            )
            assert list(later) == listed[listed.index(row) + 1 :]
    due, paid = sum(line.refundable_yen for line in lines), sum(line.refunded_yen for line in lines)
    assert due == sum(row.amount_yen for row in listed)
    assert due == -town.balance("suspense") - town.balance("refund_due")
    return due, paid, kinds


def test_money_goes_from_held_to_decided_to_paid_and_comes_back(town):
    first, other = town.twice(), town.lowered(3)
    assert _sums(town) == (16_000, 0, (1, 2))
    number = town.refunded(first)
    assert _sums(town) == (16_000, 0, (2, 3))
    town.refunded(other, 1_000)
    assert _sums(town) == (16_000, 0, (2, 3, 3))
    town.released(town.built())
    total = town.refund(number).total_yen + 1_000
    town.statement("paid.txt", ("out", total, "ｿｳｺﾞｳﾌﾘｺﾐ"))
    town.matched()
    assert _sums(town) == (5_000, 11_000, (2,))


def test_a_transfer_that_comes_back_is_owed_again(town):
    town.refunded(town.twice())
    town.released(town.built())
    town.statement("paid.txt", ("out", 10_000, "ｿｳｺﾞｳﾌﾘｺﾐ"))
    town.matched()
    assert _sums(town) == (0, 10_000, ())
    town.statement("back.txt", ("in", 10_000, "ｸﾐﾓﾄﾞｼ ﾐﾎﾝ ﾀﾛｳ"), on=BACK)
    town.matched(BACK)
    assert _sums(town) == (10_000, 0, (3,))

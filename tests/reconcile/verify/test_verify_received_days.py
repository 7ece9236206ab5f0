"""検算・受領日: a file is read again as of the day it was received, whatever day it was booked on."""

from __future__ import annotations

from datetime import date

import pytest
from placing_town import DAY, M, PlacingTown

from payments import approve
from payments.store.unit_of_work import unit_of_work
from reconcile import day_close
from reconcile.formats import debit_result
from reconcile.formats.debit_records import Batch, Debit
from reconcile.model import Delivery


@pytest.fixture
def town(database_url):
    town = PlacingTown(database_url)
    yield town
    town.close()


def test_dates_without_a_year_of_a_file_that_came_on_a_closed_day(town):
    with unit_of_work(town.engine, M) as connection:
        asked = day_close.ask(
            connection, M, day_close.CLOSE, DAY.isoformat(), asked_by="hanako", reason="試験",
            at=town.moment, despite=True,
        )  # fmt: skip
        decided = approve.decide(
            connection, M, asked.approval_id, "approved", decided_by="jiro", at=town.moment
        )
        day_close.carry_out(connection, M, decided)
    # 29 June is nine days ahead of the day received, seven ahead of the next open day.
    debit = Debit("20269010000000000101", 10_000)
    batch = Batch(
        "1234567890", "ﾐﾎﾝｼ", date(2026, 6, 29), "9999", "ﾃｽﾄ", "999", "ﾎﾝﾃﾝ", "1", "1234567",
        [debit],
    )  # fmt: skip
    town.take(Delivery("debit.dat", debit_result.write([batch])))
    booked = town.rows("SELECT CAST(MAX(booked_on) AS VARCHAR(10)) FROM journal")[0][0]
    paid = town.rows("SELECT CAST(paid_on AS VARCHAR(10)) FROM receipt")[0][0]
    assert (booked, paid) == ("2026-06-22", "2025-06-29")
    town.check()

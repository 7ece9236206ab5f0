"""過去の日計: days at which nobody looked are told as they would have been shown."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import years_town
from sqlalchemy import text
from years_town import M, YearsTown, claim

from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close, day_copies, day_past
from reconcile.day_totals import summarise
from reconcile.person_as_of import journal_at

DAYS = (date(2026, 6, 9), date(2026, 6, 10), date(2026, 6, 11))


@pytest.fixture
def town(database_url):
    made = YearsTown(database_url)
    made.assess(*(claim(number, 2026, 10_000) for number in range(1, 6)), on="2026-04-10")
    yield made
    made.close()


def _looked(town):
    """What would be shown now of every day; nothing of it is kept."""
    at = datetime.now(UTC)
    with reading(town.engine, M) as connection:
        return [(day, at, day_close.shown_day(connection, town.profile, day)[0]) for day in DAYS]


def _close(town, day, monkeypatch):
    """締め, decided now by the clock that the journals have."""
    number = next(town.numbers) + 1
    monkeypatch.setattr(years_town, "AT", datetime.now(UTC) - timedelta(seconds=number))
    town.close_day(day)


def _substance(report):
    """Without the open cases, of which only days are known, and the sums of all books.

    Those are shown as they were last summed up, and made again for the moment itself.
    """
    checks = tuple(check for check in report.checks if check.scope == "day")
    return replace(report, waiting=(), checks=checks, sums_journal_id=0)


@pytest.mark.parametrize("seed", [1, 7])
def test_any_moment_is_told_from_the_books_alone(town, monkeypatch, seed):
    rng, seen, days = random.Random(seed), [], [day.isoformat() for day in DAYS]
    for step in range(8):
        day, deed = rng.choice(days[step > 5 :]), rng.random()
        if step == 5:
            _close(town, days[0], monkeypatch)
        elif step == 3:
            summarise(town.engine, M)
        elif deed < 0.8:
            kind = rng.choice(("01", "02", "03"))
            yen = rng.choice((5_000, 10_000))
            town.pay(rng.randint(1, 5), yen, day, on=day, kind=kind)
        else:
            town.assess(claim(rng.randint(1, 5), 2026, 8_000, kind="correction"), on=day)
        seen += _looked(town)
    summarise(town.engine, M)
    assert len({report for _day, _at, report in seen}) > 12
    for day, at, report in seen:
        with reading(town.engine, M) as connection:
            then = day_copies.as_of(connection, M, day, at)
        assert _substance(then.report) == _substance(report), (day, at)
        assert not then.report.differing or report.differing
        assert set(then.unsure) <= {"waiting"}


def test_the_tables_are_themselves_again_afterwards(town):
    town.pay(1, 10_000, "2026-06-10", on="2026-06-10")
    with reading(town.engine, M) as connection:
        count = text("SELECT COUNT(*) FROM journal")
        whole = connection.execute(count).scalar_one()
        with day_past.books_until(connection, M, datetime.now(UTC), 1):
            assert connection.execute(count).scalar_one() == 1
        assert connection.execute(count).scalar_one() == whole > 1


def test_what_keeps_no_moment_is_named_where_it_changed(town):
    town.pay(1, 10_000, "2026-06-10", on="2026-06-10")
    at = datetime.now(UTC)
    with unit_of_work(town.engine, M) as connection:
        connection.execute(
            text(
                "INSERT INTO nil_report (municipality_code, agent, due_on, entered_by, note) "
                "VALUES (:m, 'konbini_dsk', '2026-06-10', 'abe', '')"
            ),
            {"m": M},
        )
    town.pay(2, 5_000, "2026-06-10", on="2026-06-10")  # too little: a case
    with reading(town.engine, M) as connection:
        then = day_copies.as_of(connection, M, DAYS[1], at)
        assert then.report.collected_yen == 10_000
        assert {"waiting", "arrivals"} <= set(then.unsure)
        assert not then.exact
        assert journal_at(connection, M, at) == then.report.sums_journal_id

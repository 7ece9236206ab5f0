"""日計の控え: the report of an open day as it stood, whatever happened to it since."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import years_town
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from years_town import M, YearsTown, claim

from payments.domain.errors import NotFoundError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close, day_copies
from web.days.copies import keep_shown

DAY = date(2026, 6, 10)


@pytest.fixture
def town(database_url):
    made = YearsTown(database_url)
    made.assess(claim(1, 2026, 10_000), claim(2, 2026, 10_000), on="2026-04-10")
    yield made
    made.close()


def _report(town):
    with reading(town.engine, M) as connection:
        return day_close.shown_day(connection, town.profile, DAY)


def _keep(town, at):
    report, _closure = _report(town)
    with unit_of_work(town.engine, M) as connection:
        return report, day_copies.keep(connection, M, report, at=at, by="abe")


def _then(town, at):
    with reading(town.engine, M) as connection:
        return day_copies.as_of(connection, M, DAY, at)


def test_what_was_shown_is_kept_once_and_agrees_with_what_is_told_again(town):
    first = datetime.now(UTC)
    before, kept = _keep(town, first)
    assert kept
    assert not _keep(town, first + timedelta(seconds=1))[1]
    town.pay(1, 10_000, "2026-06-10", on="2026-06-10")
    second = datetime.now(UTC)
    after, kept = _keep(town, second)
    assert kept
    assert after != before
    then = _then(town, first)
    assert (then.report, then.copied) == (before, day_copies.Copy(first, agrees=True))
    then = _then(town, second + timedelta(hours=3))
    assert (then.report, then.copied) == (after, day_copies.Copy(second, agrees=True))
    with reading(town.engine, M) as connection:
        assert len(day_copies.moments(connection, M, DAY)) == 2
    with pytest.raises(NotFoundError, match="day_copy"):
        _then(town, first - timedelta(days=1))  # before the first booking


def test_a_copy_that_says_something_else_is_told(town):
    at = datetime.now(UTC)
    report, _closure = _report(town)
    for minutes, seen in ((-60 * 24, report), (0, replace(report, collected_yen=1))):
        with unit_of_work(town.engine, M) as connection:
            moment = at + timedelta(minutes=minutes)
            day_copies.keep(connection, M, seen, at=moment, by="abe")
    assert _then(town, at).copied == day_copies.Copy(at, agrees=False)
    assert _then(town, at).report == report
    before = at - timedelta(hours=1)  # the copy is older than the books
    with pytest.raises(NotFoundError, match="day_copy"):
        _then(town, before)


def test_a_closed_day_is_that_which_was_signed_and_a_copy_is_only_added_to(town, monkeypatch):
    start = datetime.now(UTC)
    before, _kept = _keep(town, start)
    monkeypatch.setattr(years_town, "AT", datetime.now(UTC))
    closure = town.close_day("2026-06-10")
    then = _then(town, closure.made_at.replace(tzinfo=UTC) + timedelta(hours=1))
    assert then.closure == closure
    assert then.exact
    assert _then(town, start).report == before
    report, shown_closure = _report(town)
    assert keep_shown(town.engine, report, shown_closure, "abe")
    with pytest.raises(DBAPIError), unit_of_work(town.engine, M) as connection:
        connection.execute(text("DELETE FROM day_report_copy"))


def test_the_days_of_the_last_weeks_are_kept_until_they_are_closed(town):
    town.pay(1, 10_000, "2026-06-10", on="2026-06-10")
    town.pay(2, 10_000, "2026-06-11", on="2026-06-11")
    with reading(town.engine, M) as connection:
        found = day_copies.open_days(connection, M, date(2026, 6, 12))
    assert found == (DAY, date(2026, 6, 11))
    town.close_day("2026-06-10")
    with reading(town.engine, M) as connection:
        assert day_copies.open_days(connection, M, date(2026, 6, 12)) == (date(2026, 6, 11),)


def test_nobody_waits_for_a_writer_to_be_shown_a_report(town):
    if town.engine.dialect.name != "sqlite":
        pytest.skip("only SQLite has one writer")
    report, closure = _report(town)
    with unit_of_work(town.engine, M):
        assert not keep_shown(town.engine, report, closure, "abe")
    assert keep_shown(town.engine, report, closure, "abe")

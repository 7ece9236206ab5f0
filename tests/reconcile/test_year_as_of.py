"""A year of days: accounts, dunning lists and day reports of past moments, just as they were."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
import years_town
from dunning_town import AT, DunningTown, M
from years_town import claim

from payments.domain.errors import NotFoundError
from payments.domain.holds import HoldKind
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close, day_copies
from reconcile.dunning import explain, pull
from reconcile.person_account import person_account
from reconcile.person_as_of import account_as_of

PEOPLE = range(1, 9)
DUES = {"01": "2025-06-30", "02": "2025-09-01", "03": "2025-11-04", "04": "2026-02-02"}
CLOSED = (date(2025, 12, 25), date(2025, 12, 26))
FIRST, LAST = date(2025, 5, 1), date(2026, 4, 30)


def _open_now(town):
    """Every account as the running balances say it today."""
    with reading(town.engine, M) as connection:
        return {
            number: {
                (i.notice_id, i.term): (i.amount_yen, i.open_yen)
                for i in person_account(connection, M, f"{number:012d}").instalments
            }
            for number in PEOPLE
        }


def _open_then(town, journal_id):
    """The same of a past moment, from the ledger."""
    with reading(town.engine, M) as connection:
        return {
            number: {
                (s.notice_id, s.term): (s.amount_yen, s.open_yen)
                for s in account_as_of(connection, M, f"{number:012d}", journal_id)
            }
            for number in PEOPLE
        }


def _told(town, list_no):
    """Everything that a list says about everybody on it."""
    with reading(town.engine, M) as connection:
        rows = town.rows("SELECT * FROM dunning_row WHERE list_no = :list_no", list_no=list_no)
        stories = [
            explain.of_instalment(connection, M, list_no, row.notice_id, row.term).rows
            for row in rows
        ]
        return [tuple(row) for row in rows], stories


def _report(town, day):
    with reading(town.engine, M) as connection:
        report, closure = day_close.shown_day(connection, town.profile, day)
        return day_close.report_as_data(report), closure


def _moment(day):
    """Noon of a day in Japan."""
    return datetime(day.year, day.month, day.day, 3, tzinfo=UTC)


def _shown(town, about, day):
    """What is shown of an open day on a later one, word for word; some of it is kept, too."""
    with unit_of_work(town.engine, M) as connection:
        report, closure = day_close.shown_day(connection, town.profile, about)
        if closure is not None:  # a closed day is looked at below
            return []
        if day.month % 3 == 0:
            day_copies.keep(connection, M, report, at=_moment(day), by="abe")
    return [(about, _moment(day), day_close.canonical_json(day_close.report_as_data(report)))]


def _dun(town, day):
    """A list that goes to the post on the day."""
    list_no = town.draw(day)
    if not town.list(list_no).listed_count:
        return list_no
    town.approve(list_no, on=day)
    with unit_of_work(town.engine, M) as connection:
        pulled = len(
            pull.second_draw(connection, town.profile, list_no, on=day, actor="abe", at=AT)
        )
        pull.confirm(connection, M, list_no, on=day, actor="abe", at=AT, count=pulled)
        letters = town.list(list_no).listed_count - pulled
        pull.dispatch(connection, town.profile, list_no, on=day, actor="abe", at=AT, count=letters)
    return list_no


def _happens(town, rng, day):
    """What a day may bring: payments of every kind, corrections, holds."""
    number, term = rng.choice(PEOPLE), rng.choice(list(DUES))
    deed = rng.random()
    if deed < 0.7:
        kind = "01" if deed < 0.15 else "02"
        yen = 5_000 if deed > 0.6 else 10_000
        town.pay(number, yen, day.isoformat(), on=day.isoformat(), term=term, kind=kind)
    elif deed < 0.85:
        yen = rng.choice((0, 8_000, 12_000))
        kind = "correction" if yen else "cancellation"
        town.assess(
            claim(number, 2025, yen, term=term, due=DUES[term], kind=kind), on=day.isoformat()
        )
    else:
        last = (day + timedelta(days=30)).isoformat()
        town.hold(f"901/2025/{number:010d}/{term}", HoldKind.COLLECTION, day.isoformat(), last)


@pytest.fixture
def clock(monkeypatch):
    """It stands at noon of the day that the town has come to."""
    monkeypatch.setattr(years_town, "AT", years_town.AT)
    with time_machine.travel(_moment(FIRST), tick=False) as standing:
        yield standing


def test_every_past_moment_of_a_year_is_told_as_it_was(sqlite_url, clock):
    _a_year(sqlite_url, clock)


@pytest.mark.soak
@pytest.mark.postgres
def test_so_it_is_on_postgresql(postgres_url, clock):
    _a_year(postgres_url, clock)


def _a_year(url, clock):
    town, rng = DunningTown(url), random.Random(8)
    town.assess(
        *(
            claim(number, 2025, 10_000, term=term, due=due)
            for number in PEOPLE
            for term, due in DUES.items()
        ),
        on="2025-04-10",
    )
    accounts, lists, reports, shown = {}, {}, {}, []
    day = FIRST
    while day <= LAST:
        clock.move_to(_moment(day))
        years_town.AT = _moment(day) - timedelta(hours=1)
        if day.day in {3, 12, 21}:
            _happens(town, rng, day)
        if day.day == 20 and day.month in {7, 9, 11, 2}:
            list_no = _dun(town, day)
            lists[list_no] = _told(town, list_no)
        if day.day == 25 and day.month % 3 == 1:
            (last,) = town.rows("SELECT MAX(journal_id) AS journal_id FROM journal")
            accounts[last.journal_id] = _open_now(town)
        if day.day == 12:
            shown += _shown(town, day, day) + _shown(town, day - timedelta(days=9), day)
        if day in CLOSED:
            town.close_day(day.isoformat())
            reports[day] = _report(town, day)
        day += timedelta(days=1)
    assert len(accounts) == 4
    assert len(lists) == 4
    assert sum(bool(rows) for rows, _stories in lists.values()) == 4
    assert {journal_id: _open_then(town, journal_id) for journal_id in accounts} == accounts
    assert {list_no: _told(town, list_no) for list_no in lists} == lists
    assert {day: _report(town, day) for day in reports} == reports
    assert len(shown) == 24
    assert len({said for _about, _at, said in shown}) > 20
    with reading(town.engine, M) as connection:
        for about, at, said in shown:
            then = day_copies.as_of(connection, M, about, at + timedelta(minutes=1))
            assert day_close.canonical_json(day_close.report_as_data(then.report)) == said
            assert then.copied is None or then.copied.agrees
        with pytest.raises(NotFoundError, match="day_copy"):
            day_copies.as_of(connection, M, FIRST, _moment(FIRST - timedelta(days=1)))
    with reading(town.engine, M) as connection, pytest.raises(NotFoundError, match="person"):
        account_as_of(connection, M, "999999999999", 1)
    town.close()

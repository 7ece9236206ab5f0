"""過去の日計: whatever moment is asked for, the report is the one that was shown at it, to the byte."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
import years_town
from placing_town import PlacingTown, row
from sqlalchemy import text
from years_town import M, YearsTown, claim

from payments.domain.arrivals import ArrivalRule
from payments.store.municipalities import load_profile, save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import cases, day_close, day_copies, day_past
from reconcile.day_totals import summarise
from reconcile.model import Delivery
from reconcile.person_account import person_account
from reconcile.person_as_of import account_as_of, journal_at
from reconcile.pipeline import reconcile_waiting, take_in
from reconcile.report.arrivals import arrivals
from web.days.exports import export
from web.days.nil_reports import enter_nil_report
from web.days.text import as_text

DAYS = (date(2026, 6, 9), date(2026, 6, 10))
START = datetime(2026, 6, 9, 0, 0, tzinfo=UTC)
PEOPLE = range(1, 3)


class Watched(YearsTown):
    """町 in which the clock stands, and somebody writes down all that can be seen."""

    def __init__(self, url: str) -> None:
        """On the morning of the first day."""
        self.clock = time_machine.travel(START, tick=False)
        self.coordinates = self.clock.start()
        self.seen: dict[tuple[datetime, date], bytes] = {}
        self.accounts: dict[tuple[datetime, int], object] = {}
        super().__init__(url)
        self.assess(*(claim(number, 2026, 10_000) for number in PEOPLE), on="2026-04-10")

    def close(self) -> None:
        """The clock goes on."""
        self.clock.stop()
        super().close()

    @property
    def now(self) -> datetime:
        """The moment."""
        return datetime.now(UTC)

    def moves(self, minutes: int = 7) -> None:
        """Time passes."""
        self.coordinates.shift(timedelta(minutes=minutes))

    def look(self) -> None:
        """What is shown of every day, and of everybody."""
        with reading(self.engine, M) as connection:
            profile = load_profile(connection, M)
            for day in DAYS:
                shown = day_close.shown_day(connection, profile, day)
                self.seen[self.now, day] = export(*shown, "json")
            for number in PEOPLE:
                found = person_account(connection, M, f"{number:012d}").instalments
                self.accounts[self.now, number] = {
                    (i.notice_id, i.term): (i.amount_yen, i.open_yen) for i in found
                }

    def compare(self) -> None:
        """Every moment again."""
        for (at, day), said in self.seen.items():
            then = self.then(day, at)
            assert export(then.report, then.closure, "json") == said, (at, day)
            assert then.exact
        with reading(self.engine, M) as connection:
            for (at, number), stood in self.accounts.items():
                found = account_as_of(
                    connection, M, f"{number:012d}", journal_at(connection, M, at)
                )
                assert {(s.notice_id, s.term): (s.amount_yen, s.open_yen) for s in found} == stood

    def then(self, day: date, at: datetime) -> day_copies.Then:
        """The report of a moment."""
        with reading(self.engine, M) as connection:
            return day_copies.as_of(connection, M, day, at)

    def settle(self, day: date) -> None:
        """締め, decided now."""
        number = next(self.numbers) + 1
        years_town.AT = self.now - timedelta(seconds=number)
        self.close_day(day.isoformat())

    def case(self) -> int:
        """A case that waits."""
        (row,) = self.rows(
            "SELECT MIN(case_no) AS case_no FROM review_case WHERE municipality_code = :m "
            "AND state IN ('open', 'acknowledged')"
        )
        return int(row.case_no)


@pytest.fixture
def town(database_url, monkeypatch):
    monkeypatch.setattr(years_town, "AT", years_town.AT)
    made = Watched(database_url)
    yield made
    made.close()


def _deed(town, rng, step):
    """What may happen in a few minutes of a day."""
    day = rng.choice(DAYS[step > 6 :])
    on, number = day.isoformat(), rng.choice(PEOPLE)
    deed = rng.random()
    if deed < 0.55:
        yen, kind = rng.choice((5_000, 10_000)), rng.choice(("01", "02", "03"))
        town.pay(number, yen, on, on=on, kind=kind)
    elif deed < 0.65:
        town.assess(claim(number, 2026, 8_000, kind="correction"), on=on)
    elif deed < 0.75:
        reconcile_waiting(town.engine, M, as_of=day + timedelta(days=rng.choice((0, 30))))
    elif deed < 0.85:
        summarise(town.engine, M)
    else:
        with unit_of_work(town.engine, M) as connection:
            waits = connection.execute(
                text("SELECT case_no, state FROM review_case WHERE municipality_code = :m "
                     "AND state IN ('open', 'acknowledged') ORDER BY case_no"), {"m": M},
            ).first()  # fmt: skip
            if waits is None:
                return
            case, said = (connection, M, waits.case_no), {"actor": "abe", "on": day}
            if waits.state == "open":
                cases.acknowledge(*case, **said)
            else:
                cases.accept(*case, "試験", **said)


@pytest.mark.parametrize("seed", [7])
def test_any_moment_is_told_to_the_byte(town, seed):
    rng = random.Random(seed)
    for step in range(10):
        if step == 6:
            town.settle(DAYS[0])
        else:
            _deed(town, rng, step)
        town.look()
        town.moves()
    assert len(set(town.seen.values())) > 10
    town.compare()


def test_so_are_the_cases_that_waited_with_their_amounts(town):
    town.pay(1, 5_000, "2026-06-10", on="2026-06-10")  # too little
    town.look()
    town.moves()
    case_no = town.case()
    said: Any = {"actor": "abe", "on": DAYS[1]}
    for deed in ("acknowledge", "accept", "undo", "again"):
        with unit_of_work(town.engine, M) as connection:
            if deed == "acknowledge":
                cases.acknowledge(connection, M, case_no, **said)
            elif deed == "undo":
                events = cases.events_shown(connection, M, case_no)
                cases.undo(connection, M, case_no, events, **said)
            else:
                cases.accept(connection, M, case_no, "試験", **said)
        town.look()
        town.moves()
    waited = [len(town.then(DAYS[1], at).report.waiting) for at, day in town.seen if day == DAYS[1]]
    assert waited == [1, 1, 0, 1, 0]
    town.compare()


def test_a_case_that_grows_is_told_with_what_it_was_about(town):
    from reconcile import flag  # noqa: PLC0415 - only here

    for yen in (300, 700, 700, 200):
        with unit_of_work(town.engine, M) as connection:
            case = flag.Case("remittance_overdue", "group:1", yen)
            flag.open_cases(connection, M, [case], on="2026-06-10", actor="abe")
        town.look()
        town.moves()
    said = [town.then(DAYS[1], at).report.waiting[0][2] for at, day in town.seen if day == DAYS[1]]
    assert said == [300, 700, 700, 200]
    town.compare()


def test_a_nil_report_counts_from_when_it_was_entered(town):
    town.pay(1, 10_000, "2026-06-10", on="2026-06-10")
    town.look()
    before = town.now
    town.moves()
    with unit_of_work(town.engine, M) as connection:
        red = next(a for a in arrivals(connection, town.profile, DAYS[1]) if a.red)
        enter_nil_report(
            connection, town.profile, red.source.code, DAYS[1], entered_by="abe", note=""
        )
    town.look()
    missing = [len(town.then(DAYS[1], at).report.missing) for at in (before, town.now)]
    assert missing[1] == missing[0] - 1
    town.compare()


def test_a_file_that_was_tried_again_is_told_as_it_stood_aside(town):
    name = "asi'de%.csv"
    broken = Delivery(name, "種別,収納日\r\n02,2026\r\n".encode("cp932"))
    for day in ("2026-06-09", "2026-06-09", "2026-06-10"):
        take_in(town.engine, M, broken, received_on=date.fromisoformat(day))
        town.look()
        town.moves()
        broken = replace(broken, name=f"{broken.name}x")
    files = {
        (at, file.name, file.findings > 0)
        for at, day in town.seen
        for file in town.then(day, at).report.files
        if file.name.startswith(name)
    }
    assert len(files) == 3
    assert all(found for _at, _name, found in files)
    town.compare()


def test_settings_of_a_body_are_those_of_the_moment(town):
    town.pay(1, 10_000, "2026-06-10", on="2026-06-10")
    town.look()
    town.moves()
    with unit_of_work(town.engine, M) as connection:
        rules = tuple(
            ArrivalRule(source=a.source.code, days="on_demand")
            for a in arrivals(connection, town.profile, DAYS[1])
        )
        save_profile(connection, replace(town.profile, name="改名市", arrivals=rules))
        save_profile(connection, replace(town.profile, name="改名市", arrivals=rules))
    town.look()
    (kept,) = town.rows("SELECT COUNT(*) AS n FROM former_row WHERE table_name = 'municipality'")
    assert kept.n == 1
    town.compare()


def test_the_sums_of_all_books_are_those_that_were_summed_up_then(town):
    for number in PEOPLE:
        town.pay(number, 10_000, "2026-06-10", on="2026-06-10")
        town.look()
        town.moves()
        summarise(town.engine, M)
        town.look()
        town.moves()
    told = [
        town.then(DAYS[1], at).report.sums_journal_id for at, day in town.seen if day == DAYS[1]
    ]
    assert told == [2, 2, 2, 3]
    town.compare()


def test_money_of_a_year_is_of_the_year_that_was_open_then(town):
    town.assess(claim(8, 2025, 10_000), claim(9, 2025, 10_000), on="2026-04-11")
    town.pay(8, 10_000, "2026-05-20", on="2026-06-09")
    for deed in ("look", "sum", "close", "pay", "sum", "pay again", "sum"):
        if deed == "sum":
            summarise(town.engine, M)
        elif deed == "close":
            town.settle(date(2026, 6, 8))
            years_town.AT = town.now - timedelta(seconds=next(town.numbers) + 1)
            town.close_year(2025)
        elif deed == "pay":
            town.pay(9, 10_000, "2026-05-20", on="2026-06-10")
        elif deed == "pay again":
            town.pay(1, 10_000, "2026-05-20", on="2026-06-10")
        town.look()
        town.moves()
    town.compare()


def test_what_was_written_before_former_rows_were_kept_is_named(town):
    town.pay(1, 5_000, "2026-06-10", on="2026-06-10")
    before = town.now
    town.moves()
    with unit_of_work(town.engine, M) as connection:
        connection.execute(
            text(
                "INSERT INTO former_row (municipality_code, table_name, row_key, former_no, "
                "until_at, row_json) VALUES (:m, 'books', '', 1, :at, 'null')"
            ),
            {"m": M, "at": town.now.isoformat(" ", timespec="microseconds")},
        )
    assert set(town.then(DAYS[1], before).unsure) >= {"waiting", "arrivals", "files", "checks"}
    assert town.then(DAYS[1], town.now).exact


def test_the_tables_are_themselves_again_afterwards(town):
    town.pay(1, 10_000, "2026-06-10", on="2026-06-10")
    with reading(town.engine, M) as connection:
        count = text("SELECT COUNT(*) FROM journal")
        whole = connection.execute(count).scalar_one()
        with day_past.books_until(connection, M, datetime.now(UTC), 1):
            assert connection.execute(count).scalar_one() == 1
        assert connection.execute(count).scalar_one() == whole > 1


def test_what_is_printed_is_made_of_what_is_told(town):
    town.pay(1, 5_000, "2026-06-10", on="2026-06-10")
    with reading(town.engine, M) as connection:
        shown = day_close.shown_day(connection, town.profile, DAYS[1])
    printed = [as_text(*shown), export(*shown, "csv")]
    at = town.now
    town.moves()
    town.pay(2, 10_000, "2026-06-10", on="2026-06-10")
    then = town.then(DAYS[1], at)
    assert [as_text(then.report, None), export(then.report, None, "csv")] == printed


def test_a_group_that_a_postal_correction_left_is_told_as_it_was(database_url):
    with time_machine.travel(START, tick=False) as clock:
        city = PlacingTown(database_url)
        city.shop("first.csv", row(1, kind="12"), row(2, kind="12"))
        clock.shift(timedelta(minutes=5))
        at, journal_id = datetime.now(UTC), city.rows("SELECT MAX(journal_id) FROM journal")[0][0]
        clock.shift(timedelta(minutes=5))
        city.shop("other.csv", row(1, kind="22", yen=9_000, remitted_on="20260630"))
    groups = text("SELECT confirmed_count, confirmed_yen FROM remittance_group ORDER BY group_id")
    with reading(city.engine, M) as connection:
        with day_past.books_until(connection, M, at, journal_id):
            then = [tuple(each) for each in connection.execute(groups)]
        now = [tuple(each) for each in connection.execute(groups)]
    assert (then, now) == ([(2, 20_000)], [(1, 10_000), (1, 9_000)])
    city.close()

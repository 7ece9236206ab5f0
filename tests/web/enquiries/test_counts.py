"""Counts in rows: what the database adds up is what was counted, window by window."""

from __future__ import annotations

import random
from collections import Counter

import pytest
import sqlalchemy as sa
from alembic import command
from revisions import at
from sqlalchemy import text

from payments.domain.enquiring import Enquiries
from payments.store.engine import open_engine
from payments.store.unit_of_work import reading
from web.database import upgrade
from web.enquiries import tally as tallies
from web.enquiries.counts import COLUMNS, rows_of, totals
from web.enquiries.limits import DAY, HOUR, Asked, Key, counted
from web.enquiries.tally import Question, Tally, _told

M = "99999"
NOW = 1_780_000_000 // DAY * DAY
ASKED = Asked("s", "here", missed=False, proof="p", set_at=NOW - 30)


def _named(row):
    return dict(zip(COLUMNS, row, strict=True))


def test_a_question_is_a_row_for_slip_source_site_and_proof():
    rows = {row["subject"]: row for row in map(_named, rows_of(counted(ASKED, NOW + 90)))}
    assert set(rows) == {"slip:s", "source:here", "site", "proof:p"}
    assert rows["source:here"] == dict.fromkeys(COLUMNS, 0) | {
        "ends": NOW + DAY, "subject": "source:here", "minute": NOW + 60, "hour": NOW,
        "minute_asked": 1, "hour_asked": 1,
    }  # fmt: skip
    assert rows["proof:p"]["ends"] == NOW - 30 + DAY
    assert rows["site"]["hour_missed"] == 0  # written all the same


def test_rows_come_in_one_order_and_once_each():
    several = [Asked(f"s{n % 3}", f"from {n % 2}", missed=n % 2 == 0) for n in range(9)]
    added: Counter[Key] = Counter()
    for each in several:
        for key, number in counted(each, NOW).items():
            added[key] += number
    rows = rows_of(added)
    assert rows == sorted(rows)
    assert len({(row[0], row[1]) for row in rows}) == len(rows) == 6


def test_of_questions_that_waited_the_newest_window_counts():
    added = Counter(counted(ASKED, NOW + 50)) + Counter(counted(ASKED, NOW + 70))
    source = next(row for row in map(_named, rows_of(added)) if row["subject"] == "source:here")
    assert (source["minute"], source["minute_asked"], source["hour_asked"]) == (NOW + 60, 1, 2)


def test_a_row_of_an_earlier_window_says_nothing_of_this_one():
    added = counted(ASKED, NOW + HOUR)
    earlier = rows_of(counted(ASKED, NOW))
    assert not any(
        number for key, number in totals(earlier, added).items() if key.seconds in {60, HOUR}
    )


@pytest.fixture
def engine(database_url):
    found = open_engine(database_url)
    yield found
    found.dispose()


@pytest.fixture
def two(engine, hands):  # noqa: ARG001 - the clock stands unless a test moves it
    """Two processes of the service."""
    found = Tally(engine, M), Tally(engine, M)
    yield found
    for each in found:
        each.close()


def _one(engine, sql, **values):
    with reading(engine, M) as connection:
        return connection.execute(text(sql), values).scalar_one()


def test_the_database_adds_up_as_the_limits_count(two, hands):
    """Two hundred questions over a day's end, by two processes: every count is as in memory."""
    chance, begun = random.Random(7), int(hands.at.timestamp())
    known: Counter[Key] = Counter()
    for _ in range(200):
        hands.on(seconds=chance.choice((0, 1, 40, 900)))
        now = hands.at.timestamp()
        asked = Asked(f"s{chance.randint(0, 5)}", f"from {chance.randint(0, 5)}",
                      missed=chance.random() < 0.3,
                      proof=chance.choice(("", f"p{chance.randint(0, 50)}")), set_at=begun)  # fmt: skip
        added = counted(asked, now)
        known.update(added)
        tally = chance.choice(two)
        tally._flush([_told(_question(asked), now)], now)
        assert {key: tally._known[key] for key in added} == {key: known[key] for key in added}


def test_a_clock_that_is_behind_counts_in_the_window_of_the_other(engine, two, hands):
    question = _question(Asked("s", "here", missed=False))
    for _ in range(2):
        two[0].ask(question, Enquiries())
        hands.on(minutes=1)
    hands.on(minutes=-2)
    two[1].ask(question, Enquiries())
    asked = "SELECT minute_asked FROM enquiry_count WHERE subject = 'source:here'"
    assert _one(engine, asked) == 2


def test_what_is_forgotten_is_forgotten_a_piece_at_a_time(engine, two, hands, monkeypatch):
    monkeypatch.setattr(tallies, "TIDY_MAX", 4)
    asked = [_question(Asked(f"s{n}", f"from {n}", missed=False)) for n in range(6)]
    for each in asked:
        two[0].ask(each, Enquiries())
    hands.on(days=4)
    old = "SELECT COUNT(*) FROM enquiry_count WHERE ends < :at"
    left = []
    for _ in range(5):
        two[1].ask(asked[0], Enquiries())
        left.append(_one(engine, old, at=hands.at.timestamp() - 2 * DAY))
    assert left == [9, 5, 1, 0, 0]


def test_the_counts_begin_anew_with_the_other_rows_and_again_on_the_way_back(bare_database_url):
    engine = open_engine(bare_database_url)
    upgrade(bare_database_url, "0043")
    before = _columns(engine)
    at(engine, command.upgrade, "0049")
    assert set(COLUMNS) < set(_columns(engine))
    tally = Tally(engine, M)
    assert tally.ask(_question(ASKED), Enquiries()).answered
    tally.close()
    at(engine, command.downgrade, "0043")
    assert _columns(engine) == before
    engine.dispose()


def _columns(engine):
    return {each["name"]: str(each["type"])
            for each in sa.inspect(engine).get_columns("enquiry_count")}  # fmt: skip


def _question(asked):
    return Question(asked, "digest", "paid", "number")

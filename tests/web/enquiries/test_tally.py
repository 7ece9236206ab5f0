"""The record of questions: shared by processes, and never in the way of an answer."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from payments.domain.enquiring import Enquiries
from payments.store.engine import open_engine
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.enquiries import tally as tallies
from web.enquiries.limits import Asked
from web.enquiries.tally import Question, Tally

M = "99999"
SECTION = Enquiries()


def _question(slip, where="here", *, missed=False, proof=""):
    asked = Asked(slip, where, missed=missed, proof=proof, set_at=int(clock.now().timestamp()))
    return Question(asked, f"digest of {slip}", "unknown" if missed else "paid", "number")


@pytest.fixture
def engine(database_url):
    found = open_engine(database_url)
    yield found
    found.dispose()


@pytest.fixture
def two(engine, hands):  # noqa: ARG001 - the clock stands
    """Two processes of the service."""
    found = Tally(engine, M), Tally(engine, M)
    yield found
    for each in found:
        each.close()


def _rows(engine, sql):
    with reading(engine, M) as connection:
        return connection.execute(text(sql)).all()


def test_a_limit_holds_over_all_processes(engine, two):
    answered = [two[n % 2].ask(_question("s", f"from {n}"), SECTION).answered for n in range(24)]
    assert answered == [True] * 20 + [False] * 4
    assert len(_rows(engine, "SELECT 1 FROM enquiry_log")) == 24


def test_a_proof_that_one_process_saw_is_spent_for_the_other(two):
    for n in range(11):
        two[0].ask(_question(f"s{n}"), SECTION)
    assert two[0].ask(_question("t", proof="p"), SECTION).answered
    assert two[0].ask(_question("t", proof="q"), SECTION).answered
    refused = two[1].ask(_question("u", proof="p"), SECTION)
    assert (refused.answered, refused.rule) == (False, "unproven")


def test_who_does_not_wait_fills_neither_books_nor_record(engine, two, hands):
    for n in range(40):
        two[0].ask(_question(f"s{n}"), SECTION)
    assert len(_rows(engine, "SELECT 1 FROM enquiry_log")) == 11
    hands.on(minutes=1)
    assert two[0].ask(_question("t"), SECTION).answered


def test_counts_are_forgotten_and_questions_are_not(engine, two, hands):
    two[0].ask(_question("s"), SECTION)
    hands.on(days=4)
    two[0].ask(_question("t"), SECTION)
    assert len(_rows(engine, "SELECT 1 FROM enquiry_log")) == 2
    assert {row.subject for row in _rows(engine, "SELECT subject FROM enquiry_count "
            "WHERE subject LIKE 'slip:%'")} == {"slip:t"}  # fmt: skip


@pytest.mark.usefixtures("hands")
def test_a_busy_book_delays_no_answer_and_loses_no_question(sqlite_url, monkeypatch):
    monkeypatch.setattr(tallies, "LOCK_WAIT_MS", 10)
    monkeypatch.setattr(tallies, "AGAIN_SECONDS", 3_600.0)  # looks again only at its end
    engine = open_engine(sqlite_url)
    tally = Tally(engine, M)
    tally.ask(_question("before"), SECTION)
    with unit_of_work(engine, M):  # an intake
        answered = [tally.ask(_question("s", f"from {n}"), SECTION).answered for n in range(24)]
        assert answered == [True] * 20 + [False] * 4
        assert tally.waiting == 24
    tally.close()
    assert tally.waiting == 0
    assert len(_rows(engine, "SELECT 1 FROM enquiry_log")) == 25
    engine.dispose()


@pytest.mark.usefixtures("hands")
def test_more_than_can_be_kept_is_not_answered(sqlite_url, monkeypatch):
    monkeypatch.setattr(tallies, "LOCK_WAIT_MS", 10)
    monkeypatch.setattr(tallies, "AGAIN_SECONDS", 3_600.0)
    monkeypatch.setattr(tallies, "PENDING_MAX", 2)
    engine = open_engine(sqlite_url)
    tally = Tally(engine, M)
    with unit_of_work(engine, M):
        answered = [tally.ask(_question(f"s{n}", f"from {n}"), SECTION) for n in range(3)]
        assert [each.answered for each in answered] == [True, True, False]
        assert answered[-1].rule == "busy"
    tally.close()
    engine.dispose()


def test_a_site_on_its_guard_is_known_to_who_has_asked(two):
    section = Enquiries(misses_guarded=3)
    assert not two[0].guarded(section)
    for n in range(3):
        two[0].ask(_question(f"s{n}", f"from {n}", missed=True), section)
    assert two[0].guarded(section)

"""How often may be asked: by slip, source and site, with a clock that only the test moves."""

from __future__ import annotations

from collections import Counter

import pytest

from payments.domain.enquiring import Enquiries
from web.enquiries.limits import (
    ASKED,
    DAY,
    HOUR,
    MISSED,
    SPENT,
    STRICT,
    UNPROVEN,
    Asked,
    Key,
    counted,
    decide,
    is_guarded,
    network,
    site_key,
)

NOW = 1_780_000_000 // DAY * DAY  # the beginning of a day


class Counts:
    """The counts of everything, as the record keeps them."""

    def __init__(self, section: Enquiries | None = None) -> None:
        self.section = section or Enquiries()
        self.counts: Counter[Key] = Counter()

    def ask(self, asked: Asked, now: float) -> bool:
        verdict = decide(asked, self.counts, self.section, now)
        self.counts.update(counted(asked, now))
        return verdict.answered


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:23:3:4:5:6", "2001:db8:1::"),
        ("2001:db8:1:f4::9", "2001:db8:1::"),
        ("2001:db8:1:123::9", "2001:db8:1:100::"),
        ("nowhere", "nowhere"),
    ],
)
def test_a_source_is_the_network_of_one_customer(address, seen):
    assert network(address) == seen


def test_a_slip_is_answered_so_often_wherever_it_is_asked_from():
    counts = Counts()
    answered = [counts.ask(Asked("s", f"from {n}", missed=False), NOW + n) for n in range(30)]
    assert answered == [True] * 20 + [False] * 10
    assert not counts.ask(Asked("s", "another", missed=False), NOW + HOUR - 1)
    assert counts.ask(Asked("s", "another", missed=False), NOW + HOUR)


def test_guessing_a_confirmation_number_ends_at_the_slip():
    counts = Counts()
    tries = sum(
        counts.ask(Asked("one slip", f"from {n}", missed=True), NOW + n) for n in range(0, DAY, 60)
    )
    assert tries == 20  # of a million numbers, a day: who goes on is counted on
    assert 1_000_000 / tries / 365 > 50  # years


def test_who_proves_nothing_may_ask_less_often():
    plain, proven = Counts(), Counts()
    answers = [plain.ask(Asked(f"s{n}", "a", missed=False), NOW) for n in range(12)]
    assert answers == [True] * 10 + [False] * 2
    answers = [
        proven.ask(Asked(f"s{n}", "a", missed=False, proof=f"p{n}", set_at=NOW), NOW)
        for n in range(62)
    ]
    assert answers == [True] * 60 + [False] * 2


def test_a_proof_counts_once():
    counts = Counts()
    proved = Asked("s", "a", missed=False, proof="p", set_at=NOW)
    assert counts.ask(proved, NOW)
    assert decide(proved, counts.counts, counts.section, NOW + 5) == SPENT


def test_whether_a_question_found_something_does_not_decide_about_itself():
    for missed in (True, False):
        counts = Counts()
        for n in range(30):
            counts.ask(Asked(f"s{n}", "a", missed=True, proof=f"p{n}", set_at=NOW), NOW + n * 61)
        asked = Asked("t", "a", missed=missed, proof="q", set_at=NOW)
        assert not counts.ask(asked, NOW + 31 * 61)


def test_a_site_on_its_guard_asks_for_proofs():
    section = Enquiries(misses_guarded=5)
    counts = Counts(section)
    for n in range(5):
        assert counts.ask(Asked(f"s{n}", f"from {n}", missed=True), NOW)
    assert is_guarded(counts.counts[site_key(NOW)], section)
    plain = [counts.ask(Asked(f"t{n}", "a", missed=False), NOW) for n in range(6)]
    assert plain == [True] * 5 + [False]
    assert counts.ask(Asked("u", "a", missed=False, proof="p", set_at=NOW), NOW)


def test_strangers_who_try_numbers_slow_each_other_down_and_shut_nobody_out():
    section = Enquiries(misses_guarded=5, misses_strict=20)
    counts = Counts(section)
    for n in range(40):
        counts.ask(Asked(f"v{n}", f"there {n}", missed=True), NOW)
    plain = [counts.ask(Asked(f"w{n}", "a", missed=False), NOW) for n in range(3)]
    assert plain == [True, True, False]
    proven = [
        counts.ask(Asked(f"x{n}", "b", missed=False, proof=f"p{n}", set_at=NOW), NOW)
        for n in range(20)
    ]
    assert all(proven)  # whoever has slips in hand
    guessed = [
        counts.ask(Asked(f"y{n}", "c", missed=True, proof=f"q{n}", set_at=NOW), NOW)
        for n in range(5)
    ]
    assert guessed == [True] * 3 + [False] * 2
    again = [
        counts.ask(Asked(f"z{n}", "c", missed=True, proof=f"r{n}", set_at=NOW), NOW + HOUR)
        for n in range(5)
    ]
    assert all(again)


def test_the_longest_wait_is_told():
    counts = Counts()
    for n in range(200):
        counts.ask(Asked(f"s{n}", "a", missed=False), NOW + n * 360)
    verdict = decide(Asked("t", "a", missed=False), counts.counts, Enquiries(), NOW + 72_001)
    assert verdict.rule == "unproven"
    assert HOUR < verdict.wait_seconds <= DAY


def _enumerate(numbers, sources, seconds):
    """How many of so many numbers, tried in order from so many places, are answered."""
    counts = Counts()
    answered = 0
    for n in range(numbers):
        asked = Asked(f"slip {n}", f"from {n % sources}", missed=True, proof=f"p{n}", set_at=NOW)
        answered += counts.ask(asked, NOW + n * seconds / numbers)
    return answered


def test_enumeration_from_one_place_ends_at_its_limit():
    assert _enumerate(20_000, 1, DAY - 1) == 30


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_million_numbers_from_ten_thousand_places_end_at_three_from_each():
    answered = _enumerate(1_000_000, 10_000, HOUR - 1)
    assert answered <= 3 * 10_000
    assert Enquiries().misses_strict <= answered


def test_the_numbers_that_operations_promises():
    said = {(rule.kind, rule.seconds): rule.most for rule in (*ASKED, *UNPROVEN, *MISSED)}
    assert said == {
        ("slip", HOUR): 20, ("slip", DAY): 50, ("source", 60): 60, ("source", HOUR): 600,
        ("unproven", 60): 10, ("unproven", HOUR): 60, ("unproven", DAY): 200,
        ("missed", HOUR): 30, ("missed", DAY): 100,
    }  # fmt: skip
    assert {(rule.kind, rule.seconds): rule.most for rule in STRICT} == {
        ("missed", HOUR): 3, ("unproven", HOUR): 2,
    }  # fmt: skip

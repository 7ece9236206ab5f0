"""手数料: credits come gross, less what the advice says, or less what was agreed for each payment."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from credit_town import DSK, CreditTown
from reference_town import Town

from payments.domain.errors import InvalidValueError
from payments.domain.profile import profile_from_mapping
from payments.store.unit_of_work import reading
from reconcile.explain.answer import line_story
from reconcile.model import Channel
from reconcile.settlement.search import GROUPS_MAX, SHOWN_MAX

PROFILE = Path(__file__).parents[3] / "web" / "profiles" / "99999.toml"
DAY = "2026-06-24"
EACH_YEN = 60


def terms(**of_dsk):
    """The sample profile with other terms of one collecting company."""
    data = tomllib.loads(PROFILE.read_text("utf-8"))
    for agent in data["agents"]:
        if agent["code"] == "konbini_dsk":
            agent.update(of_dsk)
    return profile_from_mapping(data)


@pytest.fixture
def town(database_url):
    town = CreditTown(database_url, terms(fee="agreed", fee_each_yen=EACH_YEN))
    yield town
    town.city.close()


def paid(town, *terms_):
    """Payments of one remittance."""
    town.take(Channel.KONBINI, *(town.shop(term, "02", remitted_on=DAY) for term in terms_))


def test_a_credit_is_what_was_confirmed_less_the_agreed_fee_of_each_payment(town):
    paid(town, "01", "02")
    gross = town.credited(18_000, "", payer_code=DSK)
    net = town.credited(18_000 - 2 * EACH_YEN, "", payer_code=DSK)
    assert (town.outcome(gross)[0], town.outcome(net)) == (
        "settlement_difference",
        ("settled", "B2"),
    )
    assert town.city.groups["konbini_dsk", DAY] == (18_000, 120, 17_880)
    assert town.differences() == []


def test_a_payment_confirmed_late_brings_its_own_fee(town):
    paid(town, "01")
    first = town.credited(10_000 - EACH_YEN, "", payer_code=DSK)
    paid(town, "02")
    second = town.credited(8_000 - EACH_YEN, "", payer_code=DSK)
    assert [town.outcome(one) for one in (first, second)] == [("settled", "B2")] * 2
    with reading(town.engine, town.code) as connection:
        stories = [line_story(connection, town.code, *line) for line in (first, second)]
    assert [story.decisions[-1].agrees for story in stories] == [True, True]
    assert town.differences() == []


def test_one_net_group_may_come_in_two_credits(town):
    paid(town, "01", "02")
    lines = [town.credited(yen, "", payer_code=DSK) for yen in (5_000, 12_880)]
    assert [town.outcome(one) for one in lines] == [("settled", "B3S")] * 2
    assert town.differences() == []


def test_the_slow_reading_agrees(town):
    slow = Town(town.profile)
    for one in (town, slow):
        paid(one, "01", "02")
        paid(one, "01")
    assert slow.city.groups == town.city.groups


@pytest.mark.parametrize(
    "of_dsk",
    [
        {"fee": "advised"},  # only eLTAX sends an advice
        {"fee": "agreed"},  # of how much?
        {"fee": "gross", "fee_each_yen": 5},
        {"fee": "net"},
    ],
)
def test_terms_that_say_nothing_are_refused(of_dsk):
    with pytest.raises(InvalidValueError) as caught:
        terms(**of_dsk)
    assert caught.value.error_code == "profile_fee"


def test_terms_are_gross_unless_the_profile_says_otherwise():
    assert not replace(terms(), version="2").agents[0].is_net


def test_more_open_groups_than_are_added_up_are_said_to_be_too_many(sqlite_url):
    town = CreditTown(sqlite_url)
    days = [f"2026-05-{number:02d}" for number in range(1, GROUPS_MAX + 2)]
    lines = [
        town.shop("01", "02", remitted_on=day, paid_at=f"10{n:02d}") for n, day in enumerate(days)
    ]
    town.take(Channel.KONBINI, *lines)
    line = town.credited(20_000, "", payer_code=DSK)
    assert town.outcome(line) == ("settlement_difference", "B4")
    details = json.loads(
        town.ask("SELECT details FROM review_case WHERE kind = 'settlement_difference'")
    )
    assert details["unsearched_groups"] == GROUPS_MAX + 1
    assert (len(details["groups"]), details["more"]) == (SHOWN_MAX, 1)
    town.city.close()

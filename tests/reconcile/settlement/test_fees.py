"""手数料: credits come gross, less what the advice says, or less what was agreed for each payment."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from credit_town import DSK, CreditTown
from reference_town import Town

from payments import approve
from payments.domain.errors import InvalidValueError
from payments.domain.profile import profile_from_mapping
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.explain.answer import line_story
from reconcile.model import Channel
from reconcile.placement.credit_ask import CreditPlacement, GroupShare, ask_credit_placement
from reconcile.placement.credit_placing import carry_out
from reconcile.settlement.search import GROUPS_MAX, SHOWN_MAX

PROFILE = Path(__file__).parents[3] / "web" / "profiles" / "99999.toml"
DAY = "2026-06-24"
AT = datetime(2026, 7, 7, 1, tzinfo=UTC)
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


def test_a_payment_that_leaves_its_group_takes_its_booked_fee_along(town):
    postal = [town.shop(term, "12", remitted_on=DAY) for term in ("01", "02")]
    town.take(Channel.KONBINI, *postal)
    part = town.credited(1_000, "", payer_code=DSK)
    _agreed(town, part, 1_000)  # with the fee of both payments
    corrected = town.shop("01", "22", remitted_on="2026-06-30")
    assert town.take(Channel.KONBINI, corrected) == ["matched"]
    rest = town.credited(7_000 - EACH_YEN, "", payer_code=DSK)
    assert town.outcome(rest) == ("settled", "B2")
    assert town.city.groups["konbini_dsk", DAY] == (8_000, EACH_YEN, 7_940)
    fees = "SELECT SUM(fee_yen) FROM settlement"
    assert (town.ask(fees), town.differences()) == (EACH_YEN, [])
    _agreed(town, rest)  # nothing: it is taken back
    assert (town.ask(fees), town.differences()) == (2 * EACH_YEN, [])


def _agreed(town, line, yen=0):
    """Two people say how much of a credit is of the first remittance."""
    group_id = town.ask("SELECT group_id FROM remittance_group ORDER BY group_id LIMIT 1")
    shares = (GroupShare(group_id, yen),) if yen else ()
    with unit_of_work(town.engine, town.code) as connection:
        approval = ask_credit_placement(
            connection, town.profile, CreditPlacement(line[0], line[1], groups=shares), asked_by="ichiro",
            at=AT, reason="通帳と照合",
        )  # fmt: skip
        approval = approve.decide(
            connection, town.code, approval.approval_id, "approved", decided_by="jiro", at=AT
        )
        carry_out(connection, town.profile, approval, on=AT.date())


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


@pytest.mark.parametrize(
    ("later", "expected"),
    [({"fee": "agreed", "fee_each_yen": 50}, 50), ({"fee": "agreed", "fee_each_yen": 70}, 70),
     ({"fee": "gross", "fee_each_yen": 0}, 0)],
)  # fmt: skip
def test_what_was_paid_at_an_earlier_fee_stays_paid(town, later, expected):
    paid(town, "01")
    first = town.credited(10_000 - EACH_YEN, "", payer_code=DSK)
    with unit_of_work(town.engine, town.code) as connection:
        save_profile(connection, terms(**later))
    town.profile = town.engine_city.profile = terms(**later)
    next_day = "2026-06-26"
    town.take(Channel.KONBINI, town.shop("02", "02", remitted_on=next_day))
    groups = town.city.groups
    assert groups["konbini_dsk", DAY] == (10_000, EACH_YEN, 10_000 - EACH_YEN)
    assert groups["konbini_dsk", next_day] == (8_000, expected, 0)
    # What the fee has changed by is no money that anybody still owes.
    stray = town.credited(EACH_YEN, "", payer_code=DSK)
    assert town.outcome(stray)[0] == "settlement_difference"
    second = town.credited(8_000 - expected, "", payer_code=DSK)
    assert [town.outcome(line) for line in (first, second)] == [("settled", "B2")] * 2
    assert town.differences() == []


def test_a_payment_that_joins_or_leaves_a_paid_group_does_so_at_its_fee(town):
    paid(town, "01", "02")
    town.credited(18_000 - 2 * EACH_YEN, "", payer_code=DSK)
    with unit_of_work(town.engine, town.code) as connection:
        save_profile(connection, terms(fee="agreed", fee_each_yen=70))
    town.profile = town.engine_city.profile = terms(fee="agreed", fee_each_yen=70)
    late = town.shop("01", "02", remitted_on=DAY, paid_at="1301")
    town.take(Channel.KONBINI, late)
    assert town.city.groups["konbini_dsk", DAY][:2] == (28_000, 3 * EACH_YEN)
    town.credited(10_000 - EACH_YEN, "", payer_code=DSK)
    assert town.differences() == []

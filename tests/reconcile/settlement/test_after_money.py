"""入金後の変化: what changes a remittance whose money has come becomes a case, never silence."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from credit_town import DSK, CreditTown
from reference_lines import advice_line, bank_line
from reference_rows import sample_profile
from reference_town import Town
from sqlalchemy import text

from payments.domain.profile import profile_from_mapping
from payments.store.unit_of_work import unit_of_work
from reconcile.model import Channel

PROFILE = Path(__file__).parents[3] / "web" / "profiles" / "99999.toml"
HUB = "9000000009"
DAY, LATER = "2026-06-24", "2026-07-01"


@pytest.fixture
def town(database_url):
    town = CreditTown(database_url)
    yield town
    town.city.close()


def invoiced():
    """The sample profile, but the hub sends an invoice for its fees."""
    data = tomllib.loads(PROFILE.read_text("utf-8"))
    for agent in data["agents"]:
        if agent["code"] == "eltax":
            agent["fee"] = "gross"
    return profile_from_mapping(data)


def settled_postal(town, yen=10_000):
    """A payment at a postal window whose money has come."""
    town.take(Channel.KONBINI, town.shop("01", "12", yen=yen, remitted_on=DAY))
    assert town.outcome(town.credited(yen, "", payer_code=DSK, booked_on=DAY))[0] == "settled"


def settled_hub(town):
    """A payment at the hub whose money came gross, before its advice."""
    town.take(Channel.ELTAX, town.hub("01", "2", remitted_on=DAY))
    line = town.credited(10_000, "", payer_code=HUB, booked_on=DAY, edi="R1")
    assert town.outcome(line) == ("settled", "B2")


def advice(fee_yen, remittance_no="R1"):
    return advice_line(
        remittance_no=remittance_no, remitted_on=DAY, count=1, gross_yen=10_000, fee_yen=fee_yen
    )


def test_a_correction_that_leaves_for_another_day_opens_the_group_it_left(town):
    settled_postal(town)
    town.take(Channel.KONBINI, town.shop("01", "22", yen=12_000, remitted_on=LATER))
    assert town.city.groups == {
        ("konbini_dsk", DAY): (0, 0, 10_000),
        ("konbini_dsk", LATER): (12_000, 0, 0),
    }
    assert ("late_confirmation", f"konbini_dsk/{DAY}") in town.city.cases
    assert (
        town.ask("SELECT amount_yen FROM review_case WHERE kind = 'late_confirmation'") == -10_000
    )
    assert town.differences() == []


def test_a_correction_of_the_same_money_opens_nothing(town):
    settled_postal(town)
    town.take(Channel.KONBINI, town.shop("01", "22", yen=10_000, remitted_on=DAY))
    assert town.city.groups == {("konbini_dsk", DAY): (10_000, 0, 10_000)}
    assert town.city.cases == set()


def test_a_malformed_correction_leaves_the_payment_where_it_is(town):
    settled_postal(town)
    made = town.shop("01", "22", yen=0, remitted_on=DAY)
    wrong = replace(made, report=made.report._replace(fault="amount_zero", payment_key=None))
    town.take(Channel.KONBINI, wrong)
    assert sorted(kind for kind, *_ in town.city.outcomes.values()) == [
        "malformed", "matched", "settled",
    ]  # fmt: skip
    assert town.city.balances["901", "2026", "0000000001", "01"] == (10_000, 10_000, 0)
    assert town.city.groups == {("konbini_dsk", DAY): (10_000, 0, 10_000)}
    assert town.differences() == []


def test_an_advice_that_names_a_fee_after_the_gross_credit_opens_the_group(town):
    settled_hub(town)
    town.take(Channel.ADVICE, advice(11))
    assert town.city.groups == {("eltax", "R1"): (10_000, 11, 10_000)}
    assert town.city.cases == {("late_confirmation", "eltax/R1")}
    assert town.ask("SELECT amount_yen FROM review_case") == -11
    assert town.differences() == []


def test_an_advice_that_agrees_with_the_credit_opens_nothing(town):
    settled_hub(town)
    town.take(Channel.ADVICE, advice(0))
    assert town.city.cases == set()


def test_a_group_that_nothing_has_changed_is_not_opened_again(town):
    settled_hub(town)
    town.take(Channel.ADVICE, advice(11))
    with unit_of_work(town.engine, town.code) as connection:
        connection.execute(text("UPDATE review_case SET state = 'accepted'"))
    town.take(Channel.ADVICE, advice(0, remittance_no="R2"))
    assert ("late_confirmation", "eltax/R1") not in town.city.cases


def test_where_fees_are_invoiced_an_advice_changes_no_group(database_url):
    town = CreditTown(database_url, invoiced())
    settled_hub(town)
    town.take(Channel.ADVICE, advice(11))
    assert town.city.cases == set()
    town.city.close()


@pytest.mark.parametrize(("profile", "cases"), [
    (sample_profile, {("late_confirmation", "eltax/R1")}), (invoiced, set()),
])  # fmt: skip
def test_the_reference_model_says_the_same_of_an_advice(profile, cases):
    town = Town(profile())
    town.take(Channel.ELTAX, town.hub("01", "2", remitted_on=DAY))
    made = bank_line(amount_yen=10_000, booked_on=DAY, inquiry_no="1", payer_code=HUB, edi="R1")
    assert town.take(Channel.BANK, made) == ["settled"]
    town.take(Channel.ADVICE, advice(11))
    assert town.city.cases == cases

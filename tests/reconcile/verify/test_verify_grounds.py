"""検算: charges, letters held back and payers of credits, altered on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from altered_rows import named
from charge_town import ChargeTown
from credit_town import DSK, CreditTown
from dunning_town import DunningTown
from placing_town import M
from years_town import claim

from payments.domain.holds import HoldKind
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.verify.charges import charges
from reconcile.verify.deposits import deposits
from reconcile.verify.dunning_grounds import dunning_grounds


def found(town, check, change=""):
    """The names of what the check finds."""
    return {name for name, _ in named(town.engine, M, check, change)}


def test_a_charge_that_lost_its_booking_its_kind_or_its_run_is_named(database_url):
    town = ChargeTown(database_url)
    town.pay(1)
    assert (town.book().count, town.letter(2).count) == (1, 1)
    assert found(town, charges) == set()
    late = "WHERE kind = 'late_charge'"
    assert found(town, charges, f"DELETE FROM late_charge_booking {late}") == {
        "late_charge", "late_charge_run",
    }  # fmt: skip
    run = "UPDATE late_charge_run SET {} WHERE run_no = 1"
    for change, name in (
        (f"UPDATE late_charge_booking SET kind = 'dunning_fee' {late}", "late_charge"),
        ("UPDATE late_charge_booking SET kind = 'late_charge'", "late_charge"),
        (f"UPDATE late_charge_booking SET principal_term = '02' {late}", "late_charge"),
        ("DELETE FROM late_charge_run WHERE run_no = 1", "late_charge_run"),
        (run.format("booked_count = booked_count + 1"), "late_charge_run"),
        (run.format("booked_yen = booked_yen + 1"), "late_charge_run"),
        (run.format("journal_id = journal_id + 10"), "late_charge_run"),
        (run.format("actor = 'somebody'"), "late_charge_run"),
        (run.format("file_id = NULL"), "late_charge_run"),
    ):
        assert name in found(town, charges, change), change
    town.close()


def test_a_letter_held_back_on_something_else_is_named(database_url):
    town = DunningTown(database_url, konbini_dsk="dates:2026-07-17")
    town.assess(
        *(claim(number, 2026, 10_000) for number in range(1, 4)),
        claim(4, 2026, 10_000, flags="dunning_hold"),
        on="2026-04-10",
    )
    town.pay(1, 10_000, "2026-07-16", on="2026-07-17", kind="01")  # 速報 only
    town.pay(2, 9_000, "2026-06-30", on="2026-07-03")  # short: a case is open
    town.hold("901/2026/0000000003", HoldKind.COLLECTION, "2026-07-01")
    town.assess(claim(5, 2026, 10_000), on="2026-04-11")
    town.pay(5, 9_000, "2026-06-30", on="2026-07-03")
    town.assess(claim(6, 2026, 10_000), on="2026-04-12")
    assert town.draw() == 1
    assert set(town.grounds(town.draw()).values()) == {
        "case_open", "held", "other_list", "provisional",
    }  # fmt: skip
    assert found(town, dunning_grounds) == set()
    one = "UPDATE dunning_evidence SET {} WHERE list_no = 2 AND ground = '{}'"
    other = "subject = (SELECT MAX(x.subject) FROM dunning_evidence x WHERE x.ground = '{0}')"
    lowest = (
        " AND notice_id = (SELECT MIN(x.notice_id) FROM dunning_evidence x WHERE x.ground = '{0}')"
    )
    for ground in ("case_open", "provisional", "other_list"):
        assert found(
            town, dunning_grounds, f"DELETE FROM dunning_evidence WHERE ground = '{ground}'"
        )
    for change in (
        one.format("subject = subject || '9'", "provisional"),
        one.format("subject = subject || '9'", "held"),
        one.format("subject = subject || '9'", "other_list"),
        one.format("subject = 'x'", "provisional"),
        one.format("subject = 'case:' || '99999999999999999999'", "case_open")
        + lowest.format("case_open"),
        one.format(other.format("case_open"), "case_open") + lowest.format("case_open"),
        one.format("ground = 'plan'", "held"),
        one.format("ground = 'so'", "held"),
        one.format("term = '02'", "held"),
        "UPDATE dunning_row SET grounds = grounds | 4 WHERE grounds = 0",
    ):
        assert found(town, dunning_grounds, change) == {"dunning_evidence"}, change
    town.close()


def test_sources_other_than_those_that_two_people_drew_it_over_are_named(database_url):
    town = DunningTown(database_url, konbini_dsk="dates:2026-07-17")
    town.assess(claim(1, 2026, 10_000), on="2026-04-10")
    town.despite(decided_by="ito")
    town.draw()
    assert found(town, dunning_grounds) == set()
    shops = "WHERE source = 'konbini_dsk'"
    for change in (
        f"UPDATE dunning_source SET complete_until = '2026-07-18' {shops}",
        f"UPDATE dunning_source SET lacking = '2026-07-16' {shops}",
        f"UPDATE dunning_source SET lacking = '' {shops}",
        f"DELETE FROM dunning_source {shops}",
        "UPDATE dunning_source SET list_no = 9",
        "UPDATE dunning_source SET complete_until = '2026-08-01' WHERE source <> 'konbini_dsk'",
    ):
        assert found(town, dunning_grounds, change) == {"dunning_sources"}, change
    town.close()


@pytest.mark.parametrize(
    "change",
    [
        "agent = 'eltax' WHERE agent <> 'eltax'",
        "agent = '' WHERE agent <> ''",
        "agent = 'eltax' WHERE agent = ''",
        "ref = ref || '1'",
    ],
)
def test_a_credit_of_another_payer_is_named(database_url, change):
    town = CreditTown(database_url)
    town.credited(1_234, "", payer_code=DSK)
    town.credited(4_321)
    assert found(town, deposits) == set()
    assert found(town, deposits, f"UPDATE deposit SET {change}") == {"deposit"}
    town.city.close()


def test_a_credit_from_before_its_agent_had_another_number_is_right(database_url):
    town = CreditTown(database_url)
    town.credited(1_234, "", payer_code=DSK)
    agents = tuple(
        replace(each, payer_code="9999999999") if each.payer_code == DSK else each
        for each in town.profile.agents
    )
    with unit_of_work(town.engine, M) as connection:
        save_profile(connection, replace(town.profile, agents=agents))
    assert found(town, deposits) == set()
    town.city.close()

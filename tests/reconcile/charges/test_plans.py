"""分納: agreed by two, slips of their own, kept, broken, and ended."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from charge_town import ChargeTown, charging_profile
from placing_town import NOTICES, M, row
from reference_town import assessment
from sqlalchemy import text

from payments import approve
from payments.domain.errors import KokinError
from payments.domain.plans import Instalments, Owed, even_payments, plan_parts
from payments.issue import correct
from payments.plans import end_plan, kept_plan, list_plans, owed_on, plan_of, standings
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from payments.versions import Act
from reconcile.charges import planning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from payments.domain.plans import Standing

DAYS = (date(2026, 7, 31), date(2026, 8, 31), date(2026, 9, 30))
ON = date(2026, 6, 20)


@pytest.fixture
def town(sqlite_url: str) -> Iterator[ChargeTown]:
    found = ChargeTown(sqlite_url)
    yield found
    found.close()


def places(town: ChargeTown) -> list[tuple[int, str]]:
    return [(town.notice[NOTICES[0]], "01"), (town.notice[NOTICES[0]], "02")]


def act(town: ChargeTown, on: date = ON) -> Act:
    return Act("jiro", town.moment, on, lambda: "123456")


def agree(town: ChargeTown, payments: list[Instalments] | None = None) -> int:
    town.moment += timedelta(minutes=1)
    with unit_of_work(town.engine, M) as connection:
        profile = load_profile(connection, M)
        asked = planning.ask_plan(
            connection, profile, places(town), payments or even_payments(18_000, DAYS),
            asked_by="hanako", at=town.moment, reason="分納誓約書による",
        )  # fmt: skip
        decided = approve.decide(
            connection, M, asked.approval_id, "approved", decided_by="jiro", at=town.moment
        )
        return planning.carry_out(connection, profile, decided, on=ON, at=town.moment)


def watch(town: ChargeTown, on: date) -> planning.Watched:
    with unit_of_work(town.engine, M) as connection:
        return planning.watch(connection, load_profile(connection, M), on, act(town, on))


def stands(town: ChargeTown, plan_no: int, on: date) -> Standing:
    with reading(town.engine, M) as connection:
        plan = plan_of(connection, M, plan_no)
        return standings(connection, M, [plan], on, grace_days=5)[plan_no]


def under_plan(town: ChargeTown, on: date) -> list[tuple[int, str]]:
    statement = (
        "SELECT a.notice_id, a.term FROM instalment_account a WHERE a.municipality_code = :m "
        f"AND {kept_plan()} ORDER BY a.notice_id, a.term"
    )
    with reading(town.engine, M) as connection:
        rows = connection.execute(text(statement), {"m": M, "planned_on": on.isoformat()})
        return [tuple(each) for each in rows]


def pay_part(town: ChargeTown, plan_no: int, part: int, on: str) -> None:
    """The shop's report of the slip of a part."""
    with reading(town.engine, M) as connection:
        slip_id = plan_of(connection, M, plan_no).slips[part - 1]
    (slip,) = town.rows(
        "SELECT konbini_barcode, amount_yen FROM slip WHERE slip_id = :s", s=slip_id
    )
    line = row(1, "01", "02", paid_on=on, amount_yen=slip.amount_yen, created_on="20261001")
    town.shop(f"part{part}.csv", line._replace(barcode=slip.konbini_barcode))


def test_parts_are_paid_by_their_own_slips_and_the_plan_ends(database_url: str) -> None:
    town = ChargeTown(database_url)
    plan_no = agree(town)
    with reading(town.engine, M) as connection:
        plan = plan_of(connection, M, plan_no)
        assert [each.plan_no for each in list_plans(connection, M, state="agreed")] == [plan_no]
    assert [(p.due_on, p.term, p.amount_yen) for p in plan.parts] == [
        (DAYS[0], "01", 6_000), (DAYS[1], "01", 4_000), (DAYS[1], "02", 2_000),
        (DAYS[2], "02", 6_000),
    ]  # fmt: skip
    assert under_plan(town, ON) == places(town)
    assert under_plan(town, ON - timedelta(days=1)) == []
    with unit_of_work(town.engine, M) as connection:  # slips of parts are nobody's to correct
        done = correct(connection, load_profile(connection, M), act(town))
        assert (done.replaced, done.unusable) == (0, 0)
    town.check()
    for part in (1, 2, 3):
        pay_part(town, plan_no, part, "20260730")
    assert (town.open_yen(1, "01"), town.open_yen(1, "02")) == (0, 6_000)
    outcomes = town.rows("SELECT DISTINCT outcome FROM line_outcome")
    assert [each.outcome for each in outcomes] == ["matched"]
    assert watch(town, date(2026, 9, 15)) == planning.Watched(1, 0, 0)
    pay_part(town, plan_no, 4, "20260930")
    assert watch(town, date(2026, 9, 30)) == planning.Watched(0, 1, 0)
    assert watch(town, date(2026, 9, 30)) == planning.Watched(0, 0, 0)
    assert under_plan(town, date(2026, 9, 30)) == []
    assert under_plan(town, date(2026, 9, 29)) == places(town)
    town.check()
    town.close()


def test_a_part_that_does_not_come_breaks_the_plan_after_its_grace(town: ChargeTown) -> None:
    plan_no = agree(town)
    pay_part(town, plan_no, 1, "20260730")
    last = DAYS[1] + timedelta(days=5)
    assert watch(town, last).kept == 1
    assert stands(town, plan_no, last + timedelta(days=1)).missed_on == DAYS[1]
    assert watch(town, last + timedelta(days=1)) == planning.Watched(0, 0, 1)
    assert (planning.BROKEN, f"plan:{plan_no}") in town.cases()
    with reading(town.engine, M) as connection:
        plan = plan_of(connection, M, plan_no)
    assert (plan.state, plan.ended_on) == ("broken", last + timedelta(days=1))
    states = town.rows(
        "SELECT s.state FROM payment_plan_part p JOIN slip s ON s.slip_id = p.slip_id "
        "ORDER BY p.part_no"
    )
    assert [each.state for each in states] == ["new", "revoked", "revoked", "revoked"]
    town.check()
    agree_rest = [Instalments(DAYS[2], 12_000)]
    assert agree(town, agree_rest) > plan_no


def test_what_cannot_be_a_plan(town: ChargeTown) -> None:
    for payments, code in (
        ([Instalments(DAYS[0], 17_999)], "plan_sum"),
        ([Instalments(DAYS[1], 9_000), Instalments(DAYS[0], 9_000)], "plan_days"),
    ):
        with pytest.raises(KokinError) as refused:
            agree(town, payments)
        assert refused.value.error_code == code
    plan_no = agree(town)
    with pytest.raises(KokinError) as refused:
        agree(town)
    assert refused.value.error_code == "plan_stands"
    with unit_of_work(town.engine, M) as connection:
        profile = load_profile(connection, M)
        with pytest.raises(KokinError) as refused:
            planning.begin(connection, profile, places(town), [], act(town), reason="誓約")
        assert refused.value.error_code == "plan_two"
        end_plan(connection, M, plan_no, "cancelled", act(town), reason="申出による")
        with pytest.raises(KokinError) as refused:
            end_plan(connection, M, plan_no, "cancelled", act(town), reason="申出による")
        assert refused.value.error_code == "plan_over"
        with pytest.raises(KokinError) as refused:
            plan_of(connection, M, 77)
        assert refused.value.error_code == "plan"
    town.pay(1)
    with pytest.raises(KokinError) as refused:
        agree(town)
    assert refused.value.error_code == "plan_nothing"
    town.assess(assessment("01", 5_000, notice_no="0000000004", obligor_no="4"), name="other.csv")
    (other,) = town.rows("SELECT notice_id FROM notice WHERE notice_no = '0000000004'")
    with reading(town.engine, M) as connection, pytest.raises(KokinError) as refused:
        owed_on(connection, M, [(other.notice_id, "01"), (places(town)[0][0], "02")])
    assert refused.value.error_code == "plan_people"


def test_one_person_may_agree_where_the_settings_say_so(sqlite_url: str) -> None:
    town = ChargeTown(sqlite_url, charging_profile(plans_by_two=False))
    everybody: list[Any] = [(number, "01") for number in town.notice.values()]
    with unit_of_work(town.engine, M) as connection:
        profile = load_profile(connection, M)
        payments = even_payments(30_000, DAYS)
        number = planning.begin(connection, profile, everybody, payments, act(town), reason="誓約")
        assert plan_of(connection, M, number).amount_yen == 30_000
    town.check()
    town.close()


def test_too_many_parts_are_refused() -> None:
    days = [DAYS[0] + timedelta(days=n) for n in range(121)]
    with pytest.raises(KokinError) as refused:
        plan_parts([Owed(1, "01", 121_000)], even_payments(121_000, days))
    assert refused.value.error_code == "plan_parts"
    with pytest.raises(KokinError) as refused:
        even_payments(1_000, [])
    assert refused.value.error_code == "plan_parts"

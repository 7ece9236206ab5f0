"""不納欠損: given up by two people, money afterwards is not kept, and taken up again in order."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from charge_town import DUE_ON, ON, ChargeTown
from placing_town import NOTICES, M
from reference_town import assessment

from payments import approve
from payments.domain.errors import InvalidValueError, RefusedError
from payments.domain.write_off import Ground
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from payments.write_off import write_offs, write_offs_of
from reconcile.charges.write_offs import (
    GivingUp,
    ask_reversal,
    ask_write_off,
    carry_out,
    carry_out_reversal,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from payments.approve import Approval


@pytest.fixture
def town(sqlite_url: str) -> Iterator[ChargeTown]:
    found = ChargeTown(sqlite_url)
    yield found
    found.close()


def place(town: ChargeTown, notice: int, term: str = "01") -> tuple[int, str]:
    return town.notice[NOTICES[notice - 1]], term


def ask(
    town: ChargeTown, *places: tuple[int, str], ground: Ground = Ground.AT_ONCE,
    extinguished_on: date = ON,
) -> Approval:  # fmt: skip
    town.moment += timedelta(minutes=1)
    with unit_of_work(town.engine, M) as connection:
        return ask_write_off(
            connection, load_profile(connection, M), GivingUp(places, ground, extinguished_on),
            on=ON, asked_by="hanako", at=town.moment, reason="財産がない",
        )  # fmt: skip


def decide(town: ChargeTown, approval: Approval) -> None:
    town.moment += timedelta(minutes=1)
    with unit_of_work(town.engine, M) as connection:
        decided = approve.decide(
            connection, M, approval.approval_id, "approved", decided_by="jiro", at=town.moment
        )
        if approval.kind == "write_off":
            carry_out(connection, load_profile(connection, M), decided, on=ON)
        else:
            carry_out_reversal(connection, M, decided, on=ON)


def give_up(town: ChargeTown, *places: tuple[int, str]) -> None:
    decide(town, ask(town, *places))


def take_up(town: ChargeTown, key: tuple[int, str]) -> None:
    town.moment += timedelta(minutes=1)
    with unit_of_work(town.engine, M) as connection:
        approval = ask_reversal(
            connection, M, key, asked_by="hanako", at=town.moment, reason="納付があった"
        )
    decide(town, approval)


def given_up(town: ChargeTown) -> int:
    return town.balance("written_off")


def test_two_people_give_a_claim_up_and_take_it_up_again(database_url: str) -> None:
    town = ChargeTown(database_url)
    give_up(town, place(town, 1), place(town, 1, "02"))
    assert (town.open_yen(1, "01"), town.open_yen(1, "02"), given_up(town)) == (0, 0, 18_000)
    states = town.rows("SELECT state FROM slip WHERE notice_id = :n", n=place(town, 1)[0])
    assert {row.state for row in states} == {"revoked"}
    town.check()
    town.pay(1)  # 誤納金: it waits and is not kept
    assert town.balance("suspense") == -10_000
    town.check()
    take_up(town, place(town, 1))
    assert (town.open_yen(1, "01"), town.balance("suspense"), given_up(town)) == (0, 0, 8_000)
    town.check()
    with reading(town.engine, M) as connection:
        found = write_offs(connection, M)
        assert [each.standing_yen for each in found] == [8_000, 0]
        assert write_offs(connection, M, below=found[0].write_off_no) == found[1:]
    town.close()


def test_a_charge_goes_with_what_it_is_of(town: ChargeTown) -> None:
    town.letter(1)
    give_up(town, place(town, 1))
    assert given_up(town) == 10_100
    town.check()


def test_a_claim_that_shrinks_takes_back_what_was_given_up(town: ChargeTown) -> None:
    town.pay(1, yen=4_000)
    give_up(town, place(town, 1))
    assert given_up(town) == 6_000
    due = {"due_on_statutory": DUE_ON.isoformat()}
    town.assess(assessment("01", 9_000, "correction", **due), name="less.csv")
    assert (given_up(town), town.open_yen(1, "01"), town.balance("suspense")) == (5_000, 0, 0)
    town.assess(assessment("01", 3_000, "correction", **due), name="least.csv")
    assert (given_up(town), town.open_yen(1, "01")) == (0, 0)
    assert town.balance("suspense") == -1_000  # what was paid beyond the claim
    town.check()


def test_what_is_given_up_bears_no_charge(town: ChargeTown) -> None:
    town.pay(1, yen=4_000)
    give_up(town, place(town, 1))
    assert town.book().count == 0
    town.check()


def test_nothing_is_given_up_by_time_before_its_time(town: ChargeTown) -> None:
    with pytest.raises(RefusedError) as refused:
        ask(town, place(town, 1), ground=Ground.PRESCRIBED)
    assert refused.value.error_code == "write_off_not_prescribed"
    assert refused.value.details["on"] == "2028-07-01"


def test_what_cannot_be_given_up(town: ChargeTown) -> None:
    town.pay(1)
    for wanted, code in (([place(town, 1)], "write_off_nothing"), ([], "write_off_places")):
        with pytest.raises((RefusedError, InvalidValueError)) as refused:
            ask(town, *wanted)
        assert refused.value.error_code == code
    with pytest.raises(RefusedError) as refused:
        ask(town, place(town, 2), extinguished_on=ON + timedelta(days=1))
    assert refused.value.error_code == "write_off_later"
    with pytest.raises(RefusedError) as refused:
        take_up(town, place(town, 2))
    assert refused.value.error_code == "write_off_none"


def test_what_changed_meanwhile_is_asked_for_again(town: ChargeTown) -> None:
    approval = ask(town, place(town, 1))
    town.pay(1, yen=4_000)
    with pytest.raises(RefusedError) as refused:
        decide(town, approval)
    assert refused.value.error_code == "approval_stale"
    assert given_up(town) == 0
    with reading(town.engine, M) as connection:
        assert write_offs_of(connection, M, [place(town, 1)[0]]) == []

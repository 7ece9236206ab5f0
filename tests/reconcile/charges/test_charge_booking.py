"""延滞金・督促手数料の調定: once, as the books stand, and corrected when they change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from charge_town import CHARGE_ITEM, CHARGES, DUE_ON, FEE_ITEM, ON, ChargeTown, charging_profile
from placing_town import DAY, M
from reference_town import assessment

from payments import approve
from payments.charges import charges_among, charges_on
from payments.domain.accrual import LeftOut
from payments.domain.errors import KokinError, RefusedError
from payments.domain.late_charge import late_charge
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.charges import booking
from reconcile.charges.due import basis_from
from reconcile.charges.waiving import Waiving, ask_waiver
from reconcile.charges.waiving import carry_out as waive
from reconcile.store.evidence import read_evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

PAID_ON = date(2026, 6, 10)
CHARGE_YEN = late_charge(10_000, DUE_ON, PAID_ON).charge_yen


@pytest.fixture
def town(sqlite_url: str) -> Iterator[ChargeTown]:
    found = ChargeTown(sqlite_url)
    yield found
    found.close()


def test_a_claim_paid_late_gets_its_charge_once(database_url: str) -> None:
    town = ChargeTown(database_url)
    town.pay(1)
    assert town.book().count == 1
    assert town.charge_yen(1) == CHARGE_YEN > 1_000
    assert town.book().count == 0
    assert town.book(afresh=True).count == 0
    assert town.charge_yen(2) is None
    town.pay(2)
    town.place(town.line(list(town.files)[-1]))
    assert (town.letter(2).count, town.book().count) == (1, 0)
    town.check()
    town.close()


def test_the_charge_is_of_the_year_and_number_of_its_claim(town: ChargeTown) -> None:
    town.pay(1)
    town.book()
    charge = town.rows(
        "SELECT n.notice_id, n.levy_year, n.notice_no, n.obligor_no, i.term, i.fiscal_year, "
        "CAST(i.due_on AS VARCHAR(10)) AS due_on FROM notice n "
        "JOIN instalment i ON i.notice_id = n.notice_id WHERE n.item_code = :item",
        item=CHARGE_ITEM,
    )[0]
    principal = town.rows(
        "SELECT i.fiscal_year, n.obligor_no FROM notice n JOIN instalment i "
        "ON i.notice_id = n.notice_id AND i.term = '01' WHERE n.notice_id = :n",
        n=town.notice["0000000001"],
    )[0]
    assert (charge.fiscal_year, charge.obligor_no) == tuple(principal)
    assert (charge.levy_year, charge.notice_no, charge.term) == (2026, "0000000001", "01")
    assert charge.due_on == "2026-07-06"  # a fortnight later, which is a Saturday
    with reading(town.engine, M) as connection:
        place = (town.notice["0000000001"], "01")
        (found,) = charges_on(connection, M, [place])[place]
        assert found.place == (charge.notice_id, "01")
        assert found.open_yen == CHARGE_YEN
        assert charges_among(connection, M, [found.place, place]) == {found.place: found}


def test_what_is_only_announced_bears_nothing_yet(town: ChargeTown) -> None:
    town.pay(1, kind="01")
    assert town.book().count == 0
    town.pay(1, kind="02")
    assert town.book().count == 1
    town.check()


def test_a_payment_taken_away_takes_the_charge_back_and_another_brings_it_again(
    town: ChargeTown,
) -> None:
    town.pay(1)
    name = list(town.files)[-1]
    town.book()
    town.place(town.line(name), town.part(2, "01", 10_000))
    assert town.book().count == 2
    assert (town.charge_yen(1), town.charge_yen(2)) == (0, CHARGE_YEN)
    town.place(town.line(name), town.part(1, "01", 10_000))
    town.book()
    assert (town.charge_yen(1), town.charge_yen(2)) == (CHARGE_YEN, 0)
    town.check()


def test_the_whole_year_paid_at_once_bears_a_charge_for_each_instalment(town: ChargeTown) -> None:
    town.pay(1, "00")
    town.book()
    assert town.charge_yen(1, "01") == CHARGE_YEN
    assert town.charge_yen(1, "02") == late_charge(8_000, DUE_ON, PAID_ON).charge_yen
    town.check()


def test_a_correction_of_the_claim_corrects_the_charge(town: ChargeTown) -> None:
    town.pay(1)
    town.book()
    town.assess(
        assessment("01", 6_000, "correction", due_on_statutory=DUE_ON.isoformat()), name="less.csv"
    )
    town.book()
    assert town.charge_yen(1) == late_charge(6_000, DUE_ON, PAID_ON).charge_yen
    town.assess(
        assessment("01", 0, "cancellation", due_on_statutory=DUE_ON.isoformat()), name="gone.csv"
    )
    town.book()
    assert town.charge_yen(1) == 0
    town.check()


def test_what_led_to_a_charge_is_written_down(town: ChargeTown) -> None:
    town.pay(1)
    town.book()
    (row,) = town.rows("SELECT basis_json, amount_yen FROM late_charge_booking")
    basis = basis_from(row.basis_json)
    assert basis_from(basis.as_json()) == basis
    assert basis.work_out().charge_yen == row.amount_yen == CHARGE_YEN
    assert (basis.due_on, basis.paid_on) == (DUE_ON, PAID_ON)


def test_on_receipt_only_what_is_asked_for_is_booked(sqlite_url: str) -> None:
    town = ChargeTown(sqlite_url, charging_profile(booked="on_receipt"))
    town.pay(1)
    town.pay(2)
    assert town.book().count == 0
    assert town.book(only=[(town.notice["0000000001"], "01")]).count == 1
    assert (town.charge_yen(1), town.charge_yen(2)) == (CHARGE_YEN, None)
    town.close()


def test_a_fee_is_booked_for_the_first_letter_only(town: ChargeTown) -> None:
    assert town.letter(1).count == 1
    assert town.letter(1, letter_on=date(2024, 1, 5)).count == 0
    assert town.charge_yen(1, item=FEE_ITEM) == 100
    assert town.letter(2, letter_on=date(2026, 4, 1)).count == 0  # abolished by then
    town.check()


def test_the_day_of_a_fee_may_be_that_of_the_due_date() -> None:
    rules = tuple(replace(rule, trigger="due") for rule in CHARGES.fees)
    charges = replace(CHARGES, fees=rules)
    assert charges.fee_yen("901", letter_on=ON, due_on=DUE_ON) == 100
    assert CHARGES.fee_yen("901", letter_on=ON, due_on=DUE_ON) == 0
    assert CHARGES.fee_yen("902", letter_on=ON, due_on=DUE_ON) == 0
    assert charges.fee_yen("901", letter_on=ON, due_on=date(2020, 3, 31)) == 0
    assert DAY <= ON


def _waive(town: ChargeTown, **wish: Any) -> None:
    town.moment += timedelta(minutes=1)
    place = (town.notice["0000000001"], "01")
    with unit_of_work(town.engine, M) as connection:
        asked = ask_waiver(
            connection, M, Waiving(place, **wish), asked_by="hanako", at=town.moment,
            reason="災害により納付できなかった",
        )  # fmt: skip
        decided = approve.decide(
            connection, M, asked.approval_id, "approved", decided_by="jiro", at=town.moment
        )
        waive(connection, M, decided)


def test_two_people_waive_a_charge_and_take_the_waiver_back(town: ChargeTown) -> None:
    town.pay(1)
    town.book()
    _waive(town, kind="part", amount_yen=500)
    town.book()
    assert town.charge_yen(1) == CHARGE_YEN - 500
    first, last = date(2025, 1, 1), date(2025, 12, 31)
    _waive(town, kind="withdraw")
    _waive(town, kind="period", from_on=first, until_on=last)
    town.book()
    assert town.charge_yen(1) == (
        late_charge(10_000, DUE_ON, PAID_ON, left_out=[LeftOut(first, last)]).charge_yen
    )
    _waive(town, kind="whole")
    town.book()
    assert town.charge_yen(1) == 0
    _waive(town, kind="withdraw")
    town.book()
    assert town.charge_yen(1) == CHARGE_YEN
    town.check()


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"kind": "half"}, "waiver_kind"),
        ({"kind": "period"}, "waiver_period"),
        ({"kind": "withdraw"}, "waiver_none"),
    ],
)
def test_a_waiver_that_cannot_be(town: ChargeTown, wish: dict[str, Any], code: str) -> None:
    with pytest.raises(KokinError) as refused:
        _waive(town, **wish)
    assert refused.value.error_code == code


def test_two_runs_at_once_end_in_one(town: ChargeTown, monkeypatch: pytest.MonkeyPatch) -> None:
    town.pay(1)
    worked_out = booking.charges_due

    def meanwhile(*arguments: Any) -> Any:
        monkeypatch.undo()
        town.book()
        return worked_out(*arguments)

    monkeypatch.setattr(booking, "charges_due", meanwhile)
    with pytest.raises(RefusedError) as refused:
        town.book()
    assert refused.value.error_code in {"charge_run_meanwhile", "charge_register"}
    assert town.charge_yen(1) == CHARGE_YEN
    town.check()


def test_a_run_that_finds_nothing_refuses_where_another_has_found_something(
    town: ChargeTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its marks say that it has looked at all there was; that is not true any more."""
    worked_out = booking.charges_due

    def meanwhile(*arguments: Any) -> Any:
        monkeypatch.undo()
        due = worked_out(*arguments)
        town.pay(1)
        town.book()
        return due

    monkeypatch.setattr(booking, "charges_due", meanwhile)
    with pytest.raises(RefusedError) as refused:
        town.book()
    assert refused.value.error_code == "charge_run_meanwhile"
    assert town.charge_yen(1) == CHARGE_YEN
    town.check()


def test_a_register_that_is_not_taken_in_is_said(
    town: ChargeTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.letter(1)
    (file,) = town.rows("SELECT sha256 FROM source_file ORDER BY file_id DESC LIMIT 1")
    with reading(town.engine, M) as connection:
        data = read_evidence(connection, M, file.sha256)
    monkeypatch.setattr(booking.assessments, "write", lambda _rows: data)
    with pytest.raises(RefusedError) as refused:
        town.letter(2)
    assert refused.value.error_code == "charge_register"
    assert town.charge_yen(2, item=FEE_ITEM) is None


def test_a_fee_of_a_letter_that_was_taken_back_is_cancelled(town: ChargeTown) -> None:
    town.letter(1)
    place = (town.notice["0000000001"], "01")
    for count in (1, 0):
        found = booking.cancel_fees(town.engine, M, [place], on=ON, actor="schedule")
        assert found.count == count
    assert town.charge_yen(1, item=FEE_ITEM) == 0
    town.check()

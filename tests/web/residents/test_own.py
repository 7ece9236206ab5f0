"""本人の納付状況, worked out from accounts that are made up line by line."""

from __future__ import annotations

from datetime import date

import pytest

from payments.domain.charging import Charges, LevyCharges
from payments.domain.errors import InvalidValueError
from payments.domain.rates import shipped_rates
from reconcile.person_account import Instalment, Part, Person, PersonAccount, Receipt, Slip
from web.people.late import charges_on
from web.residents.own import charges_for, only_items, own_levies

TODAY = date(2026, 8, 10)
DUE = date(2026, 6, 30)
PERSON = Person("1", "見本 太郎", "ミホン タロウ", "", "")


def _instalment(term="01", open_yen=10_000, amount_yen=10_000, item="901", **more):
    values = {
        "notice_id": 1, "term": term, "item_code": item, "levy_year": 2026, "notice_no": "26001",
        "fiscal_year": 2026, "due_on_statutory": DUE, "due_on": DUE, "direct_debit": False,
        "collection_hold": False, "dunning_hold": False, "amount_yen": amount_yen,
        "open_yen": open_yen, "surplus_yen": 0, "written_off_yen": 0,
    } | more  # fmt: skip
    return Instalment(**values)


def _receipt(stage, applied_yen, suspense_yen=0, term="01"):
    parts = (Part(1, "01", applied_yen),) if applied_yen else ()
    return Receipt(
        1, 2, stage, "konbini", applied_yen + suspense_yen, date(2026, 6, 5), date(2026, 6, 6), 1,
        term, applied_yen, suspense_yen, superseded=False, parts=parts,
    )  # fmt: skip


def _slip(valid_until, term="01", state="new", version=1):
    issued_on = date(2026, 4, 22)
    return Slip(version, f"S{version}", 1, term, version, state, 10_000, valid_until, issued_on)


def _account(instalments, receipts=(), slips=()):
    return PersonAccount(PERSON, tuple(instalments), tuple(slips), tuple(receipts), *[()] * 5)


def _claim(*instalments, receipts=(), slips=()):
    (levy,) = own_levies(_account(instalments, receipts, slips), TODAY)
    return levy.claims[0]


VALID, OVER = date(2026, 12, 31), date(2026, 7, 31)


@pytest.mark.parametrize(
    ("open_yen", "receipts", "slips", "state"),
    [
        (0, [_receipt("confirmed", 10_000)], [], "paid"),
        (0, [_receipt("provisional", 10_000)], [], "provisional"),
        (10_000, [_receipt("confirmed", 0, 10_000)], [_slip(VALID)], "checking"),
        (10_000, [_receipt("provisional", 0, 9_000, term="00")], [_slip(VALID)], "checking"),
        (10_000, [], [_slip(VALID)], "unconfirmed"),
        (10_000, [], [], "unconfirmed"),
        (10_000, [], [_slip(OVER)], "expired"),
        (10_000, [], [_slip(OVER, state="superseded"), _slip(VALID, version=2)], "unconfirmed"),
        (10_000, [], [_slip(VALID, term="00")], "unconfirmed"),
        (4_000, [_receipt("confirmed", 6_000)], [_slip(VALID)], "unconfirmed"),
        (-2_000, [_receipt("confirmed", 12_000)], [], "paid"),
    ],
)
def test_the_state_of_a_claim_for_its_own_person(open_yen, receipts, slips, state):
    claim = _claim(_instalment(open_yen=open_yen), receipts=receipts, slips=slips)
    assert claim.state == state
    assert claim.needs_slip is (state == "expired")
    assert claim.confirmed_yen <= claim.amount_yen


def test_a_claim_without_an_amount_asks_for_nothing():
    assert _claim(_instalment(amount_yen=0, open_yen=0)).state == "nothing"


def test_what_was_given_up_is_not_called_paid():
    assert _claim(_instalment(open_yen=0, written_off_yen=10_000)).state == "nothing"


def test_a_claim_by_direct_debit_never_needs_a_slip():
    claim = _claim(_instalment(direct_debit=True), slips=[_slip(OVER)])
    assert (claim.state, claim.needs_slip) == ("unconfirmed", False)


def test_only_what_is_confirmed_goes_onto_a_paper():
    assert (
        _claim(_instalment(open_yen=0), receipts=[_receipt("provisional", 10_000)]).confirmed_yen
        == 0
    )
    assert _claim(_instalment(), receipts=[_receipt("confirmed", 6_000)]).confirmed_yen == 6_000


def test_the_estimate_is_that_of_the_staff_by_the_rules_of_each_levy():
    account = _account(
        [_instalment(amount_yen=300_000, open_yen=300_000), _instalment("02", item="906")]
    )
    charges = Charges(levies=(LevyCharges("901"),))
    on = date(2026, 12, 28)
    found = charges_for(account, on, charges, shipped_rates())
    staff = charges_on(account, account.instalments[:1], on, "tax", shipped_rates())
    assert found == staff
    assert found[1, "01"] > 0
    assert charges_for(account, DUE, charges, shipped_rates()) == {}
    with pytest.raises(InvalidValueError):
        charges_for(account, date(2090, 1, 1), charges, shipped_rates())


def test_what_is_owed_as_an_employer_is_left_out_with_its_payments():
    account = _account([_instalment()], [_receipt("confirmed", 5_000)], [_slip(VALID)])
    for shown in ((), ("902",)):
        left = only_items(account, shown)
        assert (left.instalments, left.slips, left.receipts) == ((), (), ())
    assert only_items(account, ("901", "902")) == account


def test_years_come_newest_first():
    account = _account([_instalment(levy_year=2025, notice_id=2), _instalment()])
    assert [levy.levy_year for levy in own_levies(account, TODAY)] == [2026, 2025]

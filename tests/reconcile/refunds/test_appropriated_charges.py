"""延滞金 of what an overpayment settled: it runs until the money could be appropriated (充当適状)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from charge_town import CHARGES, charging_profile
from placing_town import DAY, NOTICES, M
from reference_town import assessment
from refund_town import RefundTown

from payments.domain.late_charge import PartPayment
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.charges.due import claims_of
from reconcile.placement_model import Part
from reconcile.refunds import appropriate

DUE_ON, LATER = date(2025, 6, 30), date(2026, 9, 1)
PAID_ON = date(2026, 6, 10)  # when the first instalment of notice 1 was paid


@pytest.fixture
def town(database_url):
    """Notice 2 has been due for a year."""
    made = RefundTown(database_url)
    with unit_of_work(made.engine, M) as connection:
        save_profile(connection, replace(charging_profile(), charges=CHARGES))
    made.assess(
        *(
            assessment(
                term, yen, "correction", notice_no=NOTICES[1], whole_year_group=f"G{NOTICES[1]}",
                due_on_statutory=DUE_ON.isoformat(),
            )
            for term, yen in (("01", 10_000), ("02", 8_000))
        ),
        name="due.csv",
    )  # fmt: skip
    yield made
    made.close()


def _paid(town, term="01"):
    place = (town.notice[NOTICES[1]], term)
    with reading(town.engine, M) as connection:
        (claim,) = claims_of(connection, M, [place])
    return claim.payments


def _appropriated(town, subject):
    for approval in town.asked(appropriate.ask_appropriation, subject, as_of=LATER):
        town.approve(approval, LATER)


def test_what_a_correction_left_over_pays_from_the_day_of_the_correction(town):
    subject = town.lowered()
    town.ready(subject, "reassessed")
    arose_on = town.found(subject).arose_on
    assert arose_on > PAID_ON
    _appropriated(town, subject)
    assert _paid(town) == (PartPayment(arose_on, 6_000),)


def test_a_second_payment_pays_from_the_day_on_which_it_was_paid_twice(town):
    subject = town.twice()
    town.ready(subject)
    arose_on = town.found(subject).arose_on
    _appropriated(town, subject)
    assert _paid(town) == (PartPayment(arose_on, 10_000),)


def test_the_day_stays_while_more_of_the_payment_is_placed_and_goes_with_the_money(town):
    subject = town.lowered()
    town.ready(subject, "reassessed")
    arose_on = town.found(subject).arose_on
    _appropriated(town, subject)
    line = town.line("paid1.csv")
    mine, other = town.notice[NOTICES[1]], town.notice[NOTICES[0]]
    town.place(line, Part(other, "01", 4_000), Part(mine, "01", 5_000), Part(mine, "02", 1_000))
    assert _paid(town) == (PartPayment(arose_on, 5_000),)
    assert _paid(town, "02") == (PartPayment(PAID_ON, 1_000),)
    town.place(line, Part(other, "01", 4_000))
    town.place(line, Part(other, "01", 4_000), Part(mine, "01", 6_000))
    assert _paid(town) == (PartPayment(PAID_ON, 6_000),)
    assert DAY > PAID_ON

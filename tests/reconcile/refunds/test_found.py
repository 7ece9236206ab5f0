"""Overpayments: what waits, why, for whom, and what the person may be told."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from placing_town import DAY, NOTICES, M, PlacingTown, row
from reference_town import assessment

from payments.domain.errors import InvalidValueError, NotFoundError
from payments.domain.overpayment import OverpaymentReason
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.pipeline import reconcile_waiting
from reconcile.refunds.classing import Grounds, classify
from reconcile.refunds.found import Overpayment, overpayment, overpayments, short
from reconcile.refunds.state import money_waits, refund_state

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = datetime(2026, 6, 20, 1, tzinfo=UTC)
LATER = date(2026, 9, 1)


@pytest.fixture
def town(database_url: str) -> Iterator[PlacingTown]:
    town = PlacingTown(database_url)
    yield town
    town.check()
    town.close()


def listed(town: PlacingTown, as_of: date = DAY, **other: Any) -> list[Overpayment]:
    with reading(town.engine, M) as connection:
        return overpayments(connection, load_profile(connection, M), as_of, **other)


def classed(town: PlacingTown, subject: str, *grounds: Any) -> Overpayment:
    with unit_of_work(town.engine, M) as connection:
        profile = load_profile(connection, M)
        classify(connection, profile, subject, Grounds(*grounds), by="hanako", at=AT, as_of=DAY)
        return overpayment(connection, profile, subject, DAY)


def twice(town: PlacingTown) -> str:
    """The first instalment of the first notice paid twice: the second one waits."""
    town.shop("a.csv", row(1))
    town.shop("b.csv", row(1, paid_at="1300", shop_code="000002"))
    return "line:{}:{}".format(*town.line("b.csv"))


def test_money_that_nobody_owed_is_found_with_its_likely_reason(town):
    subject = twice(town)
    (found,) = listed(town)
    assert (found.subject, found.held_yen, found.waiting_yen) == (subject, 10_000, 10_000)
    assert found.likely is OverpaymentReason.PAID_TWICE
    assert (found.state, found.stage) == ("new", "provisional")
    assert found.expires_on == date(2031, 6, 10)
    assert listed(town, obligor_no="nobody") == []
    assert listed(town, after=(found.arose_on.isoformat(), found.subject)) == []


def lowered_first(town: PlacingTown) -> Overpayment:
    """The first instalment of the first notice is lowered to 4,000 yen: what is left over."""
    number = NOTICES[0]
    line = assessment("01", 4_000, kind="correction", notice_no=number,
                      whole_year_group=f"G{number}")  # fmt: skip
    town.assess(line, name="lowered.csv")
    subject = f"claim:{town.notice[number]}/01"
    return next(each for each in listed(town) if each.subject == subject)


def test_what_was_left_over_bears_interest_from_the_day_of_the_money_that_stands_there(town):
    town.shop("own.csv", row(1, yen=5_000, kind="02"))
    town.shop("placed.csv", row(2, kind="02", paid_on="20260612"))
    town.place(town.line("placed.csv"), town.part(1, "01", 5_000))
    found = lowered_first(town)
    assert (found.held_yen, found.paid_on) == (6_000, date(2026, 6, 12))


def test_money_that_people_placed_elsewhere_says_nothing_about_its_own_claim(town):
    town.shop("own.csv", row(1, kind="02"))
    town.shop("again.csv", row(1, paid_at="1300", paid_on="20260615"))
    town.place(town.line("again.csv"), town.part(2, "01", 10_000))
    found = lowered_first(town)
    # The other payment is a first report, and of a later day.
    assert (found.held_yen, found.paid_on, found.stage) == (
        6_000, date(2026, 6, 10), "confirmed",
    )  # fmt: skip


def test_what_a_correction_left_over_is_found_with_the_day_of_its_payment(town):
    town.shop("a.csv", row(1))
    lowered = assessment(
        "01", 4_000, kind="correction", notice_no=NOTICES[0], whole_year_group=f"G{NOTICES[0]}"
    )
    town.assess(lowered, name="corrected.csv")
    (found,) = listed(town)
    assert found.subject == f"claim:{found.notice_id}/01"
    assert (found.waiting_yen, found.paid_on) == (6_000, date(2026, 6, 10))
    assert found.likely is OverpaymentReason.REASSESSED
    known = classed(town, found.subject, "reassessed")
    assert known.interest_from_on == date(2026, 6, 11)
    assert known.arose_on == DAY


def test_a_person_says_why_and_interest_begins_by_that(town):
    subject = twice(town)
    known = classed(town, subject, "paid_twice")
    assert known.interest_from_on == date(2026, 7, 11)
    assert known.state == "payee"
    with unit_of_work(town.engine, M) as connection:
        profile = load_profile(connection, M)
        for grounds, code in (
            (Grounds("no"), "overpayment_reason"),
            (Grounds("income_tax"), "refund_event"),
            (Grounds("too_much", note="長" * 201), "reason_long"),
        ):
            with pytest.raises(InvalidValueError, match=code):
                classify(connection, profile, subject, grounds, by="hanako", at=AT, as_of=DAY)
    again = classed(town, subject, "income_tax", date(2026, 6, 15))
    assert (again.reason, again.interest_from_on) == ("income_tax", date(2026, 7, 16))


def test_claims_that_are_due_come_first(town):
    subject = twice(town)
    classed(town, subject, "paid_twice")
    with reading(town.engine, M) as connection:
        later = overpayment(connection, load_profile(connection, M), subject, LATER)
    assert (later.state, later.due_yen > 0) == ("owed", True)


@pytest.mark.parametrize("subject", ["", "line:1", "line:a:2", "claim:1/01", "line:1:x", "case:3"])
def test_what_is_no_overpayment_is_not_found(town, subject):
    with reading(town.engine, M) as connection, pytest.raises(NotFoundError, match="overpayment"):
        overpayment(connection, load_profile(connection, M), subject, DAY)


def test_the_person_is_told_and_the_dunning_guard_knows(town):
    twice(town)
    (found,) = listed(town)
    with reading(town.engine, M) as connection:
        profile = load_profile(connection, M)
        told = refund_state(connection, profile, found.obligor_no, DAY)
        assert [(each.step, each.amount_yen) for each in told] == [("checking", 10_000)]
        assert money_waits(connection, M, found.obligor_no)
        assert not money_waits(connection, M, "nobody")
        assert short(connection, profile, DAY) == []
    subject = found.subject
    classed(town, subject, "paid_twice")
    with reading(town.engine, M) as connection:
        told = refund_state(connection, load_profile(connection, M), found.obligor_no, DAY)
    assert [each.step for each in told] == ["account"]


def test_a_suspected_wrong_instalment_makes_the_guard_wait(town):
    town.shop("a.csv", row(1, "02"))
    who = town.rows("SELECT obligor_no FROM notice WHERE notice_no = :no", no=NOTICES[0])[0][0]
    with reading(town.engine, M) as connection:
        assert not money_waits(connection, M, who)
    reconcile_waiting(town.engine, M, as_of=LATER)
    kinds = {kind for kind, _ in town.cases()}
    with reading(town.engine, M) as connection:
        assert money_waits(connection, M, who) == ("wrong_instalment_suspected" in kinds)
    assert "wrong_instalment_suspected" in kinds

"""分納: cut into parts without losing a yen, and kept as a whole."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from payments.domain.plans import Owed, even_payments, monthly, plan_parts, standing

FIRST = date(2026, 1, 31)


def test_the_same_day_of_every_month() -> None:
    assert monthly(FIRST, 3) == [FIRST, date(2026, 2, 28), date(2026, 3, 31)]
    assert monthly(date(2026, 12, 15), 2)[1] == date(2027, 1, 15)


@given(st.lists(st.integers(1, 300_000), min_size=1, max_size=5), st.integers(1, 24))
def test_parts_are_what_is_owed_and_what_was_agreed(owed: list[int], count: int) -> None:
    claims = [Owed(number, "01", yen) for number, yen in enumerate(owed)]
    payments = [p for p in even_payments(sum(owed), monthly(FIRST, count)) if p.amount_yen]
    parts = plan_parts(claims, payments)
    for claim in claims:
        assert sum(p.amount_yen for p in parts if p.notice_id == claim.notice_id) == claim.open_yen
    for payment in payments:
        assert sum(p.amount_yen for p in parts if p.due_on == payment.due_on) == payment.amount_yen
    assert [p.notice_id for p in parts] == sorted(p.notice_id for p in parts)


def test_who_pays_ahead_on_one_has_not_broken_the_plan_on_another() -> None:
    claims = [Owed(1, "01", 6_000), Owed(1, "02", 6_000)]
    parts = plan_parts(claims, even_payments(12_000, monthly(FIRST, 2)))
    late = FIRST + timedelta(days=1)
    assert standing(parts, {(1, "02"): 6_000}, late).is_broken is False
    assert standing(parts, {(1, "01"): 5_999}, late).missed_on == FIRST
    assert standing(parts, {(1, "01"): 6_000, (1, "02"): 6_000}, late).is_paid

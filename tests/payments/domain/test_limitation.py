"""時効: five years from the day after, renewed, standing still, and over for good."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from payments.domain.limitation import (
    Cause,
    Renewal,
    Standstill,
    anniversary,
    limitation,
)

DUE = date(2020, 6, 30)
DAYS = st.dates(date(2010, 1, 1), date(2030, 12, 31))


def test_the_period_ends_on_the_anniversary_of_the_due_date() -> None:
    found = limitation(DUE, 5)
    assert (found.last_on, found.extinguished_on) == (date(2025, 6, 30), date(2025, 7, 1))
    assert limitation(DUE, 2).last_on == date(2022, 6, 30)
    assert limitation(date(2024, 2, 29), 5).last_on == date(2029, 2, 28)


def test_a_dunning_letter_renews_it_when_its_ten_days_are_over() -> None:
    letter = Renewal(date(2020, 7, 20), Cause.DUNNING)
    assert limitation(DUE, 5, [letter]).last_on == date(2025, 7, 30)
    last_moment = Renewal(date(2025, 6, 30), Cause.DUNNING)
    assert limitation(DUE, 5, [last_moment]).last_on == date(2030, 7, 10)


def test_a_part_payment_renews_it_and_what_comes_too_late_does_not() -> None:
    paid = Renewal(date(2024, 1, 15), Cause.PART_PAYMENT)
    late = Renewal(date(2029, 1, 16), Cause.ACKNOWLEDGEMENT)
    found = limitation(DUE, 5, [late, paid])
    assert (found.last_on, found.renewals) == (date(2029, 1, 15), (paid,))


def test_it_stands_still_while_collection_is_put_off() -> None:
    still = Standstill(date(2021, 1, 1), date(2021, 12, 31))
    found = limitation(DUE, 5, standstills=[still])
    assert (found.last_on, found.stood_still_days) == (date(2026, 6, 30), 365)
    over = Standstill(date(2025, 7, 1), date(2026, 6, 30))
    assert limitation(DUE, 5, standstills=[over]).last_on == date(2025, 6, 30)
    endless = limitation(DUE, 5, standstills=[Standstill(date(2021, 1, 1), date.max)])
    assert endless.last_on.year > 9000


def test_two_standstills_at_once_count_once() -> None:
    one, other = (
        Standstill(date(2021, 1, 1), date(2021, 3, 31)),
        Standstill(date(2021, 2, 1), date(2021, 4, 30)),
    )
    assert limitation(DUE, 5, standstills=[one, other]).stood_still_days == 120


@given(DAYS, st.integers(1, 10), st.lists(DAYS, max_size=4), st.lists(DAYS, max_size=4))
def test_what_happens_never_brings_the_end_nearer(
    due_on: date, years: int, days: list[date], still: list[date]
) -> None:
    renewals = [Renewal(day, Cause.DUNNING) for day in days]
    standstills = [Standstill(day, day + timedelta(days=9)) for day in still]
    plain, found = limitation(due_on, years), limitation(due_on, years, renewals, standstills)
    assert found.last_on >= plain.last_on == anniversary(due_on, years)
    assert found == limitation(due_on, years, renewals[::-1], standstills[::-1])

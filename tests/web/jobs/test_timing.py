"""When a job is due: cron expressions in Japan, bank business days, and slots that were missed."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.calendars import is_bank_business_day
from payments.domain.errors import InvalidValueError
from web.clock import JST
from web.jobs.timing import CatchUp, Days, Slot, counts, due_slot, timing_of

HOUR = timedelta(hours=1)
YEAR = st.dates(date(2026, 1, 1), date(2027, 12, 31))


def _at(day, hour=0, minute=0):
    return datetime(2026, 6, day, hour, minute, tzinfo=JST)


def _days(timing, first, last):
    return [fire.day for fire in timing.fires(_at(first), _at(last, 23))]


@pytest.mark.parametrize(
    ("text", "days", "expected"),
    [
        ("30 6 * * *", "every_day", [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("30 6 * * *", "business", [1, 2, 3, 4, 5, 8, 9]),
        ("30 6 * * 1-5", "every_day", [1, 2, 3, 4, 5, 8, 9]),
        ("30 6 * * 0", "every_day", [7]),
        ("30 6 * * 7", "every_day", [7]),
        ("30 6 * * mon,wed", "every_day", [1, 3, 8]),
        ("30 6 * * *", "first_business", [1]),
        ("30 6 * * *", "last_business", []),
        ("0 0 5 * *", "every_day", [5]),
    ],
)
def test_days_are_counted_as_people_write_them(text, days, expected):
    assert _days(timing_of(text, days), 1, 9) == expected


def test_the_last_business_day_of_a_month_is_before_the_break_of_the_banks():
    timing = timing_of("0 7 * * *", "last_business")
    assert timing.next_after(datetime(2026, 12, 1, tzinfo=JST)).date() == date(2026, 12, 30)
    assert timing.next_after(datetime(2026, 1, 1, tzinfo=JST)).date() == date(2026, 1, 30)


@given(day=YEAR)
def test_a_month_has_one_first_and_one_last_business_day(day):
    month = [day.replace(day=1) + timedelta(days=n) for n in range(31)]
    month = [one for one in month if one.month == day.month]
    business = [one for one in month if is_bank_business_day(one)]
    assert [one for one in month if counts(one, Days.FIRST_BUSINESS)] == business[:1]
    assert [one for one in month if counts(one, Days.LAST_BUSINESS)] == business[-1:]


def test_a_year_whose_holidays_nobody_knows_has_no_days_off():
    assert counts(date(2051, 1, 1), Days.BUSINESS)


@pytest.mark.parametrize(
    "text",
    ["", "x", "1 2 3 4", "61 * * * *", "* * * * 8", "* * * * */2", "* * * * 5-1", "@every 0",
     "@every x", "@every 4000", "* * * * 1-"],
)  # fmt: skip
def test_what_is_no_timing_is_refused(text):
    with pytest.raises(InvalidValueError, match="job_timing"):
        timing_of(text, "every_day")


def test_days_that_do_not_exist_or_do_not_go_with_a_round_are_refused():
    with pytest.raises(InvalidValueError, match="job_days"):
        timing_of("0 7 * * *", "sundays")
    with pytest.raises(InvalidValueError, match="job_round_days"):
        timing_of("@every 20", "business")
    assert timing_of("@every  20", "every_day").seconds == 20


@pytest.mark.parametrize(
    ("catch_up", "now", "expected"),
    [
        (CatchUp.ONCE, _at(1, 6), None),
        (CatchUp.ONCE, _at(1, 6, 30), Slot(_at(1, 6, 30))),
        (CatchUp.ONCE, _at(4, 9), Slot(_at(4, 6, 30), covers=4)),
        (CatchUp.EACH, _at(1, 6, 31), Slot(_at(1, 6, 30))),
        (CatchUp.EACH, _at(4, 9), Slot(_at(1, 6, 30), late=True)),
        (CatchUp.SKIP, _at(1, 6, 31), Slot(_at(1, 6, 30))),
        (CatchUp.SKIP, _at(4, 9), Slot(_at(4, 6, 30), covers=4, skipped=True)),
        (CatchUp.SKIP, _at(4, 7), Slot(_at(3, 6, 30), covers=3, skipped=True)),
    ],
)
def test_missed_slots_are_made_up_for_as_the_job_says(catch_up, now, expected):
    timing = timing_of("30 6 * * *", "every_day")
    assert due_slot(timing, catch_up, _at(1), now, HOUR) == expected


@given(
    hours=st.lists(st.integers(1, 72), min_size=1, max_size=20),
    catch_up=st.sampled_from([CatchUp.EACH, CatchUp.SKIP, CatchUp.ONCE]),
)
def test_every_slot_is_dealt_with_once_however_the_clock_steps(hours, catch_up):
    timing = timing_of("30 6 * * *", "business")
    after = now = _at(1)
    covered = 0
    seen = []
    for step in hours:
        now += timedelta(hours=step)
        while (slot := due_slot(timing, catch_up, after, now, HOUR)) is not None:
            assert slot.due_at > after
            after = slot.due_at
            covered += slot.covers
            seen.append(slot.due_at)
    assert covered == len(list(timing.fires(_at(1), now)))
    assert seen == sorted(set(seen))

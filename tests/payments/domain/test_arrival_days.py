"""受領予定の定め: which days, until when, and what a wait looks like at a moment."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

import pytest
from delimited_samples import ROOT

from payments.domain.arrivals import (
    ArrivalRule,
    days_between,
    is_business_day,
    minutes_late,
    wait_state,
)
from payments.domain.errors import InvalidValueError
from payments.domain.profile import profile_from_mapping

# 2026: 4/29 Wed, 5/3 Sun, 5/4 Mon, 5/5 Tue are holidays, 5/6 Wed stands in for the Sunday.
FIRST, LAST = date(2026, 4, 27), date(2026, 5, 8)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("every_day", "27 28 29 30 1 2 3 4 5 6 7 8"),
        ("business_days", "27 28 30 1 7 8"),
        ("weekdays:mon", "27 7"),  # the Monday of the holidays moves to Thursday
        ("weekdays:wed,thu", "30 7"),  # two that fall on one day are one
        ("monthly:1,-1", "30 1"),
        ("monthly:2,3,23", "7 8"),
        ("dates:2026-05-03,2026-05-07", "3 7"),
        ("on_demand", ""),
    ],
)
def test_a_rule_says_on_which_days_files_are_due(days, expected):
    rule = ArrivalRule("konbini_dsk", days)
    due = [str(day.day) for day in days_between(FIRST, LAST) if rule.is_due(day)]
    assert " ".join(due) == expected


def test_a_year_whose_holidays_nobody_knows_expects_files_every_day():
    far = date(2060, 5, 3)
    assert is_business_day(far)
    assert ArrivalRule("x", "business_days").is_due(far)
    assert ArrivalRule("x", f"weekdays:{far:%a}".lower()).is_due(far)
    assert ArrivalRule("x", dated_days_before=1).due_for(far) == far + timedelta(days=1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("days", "sometimes"), ("days", "weekdays"), ("days", "weekdays:someday"),
        ("days", "monthly:0"), ("days", "monthly:x"), ("days", "dates:2026-02-30"),
        ("days", "business_days:mon"), ("cut_off", "9:00"), ("cut_off", "24:00"),
        ("cut_off", "0900"), ("effective_on", "soon"), ("grace_minutes", -1),
        ("grace_minutes", 1441), ("files", 0), ("files", 100), ("dated_days_before", -2),
    ],
)  # fmt: skip
def test_what_cannot_be_a_rule_is_refused_and_named(field, value):
    with pytest.raises(InvalidValueError, match="arrival_rule") as caught:
        ArrivalRule("konbini_dsk", **{field: value})
    assert caught.value.details["expected"]


def test_red_amber_and_nothing_yet_follow_the_clock_to_the_minute():
    rule = ArrivalRule("konbini_dsk", cut_off="09:00", grace_minutes=30)
    cut_off = datetime(2026, 5, 8, 0, 0, tzinfo=UTC)  # 09:00 in Japan
    assert rule.cut_off_at(LAST) == cut_off
    minute = timedelta(minutes=1)
    states = [
        wait_state(rule, LAST, cut_off + number * minute) for number in (-1, 0, 29, 30, 9_999)
    ]
    assert states == ["awaited", "overdue", "overdue", "missing", "missing"]
    late = [minutes_late(rule, LAST, cut_off + number * minute) for number in (-1, 29, 30, 75)]
    assert late == [0, 0, 30, 75]


def test_a_date_in_a_file_leads_to_the_day_it_was_due():
    assert ArrivalRule("x").due_for(LAST) == LAST
    before = ArrivalRule("x", dated_days_before=2)
    assert before.due_for(date(2026, 5, 1)) == LAST  # over the holidays


def test_the_profile_carries_its_calendar_and_refuses_a_source_it_does_not_know():
    text = (ROOT / "web" / "profiles" / "99999.toml").read_text("utf-8")
    rule = '\n[[arrivals]]\nsource = "konbini_dsk"\ndays = "monthly:1"\ncut_off = "10:30"\n'
    profile = profile_from_mapping(tomllib.loads(text + rule))
    assert profile.arrivals == (ArrivalRule("konbini_dsk", "monthly:1", cut_off="10:30"),)
    assert profile_from_mapping(asdict(profile)) == profile
    assert profile_from_mapping(tomllib.loads(text)).arrivals == ()
    with pytest.raises(InvalidValueError, match="arrival_rule"):
        profile_from_mapping(tomllib.loads(text + rule.replace("konbini_dsk", "konbini_x")))
    with pytest.raises(InvalidValueError, match="profile_field"):
        profile_from_mapping(tomllib.loads(text + rule + "colour = 1\n"))

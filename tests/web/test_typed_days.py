"""日付の読取り: a day far outside of all calendars is a day that nobody asked for, not a fault."""

from __future__ import annotations

from datetime import date

import pytest

from web.typed_days import day_or_none


@pytest.mark.parametrize("text", ["", "x", "2026-02-29", "0001-01-01", "2000-01-01", "9999-12-31"])
def test_what_cannot_be_counted_on_from_is_no_day(text):
    assert day_or_none(text) is None


def test_a_leap_day_is_a_day():
    assert day_or_none("2028-02-29") == date(2028, 2, 29)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_lists_of_days_answer_whatever_day_is_asked_for(auditor, day):
    for path in (
        f"/staff/log?until={day}",
        f"/staff/log?since={day}",
        f"/staff/log/export.csv?until={day}",
        f"/staff/files?since={day}&until={day}",
        f"/staff/cases?from={day}&to={day}",
    ):
        assert auditor.get(path).status_code == 200, path
    assert auditor.get(f"/staff/today/{day}").status_code == 404
    asked = {"until_on": day, "from_on": day}
    assert auditor.post("/staff/people/views", data=asked).status_code == 422

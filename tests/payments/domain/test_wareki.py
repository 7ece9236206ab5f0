"""和暦: dates without an era mark are read near the day of arrival, or not at all."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from payments.domain.wareki import (
    era_of,
    format_fiscal_year,
    format_wareki,
    format_wareki_year,
    format_yymmdd,
    parse_yymmdd,
)


@pytest.mark.parametrize(
    ("text", "received_on", "expected"),
    [
        ("080601", date(2026, 6, 2), date(2026, 6, 1)),
        ("080601", date(2026, 6, 1), date(2026, 6, 1)),
        ("080601", date(1996, 6, 3), date(1996, 6, 1)),
        ("310430", date(2019, 5, 7), date(2019, 4, 30)),
        ("310601", date(2019, 6, 3), date(2019, 6, 1)),
        ("010601", date(2019, 6, 3), date(2019, 6, 1)),
        ("640105", date(1989, 1, 6), date(1989, 1, 5)),
        ("060229", date(2024, 3, 1), date(2024, 2, 29)),
    ],
)
def test_the_era_is_the_one_near_the_arrival(text: str, received_on: date, expected: date) -> None:
    assert parse_yymmdd(text, "booked_on", received_on=received_on) == expected


@pytest.mark.parametrize(
    "text",
    [
        "080603",  # tomorrow: never quietly 1996
        "010430",  # 令和 had not begun
        "080631",
        "081301",
        "000601",
        "070229",  # no leap year in 令和7年, nor near
    ],
)
def test_a_date_that_is_not_near_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_yymmdd(text, "booked_on", received_on=date(2026, 6, 2))
    assert caught.value.error_code == "wareki_date"
    assert caught.value.details["field"] == "booked_on"
    assert caught.value.details["found"] == text


@pytest.mark.parametrize("text", ["", "8061", "２６０６０１", "2026061"])
def test_a_date_has_six_digits(text: str) -> None:
    with pytest.raises(InvalidValueError, match="not_digits"):
        parse_yymmdd(text, "booked_on", received_on=date(2026, 6, 2))


def test_some_fields_may_lie_ahead() -> None:
    received_on = date(2026, 6, 2)
    ahead = parse_yymmdd("080605", "value_on", received_on=received_on, days_ahead=3)
    assert ahead == date(2026, 6, 5)
    with pytest.raises(InvalidValueError, match="wareki_date"):
        parse_yymmdd("080606", "value_on", received_on=received_on, days_ahead=3)


@given(day=st.dates(date(1927, 1, 1), date(2110, 1, 1)), waited=st.integers(0, 3_650))
def test_what_is_written_is_read_back(day: date, waited: int) -> None:
    received_on = day + timedelta(days=waited)
    assert parse_yymmdd(format_yymmdd(day), "day", received_on=received_on) == day


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (date(2026, 6, 1), "令和8年6月1日"),
        (date(2019, 5, 1), "令和元年5月1日"),
        (date(2019, 4, 30), "平成31年4月30日"),
        (date(1989, 1, 7), "昭和64年1月7日"),
    ],
)
def test_dates_as_people_read_them(day: date, text: str) -> None:
    assert format_wareki(day) == text
    assert text.startswith(format_wareki_year(day))


@pytest.mark.parametrize(
    ("year", "text"),
    [
        (2026, "令和8年度"),
        (2019, "令和元年度"),
        (2018, "平成30年度"),
        (1989, "平成元年度"),
        (1988, "昭和63年度"),
    ],
)
def test_fiscal_years_as_people_read_them(year: int, text: str) -> None:
    assert format_fiscal_year(year) == text


def test_a_day_before_the_known_eras_is_refused() -> None:
    assert era_of(date(1926, 12, 25))[0].name == "昭和"
    with pytest.raises(InvalidValueError, match="era_unknown"):
        era_of(date(1926, 12, 24))

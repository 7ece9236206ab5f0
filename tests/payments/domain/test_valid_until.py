"""支払期限: every policy, and what is none."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from payments.domain.valid_until import require_policy, valid_until


@pytest.mark.parametrize(
    ("policy", "base", "day"),
    [
        ("same_day", date(2026, 6, 1), date(2026, 6, 1)),
        ("days_after:0", date(2026, 6, 1), date(2026, 6, 1)),
        ("days_after:30", date(2026, 6, 1), date(2026, 7, 1)),
        ("end_of_month_after:0", date(2026, 6, 1), date(2026, 6, 30)),
        ("end_of_month_after:1", date(2026, 1, 31), date(2026, 2, 28)),
        ("end_of_month_after:1", date(2028, 1, 31), date(2028, 2, 29)),
        ("end_of_month_after:3", date(2026, 11, 30), date(2027, 2, 28)),
        # 国分寺市: until the end of April of the fiscal year after the due year (symbols.md 5).
        ("next_fiscal_year:04-30", date(2026, 6, 1), date(2027, 4, 30)),
        ("next_fiscal_year:04-30", date(2027, 3, 1), date(2027, 4, 30)),
        ("next_fiscal_year:04-30", date(2027, 4, 1), date(2028, 4, 30)),
        ("next_fiscal_year:03-31", date(2026, 6, 1), date(2028, 3, 31)),
    ],
)
def test_a_policy_gives_a_day(policy, base, day):
    assert require_policy(policy) == policy
    assert valid_until(policy, base) == day


@pytest.mark.parametrize(
    "policy",
    [
        "", "same_day:1", "someday", "days_after", "days_after:-1", "days_after:１",
        "days_after:3651", "end_of_month_after:121", "next_fiscal_year:02-29",
        "next_fiscal_year:4-30", "next_fiscal_year:13-01", "next_fiscal_year:04-31",
        "next_fiscal_year:",
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused(policy):
    with pytest.raises(InvalidValueError) as caught:
        require_policy(policy)
    assert caught.value.error_code == "valid_until_policy"
    assert caught.value.details["found"] == policy


@given(
    policy=st.sampled_from(
        ["same_day", "days_after:30", "end_of_month_after:2", "next_fiscal_year:03-31"]
    ),
    base=st.dates(date(2000, 1, 1), date(2090, 1, 1)),
)
def test_no_policy_ends_before_the_base_day(policy, base):
    assert valid_until(policy, base) >= base

"""推移: what the accounts of a posting say about the way of the money, and how long it waited."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from reconcile.day_totals import collects
from reconcile.report import trend
from reconcile.report.trend import Moved, Wait

ACCOUNTS = (
    "receivable", "assessed", "suspense", "reported", "confirmed_due", "bank", "fee",
    "unidentified", "outgoing",
)  # fmt: skip
# Pairs that the ledger books (docs/architecture.md, Ledger), each also exchanged.
BOOKED = [
    ("receivable", "assessed"), ("receivable", "suspense"), ("reported", "receivable"),
    ("reported", "suspense"), ("confirmed_due", "receivable"), ("confirmed_due", "suspense"),
    ("confirmed_due", "reported"), ("bank", "unidentified"), ("unidentified", "confirmed_due"),
    ("fee", "confirmed_due"), ("outgoing", "bank"),
]  # fmt: skip
FIRST = date(2026, 4, 1)


def _row(debit: str, credit: str, yen: int, day: int = 0, channel: str = "konbini") -> Moved:
    booked_on = (FIRST + timedelta(days=day)).isoformat()
    return Moved(booked_on, "001", 2026, 2026, channel, debit, credit, 1, yen)


def test_what_is_collected_is_what_the_reports_call_revenue():
    for debit, credit in product(ACCOUNTS, repeat=2):
        if (debit, credit) in BOOKED or (credit, debit) in BOOKED:
            assert trend.sign("collected", debit, credit) == collects(debit, credit)


def test_no_step_counts_what_stays_on_one_account():
    for step, account in product(trend.STEPS, ACCOUNTS):
        assert trend.sign(step, account, account) == 0


PAIRS = st.sampled_from([*BOOKED, *((credit, debit) for debit, credit in BOOKED)])
ROWS = st.lists(st.tuples(PAIRS, st.integers(1, 10**9)), max_size=40)


@given(ROWS, ROWS)
def test_the_way_of_the_money_leads_to_the_balances_of_the_accounts(before, within):
    older = tuple(_row(debit, credit, yen) for (debit, credit), yen in before)
    newer = tuple(_row(debit, credit, yen) for (debit, credit), yen in within)
    way = trend.way(older, newer, 2026)

    def grew(account: str) -> int:
        return trend.balance(newer, account)

    assert way.to_collect_yen - way.collected_yen == trend.balance((*older, *newer), "receivable")
    assert way.received_yen - way.collected_yen == -grew("suspense")
    assert way.received_yen - way.confirmed_yen == grew("reported")
    assert way.confirmed_yen - way.settled_yen == grew("confirmed_due")


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 9)), max_size=12))
def test_sums_so_far_are_the_sums_of_all_days_before(moved):
    rows = [_row("reported", "receivable", yen, day) for day, yen in moved]
    days = [FIRST + timedelta(days=number) for number in (0, 2, 3, 6)]
    expected = [
        sum(yen for day, yen in moved if FIRST + timedelta(days=day) <= until) for until in days
    ]
    assert trend.cumulated(rows, "collected", days) == expected


EVENTS = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(["reported", "confirmed"]), st.integers(1, 6)),
    max_size=25,
)


@given(EVENTS, st.integers(0, 5), st.integers(0, 8))
def test_waits_are_those_of_every_single_yen_in_order_of_arrival(events, left, since):
    """The second reading: a yen is a yen, and the one that came first goes first."""
    rows: list[Moved] = []
    waiting: list[int | None] = [None] * left
    expected: dict[int, int] = {}
    for day, kind, yen in sorted(events, key=lambda event: (event[0], event[1] == "confirmed")):
        if kind == "reported":
            rows.append(_row("reported", "receivable", yen, day))
            waiting += [day] * yen
            continue
        taken = waiting[:yen]  # more than was reported is never confirmed
        del waiting[:yen]
        if taken:
            rows.append(_row("confirmed_due", "reported", len(taken), day))
        for begun in taken:
            if begun is not None and day >= since:
                expected[day - begun] = expected.get(day - begun, 0) + 1
    before = [_row("reported", "receivable", left, -1)] if left else []
    found = trend.waits(before, rows, FIRST + timedelta(days=since))
    assert {wait.days: wait.amount_yen for wait in found} == expected


def test_waits_of_channels_are_kept_apart():
    rows = [
        _row("reported", "receivable", 100, 0, "konbini"),
        _row("reported", "suspense", 50, 1, "eltax"),
        _row("confirmed_due", "reported", 50, 2, "eltax"),
        _row("confirmed_due", "reported", 100, 3, "konbini"),
    ]
    assert trend.waits([], rows, FIRST) == (Wait("eltax", 1, 50), Wait("konbini", 3, 100))


def test_what_was_withdrawn_does_not_wait():
    rows = [
        _row("reported", "receivable", 100, 0),
        _row("receivable", "reported", 100, 1),
        _row("reported", "receivable", 30, 2),
        _row("confirmed_due", "reported", 30, 4),
    ]
    assert trend.waits([], rows, FIRST) == (Wait("konbini", 2, 30),)


def test_half_and_nearly_all_are_counted_in_yen():
    found = [Wait("konbini", 1, 60), Wait("konbini", 3, 30), Wait("konbini", 9, 10)]
    assert [trend.within_days(found, share) for share in (50, 90, 100)] == [1, 3, 9]
    assert trend.within_days([], 50) == 0


def test_own_year_leaves_out_what_was_carried_over_and_other_years():
    kept = _row("reported", "receivable", 5)
    carried = kept._replace(claim_year=2025)
    late = kept._replace(claim_year=2025, open_year=2025)
    assert trend.own_year([kept, carried, late], 2026) == (kept,)
    assert trend.own_year([kept, carried, late], 2025) == (late,)

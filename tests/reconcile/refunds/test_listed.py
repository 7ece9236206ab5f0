"""The list of what waits, page by page, and its sums: as plain reading of everything has them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from placing_town import DAY, M
from refund_town import RefundTown

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.refunds import counting
from reconcile.refunds.ageing import BUCKETS, ageing
from reconcile.refunds.decide import ask_refund
from reconcile.refunds.found import STATES, Overpayment, overpayments
from reconcile.refunds.pages import START, Asked, every_overpayment, key_of, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

SOON, LATE = DAY + timedelta(days=31), date(2031, 3, 1)


@pytest.fixture
def town(database_url: str) -> Iterator[RefundTown]:
    """Money that waits at every stage, money that is decided to go back, in whole and in part."""
    town = RefundTown(database_url)
    town.twice(1)
    town.twice(1, name="other_day.csv", paid_on="20260605")
    town.twice(2, name="same_day.csv")
    town.classed(town.twice(2, name="classed.csv", paid_on="20260605"))
    town.refunded(town.twice(1, name="back.csv", paid_on="20260606"))
    town.refunded(town.twice(2, name="part.csv", paid_on="20260606"), 4_000)
    town.ready(asked := town.twice(2, name="asked.csv", paid_on="20260607"))
    town.asked(ask_refund, asked, as_of=DAY)
    town.lowered(3)
    yield town
    town.close()


def opened(town: RefundTown, read: Any) -> Any:
    with reading(town.engine, M) as connection:
        return read(connection, load_profile(connection, M))


def plain(connection: Connection, profile: Profile, as_of: date) -> list[Overpayment]:
    """Every one, by the day that counts; what lines hold first."""

    def order(row: Overpayment) -> tuple[Any, ...]:
        line = (0, row.file_id, row.line_no) if row.file_id else (1, row.notice_id, row.term)
        return row.arose_on, *line

    return sorted(overpayments(connection, profile, as_of, limit=1_000), key=order)


def walked(
    connection: Connection, profile: Profile, as_of: date, asked: Asked, size: int
) -> list[Overpayment]:
    """Page by page to the end."""
    rows: list[Overpayment] = []
    after = START
    while some := page(connection, profile, as_of, asked, after=after, limit=size):
        rows += some
        after = key_of(some[-1])
    return rows


def test_pages_hold_each_one_once_in_the_order_of_days(town):
    def compare(connection: Connection, profile: Profile, size: int) -> None:
        expected = plain(connection, profile, DAY)
        assert len(expected) == 7
        assert {row.file_id > 0 for row in expected} == {True, False}
        assert walked(connection, profile, DAY, Asked(), size) == expected
        for state in STATES:
            found = walked(connection, profile, DAY, Asked(state), size)
            assert found == [row for row in expected if row.state == state]
        for bucket in range(len(BUCKETS) + 1):
            for as_of in (DAY, SOON, LATE):
                asked = Asked("", *counting.bucket_days(bucket, as_of))
                assert walked(connection, profile, as_of, asked, size) == [
                    row
                    for row in plain(connection, profile, as_of)
                    if counting.bucket_of(row.arose_on, as_of) == bucket
                ]

    for size in (1, 3, 50):
        opened(town, partial(compare, size=size))


def test_all_of_them_come_in_portions(town, monkeypatch):
    monkeypatch.setattr("reconcile.refunds.pages._PORTION", 2)

    def compare(connection: Connection, profile: Profile) -> None:
        found = [(row.subject, row.state) for row in every_overpayment(connection, profile, DAY)]
        expected = plain(connection, profile, DAY)
        assert found == [(row.subject, row.state) for row in expected]

    opened(town, compare)


def test_sums_are_those_of_each_one(town):
    def compare(connection: Connection, profile: Profile, as_of: date) -> None:
        aged = ageing(connection, profile, as_of)
        counts = counting.counted(connection, profile, as_of)
        assert counts.by_age(as_of) == list(zip(aged.numbers, aged.yen, strict=True))
        for state, (number, yen) in counts.by_state().items():
            some = [r.overpayment for r in aged.rows if r.overpayment.state == state]
            assert (number, yen) == (len(some), sum(row.waiting_yen for row in some))
        assert counts.warnings(profile, as_of) == len(aged.warnings)
        warned = counting.warned(connection, profile, as_of, 3)
        expected = {row.overpayment.subject for row in aged.warnings}
        assert len(warned) == min(3, len(expected))
        assert {row.subject for row in warned} <= expected

    for as_of in (DAY, SOON, LATE):
        opened(town, partial(compare, as_of=as_of))


def test_what_is_much_is_told_as_it_was_counted_last(town, monkeypatch):
    monkeypatch.setattr(counting, "LIVE_MAX", 2)

    def told() -> counting.Counts:
        return opened(
            town, lambda connection, profile: counting.counts_of(connection, profile, DAY)
        )

    def keep() -> None:
        with unit_of_work(town.engine, M) as connection:
            counting.keep(connection, load_profile(connection, M), DAY, town.moment)

    live = told()
    assert live.counted_at is None
    keep()
    kept = told()
    assert isinstance(kept.counted_at, datetime)
    assert (kept.groups, kept.moved) == (live.groups, False)
    town.twice(1, name="more.csv", paid_on="20260608")
    assert (told().groups, told().moved) == (live.groups, True)
    keep()
    assert sum(group.number for group in told().groups) == 8
    assert not told().moved


def test_a_little_is_counted_anew_and_nothing_is_kept(town):
    with unit_of_work(town.engine, M) as connection:
        counting.keep(connection, load_profile(connection, M), DAY, town.moment)
    assert town.rows("SELECT COUNT(*) FROM refund_count") == [(0,)]
    assert (
        opened(
            town, lambda connection, profile: counting.counts_of(connection, profile, DAY)
        ).counted_at
        is None
    )


def test_a_key_that_is_none_begins_with_its_day(town):
    def compare(connection: Connection, profile: Profile, after: tuple[str, str]) -> None:
        expected = [
            row for row in plain(connection, profile, DAY) if row.arose_on.isoformat() >= after[0]
        ]
        assert page(connection, profile, DAY, after=after, limit=50) == expected, after

    for no_key in ("", "case:3", f"line:{'9' * 30}:1"):
        opened(town, partial(compare, after=("2026-06-10", no_key)))
    opened(town, partial(compare, after=("0001-01-01", "claim:x/y")))

"""外部通知: what a booking means for others, on both databases; verify recounts it every time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from placing_town import DAY, M, PlacingTown, row, slip_no
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payments import approve
from payments.store.unit_of_work import unit_of_work
from reconcile import day_close
from reconcile.announce import start
from reconcile.formats import FORMATS, konbini_dsk
from reconcile.model import Delivery, FileStatus, Finding, Severity
from reconcile.together import Incoming, take_in_together

if TYPE_CHECKING:
    from collections.abc import Iterator

PAID, WITHDRAWN = "slip.paid", "slip.payment_withdrawn"


@pytest.fixture
def town(database_url: str) -> Iterator[PlacingTown]:
    """The town with somebody who listens; in the end every event must follow from the books."""
    town = PlacingTown(database_url)
    with unit_of_work(town.engine, M) as connection:
        start(connection, M)
    yield town
    town.check()
    town.close()


def events(town, since=0):
    """Kind, state, slip and yen of every event, in their order."""
    return [
        tuple(found)
        for found in town.rows(
            "SELECT e.kind, e.state, s.slip_no, e.amount_yen FROM event e LEFT JOIN slip s "
            "ON s.slip_id = e.slip_id WHERE e.event_no > :since ORDER BY e.event_no",
            since=since,
        )
    ]


def test_a_quick_report_and_its_confirmation_are_two_events(town):
    town.shop("a.csv", row(1))
    town.shop("b.csv", row(1, kind="02"))
    assert events(town) == [
        (PAID, "provisional", slip_no(1), 10_000),
        (PAID, "confirmed", slip_no(1), 10_000),
    ]


def test_a_confirmation_that_comes_alone_is_one_event(town):
    town.shop("b.csv", row(1, kind="02"), row(2, kind="02"))
    assert events(town) == [
        (PAID, "confirmed", slip_no(1), 10_000),
        (PAID, "confirmed", slip_no(2), 10_000),
    ]


def test_a_slip_for_the_whole_year_is_one_event_over_all_its_terms(town):
    town.shop("a.csv", row(1, "00"))
    town.shop("b.csv", row(1, "00", kind="02"))
    assert events(town) == [
        (PAID, "provisional", slip_no(1, "00"), 18_000),
        (PAID, "confirmed", slip_no(1, "00"), 18_000),
    ]


def test_a_cancellation_withdraws_what_was_announced(town):
    town.shop("a.csv", row(1), row(1, "00", paid_at="1300"))
    first = len(events(town))
    town.shop("c.csv", row(1, kind="03"))
    assert events(town, first)[0] == (WITHDRAWN, "", slip_no(1), 10_000)


def test_what_comes_and_goes_within_one_file_is_no_event(town):
    town.shop("a.csv", row(1), row(1, kind="03"), row(2))
    assert events(town) == [(PAID, "provisional", slip_no(2), 10_000)]


def test_the_same_file_again_says_nothing_twice(town):
    town.shop("a.csv", row(1))
    assert town.shop("again.csv", row(1)).status is FileStatus.DUPLICATE
    town.shop("more.csv", row(1), row(2))  # the same line in another file
    assert [event[2] for event in events(town)] == [slip_no(1), slip_no(2)]


def test_money_that_waits_is_no_payment_of_the_slip_until_people_place_it(town):
    town.shop("a.csv", row(1))
    town.shop("b.csv", row(1, paid_at="1500"))  # 二重納付
    assert len(events(town)) == 1
    town.place(town.line("b.csv"), town.part(2, "02", 8_000), town.part(3, "01", 2_000))
    assert events(town, 1) == [
        (PAID, "provisional", slip_no(2, "02"), 8_000),
        (PAID, "provisional", slip_no(3), 2_000),
    ]
    town.shop("c.csv", row(1, kind="02", paid_at="1500"))
    assert sorted(events(town, 3)) == [
        (PAID, "confirmed", slip_no(2, "02"), 8_000),
        (PAID, "confirmed", slip_no(3), 2_000),
    ]


def test_an_undo_withdraws_and_what_waited_for_the_place_is_paid_behind_it(town):
    town.shop("a.csv", row(1))
    town.shop("b.csv", row(1, paid_at="1500"))
    town.place(town.line("a.csv"))
    assert events(town, 1) == [
        (WITHDRAWN, "", slip_no(1), 10_000),
        (PAID, "provisional", slip_no(1), 10_000),
    ]


def test_a_move_withdraws_here_and_pays_there(town):
    town.shop("a.csv", row(1))
    town.place(town.line("a.csv"), town.part(2, "01", 10_000))
    assert events(town, 1) == [
        (WITHDRAWN, "", slip_no(1), 10_000),
        (PAID, "provisional", slip_no(2), 10_000),
    ]
    town.shop("c.csv", row(1, kind="03"))
    assert events(town, 3) == [(WITHDRAWN, "", slip_no(2), 10_000)]


def test_what_was_paid_before_anybody_listened_is_withdrawn_aloud(database_url):
    town = PlacingTown(database_url)
    town.shop("a.csv", row(1), row(2))
    assert events(town) == []
    with unit_of_work(town.engine, M) as connection:
        start(connection, M)
        start(connection, M)
    town.shop("c.csv", row(1, kind="03"))
    town.shop("d.csv", row(2, kind="02"))
    assert events(town) == [
        (WITHDRAWN, "", slip_no(1), 10_000),
        (PAID, "confirmed", slip_no(2), 10_000),
    ]
    town.check()
    town.close()


def test_a_file_that_is_set_aside_is_said_once_and_its_release_too(town):
    whole = konbini_dsk.write([row(1), row(2)])
    bad = Delivery("bad.csv", whole[: len(whole) // 2])
    for _ in range(2):
        assert town.take(bad).status is FileStatus.QUARANTINED
    assert events(town) == [("file.quarantined", "quarantined", None, None)]
    with unit_of_work(town.engine, M) as connection:
        found = connection.execute(text("SELECT file_id, line_no FROM event")).one()
    assert tuple(found) == (town.files["bad.csv"], 0)


def test_a_file_that_goes_through_after_all_is_released(town, monkeypatch):
    found = Finding("unknown_format", Severity.REFUSED)
    monkeypatch.setattr("reconcile.pipeline.detect", lambda *_: found)
    delivery = Delivery("late.csv", konbini_dsk.write([row(1)]))
    assert town.take(delivery).status is FileStatus.REFUSED
    monkeypatch.undo()
    assert town.take(delivery).status is FileStatus.ACCEPTED
    assert events(town) == [
        ("file.quarantined", "refused", None, None),
        (PAID, "provisional", slip_no(1), 10_000),
        ("file.released", "accepted", None, None),
    ]


def test_a_closed_and_a_reopened_day_are_announced(town):
    for kind in (day_close.CLOSE, day_close.REOPEN):
        town.moment += timedelta(minutes=1)
        with unit_of_work(town.engine, M) as connection:
            asked = day_close.ask(
                connection, M, kind, DAY.isoformat(), asked_by="hanako", reason="締め",
                at=town.moment, despite=kind == day_close.CLOSE,
            )  # fmt: skip
            decided = approve.decide(
                connection, M, asked.approval_id, "approved", decided_by="jiro", at=town.moment
            )
            day_close.carry_out(connection, M, decided)
    rows = town.rows("SELECT kind, closure_no FROM event ORDER BY event_no")
    assert [tuple(found) for found in rows] == [("day.closed", 1), ("day.reopened", 2)]


def test_numbers_have_no_gaps_and_events_are_only_added(town):
    town.shop("a.csv", row(1), row(2), row(3))
    town.shop("c.csv", row(1, kind="03"), row(2, kind="02"))
    numbers = [found[0] for found in town.rows("SELECT event_no FROM event ORDER BY event_no")]
    assert numbers == [1, 2, 3, 4, 5]
    for statement in ("UPDATE event SET state = 'x'", "DELETE FROM event"):
        with (
            pytest.raises(DBAPIError, match="append_only"),
            unit_of_work(town.engine, M) as connection,
        ):
            connection.execute(text(statement))


def test_a_booking_that_fails_leaves_no_event(town, monkeypatch):
    def stop(*_):
        raise InterruptedError

    monkeypatch.setattr("reconcile.pipeline.record_file", stop)
    with pytest.raises(InterruptedError):
        town.shop("a.csv", row(1))
    assert events(town) == []
    monkeypatch.undo()
    town.shop("a.csv", row(1))
    assert events(town) == [(PAID, "provisional", slip_no(1), 10_000)]


def test_short_money_says_how_much_stands(town):
    town.shop("a.csv", row(1, yen=4_000))
    assert events(town) == [(PAID, "provisional", slip_no(1), 4_000)]


def test_files_taken_in_together_are_announced_each_and_a_bad_one_leaves_no_gap(town):
    whole = konbini_dsk.write([row(1), row(1, "02")])
    files = [konbini_dsk.write([row(2)]), whole[: len(whole) // 2], konbini_dsk.write([row(3)])]
    incoming = [
        Incoming(Delivery(f"{number}.csv", data), DAY, "system")
        for number, data in enumerate(files)
    ]
    (dsk,) = (one for one in FORMATS if one.code == "konbini_dsk")
    reports = take_in_together(town.engine, M, incoming, dsk, lambda *_: None)
    assert [report is None for report in reports] == [False, True, False]
    assert events(town) == [
        (PAID, "provisional", slip_no(2), 10_000),
        (PAID, "provisional", slip_no(3), 10_000),
    ]
    town.take(incoming[1].delivery)
    assert events(town, 2) == [("file.quarantined", "quarantined", None, None)]

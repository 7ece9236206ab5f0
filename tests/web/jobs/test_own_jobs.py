"""The jobs themselves, over a small reconciled city: what each does, and what it says."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from sqlalchemy import text

from payments.domain.holds import HoldKind, Span
from payments.holds import Target, set_hold
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.audit.seal import is_pending
from reconcile.report.arrivals import sources
from reconcile.verify import everything
from web import clock, messages
from web.jobs import (
    backup,
    day_report,
    dunning_preview,
    notifications,
    overdue,
    reconcile,
    seal,
    verify,
)
from web.jobs.contract import JobContext, JobState
from web.texts.jobs import JOB_NOTES

M = "99999"


def _at(month, day, hour=9):
    return datetime(2026, month, day, hour, tzinfo=clock.JST)


def _context(city, now, said=None):
    said = [] if said is None else said
    return JobContext(city.settings, city.engine, M, now, "schedule", said.append)


def _past_due(city, as_of):
    """期別 past their due date with something left: {(notice, term): (open yen, due)}."""
    with reading(city.engine, M) as connection:
        rows = connection.execute(
            text(
                "SELECT a.notice_id, a.term, a.amount_yen, a.term_yen, a.whole_yen, a.surplus_yen,"
                " i.due_on, i.collection_hold OR i.dunning_hold AS held FROM instalment_account a "
                "JOIN instalment i ON i.municipality_code = a.municipality_code "
                "AND i.notice_id = a.notice_id AND i.term = a.term"
            )
        ).all()
        receipts = connection.execute(
            text(
                "SELECT r.notice_id, r.term, r.stage, r.suspense_yen, c.case_no FROM receipt r "
                "LEFT JOIN review_case c ON c.file_id = r.file_id AND c.line_no = r.line_no "
                "AND c.state = 'open' WHERE r.notice_id IS NOT NULL"
            )
        ).all()
    busy = {r.notice_id for r in receipts if r.suspense_yen or r.case_no}
    told = {(r.notice_id, r.term) for r in receipts if r.stage == "provisional"}
    found = {}
    for row in rows:
        left = row.amount_yen - (row.term_yen + row.whole_yen - row.surplus_yen)
        due = date.fromisoformat(str(row.due_on))
        provisional = {(row.notice_id, row.term), (row.notice_id, "00")} & told
        if left > 0 and due < as_of and not (row.held or provisional or row.notice_id in busy):
            found[row.notice_id, row.term] = (left, due)
    return found


@pytest.fixture
def whole(city):
    """A person has said of both days that nothing is lacking."""
    with unit_of_work(city.engine, M) as connection:
        for source in sources(load_profile(connection, M)):
            for day in ("2026-06-01", "2026-06-02"):
                connection.execute(
                    text(
                        "INSERT INTO nil_report VALUES (:m, :source, :day, 'kaikei', '確認済', NULL)"
                    ),
                    {"m": M, "source": source.code, "day": day},
                )
    return city


def _preview(city, now):
    return dunning_preview.dunning_preview(_context(city, now))


def test_the_preview_rests_on_days_that_are_complete(city):
    gap = _preview(city, _at(6, 3)).totals
    assert gap["cut_off_on"] == 20260531  # a file of the first day stands aside
    assert gap["channel_incomplete"] > 0


def test_the_preview_agrees_with_a_plain_count(whole):
    city = whole
    expected = _past_due(city, date(2026, 6, 3))
    found = _preview(city, _at(6, 3))
    assert found.totals["cut_off_on"] == 20260602
    assert found.totals["listed"] == len(expected) > 10
    assert found.totals["listed_yen"] == sum(left for left, _due in expected.values())
    assert found.state is JobState.OK
    (notice_id, term) = min(expected)
    with unit_of_work(city.engine, M) as connection:
        set_hold(
            connection, M, Target(notice_id, term), HoldKind.TAXATION, Span(date(2026, 6, 1)),
            reason="課税保留", actor="kaikei", at=_at(6, 2),
        )  # fmt: skip
    held = _preview(city, _at(6, 3))
    assert held.totals["listed"] == found.totals["listed"] - 1
    assert held.totals["held"] == found.totals["held"] + 1


def test_what_fell_due_behind_the_last_complete_day_is_not_called_unpaid(whole):
    """Three months without a file: the list is as of the day up to which all of them came."""
    city = whole
    before, after = _past_due(city, date(2026, 6, 3)), _past_due(city, date(2026, 9, 1))
    found = _preview(city, _at(9, 1))
    assert (found.state, found.notes) == (JobState.INCOMPLETE, ("channel_incomplete",))
    assert found.totals["cut_off_on"] == 20260602
    assert found.totals["listed"] == len(before)
    assert found.totals["channel_incomplete"] == len(after) - len(before) > 0
    assert found.totals["over_limit"] == len(before)


def test_what_is_late_is_counted(whole):
    found = overdue.overdue(_context(whole, _at(9, 1))).totals
    early = overdue.overdue(_context(whole, _at(6, 3))).totals
    assert found["confirmation_overdue"] > early["confirmation_overdue"] == 0
    assert found["remittance_overdue_yen"] > early["remittance_overdue_yen"]
    assert found["dunning_over_limit"] > early["dunning_over_limit"]


def test_the_reconciliation_seals_behind_itself(city):
    context = _context(city, _at(6, 3))
    assert seal.anything_unsealed(context)
    assert reconcile.reconcile(context).totals.keys() == {"credits_settled", "cases_opened"}
    assert not seal.anything_unsealed(context)
    with unit_of_work(city.engine, M) as connection:
        set_hold(
            connection, M, Target(1, "01"), HoldKind.DUNNING, Span(date(2026, 6, 1)),
            reason="停止", actor="kaikei", at=_at(6, 2),
        )  # fmt: skip
    assert seal.seal(context).totals == {"seals": 1}


def test_the_report_of_a_day_is_written_in_every_form_and_replaced(city):
    for _time in range(2):
        found = day_report.day_report(_context(city, _at(6, 1, 20)))
        folder = city.settings.report_folder / M / "2026-06-01"
        names = sorted(path.name for path in folder.iterdir())
        assert names == [f"day-2026-06-01.{form}" for form in ("csv", "json", "pdf", "txt", "xlsx")]
    assert found.totals["lines"] > 0


def test_backups_are_kept_up_to_a_number(city, monkeypatch):
    settings = city.settings.model_copy(update={"backups_kept": 2})
    now = clock.now()
    for night in range(3):
        monkeypatch.setattr(clock, "now", lambda night=night: now + timedelta(days=night))
        context = _context(SimpleNamespace(settings=settings, engine=city.engine), clock.now())
        totals = backup.backup(context).totals
    assert (totals["kept"], totals["dropped"]) == (2, 1)
    again = backup.backup(context).totals  # cut off behind it and run again in the same second
    assert again == {**totals, "dropped": 0}


def test_a_difference_is_a_failure_with_its_names(city, monkeypatch):
    context = _context(city, _at(6, 3))
    assert verify.verify(context).state is JobState.OK
    wrong = [SimpleNamespace(name="receipt"), SimpleNamespace(name="receipt")]
    monkeypatch.setattr(everything, "verify", lambda *_arguments: wrong)
    found = verify.verify(context)
    assert (found.state, found.notes) == (JobState.FAILED, ("verify_differs", "receipt"))
    assert found.totals == {"differences": 2}


def test_what_waited_for_its_seal_over_a_night_without_power_is_sealed_and_no_difference(city):
    with reading(city.engine, M) as connection:
        assert is_pending(connection, M)
    with time_machine.travel(datetime.now(clock.JST) + timedelta(days=3)):
        assert {each.name for each in everything.verify(city.engine, M)} == {"unsealed"}
        assert verify.verify(_context(city, clock.now())).state is JobState.OK
    with reading(city.engine, M) as connection:
        assert not is_pending(connection, M)


def test_notifications_that_stay_are_not_called_done(city, monkeypatch):
    context = _context(city, _at(6, 3))
    assert not notifications.anything_waits(context)
    assert notifications.book_notifications(context).state is JobState.OK
    monkeypatch.setattr(notifications, "waiting", lambda *_arguments: SimpleNamespace(number=2))
    found = notifications.book_notifications(context)
    assert (found.state, found.totals["left"]) == (JobState.INCOMPLETE, 2)


@pytest.mark.parametrize("code", [*JOB_NOTES, "close_order", "receipt"])
def test_every_note_is_a_sentence_or_a_name(code):
    assert messages.job_note(code) != messages.UNKNOWN_ERROR


def test_an_unknown_note_is_still_a_sentence():
    assert messages.job_note("nobody_knows") == messages.UNKNOWN_ERROR

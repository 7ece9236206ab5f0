"""The page of what runs by itself: who may run it, what it says, and how it looks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from browser import fits, violations
from sqlalchemy import select

from payments.store.unit_of_work import reading
from web import clock
from web.accounts import staff
from web.jobs import history
from web.jobs.contract import JobResult, JobState
from web.jobs.locks import Lanes, noting
from web.jobs.table import JOBS
from web.jobs.timing import Slot

M = "99999"


def _ran(city, job, result, *, minutes=10, covers=1):
    with noting(city.engine, M) as connection:
        slot = Slot(clock.now() - timedelta(minutes=minutes), covers)
        run = history.begin(connection, M, job, slot, "host/1/x", as_of_on=clock.today())
        history.end(connection, M, run, result)
    return run.run_id


def _events(city):
    with reading(city.engine, M) as connection:
        found = connection.execute(
            select(staff.events.c.event, staff.events.c.actor, staff.events.c.subject).where(
                staff.events.c.event.like("job_%")
            )
        )
        return [tuple(row) for row in found]


def test_the_page_says_that_nothing_has_ever_run(treasurer):
    page = treasurer.get("/staff/jobs").get_data(as_text=True)
    assert "定時処理はまだ一度も動いていません" in page
    assert "実行はまだありません" in page
    assert page.count("今すぐ実行") == len(JOBS)


def test_the_page_says_who_runs_the_jobs_and_when_nobody_does(city, treasurer, monkeypatch):
    lanes = Lanes(city.engine, "books-host/42/x", beat_seconds=30, stale_seconds=600)
    assert lanes.hold(M, "books")
    assert "books-host / 42" in treasurer.get("/staff/jobs").get_data(as_text=True)
    begun = clock.now()
    for minutes in (-10, 10):  # its sign of life may be from a clock that went ahead
        monkeypatch.setattr(clock, "now", lambda at=begun + timedelta(minutes=minutes): at)
        page = treasurer.get("/staff/jobs").get_data(as_text=True)
        # A lock on a file outlives patience.
        assert "books-host / 42 が処理の担当を持ったまま" in page
    lanes._files[f"{M}/books"].close()  # as when its process ends
    assert "定時処理が動いていません" in treasurer.get("/staff/jobs").get_data(as_text=True)
    lanes.release()


def test_the_history_says_what_happened(city, treasurer):
    _ran(city, "reconcile", JobResult(totals={"credits_settled": 1234}), covers=3)
    notes = ("verify_differs", "receipt")
    _ran(city, "verify", JobResult(JobState.FAILED, {"differences": 2}, notes))
    page = treasurer.get("/staff/jobs").get_data(as_text=True)
    for said in (
        "入金の充当 1,234",
        "3回分をまとめて",
        "検算に不一致があります",
        "不一致 2",
        "失敗",
    ):
        assert said in page
    assert "3回分" not in treasurer.get("/staff/jobs?job=verify").get_data(as_text=True)
    assert "実行履歴 2件" in treasurer.get("/staff/jobs?job=nothing&page=x").get_data(as_text=True)


def test_a_job_is_run_now_and_once_more(city, treasurer, auditor):
    assert treasurer.post("/staff/jobs/verify/run").status_code == 303
    assert treasurer.post("/staff/jobs/verify/run").status_code == 409
    assert treasurer.post("/staff/jobs/nothing/run").status_code == 404
    done = _ran(city, "reconcile", JobResult())
    assert treasurer.post(f"/staff/jobs/runs/{done}/retry").status_code == 303
    assert treasurer.post("/staff/jobs/runs/99/retry").status_code == 404
    assert "実行待ち" in treasurer.get("/staff/jobs").get_data(as_text=True)
    assert _events(city) == [
        ("job_asked", "kaikei", "verify"),
        ("job_retried", "kaikei", str(done)),
    ]
    for path in ("/staff/jobs/seal/run", f"/staff/jobs/runs/{done}/retry"):
        assert auditor.post(path).status_code == 403
    assert "今すぐ実行" not in auditor.get("/staff/jobs").get_data(as_text=True)


def test_the_schedule_of_a_job_is_changed_and_given_back(city, treasurer, auditor):
    path = "/staff/jobs/reconcile/schedule"
    form = {"timing": "0 7 * * 1-5", "days": "business", "catch_up": "each", "enabled": "yes"}
    assert auditor.post(path, data=form).status_code == 403
    assert treasurer.post(path, data=form).status_code == 303
    page = treasurer.get("/staff/jobs/reconcile").get_data(as_text=True)
    assert "0 7 * * 1-5" in page
    assert "この団体の設定（kaikei）" in page
    wrong = treasurer.post(path, data=form | {"timing": "25 o'clock"})
    assert wrong.status_code == 422
    assert "予定として読めません" in wrong.get_data(as_text=True)
    wrong = treasurer.post(path, data=form | {"catch_up": "sometimes"})
    assert "追いつき方は" in wrong.get_data(as_text=True)
    assert treasurer.post(path, data={"default": "yes"}).status_code == 303
    assert "既定のまま" in treasurer.get("/staff/jobs/reconcile").get_data(as_text=True)
    treasurer.post(path, data=form | {"enabled": ""})
    assert "停止中" in treasurer.get("/staff/jobs").get_data(as_text=True)
    assert len(_events(city)) == 3


@pytest.mark.browser
def test_the_page_in_a_browser(page, address, city):
    _ran(city, "reconcile", JobResult(totals={"credits_settled": 12, "cases_opened": 3}), covers=2)
    _ran(city, "verify", JobResult(JobState.FAILED, {"differences": 2}, ("verify_differs",)))
    _ran(
        city,
        "dunning_preview",
        JobResult(
            JobState.INCOMPLETE,
            {"listed": 41, "listed_yen": 912300, "cut_off_on": 20260601},
            ("channel_incomplete",),
        ),
    )
    lanes = Lanes(city.engine, "books-host/42/x", beat_seconds=30, stale_seconds=600)
    lanes.hold(M, "books")
    page.set_viewport_size({"width": 1366, "height": 900})
    page.goto(f"{address}/staff/")
    page.fill("#user_name", "kaikei")
    page.fill("#password", "kaikei-no-himitsu")
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/")
    page.goto(f"{address}/staff/jobs")
    assert violations(page) == []
    assert fits(page)
    page.locator("button", has_text="督促対象の見込み").press("Enter")
    page.wait_for_selector("text=実行待ち")
    page.get_by_role("link", name="再照合").first.press("Enter")
    page.wait_for_url("**/staff/jobs/reconcile")
    assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert fits(page)
    page.goto(f"{address}/staff/jobs")
    assert fits(page)
    assert violations(page) == []
    lanes.release()

"""``kokin jobs``: what runs by itself, from the command line."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from payments.store.unit_of_work import reading, unit_of_work
from web.accounts import staff
from web.cli import main
from web.commands import jobs
from web.commands.session import Session
from web.jobs import history
from web.jobs.contract import JobResult
from web.jobs.locks import Lanes, noting

M = "99999"


@pytest.fixture
def kokin(city):
    def run(*words):
        return CliRunner().invoke(main, ["jobs", *map(str, words)], obj=Session(city.settings))

    return run


@pytest.fixture
def elsewhere(city):
    """Another process that runs the jobs."""
    lanes = Lanes(city.engine, "host/1/x", beat_seconds=30, stale_seconds=600)
    assert lanes.hold(M, "checks")
    yield lanes
    lanes.release()


def test_a_job_is_run_here_when_no_scheduler_runs(city, kokin):
    done = kokin("run", "verify")
    assert done.exit_code == 0, done.output
    assert "検算" in done.output
    assert "正常" in done.output
    again = kokin("retry", 1)
    assert again.exit_code == 0, again.output
    assert "2回目" in again.output
    with reading(city.engine, M) as connection:
        events = connection.execute(staff.events.select()).all()
    assert {(e.event, e.subject) for e in events} == {("job_asked", "verify"), ("job_retried", "1")}


def test_a_run_that_is_not_ok_ends_with_code_1(kokin, monkeypatch):
    monkeypatch.setattr(
        "web.jobs.verify.checking.verify", lambda *_arguments: [_Difference("receipt")]
    )
    done = kokin("run", "verify")
    assert done.exit_code == 1
    assert "検算に不一致があります" in done.output
    assert "検算" in kokin("history", "--job", "verify").output
    assert kokin("history", "--job", "nothing").exit_code == 1


class _Difference:
    def __init__(self, name):
        self.name = name


@pytest.mark.usefixtures("elsewhere")
def test_a_run_is_left_to_the_scheduler_or_awaited(city, kokin, monkeypatch):
    left = kokin("run", "verify", "--no-wait", "--as-of", "2026-06-01")
    assert left.output == "実行 1 を依頼しました。\n"
    taken = kokin("run", "verify")
    assert taken.exit_code == 1
    assert "job_asked" in taken.output
    assert kokin("retry", 1).exit_code == 1

    def carry_out(_seconds):
        """What the scheduler does while the command waits."""
        with unit_of_work(city.engine, M) as connection:
            (run,) = history.asked(connection, M, ["backup"])
        with noting(city.engine, M) as connection:
            run = history.begin_asked(connection, M, run, "host/1/x")
            history.end(connection, M, run, JobResult(totals={"kept": 3}))

    monkeypatch.setattr(jobs.time, "sleep", carry_out)
    done = kokin("run", "backup")
    assert done.exit_code == 0, done.output
    assert "残したもの 3" in done.output


def test_a_scheduler_that_goes_is_followed_by_the_command(kokin, elsewhere, monkeypatch):
    monkeypatch.setattr(jobs.time, "sleep", lambda _seconds: elsewhere.release())
    done = kokin("run", "verify")
    assert done.exit_code == 0, done.output


def test_schedules_are_shown_and_changed(kokin):
    listed = kokin("list").output
    assert "再照合  毎日 06:30" in listed
    assert "受領予定の見張り  毎日 15分ごと" in listed
    assert kokin("set", "overdue", "--at", "5 * * * *").output == "期限の確認: 銀行営業日 毎時5分\n"
    changed = kokin("set", "reconcile", "--at", "0 7 1,15 * *", "--days", "business")
    assert changed.output == "再照合: 銀行営業日 0 7 1,15 * *\n"
    assert "この団体の設定です" in kokin("show", "reconcile").output
    for words, code in (
        (("--at", "whenever"), "job_timing"),
        (("--at", "@every 20"), "job_round_days"),
    ):
        refused = kokin("set", "reconcile", *words)
        assert refused.exit_code == 1
        assert code in refused.output
    assert kokin("set", "reconcile", "--off").output == "再照合: 停止中\n"
    assert (
        kokin("set", "reconcile", "--at", "", "--days", "", "--on").output == "再照合: 毎日 06:30\n"
    )
    assert kokin("set", "inbox", "--at", "@every 60").output == "受信フォルダの取込: 60秒ごと\n"


def test_programs_get_json(kokin):
    assert kokin("history").output == "実行はまだありません。\n"
    kokin("run", "seal")
    listed = {job["job"]: job for job in json.loads(kokin("list", "--json").stdout)}
    assert listed["seal"]["last"]["state"] == "OK"
    assert json.loads(kokin("show", "seal", "--json").stdout)["runs"][0]["job"] == "seal"
    assert json.loads(kokin("history", "--json").stdout)[0]["actor"].startswith("cli")
    assert "封印（seal）" in kokin("show", "seal").output

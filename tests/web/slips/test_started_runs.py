"""まとめた印刷: looked at and begun on a page, printed by the scheduler, given up, handed over."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from payments import print_runs
from payments.print_plan import change_run
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.jobs import printing
from web.jobs.contract import JobContext, JobState
from web.printing.asked import FOLDER, waiting
from web.texts.jobs import JOB_NOTES

M = "99999"
PASSWORD = "kaikei-no-himitsu"
WISH = {"item_code": "901", "levy_year": "2026", "kinds": "term", "limit": "3", "order": "notice"}


@pytest.fixture
def clerk(app):
    found = app.test_client()
    found.post("/staff/sign-in", data={"user_name": "nofu", "password": PASSWORD})
    return found


@pytest.fixture(autouse=True)
def _nothing_stuck():
    printing._stuck.clear()


def _shown(page):
    return re.search(r'name="shown" value="([^"]*)"', page)[1]


def _begun(clerk):
    looked = clerk.post("/staff/slips/runs/new", data=WISH | {"do": "look"})
    form = WISH | {"do": "start", "shown": _shown(looked.get_data(as_text=True))}
    answer = clerk.post("/staff/slips/runs/new", data=form)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return int(answer.headers["Location"].rsplit("/", 1)[-1])


def _context(city, later=timedelta(0)):
    return JobContext(
        city.settings, city.engine, M, clock.now() + later, "schedule", lambda _said: None
    )


def _run(city, run_id):
    with reading(city.engine, M) as connection:
        return print_runs.run_of(connection, M, run_id)


def test_a_run_is_looked_at_begun_printed_and_handed_over(city, clerk):
    looked = clerk.post("/staff/slips/runs/new", data=WISH | {"do": "look"})
    assert "3枚の印刷を始める" in looked.get_data(as_text=True)
    assert not printing.anything_to_print(_context(city))
    run_id = _begun(clerk)
    assert "定時処理が順に印刷します" in clerk.get(f"/staff/slips/runs/{run_id}").get_data(
        as_text=True
    )
    assert printing.anything_to_print(_context(city))
    found = printing.printing(_context(city))
    assert (found.state, dict(found.totals)) == (JobState.OK, {"print_runs": 1, "pages": 3})
    assert not printing.anything_to_print(_context(city))
    run = _run(city, run_id)
    assert (run.state, run.actor) == ("printed", "nofu")
    assert Path(run.folder).parent == city.settings.home / FOLDER
    page = clerk.get(f"/staff/slips/runs/{run_id}").get_data(as_text=True)
    assert "3枚すべてを印刷し、台帳と一致することを確かめました。" in page
    file = f"/staff/slips/runs/{run_id}/files/1"
    assert clerk.get(file).status_code == 409  # nothing leaves before two people release it
    with unit_of_work(city.engine, M) as connection:
        change_run(connection, M, run_id, state="released")
    taken = clerk.get(file)
    assert taken.data.startswith(b"%PDF")
    taken.close()
    assert f'href="{file}"' in clerk.get(f"/staff/slips/runs/{run_id}").get_data(as_text=True)
    assert clerk.get(f"/staff/slips/runs/{run_id}/files/9").status_code == 404
    next(Path(run.folder).glob("slips-*.pdf")).write_bytes(b"%PDF altered")
    assert clerk.get(file).status_code == 409


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"item_code": ""}, "科目を選んでください"),
        ({"limit": "0"}, "範囲"),
        ({"limit": "many"}, "範囲"),
        ({"due_from": "きのう"}, "読めません"),
    ],
)
def test_what_cannot_be_planned_is_said_with_what_was_typed(clerk, change, said):
    answer = clerk.post("/staff/slips/runs/new", data=WISH | change)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert 'value="2026"' in answer.get_data(as_text=True)


def test_what_has_changed_since_it_was_looked_at_is_shown_again(city, clerk, treasurer):
    looked = clerk.post("/staff/slips/runs/new", data=WISH | {"do": "look"})
    form = WISH | {"do": "start", "limit": "2", "shown": _shown(looked.get_data(as_text=True))}
    answer = clerk.post("/staff/slips/runs/new", data=form)
    assert answer.status_code == 409
    with reading(city.engine, M) as connection:
        assert print_runs.runs(connection, M) == []
    assert treasurer.post("/staff/slips/runs/new", data=WISH).status_code == 403
    nothing = clerk.post("/staff/slips/runs/new", data=WISH | {"due_to": "2001-01-01"})
    assert "印刷が要る納付書はありません" in nothing.get_data(as_text=True)


def test_a_run_is_given_up_with_a_reason_and_never_printed(city, clerk):
    run_id = _begun(clerk)
    assert clerk.post(f"/staff/slips/runs/{run_id}/discard").status_code == 422
    gone = clerk.post(f"/staff/slips/runs/{run_id}/discard", data={"reason": "科目違い"})
    assert gone.status_code == 303
    assert _run(city, run_id).state == "discarded"
    assert not printing.anything_to_print(_context(city))
    again = clerk.post(f"/staff/slips/runs/{run_id}/discard", data={"reason": "もう一度"})
    assert again.status_code == 409


def test_a_run_that_cannot_go_on_rests_and_others_are_printed(city, clerk):
    first = _begun(clerk)
    with reading(city.engine, M) as connection:
        (run,) = waiting(connection, M, city.settings.home)
    Path(run.folder).parent.mkdir(parents=True, exist_ok=True)
    Path(run.folder).write_text("in the way", encoding="utf-8")
    found = printing.printing(_context(city))
    assert (found.state, found.notes) == (JobState.FAILED, ("output_unwritable",))
    assert not printing.anything_to_print(_context(city))
    assert printing.anything_to_print(_context(city, printing.REST))
    Path(run.folder).unlink()
    assert printing.printing(_context(city, printing.REST)).totals["pages"] == 3
    assert _run(city, first).state == "printed"


def test_paper_that_differs_is_a_failure_of_the_job(city, clerk, monkeypatch):
    _begun(clerk)
    real = printing.carry_out

    def differing(*wanted):
        status = real(*wanted)
        object.__setattr__(status, "differences", ("anything",))
        return status

    monkeypatch.setattr(printing, "carry_out", differing)
    found = printing.printing(_context(city))
    assert (found.state, found.notes) == (JobState.FAILED, ("print_differs",))
    assert "print_differs" in JOB_NOTES

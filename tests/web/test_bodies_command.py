"""``kokin municipality``: a second body beside the first, stopped and begun again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from payments.store.unit_of_work import reading
from web.cli import main
from web.commands.session import Session
from web.config import Settings

PROFILE = Path("web/profiles/99998.toml")
REASON = ("--reason", "合併のため")


@pytest.fixture
def run(database_url, tmp_path):
    """Run a command on an installation with the first sample body."""
    settings = Settings(home=tmp_path, database_url=database_url, municipality="")

    def invoke(*words):
        session = Session(settings.model_copy())
        return CliRunner().invoke(main, list(map(str, words)), obj=session)

    assert invoke("init", "--sample").exit_code == 0
    return invoke


def _states(run):
    return {
        body["code"]: body["disabled"]
        for body in json.loads(run("municipality", "list", "--json").stdout)
    }


def test_a_body_is_added_to_a_running_installation_once(run):
    answer = run("municipality", "add", PROFILE)
    assert answer.exit_code == 0, answer.output
    assert "99998 となり町" in answer.stdout
    assert _states(run) == {"99998": False, "99999": False}
    again = run("municipality", "add", PROFILE)
    assert (again.exit_code, "municipality_exists" in again.stderr) == (1, True)


def test_two_bodies_never_share_the_number_that_residents_type(run, tmp_path):
    path = tmp_path / "same.toml"
    shared = PROFILE.read_text("utf-8").replace(
        'collecting_body_code = "99998"', 'collecting_body_code = "99999"'
    )
    path.write_text(shared, "utf-8")
    answer = run("municipality", "add", path)
    assert (answer.exit_code, "collecting_body_taken" in answer.stderr) == (1, True)
    assert _states(run) == {"99999": False}


def test_where_there_are_several_the_choices_are_listed(run):
    assert run("init", "--second-sample").exit_code == 0
    answer = run("cases", "list")
    assert answer.exit_code == 1
    assert "99998 となり町、99999 みほん市" in answer.stderr
    assert run("cases", "list", "--municipality", "99998").exit_code == 0


def test_a_disabled_body_is_not_meant_unless_it_is_named(run):
    run("municipality", "add", PROFILE)
    assert run("municipality", "disable", "99998", *REASON).exit_code == 0
    assert _states(run) == {"99998": True, "99999": False}
    assert run("cases", "list").exit_code == 0  # the other one is the only one now
    assert run("cases", "list", "--municipality", "99998").exit_code == 0
    assert run("municipality", "enable", "99998", *REASON).exit_code == 0
    assert "municipality_choice" in run("cases", "list").stderr


def test_with_all_of_them_disabled_nobody_is_served(run):
    run("municipality", "disable", "99999", *REASON)
    assert "municipality_disabled" in run("cases", "list").stderr


def test_a_body_that_is_not_there_is_neither_stopped_nor_begun(run):
    for action in ("disable", "enable"):
        answer = run("municipality", action, "12345", *REASON)
        assert (answer.exit_code, "（municipality）" in answer.stderr) == (1, True)


def test_who_stopped_a_body_and_why_stands_in_its_own_record(run, database_url):
    run("municipality", "disable", "99999", *REASON)
    session = Session(Settings(database_url=database_url, municipality="99999"))
    with reading(session.engine, "99999") as connection:
        rows = connection.execute(text("SELECT event, subject FROM staff_event")).all()
    session.close()
    assert rows == [("body_disabled", "合併のため")]


def test_an_installation_without_a_body_says_so(database_url, tmp_path):
    session = Session(Settings(home=tmp_path, database_url=database_url))
    answer = CliRunner().invoke(main, ["municipality", "list"], obj=session)
    assert "団体は登録されていません" in answer.stdout

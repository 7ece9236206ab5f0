from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from inbox_files import payments
from sqlalchemy import text

from payments.store.unit_of_work import reading
from web.cli import main
from web.commands.session import Session
from web.inbox.deliveries import Way
from web.inbox.reception import receive


@pytest.fixture
def run(city):
    def invoke(*words):
        session = Session(city.settings.model_copy())
        return CliRunner().invoke(main, list(map(str, words)), obj=session)

    return invoke


def test_files_are_listed_tried_again_and_written_out(run, city, tmp_path):
    path = tmp_path / "地方.csv"
    path.write_bytes(payments(800_000))
    assert run("intake", path).exit_code == 0
    everything = json.loads(run("files", "list", "--json").stdout)
    assert (everything[0]["name"], everything[0]["status"]) == ("地方.csv", "accepted")
    assert "地方.csv 2件 2,000円" in run("files", "list", "--limit", 1).stdout
    held = json.loads(run("files", "list", "--status", "quarantined", "--json").stdout)
    assert {file["status"] for file in held} == {"quarantined"}
    out = tmp_path / "original.csv"
    answer = run("files", "get", everything[0]["file_id"], "--out", out)
    assert (answer.exit_code, out.read_bytes()) == (0, path.read_bytes())
    assert "sha256" in answer.stdout
    twice = run("files", "get", everything[0]["file_id"], "--out", out)
    assert (twice.exit_code, "output_unwritable" in twice.stderr) == (1, True)
    again = run("files", "retry", held[0]["file_id"])
    assert (again.exit_code, "保留" in again.stdout) == (1, True)
    refused = run("files", "retry", everything[0]["file_id"], "--json")
    assert (refused.exit_code, "file_accepted" in refused.stderr) == (1, True)
    with reading(city.engine, "99999") as connection:
        rows = connection.execute(
            text("SELECT came_by, status FROM file_delivery ORDER BY delivery_no")
        ).all()
        done = connection.execute(text("SELECT event FROM staff_event")).scalars().all()
    assert [tuple(row) for row in rows] == [("command", "accepted"), ("retry", "quarantined")]
    assert {"file_downloaded", "file_retried"} <= set(done)


def test_a_file_whose_cause_is_gone_goes_in(run, city):
    """Brought by the door of another channel, it was set aside; a person has looked."""
    way = Way("inbox", "schedule", "bank")
    report = receive(
        city.settings, city.engine, "99999", "a.csv", payments(800_100), way, received_on=city.day
    )
    assert report.status.value == "quarantined"
    answers = json.loads(run("files", "retry", report.file_id, "--json").stdout)
    assert [answer["status"] for answer in answers] == ["accepted"]

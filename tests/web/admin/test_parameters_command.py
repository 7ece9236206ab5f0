from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from web.cli import main
from web.commands.session import Session

PASSWORD = {"KOKIN_PASSWORD": "kaikei-no-himitsu"}


@pytest.fixture
def run(city):
    def invoke(*words):
        session = Session(city.settings.model_copy())
        return CliRunner().invoke(main, ["parameters", *map(str, words)], obj=session, env=PASSWORD)

    return invoke


def test_a_profile_is_written_changed_asked_for_and_listed(run, city, tmp_path):
    shown = run("show")
    assert shown.exit_code == 0
    file = tmp_path / "profile.toml"
    file.write_text(shown.stdout.replace("settlement_days = 3", "settlement_days = 4"))
    asked = run("ask", file, "--user", "kaikei", "--reason", "入金の遅れ")
    assert asked.exit_code == 0, asked.output
    assert "入金を待つ日数: 3 → 4" in asked.stdout
    assert "変更はまだありません" in run("history").stdout
    approved = CliRunner().invoke(
        main, ["approvals", "approve", "1", "--user", "shonin"],
        obj=Session(city.settings.model_copy()), env=PASSWORD,
    )  # fmt: skip
    assert approved.exit_code == 0, approved.output
    assert "1件の変更" in run("history").stdout
    (told,) = json.loads(run("history", "--json").stdout)
    assert (told["asked_by"], told["decided_by"]) == ("kaikei", "shonin")
    assert json.loads(run("show", "--json").stdout)["settlement_days"] == 4
    assert "適用する変更はありません" in run("apply").stdout


def test_a_day_that_is_over_is_refused(run, tmp_path):
    file = tmp_path / "profile.toml"
    file.write_text(run("show").stdout.replace("settlement_days = 3", "settlement_days = 4"))
    words = ("--user", "kaikei", "--reason", "理由", "--effective-on", "2020-01-01")
    answer = run("ask", file, *words)
    assert (answer.exit_code, "（parameters_day）" in answer.stderr) == (1, True)

"""``kokin reports``: every report on the terminal and as a file."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from web.cli import main
from web.commands.session import Session
from web.reports.catalogue import REPORTS


@pytest.fixture
def run(city):
    """Run a command on the small city."""

    def invoke(*words):
        session = Session(city.settings.model_copy())
        return CliRunner().invoke(main, ["reports", *map(str, words)], obj=session)

    return invoke


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_is_shown_and_written(run, tmp_path, report):
    shown = run(report)
    assert shown.exit_code == 0, shown.output
    assert "みほん市" in shown.output
    data = json.loads(run(report, "--json").output)
    assert data["report"] == report
    assert data["year"] in {None, 2026}
    out = tmp_path / f"{report}.csv"
    assert run(report, "--csv", "--out", out).exit_code == 0
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(("form", "head"), [("xlsx", b"PK"), ("pdf", b"%PDF-1.7")])
def test_a_report_for_a_year_in_other_forms(run, tmp_path, form, head):
    out = tmp_path / f"report.{form}"
    assert run("year", "--year", 2025, f"--{form}", "--out", out).exit_code == 0
    assert out.read_bytes().startswith(head)


def test_a_report_that_cannot_be_written_says_where(run, tmp_path):
    answer = run("year", "--json", "--out", tmp_path / "nowhere" / "report.json")
    assert answer.exit_code != 0
    assert "nowhere" in answer.output

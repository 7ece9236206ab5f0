"""``kokin day``: the report in every form, and two people who close and re-open."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from payments.store.unit_of_work import unit_of_work
from web.accounts import staff
from web.cli import main
from web.commands.session import Session

PASSWORD = "kaikei-no-himitsu"


@pytest.fixture
def run(city, monkeypatch):
    """Run a command on the small city; everybody has the same password."""
    monkeypatch.setenv("KOKIN_PASSWORD", PASSWORD)

    def invoke(*words):
        session = Session(city.settings.model_copy())
        return CliRunner().invoke(main, list(map(str, words)), obj=session)

    return invoke


@pytest.mark.parametrize(
    "period",
    [("2026-06-01",), ("--month", "2026-06"), ("--year", 2026)],
    ids=["day", "month", "year"],
)
@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("text", "みほん市".encode()),
        ("json", b"{"),
        ("csv", "表題".encode("utf-8-sig")),
        ("xlsx", b"PK"),
        ("pdf", b"%PDF-1.7"),
    ],
)
def test_the_report_is_written_in_every_form(run, tmp_path, period, form, begins):
    out = tmp_path / f"report.{form}"
    answer = run("day", "show", *period, "--format", form, "--out", out)
    assert answer.exit_code == 0, answer.output
    assert out.read_bytes().startswith(begins)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_the_same_figures_go_to_the_screen_and_to_a_program(run):
    data = json.loads(run("day", "show", "2026-06-01", "--format", "json").stdout)
    shown = run("day", "show", "2026-06-01").stdout
    assert f"{sum(row['amount_yen'] for row in data['revenue']):,}" in shown
    assert "未締め" in shown
    year = run("day", "show", "--year", 2026).stdout
    assert "歳入年度表 令和8年度" in year
    assert "収入未済額" in year
    assert "会計日別の収入" in run("day", "show", "--month", "2026-06").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("show",),
        ("show", "2026-06-01", "--year", 2026),
        ("close", "--user", "kaikei"),
        ("close", "2026-06-01", "--year", "2025", "--user", "kaikei"),
    ],
)
def test_a_question_that_cannot_be_answered_is_explained(run, words):
    answer = run("day", *words)
    assert answer.exit_code == 2
    assert "してください" in answer.stderr or "選んでください" in answer.stderr


def test_a_report_that_cannot_be_written_says_where(run, tmp_path):
    answer = run("day", "show", "2026-06-01", "--format", "csv", "--out", tmp_path / "no" / "x.csv")
    assert answer.exit_code == 1
    assert "output_unwritable" in answer.stderr


def test_two_people_close_a_day_and_reopen_it(run):
    asked = run("day", "close", "2026-06-01", "--user", "kaikei")
    assert asked.exit_code == 0, asked.output
    assert "承認番号 1" in asked.stdout
    alone = run("approvals", "approve", 1, "--user", "kaikei")
    assert "approval_same_person" in alone.stderr
    assert run("approvals", "approve", 1, "--user", "kanri").exit_code == 0
    assert "締め済（締め番号 1）" in run("day", "show", "2026-06-01").stdout
    signed = json.loads(run("day", "show", "2026-06-01", "--json").stdout)
    assert signed["closure"]["decided_by"] == "kanri"
    reopened = run("day", "reopen", "2026-06-01", "--user", "kaikei", "--reason", "差替え")
    assert reopened.exit_code == 0, reopened.output
    assert run("approvals", "approve", 2, "--user", "shonin").exit_code == 0
    assert "未締め" in run("day", "show", "2026-06-01").stdout
    kept = json.loads(run("day", "show", "2026-06-01", "--closure", 1, "--json").stdout)
    assert kept == signed
    assert "（closure）" in run("day", "show", "2026-06-01", "--closure", 2).stderr
    assert "（closure）" in run("day", "show", "2026-06-02", "--closure", 1).stderr


def test_what_stops_a_close_is_named(run, city):
    run("day", "close", "2026-06-01", "--user", "kaikei")
    run("approvals", "approve", 1, "--user", "kanri")
    blocked = run("day", "close", "2026-06-02", "--user", "kaikei")
    assert "close_blocked" in blocked.stderr
    assert "T3" in blocked.stderr
    without = run("day", "close", "2026-06-02", "--user", "kaikei", "--despite")
    assert "reason_missing" in without.stderr
    words = (
        "day",
        "close",
        "2026-06-02",
        "--user",
        "kaikei",
        "--despite",
        "--reason",
        "差額を照会中",
    )
    assert run(*words).exit_code == 0
    future = run("day", "close", "2049-06-02", "--user", "kaikei")
    assert "close_future" in future.stderr
    early = run("day", "close", "--year", 2026, "--user", "kaikei")
    assert "close_order" in early.stderr
    with unit_of_work(city.engine, "99999") as connection:
        staff.add(
            connection, "99999", "kazei", roles=("collection",), display_name="k", password=PASSWORD
        )
    assert "approval_role" in run("day", "close", "2026-06-01", "--user", "kazei").stderr

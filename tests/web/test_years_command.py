"""``kokin year``: what passes into the next year, before and after two people close it."""

from __future__ import annotations

import csv
import io
import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from reference_rows import csv_bytes
from years_town import M, YearsTown, claim

from payments.domain.holds import HoldKind
from payments.store.unit_of_work import unit_of_work
from web.accounts import staff
from web.cli import main
from web.commands.session import Session
from web.config import Settings
from web.texts.labels import LABELS

PASSWORD = "kaikei-no-himitsu"


@pytest.fixture
def town(sqlite_url, tmp_path, monkeypatch):
    """Two open claims of 2025, people to act, and the command on them."""
    monkeypatch.setenv("KOKIN_PASSWORD", PASSWORD)
    books = YearsTown(sqlite_url)
    books.assess(claim(1, 2025, 15_000), claim(2, 2025, 50_000, item="904"), on="2025-06-02")
    with unit_of_work(books.engine, M) as connection:
        for name, role in (("kaikei", "treasury"), ("zei", "slips"), ("kansa", "auditor")):
            staff.add(connection, M, name, roles=(role,), display_name=name, password=PASSWORD)
    settings = Settings(
        home=tmp_path, database_url=sqlite_url, secret_key="a secret of the tests, long enough",
        municipality=M,
    )  # fmt: skip

    def run(*words):
        session = Session(settings.model_copy())
        return CliRunner().invoke(main, list(map(str, words)), obj=session)

    yield SimpleNamespace(books=books, run=run)
    books.close()


def _close(town):
    town.books.close_day("2026-05-31")
    town.books.close_year(2025)


def test_before_the_close_it_shows_what_would_be_carried(town):
    shown = town.run("year", "show", 2025)
    assert shown.exit_code == 0, shown.output
    assert "今締めたときの見込み" in shown.stdout
    assert "904 国民健康保険税" in shown.stdout
    assert "計 2件 65,000円" in shown.stdout
    data = json.loads(town.run("year", "show", 2025, "--json").stdout)
    assert (data["carried"], data["count"], data["amount_yen"]) == (None, 2, 65_000)
    assert data["history"] == []


def test_after_the_close_it_shows_what_was_carried_and_every_step(town):
    _close(town)
    town.books.reopen_year(2025)
    town.books.close_year(2025)
    shown = town.run("year", "show", 2025).stdout
    assert "令和7年度から令和8年度へ: 繰越済" in shown
    assert "繰越の取消 2（締め番号 3）" in shown
    assert "会計日 2026年6月1日（月）" in shown
    data = json.loads(town.run("year", "show", 2025, "--json").stdout)
    assert data["carried"]["carry_no"] == 3
    assert [run["event"] for run in data["history"]] == ["carried", "reversed", "carried"]
    assert sum(total["amount_yen"] for total in data["totals"]) == 65_000


def test_the_list_holds_every_instalment(town, tmp_path):
    none = town.run("year", "lines", 2025, "--out", "-")
    assert none.exit_code == 1
    assert "carry_none" in none.stderr
    _close(town)
    out = tmp_path / "carried.csv"
    assert town.run("year", "lines", 2025, "--out", out).exit_code == 0
    text = out.read_bytes().decode()
    assert text == town.run("year", "lines", 2025, "--out", "-").stdout_bytes.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(r["item_code"], r["notice_no"], r["amount_yen"]) for r in rows] == [
        ("901", "0000000001", "15000"),
        ("904", "0000000002", "50000"),
    ]
    assert rows[0]["due_on"] == "2025-06-30"
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_carrying_is_for_a_closed_year_and_for_the_treasury(town):
    early = town.run("year", "carry", 2025, "--user", "kaikei")
    assert early.exit_code == 1
    assert "carry_open" in early.stderr
    _close(town)
    again = town.run("year", "carry", 2025, "--user", "kaikei")
    assert again.exit_code == 0, again.output
    assert "繰越 1（締め番号 2）" in again.stdout
    assert "approval_role" in town.run("year", "carry", 2025, "--user", "zei").stderr


def test_a_year_closed_before_there_were_carry_overs_is_carried_afterwards(town):
    _close(town)
    for row in town.books.rows("SELECT name FROM sqlite_schema WHERE type = 'trigger'"):
        if row.name.startswith(("carry_", "seal_entry_")):
            town.books.run(f"DROP TRIGGER {row.name}")
    for table in ("carry_over", "carry_run", "seal_entry WHERE kind = 'carry_run'"):
        town.books.run(f"DELETE FROM {table}")
    assert "carry_run" in town.run("verify").stdout
    assert town.run("year", "carry", 2025, "--user", "kaikei").exit_code == 0
    assert town.books.carried(2025) == {("1", "01"): 15_000, ("2", "01"): 50_000}


def test_holds_are_set_listed_and_lifted(town):
    name = "901/2025/0000000001"
    made = town.run("holds", "set", name, "--kind", "collection_hold", "--from", "2025-07-01",
                    "--until", "2026-06-30", "--reason", "災害による申請", "--user", "zei")  # fmt: skip
    assert made.exit_code == 0, made.output
    assert "徴収猶予をしました（番号 1）" in made.stdout
    listed = town.run("holds", "list", "--on", "2025-12-01").stdout
    assert "徴収猶予  901/2025/0000000001  2025年7月1日（火）〜2026年6月30日（火）" in listed
    assert "計 0件" in town.run("holds", "list", "--on", "2025-06-30").stdout
    lifted = town.run("holds", "lift", 1, "--on", "2026-01-05", "--reason", "完納", "--user", "zei")
    assert lifted.exit_code == 0, lifted.output
    assert "計 0件" in town.run("holds", "list", "--on", "2026-01-05").stdout
    history = town.run("holds", "list", "--all", "--claim", f"{name}/01").stdout
    assert "2026年1月5日（月）から解除 zei 完納" in history
    (data,) = json.loads(town.run("holds", "list", "--all", "--json").stdout)
    assert (data["claim"], data["span"]["lifted_on"]) == (name, "2026-01-05")


def test_an_auditor_holds_nothing(town):
    answer = town.run("holds", "set", "901/2025/0000000001", "--kind", "dunning_hold",
                      "--reason", "検証", "--user", "kansa")  # fmt: skip
    assert answer.exit_code == 1
    assert "forbidden_role" in answer.stderr


def test_the_history_of_a_claim_tells_every_change_with_file_line_and_reason(town, tmp_path):
    name = "901/2025/0000000001"
    _close(town)
    file = tmp_path / "correction.csv"
    row = claim(1, 2025, 12_000, kind="correction", flags="collection_hold")
    file.write_bytes(csv_bytes([row]))
    made = town.run("assessments", "import", file, "--received-on", "2026-06-03",
                    "--reason", "税額更正決定")  # fmt: skip
    assert made.exit_code == 0, made.output
    shown = town.run("assessments", "show", name)
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    (corrected,) = [line for line in lines if "更正" in line]
    for word in ("2026年6月3日", "correction.csv 2行目", "15,000円", "12,000円", "徴収猶予",
                 "税額更正決定"):  # fmt: skip
        assert word in corrected
    (carried,) = [line for line in lines if "令和8年度" in line]
    assert "15,000円" in carried
    assert "調定ファイル" in shown.stdout
    data = json.loads(town.run("assessments", "show", f"{name}/01", "--json").stdout)
    assert [(e["before_yen"], e["amount_yen"]) for e in data["assessments"]] == [
        (None, 15_000),
        (15_000, 12_000),
    ]
    assert data["facts"]["outstanding_yen"] == 12_000
    assert "claim" in town.run("assessments", "show", "901/2025/9").stderr


def test_people_read_the_names_of_holds_that_the_domain_gives_them():
    assert LABELS["hold_kind"] == {kind.value: kind.label_ja for kind in HoldKind}


def test_an_explanation_of_a_notice_tells_its_holds_and_how_it_passed_on(town):
    name = "904/2025/0000000002"
    town.run("holds", "set", name, "--kind", "enforcement_stop", "--from", "2025-09-01",
             "--reason", "所在不明", "--user", "zei")  # fmt: skip
    _close(town)
    shown = town.run("explain", name)
    assert shown.exit_code == 0, shown.output
    for word in ("滞納処分の停止", "所在不明", "職員 zei", "令和7年度", "令和8年度", "50,000円"):
        assert word in shown.stdout
    data = json.loads(town.run("explain", name, "--json").stdout)
    (hold,) = data["slip"]["holds"]
    assert (hold["kind"], hold["term"], hold["lifted_on"]) == ("enforcement_stop", "00", None)
    (carried,) = data["slip"]["carried"]
    assert (carried["event"], carried["to_year"], carried["amount_yen"]) == (
        "carried",
        2026,
        50_000,
    )

"""``kokin dunning``: from the extract to the post, and every letter told afterwards."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import time_machine
from click.testing import CliRunner
from dunning_town import DunningTown, M
from years_town import claim

from payments.domain.dunning import Dunning
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import unit_of_work
from web.accounts import staff
from web.cli import main
from web.commands.session import Session
from web.config import Settings

PASSWORD = "tokusoku-no-himitsu"
NOW = datetime(2026, 7, 20, 3, tzinfo=UTC)


@pytest.fixture
def town(sqlite_url, tmp_path, monkeypatch):
    """Three claims past their due date, people to act, and the command on them."""
    monkeypatch.setenv("KOKIN_PASSWORD", PASSWORD)
    books = DunningTown(sqlite_url)
    books.assess(*(claim(number, 2026, 10_000) for number in (1, 2, 3)), on="2026-04-10")
    with unit_of_work(books.engine, M) as connection:
        for name, role in (("abe", "collection"), ("ito", "approver"), ("kansa", "auditor")):
            staff.add(connection, M, name, roles=(role,), display_name=name, password=PASSWORD)
    settings = Settings(
        home=tmp_path, database_url=sqlite_url, municipality=M,
        secret_key="a secret of the tests, long enough",
    )  # fmt: skip

    def run(*words):
        session = Session(settings.model_copy())
        return CliRunner().invoke(main, list(map(str, words)), obj=session)

    def good(*words):
        answer = run(*words)
        assert answer.exit_code == 0, answer.output
        return answer.stdout

    with time_machine.travel(NOW, tick=False):
        yield SimpleNamespace(books=books, run=run, good=good)
    books.close()


def _rows(path):
    return list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))


def test_a_list_goes_from_the_extract_to_the_post(town, tmp_path):
    abe = ("--user", "abe")
    said = json.loads(
        town.good("dunning", "extract", *abe, "--json", "--out", tmp_path / "rows.csv")
    )
    assert (said["listed_count"], said["listed_yen"], said["state"]) == (3, 30_000, "drawn")
    assert [row[-2] for row in _rows(tmp_path / "rows.csv")[1:]] == ["督促の対象"] * 3
    assert town.run("dunning", "letters", 1, "--out", tmp_path / "early.csv").exit_code == 1
    town.good("dunning", "ask", 1, "--reason", "第一期", *abe)
    refused = town.run("approvals", "approve", 1, *abe)
    assert refused.exit_code == 1
    town.good("approvals", "approve", 1, "--user", "ito")
    town.good("dunning", "letters", 1, "--out", tmp_path / "letters.csv")
    letters = _rows(tmp_path / "letters.csv")
    assert [row[0] for row in letters[1:]] == ["1", "2", "3"]
    town.books.pay(2, 10_000, "2026-07-18", on="2026-07-20")
    pulled = town.good(
        "dunning", "pull", 1, *abe, "--out", tmp_path / "pull.csv", "--pdf", tmp_path / "pull.pdf"
    )
    assert "納付済" in pulled
    assert [row[0] for row in _rows(tmp_path / "pull.csv")[1:]] == ["2"]
    assert (tmp_path / "pull.pdf").read_bytes().startswith(b"%PDF")
    wrong = town.run("dunning", "dispatch", 1, "--count", 3, *abe)
    assert "dunning_state" in wrong.output
    town.good("dunning", "confirm", 1, "--count", 1, *abe)
    town.good("dunning", "dispatch", 1, "--count", 2, *abe)
    assert "発送済" in town.good("dunning", "list")
    assert "発送 2通" in town.good("dunning", "show", 1)
    story = town.good("dunning", "explain", 1, "901/2026/0000000002")
    assert "引抜き: 納付済" in story
    told = json.loads(town.good("dunning", "explain", 1, "000000000001", "--json"))
    assert [row["amount_yen"] for row in told["rows"]] == [10_000]
    soon = town.run("dunning", "recheck", "000000000001", *abe)
    assert soon.exit_code == 1
    assert "発送から10日以内" in soon.output
    with time_machine.travel(datetime(2026, 7, 31, 3, tzinfo=UTC), tick=False):
        assert "届いていません" in town.good("dunning", "recheck", "000000000001", *abe)


def test_an_auditor_draws_nothing(town):
    answer = town.run("dunning", "extract", "--user", "kansa")
    assert answer.exit_code == 1
    assert "forbidden_role" in answer.output


def test_what_the_profile_says_is_what_a_list_begins_with(town):
    books = town.books
    books.assess(claim(4, 2021, 10_000, due="2021-07-30"), on="2021-04-10")
    books.profile = replace(books.profile, dunning=Dunning(wait_days=30, limitation_days=5))
    with unit_of_work(books.engine, M) as connection:
        save_profile(connection, books.profile)
    said = json.loads(town.good("dunning", "extract", "--user", "abe", "--json"))
    assert said["terms"]["wait_days"] == 30
    assert (said["listed_count"], said["near"]["number"]) == (1, 0)
    assert said["grounds"]["too_early"]["number"] == 3
    books.profile = replace(books.profile, dunning=Dunning())
    with unit_of_work(books.engine, M) as connection:
        save_profile(connection, books.profile)
    town.good("dunning", "drop", 1, "--reason", "条件の変更", "--user", "abe")
    told = town.good("dunning", "extract", "--user", "abe")
    assert "時効が近いもの: 1件 10,000円" in told
    assert "時効の満了日" in town.good("dunning", "explain", 2, "901/2021/0000000004")


def test_money_of_nobody_is_said_when_a_list_is_drawn(town):
    town.books.pay(99, 10_000, "2026-07-15", on="2026-07-17")
    answer = town.run("dunning", "extract", "--user", "abe", "--json")
    assert "誰のものか分からない納付・入金が1件（10,000円）" in answer.stderr
    assert json.loads(answer.stdout)["listed_count"] == 3


def test_a_list_is_dropped_with_a_reason(town):
    town.good("dunning", "extract", "--user", "abe")
    town.good("dunning", "drop", 1, "--reason", "条件の誤り", "--user", "abe")
    assert json.loads(town.good("dunning", "list", "--json"))[0]["state"] == "dropped"


def test_an_account_of_the_past_is_told_from_the_ledger(town):
    town.books.pay(1, 10_000, "2026-07-18", on="2026-07-20")
    who = ("people", "as-of", "000000000001", "--user", "abe")
    before = json.loads(town.good(*who, "--journal", 1, "--json"))
    assert [(row["paid_yen"], row["open_yen"]) for row in before] == [(0, 10_000)]
    now = json.loads(town.good(*who, "--journal", 99, "--json"))
    assert [(row["paid_yen"], row["open_yen"]) for row in now] == [(10_000, 0)]
    assert "未納 10,000円" in town.good(*who, "--journal", 1)


def test_nothing_lacks_so_nobody_needs_to_decide(town):
    answer = town.run("dunning", "despite", "--reason", "念のため", "--user", "abe")
    assert "dunning_complete" in answer.output

"""``kokin cases suggest``, ``place`` and ``undo`` for money on the bank account."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from credit_town import DSK, CreditTown
from reference_town import NOTICE

from payments.store.unit_of_work import unit_of_work
from web.accounts import staff
from web.cli import main
from web.commands.session import Session
from web.config import Settings

PASSWORDS = {"abe": "the first password", "ito": "the second password"}
ROLES = {"abe": ("slips", "collection"), "ito": ("treasury",)}
FIRST = f"901/2026/{NOTICE}/01"


@pytest.fixture
def town(sqlite_url):
    """The town with its bank, and two people."""
    town = CreditTown(sqlite_url)
    with unit_of_work(town.engine, town.code) as connection:
        for name, password in PASSWORDS.items():
            staff.add(
                connection, town.code, name, roles=ROLES[name], display_name="", password=password
            )
    yield town
    town.city.close()


@pytest.fixture
def run(town, tmp_path):
    """Run a command; ``by`` signs with that person's password."""

    def invoke(*words, by="abe", code=0):
        settings = Settings(
            home=tmp_path, database_url=town.url, secret_key="x" * 40, municipality=""
        )
        done = CliRunner().invoke(
            main, [str(word) for word in words], obj=Session(settings),
            env={"KOKIN_PASSWORD": PASSWORDS[by]},
        )  # fmt: skip
        assert done.exit_code == code, done.output
        return done.output

    return invoke


def asked_by_abe(run, *words):
    """依頼; gives the number of the approval."""
    said = run("cases", *words, "--reason", "通帳と照合", "--user", "abe", "--json")
    return json.loads(said)["approval_id"]


def agreed_by_ito(run, number):
    """承認."""
    run("approvals", "approve", number, "--user", "ito", by="ito")


def test_a_transfer_is_suggested_placed_and_taken_back(town, run):
    line = town.credited(10_000)
    case_no = town.ask("SELECT case_no FROM review_case WHERE kind = 'direct_transfer'")
    said = run("cases", "suggest", case_no)
    assert "確実" in said
    assert f"{FIRST}  10,000円" in said
    assert "振込名義が納付義務者の名と等しい" in said
    told = json.loads(run("cases", "suggest", case_no, "--json"))
    assert [one["level"] for one in told] == ["sure"]
    shown = run(
        "cases", "place", case_no, "--to", FIRST, "--learn-alias", "--yes", "--reason", "本人確認",
        "--user", "abe",
    )  # fmt: skip
    assert "入金の充当" in shown
    assert "覚える振込名義  ゼイモクタロウ（税目 太郎）" in shown
    agreed_by_ito(run, 1)
    assert town.outcome(line) == ("placed", "M2")
    assert run("cases", "suggest", case_no).startswith("番号や名義と金額の合う候補はありません")
    assert "ゼイモクタロウ  宛名番号 000000000123  承認 1" in run("aliases", "list")
    run("aliases", "forget", "1", "--reason", "別人と分かった", "--user", "abe")
    assert json.loads(run("aliases", "list", "--json")) == []
    assert run("aliases", "list").startswith("覚えている振込名義はありません")
    run("aliases", "forget", "1", "--reason", "もう一度", "--user", "abe", code=1)
    agreed_by_ito(run, asked_by_abe(run, "undo", case_no))
    assert town.outcome(line) == ("unlinked", "M1")
    assert town.differences() == []


def test_a_remittance_is_chosen_by_its_day(town, run):
    town.pay("01", "02", remitted_on="2026-06-24")
    town.pay("01", "02", remitted_on="2026-06-25", paid_at="0900")
    line = town.credited(10_000, "", payer_code=DSK)
    case_no = town.ask("SELECT case_no FROM review_case WHERE kind = 'settlement_difference'")
    said = run("cases", "suggest", case_no)
    assert said.count("有力") == 2
    assert "払込 2026-06-25  10,000円" in said
    number = asked_by_abe(run, "place", case_no, "--to", "2026-06-25")
    agreed_by_ito(run, number)
    assert town.outcome(line) == ("settled", "M3")
    assert town.differences() == []


def test_money_on_the_account_is_for_the_treasury_to_decide(town, run):
    town.credited(10_000)
    number = asked_by_abe(run, "place", "1", "--to", FIRST)
    run("approvals", "approve", number, "--user", "abe", code=1)
    assert town.differences() == []

"""``kokin cases place`` and ``undo``: shown, asked for by one person, carried out by another."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from placing_town import NOTICES, M, PlacingTown, row

from payments.store.unit_of_work import unit_of_work
from web.accounts import staff
from web.cli import main
from web.commands.session import Session
from web.config import Settings

PASSWORDS = {"abe": "the first password", "ito": "the second password", "ono": "an auditor's one"}
ROLES = {"abe": ("slips", "collection"), "ito": ("treasury",), "ono": ("auditor",)}
REASON = ("--reason", "納付者に確かめた")


@pytest.fixture
def town(sqlite_url):
    """The town with a payment in doubt and one that is matched, and three people."""
    town = PlacingTown(sqlite_url)
    town.shop("a.csv", row(9), row(1))
    with unit_of_work(town.engine, M) as connection:
        for name, password in PASSWORDS.items():
            staff.add(connection, M, name, roles=ROLES[name], display_name="", password=password)
    yield town
    town.check()
    town.close()


@pytest.fixture
def run(town, tmp_path):
    """Run a command; ``by`` signs with that person's password."""

    def invoke(*words, by="abe", code=0, answer=None):
        settings = Settings(
            home=tmp_path, database_url=town.url, secret_key="x" * 40, municipality=""
        )
        done = CliRunner().invoke(
            main, [str(word) for word in words], obj=Session(settings), input=answer,
            env={"KOKIN_PASSWORD": PASSWORDS[by]},
        )  # fmt: skip
        assert done.exit_code == code, done.output
        return done.output

    return invoke


def test_a_case_is_answered_by_a_place_that_two_people_choose(town, run):
    case_no = town.rows("SELECT case_no FROM review_case")[0][0]
    first, second = f"901/2026/{NOTICES[0]}/02", f"901/2026/{NOTICES[1]}/01"
    said = run(
        "cases", "place", case_no, "--to", f"{first}=1,500", "--to", second, *REASON,
        "--user", "abe", answer="y\n",
    )  # fmt: skip
    assert "分割  a.csv 2行目  10,000円  いまは「納付書不明」（P04）" in said
    assert "取り消す仕訳  仮受  10,000円" in said
    assert f"起こす仕訳  {first}  1,500円" in said
    assert f"起こす仕訳  {second}  8,500円" in said
    assert "充当先の決定を依頼しました（承認番号 1）" in said
    line = town.line("a.csv")
    assert town.outcome(line)[0] == "unknown_slip"
    run("approvals", "approve", 1, "--user", "abe", code=1)
    run("approvals", "approve", 1, "--user", "ito", by="ito")
    assert town.outcome(line) == ("placed", "M2", 10_000, 0)
    assert "（approval_decided）" in run(
        "approvals", "approve", 1, "--user", "ito", by="ito", code=1
    )


def test_an_undo_names_the_line_and_is_told_as_data(town, run, tmp_path):
    said = json.loads(run("cases", "undo", "a.csv:3", *REASON, "--user", "abe", "--json"))
    assert said["approval_id"] == 1
    assert said["content"]["operation"] == "undo"
    assert said["content"]["stands"]["parts"][0]["amount_yen"] == 10_000
    run("approvals", "approve", 1, "--user", "ito", by="ito")
    assert town.outcome(town.line("a.csv", 3)) == ("unlinked", "M1", 0, 10_000)
    run("outcomes", "export", "--out", tmp_path / "outcomes.csv")
    exported = (tmp_path / "outcomes.csv").read_text("utf-8")
    assert f"S{NOTICES[0]}-01-1,unlinked,M1,0,10000" in exported
    run("verify")


def test_nothing_is_asked_for_without_a_yes_or_by_an_auditor(town, run):
    said = run("cases", "undo", "a.csv:3", *REASON, "--user", "abe", answer="n\n", code=1)
    assert "依頼しませんでした" in said
    said = run("cases", "undo", "a.csv:3", *REASON, "--user", "ono", "--yes", by="ono", code=1)
    assert "forbidden_role" in said
    assert town.rows("SELECT COUNT(*) FROM approval")[0][0] == 0


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("place", "a.csv:3", "--to", f"901/2026/{NOTICES[0]}/02=x"), "placement_yen"),
        (("place", "a.csv:3", "--to", f"901/2026/{NOTICES[0]}"), "placement_notice"),
        (("place", "a.csv:3", "--to", f"901/2026/{NOTICES[0]}/02=9000"), "placement_outstanding"),
        (("place", "a.csv:3", "--to", f"901/2026/{NOTICES[0]}/01=10000"), "placement_same"),
        (("undo", "77"), "case"),
        (("undo", "a.csv:9"), "placement_line"),
        (("undo", "a.csv:2"), "placement_same"),
    ],
)
def test_a_mistake_is_said_before_anybody_signs(town, run, words, error):
    said = run("cases", *words, *REASON, "--user", "abe", "--yes", code=1)
    assert f"（{error}）" in said
    assert town.rows("SELECT COUNT(*) FROM approval")[0][0] == 0


def test_a_case_about_no_line_says_so(town, run):
    with unit_of_work(town.engine, M) as connection:
        from reconcile import flag  # noqa: PLC0415

        case = flag.Case("remittance_overdue", "group:1", 5)
        flag.open_cases(connection, M, [case], on="2026-06-20", actor="system")
    case_no = town.rows("SELECT MAX(case_no) FROM review_case")[0][0]
    assert "（placement_case）" in run(
        "cases", "undo", case_no, *REASON, "--user", "abe", "--yes", code=1
    )

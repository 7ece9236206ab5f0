"""``kokin charges``: book, list, waive, write off, plan, and what is prescribed soon."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from charge_town import CHARGE_ITEM, ChargeTown
from click.testing import CliRunner
from placing_town import M

from payments.store.unit_of_work import unit_of_work
from web.accounts import staff
from web.cli import main
from web.commands.session import Session
from web.config import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "kaikei-no-himitsu"
PRINCIPAL = "901/2026/0000000001/01"


@pytest.fixture
def town(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A town with a claim paid late, two people, and the command on it."""
    monkeypatch.setenv("KOKIN_PASSWORD", PASSWORD)
    books = ChargeTown(sqlite_url)
    with unit_of_work(books.engine, M) as connection:
        for name, role in (("shuno", "collection"), ("kaikei", "treasury")):
            staff.add(connection, M, name, roles=(role,), display_name=name, password=PASSWORD)
    settings = Settings(
        home=tmp_path, database_url=sqlite_url, secret_key="a secret of the tests, long enough",
        municipality=M,
    )  # fmt: skip

    def run(*words: object) -> Any:
        session = Session(settings.model_copy())
        return CliRunner().invoke(main, list(map(str, words)), obj=session)

    yield SimpleNamespace(books=books, run=run)
    books.close()


def _asked(town: Any, *words: object) -> int:
    """What one person asks for, another approves; the number of the approval."""
    found = town.run("charges", *words, "--reason", "申請による", "--user", "shuno", "--json")
    assert found.exit_code == 0, found.output
    number = int(json.loads(found.stdout)["approval_id"])
    decided = town.run("approvals", "approve", number, "--user", "kaikei")
    assert decided.exit_code == 0, decided.output
    return number


def test_charges_are_booked_listed_and_waived(town: Any) -> None:
    town.books.pay(1)
    booked = town.run("charges", "book", "--on", "2026-06-20")
    assert booked.exit_code == 0, booked.output
    assert "延滞金の調定: 1件" in booked.stdout
    listed = town.run("charges", "list")
    assert f"{CHARGE_ITEM}/2026/0000000001/01  延滞金" in listed.stdout
    assert PRINCIPAL in listed.stdout
    _asked(town, "waive", PRINCIPAL, "--kind", "whole")
    again = json.loads(town.run("charges", "book", "--json").stdout)
    assert (again["count"], again["yen"] < 0) == (1, True)
    assert json.loads(town.run("charges", "list", "--open", "--json").stdout) == []
    whole = town.run("charges", "book", "901/2026/0000000001")
    assert whole.exit_code == 1
    town.books.check()


def test_a_claim_is_written_off_and_taken_up_again(town: Any) -> None:
    claim = "901/2026/0000000002/01"
    _asked(town, "write-off", claim, "--ground", "stop_at_once", "--extinguished", "2026-06-01")
    assert town.books.open_yen(2, "01") == 0
    _asked(town, "take-up", claim)
    assert town.books.open_yen(2, "01") == 10_000
    early = town.run(
        "charges", "write-off", claim, "--ground", "prescribed", "--extinguished", "2026-06-01",
        "--reason", "時効", "--user", "shuno",
    )  # fmt: skip
    assert early.exit_code == 1
    assert "時効はまだ完成していません" in early.stderr
    town.books.check()


def test_partial_payments_are_agreed_and_cancelled(town: Any) -> None:
    days = ("--day", "2026-12-28", "--day", "2027-01-29")
    _asked(town, "plans", "ask", "901/2026/0000000003/01", *days)
    assert "2回" in town.run("charges", "plans", "list").stdout
    wrong = town.run(
        "charges", "plans", "ask", "901/2026/0000000003/02", *days, "--yen", 8_000,
        "--reason", "誓約", "--user", "shuno",
    )  # fmt: skip
    assert wrong.exit_code == 1
    ended = town.run("charges", "plans", "cancel", 1, "--reason", "申出", "--user", "shuno")
    assert ended.exit_code == 0, ended.output
    assert "分納はありません" in town.run("charges", "plans", "list").stdout
    assert json.loads(town.run("charges", "plans", "list", "--state", "all", "--json").stdout)
    town.books.check()


def test_what_is_prescribed_soon(town: Any) -> None:
    soon = town.run("charges", "prescribing", "--on", "2028-06-01", "--within", 60)
    assert soon.exit_code == 0, soon.output
    assert f"{PRINCIPAL}  未納 10,000円  時効 2028年6月30日" in soon.stdout
    assert "時効が近い期別はありません" in town.run("charges", "prescribing").stdout

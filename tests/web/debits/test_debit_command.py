"""``kokin debit`` and ``kokin certificates``: the same way by the command line."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from debit_town import DEBIT_ON, DebitTown
from sqlalchemy import text

from payments.domain.debiting import DebitBank, Debiting
from payments.domain.errors import ConflictError, InvalidValueError
from payments.domain.profile import profile_from_mapping
from reconcile import certificate as certifying
from reconcile.debit import batches as books
from reconcile.formats.debit_accounts import AccountRow, write
from web import clock
from web.accounts import staff
from web.cli import main
from web.commands.session import Session
from web.commands.setup import sample_profile
from web.config import Settings

PASSWORD = "kaikei-no-himitsu"
NOW = datetime(2026, 5, 11, 3, tzinfo=UTC)
BANK = DebitBank("9999", "ﾃｽﾄ", "999", "ﾎﾝﾃﾝ", "1", "1234567")


@pytest.fixture
def town(sqlite_url, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    found = DebitTown(sqlite_url)
    found.settle(4)
    with found.write() as connection:
        for name, role in (("kaikei", "treasury"), ("shonin", "approver")):
            staff.add(
                connection, found.code, name, roles=(role,), display_name=name, password=PASSWORD
            )
    yield found
    found.close()


@pytest.fixture
def kokin(town, tmp_path, monkeypatch):
    """A command with its answer and exit code."""
    monkeypatch.setenv("KOKIN_PASSWORD", PASSWORD)
    url = town.engine.url.render_as_string(hide_password=False)

    def run(*words, code=0):
        settings = Settings(home=tmp_path, database_url=url, secret_key="s" * 40)
        done = CliRunner().invoke(main, [*map(str, words)], obj=Session(settings))
        assert done.exit_code == code, done.output
        return done.output

    return run


def test_a_debit_from_the_accounts_to_the_results(town, kokin, tmp_path):
    day, person = DEBIT_ON.isoformat(), ("--user", "kaikei")
    built = json.loads(kokin("debit", "build", "--date", day, "--json"))
    assert [bank["count"] for bank in built["banks"]] == [2, 2]
    assert len(built["built"]) == 2
    assert "作成済" in kokin("debit", "build", "--date", day)
    kokin("debit", "release", 1, *person)
    kokin("approvals", "approve", 1, "--user", "shonin")
    out = tmp_path / "one.dat"
    assert "SHA-256" in kokin("debit", "file", 1, "--out", out, *person)
    again = tmp_path / "two.dat"
    kokin("debit", "file", 1, "--out", again, *person, code=1)
    assert not again.exists()
    kokin("debit", "file", 1, "--out", again, "--reason", "届かず", *person)
    assert again.read_bytes() == out.read_bytes()
    kokin("debit", "acknowledge", 1, "--count", 1, "--amount", 1, *person, code=1)
    kokin("debit", "acknowledge", 1, "--count", 2, "--amount", 20_006, *person)
    town.results(out.read_bytes(), "01")
    assert "受付済" in kokin("debit", "list")
    assert "振替不能 1件" in kokin("debit", "show", 1)
    assert json.loads(kokin("debit", "show", 1, "--json"))["state"] == "acknowledged"
    kokin("debit", "results", "--date", day, code=1)  # the other bank was never sent
    rows = json.loads(kokin("debit", "results", "--date", day, "--json", code=1))
    assert [row["code"] for row in rows[0]["rows"]] == ["0", "1"]
    assert "資金不足" in kokin("debit", "explain", "901/2026/0000000004/01")
    assert len(json.loads(kokin("debit", "explain", "901/2026/0000000004/01", "--json"))) == 1
    assert "入ったことはありません" in kokin("debit", "explain", "901/2026/0000000004/02")
    words = ("debit", "second", "--of", day, "--date", "2026-06-15")
    assert "再振替 1件" in kokin(*words, "--preview")
    (second,) = json.loads(kokin(*words, "--json"))
    assert second["count"] == 1


def test_a_second_build_says_what_differs(town, kokin):
    kokin("debit", "build", "--date", DEBIT_ON)
    town.pay(2, 1, 10_002)
    assert "違い" in kokin("debit", "build", "--date", DEBIT_ON, code=1)
    person = ("--user", "kaikei")
    kokin("debit", "replace", 1, "--reason", "納付", *person)
    kokin("approvals", "approve", 1, "--user", "shonin")
    kokin("debit", "withdraw", 3, "--reason", "中止", *person)
    kokin("approvals", "approve", 2, "--user", "shonin")
    assert "取消済" in kokin("debit", "list")


def test_accounts_by_file_and_by_person(kokin, tmp_path):
    file = tmp_path / "accounts.csv"
    account = ("9998", "ﾐﾎﾝ", "001", "ﾎﾝﾃﾝ", "1", "7654321", "ｾﾞｲﾓｸ")
    file.write_bytes(
        write([AccountRow("99999", "000000000001", "", "set", "2026-07-01", *account)])
    )
    kokin("debit", "accounts", "import", file)
    assert "****321" in kokin("debit", "accounts", "show", "000000000001")
    shown = json.loads(kokin("debit", "accounts", "show", "000000000001", "--json"))
    assert [entry["account_no"] for entry in shown] == ["****001", "****321"]
    words = ("debit", "accounts", "set", "000000000001", "--reason", "届出", "--user", "kaikei")
    kokin(*words, "--bank", "9999", "--branch", "001", "--account", "1112223", "--holder", "ｾﾞｲ")
    kokin(*words, "--end", "--from", "2026-09-01")


def test_certificates(town, kokin, tmp_path, monkeypatch):
    complete = {"debit": NOW.date()}
    monkeypatch.setattr(certifying, "complete_until", lambda *_given: complete)
    words = ("certificates", "tax", "000000000001", "--user", "kaikei")
    assert "未納 22,001円" in kokin(*words)
    said = json.loads(kokin(*words, "--json"))
    assert said["levies"][0]["unpaid_yen"] == 22_001
    assert "settled" not in said
    for name, table in (("v.json", ()), ("v.csv", ("--csv",))):
        file = tmp_path / name
        kokin("certificates", "vehicles", "--year", 2026, "--out", file, *table)
        assert "署名は正しいです" in kokin("certificates", "check", file)
        file.write_bytes(file.read_bytes().replace(b"99999", b"99998"))
        kokin("certificates", "check", file, code=1)
    complete["debit"] = datetime(2026, 5, 1, tzinfo=UTC).date()
    kokin(*words, code=1)
    kokin("certificates", "despite", "--user", "kaikei", "--reason", "車検")
    kokin("approvals", "approve", 1, "--user", "shonin")
    assert "データの基準日 2026年5月1日" in kokin(*words)
    with town.read() as connection:
        seen = connection.execute(
            text("SELECT obligor_no, actor, source, note FROM account_view ORDER BY note")
        ).all()
    whose = ("000000000001", "kaikei", "cli")
    said = "納付状況証明の基礎資料（データの基準日 {}）"
    # What was refused showed nothing.
    assert [tuple(view) for view in seen] == [
        *[(*whose, said.format("2026年5月11日"))] * 2,
        (*whose, said.format("2026年5月1日") + " 資料が未着のままの証明（承認番号） 1"),
    ]


def test_a_file_that_is_not_as_recorded_is_not_handed_out(town):
    batch = town.build()[0]
    with town.read() as connection, pytest.raises(ConflictError):
        books.bytes_of(connection, town.code, replace(batch, file_sha256="0" * 64))


@pytest.mark.parametrize(
    "debit",
    [
        Debiting(banks=(BANK, BANK)),
        Debiting(banks=(replace(BANK, account_no="12"),)),
        Debiting(banks=(replace(BANK, consignor_code="12"),)),
        Debiting(banks=(replace(BANK, line_ends="cr"),)),
        Debiting(lead_days=-1),
        Debiting(ahead_days_max=0),
        Debiting(second_codes=("0",)),
    ],
)
def test_settings_that_no_bank_could_take(debit):
    said = asdict(sample_profile()) | {"debit": asdict(debit)}
    with pytest.raises(InvalidValueError) as refused:
        profile_from_mapping(said)
    assert refused.value.error_code == "profile_debit"

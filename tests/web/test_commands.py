from __future__ import annotations

import contextlib
import csv
import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from web.cli import main
from web.commands.session import Session
from web.config import Settings

SECRET = "a secret of the tests, long enough"


@pytest.fixture
def run(city):
    """Run a command on the small city."""

    def invoke(*words, input_=None):
        session = Session(city.settings.model_copy())
        return CliRunner().invoke(main, list(map(str, words)), obj=session, input=input_)

    return invoke


@pytest.fixture
def home(tmp_path):
    """Run a command in a home that is empty at first."""
    settings = Settings(home=tmp_path / "home", database_url="", secret_key="", municipality="")

    def invoke(*words, input_=None):
        session = Session(settings.model_copy())
        return CliRunner().invoke(main, list(map(str, words)), obj=session, input=input_)

    return invoke


def test_a_newcomer_is_told_what_to_do_first(home):
    answer = home("cases", "list")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "kokin init" in answer.stderr
    assert "（database_missing）" in answer.stderr
    assert "Traceback" not in answer.output


def test_init_makes_everything_and_may_be_run_again(home, tmp_path):
    for _ in range(2):
        answer = home("init", "--sample")
        assert answer.exit_code == 0, answer.output
        assert "99999 みほん市" in answer.stdout
    secret = tmp_path / "home" / "secret-key"
    assert oct(secret.stat().st_mode)[-3:] == "600"
    assert home("doctor").exit_code == 0
    assert all(f["ok"] for f in json.loads(home("doctor", "--json").stdout))


def test_a_profile_comes_from_a_file(home, tmp_path):
    profile = Path("web/profiles/99999.toml").read_text("utf-8").replace('"99999"', '"99998"')
    path = tmp_path / "city.toml"
    path.write_text(profile, "utf-8")
    assert home("init", "--profile", path).exit_code == 0
    path.write_text("name = ", "utf-8")
    answer = home("init", "--profile", path)
    assert answer.exit_code == 1
    assert "profile_toml" in answer.stderr


def test_two_municipalities_must_be_chosen_between(home, tmp_path):
    path = tmp_path / "city.toml"
    profile = Path("web/profiles/99999.toml").read_text("utf-8")
    path.write_text(profile.replace('"99999"', '"99998"'), "utf-8")
    home("init", "--sample", "--profile", path)
    assert "municipality_choice" in home("cases", "list").stderr
    assert home("cases", "list", "--municipality", "99998").exit_code == 0
    assert "municipality_unknown" in home("cases", "list", "--municipality", "12345").stderr


def test_doctor_names_every_problem_at_once(home):
    answer = home("doctor")
    assert answer.exit_code == 1
    broken = {line for line in answer.stdout.splitlines() if line.startswith("[不備]")}
    assert len(broken) == 3  # database, municipality, inbox


def test_intake_goes_on_after_a_bad_file(run, city, tmp_path):
    inbox = city.files / "inbox" / "2026-06-01"
    good = next(path for path in sorted(inbox.iterdir()) if path.name.startswith("konbini_dsk"))
    truncated = tmp_path / "cut.csv"
    truncated.write_bytes(good.read_bytes()[:-9])
    answer = run("intake", truncated, tmp_path / "missing.csv", good, "--received-on", "2026-06-01")
    assert answer.exit_code == 1
    assert "[保留] cut.csv" in answer.stdout
    assert "行目" in answer.stdout
    assert "バイト目から" in answer.stdout
    assert "file_unreadable" in answer.stdout
    assert f"[同一資料] {good.name}" in answer.stdout
    assert run("intake", good).exit_code == 0


def test_intake_tells_programs_everything(run, tmp_path):
    path = tmp_path / "strange.bin"
    path.write_bytes(b"\x00\x01\x02")
    answer = run("intake", path, "--json")
    assert answer.exit_code == 1
    (report,) = json.loads(answer.stdout)
    assert (report["name"], report["status"]) == ("strange.bin", "refused")
    assert report["findings"][0].keys() == {
        "file", "code", "severity", "line_no", "byte_offset", "field", "found", "expected",
    }  # fmt: skip


def test_the_export_has_every_line_once_in_order(run, city, tmp_path):
    target = tmp_path / "outcomes.csv"
    assert run("outcomes", "export", "--out", target).exit_code == 0
    data = target.read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n")
    rows = list(csv.DictReader(data.decode("utf-8").splitlines()))
    with reading(city.engine, "99999") as connection:
        assert (
            len(rows) == connection.execute(text("SELECT COUNT(*) FROM source_line")).scalar_one()
        )
    places = [(row["source_sha256"], int(row["line_no"])) for row in rows]
    assert len(set(places)) == len(places)
    by_file: dict[str, list[int]] = {}
    for sha256, line_no in places:
        by_file.setdefault(sha256, []).append(line_no)
    assert all(lines == sorted(lines) for lines in by_file.values())
    one = run("outcomes", "export", "--file", places[0][0], "--out", "-")
    assert one.stdout_bytes.count(b"\r\n") == 1 + len(by_file[places[0][0]])
    assert run("outcomes", "export", "--file", "0" * 64, "--out", "-").exit_code == 1
    assert run("outcomes", "export", "--out", tmp_path / "no" / "where.csv").exit_code == 1


def test_the_export_equals_the_truth_of_the_city(run, city, tmp_path):
    target = tmp_path / "outcomes.csv"
    run("outcomes", "export", "--out", target)
    names = ("file_name", "line_no", "outcome", "applied_yen", "suspense_yen")

    def rows(path):
        with path.open(encoding="utf-8", newline="") as stream:
            return sorted(tuple(row[name] for name in names) for row in csv.DictReader(stream))

    assert rows(target) == rows(city.files / "truth.csv")


def test_cases_from_the_command_line(run):
    listed = json.loads(run("cases", "list", "--json", "--limit", 500).stdout)
    assert listed["total"] == len(listed["cases"])
    number = listed["cases"][0]["case_no"]
    assert "次にすること" in run("cases", "show", number).stdout
    assert json.loads(run("cases", "show", number, "--json").stdout)["summary"]["case_no"] == number
    assert run("cases", "ack", number).exit_code == 0
    assert run("cases", "note", number, "--note", "照会中").exit_code == 0
    assert run("cases", "accept", number, "--note", "問題なし").exit_code == 0
    assert run("cases", "accept", number, "--note", "問題なし").exit_code == 1
    assert "問題なし" in run("cases", "show", number).stdout
    assert run("cases", "show", 999_999).exit_code == 1
    assert run("cases", "accept", number).exit_code == 2  # click: --note is missing


def test_the_day_for_people_and_for_programs(run):
    answer = run("day", "show", "2026-06-01", "--json")
    report = json.loads(answer.stdout)
    assert answer.exit_code == (0 if all(check["ok"] for check in report["checks"]) else 1)
    assert report["day"] == "2026-06-01"
    shown = run("day", "show", "2026-06-01").stdout
    for title in ("受領", "照合結果", "現金", "突合"):
        assert title in shown


def test_reconciling_again_changes_nothing(run):
    run("reconcile", "--as-of", "2026-06-02")
    again = json.loads(run("reconcile", "--as-of", "2026-06-02", "--json").stdout)
    assert again == {"as_of": "2026-06-02", "credits_settled": 0, "cases_opened": {}}


def test_users_from_the_command_line(run):
    added = run(
        "user",
        "add",
        "hanako",
        "--role",
        "slips",
        "--role",
        "collection",
        "--display-name",
        "課税 花子",
    )
    assert added.exit_code == 0
    assert "一度だけ表示" in added.stdout
    assert run("user", "add", "hanako", "--role", "slips").exit_code == 1
    changed = run("user", "password", "hanako", "--password-stdin", input_="a long password\n")
    assert "a long password" not in changed.output
    assert run("user", "password", "hanako", "--password-stdin", input_="short\n").exit_code == 1
    assert run("user", "disable", "hanako").exit_code == 0
    users = {u["user_name"]: u for u in json.loads(run("user", "list", "--json").stdout)}
    assert users["hanako"]["disabled"] is True
    assert "課税 花子" in run("user", "list").stdout
    assert run("user", "disable", "nobody").exit_code == 1


def test_keys_from_the_command_line(run, city):
    added = run("key", "add", "pay-9", "--operator", "見本決済")
    assert added.exit_code == 0
    secret = added.stdout.rsplit(" ", 1)[1].strip()
    assert len(secret) == 64
    assert run("key", "add", "pay-9", "--operator", "x").exit_code == 1
    assert run("key", "disable", "pay-9").exit_code == 0
    assert json.loads(run("key", "list", "--json").stdout)[0]["disabled"] is True
    with reading(city.engine, "99999") as connection:
        assert secret not in str(connection.execute(text("SELECT * FROM api_key")).all())


def test_slips_are_printed_and_read_back(run, tmp_path):
    out = tmp_path / "slips"
    answer = run("slips", "issue", "--out", out, "--limit", 3, "--json")
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert (found["pages"], found["differences"]) == (3, [])
    manifest = list(csv.DictReader((out / "manifest.csv").read_text("utf-8").splitlines()))
    assert [row["page"] for row in manifest] == ["1", "2", "3"]
    read = run("slips", "read", out / found["files"][0], tmp_path / "missing.pdf")
    assert read.exit_code == 1
    lines = [json.loads(line) for line in read.stdout.splitlines()]
    assert {line["symbol"] for line in lines} <= {"el_qr", "konbini", "ocr"}
    numbers = {line["fields"].get("el_number") for line in lines} - {None}
    assert numbers == {row["el_number"] for row in manifest if row["el_number"]}
    one = manifest[1]["slip_no"]
    only = run("slips", "issue", "--out", tmp_path / "one", "--slip", one, "--json")
    assert json.loads(only.stdout)["pages"] == 1
    assert run("slips", "issue", "--out", out, "--slip", "nothing").exit_code == 1


def test_registers_are_imported(home, city, tmp_path):
    home("init", "--sample")
    for group, name in (
        (("assessments",), "assessments.csv"),
        (("slips",), "slips.csv"),
        (("slips", "vehicles"), "vehicles.csv"),
    ):
        answer = home(*group, "import", city.files / name, "--received-on", "2026-06-01", "--json")
        assert answer.exit_code == 0, answer.output
        assert json.loads(answer.stdout)["status"] == "accepted"
        again = home(*group, "import", city.files / name)
        assert (again.exit_code, "同一資料" in again.stdout) == (0, True)
    bad = tmp_path / "bad.csv"
    bad.write_bytes((city.files / "slips.csv").read_bytes()[:-3])
    assert home("slips", "import", bad).exit_code == 1
    assert home("slips", "import", tmp_path / "missing.csv").exit_code == 1


def test_sample_make_is_the_same_for_the_same_seed(home, tmp_path):
    for name in ("a", "b"):
        answer = home("sample", "make", tmp_path / name, "--obligors", 30, "--days", 1, "--seed", 3)
        assert answer.exit_code == 0, answer.output
    first, second = (
        {
            str(p.relative_to(tmp_path / name)): p.read_bytes()
            for p in (tmp_path / name).rglob("*")
            if p.is_file()
        }
        for name in ("a", "b")
    )
    assert first == second


def test_the_demo_without_a_server(home, tmp_path):
    folder = tmp_path / "demo"
    words = ("demo", "--no-serve", "--data", folder, "--obligors", 30, "--days", 1)
    for _ in range(2):  # a demo replaces the demo before it
        answer = home(*words)
        assert answer.exit_code == 0, answer.output
    assert "職員の画面" in answer.stdout
    # Every desk has had something to do, and the books still agree with their evidence.
    for said in (
        "延滞金: ",
        "口座振替: ",
        "過誤納: ",
        "分納: ",
        "不納欠損: ",
        "督促: ",
        "確認コード",
    ):
        assert f"\n{said}" in answer.stdout, said
    assert "すべて一致" in answer.stdout.partition("検算: ")[2].partition("\n")[0]
    assert (folder / "slips" / "manifest.csv").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    refused = home("demo", "--no-serve", "--data", tmp_path / "mine")
    assert refused.exit_code == 1
    assert "demo_folder" in refused.stderr
    assert (tmp_path / "mine" / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("KOKIN_RECONCILE_AT", "noon", "settings"),
        ("KOKIN_DATABASE_URL", "postgresql://127.0.0.1:1/none", "database_unusable"),
    ],
)
def test_a_bad_setting_is_named(monkeypatch, tmp_path, name, value, code):
    monkeypatch.setenv("KOKIN_HOME", str(tmp_path))
    monkeypatch.setenv(name, value)
    answer = CliRunner().invoke(main, ["cases", "list"])
    assert answer.exit_code == 1
    assert f"（{code}）" in answer.stderr


def test_a_database_of_another_release_is_named_with_what_to_do(home, tmp_path):
    """The new release was installed, and `kokin init` forgotten."""
    assert home("init", "--sample").exit_code == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "home" / "kokin.sqlite3")) as books:
        books.execute("UPDATE alembic_version SET version_num = '0037'")
        books.execute("PRAGMA legacy_alter_table = ON")
        books.execute("ALTER TABLE source_file RENAME TO before")
        books.commit()
    answer = home("files", "list")
    assert answer.exit_code == 1
    assert "0037" in answer.stderr
    assert "kokin init" in answer.stderr
    assert "（database_version）" in answer.stderr


@pytest.mark.postgres
def test_a_database_that_only_reads_is_named(monkeypatch, tmp_path, postgres_city):
    """A standby, or one that its administrator has made so."""
    only_reads = "?options=-c%20default_transaction_read_only%3Don"
    monkeypatch.setenv("KOKIN_HOME", str(tmp_path))
    monkeypatch.setenv("KOKIN_DATABASE_URL", f"{postgres_city.settings.database_url}{only_reads}")
    (tmp_path / "new.csv").write_text("new")
    answer = CliRunner().invoke(main, ["intake", str(tmp_path / "new.csv")])
    assert answer.exit_code == 1
    assert "（database_unusable）" in answer.stderr
    assert "read-only" in answer.stderr


@pytest.mark.parametrize(
    ("today", "days", "start"),
    [
        ("2026-06-05", 5, "2026-06-01"),
        ("2026-06-07", 1, "2026-06-05"),  # a Sunday: the Friday before is the last day
        ("2027-01-04", 2, "2026-12-30"),  # banks are closed from 31 December to 3 January
    ],
)
def test_the_city_of_the_demo_ends_on_the_last_business_day(monkeypatch, today, days, start):
    from datetime import date  # noqa: PLC0415

    from web import clock  # noqa: PLC0415
    from web.commands.demo import recent_start  # noqa: PLC0415

    monkeypatch.setattr(clock, "today", lambda: date.fromisoformat(today))
    assert recent_start(days).isoformat() == start


def test_verify_names_what_was_altered(run, city):
    assert run("verify").exit_code == 0
    assert json.loads(run("verify", "--json").stdout) == {"ok": True, "differences": []}
    with unit_of_work(city.engine, "99999") as connection:
        connection.execute(
            text("UPDATE receipt SET applied_yen = applied_yen - 1, suspense_yen = suspense_yen + 1 "
                 "WHERE applied_yen > 0 AND file_id = (SELECT MIN(file_id) FROM receipt)")
        )  # fmt: skip
    answer = run("verify")
    assert answer.exit_code == 1
    assert "（receipt）" in answer.stdout
    assert json.loads(run("verify", "--json").stdout)["ok"] is False

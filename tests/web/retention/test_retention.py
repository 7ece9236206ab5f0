"""保存年限: counted, archived, read back, let go by two people; nothing else can be deleted."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import duckdb
import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from payments.domain.errors import ConfigurationError, NotFoundError, RefusedError
from payments.domain.retaining import Retaining
from payments.store.municipalities import load_profile, save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.audit.seal import seal_pending
from reconcile.verify.everything import verify
from web import clock
from web.approval_effects import decide_and_do
from web.cli import main
from web.commands.session import Session
from web.retention import archive as archiving
from web.retention import letting_go, pseudonyms
from web.retention.archive import archive, archives_of, require_file
from web.retention.rows import EMPTY, chain_of, due, held, table_of
from web.retention.rules import RULES, rule_in_force, rule_of, rules_of, start_of

M = "99999"
PASSWORD = "kaikei-no-himitsu"  # of the staff of the small city
TODAY = date(2033, 7, 1)
DAYS = (date(2026, 3, 31), date(2026, 4, 1), date(2033, 6, 30), TODAY)
OLD, YOUNG = datetime(2026, 6, 1, 3, tzinfo=UTC), datetime(2033, 6, 30, 3, tzinfo=UTC)
RULE = rule_of("account_view")


def _enter(engine):
    """Seven old views of accounts, three young ones, and an old deed of a member of staff."""
    with unit_of_work(engine, M) as connection:
        for number in range(10):
            connection.execute(
                table_of("account_view").insert().values(
                    municipality_code=M, view_id=f"{number:032d}", actor="kaikei",
                    viewed_at=(OLD if number < 7 else YOUNG) + timedelta(seconds=number),
                    session_digest="d" * 64, obligor_no="000000000000001", purpose="counter",
                    note="窓口", source="cli",
                )
            )  # fmt: skip
        connection.execute(
            table_of("staff_event").insert().values(
                municipality_code=M, event_id="e" * 32, happened_at=OLD, actor="kaikei",
                source="cli", event="signed_in", subject="",
            )
        )  # fmt: skip


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def town(request, monkeypatch, tmp_path):
    """The small city seven years on, with seven old views of accounts and three young ones."""
    city = request.getfixturevalue("city" if request.param == "sqlite" else "postgres_city")
    monkeypatch.setattr(clock, "now", lambda: datetime(2033, 7, 1, tzinfo=UTC))
    seal_pending(city.engine, M)
    _enter(city.engine)
    return SimpleNamespace(engine=city.engine, settings=city.settings, folder=tmp_path / "kept")


def _archive(town, before=None, rule=RULE):
    with unit_of_work(town.engine, M) as connection:
        return archive(
            connection, M, rule, town.folder, before=before or rule.before(TODAY), by="cli",
            at=clock.now(),
        )  # fmt: skip


def _ask(town, found):
    with unit_of_work(town.engine, M) as connection:
        return letting_go.ask(
            connection, M, found, by="kaikei", at=clock.now(), reason="保存年限の満了"
        )


def _decide(town, approval):
    with unit_of_work(town.engine, M) as connection:
        return decide_and_do(
            connection, load_profile(connection, M), approval.approval_id, "approved",
            decided_by="shunin",
        )  # fmt: skip


def _views(town):
    with reading(town.engine, M) as connection:
        return held(connection, M, RULE)[0]


def test_what_is_due_is_archived_read_back_and_goes_when_two_agree(town):
    with reading(town.engine, M) as connection:
        assert due(connection, M, RULE, RULE.before(TODAY)) == 7
        chain = chain_of(connection, M, RULE, RULE.before(TODAY))
    found = _archive(town)
    assert (found.row_count, found.rows_sha256) == (7, chain.sha256)
    assert _views(town) == 10  # archiving deletes nothing
    require_file(found, town.folder)
    manifest = json.loads((town.folder / found.file_name).with_suffix(".json").read_text())
    assert manifest["rows_sha256"] == chain.sha256
    assert manifest["last_seal_no"] > 0
    assert {path.suffix for path in town.folder.iterdir()} == {".parquet", ".json"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in town.folder.glob("*.parquet"))
    approval = _decide(town, _ask(town, found))
    assert _views(town) == 3
    with reading(town.engine, M) as connection:
        (after,) = archives_of(connection, M)
    assert after.deleted_at is not None
    require_file(after, town.folder)  # what went can still be shown
    seal_pending(town.engine, M)
    assert verify(town.engine, M) == []  # the decision is sealed, the books stand
    assert approval.content["rows_sha256"] == chain.sha256
    with pytest.raises(RefusedError) as refused:
        _ask(town, after)
    assert refused.value.error_code == "retention_deleted"


def test_one_person_alone_deletes_nothing(town):
    approval = _ask(town, _archive(town))
    with pytest.raises(RefusedError) as refused, unit_of_work(town.engine, M) as connection:
        decide_and_do(
            connection, load_profile(connection, M), approval.approval_id, "approved",
            decided_by="Kaikei",
        )  # fmt: skip
    assert refused.value.error_code == "approval_same_person"
    assert _views(town) == 10


def test_rows_that_are_not_those_of_the_archive_stay(town):
    approval = _ask(town, _archive(town))
    with unit_of_work(town.engine, M) as connection:
        connection.execute(
            table_of("account_view").insert().values(
                municipality_code=M, view_id="x" * 32, actor="a", viewed_at=OLD,
                session_digest="d" * 64, obligor_no="1", purpose="counter", note="", source="",
            )
        )  # fmt: skip
    with pytest.raises(RefusedError) as refused:
        _decide(town, approval)
    assert refused.value.error_code == "approval_stale"
    assert _views(town) == 11


def test_the_database_lets_nothing_go_that_nobody_decided(town):
    tried = 0
    for table in (table_of(rule.table) for rule in RULES if rule.table != "enquiry_log"):
        deletion = table.delete().where(table.c.municipality_code == M)
        with reading(town.engine, M) as connection:
            if not held(connection, M, rule_of(table.name))[0]:
                continue
        with pytest.raises(DatabaseError, match="append_only"), unit_of_work(town.engine, M) as c:
            c.execute(deletion)
        tried += 1
    assert tried >= 2


def test_a_decision_covers_its_table_and_its_day_only(town):
    _decide(town, _ask(town, _archive(town)))
    views = table_of("account_view")
    with pytest.raises(DatabaseError, match="append_only"), unit_of_work(town.engine, M) as c:
        c.execute(views.delete().where(views.c.municipality_code == M))
    with pytest.raises(DatabaseError, match="append_only"), unit_of_work(town.engine, M) as c:
        c.execute(views.update().where(views.c.municipality_code == M).values(note=""))
    for name in ("retention_archive", "retention_deletion"):
        table = table_of(name)
        with pytest.raises(DatabaseError, match="append_only"), unit_of_work(town.engine, M) as c:
            c.execute(table.delete().where(table.c.municipality_code == M))


@pytest.fixture
def kept(city, tmp_path, monkeypatch):
    """The same on SQLite alone, for what the database has no part in."""
    monkeypatch.setattr(clock, "now", lambda: datetime(2033, 7, 1, tzinfo=UTC))
    _enter(city.engine)
    return SimpleNamespace(engine=city.engine, settings=city.settings, folder=tmp_path / "kept")


def test_an_altered_or_missing_file_is_named(kept):
    found = _archive(kept)
    path = kept.folder / found.file_name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    for _ in range(2):
        with pytest.raises(RefusedError) as refused:
            require_file(found, kept.folder)
        assert refused.value.error_code == "retention_file"
        path.unlink(missing_ok=True)


def test_what_cannot_be_written_or_read_back_is_no_archive(kept, monkeypatch):
    rule = RULE
    with pytest.raises(RefusedError) as refused:
        _archive(kept, before=start_of(date(1990, 1, 1)), rule=rule)
    assert refused.value.error_code == "retention_nothing"
    with monkeypatch.context() as patched:
        patched.setattr(archiving, "read_chain", lambda *_: None)
        with pytest.raises(RefusedError) as refused:
            _archive(kept, rule=rule)
        assert refused.value.error_code == "retention_unreadable"
    kept.folder.rmdir()  # nothing was left behind
    kept.folder.write_text("in the way")
    with pytest.raises(ConfigurationError) as unwritable:
        _archive(kept, rule=rule)
    assert unwritable.value.error_code == "output_unwritable"
    with reading(kept.engine, M) as connection:
        assert archives_of(connection, M) == []


def test_the_books_have_no_rule(kept):
    for table in ("posting", "journal", "receipt", "evidence", "seal", "approval"):
        with pytest.raises(NotFoundError, match="retention_rule"):
            rule_of(table)
    assert rule_of("enquiry_log").before(date(2028, 2, 29)) == start_of(date(2027, 2, 28))
    with reading(kept.engine, M) as connection:
        assert (
            chain_of(connection, M, rule_of("enquiry_log"), start_of(date(1990, 1, 1))).sha256
            == EMPTY
        )


def _keep_longer(engine, *rules):
    """The body's own rules for views of accounts."""
    own = tuple(
        Retaining("account_view", from_on, years, ground) for from_on, years, ground in rules
    )
    with unit_of_work(engine, M) as connection:
        save_profile(connection, replace(load_profile(connection, M), retention=own))


def test_the_rule_of_the_day_holds_and_what_it_keeps_cannot_go(town):
    approval = _ask(town, _archive(town))  # asked for while five years held
    _keep_longer(town.engine, ("2026-04-01", 6, "規程"), ("2033-07-01", 10, "改正規程"))
    with reading(town.engine, M) as connection:
        profile = load_profile(connection, M)
    years = [rule_in_force(profile, "account_view", day).years for day in DAYS]
    assert years == [5, 6, 6, 10]
    others = {rule.table: rule.years for rule in rules_of(profile, TODAY)}
    assert others == {rule.table: rule.years for rule in RULES} | {"account_view": 10}
    with pytest.raises(RefusedError) as refused:
        _decide(town, approval)
    assert refused.value.error_code == "approval_stale"
    assert _views(town) == 10


def test_the_commands_say_whose_rule_it_is_and_keep_to_it(kept):
    _keep_longer(kept.engine, ("2026-04-01", 7, "文書管理規程 別表2"))
    shown = _run(kept, "plan").stdout
    assert "職員による閲覧の記録（account_view）: 7年保存" in shown
    assert "文書管理規程 別表2（2026-04-01 から）" in shown
    row = next(r for r in json.loads(_run(kept, "plan", "--json").stdout) if r["years"] == 7)
    assert (row["due"], row["from_on"]) == (7, "2026-04-01")
    _keep_longer(kept.engine, ("2026-04-01", 8, "文書管理規程 別表2"))
    early = _run(
        kept, "archive", "account_view", "--folder", str(kept.folder), "--before", "2026-07-01"
    )
    assert (early.exit_code, "retention_early" in early.stderr) == (1, True)


def test_pseudonymised_figures_name_nobody_and_lead_nowhere(town, tmp_path):
    with reading(town.engine, M) as connection:
        number = pseudonyms.write(connection, M, tmp_path / "one.parquet")
        assert number == pseudonyms.write(connection, M, tmp_path / "two.parquet")
        applied = connection.execute(
            text("SELECT SUM(term_yen + whole_yen - surplus_yen) FROM instalment_account")
        ).scalar_one()
        people = set(connection.execute(text("SELECT DISTINCT obligor_no FROM notice")).scalars())
    with duckdb.connect() as books:
        rows = books.execute(f"SELECT * FROM '{tmp_path}/one.parquet'").fetchall()
        months = books.execute(
            f"SELECT DISTINCT due_month FROM '{tmp_path}/one.parquet'"
        ).fetchall()
        asked = "SELECT COUNT(DISTINCT person), SUM(applied_yen), COUNT(*) FROM '{}'"
        first = books.execute(asked.format(tmp_path / "one.parquet")).fetchone()
        shared = books.execute(
            f"SELECT COUNT(*) FROM '{tmp_path}/one.parquet' a JOIN '{tmp_path}/two.parquet' b USING (person)"
        ).fetchone()
    assert first == (len(people), applied, number)
    assert months
    assert all(re.fullmatch(r"[0-9]{4}-[0-9]{2}", month) for (month,) in months), months
    assert shared == (0,)  # another file, another key
    assert not people & {str(value) for row in rows for value in row}


def _run(kept, *words):
    return CliRunner().invoke(main, ["retention", *words], obj=Session(kept.settings))


def test_a_command_that_has_loaded_nothing_else_knows_every_record():
    """As a process of its own begins: a test among others has loaded every table there is."""
    asked = (
        "from web.retention.rows import table_of; from web.retention.rules import RULES; "
        "print(*(table_of(rule.table).name for rule in RULES))"
    )
    said = subprocess.run(
        [sys.executable, "-c", asked], check=True, capture_output=True, text=True, timeout=60
    )
    assert said.stdout.split() == [rule.table for rule in RULES]


def test_the_commands_count_archive_ask_and_check(kept, monkeypatch, tmp_path):
    monkeypatch.setenv("KOKIN_PASSWORD", PASSWORD)
    shown = _run(kept, "plan")
    assert "職員の操作記録（staff_event）: 5年保存" in shown.stdout
    by_table = {row["table"]: row for row in json.loads(_run(kept, "plan", "--json").stdout)}
    assert by_table.keys() == {rule.table for rule in RULES}
    assert by_table["account_view"]["due"] == 7
    words = ("archive", "account_view", "--folder", str(kept.folder))
    early = _run(kept, *words, "--before", "2033-06-01")
    assert (early.exit_code, "retention_early" in early.stderr) == (1, True)
    made = json.loads(_run(kept, *words, "--json").stdout)
    assert made["row_count"] == 7
    assert "account_view" in _run(kept, "list").stdout
    assert json.loads(_run(kept, "check", "--folder", str(kept.folder), "--json").stdout) == {
        "archives": 1, "wrong": [],
    }  # fmt: skip
    missing = _run(kept, "check", "--folder", str(tmp_path))
    assert (missing.exit_code, "retention_file" in missing.stderr) == (1, True)
    assert "うち1件が違います" in missing.stdout
    given = ("--folder", str(kept.folder), "--reason", "保存年限の満了", "--user", "kaikei")
    unknown = _run(kept, "ask", "9", *given)
    assert (unknown.exit_code, "retention_archive" in unknown.stderr) == (1, True)
    asked = _run(kept, "ask", "1", *given)
    assert (asked.exit_code, "別の職員" in asked.stdout) == (0, True)
    story = CliRunner().invoke(main, ["approvals", "show", "1"], obj=Session(kept.settings))
    assert "職員による閲覧の記録" in story.stdout
    assert made["rows_sha256"] in story.stdout
    out = tmp_path / "people.parquet"
    assert _run(kept, "pseudonymised", "--out", str(out)).exit_code == 0
    assert out.exists()

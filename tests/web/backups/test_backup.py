"""Everything is copied while the service runs, can be read again, and never lands on other books."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from payments.domain.errors import ConfigurationError
from payments.store.engine import open_engine
from payments.store.sealed_bytes import new_key_text
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.backups import postgresql, restore, sqlite
from web.backups.files import put_back
from web.backups.make import back_up, backups_in, drop_old
from web.backups.manifest import NAME, read_manifest
from web.backups.restore import restore as restore_backup
from web.backups.restore import same_secret, try_out, verify_all
from web.cli import main
from web.commands.session import Session
from web.notifications import checking
from web.notifications.spool import Spool
from web.notifications.spool_rows import Arrival

M = "99999"


@pytest.fixture(params=["city", pytest.param("postgres_city", marks=pytest.mark.postgres)])
def both(request):
    """The small reconciled city on both kinds of database."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def empty(both, request, tmp_path):
    """Settings of an empty place of the same kind."""
    if both.settings.sqlite_file is not None:
        url = f"sqlite:///{tmp_path / 'elsewhere' / 'other.sqlite'}"
    else:
        url = request.getfixturevalue("bare_postgres_url")
    return both.settings.model_copy(update={"database_url": url, "home": tmp_path / "elsewhere"})


def _counts(settings):
    engine = open_engine(settings.database)
    try:
        with reading(engine, M) as connection:
            return connection.execute(
                text("SELECT COUNT(*) FROM posting WHERE municipality_code = :m"), {"m": M}
            ).scalar_one()
    finally:
        engine.dispose()


def _kokin(settings, *words):
    return CliRunner().invoke(main, [*map(str, words)], obj=Session(settings))


def test_a_backup_is_restored_and_verified(both, empty, tmp_path):
    made = back_up(both.settings, both.engine, tmp_path / "backups")
    manifest = read_manifest(made)
    assert manifest.counts[M]["posting"] == _counts(both.settings) > 0
    assert try_out(both.settings, made) == {M: 0}
    restored = restore_backup(empty, made)
    assert restored == manifest
    assert _counts(empty) == _counts(both.settings)
    assert verify_all(empty, restored) == {M: 0}
    assert same_secret(empty, manifest)
    other = empty.model_copy(update={"secret_key": "another secret, long enough for it"})
    assert not same_secret(other, manifest)
    with pytest.raises(ConfigurationError, match="restore_target"):
        restore_backup(empty, made)


@pytest.mark.postgres
def test_what_was_restored_on_postgresql_is_planned_with_its_sizes(
    postgres_city, bare_postgres_url, tmp_path
):
    """A million receipts were verified for minutes by plans that knew of no row."""
    city = postgres_city
    made = back_up(city.settings, city.engine, tmp_path / "backups")
    place = {"database_url": bare_postgres_url, "home": tmp_path / "elsewhere"}
    restored = city.settings.model_copy(update=place)
    restore_backup(restored, made)
    engine = open_engine(restored.database)
    with engine.connect() as connection:
        sizes = dict(connection.execute(text("SELECT relname, reltuples FROM pg_class")).all())
    engine.dispose()
    assert sizes["posting"] == _counts(city.settings) > 0
    assert sizes["refund"] == -1  # It is empty, and nothing is to be told about it.


def test_the_copy_is_of_one_moment_while_others_write(city, tmp_path, monkeypatch):
    """Between two portions somebody writes; the copy neither sees it nor begins again."""
    monkeypatch.setattr(sqlite, "PAGES", 40)
    seen = []

    def write(done, _total):
        seen.append(done)
        with unit_of_work(city.engine, M) as connection:
            connection.execute(text("UPDATE municipality SET name = name || '!'"))

    source, target = city.settings.sqlite_file, tmp_path / "copy.sqlite"
    sqlite.copy_file(source, target, write)
    assert len(seen) > 3
    assert seen == sorted(set(seen))
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT name FROM municipality").fetchone() == ("みほん市",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_spool_belongs_to_it(city, tmp_path):
    Spool(city.engine).close()
    spool = city.settings.sqlite_file.with_name("city-notifications.sqlite")
    with closing(sqlite3.connect(spool)) as connection:
        connection.execute("CREATE TABLE told (body TEXT)")
        connection.commit()
    made = back_up(city.settings, city.engine, tmp_path / "backups")
    assert [file.name for file in read_manifest(made).files] == [
        "city-notifications.sqlite",
        "city.sqlite",
    ]
    place = tmp_path / "elsewhere" / "books.sqlite"
    empty = city.settings.model_copy(update={"database_url": f"sqlite:///{place}"})
    place.parent.mkdir()
    for left in ("books-notifications.sqlite", "books.sqlite-wal"):
        place.with_name(left).touch()
        with pytest.raises(ConfigurationError, match="restore_target"):
            restore_backup(empty, made)
        place.with_name(left).unlink()
    restore_backup(empty, made)
    with closing(sqlite3.connect(place.with_name("books-notifications.sqlite"))) as connection:
        assert connection.execute("SELECT COUNT(*) FROM told").fetchone() == (0,)


def test_a_restored_spool_is_verified_as_of_the_backup(both, empty, tmp_path, monkeypatch):
    """What waited then was no difference then; what was altered is one."""
    with closing(Spool(both.engine)) as spool:
        body = b"as it came"
        spool.append(M, Arrival("pay-1", "n-1", body, sha256(body).hexdigest()))
    made = back_up(both.settings, both.engine, tmp_path / "backups")
    later = clock.now() + timedelta(days=30)
    monkeypatch.setattr(clock, "now", lambda: later)
    manifest = restore_backup(empty, made)
    assert verify_all(empty, manifest) == {M: 0}
    monkeypatch.setattr(checking, "hash_found", lambda *_arguments: "another")
    assert verify_all(empty, manifest) == {M: 1}


def test_the_files_beside_the_books_belong_to_it(city, tmp_path):
    home = city.settings.home
    kept = {
        "late_charge_rates.csv": "rates", "inbox/99999/konbini/late.dat": "waits",
        "archive/99999/2026-06-01/a.dat": "came", "quarantine/99999/2026-06-01/b.dat": "odd",
        "reports/99999/2026-06-01.csv": "report", "notices/99999/n.txt": "notice",
        "slip-desk/99999-1/slips-1.pdf": "printed",
    }  # fmt: skip
    others = {"secret-key": "secret", "inbox/99999/.sent.part": "half", "else.txt": "else"}
    for name, content in (kept | others).items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(content, "utf-8")
    (home / "inbox/99999/link.dat").symlink_to(home / "secret-key")
    (home / "archive/99999/2026-06-01/a.dat").chmod(0o440)
    made = back_up(city.settings, city.engine, tmp_path / "backups")
    manifest = read_manifest(made)
    found = {file.name for file in manifest.files if file.name.startswith("files/")}
    assert found == {f"files/{name}" for name in kept}
    elsewhere = city.settings.model_copy(update={"home": tmp_path / "new"})
    (tmp_path / "new" / "reports" / "99999").mkdir(parents=True)
    (tmp_path / "new" / "reports/99999/2026-06-01.csv").write_text("mine", "utf-8")
    assert put_back(elsewhere, made, manifest) == (len(kept) - 1, 1)
    put = {
        path.relative_to(elsewhere.home).as_posix(): path.read_text("utf-8")
        for path in elsewhere.home.rglob("*")
        if path.is_file()
    }
    assert put == kept | {"reports/99999/2026-06-01.csv": "mine"}
    (made / "files/inbox/99999/konbini/late.dat").write_text("other", "utf-8")
    with pytest.raises(ConfigurationError, match="backup_damaged"):
        read_manifest(made)


def test_what_is_sealed_in_the_books_is_not_in_clear_beside_them(city, tmp_path):
    for name in ("inbox/99999/konbini/late.dat", "notices/99999/n.txt"):
        (city.settings.home / name).parent.mkdir(parents=True, exist_ok=True)
        (city.settings.home / name).write_text("text", "utf-8")
    sealed = city.settings.model_copy(update={"encryption_keys": new_key_text("first")})
    made = back_up(sealed, city.engine, tmp_path / "backups", clear=True)
    assert [file.name for file in read_manifest(made).files] == [
        "city.sqlite", "files/notices/99999/n.txt",
    ]  # fmt: skip


def test_no_name_leads_out_of_it(city, tmp_path):
    made = back_up(city.settings, city.engine, tmp_path / "backups")
    manifest = json.loads((made / NAME).read_text("utf-8"))
    for name in ("files/inbox/../../x", "/etc/passwd", "../x"):
        manifest["files"].append({"name": name, "size_bytes": 0, "sha256": ""})
        (made / NAME).write_text(json.dumps(manifest), "utf-8")
        with pytest.raises(ConfigurationError, match="backup_manifest"):
            read_manifest(made)
        manifest["files"].pop()


def test_nothing_is_overwritten_and_half_a_backup_has_no_name(city, tmp_path, monkeypatch):
    folder = tmp_path / "backups"
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    made = back_up(city.settings, city.engine, folder)
    with pytest.raises(ConfigurationError, match="backup_exists"):
        back_up(city.settings, city.engine, folder)
    left = folder / ".kokin-20260101T000000.999999999.part"
    left.mkdir()
    shutil.rmtree(made)

    def die(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(sqlite, "copy_file", die)
        with pytest.raises(KeyboardInterrupt):
            back_up(city.settings, city.engine, folder)
    assert list(folder.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="backup_folder"):
        back_up(city.settings, city.engine, tmp_path / "file")


def test_old_ones_are_dropped(tmp_path):
    names = [f"kokin-2026010{n}T000000" for n in range(1, 6)]
    for name in names:
        (tmp_path / name).mkdir()
    assert [path.name for path in drop_old(tmp_path, 2)] == names[:3]
    assert [path.name for path in backups_in(tmp_path)] == names[3:]
    assert backups_in(tmp_path / "nothing") == []


def test_what_is_damaged_is_named(city, tmp_path):
    made = back_up(city.settings, city.engine, tmp_path / "backups")
    empty = city.settings.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'x.sqlite'}"})
    with pytest.raises(ConfigurationError, match="backup_manifest"):
        restore_backup(empty, tmp_path)
    manifest = json.loads((made / NAME).read_text("utf-8"))

    def altered(**changes):
        (made / NAME).write_text(json.dumps(manifest | changes), "utf-8")

    for code, changes in (
        ("backup_manifest", {"version": 3}),
        ("backup_revision", {"revision": "9999"}),
        ("backup_kind", {"database": "postgresql"}),
        ("backup_counts", {"counts": {}}),
    ):
        altered(**changes)
        with pytest.raises(ConfigurationError, match=code):
            restore_backup(empty, made)
    (tmp_path / "x.sqlite").unlink()
    altered()
    with (made / "city.sqlite").open("r+b") as stream:
        stream.seek(5_000)
        stream.write(b"changed")
    with pytest.raises(ConfigurationError, match="backup_damaged") as error:
        restore_backup(empty, made)
    assert error.value.details["path"] == "city.sqlite"
    (made / "city.sqlite").unlink()
    with pytest.raises(ConfigurationError, match="backup_damaged"):
        restore_backup(empty, made)
    assert not (tmp_path / "x.sqlite").exists()


@pytest.mark.postgres
def test_postgresql_says_what_is_missing(postgres_city, postgres_cluster, tmp_path, monkeypatch):
    city = postgres_city
    made = back_up(city.settings, city.engine, tmp_path / "backups")
    with monkeypatch.context() as bare:
        bare.setattr(postgresql.shutil, "which", lambda _tool: None)
        with pytest.raises(ConfigurationError, match="backup_tool"):
            back_up(city.settings, city.engine, tmp_path / "more")
    with pytest.raises(ConfigurationError, match="backup_failed"):
        postgresql.restore(made / "kokin.dump", city.settings.database)
    postgres_cluster.execute("DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN")
    url = city.settings.database.replace("kokin@", "reader@")
    stranger = city.settings.model_copy(update={"database_url": url})
    engine = open_engine(url)
    with pytest.raises(ConfigurationError, match="backup_role"):
        back_up(stranger, engine, tmp_path / "more")
    owned = stranger.model_copy(update={"backup_database_url": city.settings.database})
    assert read_manifest(back_up(owned, engine, tmp_path / "owned")).counts[M]["posting"] > 0
    engine.dispose()
    with pytest.raises(ConfigurationError, match="backup_scratch"):
        try_out(stranger, made)
    # A drill of the service: the owner makes the place that it is tried in.
    assert set(try_out(owned, made).values()) == {0}


def test_the_commands_back_up_restore_and_verify(city, tmp_path, monkeypatch):
    done = _kokin(city.settings, "backup", tmp_path / "backups", "--verify")
    assert done.exit_code == 0, done.output
    assert "すべて一致しました" in done.output
    (made,) = (tmp_path / "backups").iterdir()
    place = city.settings.model_copy(
        update={
            "database_url": f"sqlite:///{tmp_path / 'new' / 'kokin.sqlite3'}",
            "secret_key": "another secret, long enough for it",
        }
    )
    done = _kokin(place, "restore", made)
    assert done.exit_code == 0, done.output
    assert "秘密がバックアップのときと違います" in done.output
    assert "すべて一致しました" in done.output
    again = _kokin(place, "restore", made, "--no-verify")
    assert again.exit_code == 1
    assert "restore_target" in again.output
    monkeypatch.setattr(
        restore, "verify", lambda *_arguments, **_more: [SimpleNamespace(name="receipt")]
    )
    wrong = _kokin(city.settings, "backup", tmp_path / "third", "--verify")
    assert wrong.exit_code == 1
    assert "backup_differs" in wrong.output

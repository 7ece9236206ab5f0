"""A sealed backup opens with its key only, whole and in its own order; the drill says what it saw."""

from __future__ import annotations

import io
import json
import shutil
from datetime import timedelta

import pytest
from click.testing import CliRunner

from payments.domain.errors import ConfigurationError
from payments.store.sealed_bytes import key_ring_from, new_key_text
from web import clock
from web.backups import drill as drills
from web.backups import sealed
from web.backups.files import put_back
from web.backups.make import back_up
from web.backups.manifest import NAME, VERSION, Manifest, kept_files
from web.backups.sealed import ENVELOPE, is_sealed, key_of, opened, seal_folder
from web.cli import main
from web.commands.session import Session

M = "99999"
OLD, NEW = new_key_text("first"), new_key_text("second")


@pytest.fixture(params=["city", pytest.param("postgres_city", marks=pytest.mark.postgres)])
def both(request):
    """The small reconciled city on both kinds of database, with a key."""
    found = request.getfixturevalue(request.param)
    found.settings = found.settings.model_copy(update={"encryption_keys": OLD})
    return found


@pytest.fixture
def clear(tmp_path):
    """A backup in clear of three small files: one is empty, one has several pieces."""
    folder = tmp_path / "clear"
    (folder / "files" / "inbox").mkdir(parents=True)
    (folder / "kokin.sqlite3").write_bytes(b"0123456789" * 10)
    (folder / "files" / "inbox" / "waits.dat").write_bytes(b"somebody's name")
    (folder / "nothing").touch()
    Manifest(
        VERSION, "2026-06-01T01:30:00+09:00", "0", "sqlite", "0001", "", {}, kept_files(folder)
    ).write(folder)
    return folder


@pytest.fixture
def closed(clear, tmp_path, monkeypatch):
    """The same, sealed in pieces of sixteen bytes."""
    monkeypatch.setattr(sealed, "PIECE", 16)
    folder = tmp_path / "closed"
    folder.mkdir()
    seal_folder(key_ring_from(OLD), clear, folder)
    return folder


def _content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _with(keys, city):
    return city.settings.model_copy(update={"encryption_keys": keys})


def test_what_was_sealed_opens_to_the_same_and_shows_nothing(clear, closed, city):
    assert is_sealed(closed)
    assert key_of(closed) == "first"
    assert not is_sealed(clear)
    assert key_of(clear) == ""
    told = b"".join(_content(closed).values())
    assert not any(word in told for word in (b"somebody", b"waits.dat", b"0123456789"))
    # A key that came later changes nothing: the old one still opens.
    with opened(_with(f"{OLD} {NEW}", city), closed) as (folder, manifest):
        assert _content(folder) == _content(clear)
        assert [file.name for file in manifest.files][-1] == "nothing"
        # In clear it lies beside the books and nowhere else.
        assert folder.parent == city.settings.home
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()


def test_what_a_killed_process_left_in_clear_goes_with_the_next(closed, city):
    left = city.settings.home / ".kokin-open-1.4194305.part"  # more than any process has
    left.mkdir(parents=True)
    (left / "kokin.sqlite").write_bytes(b"somebody")
    with opened(_with(OLD, city), closed):
        assert not left.exists()


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ("", "encryption_key_missing"),
        (NEW, "encryption_key_missing"),
        (new_key_text("first"), "encryption_key_wrong"),
    ],
    ids=["none", "of another name", "of another value"],
)
def test_without_its_key_it_stays_closed(closed, city, keys, code):
    with pytest.raises(ConfigurationError, match=code), opened(_with(keys, city), closed):
        pytest.fail("it was opened")


def _agree(folder):
    """Make the envelope agree with what lies there, as somebody who alters it would."""
    envelope = json.loads((folder / ENVELOPE).read_text("utf-8"))
    for file in envelope["files"]:
        found = next((each for each in kept_files(folder) if each.name == file["name"]), None)
        if found:
            file.update(size_bytes=found.size_bytes, sha256=found.sha256)
    (folder / ENVELOPE).write_text(json.dumps(envelope), "utf-8")


def _pieces(path):
    stream = io.BytesIO(path.read_bytes())
    return list(iter(lambda: sealed._piece(stream), b""))


def _write(path, pieces):
    path.write_bytes(b"".join(len(piece).to_bytes(4, "big") + piece for piece in pieces))


def _flip(folder):
    path = folder / "000002.sealed"
    path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]))


def _swap_pieces(folder):
    first, second, *rest = _pieces(folder / "000002.sealed")
    _write(folder / "000002.sealed", [second, first, *rest])


def _leave_out_the_end(folder):
    _write(folder / "000002.sealed", _pieces(folder / "000002.sealed")[:-1])


def _swap_files(folder):
    one, other = folder / "000001.sealed", folder / "000002.sealed"
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)


def _cut(folder):
    path = folder / "000002.sealed"
    path.write_bytes(path.read_bytes()[:-3])


def _lose(folder):
    (folder / "000002.sealed").unlink()


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (_flip, "encryption_key_wrong"),
        (_swap_pieces, "encryption_key_wrong"),
        (_leave_out_the_end, "encryption_key_wrong"),
        (_swap_files, "encryption_key_wrong"),
        (_cut, "backup_damaged"),
        (_lose, "backup_damaged"),
    ],
)
def test_nothing_in_it_can_be_changed_moved_or_left_out(closed, city, harm, code):
    settings = _with(OLD, city)
    harm(closed)
    with pytest.raises(ConfigurationError, match="backup_damaged"), opened(settings, closed):
        pytest.fail("it was opened")
    _agree(closed)
    with pytest.raises(ConfigurationError, match=code), opened(settings, closed):
        pytest.fail("it was opened")


def test_pieces_of_another_backup_do_not_open_in_it(clear, closed, city, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    seal_folder(key_ring_from(OLD), clear, other)
    shutil.copy(other / "000002.sealed", closed / "000002.sealed")
    _agree(closed)
    with (
        pytest.raises(ConfigurationError, match="encryption_key_wrong"),
        opened(_with(OLD, city), closed),
    ):
        pytest.fail("it was opened")


@pytest.mark.parametrize("envelope", ["", "{}", '{"version": 9}', "[]"])
def test_what_is_no_envelope_is_said(closed, city, envelope):
    (closed / ENVELOPE).write_text(envelope, "utf-8")
    with (
        pytest.raises(ConfigurationError, match="backup_manifest"),
        opened(_with(OLD, city), closed),
    ):
        pytest.fail("it was opened")


def test_where_there_is_a_key_every_backup_is_sealed_and_the_drill_verifies_it(both, tmp_path):
    waits = both.settings.home / "inbox" / M / "late.dat"
    waits.parent.mkdir(parents=True, exist_ok=True)
    waits.write_text("waits", "utf-8")
    made = back_up(both.settings, both.engine, tmp_path / "backups")
    assert is_sealed(made)
    assert not list(both.settings.home.glob(".kokin-*"))  # nothing in clear is left
    done = drills.drill(both.settings, drills.newest(tmp_path / "backups"))
    assert done.differences == {M: 0}
    assert done.key_id == "first"
    assert done.lines > 0
    assert min(done.open_seconds, done.restore_seconds, done.verify_seconds) >= 0
    elsewhere = both.settings.model_copy(update={"home": tmp_path / "new"})
    with opened(both.settings, made) as (folder, manifest):
        assert put_back(elsewhere, folder, manifest)[0] >= 1
    assert (elsewhere.home / "inbox" / M / "late.dat").read_text("utf-8") == "waits"


def _kokin(settings, *words):
    return CliRunner().invoke(main, [*map(str, words)], obj=Session(settings))


def test_the_commands_say_the_time_and_what_is_wrong(city, tmp_path, monkeypatch):
    settings = city.settings.model_copy(
        update={"encryption_keys": OLD, "backups": tmp_path / "backups"}
    )
    none = _kokin(settings, "backup", "drill")
    assert none.exit_code == 1
    assert "backup_none" in none.output
    assert _kokin(settings, "backup", tmp_path / "backups").exit_code == 0
    said = _kokin(settings, "backup", "drill")
    assert said.exit_code == 0, said.output
    assert "封あり（鍵 first）" in said.output
    assert "すべて一致しました" in said.output
    found = json.loads(_kokin(settings, "backup", "drill", "--json").stdout)
    assert found["differences"] == {M: 0}
    assert found["seconds"] >= found["verify_seconds"]
    now = clock.now() + timedelta(hours=50)
    monkeypatch.setattr(clock, "now", lambda: now)
    old = _kokin(settings, "backup", "drill")
    assert old.exit_code == 1
    assert "backup_old" in old.output
    assert _kokin(settings, "backup", "drill", "--max-age-hours", 0).exit_code == 0
    monkeypatch.setattr(drills, "verify_all", lambda *_arguments: {M: 2})
    wrong = _kokin(settings, "backup", "drill", "--max-age-hours", 0)
    assert wrong.exit_code == 1
    assert "backup_differs" in wrong.output
    plain = _kokin(settings, "backup", "take", tmp_path / "plain", "--clear")
    assert plain.exit_code == 0
    assert not is_sealed(next((tmp_path / "plain").iterdir()))
    place = settings.model_copy(
        update={"database_url": f"sqlite:///{tmp_path / 'new' / 'kokin.sqlite3'}"}
    )
    (kept,) = (tmp_path / "backups").iterdir()
    done = _kokin(place, "restore", kept)
    assert done.exit_code == 0, done.output
    assert "すべて一致しました" in done.output
    assert NAME not in {path.name for path in kept.iterdir()}

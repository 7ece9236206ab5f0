"""A backup of sealed addresses, put back elsewhere: with its keys all of it, without them nothing."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.personal import ADDRESS, MARK, open_kept
from payments.store.sealed_bytes import key_ring_from, new_key_text
from payments.store.unit_of_work import reading
from web.cli import main
from web.commands.session import Session

M = "99999"
OLD, NEW = new_key_text("2026"), new_key_text("2027")


def kokin(settings, *words):
    return CliRunner().invoke(main, [*map(str, words)], obj=Session(settings))


def stored(url):
    """Addresses as they stand in the database: obligor → text."""
    engine = open_engine(url)
    try:
        with reading(engine, M) as connection:
            rows = connection.execute(text("SELECT obligor_no, address FROM obligor"))
            return {row.obligor_no: row.address for row in rows}
    finally:
        engine.dispose()


def opened(url, keys):
    """The same as a page shows them."""
    engine = open_engine(url, keys=key_ring_from(keys))
    try:
        with reading(engine, M) as connection:
            rows = connection.execute(text("SELECT obligor_no, address FROM obligor")).all()
            return {
                row.obligor_no: open_kept(connection, ADDRESS, M, (row.obligor_no,), row.address)
                for row in rows
            }
    finally:
        engine.dispose()


@pytest.fixture
def sealed_city(city):
    """The small city with all that is personal under the key of 2026, and its addresses."""
    addresses = stored(city.settings.database_url)
    assert len(addresses) > 5
    assert all(addresses.values())
    settings = city.settings.model_copy(update={"encryption_keys": OLD})
    assert kokin(settings, "evidence", "rekey").exit_code == 0
    kept = stored(settings.database_url)
    assert all(address.startswith(MARK) for address in kept.values())
    return settings, addresses


def elsewhere(settings, folder, keys):
    """Another server with these keys and no books."""
    return settings.model_copy(
        update={
            "home": folder,
            "database_url": f"sqlite:///{folder / 'kokin.sqlite3'}",
            "encryption_keys": keys,
        }
    )


@pytest.mark.parametrize("way", ["sealed", "clear"])
def test_put_back_elsewhere_it_opens_with_its_key_and_keys_turn_on(sealed_city, tmp_path, way):
    settings, addresses = sealed_city
    options = ("--clear",) if way == "clear" else ()
    assert kokin(settings, "backup", "take", tmp_path / "kept", *options).exit_code == 0
    (folder,) = (tmp_path / "kept").iterdir()
    there = elsewhere(settings, tmp_path / "there", OLD)
    done = kokin(there, "restore", folder)
    assert done.exit_code == 0, done.output
    assert "すべて一致しました" in done.output
    assert stored(there.database_url) == stored(settings.database_url)
    assert opened(there.database_url, OLD) == addresses
    # There the key is turned: the new one alone opens all of it, and the old one nothing.
    both = there.model_copy(update={"encryption_keys": f"{OLD} {NEW}"})
    answer = json.loads(kokin(both, "evidence", "rekey", "--json").stdout)
    assert answer["finished"]
    new = there.model_copy(update={"encryption_keys": NEW})
    assert kokin(new, "verify").exit_code == 0
    assert opened(there.database_url, NEW) == addresses
    old = kokin(there, "verify")
    assert (old.exit_code, "2027" in old.stderr) == (1, True)


@pytest.mark.parametrize(
    ("way", "keys", "said"),
    [
        ("sealed", "", "ありません"),
        ("clear", "", "ありません"),
        ("clear", NEW, "ありません"),
        ("clear", new_key_text("2026"), "開けません"),
    ],
    ids=["sealed, none", "none", "of another name", "of another value"],
)
def test_without_its_key_that_is_said_by_name(sealed_city, tmp_path, way, keys, said):
    settings, _ = sealed_city
    options = ("--clear",) if way == "clear" else ()
    assert kokin(settings, "backup", "take", tmp_path / "kept", *options).exit_code == 0
    (folder,) = (tmp_path / "kept").iterdir()
    there = elsewhere(settings, tmp_path / "there", keys)
    done = kokin(there, "restore", folder)
    assert done.exit_code == 1
    assert "2026" in done.output
    assert said in done.output
    if way == "clear":  # the rows are there, and nobody can read them
        again = kokin(there, "verify")
        assert (again.exit_code, "2026" in again.stderr) == (1, True)
    else:
        assert not (tmp_path / "there" / "kokin.sqlite3").exists()


def test_a_pack_for_auditors_holds_no_address_but_in_the_registers_it_was_asked_for(
    sealed_city, tmp_path
):
    settings, addresses = sealed_city
    kept = stored(settings.database_url)
    wanted = [address.encode() for address in (*addresses.values(), *kept.values())]
    for options, where in (((), set()), (("--with-registers",), {"evidence"})):
        path = tmp_path / f"pack{len(options)}.zip"
        words = ("audit", "pack", "--day", "2026-06-01", "--out", path)
        done = kokin(settings, *words, *options)
        assert done.exit_code == 0, done.output
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            content = {name: archive.read(name) for name in archive.namelist()}
        found = {
            name.split("/")[0]
            for name, data in content.items()
            if any(address in data for address in wanted)
        }
        assert found == where

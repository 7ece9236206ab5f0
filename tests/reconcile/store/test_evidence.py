"""Evidence in clear and sealed: the same bytes come out, and nothing else may change them."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from codebase import modules, name
from reference_rows import sample_profile
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payments.domain.errors import ConfigurationError
from payments.store.engine import open_engine
from payments.store.known_keys import require_keys
from payments.store.municipalities import save_profile
from payments.store.sealed_bytes import NO_KEYS, Key, KeyRing
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.model import Delivery
from reconcile.pipeline import take_in
from reconcile.store.evidence import PIECE_BYTES, read_evidence
from reconcile.store.rekey import pending, rekey
from reconcile.verify.everything import verify

M = "99999"
RECEIVED = date(2026, 6, 2)
NOW = datetime(2026, 6, 2, 3, 0, tzinfo=UTC)
FIRST, SECOND = Key("2026", bytes(range(32))), Key("2027", bytes(range(1, 33)))
# Longer than two pieces, and of no format: what it says is not the question here.
LARGE = hashlib.shake_256(b"kokin").digest(2 * PIECE_BYTES + 77)
SMALL = b"a small file that is none of ours"


@pytest.fixture
def town(database_url):
    """A municipality whose database can be opened with any ring."""
    engines = []

    def opened(*keys):
        engines.append(open_engine(database_url, keys=KeyRing(keys)))
        return engines[-1]

    with unit_of_work(opened(), M) as connection:
        save_profile(connection, sample_profile())
    yield SimpleNamespace(opened=opened)
    for engine in engines:
        engine.dispose()


def keep(engine, *files):
    for number, data in enumerate(files):
        take_in(engine, M, Delivery(f"{number}.bin", data), received_on=RECEIVED)


def read(engine, data):
    with reading(engine, M) as connection:
        return read_evidence(connection, M, hashlib.sha256(data).hexdigest())


def stored(engine):
    """Every piece as it lies in the table, with its key."""
    with reading(engine, M) as connection:
        rows = connection.execute(
            text("SELECT key_id, data FROM evidence ORDER BY municipality_code, sha256, piece_no")
        )
        return [(row.key_id, bytes(row.data)) for row in rows]


def test_without_a_ring_the_bytes_stand_in_clear(town):
    engine = town.opened()
    keep(engine, LARGE, SMALL)
    assert (read(engine, LARGE), read(engine, SMALL)) == (LARGE, SMALL)
    assert {key for key, _ in stored(engine)} == {""}
    assert (SMALL in dict(stored(engine)).values()) or any(d == SMALL for _, d in stored(engine))


def test_with_a_ring_nothing_stands_in_clear_and_everything_reads(town):
    engine = town.opened(FIRST)
    keep(engine, LARGE, SMALL)
    pieces = stored(engine)
    assert [key for key, _ in pieces] == ["2026"] * 4
    assert not any(SMALL in data or LARGE[:64] in data for _, data in pieces)
    assert (read(engine, LARGE), read(engine, SMALL)) == (LARGE, SMALL)
    assert verify(engine, M) == []
    again = take_in(engine, M, Delivery("0.bin", SMALL), received_on=RECEIVED)
    assert len(stored(engine)) == 4
    assert again.sha256 == hashlib.sha256(SMALL).hexdigest()  # of the plain bytes


@pytest.mark.parametrize(
    ("ring", "code"),
    [
        ((), "encryption_key_missing"),
        ((SECOND,), "encryption_key_missing"),
        ((Key("2026", bytes(32)),), "encryption_key_wrong"),
    ],
)
def test_a_ring_without_the_right_key_says_which_and_changes_nothing(town, ring, code):
    engine = town.opened(FIRST)
    keep(engine, SMALL)
    before, other = stored(engine), town.opened(*ring)
    for attempt in (
        lambda: read(other, SMALL),
        lambda: rekey(other, M, actor="t", at=NOW, clear=not ring),
        lambda: _required(other),
    ):
        with pytest.raises(ConfigurationError) as refused:
            attempt()
        assert (refused.value.error_code, refused.value.details["found"]) == (code, "2026")
    assert stored(engine) == before
    if code == "encryption_key_wrong":  # Two keys under one name would lose the first one's files.
        with pytest.raises(ConfigurationError):
            keep(other, LARGE)
        assert stored(engine) == before


def _required(engine):
    with reading(engine, M) as connection:
        return require_keys(connection, M)


def test_the_keys_turn_from_clear_to_the_newest_and_back(town):
    keep(town.opened(), LARGE, SMALL)
    both = town.opened(FIRST, SECOND)
    for engine, clear, key in (
        (town.opened(FIRST), False, "2026"),
        (both, False, "2027"),
        (both, True, ""),
    ):
        assert pending(engine, M, clear=clear).pieces == 4
        told = []
        done = rekey(engine, M, actor="kanri", at=NOW, clear=clear, progress=told.append)
        assert done == (4, len(LARGE) + len(SMALL), (), 0, True)
        assert told[-1] == 4
        assert {stored_key for stored_key, _ in stored(engine)} == {key}
        assert (read(engine, LARGE), read(engine, SMALL)) == (LARGE, SMALL)
        assert pending(engine, M, clear=clear) == (0, 0)
        assert _required(engine) == ([key] if key else [])
        assert verify(engine, M) == []
    assert read(town.opened(), LARGE) == LARGE


def test_what_stood_in_clear_is_gone_from_the_file(sqlite_url):
    """Neither the pages that became free nor the log keep it, once the log has been written back."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    inside = LARGE[5_000:5_064]
    for keys, there in ((KeyRing(), True), (KeyRing([FIRST]), False)):
        engine = open_engine(sqlite_url, keys=keys)
        if there:
            with unit_of_work(engine, M) as connection:
                save_profile(connection, sample_profile())
            keep(engine, LARGE)
        else:
            assert rekey(engine, M, actor="t", at=NOW).finished
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        beside = [path.with_name(f"{path.name}-wal"), path]
        assert any(inside in each.read_bytes() for each in beside if each.exists()) is there


def test_an_interrupted_turn_goes_on_where_it_was(town, monkeypatch):
    engine = town.opened(FIRST)
    keep(engine, LARGE, SMALL)
    turned = town.opened(FIRST, SECOND)
    monkeypatch.setattr("reconcile.store.rekey.BATCH_BYTES", 1)

    def stop(_done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rekey(turned, M, actor="kanri", at=NOW, progress=stop)
    assert sorted(key for key, _ in stored(turned)) == ["2026", "2026", "2026", "2027"]
    assert (read(turned, LARGE), read(turned, SMALL)) == (LARGE, SMALL)
    done = rekey(turned, M, actor="kanri", at=NOW)
    assert (done.pieces, done.finished) == (3, True)
    with reading(turned, M) as connection:
        runs = connection.execute(text("SELECT pieces, size_bytes FROM evidence_rekey")).all()
    assert [tuple(run) for run in runs] == [(4, len(LARGE) + len(SMALL))]


def test_what_an_older_ring_writes_behind_a_run_is_found_the_next_time(town):
    older = town.opened(FIRST)
    keep(older, SMALL)
    turned = town.opened(FIRST, SECOND)
    done = rekey(turned, M, actor="t", at=NOW, progress=lambda _done: keep(older, LARGE))
    rest = rekey(turned, M, actor="t", at=NOW)
    assert (rest.finished, done.pieces + rest.pieces) == (True, 4)
    assert {key for key, _ in stored(turned)} == {"2027"}


def test_a_damaged_piece_is_left_and_the_run_is_not_finished(town):
    engine = town.opened(FIRST)
    keep(engine, LARGE, SMALL)
    damage(engine, hashlib.sha256(SMALL).hexdigest())
    turned = town.opened(FIRST, SECOND)
    for _ in range(2):
        done = rekey(turned, M, actor="t", at=NOW)
        assert not done.finished
    done = rekey(turned, M, actor="t", at=NOW)
    assert (done.left, done.finished) == ((hashlib.sha256(SMALL).hexdigest(),), False)
    assert read(turned, LARGE) == LARGE
    differences = verify(turned, M)
    assert [(d.name, d.found) for d in differences] == [("evidence_hash", "encryption_key_wrong")]


def damage(engine, sha256):
    """A hand in the database, past the triggers."""
    with unit_of_work(engine, M) as connection:
        sqlite = connection.dialect.name == "sqlite"
        connection.execute(
            text(
                "DROP TRIGGER evidence_refuses_update"
                if sqlite
                else "DROP TRIGGER evidence_resealed ON evidence"
            )
        )
        data = connection.execute(
            text("SELECT data FROM evidence WHERE sha256 = :sha256"), {"sha256": sha256}
        ).scalar_one()
        connection.execute(
            text("UPDATE evidence SET data = :data WHERE sha256 = :sha256"),
            {"data": bytes(data)[:-1] + bytes([bytes(data)[-1] ^ 1]), "sha256": sha256},
        )


UPDATES = {
    "other bytes": "UPDATE evidence SET data = :same",
    "no run": "UPDATE evidence SET key_id = '2027', data = :longer",
    "another piece": "UPDATE evidence SET piece_no = 9, key_id = '2026', data = :longer",
    "another file": "UPDATE evidence SET sha256 = 'x', key_id = '2026', data = :longer",
    "another length": "UPDATE evidence SET key_id = '2026', data = :same",
    "nothing": "UPDATE evidence SET data = data",
    "deletion": "DELETE FROM evidence",
}


def test_the_database_refuses_every_other_change(town):
    engine = town.opened(FIRST)
    keep(town.opened(), SMALL)
    with unit_of_work(engine, M) as connection:
        connection.execute(
            text(
                "INSERT INTO evidence_rekey (municipality_code, rekey_no, key_id, actor, "
                "started_at, at_sha256, at_piece_no, pieces, size_bytes) "
                "VALUES (:m, 1, '2026', 't', :now, '', 0, 0, 0)"
            ),
            {"m": M, "now": NOW.isoformat()},
        )
    values = {"same": SMALL[::-1], "longer": SMALL + bytes(34)}
    for what, statement in UPDATES.items():
        bound = {name: value for name, value in values.items() if f":{name}" in statement}
        with (
            pytest.raises(DBAPIError, match="append_only: evidence"),
            unit_of_work(engine, M) as connection,
        ):
            connection.execute(text(statement), bound)
        assert stored(engine) == [("", SMALL)], what


def test_without_a_key_there_is_nothing_to_turn_to(town):
    engine = town.opened()
    assert (
        engine.get_execution_options()["kokin_keys"] is NO_KEYS
        or not engine.get_execution_options()["kokin_keys"]
    )
    with pytest.raises(ConfigurationError) as refused:
        rekey(engine, M, actor="t", at=NOW)
    assert refused.value.error_code == "encryption_key_none"


def test_nothing_else_reads_or_writes_the_bytes():
    """One door: a second one would forget to open what is sealed."""
    sql = re.compile(r"\b(?:FROM|INTO|UPDATE|JOIN) evidence\b|\bEvidenceRow")
    doors = {f"reconcile/store/{one}.py" for one in ("evidence", "rekey", "tables")}
    found = {
        name(path)
        for path in modules("payments", "qr", "reconcile", "web")
        if "migrations" not in path.parts and sql.search(path.read_text("utf-8"))
    }
    assert found <= doors

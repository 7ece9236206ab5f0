"""Outgoing events and the books behind them: clean they agree, altered each difference is named."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from engine_city import EngineCity
from hypothesis import HealthCheck, given, settings
from placing_town import DAY, M, PlacingTown, row
from reference_author import play
from reference_rows import sample_profile
from reference_strategies import scenarios
from sealed_city import take_in_city
from tampering import altered_copy, difference_names

from payments import approve
from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close
from reconcile.announce import start
from reconcile.audit.seal import seal_pending
from reconcile.model import Delivery
from reconcile.verify.events import events
from reconcile.verify.everything import verify
from reconcile.verify.walk import Store
from web.texts.labels import LABELS

if TYPE_CHECKING:
    from pathlib import Path

PAID = "kind = 'slip.paid'"
# What is altered → the names of differences that must be among those found.
ALTERED: dict[str, tuple[str, set[str]]] = {
    "an amount": (f"UPDATE event SET amount_yen = amount_yen + 1 WHERE {PAID}", {"event"}),
    "a stage": (f"UPDATE event SET state = 'confirmed' WHERE {PAID}", {"event_missing"}),
    "a day": (f"UPDATE event SET paid_on = '2020-01-01' WHERE {PAID}", {"event", "event_missing"}),
    "another slip": (f"UPDATE event SET slip_id = slip_id + 1 WHERE {PAID}", {"event"}),
    "another payment": (f"UPDATE event SET line_no = 99 WHERE {PAID}", {"event", "event_missing"}),
    "the last event gone": (
        "DELETE FROM event WHERE event_no = (SELECT MAX(event_no) FROM event)", {"event_missing"},
    ),
    "an event in the middle gone": (
        "DELETE FROM event WHERE event_no = 2", {"event_missing", "event_number"},
    ),
    "a withdrawal that never was": (
        f"UPDATE event SET kind = 'slip.payment_withdrawn', state = '' WHERE {PAID}",
        {"event", "event_missing"},
    ),
    "the beginning gone": ("DELETE FROM event_start", {"event"}),
    "a later beginning": (
        "UPDATE event_start SET journal_id = journal_id + 1, closure_no = 9", {"event"},
    ),
    "an earlier beginning": (
        "UPDATE event_start SET journal_id = 0, file_id = 0, closure_no = 0", {"event_missing"},
    ),
    "a file that was never set aside": (
        "UPDATE event SET state = 'accepted', kind = 'file.released' WHERE line_no = 0",
        {"event_missing"},
    ),
    "an event of no file": ("UPDATE event SET file_id = 999 WHERE line_no = 0", {"event"}),
    "an event of no payment": (f"UPDATE event SET file_id = NULL WHERE {PAID}", {"event"}),
    "a day re-opened instead": (
        "UPDATE event SET kind = 'day.reopened' WHERE kind = 'day.closed'", {"event_missing"},
    ),
    "a closing that was not": (
        "UPDATE event SET closure_no = 7 WHERE kind = 'day.closed'", {"event", "event_missing"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def books(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Payments before and after somebody began to listen, one withdrawn, a file, a closed day."""
    path = tmp_path_factory.mktemp("events") / "kokin.sqlite"
    shutil.copyfile(sqlite_template, path)
    town = PlacingTown(f"sqlite:///{path}")
    town.take(Delivery("before.bin", b"\x00\x02"))
    town.shop("a.csv", row(1), row(3, "02"))
    with unit_of_work(town.engine, M) as connection:
        start(connection, M)
    town.shop("b.csv", row(2), row(3))
    town.shop("c.csv", row(2, kind="03"), row(1, kind="02"))
    town.take(Delivery("strange.bin", b"\x00\x01"))
    with unit_of_work(town.engine, M) as connection:
        asked = day_close.ask(
            connection, M, day_close.CLOSE, DAY.isoformat(), asked_by="hanako", reason="締め",
            at=town.moment, despite=True,
        )  # fmt: skip
        decided = approve.decide(
            connection, M, asked.approval_id, "approved", decided_by="jiro", at=town.moment
        )
        day_close.carry_out(connection, M, decided)
    town.check()
    town.close()
    return path


@pytest.mark.parametrize("what", ALTERED)
def test_what_was_altered_is_named(books: Path, tmp_path: Path, what: str):
    statement, names = ALTERED[what]
    path = altered_copy(books, tmp_path, statement)
    assert names <= difference_names(path, M) <= {"event", "event_missing", "event_number"}


def test_every_name_has_a_word():
    named = set().union(*(names for _statement, names in ALTERED.values()))
    assert named == {"event", "event_missing", "event_number"}
    assert named - LABELS["invariant"].keys() == set()


def test_a_whole_city_is_announced_on_both_databases(database_url, sealed_folder):
    engine = open_engine(database_url)
    with unit_of_work(engine, M) as connection:
        save_profile(connection, sample_profile())
        start(connection, M)
    take_in_city(engine, sealed_folder)
    seal_pending(engine, M)
    assert verify(engine, M) == []
    with reading(engine, M) as connection:
        kinds = Counter(connection.exec_driver_sql("SELECT kind FROM event").scalars())
    engine.dispose()
    assert kinds["slip.paid"] > 50
    assert kinds["slip.payment_withdrawn"] >= 1
    assert kinds["file.quarantined"] >= 1


@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(scenarios())
def test_whatever_happens_in_invented_cities_is_announced(sqlite_template, tmp_path, steps):
    path = tmp_path / "invented.sqlite"
    for leftover in ("-wal", "-shm"):
        path.with_name(path.name + leftover).unlink(missing_ok=True)
    shutil.copyfile(sqlite_template, path)
    invented = EngineCity(f"sqlite:///{path}", sample_profile())
    with unit_of_work(invented.engine, M) as connection:
        start(connection, M)
    play(invented, steps)  # type: ignore[arg-type]  # it is asked in the model's way
    with reading(invented.engine, M) as connection:
        found = list(events(Store(connection, sample_profile())))
    invented.close()
    assert found == []

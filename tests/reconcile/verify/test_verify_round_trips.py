"""検算の往復: more files are not more questions to the database."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from reference_rows import csv_bytes, sample_profile
from reference_town import assessment
from sqlalchemy import event

from payments.store.engine import open_engine
from payments.store.municipalities import load_profile, save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.model import Delivery, FileStatus
from reconcile.pipeline import take_in
from reconcile.registers import import_assessments
from reconcile.store import evidence
from reconcile.verify.everything import papers
from reconcile.verify.walk import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

M = "99999"
DAY = date(2026, 6, 10)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A municipality without files."""
    engine = open_engine(database_url)
    with unit_of_work(engine, M) as connection:
        save_profile(connection, sample_profile())
    yield engine
    engine.dispose()


def add_files(engine: Engine, first: int, count: int) -> None:
    """So many registers of one claim, and as many files that nobody can read."""
    for number in range(first, first + count):
        row = assessment("01", 1_000 + number, notice_no=f"{number:010}")
        delivery = Delivery(f"{number}.csv", csv_bytes([row]))
        report = import_assessments(engine, M, delivery, received_on=DAY)
        assert report.status is FileStatus.ACCEPTED
        junk = Delivery(f"{number}.bin", b"?" * (number + 1))
        assert take_in(engine, M, junk, received_on=DAY).status is not FileStatus.ACCEPTED


@contextmanager
def round_trips(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How often this process has waited for the server; with SQLite, the statements."""
    found = [0]
    wait = psycopg.Connection.wait

    def counted(self: Any, *args: Any, **named: Any) -> Any:
        found[0] += 1
        return wait(self, *args, **named)

    def count(*_: object) -> None:
        found[0] += 1

    if engine.dialect.name == "postgresql":
        monkeypatch.setattr(psycopg.Connection, "wait", counted)
        yield found
        monkeypatch.undo()
        return
    event.listen(engine, "before_cursor_execute", count)
    yield found
    event.remove(engine, "before_cursor_execute", count)


def looked_at(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> int:
    """The round trips of one look at all papers."""
    with reading(engine, M) as connection:
        store = Store(connection, load_profile(connection, M))
        with round_trips(engine, monkeypatch) as found:
            assert [*papers(store)] == []
        store.close()
    return found[0]


def test_round_trips_do_not_grow_with_the_files(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_files(engine, 1, 2)
    few = looked_at(engine, monkeypatch)
    add_files(engine, 3, 10)
    assert 0 < few == looked_at(engine, monkeypatch)
    monkeypatch.setattr(evidence, "_FILES_AT_ONCE", 1)
    assert looked_at(engine, monkeypatch) > few + 20  # what is counted does see each question


def test_large_files_are_read_alone_and_small_ones_by_what_fits(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the portions are, every file has its own bytes, in the order asked for."""
    add_files(engine, 1, 4)
    monkeypatch.setattr(evidence, "_FILES_AT_ONCE", 3)
    monkeypatch.setattr(evidence, "_BYTES_AT_ONCE", 700)
    with reading(engine, M) as connection:
        store = Store(connection, load_profile(connection, M))
        files = [*store.rows("SELECT sha256, size_bytes FROM source_file "
                             "WHERE municipality_code = :m ORDER BY file_id DESC")]  # fmt: skip
        found = [
            (file.sha256, bytes_of())
            for file, bytes_of in evidence.evidence_in_order(connection, M, files)
        ]
        assert found == [
            (file.sha256, evidence.read_evidence(connection, M, file.sha256)) for file in files
        ]
        assert len(found) == 8
        assert [len(data) for _, data in found] == [file.size_bytes for file in files]
        store.close()

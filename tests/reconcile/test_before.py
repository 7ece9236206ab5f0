"""既出の照会: the process that reads a file finds the lines that have come before, and no others."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from bill_books import M
from delimited_samples import CONTEXT, barcode
from reference_rows import sample_profile
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import apart, before, plain
from reconcile.apart import reading_of
from reconcile.before import EarlierLines
from reconcile.formats import konbini_dsk
from reconcile.model import Before, ColumnedLines, Delivery, FileStatus, in_columns
from reconcile.pipeline import take_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from reconcile.model import Columns

RECEIVED = date(2026, 6, 10)


def payments(*keys: int, created_on: str = "20260610") -> bytes:
    """A file of 速報, a line for each key; a key that comes twice was paid twice."""
    return konbini_dsk.write(
        konbini_dsk.DskRow(
            "01", "20260609", "1234", barcode(f"{key:016d}"), 12300, "030", "ファミリーマート",
            "000001", "0", created_on,
        )
        for key in keys
    )  # fmt: skip


def columns_of(data: bytes, lines: int) -> Iterator[Columns]:
    """The lines of a file, so many at a time."""
    read = list(konbini_dsk.FORMAT.read(data, CONTEXT).lines)
    for start in range(0, len(read), lines):
        yield from in_columns(iter(read[start : start + lines]))


@pytest.fixture
def every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the size of the file and the machine."""
    monkeypatch.setattr(apart, "LARGE_BYTES", 0)
    monkeypatch.setattr(apart, "MIN_PROCESSORS", 1)


@pytest.fixture
def path(sqlite_template: Path, tmp_path: Path) -> Path:
    """Books of the sample municipality."""
    made = shutil.copyfile(sqlite_template, tmp_path / "books.sqlite")
    engine = open_engine(f"sqlite:///{made}")
    with unit_of_work(engine, M) as connection:
        save_profile(connection, replace(sample_profile(), cases_per_run_max=10**9))
    engine.dispose()
    return made


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    """The books themselves."""
    opened = open_engine(f"sqlite:///{path}")
    yield opened
    opened.dispose()


def took(engine: Engine, name: str, data: bytes) -> None:
    """The file is in the books."""
    report = take_in(engine, M, Delivery(name, data), received_on=RECEIVED)
    assert report.status is FileStatus.ACCEPTED


@pytest.mark.parametrize("portion", [1, 2, 9])
def test_what_is_found(engine: Engine, path: Path, portion: int) -> None:
    """Lines of earlier files, and lines that repeat one of this file, wherever it stands."""
    took(engine, "earlier.csv", payments(1, 2))
    earlier = EarlierLines(str(path), M)
    for columns in columns_of(payments(3, 1, 4, 3, 5, 3, 2), portion):
        earlier.look_for(columns)
    assert earlier.ended() == Before(earlier=[3, 8], again=[5, 7])


def test_lines_of_another_municipality_are_none_of_ours(engine: Engine, path: Path) -> None:
    """R11: the same agent reports the same key to both."""
    took(engine, "earlier.csv", payments(1))
    other = EarlierLines(str(path), "99998")
    for columns in columns_of(payments(1), 1):
        other.look_for(columns)
    assert other.ended() == Before([], [])


def _without_index(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP INDEX source_line_by_identity")


def _without_journal(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


@pytest.mark.parametrize("spoil", ["unlink", "index", "journal", "none"])
def test_books_that_cannot_be_looked_into(path: Path, spoil: str) -> None:
    """Nothing is said then, rather than that nothing came before."""
    books: str | None = str(path)
    if spoil == "unlink":
        path.unlink()
    elif spoil == "index":
        _without_index(path)
    elif spoil == "journal":
        _without_journal(path)
    else:
        books = None
    earlier = EarlierLines(books, M)
    for columns in columns_of(payments(1, 2, 3), 2):
        earlier.look_for(columns)
    assert earlier.ended() is None


def test_the_writer_goes_on_beside_it_and_behind_it(engine: Engine, path: Path) -> None:
    """It holds no lock, sees what was committed before, and nothing keeps the journal behind it."""
    took(engine, "earlier.csv", payments(1))
    earlier = EarlierLines(str(path), M)
    first, second = columns_of(payments(1, 2), 1)
    earlier.look_for(first)
    took(engine, "beside.csv", payments(2))  # which a writer that holds the books rules out
    earlier.look_for(second)
    assert earlier.ended() == Before(earlier=[2], again=[])
    with closing(sqlite3.connect(path)) as connection:
        busy, left, moved = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert (busy, left - moved) == (0, 0)


@pytest.mark.usefixtures("every_file_is_large")
def test_it_looks_when_the_books_are_held(engine: Engine, path: Path) -> None:
    """What another process commits while this one waits for the books has come before."""
    data = payments(1, 2, 3)
    with reading_of(konbini_dsk.FORMAT, data, CONTEXT, str(path)) as found:
        took_beside(path, payments(2, created_on="20260611"))
        with unit_of_work(engine, M):
            lines = found.lines
            assert isinstance(lines, ColumnedLines)
            lines.compare()
            assert len(list(lines)) == 3
    assert lines.before == Before(earlier=[3], again=[])


def took_beside(path: Path, data: bytes) -> None:
    """The same by another connection, in this process."""
    engine = open_engine(f"sqlite:///{path}")
    with pytest.MonkeyPatch.context() as small:
        small.setattr(apart, "LARGE_BYTES", 1 << 40)
        took(engine, "beside.csv", data)
    engine.dispose()


@pytest.mark.usefixtures("every_file_is_large")
def test_it_does_not_look_unasked(path: Path) -> None:
    """Nobody who holds the books has asked: whatever it saw might not hold."""
    with reading_of(konbini_dsk.FORMAT, payments(1, 1), CONTEXT, str(path)) as found:
        lines = found.lines
        assert isinstance(lines, ColumnedLines)
        assert len(list(lines)) == 2
    assert lines.before is None


KEYS = [(1, 2, 3), (3, 4, 4, 5), (4, 6, 5, 7, 7, 7), (8, 9)]
FOUND = [Before([], []), Before([2], [4]), Before([2, 4], [6, 7]), Before([], [])]
TABLES = ("source_line", "line_outcome", "receipt", "posting")


def booked(path: Path, files: Sequence[bytes]) -> list[Any]:
    """What stands in the books when these files have come, one after the other."""
    engine = open_engine(f"sqlite:///{path}")
    for number, data in enumerate(files):
        took(engine, f"{number}.csv", data)
    with reading(engine, M) as connection:
        rows = [
            connection.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4")).all()
            for table in TABLES
        ]
    engine.dispose()
    return rows


@pytest.mark.usefixtures("every_file_is_large")
@pytest.mark.parametrize("ends", [False, True])
def test_the_books_are_the_same(path: Path, monkeypatch: pytest.MonkeyPatch, *, ends: bool) -> None:
    """Whether another process has compared, nobody has, or it has ended on the way."""
    files = [payments(*keys, created_on=f"2026061{day}") for day, keys in enumerate(KEYS)]
    stated = note_what_is_stated(monkeypatch)
    here = shutil.copyfile(path, path.with_name("here.sqlite"))
    if ends:
        monkeypatch.setattr(apart, "_next", lambda _stream: None)
    compared = booked(path, files)
    assert stated == ([] if ends else FOUND)
    monkeypatch.setattr(apart, "LARGE_BYTES", 1 << 40)
    assert booked(here, files) == compared


def note_what_is_stated(monkeypatch: pytest.MonkeyPatch) -> list[Before]:
    """What the engine is told of each file."""
    stated: list[Before] = []
    state = plain.state_before

    def note(connection: Connection, scope: dict[str, Any], found: Before) -> None:
        stated.append(found)
        state(connection, scope, found)

    monkeypatch.setattr(plain, "state_before", note)
    return stated


def test_the_index_is_the_one_that_is_meant(engine: Engine) -> None:
    """By municipality and identity; never a look at all lines of a file."""
    statement = before._LOOK.format(marks="?, ?")
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", (M, "a", "b")).all()
    (said,) = [row.detail for row in plan if "source_line" in row.detail]
    assert "COVERING INDEX source_line_by_identity" in said
    assert "municipality_code=? AND identity=?" in said

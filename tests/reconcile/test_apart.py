"""別読み: what another process reads is what this one would have read, whatever becomes of it."""

from __future__ import annotations

import shutil
from dataclasses import fields, replace
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
from bill_books import M
from delimited_samples import CONTEXT, barcode
from own_layouts import description, kyodo, kyodo_line, own_context
from reference_rows import sample_profile
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import unit_of_work
from reconcile import apart
from reconcile.apart import reading_of, until_failed
from reconcile.formats import konbini_dsk
from reconcile.formats.detect import detect
from reconcile.model import Delivery, FileStatus, Finding, Reading
from reconcile.pipeline import take_in

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from reconcile.formats.contract import Format
    from reconcile.model import ReadContext

LINES = 5_000  # more than two portions


def payments(number: int = LINES, *, kind: str = "01", remitted_on: str = "0") -> bytes:
    """A file of payments of the sample municipality."""
    return konbini_dsk.write(
        konbini_dsk.DskRow(
            kind, "20260609", "1234", barcode(f"{place:016d}"), 12300, "030", "ファミリーマート",
            "000001", remitted_on, "20260610",
        )
        for place in range(number)
    )  # fmt: skip


def told(found: Reading) -> dict[str, Any]:
    """Everything that reading gives: its lines, then what the whole file says."""
    lines = list(until_failed(found))
    rest = {field.name: getattr(found, field.name) for field in fields(Reading)}
    return rest | {"lines": lines}


def format_of(data: bytes, context: ReadContext) -> Format:
    """The one format that claims the file."""
    found = detect(data, context.profile)
    assert not isinstance(found, Finding)
    return found


@pytest.fixture(autouse=True)
def every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the size of the file and the machine."""
    monkeypatch.setattr(apart, "LARGE_BYTES", 0)
    monkeypatch.setattr(apart, "MIN_PROCESSORS", 1)


OWN = own_context(description("konbini_kyodo"))


@pytest.mark.parametrize(
    ("data", "context"),
    [
        (payments(), CONTEXT),
        (payments(2) + b"01,20260609,1234\r\n", CONTEXT),  # fails its own checks
        (kyodo(kyodo_line(), kyodo_line(yen=500)), OWN),  # a described layout
    ],
)
def test_all_is_told(data: bytes, context: ReadContext) -> None:
    """Lines, findings and totals are those of reading here, for every kind of file."""
    found = format_of(data, context)
    here = told(found.read(data, context))
    with reading_of(found, data, context) as reading:
        assert told(reading) == here


def test_it_is_read_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process reads no line of a large file."""
    data = payments()

    def read_here(*_anything: object) -> Any:
        raise AssertionError

    monkeypatch.setattr(apart, "until_failed", read_here)
    with reading_of(konbini_dsk.FORMAT, data, CONTEXT) as reading:
        assert len(list(reading.lines)) == LINES


@pytest.mark.parametrize("portions", [0, 1, 2])
def test_the_rest_is_read_here(monkeypatch: pytest.MonkeyPatch, portions: int) -> None:
    """A process that ends half way is no reason to lose the file, or a line of it."""
    data = payments()
    here = told(konbini_dsk.FORMAT.read(data, CONTEXT))
    answers = iter(range(portions))
    ask = apart._next
    monkeypatch.setattr(
        apart, "_next", lambda stream: None if next(answers, None) is None else ask(stream)
    )
    with reading_of(konbini_dsk.FORMAT, data, CONTEXT) as reading:
        assert told(reading) == here


@pytest.mark.parametrize("program", ["/bin/false", "/there/is/no/such/program"])
def test_a_process_that_never_begins(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """It reads nothing and says nothing, or there is none at all."""
    data = payments()
    here = told(konbini_dsk.FORMAT.read(data, CONTEXT))
    monkeypatch.setattr("sys.executable", program)
    with reading_of(konbini_dsk.FORMAT, data, CONTEXT) as reading:
        assert told(reading) == here


def test_a_process_that_has_ended_before_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be sent to it is no reason to stumble, now or when it is put away."""
    data = payments()
    here = told(konbini_dsk.FORMAT.read(data, CONTEXT))
    start = apart._start

    def ended() -> subprocess.Popen[bytes]:
        reader = start()
        assert reader is not None
        reader.wait(120)
        return reader

    monkeypatch.setattr("sys.executable", "/bin/false")
    monkeypatch.setattr(apart, "_start", ended)
    with reading_of(konbini_dsk.FORMAT, data, CONTEXT) as reading:
        assert told(reading) == here


def test_it_ends_when_nobody_asks_for_the_rest() -> None:
    """Leaving early leaves nothing behind and waits for nothing."""
    with reading_of(konbini_dsk.FORMAT, payments(), CONTEXT) as reading:
        assert len(list(islice(reading.lines, 3))) == 3


def test_the_books_are_the_same(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that come in columns are written as they are, and name their remittance."""
    data = payments(40, kind="02", remitted_on="20260615")
    books = []
    for least in (0, len(data) + 1):  # read elsewhere, read here
        monkeypatch.setattr(apart, "LARGE_BYTES", least)
        path = shutil.copyfile(sqlite_template, tmp_path / f"{least}.sqlite")
        engine = open_engine(f"sqlite:///{path}")
        with unit_of_work(engine, M) as connection:
            save_profile(connection, replace(sample_profile(), cases_per_run_max=10**9))
        report = take_in(engine, M, Delivery("kakuho.csv", data), received_on=date(2026, 6, 10))
        assert report.status is FileStatus.ACCEPTED
        with unit_of_work(engine, M) as connection:
            rows = [
                connection.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2, 3")).all()
                for table in ("source_line", "line_outcome", "remittance_group")
            ]
        engine.dispose()
        books.append(rows)
    lines, _, groups = books[0]
    assert (len(lines), len(groups)) == (40, 1)
    assert books[0] == books[1]

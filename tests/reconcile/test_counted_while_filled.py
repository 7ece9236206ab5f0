"""PostgreSQL's worker that tidies up comes in the middle of a large file: it sees no row of it yet.

From then on the tables of the file count as empty, and look-ups and foreign keys are checked by
whatever index comes first: through all rows of the city.
"""

from __future__ import annotations

from datetime import date

import psycopg
import pytest
from bill_books import ASSESSED_ON, M
from equal_bills import EqualBills, Report
from reference_rows import sample_profile
from sqlalchemy import make_url

from payments import assess, enrol, names
from payments.store import statistics
from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import unit_of_work
from reconcile import pipeline, registers
from reconcile.model import Delivery, FileStatus
from reconcile.pipeline import take_in
from reconcile.registers import import_assessments, import_slips

pytestmark = pytest.mark.postgres

BILLS = EqualBills(700)
# Tables with rows of this size on more pages than one: whoever takes those for empty errs.
_FULL = """
SELECT relname::text FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
  AND pg_relation_size(oid) > 8192"""


class Worker:
    """自動VACUUM, as it may come at any time; what it leaves said to be empty is looked for."""

    def __init__(self, url: str) -> None:
        """On a connection of its own."""
        address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self.connection = psycopg.connect(address, autocommit=True)
        self.came = 0

    def come(self) -> None:
        """It leaves alone what others hold, as autovacuum does."""
        tables = [name for (name,) in self.connection.execute(_FULL)]
        if tables:
            self.connection.execute(f"VACUUM (SKIP_LOCKED) {', '.join(tables)}".encode())
        self.came += 1

    def said_empty(self) -> list[str]:
        """Tables with pages that PostgreSQL takes for empty."""
        found = self.connection.execute(f"{_FULL} AND relpages > 0 AND reltuples = 0 ORDER BY 1")
        return [name for (name,) in found]


@pytest.fixture
def worker(postgres_url, monkeypatch):
    """The worker; a few hundred lines are a large file here."""
    monkeypatch.setattr(statistics, "LARGE_FILE", 150)
    monkeypatch.setattr(registers, "_REPORT_EVERY", 50)
    for module in (assess, enrol):
        monkeypatch.setattr(module, "BATCH_LINES", 100)
    monkeypatch.setattr(names, "_AT_ONCE", 100)
    found = Worker(postgres_url)
    yield found
    found.connection.close()


@pytest.fixture
def engine(postgres_url):
    """The books of a city that has nothing yet."""
    engine = open_engine(postgres_url)
    with unit_of_work(engine, M) as connection:
        save_profile(connection, sample_profile())
    yield engine
    engine.dispose()


def _imported(worker, engine, importer, data):
    """While it is imported the worker comes every 50 lines; what was said to be empty meanwhile."""
    seen = set()

    def progress(number):
        if number > 200:  # 100 lines are no large file yet; 200 were counted
            seen.update(worker.said_empty())
        worker.come()

    report = importer(
        engine, M, Delivery("a.csv", data), received_on=ASSESSED_ON, progress=progress
    )
    assert report.status is FileStatus.ACCEPTED, report.findings[:3]
    return seen | set(worker.said_empty())


def test_registers_know_what_they_fill(worker, engine):
    for importer, data in (
        (import_assessments, BILLS.assessments()),
        (import_slips, BILLS.slips()),
    ):
        assert _imported(worker, engine, importer, data) == set()
    assert worker.came > 20


def _paid(first, last):
    return [
        Report("01", bill, "2026-06-05", f"{bill % 24:02d}00", f"{bill:06d}")
        for bill in range(first, last + 1)
    ]


def test_intake_knows_what_it_fills(worker, engine, monkeypatch):
    # 300 payments of bills, two of them paid once more and twice (that takes turns), and 200 of
    # numbers that nobody has issued (cases, whose events are checked against them).
    for importer, data in (
        (import_assessments, BILLS.assessments()),
        (import_slips, BILLS.slips()),
    ):
        assert importer(engine, M, Delivery("a.csv", data), received_on=ASSESSED_ON).count == 700
    reports = [*_paid(1, 300), _paid(1, 1)[0]._replace(place="000701"), *_paid(801, 1000)]
    seen = []

    def tells(module, name, *, before=False, after=False):
        plain = getattr(module, name)

        def told(*args, **named):
            if before:
                seen.append((name, worker.said_empty()))
            answer = plain(*args, **named)
            if after:
                worker.come()
            return answer

        monkeypatch.setattr(module, name, told)

    tells(pipeline, "write_lines", after=True)
    tells(pipeline.post, "book", before=True, after=True)
    tells(pipeline.match, "find_partners", before=True)
    tells(pipeline.flag, "_timed", after=True)
    tells(pipeline.flag, "_set_deadlines", before=True)
    data = BILLS.shop_file(reports, "20260606")
    report = take_in(engine, M, Delivery("shop.csv", data), received_on=date(2026, 6, 6))
    assert (report.status, report.count, report.cases_opened) == (FileStatus.ACCEPTED, 501, 201)
    seen.append(("at the end", worker.said_empty()))
    assert {name for name, _ in seen} == {"book", "find_partners", "_set_deadlines", "at the end"}
    assert [(name, empty) for name, empty in seen if empty] == []

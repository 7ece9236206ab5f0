"""The way of a file on both databases: doors, deliveries, another try, and the job's own words."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from inbox_files import payments
from sqlalchemy import text

import sample_data
from payments.domain.errors import NotFoundError, RefusedError
from payments.store.unit_of_work import reading
from reconcile.file_view import Wanted, list_files
from web import clock
from web.inbox import reception
from web.inbox.deliveries import Way
from web.inbox.folders import make_folders
from web.inbox.reception import original, receive, retry
from web.jobs.contract import JobContext
from web.jobs.inbox import anything_in_inbox, inbox

DAY = date(2026, 6, 3)
GOLDEN = Path(sample_data.__file__).parent / "golden"


@pytest.fixture
def bring(books):
    def take(name, data, *way):
        return receive(
            books.settings, books.engine, "99999", name, data, Way(*way), received_on=DAY
        )

    return take


def arrivals(books):
    with reading(books.engine, "99999") as connection:
        rows = connection.execute(
            text("SELECT came_by, folder, status FROM file_delivery ORDER BY delivery_no")
        )
        return [tuple(row) for row in rows]


def test_the_same_file_by_every_way_is_one_file_with_every_arrival(books, bring):
    data = payments(800_000)
    reports = [
        bring("a.csv", data, "inbox", "schedule", "bank"),
        bring("a.csv", data, "upload", "kaikei", "konbini"),
        bring("b.csv", data, "command", "cli"),
    ]
    assert len({report.file_id for report in reports}) == 1
    assert arrivals(books) == [
        ("inbox", "bank", "quarantined"),
        ("upload", "konbini", "accepted"),
        ("command", "", "duplicate_file"),
    ]
    with reading(books.engine, "99999") as connection:
        page = list_files(connection, "99999", Wanted(channel="konbini"))
        assert (page.total, page.files[0].received_on) == (1, DAY)
        assert list_files(connection, "99998", Wanted()).total == 0


def test_by_command_the_word_of_the_operator_stands(bring):
    foreign = payments(800_000, "54321")
    assert bring("a.csv", foreign, "inbox", "schedule").status.value == "refused"
    assert bring("a.csv", foreign, "command", "cli").status.value == "accepted"


def test_another_try_needs_a_file_that_was_set_aside(books, bring):
    report = bring("leer.csv", b"", "upload", "kaikei")
    again = retry(
        books.settings, books.engine, "99999", report.file_id, actor="kaikei", received_on=DAY
    )
    assert (again.status.value, again.file_id) == ("refused", report.file_id)
    good = bring("a.csv", payments(800_000), "upload", "kaikei")
    with pytest.raises(RefusedError, match="file_accepted"):
        retry(books.settings, books.engine, "99999", good.file_id, actor="x", received_on=DAY)
    with pytest.raises(NotFoundError, match="file"):
        retry(books.settings, books.engine, "99999", 77, actor="x", received_on=DAY)


def test_the_original_comes_in_pieces(books, bring, monkeypatch):
    data = payments(800_000)
    good = bring("a.csv", data, "upload", "kaikei")
    monkeypatch.setattr(reception, "PIECE_BYTES", 100)
    found = original(books.engine, "99999", good.file_id)
    pieces = list(found.pieces)
    assert (found.name, found.size_bytes, b"".join(pieces)) == ("a.csv", len(data), data)
    assert [len(piece) for piece in pieces[:-1]] == [100] * (len(data) // 100)


@pytest.mark.parametrize(
    ("name", "claim"),
    [("zengin_statement/reference.dat", "bank"), ("eltax_remittance/example.csv", "advice")],
)
def test_what_names_no_slips_is_held_against_the_folder_alone(bring, name, claim):
    data = (GOLDEN / name).read_bytes()
    aside = bring(name, data, "inbox", "schedule", "debit")
    assert [finding.code for finding in aside.findings] == ["other_channel"]
    there = bring(name, data, "inbox", "schedule", claim)
    assert "other_channel" not in [finding.code for finding in there.findings]


def test_the_job_takes_in_what_lies_in_the_folders_of_its_municipality(books):
    settings = books.settings.model_copy(update={"inbox_settle_seconds": 0, "municipality": ""})
    said: list[str] = []
    context = JobContext(settings, books.engine, "99999", clock.now(), "schedule", said.append)
    make_folders(settings, "99999")
    assert not anything_in_inbox(context)
    (settings.inbox_folder / "a.csv").write_bytes(payments(800_000))
    (settings.inbox_folder / "99999" / "konbini" / "b.csv").write_bytes(payments(800_010))
    (settings.inbox_folder / "99999" / "debit" / "c.csv").write_bytes(payments(800_020))
    assert anything_in_inbox(context)
    assert inbox(context).totals["accepted"] == 2
    assert not anything_in_inbox(context)
    assert sorted(arrivals(books)) == [
        ("inbox", "", "accepted"),
        ("inbox", "debit", "quarantined"),
        ("inbox", "konbini", "accepted"),
    ]

"""検算: what is written down of a file as a whole, and its findings, altered on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from altered_rows import named
from placing_town import M, PlacingTown, row
from sqlalchemy import text

from payments.store.unit_of_work import unit_of_work
from reconcile.formats import konbini_dsk
from reconcile.model import Delivery, FileStatus
from reconcile.verify.files import evidence_and_lines

AT = datetime(2026, 6, 20, 1, tzinfo=UTC)
LATE = date(2026, 6, 24)


@pytest.fixture
def town(database_url):
    """A file that was brought and taken in, one that was cut short, and one that is nothing."""
    town = PlacingTown(database_url)
    town.shop("shop.csv", row(1, kind="02"))
    cut = konbini_dsk.write([row(2, kind="02")])[:-20]
    assert town.take(Delivery("cut.csv", cut)).status is FileStatus.QUARANTINED
    assert town.take(Delivery("other.bin", b"nothing")).status is FileStatus.REFUSED
    yield town
    town.close()


def found(town, change=""):
    """Name and subject of what the check of the files finds."""
    return named(town.engine, M, evidence_and_lines, change)


def test_a_file_said_to_be_another_is_named(town):
    number = town.files["shop.csv"]
    for change in (
        "received_on = '2026-06-19'",
        "received_on = '2026-07-01'",
        "agent = 'x'",
        "channel = 'eltax'",
        "created_on = '2026-01-01'",
    ):
        told = found(town, f"UPDATE source_file SET {change} WHERE file_id = {number}")
        assert told == [("source_file", f"file:{number}")], change
    # Nor one that was set aside, nor a register.
    cut = town.files["cut.csv"]
    told = found(town, f"UPDATE source_file SET agent = 'x' WHERE file_id = {cut}")
    assert told == [("source_file", f"file:{cut}")]
    for column in ("count", "amount_yen"):
        told = found(town, f"UPDATE source_file SET {column} = {column} + 1 WHERE file_id = {cut}")
        assert told == [("file_totals", f"file:{cut}")]
    told = found(town, "UPDATE source_file SET agent = 'x' WHERE channel = 'register'")
    assert [name for name, _subject in told] == ["source_file"] * 2


def test_a_file_that_stands_otherwise_than_what_stopped_it_is_named(town):
    cut, other = town.files["cut.csv"], town.files["other.bin"]
    slips = "(SELECT MAX(file_id) FROM source_file WHERE channel = 'register')"
    change = "UPDATE source_file SET status = '{}' WHERE file_id = {}"
    for status, file_id in (
        ("received", cut),
        ("refused", cut),
        ("quarantined", other),
        ("quarantined", slips),
        ("received", slips),
    ):
        told = found(town, change.format(status, file_id))
        assert [name for name, _subject in told] == ["file_status"], (status, file_id)


def test_a_finding_that_no_reader_made_is_named(town):
    cut = town.files["cut.csv"]
    for change in (
        "code = 'x'",
        "severity = 'warning'",
        "line_no = 77",
        "byte_offset = 7",
        "field = 'x'",
        "found = 'x'",
        "expected = 'x'",
        "finding_no = 9",
    ):
        told = found(town, f"UPDATE finding SET {change} WHERE file_id = {cut} AND finding_no = 1")
        assert ("finding", f"file:{cut} finding:1") in told, change
    shop, cut, other = (town.files[name] for name in ("shop.csv", "cut.csv", "other.bin"))
    added = (
        "INSERT INTO finding (municipality_code, file_id, finding_no, code, severity, field, "
        "found, expected) VALUES ('99999', {}, 9, 'x', 'warning', '', '', '')"
    )
    assert found(town, added.format(shop)) == [("finding", f"file:{shop} finding:9")]
    register = added.format(f"(SELECT MIN(file_id) FROM source_file WHERE file_id < {shop})")
    assert [name for name, _subject in found(town, register)] == ["finding"]
    gone = f"DELETE FROM finding WHERE file_id = {cut}"
    assert {name for name, _subject in found(town, gone)} == {"file_status", "finding"}
    told = found(town, f"UPDATE finding SET found = 'x' WHERE file_id = {other}")
    assert told == [("finding", f"file:{other} finding:1")]


def test_a_file_that_came_for_a_closed_day_is_booked_on_the_next_open_one(town):
    with unit_of_work(town.engine, M) as connection:
        connection.execute(
            text(
                "INSERT INTO day_closure (municipality_code, closure_no, period, event, ends_on, "
                "closed_until, closed_year, journal_id, report_json, report_sha256, approval_id, "
                "asked_by, decided_by, reason, made_at) SELECT '99999', 1, 'day', 'closed', :day, "
                ":day, 0, MAX(journal_id), '', '', 1, 'hanako', 'jiro', '', :at FROM journal"
            ),
            {"day": LATE.isoformat(), "at": AT.isoformat()},
        )
    late = town.shop("late.csv", row(3, kind="02")).file_id
    assert found(town) == []
    moved = f"UPDATE source_file SET received_on = '2026-06-26' WHERE file_id = {late}"
    assert found(town, moved) == [("source_file", f"file:{late}")]

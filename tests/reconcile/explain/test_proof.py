"""What a look at an explanation proves of the evidence, and what it leaves until it is asked."""

from __future__ import annotations

from datetime import date

import pytest
from bill_books import M, open_bills
from equal_bills import EqualBills, Report
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.explain import proof
from reconcile.explain.answer import line_story
from reconcile.explain.model import Explanation
from reconcile.explain.proof import proven
from reconcile.model import Delivery
from reconcile.pipeline import take_in

DAY = date(2026, 6, 10)


@pytest.fixture
def books(database_url):
    """Two bills, each reported by a file of its own."""
    bills = EqualBills(2)
    engine = open_bills(database_url, bills)
    for bill in (1, 2):
        paid = Report("01", bill, "2026-06-09", "10:15", "1234567")
        take_in(
            engine,
            M,
            Delivery(f"{bill}.csv", bills.shop_file([paid], "2026-06-10")),
            received_on=DAY,
        )
    yield engine
    engine.dispose()


@pytest.fixture
def read(monkeypatch):
    """The hashes of the files that were read whole, in order."""
    found = []
    digest = proof.stored_digest

    def noted(connection, municipality_code, sha256):
        found.append(sha256)
        return digest(connection, municipality_code, sha256)

    monkeypatch.setattr(proof, "stored_digest", noted)
    return found


def _told(books, most_bytes=None):
    with reading(books, M) as connection:
        places = connection.execute(
            text("SELECT file_id, line_no FROM source_line ORDER BY file_id, line_no")
        )
        stories = tuple(line_story(connection, M, *place) for place in places.all())
        found = proven(connection, M, Explanation({}, stories), most_bytes)
    return [story.evidence for story in found.stories]


def _past_its_guards(books, statement, **values):
    """A change of the first file's bytes that no guard refuses."""
    sha256 = _told(books)[0].sha256
    with unit_of_work(books, M) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE evidence DISABLE TRIGGER USER"))
        else:
            guards = (
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'evidence'"
            )
            for (name,) in connection.execute(text(guards)).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text(statement), {"sha256": sha256} | values)


def test_every_file_is_proven_and_read_once(books, read):
    evidence = _told(books)
    assert [each.proof for each in evidence] == ["intact", "intact"]
    assert read == [each.sha256 for each in evidence]


def test_nothing_is_read_whole_unless_it_is_to_be_proven(books, read):
    evidence = _told(books, most_bytes=0)
    assert [each.proof for each in evidence] == ["unproven", "unproven"]
    assert all(each.hex for each in evidence)
    assert read == []


def test_files_are_proven_as_long_as_all_together_are_within_the_bound(books):
    first, second = (each.size_bytes for each in _told(books))
    proofs = [each.proof for each in _told(books, most_bytes=first + second - 1)]
    assert proofs == ["intact", "unproven"]
    assert [each.proof for each in _told(books, first + second)] == ["intact", "intact"]


def test_bytes_that_were_altered_are_said_to_be_so(books):
    _past_its_guards(books, "UPDATE evidence SET data = :data WHERE sha256 = :sha256", data=b"x")
    assert [each.proof for each in _told(books)] == ["altered", "intact"]


def test_bytes_that_are_gone_are_missing_even_unproven(books):
    _past_its_guards(books, "DELETE FROM evidence WHERE sha256 = :sha256")
    assert [each.proof for each in _told(books)] == ["missing", "intact"]
    assert [each.proof for each in _told(books, 0)] == ["missing", "unproven"]

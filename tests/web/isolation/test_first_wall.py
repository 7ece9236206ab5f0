"""R11, the first wall: every statement names the municipality of every table that it touches.

The routes and commands of this folder are watched by its fixture; here are the stories behind them
that they do not tell, from a register to the sealed and verified books.
"""

from __future__ import annotations

from datetime import date

import pytest
from first_wall import across_places, loose, statements
from scoped_sql import unscoped

from payments.store.engine import open_engine
from reconcile.audit.seal import seal_pending
from reconcile.day_totals import summarise
from reconcile.model import Delivery
from reconcile.pipeline import take_in
from reconcile.registers import import_assessments, import_slips
from reconcile.verify.everything import verify
from reconcile.waiting import reconcile_waiting
from sample_data.city import generate
from web.commands.session import Session
from web.commands.setup import enter, sample_profile
from web.config import Settings

CODE = "99999"
DAY = date(2026, 6, 1)


def test_a_city_from_its_registers_to_the_verified_books(sqlite_url, tmp_path):
    session = Session(Settings(home=tmp_path, database_url=sqlite_url))
    enter(session, sample_profile())
    generate.make(tmp_path / "city", obligors=40, days=2, seed=11, start=DAY)
    engine = open_engine(sqlite_url)
    with statements() as issued:
        for name, take in (("assessments.csv", import_assessments), ("slips.csv", import_slips)):
            delivery = Delivery(name, (tmp_path / "city" / name).read_bytes())
            take(engine, CODE, delivery, received_on=DAY)
        for folder in sorted((tmp_path / "city" / "inbox").iterdir()):
            for path in sorted(folder.iterdir()):
                delivery = Delivery(path.name, path.read_bytes())
                take_in(engine, CODE, delivery, received_on=date.fromisoformat(folder.name))
        reconcile_waiting(engine, CODE, as_of=DAY)
        summarise(engine, CODE)
        seal_pending(engine, CODE)
        assert verify(engine, CODE) == []
    engine.dispose()
    session.close()
    assert len(issued) > 200
    assert loose(issued) == []
    assert across_places(issued) == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("SELECT * FROM a", {"a"}),
        ("SELECT * FROM a WHERE municipality_code = ?", set()),
        ("SELECT * FROM a WHERE municipality_code = ? OR id = 1", {"a"}),
        ("SELECT * FROM a JOIN b ON b.id = a.id WHERE a.municipality_code = ?", {"b"}),
        ("SELECT * FROM a JOIN b USING (municipality_code) WHERE a.municipality_code = ?", set()),
        ("SELECT * FROM a, b WHERE a.municipality_code = b.municipality_code", {"a", "b"}),
        ("SELECT 1 UNION ALL SELECT id FROM a", {"a"}),
        (
            "SELECT * FROM a WHERE a.municipality_code = ? AND a.id IN (SELECT b.id FROM b)",
            {"b"},
        ),
        (
            "WITH q AS (SELECT 1 FROM a WHERE municipality_code = ?) SELECT * FROM q, b",
            {"b"},
        ),
        ("UPDATE a SET c = 1 WHERE id = 1", {"a"}),
        ("UPDATE a SET c = 1 FROM (SELECT 1 AS x) q WHERE municipality_code = ?", set()),
        ("UPDATE a SET c = 1 FROM b WHERE a.municipality_code = ? AND a.id = b.id", {"b"}),
        ("DELETE FROM a", {"a"}),
        ("DELETE FROM a WHERE municipality_code = ?", set()),
        ("INSERT INTO a (x) VALUES (1)", {"a"}),
        ("INSERT INTO a (municipality_code, x) SELECT municipality_code, x FROM b", {"b"}),
    ],
)
def test_a_statement_that_forgets_a_municipality_is_found(statement, found):
    assert unscoped(statement, {"a", "b"}) == found

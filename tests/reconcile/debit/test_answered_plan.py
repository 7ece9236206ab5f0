"""What a bank has answered is looked for in the files of those days, however many lines there are.

The day report asks it of every batch of the last hundred days, ten times a day.
"""

from __future__ import annotations

import pytest
from sqlalchemy import text

from payments.store.engine import open_engine
from reconcile.debit import results

WHERE = {"m": "99999", "ref": "", "consignor": "1|%", "begin": "2026-06-01", "end": "2026-07-01"}


@pytest.mark.parametrize("statement", [results._LINES, results._ANSWERED], ids=["lines", "sums"])
def test_sqlite_begins_with_the_files(sqlite_url, statement):
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        plan = (
            connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"), WHERE)
            .scalars("detail")
            .all()
        )
        steps = [step for step in plan if step.startswith("SEARCH")]
    engine.dispose()
    assert [step.partition(" (")[2] for step in steps] == [
        "municipality_code=? AND received_on>? AND received_on<?)",
        "municipality_code=? AND file_id=?)",
    ]

"""A day costs what the day holds: its report looks nothing up by walking through all there ever was.

The statistics of SQLite are stated once for all installations (``payments.store.statistics``), so a
plan of the empty database is the plan of every city.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from reference_rows import sample_profile
from sqlalchemy import event, text

from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.report import dunning
from reconcile.report.period import day_report, month_report

# Few rows a day, and all of them count: the ledger by day, statements and what they credit, ...
SUMMED = {"day_total", "bank_line", "remittance_group"}
SUMMED_UP = "INSERT INTO books_mark VALUES (?, 0, 0, 0, 0, 0)"  # as the night leaves them
LARGE = {
    "assessment_event", "instalment", "instalment_account", "journal", "line_outcome", "notice",
    "posting", "receipt", "source_file", "source_line",
}  # fmt: skip
# The first and the last of a key are one look-up each, whatever the plan calls it.
ENDS = ("MIN(received_on)", "MAX(journal_id)")
WALKS = ("(municipality_code=?)", "(ANY(")


@pytest.mark.parametrize("report", [day_report, month_report], ids=["day", "month"])
def test_no_statement_of_a_report_walks_through_a_large_table(sqlite_url, report):
    engine = open_engine(sqlite_url)
    profile = sample_profile()
    with unit_of_work(engine, profile.municipality_code) as connection:
        save_profile(connection, profile)
        connection.exec_driver_sql(SUMMED_UP, (profile.municipality_code,))
    said = []

    @event.listens_for(engine, "before_cursor_execute")
    def listen(_connection, _cursor, statement, values, *_rest):
        said.append((statement, values))

    with reading(engine, profile.municipality_code) as connection:
        report(connection, profile, date(2026, 6, 2))
        event.remove(engine, "before_cursor_execute", listen)
        walks = {
            (step, " ".join(statement.split())[:90])
            for statement, values in said
            for step in _steps(connection, statement, values)
            if any(walk in step for walk in WALKS) and _table(step, statement) in LARGE
        }
    engine.dispose()
    assert len(said) > 20
    assert walks == set()


def test_a_dunning_preview_reads_each_ground_once_and_not_for_every_instalment(sqlite_url):
    """Two months of dues cost 17 seconds when open cases were read again for each open claim."""
    engine = open_engine(sqlite_url)
    values = {"m": "99999", "as_of": "2026-06-02", "complete": "2026-06-01", "limit": "2026-05-13"}
    with reading(engine, "99999") as connection:
        plan = connection.execute(text(f"EXPLAIN QUERY PLAN {dunning._PREVIEW}"), values).all()
    engine.dispose()
    above = {step.id: step for step in plan}
    repeated = []
    for step in plan:
        line = [step.detail]
        while step.parent in above:
            step = above[step.parent]  # noqa: PLW2901  # up to what it is a part of
            line.append(step.detail)
        if any("CORRELATED" in part for part in line):
            repeated.append(line[0])
    # Whether a hold was lifted is asked of each hold, and of nothing else.
    assert {detail.split()[1] for detail in repeated if detail.startswith("SEARCH")} == {"e"}


def _steps(connection, statement, values):
    if not statement.lstrip().startswith(("SELECT", "WITH")) or any(map(statement.count, ENDS)):
        return []
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    return [step for step in plan.scalars("detail").all() if step.startswith("SEARCH")]


def _table(step, statement):
    """The table that a step is about; a plan calls it as the statement does."""
    name = step.split()[1]
    words = statement.replace(",", " ").split()
    return next(
        (table for table, alias in pairwise(words)
         if alias == name and table in LARGE | SUMMED),
        name,
    )  # fmt: skip

"""検算・確認事項: a case stands as its history says; closed past its history, it is named."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from credit_town import DSK, CreditTown
from sqlalchemy import text

from payments.store.unit_of_work import unit_of_work
from reconcile import case_deadlines, cases
from reconcile.rules import CASE_OUTCOMES
from reconcile.verify import cases as verified

DAY = date(2026, 7, 7)
BY: dict[str, Any] = {"actor": "kaikei", "on": DAY}


@pytest.fixture
def town(database_url):
    """Two credits that fit nothing, each with its case."""
    town = CreditTown(database_url)
    town.credited(1_234, "", payer_code=DSK)
    town.credited(4_321, "", payer_code=DSK)
    yield town
    town.city.close()


def altered(town, statement):
    """What verify says of the cases after a hand was at them."""
    with unit_of_work(town.engine, town.code) as connection:
        assert connection.execute(text(statement)).rowcount >= 1
    return [found for found in town.differences() if found.startswith("review_case ")]


def test_whatever_people_do_and_take_back_stands_as_the_history_says(town):
    with unit_of_work(town.engine, town.code) as connection:
        cases.acknowledge(connection, town.code, 1, **BY)
        cases.assign(connection, town.code, 1, "hanako", **BY)
        cases.add_note(connection, town.code, 1, "照会中", **BY)
        cases.accept(connection, town.code, 1, "端数", **BY)
        cases.undo(connection, town.code, 1, 5, **BY)
        cases.undo(connection, town.code, 1, 3, **BY)
        cases.accept(connection, town.code, 2, "端数", **BY)
    assert town.ask("SELECT state || owner FROM review_case WHERE case_no = 1") == (
        "acknowledgedkaikei"
    )
    assert town.differences() == []


@pytest.mark.parametrize(
    "change",
    [
        "state = 'resolved'",
        "owner = 'hanako'",
        "opened_on = DATE '2026-01-01'",
        "subject = '9:9'",
        "kind = 'conflict'",
        "amount_yen = amount_yen + 1",
        "due_on = DATE '2026-12-01'",
        "due_on = NULL",
    ],
)
def test_a_case_that_was_altered_is_named(town, change):
    if town.engine.dialect.name == "sqlite":
        change = change.replace("DATE ", "")
    (found,) = altered(town, f"UPDATE review_case SET {change} WHERE case_no = 1")
    assert found.startswith("review_case case:1")


def test_a_deadline_that_somebody_set_counts_until_it_is_taken_back(town):
    with unit_of_work(town.engine, town.code) as connection:
        cases.set_deadline(connection, town.code, 1, date(2026, 8, 3), **BY)
        cases.set_deadline(connection, town.code, 2, date(2026, 8, 4), **BY)
        cases.undo(connection, town.code, 2, 2, **BY)
    assert town.differences() == []
    until = town.ask("SELECT MAX(CAST(due_on AS VARCHAR(10))) FROM review_case WHERE case_no = 2")
    swapped = f"UPDATE review_case SET due_on = '{until}' WHERE case_no = 1"
    assert altered(town, swapped) == [f"review_case case:1: due_on=2026-08-03 / due_on={until}"]


def test_the_two_lists_of_deadlines_say_the_same():
    """Verify has a list of its own, which is to follow a change that is meant."""
    kinds = set(verified._DAYS).union(*case_deadlines.SOONER.values())
    ours = {kind: verified._DAYS.get(kind, verified._DAYS[""]) for kind in kinds}
    assert ours == {kind: case_deadlines.days_of(kind) for kind in kinds}
    assert len(kinds) > len(CASE_OUTCOMES & kinds) > 0  # of lines, and of what time brings

"""時効と督促: what is extinct is never dunned, what is near its end comes first (地方税法18条)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from dunning_town import AT, ON, DunningTown, M
from years_town import claim

from payments.domain.holds import HoldKind
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.audit.seal import seal_pending
from reconcile.dunning import explain, pull, recheck, rows
from reconcile.dunning.limits import Near, near_of
from reconcile.verify.everything import verify

EXTINCT, SOON = "2021-06-30", "2021-07-26"  # five years before and after the list of 20 July 2026


@pytest.fixture
def town(database_url):
    made = DunningTown(database_url)
    yield made
    made.close()


def _near(town, list_no):
    with reading(town.engine, M) as connection:
        page = rows.near_rows(connection, M, list_no, most=1)
        more = rows.near_rows(
            connection, M, list_no, after=(str(page[0].last_on), page[0].notice_id, page[0].term)
        )
        found = [(int(row.notice_no), str(row.last_on)) for row in page + more]
        return near_of(connection, M, list_no), found


def test_what_is_extinct_is_held_back_and_what_is_near_comes_first(town):
    town.assess(
        claim(1, 2021, 10_000, due=EXTINCT),
        claim(2, 2021, 9_000, due="2021-07-30"),
        claim(3, 2021, 8_000, due=SOON),
        claim(4, 2021, 10_000, due="2022-01-31"),  # not near yet
        claim(5, 2021, 10_000, due=EXTINCT),  # collection was put off for a year
        claim(6, 2021, 10_000, due=EXTINCT, flags="dunning_hold"),
        on="2021-04-10",
    )
    town.hold("901/2021/0000000005", HoldKind.COLLECTION, "2023-01-01", "2023-12-31")
    list_no = town.draw()
    assert town.grounds(list_no) == {
        (1, "01"): "prescribed",
        (2, "01"): "",
        (3, "01"): "",
        (4, "01"): "",
        (5, "01"): "",
        (6, "01"): "prescribed",
    }
    assert _near(town, list_no) == (
        Near(2, 17_000, date(2026, 7, 26)),
        [(3, "2026-07-26"), (2, "2026-07-30")],
    )
    with reading(town.engine, M) as connection:
        (row,) = explain.of_person(connection, M, list_no, f"{6:012d}").rows
    assert row.grounds == ("prescribed", "held")
    assert ("prescribed", "limitation:2026-06-30") in row.evidence
    assert row.last_on == date(2026, 6, 30)
    # A list of other dues freezes nothing about these.
    other = town.draw(due_from=date(2021, 12, 1))
    assert town.rows("SELECT * FROM dunning_limitation WHERE list_no = :n", n=other) == []
    seal_pending(town.engine, M)
    assert verify(town.engine, M) == []


def test_what_becomes_extinct_before_the_dispatch_is_taken_out(town):
    town.assess(claim(1, 2021, 10_000, due=SOON), claim(2, 2026, 10_000), on="2026-04-10")
    list_no = town.draw()
    town.approve(list_no)
    with unit_of_work(town.engine, M) as connection:

        def drawn(on):
            return pull.second_draw(
                connection, town.profile, list_no, on=on, actor="abe", at=AT + timedelta(days=3)
            )

        # The last day itself still belongs to the period.
        assert drawn(date(2026, 7, 26)) == []
        assert drawn(date(2026, 7, 27)) == [pull.Pulled(1, "prescribed", 10_000)]


def test_before_a_seizure_a_period_that_has_ended_is_found(town):
    town.assess(claim(1, 2026, 10_000), on="2026-04-10")
    list_no = town.draw()
    town.approve(list_no)
    with unit_of_work(town.engine, M) as connection:
        given = (connection, town.profile, list_no)
        pull.second_draw(*given, on=ON, actor="abe", at=AT)
        pull.confirm(connection, M, list_no, on=ON, actor="abe", at=AT, count=0)
        pull.dispatch(*given, on=ON, actor="abe", at=AT, count=1)

        def findings(on):
            done = recheck.recheck(connection, town.profile, f"{1:012d}", on=on, actor="abe", at=AT)
            return done.rows[0].findings

        # The letter of 20 July let the period begin anew when its ten days were over.
        assert findings(date(2031, 7, 30)) == ()
        assert findings(date(2031, 7, 31)) == ("prescribed",)

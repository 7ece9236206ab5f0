"""Whatever comes in whatever order: the list says what a slow, plain look at the rows says.

Each example works on notices of its own in one town, so that nothing of another one disturbs it.
"""

from __future__ import annotations

from datetime import date
from itertools import count

import pytest
from dunning_model import Books
from dunning_town import DunningTown, M
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from years_town import claim

from payments.domain.holds import HoldKind
from payments.store.unit_of_work import unit_of_work
from reconcile.dunning.rules import grounds_in

ON = date(2026, 9, 20)
NUMBERS = count(1)
TERMS = {"01": ("2026-06-30", 10_000), "02": ("2026-08-31", 8_000), "03": ("2026-09-15", 500)}
PAYMENTS = st.tuples(
    st.sampled_from(list(TERMS)),
    st.sampled_from(("01", "02", "03")),  # 速報, 確報, 速報取消
    st.sampled_from((1, 2)),  # all of it, or half
    st.sampled_from(("2026-06-20", "2026-07-20", "2026-09-16")),
)
DEEDS = st.lists(
    st.one_of(
        PAYMENTS,
        st.sampled_from(("hold", "lifted", "lower", "cancel", "wait")),
    ),
    max_size=5,
)


@pytest.fixture
def town(sqlite_url):
    made = DunningTown(sqlite_url)
    yield made
    made.close()


def _do(town, number, deed):
    if isinstance(deed, tuple):
        term, kind, part, paid_on = deed
        town.pay(number, TERMS[term][1] // part, paid_on, on=paid_on, term=term, kind=kind)
    elif deed in {"hold", "lifted"}:
        last = "2026-09-01" if deed == "lifted" else None
        town.hold(f"901/2026/{number:010d}/01", HoldKind.COLLECTION, "2026-07-01", last)
    elif deed == "wait":
        town.wait(ON)
    else:
        yen = 4_000 if deed == "lower" else 0
        kind = "correction" if yen else "cancellation"
        row = claim(number, 2026, yen, term="02", due=TERMS["02"][0], kind=kind)
        town.assess(row, on="2026-09-10")


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(DEEDS, min_size=3, max_size=6))
def test_the_list_is_what_a_plain_look_at_the_books_says(town, stories):
    first = next(NUMBERS)
    numbers = [first] + [next(NUMBERS) for _ in stories[1:]]
    town.assess(
        *(
            claim(number, 2026, yen, term=term, due=due)
            for number in numbers
            for term, (due, yen) in TERMS.items()
        ),
        on="2026-04-10",
    )
    for number, deeds in zip(numbers, stories, strict=True):
        for deed in deeds:
            _do(town, number, deed)
    books = Books(town.engine, M)
    expected = books.grounds(ON, 10, 600)
    list_no = town.draw(ON, minimum_yen=600)
    rows = town.rows(
        "SELECT notice_id, term, ground, grounds FROM dunning_row WHERE list_no = :list_no",
        list_no=list_no,
    )
    found = {(row.notice_id, row.term): grounds_in(row.grounds) for row in rows}
    assert all(row.ground == next(iter(grounds_in(row.grounds)), "") for row in rows)
    with unit_of_work(town.engine, M) as connection:
        connection.execute(
            text(
                "INSERT INTO dunning_event SELECT municipality_code, list_no, 2, 'dropped', "
                "happened_on, made_at, actor, journal_id, 0, 0, '', '' FROM dunning_event "
                "WHERE list_no = :list_no"
            ),
            {"list_no": list_no},
        )
    assert found == expected
    for key, grounds in found.items():
        assert grounds or not books.paid(key), key

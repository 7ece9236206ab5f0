"""本人あての文書: a letter that was pulled out was never sent; what went out has its day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from dunning_town import AT, DunningTown, M
from years_town import claim

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.dunning import pull
from reconcile.person_letters import DUNNING, letters_to

SENT = date(2026, 7, 24)


@pytest.fixture
def town(database_url):
    made = DunningTown(database_url)
    made.assess(*(claim(number, 2026, 10_000) for number in (1, 2)), on="2026-04-10")
    yield made
    made.close()


def _letters(town, number):
    (row,) = town.rows(
        "SELECT obligor_no FROM notice WHERE municipality_code = :m AND notice_no = :number",
        number=f"{number:010d}",
    )
    with reading(town.engine, M) as connection:
        return letters_to(connection, M, row.obligor_no)


def test_a_letter_that_left_has_its_day_and_one_that_was_pulled_is_none(town):
    list_no = town.draw()
    town.approve(list_no)
    assert _letters(town, 2) == ()
    town.pay(1, 10_000, "2026-07-21", on="2026-07-23")
    with unit_of_work(town.engine, M) as connection:
        pull.second_draw(
            connection, town.profile, list_no, on=SENT, actor="abe", at=AT + timedelta(days=3)
        )
        pull.confirm(connection, M, list_no, on=SENT, actor="ito", at=AT, count=1)
        pull.dispatch(connection, town.profile, list_no, on=SENT, actor="ito", at=AT, count=1)
    assert _letters(town, 1) == ()
    (letter,) = _letters(town, 2)
    assert (letter.kind, letter.number, letter.on) == (DUNNING, list_no, SENT)
    assert (letter.term, letter.amount_yen) == ("01", 10_000)

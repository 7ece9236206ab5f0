"""検算・受付結果: a file of acknowledgements is read again by the layout that it was taken in with."""

from __future__ import annotations

from dataclasses import replace

import pytest
from debit_town import ACT, DEBIT_ON, DebitTown

from payments.domain.debiting import AnswerLayout
from payments.store.municipalities import save_profile
from reconcile.debit.answers import take_answers
from reconcile.model import Delivery
from reconcile.verify.everything import verify

SWAPPED = AnswerLayout(count="4", amount_yen="3")  # reads the same bytes, and says something else
ELSEWHERE = AnswerLayout(bank_code="7")  # cannot read them


@pytest.fixture
def town(database_url):
    made = DebitTown(database_url)
    made.settle(1)
    made.sent = list(made.whole_way().values())
    ((batch, _),) = made.sent
    line = f"{batch.bank_code},{DEBIT_ON:%Y%m%d},{batch.count},{batch.amount_yen}\r\n"
    take_answers(
        made.engine, made.code, Delivery("受付.csv", f"見出し\r\n{line}".encode("cp932")), ACT
    )
    yield made
    made.close()


def _found(town):
    # The town makes its claims and its payments without files.
    return [d for d in verify(town.engine, town.code) if d.name.startswith("file")]


def _described(town, layout):
    with town.write() as connection:
        debit = replace(town.profile.debit, answers=layout)
        save_profile(connection, replace(town.profile, debit=debit))


def test_what_was_taken_in_is_right_also_after_its_layout_has_changed(town):
    assert _found(town) == []
    for layout in (SWAPPED, ELSEWHERE):
        _described(town, layout)
        assert _found(town) == []


def test_other_totals_and_another_format_are_named(town):
    town.run_sql("UPDATE source_file SET amount_yen = amount_yen + 1 WHERE municipality_code = :m")
    assert [(d.name, d.expected, d.found) for d in _found(town)] == [
        ("file_totals", "1 10001", "1 10002")
    ]


def test_bytes_that_are_no_answers_are_named(town):
    ((batch, request),) = town.sent
    town.results(request, "0", name="結果.dat")
    assert _found(town) == []
    town.run_sql(
        "UPDATE source_file SET format_code = 'debit_answer' WHERE municipality_code = :m "
        "AND name = '結果.dat'"
    )
    assert [(d.name, d.found) for d in _found(town)][:1] == [("file_format", "debit_answer")]
    assert batch.count == 1

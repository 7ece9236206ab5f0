"""受付結果ファイルと帳簿: what a file of answers may never change, and what it says only once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from debit_town import ACT, DEBIT_ON, DebitTown

from payments.domain.debiting import AnswerLayout
from payments.domain.errors import InvalidValueError
from payments.store.municipalities import save_profile
from reconcile.debit.answers import read_answers, take_answers
from reconcile.debit.results import outcome_of
from reconcile.formats import debit_request, debit_result
from reconcile.model import Delivery, FileStatus


@pytest.fixture
def town(database_url):
    made = DebitTown(database_url)
    made.settle(2)
    yield made
    made.close()


def _answer(*lines):
    return "\r\n".join(("銀行,引落日,件数,金額", *lines, "")).encode("cp932")


def _line(batch, count=0, yen=0):
    return f"{batch.bank_code},{DEBIT_ON:%Y%m%d},{batch.count + count},{batch.amount_yen + yen}"


def _take(town, data, name="受付.csv"):
    return take_answers(town.engine, town.code, Delivery(name, data), ACT)


def _file(town, name):
    (row,) = town.rows(
        "SELECT status, format_code, count AS records, amount_yen FROM source_file "
        "WHERE municipality_code = :m AND name = :name",
        name=name,
    )
    return tuple(row)


def _verdicts(taken):
    return [line.verdict for line in taken.lines]


# ---- what is in the books stays there ----


def test_a_file_of_the_books_given_as_answers_by_mistake_stays_as_it_was(town):
    batch, request = town.whole_way()["9998"]
    town.results(request, "0", name="結果.dat")
    before = _file(town, "結果.dat")
    (asked,) = debit_request.read(request, DEBIT_ON)
    result = debit_result.write(
        [asked._replace(debits=[debit._replace(result_code="0") for debit in asked.debits])]
    )
    with pytest.raises(InvalidValueError, match="debit_answer"):
        _take(town, result, "間違い.dat")
    assert before[0] == "accepted"
    assert _file(town, "結果.dat") == before
    assert town.rows("SELECT 1 FROM finding WHERE municipality_code = :m") == []
    with town.read() as connection:
        assert outcome_of(connection, town.code, batch).paid == (1, 10_002)
    assert town.results(request, "0", name="再.dat").status is FileStatus.DUPLICATE
    assert town.rows("SELECT name FROM source_file WHERE municipality_code = :m") == [("結果.dat",)]


def test_answers_that_another_layout_cannot_read_any_more_stay_as_they_were(town):
    batch, _ = town.whole_way()["9998"]
    data = _answer(_line(batch))
    _take(town, data)
    before = _file(town, "受付.csv")
    answers = AnswerLayout(bank_code="7")
    with town.write() as connection:
        save_profile(
            connection, replace(town.profile, debit=replace(town.profile.debit, answers=answers))
        )
    with pytest.raises(InvalidValueError, match="debit_answer_line"):
        _take(town, data)
    assert _file(town, "受付.csv") == before
    assert before[:2] == ("accepted", "debit_answer")


def test_a_file_that_was_refused_may_still_be_accepted(town):
    batch, _ = town.whole_way()["9998"]
    data = _answer(_line(batch)).replace("銀行,引落日,件数,金額\r\n".encode("cp932"), b"")
    with pytest.raises(InvalidValueError, match="debit_answer_empty"):
        _take(town, data)
    assert _file(town, "受付.csv")[0] == "refused"
    with town.write() as connection:
        debit = replace(town.profile.debit, answers=AnswerLayout(skip_lines=0))
        save_profile(connection, replace(town.profile, debit=debit))
    assert _verdicts(_take(town, data)) == ["agrees"]
    assert _file(town, "受付.csv")[0] == FileStatus.ACCEPTED


# ---- a file that came before its batch went out ----


def test_answers_that_came_before_the_batch_count_when_they_come_again(town):
    first, second = (town.released(batch) for batch in town.build())
    town.send(first)
    data = _answer(_line(first), _line(second, yen=-1))
    assert _verdicts(_take(town, data)) == ["agrees", "not_sent"]
    town.send(second)
    again = _take(town, data)
    assert (again.is_duplicate, _verdicts(again)) == (False, ["agrees", "differs"])
    assert town.batch(first.batch_no).state == "acknowledged"
    assert town.batch(second.batch_no).state == "differs"
    events = len(town.batch(second.batch_no).events)
    assert _take(town, data).is_duplicate
    assert len(town.batch(second.batch_no).events) == events


def test_answers_about_a_batch_that_was_replaced_say_nothing_of_the_next(town):
    batch, _ = town.build()
    batch, _ = town.send(town.released(batch))
    data = _answer(_line(batch))
    _take(town, data)
    town.account(2, account_no="7777777")  # the same debit, to another account
    new = town.decide(town.ask("debit_replace", batch.batch_no, "見本信用金庫 田中氏"))
    town.send(town.released(new))
    assert (new.count, new.amount_yen) == (batch.count, batch.amount_yen)
    assert _take(town, data).is_duplicate
    assert town.batch(new.batch_no).state == "sent"


# ---- one line for a batch ----


def test_a_second_line_about_a_batch_is_said_and_one_that_contradicts_counts_for_nothing(town):
    first, second = (batch for batch, _ in _sent(town).values())
    taken = _take(town, _answer(_line(first), _line(second), _line(first), _line(second, yen=5)))
    assert _verdicts(taken) == ["agrees", "twice", "twice", "twice"]
    assert not taken.good
    assert [batch.batch_no for batch in taken.silent] == [second.batch_no]
    assert town.batch(first.batch_no).state == "acknowledged"
    assert [event.event for event in town.batch(first.batch_no).events].count("acknowledged") == 1
    assert town.batch(second.batch_no).state == "sent"
    found = town.rows("SELECT code, line_no FROM finding ORDER BY finding_no")
    assert [tuple(row) for row in found] == [
        ("debit_answer_twice", 3), ("debit_answer_twice", 4), ("debit_answer_twice", 5),
    ]  # fmt: skip


def _sent(town):
    return {batch.bank_code: town.send(town.released(batch)) for batch in town.build()}


# ---- what can be read ----


def test_a_leap_day_without_its_year_is_that_of_the_year_that_has_it():
    layout = AnswerLayout(skip_lines=0, day_form="MMDD")
    for today in (date(2028, 2, 22), date(2027, 12, 1), date(2029, 6, 1)):
        (answer,) = read_answers(b"9998,0229,2,20006\r\n", layout, today)
        assert answer.debit_on == date(2028, 2, 29)
    with pytest.raises(InvalidValueError, match="debit_answer_line"):
        read_answers(b"9998,0229,2,20006\r\n", layout, date(2026, 2, 22))
    with pytest.raises(InvalidValueError, match="debit_answer_line"):
        read_answers(b"9998,02x9,2,20006\r\n", layout, date(2028, 2, 22))


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_fixed_places_are_counted_without_a_byte_order_mark(mark):
    layout = AnswerLayout(
        encoding="utf-8-sig", separator="", skip_lines=0, bank_code="1-4", debit_on="5-12",
        count="13-18", amount_yen="19-30",
    )  # fmt: skip
    line = b"999820260528000002000000020006\r\n"
    found = read_answers(mark + line + line, layout, date(2026, 5, 20))
    assert [answer[1:] for answer in found] == [("9998", DEBIT_ON, 2, 20_006, 0)] * 2


def test_a_count_that_no_batch_can_have_is_named(town):
    batch, _ = _sent(town)["9998"]
    with pytest.raises(InvalidValueError, match="debit_answer_line") as caught:
        _take(town, _answer(f"9998,{DEBIT_ON:%Y%m%d},1000000000,1"))
    assert caught.value.details["field"] == "件数"
    assert _file(town, "受付.csv")[0] == "refused"
    with pytest.raises(InvalidValueError, match="debit_acknowledged_count"):
        town.acknowledge(batch, 1_000_000_000)
    assert town.acknowledge(batch, 999_999_999, 999_999_999_999).state == "differs"

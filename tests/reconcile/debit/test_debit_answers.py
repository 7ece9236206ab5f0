"""受付結果ファイル: what the banks say they took, from a file of a described layout."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from debit_town import ACT, DEBIT_ON, TODAY, DebitTown

from payments.domain.debiting import AnswerLayout, Debiting, require_debiting
from payments.domain.errors import InvalidValueError
from reconcile.debit.answers import read_answers, take_answers
from reconcile.model import Delivery

FIXED = AnswerLayout(
    separator="", skip_lines=0, only="2", day_form="MMDD", bank_code="2-5", debit_on="6-9",
    count="10-15", amount_yen="16-27",
)  # fmt: skip


@pytest.fixture
def town(sqlite_url):
    made = DebitTown(sqlite_url)
    made.settle(4)
    yield made
    made.close()


def _sent(town):
    return {batch.bank_code: town.send(town.released(batch))[0] for batch in town.build()}


def _file(*lines):
    return "\r\n".join(("銀行,引落日,件数,金額", *lines, "")).encode("cp932")


def _line(batch, count=0, yen=0):
    day = f"{batch.debit_on:%Y%m%d}"
    return f'{batch.bank_code},{day},{batch.count + count},"{batch.amount_yen + yen}"'


def _take(town, data, name="受付.csv"):
    return take_answers(town.engine, town.code, Delivery(name, data), ACT)


def _cases(town):
    return [tuple(row) for row in town.rows("SELECT kind, subject, state FROM review_case")]


def test_every_bank_is_compared_and_the_same_file_again_changes_nothing(town):
    first, second = _sent(town).values()
    data = _file(_line(first), _line(second))
    taken = _take(town, data)
    assert taken.good
    assert [line.verdict for line in taken.lines] == ["agrees", "agrees"]
    assert town.batch(first.batch_no).state == "acknowledged"
    events = len(town.batch(first.batch_no).events)
    assert _take(town, data).is_duplicate
    assert len(town.batch(first.batch_no).events) == events
    assert town.rows("SELECT status, format_code FROM source_file WHERE file_id = :n",
                     n=taken.file_id)[0] == ("accepted", "debit_answer")  # fmt: skip


def test_a_difference_is_a_case_until_another_answer_agrees(town):
    first, second = _sent(town).values()
    taken = _take(town, _file(_line(first, count=-1, yen=-10_001)))
    (line,) = taken.lines
    assert (line.verdict, line.more) == ("differs", (-1, -10_001))
    assert [batch.batch_no for batch in taken.silent] == [second.batch_no]
    assert not taken.good
    subject = f"debit:{first.batch_no}"
    assert _cases(town) == [("debit_acknowledgement_differs", subject, "open")]
    _take(town, _file(_line(first), _line(second)))
    assert _cases(town) == [("debit_acknowledgement_differs", subject, "resolved")]


def test_what_fits_no_batch_or_was_not_sent_is_said_and_kept(town):
    batch, *_rest = town.build()
    nobody = f"0001,{DEBIT_ON:%Y%m%d},1,100"
    taken = _take(town, _file(_line(batch), nobody))
    assert [line.verdict for line in taken.lines] == ["not_sent", "no_batch"]
    found = town.rows("SELECT code, line_no FROM finding ORDER BY finding_no")
    assert [tuple(row) for row in found] == [
        ("debit_answer_not_sent", 2), ("debit_answer_no_batch", 3),
    ]  # fmt: skip
    assert town.batch(batch.batch_no).state == "built"


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("999,20260528,1,100", "銀行番号"), ("9998,2026-5-28,1,100", "引落日"),
        ("9998,20260528,一,100", "件数"), ("9998,20260528,1,-100", "金額"),
        ("9998,20260528,1", "金額"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_stops_the_whole_file(town, line, field):
    first, _second = _sent(town).values()
    with pytest.raises(InvalidValueError, match="debit_answer_line") as caught:
        _take(town, _file(_line(first), line))
    assert (caught.value.details["line_no"], caught.value.details["field"]) == (3, field)
    assert town.batch(first.batch_no).state == "sent"
    (row,) = town.rows("SELECT f.status, d.code FROM source_file f JOIN finding d "
                       "ON d.file_id = f.file_id WHERE f.name = '受付.csv'")  # fmt: skip
    assert tuple(row) == ("refused", "debit_answer_line")


def test_an_empty_file_and_other_bytes_are_refused(town):
    with pytest.raises(InvalidValueError, match="debit_answer_empty"):
        _take(town, _file())
    with pytest.raises(InvalidValueError, match="debit_answer_line"):
        _take(town, b"\x81", "x.csv")


def test_fixed_places_and_days_without_a_year_are_read_as_described():
    line = f"2{9998}{'0528'}{12:06d}{345_678:012d}"
    data = f"1HEADER\r\n{line}\r\n8TRAILER".encode("cp932")
    (answer,) = read_answers(data, FIXED, TODAY)
    assert answer[1:] == ("9998", DEBIT_ON, 12, 345_678, 0)
    (late,) = read_answers(data, FIXED, date(2026, 10, 4))
    assert late.debit_on == date(2026, 5, 28)
    with pytest.raises(InvalidValueError, match="debit_answer_line"):
        read_answers(b"2999805", FIXED, TODAY)
    with pytest.raises(InvalidValueError, match="debit_answer_line"):
        read_answers(data, replace(FIXED, round="1-1", skip_lines=2, only="8"), TODAY)
    rounds = replace(AnswerLayout(), round="5")
    with pytest.raises(InvalidValueError, match="debit_answer_line"):
        read_answers(_file("9998,20260528,1,100,3"), rounds, TODAY)


def _stored(answers: Any) -> Debiting:
    """Settings whose layout is plain data, as they come from where they are stored."""
    return Debiting(answers=answers)


@pytest.mark.parametrize(
    "wrong",
    [{"encoding": "x"}, {"separator": "|"}, {"day_form": "x"}, {"skip_lines": -1}, {"count": ""},
     {"count": "1-2"}, {"separator": "", "count": "3"}, {"nobody": "1"}],
)  # fmt: skip
def test_a_layout_that_no_file_can_have_is_no_setting(wrong):
    with pytest.raises(InvalidValueError, match="profile_debit"):
        require_debiting(_stored(wrong))
    require_debiting(_stored({"round": "5", "separator": "\t"}))

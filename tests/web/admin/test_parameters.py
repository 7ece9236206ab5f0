"""団体設定の変更: two people, a day, and nothing that the books name is ever left out."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import text

from payments import approve
from payments.domain.errors import InvalidValueError, RefusedError
from payments.store.municipalities import load_profile, set_live
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.admin import parameters
from web.approval_effects import decide_and_do
from web.commands.session import Session
from web.commands.setup import enter
from web.jobs.contract import JobContext
from web.jobs.parameters import parameters as job

M = "99999"
TODAY = date(2026, 6, 3)
LATER = TODAY + timedelta(days=10)


@pytest.fixture(autouse=True)
def _today(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 6, 3, 1, tzinfo=clock.JST))


def _in_force(books):
    with reading(books.engine, M) as connection:
        return load_profile(connection, M)


def _ask(books, effective_on=TODAY, **changes):
    with unit_of_work(books.engine, M) as connection:
        start = parameters.newest(connection, M).profile
        return parameters.ask(
            connection, M, replace(start, **changes), effective_on, asked_by="kaikei",
            at=clock.now(), reason="委託先の変更",
        )  # fmt: skip


def _approve(books, approval, by="shonin"):
    with unit_of_work(books.engine, M) as connection:
        profile = load_profile(connection, M)
        return decide_and_do(connection, profile, approval.approval_id, "approved", decided_by=by)


def _job(books, day):
    lines = []
    now = datetime(day.year, day.month, day.day, 0, 5, tzinfo=clock.JST)
    context = JobContext(books.settings, books.engine, M, now, "schedule", lines.append)
    return job(context).totals, lines


def test_a_change_of_today_holds_when_a_second_person_agrees(books):
    approval = _ask(books, confirmation_days=20)
    assert _in_force(books).confirmation_days == 15
    with pytest.raises(RefusedError) as caught:
        _approve(books, approval, by="kaikei")
    assert caught.value.error_code == "approval_same_person"
    _approve(books, approval)
    assert _in_force(books).confirmation_days == 20


def test_a_change_of_a_day_to_come_waits_for_it_and_is_taken_once(books):
    approval = _approve(books, _ask(books, LATER, confirmation_days=20))
    assert _in_force(books).confirmation_days == 15
    with reading(books.engine, M) as connection:
        (waiting,) = parameters.waiting_to_hold(connection, M, TODAY)
        assert (waiting.effective_on, waiting.approval.approval_id) == (LATER, approval.approval_id)
    assert _job(books, LATER - timedelta(days=1)) == ({"parameters": 0}, [])
    assert _in_force(books).confirmation_days == 15
    assert _job(books, LATER + timedelta(days=3)) == (
        {"parameters": 1},
        [f"団体設定の適用: 承認 {approval.approval_id}"],
    )
    assert _in_force(books).confirmation_days == 20
    assert _job(books, LATER + timedelta(days=4)) == ({"parameters": 0}, [])
    with reading(books.engine, M) as connection:
        assert parameters.waiting_to_hold(connection, M, LATER) == ()


def test_the_next_change_starts_from_the_one_that_waits(books):
    _approve(books, _ask(books, LATER, confirmation_days=20))
    _approve(books, _ask(books, LATER + timedelta(days=1), settlement_days=9))
    _job(books, LATER)
    assert (_in_force(books).confirmation_days, _in_force(books).settlement_days) == (20, 3)
    _job(books, LATER + timedelta(days=1))
    assert (_in_force(books).confirmation_days, _in_force(books).settlement_days) == (20, 9)


def test_there_and_back_again_waits_twice(books):
    first = _approve(books, _ask(books, LATER, confirmation_days=20))
    back = _approve(books, _ask(books, LATER + timedelta(days=5), confirmation_days=15))
    numbers = [first.approval_id, back.approval_id]
    with reading(books.engine, M) as connection:
        for day, number in ((TODAY, 2), (LATER, 2), (LATER + timedelta(days=5), 0)):
            waiting = parameters.waiting_to_hold(connection, M, day)
            assert [one.approval.approval_id for one in waiting] == numbers[:number]


def test_no_change_holds_before_the_one_it_starts_from(books):
    _approve(books, _ask(books, LATER, confirmation_days=20))
    with pytest.raises(InvalidValueError) as caught:
        _ask(books, TODAY, settlement_days=9)
    assert caught.value.error_code == "parameters_day"


def test_a_day_that_is_over_is_no_day_to_begin():
    with pytest.raises(InvalidValueError) as caught:
        parameters.require_to_come(TODAY - timedelta(days=1), TODAY)
    assert caught.value.error_code == "parameters_day"


def test_the_same_again_is_no_change(books):
    with pytest.raises(InvalidValueError) as caught:
        _ask(books)
    assert caught.value.error_code == "parameters_same"


def test_what_was_asked_before_something_else_was_decided_is_stale(books):
    approval = _ask(books, confirmation_days=20)
    with unit_of_work(books.engine, M) as connection:
        content = {
            **parameters.content_of(
                connection, M, replace(load_profile(connection, M), settlement_days=9), TODAY
            )
        }
        other = approve.ask(
            connection, M, parameters.KIND, "another", content, asked_by="kaikei",
            at=clock.now(), reason="先に決まる変更",
        )  # fmt: skip
    _approve(books, other)
    with pytest.raises(RefusedError) as caught:
        _approve(books, approval)
    assert caught.value.error_code == "approval_stale"
    assert _in_force(books).confirmation_days == 15


def test_another_body_is_refused(books):
    with pytest.raises(InvalidValueError) as caught:
        _ask(books, municipality_code="99998")
    assert caught.value.error_code == "parameters_code"


def test_nothing_that_the_books_name_can_be_left_out(city):
    for field, code in (("items", "parameters_item_used"), ("accounts", "parameters_account_used")):
        with pytest.raises(InvalidValueError) as caught:
            _ask(city, **{field: ()})
        assert caught.value.error_code == code


def test_a_change_that_came_not_to_fit_fails_and_the_old_settings_stay(city):
    items = _in_force(city).items
    new = replace(items[0], item_code="777", name="短い間の科目")
    _approve(city, _ask(city, TODAY, items=(*items, new)))
    _approve(city, _ask(city, LATER, items=items))
    with unit_of_work(city.engine, M) as connection:
        columns = [row.name for row in connection.execute(text("PRAGMA table_info(notice)")).all()]
        values = {"notice_id": "900001", "item_code": "'777'", "notice_no": "'T-777'"}
        chosen = ", ".join(values.get(name, name) for name in columns)
        connection.execute(text(f"INSERT INTO notice SELECT {chosen} FROM notice LIMIT 1"))
    with pytest.raises(RefusedError) as caught:
        _job(city, LATER)
    assert caught.value.error_code == "parameters_unfit"
    assert _in_force(city).item("777") == new


def test_a_live_body_is_not_changed_by_one_person(books):
    session = Session(books.settings)
    changed = replace(_in_force(books), contact="新しい窓口")
    enter(session, changed)
    assert _in_force(books).contact == "新しい窓口"
    with unit_of_work(books.engine, M) as connection:
        set_live(connection, M, live=True)
    enter(session, changed)
    with pytest.raises(RefusedError) as caught:
        enter(session, replace(changed, contact="別の窓口"))
    assert caught.value.error_code == "parameters_two_people"
    session.close()


def test_what_two_people_decided_is_not_changed_by_one_and_taken_back_at_night(books):
    _approve(books, _ask(books, confirmation_days=20))
    session = Session(books.settings)
    with pytest.raises(RefusedError) as caught:
        enter(session, replace(_in_force(books), contact="一人で決めた窓口"))
    assert caught.value.error_code == "parameters_two_people"
    enter(session, _in_force(books))
    session.close()
    assert _job(books, LATER) == ({"parameters": 0}, [])


def test_the_approval_holds_the_whole_profile_and_every_difference(books):
    approval = _ask(books, confirmation_days=20)
    assert approval.content["profile"]["confirmation_days"] == 20
    (change,) = parameters.changes_in(approval)
    assert (change.name, change.before, change.after) == ("confirmation_days", "15", "20")
    assert set(approval.content["profile"]) == set(asdict(_in_force(books)))

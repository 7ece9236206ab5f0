from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import RefusedError
from reconcile import case_history
from reconcile.case_deadlines import BUSINESS_DAYS, SOONER, days_of, due_on
from reconcile.case_history import UNDOABLE, Happened, Standing

DAY = date(2026, 6, 1)  # a Monday


def _happened(*events):
    return [
        Happened(number, DAY, actor, event, note)
        for number, (event, actor, note) in enumerate((("opened", "system", ""), *events), start=1)
    ]


def test_money_in_doubt_is_due_sooner_than_a_question():
    assert due_on("settlement_difference", DAY) == date(2026, 6, 2)
    assert due_on("malformed", DAY) == date(2026, 6, 4)
    assert due_on("expired_slip", DAY) == date(2026, 6, 8)
    assert due_on("duplicate", date(2026, 4, 28)) == date(2026, 5, 11)  # around Golden Week
    assert due_on("duplicate", date(2051, 1, 5)) is None
    assert {days_of(kind) for kinds in SOONER.values() for kind in kinds} | {
        days_of("any other")
    } == {*SOONER, BUSINESS_DAYS}


def test_events_add_up_to_what_stands():
    events = _happened(
        ("acknowledged", "kaikei", ""), ("assigned", "kaikei", "tanaka"),
        ("deadline", "tanaka", "2026-06-30"), ("note", "tanaka", "照会中"),
    )  # fmt: skip
    now = case_history.standing("duplicate", events)
    assert now == Standing("acknowledged", "tanaka", date(2026, 6, 30))
    assert case_history.undoable(events) == {3, 4}  # 2 gave an owner that 3 has changed
    assert case_history.without("duplicate", events, 3).owner == "kaikei"
    assert case_history.without("duplicate", events, 4).due_on == date(2026, 6, 8)


def test_what_was_taken_back_uncovers_what_was_before():
    events = _happened(("acknowledged", "kaikei", ""), ("assigned", "kaikei", "tanaka"))
    events.append(Happened(4, DAY, "kaikei", "undone", "3"))
    assert case_history.standing("duplicate", events).owner == "kaikei"
    assert case_history.undoable(events) == {2}
    for number in (1, 3, 4, 99):
        with pytest.raises(RefusedError, match="case_undo"):
            case_history.without("duplicate", events, number)


def test_what_a_booking_did_is_undone_by_no_click():
    events = _happened(("accepted", "kaikei", "済"), ("resolved", "system", "decided_again"))
    assert case_history.undoable(events) == frozenset()
    assert case_history.standing("duplicate", events).state == "resolved"


_DEEDS = st.one_of(
    st.tuples(st.sampled_from(["acknowledged", "accepted", "note", "resolved", "reopened"]),
              st.sampled_from(["abe", "ueda"]), st.just("")),
    st.tuples(st.just("assigned"), st.just("abe"), st.sampled_from(["", "abe", "ueda"])),
    st.tuples(st.just("deadline"), st.just("abe"),
              st.integers(0, 30).map(lambda n: (DAY + timedelta(days=n)).isoformat())),
)  # fmt: skip


@given(st.lists(_DEEDS, max_size=8), st.data())
def test_an_undone_event_leaves_what_would_stand_without_it(deeds, data):
    events = _happened(*deeds)
    possible = sorted(case_history.undoable(events))
    assert all(events[number - 1].event in UNDOABLE for number in possible)
    if not possible:
        return
    number = data.draw(st.sampled_from(possible))
    then = case_history.without("duplicate", events, number)
    events.append(Happened(len(events) + 1, DAY, "abe", "undone", str(number)))
    assert case_history.standing("duplicate", events) == then
    assert number not in case_history.undoable(events)
    others = [event for event in events[:-1] if event.event_no != number]
    assert case_history.standing("duplicate", others) == then

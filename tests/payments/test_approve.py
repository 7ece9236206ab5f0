"""承認: two people, one decision, and just what was asked for."""

from __future__ import annotations

import pytest
from slip_town import AT, SlipTown
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from payments import approve
from payments.domain.errors import InvalidValueError, KokinError, NotFoundError, RefusedError

CONTENT = {"run_id": 1, "名前": "見本", "day": AT.date()}


@pytest.fixture
def town(database_url):
    made = SlipTown(database_url)
    yield made
    made.close()


def _ask(town, content=CONTENT, *, asked_by="abe", reason="発送", subject="s"):
    with town.write() as connection:
        return approve.ask(
            connection, town.code, "k", subject, content, asked_by=asked_by, at=AT, reason=reason
        )


def _decide(town, number, decision="approved", decided_by="ito", note=""):
    with town.write() as connection:
        return approve.decide(
            connection, town.code, number, decision, decided_by=decided_by, at=AT, note=note
        )


def _recall(town, number, recalled_by="abe", note="金額を誤った"):
    with town.write() as connection:
        return approve.recall(
            connection, town.code, number, recalled_by=recalled_by, at=AT, note=note
        )


def _approved(town, content=CONTENT):
    with town.read() as connection:
        return approve.approved(connection, town.code, "k", "s", content)


def _refusal(act, *args, **values):
    with pytest.raises(KokinError) as caught:
        act(*args, **values)
    return type(caught.value), caught.value.error_code


def test_one_asks_and_another_decides(town):
    asked = _ask(town)
    assert (asked.approval_id, asked.state, asked.asked_by) == (1, "waiting", "abe")
    assert asked.content == {"run_id": 1, "名前": "見本", "day": "2026-05-01"}
    assert _approved(town) is None
    decided = _decide(town, 1)
    assert (decided.state, decided.decided_by) == ("approved", "ito")
    assert _approved(town) == decided
    assert _approved(town, {**CONTENT, "run_id": 2}) is None


@pytest.mark.parametrize("name", ["abe", "ABE"])
def test_the_same_person_twice_is_refused(town, name):
    _ask(town)
    assert _refusal(_decide, town, 1, decided_by=name) == (RefusedError, "approval_same_person")
    assert _approved(town) is None


def test_a_decision_stands(town):
    _ask(town)
    _decide(town, 1, "rejected", note="金額が違う")
    assert _refusal(_decide, town, 1) == (RefusedError, "approval_decided")
    with town.read() as connection:
        found = approve.show(connection, town.code, 1)
    assert (found.state, found.note) == ("rejected", "金額が違う")


def test_who_asked_may_take_it_back_and_ask_again(town):
    _ask(town)
    found = _recall(town, 1)
    assert (found.state, found.decided_by, found.note) == ("recalled", "abe", "金額を誤った")
    assert _refusal(_decide, town, 1) == (RefusedError, "approval_decided")
    assert _approved(town) is None
    assert _ask(town).approval_id == 2


def test_nobody_else_takes_it_back_and_nobody_after_a_decision(town):
    _ask(town)
    assert _refusal(_recall, town, 1, "ito") == (RefusedError, "approval_other_person")
    assert _refusal(_recall, town, 1, note=" ") == (InvalidValueError, "reason_missing")
    assert _refusal(_recall, town, 2) == (NotFoundError, "approval")
    _decide(town, 1)
    assert _refusal(_recall, town, 1) == (RefusedError, "approval_decided")
    assert _approved(town).decided_by == "ito"


@pytest.mark.parametrize(("decision", "by"), [("approved", "abe"), ("recalled", "ito")])
def test_the_database_holds_who_may_end_a_request(town, decision, by):
    _ask(town)
    change = (
        update(approve.table)
        .where(approve.table.c.municipality_code == town.code)
        .values(decision=decision, decided_by=by, decided_at=AT)
    )
    with pytest.raises(IntegrityError), town.write() as connection:
        connection.execute(change)


def test_after_a_rejection_one_may_ask_again(town):
    _ask(town)
    assert _refusal(_ask, town) == (RefusedError, "approval_waiting")
    _decide(town, 1, "rejected", note="金額が違う")
    assert _ask(town).approval_id == 2


@pytest.mark.parametrize(
    ("act", "values", "kind", "code"),
    [
        (_ask, {"reason": " "}, InvalidValueError, "reason_missing"),
        (_ask, {"reason": "長" * 201}, InvalidValueError, "reason_long"),
        (_decide, {"number": 9}, NotFoundError, "approval"),
        (_decide, {"number": 1, "decision": "later"}, InvalidValueError, "approval_decision"),
        (_decide, {"number": 1, "decision": "rejected"}, InvalidValueError, "reason_missing"),
    ],
)
def test_what_is_no_request_and_no_decision_is_refused(town, act, values, kind, code):
    _ask(town, subject="other")
    assert _refusal(act, town, **values) == (kind, code)


def test_approvals_are_listed_by_state(town):
    for subject in ("a", "b", "c", "d"):
        _ask(town, subject=subject)
    _decide(town, 1)
    _decide(town, 2, "rejected", note="いいえ")
    _recall(town, 4)
    with town.read() as connection:
        listed = {
            state: [a.subject for a in approve.approvals(connection, town.code, state=state)]
            for state in ("", *approve.STATES)
        }
    assert listed == {
        "": ["c", "d", "b", "a"],
        "waiting": ["c"],
        "approved": ["a"],
        "rejected": ["b"],
        "recalled": ["d"],
    }


def test_a_note_is_no_letter_whatever_the_decision(town):
    _ask(town)
    long = "あ" * 201
    assert _refusal(_decide, town, 1, note=long) == (InvalidValueError, "reason_long")
    assert _decide(town, 1, note=" 確認済 ").note == "確認済"


def test_the_list_has_what_waits_first_and_any_part_of_it(town):
    for number in range(1, 8):
        _ask(town, subject=f"s{number}")
    for number in (1, 4, 7):
        _decide(town, number)
    with town.read() as connection:
        listed = approve.approvals(connection, town.code)
        parts = [
            approve.approvals(connection, town.code, limit=2, offset=offset)
            for offset in range(0, 8, 2)
        ]
        assert [approval.approval_id for approval in listed] == [6, 5, 3, 2, 7, 4, 1]
        assert [approval for part in parts for approval in part] == listed
        assert approve.how_many(connection, town.code) == 7
        assert approve.how_many(connection, town.code, state="waiting", kind="k") == 4
        assert approve.how_many(connection, town.code, kind="other") == 0
        assert approve.approvals(connection, town.code, state="approved", kind="other") == []

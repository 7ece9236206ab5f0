"""A person's account: every kind of row, and totals that agree with what was paid."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from placing_town import M, PlacingTown, row
from slip_town import SlipTown

from payments import holds
from payments.domain.errors import NotFoundError
from payments.domain.holds import HoldKind, Span
from payments.store.unit_of_work import reading
from reconcile.person_account import Part, person_account

AT = datetime(2026, 6, 3, 3, tzinfo=UTC)
ON = date(2026, 6, 3)


@pytest.fixture
def town(database_url):
    made = SlipTown(database_url)
    yield made
    made.close()


def _account(town, number=1):
    with town.read() as connection:
        return person_account(connection, town.code, f"{number:012d}")


def test_an_account_holds_all_notices_of_one_person_and_of_nobody_else(town):
    town.notice(1, (10_000, 12_000))
    town.notice(2, (500,), item_code="902", obligor=1)
    town.notice(3, (700,))
    town.issue()
    account = _account(town)
    assert [(i.item_code, i.term, i.amount_yen, i.open_yen) for i in account.instalments] == [
        ("901", "01", 10_000, 10_000),
        ("901", "02", 12_000, 12_000),
        ("902", "01", 500, 500),
    ]
    assert {slip.term for slip in account.slips} == {"00", "01", "02"}
    assert {happening.kind for happening in account.happenings} == {"issued"}
    assert account.differing() == []
    with pytest.raises(NotFoundError, match="person"):
        _account(town, 9)


def test_holds_of_people_are_there_with_their_end(town):
    town.notice(1, (10_000,))
    with town.write() as connection:
        target = holds.target_of(connection, town.code, "901/2026/0000000001/01")
        number = holds.set_hold(
            connection, town.code, target, HoldKind.COLLECTION, Span(ON, None),
            reason="災害", actor="abe", at=AT,
        )  # fmt: skip
        holds.lift_hold(
            connection, town.code, number, on=date(2026, 7, 1), reason="済", actor="abe", at=AT
        )
    (hold,) = _account(town).holds
    assert (hold.kind, hold.lifted_on) == ("collection_hold", date(2026, 7, 1))
    assert hold.covers(ON)
    assert not hold.covers(date(2026, 7, 1))


def test_what_was_paid_stands_where_its_postings_put_it(database_url):
    town = PlacingTown(database_url)
    town.shop("whole.csv", row(1, "00"))
    town.shop("again.csv", row(1, "01", yen=10_000))
    obligor_no = town.rows("SELECT obligor_no FROM notice ORDER BY notice_id LIMIT 1")[0][0]

    def account():
        with reading(town.engine, M) as connection:
            return person_account(connection, M, obligor_no)

    found = account()
    assert {event.kind for event in found.assessments} == {"initial"}
    again, first = found.receipts
    notice_id = town.notice["0000000001"]
    assert first.parts == (Part(notice_id, "01", 10_000), Part(notice_id, "02", 8_000))
    assert (again.parts, again.suspense_yen) == ((), 10_000)
    assert found.differing() == []
    assert [case.subject for case in found.cases] == [f"{again.file_id}:{again.line_no}"]
    # Two people place the money that came twice on another notice: it stands there now.
    town.place(town.line("again.csv"), town.part(2, "01", 10_000))
    found = account()
    placed = next(each for each in found.receipts if each.file_id == again.file_id)
    assert placed.parts == (Part(town.notice["0000000002"], "01", 10_000),)
    assert found.differing() == []
    town.close()


def test_money_without_a_posting_is_seen(town):
    town.notice(1, (10_000,))
    town.pay(1, 1, 4_000)
    assert [each.applied_yen for each in _account(town).differing()] == [4_000]

"""A released batch is withdrawn by two people, and its refunds go out with another; both databases."""

from __future__ import annotations

import threading
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from placing_town import DAY, M
from refund_town import RefundTown
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payments import approve
from payments.domain.errors import InvalidValueError, KokinError, NotFoundError, RefusedError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.refunds import another_account, batches, decide, payees, release, returned, withdraw
from reconcile.refunds.batch_events import batch_events
from reconcile.refunds.events import happenings
from reconcile.refunds.state import refund_state
from reconcile.report.period import day_report
from reconcile.verify.everything import verify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.refunds.batches import Batch

LATER = date(2026, 6, 26)
LONG = 120  # seconds for what takes none, however slow the machine


@pytest.fixture
def town(database_url: str) -> Iterator[RefundTown]:
    """The town; whatever a test does, the books must hold together in the end."""
    town = RefundTown(database_url)
    yield town
    town.check()
    town.conserve()
    assert list(verify(town.engine, M)) == []
    town.close()


def sent(town: RefundTown, *, taken: bool = True) -> tuple[int, Batch]:
    """A refund that was released, its file taken or not."""
    number = town.refunded(town.twice())
    found = town.built()
    town.approve(town.asked(release.ask_release, found.batch_no))
    if taken:
        town.taken(found)
    return number, found


def withdrawn(town: RefundTown, found: Batch, stopped: str = "", on: date = DAY) -> None:
    """Withdrawn by two people."""
    town.approve(town.asked(withdraw.ask_withdraw, found.batch_no, stopped=stopped), on)


def batch(town: RefundTown, found: Batch) -> Batch:
    with reading(town.engine, M) as connection:
        return batches.batch(connection, M, found.batch_no)


def told(town: RefundTown, number: int) -> list[str]:
    with reading(town.engine, M) as connection:
        return [each.event for each in happenings(connection, M, number)]


def test_a_batch_whose_file_nobody_took_is_withdrawn_and_its_refunds_go_with_the_next(town):
    number, found = sent(town, taken=False)
    before = town.refund(number)
    # Its day has passed; the release of a batch would be refused, its withdrawal is not.
    withdrawn(town, found, on=LATER)
    assert batch(town, found).state == "withdrawn"
    after = town.refund(number)
    assert (after.state, after.since_on, after.attempt) == ("decided", before.decided_on, 2)
    same = ("amount_yen", "interest_yen", "decided_on", "interest_from_on", "account_no")
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
    with reading(town.engine, M) as connection:
        history = batch_events(connection, M, found.batch_no)
        steps = refund_state(connection, load_profile(connection, M), after.obligor_no, DAY)
    assert [each.what for each in history] == ["released", "withdrawn"]
    assert (history[1].note, history[1].actor) == ("書類を確かめた", "jiro")
    assert history[1].approval_id is not None
    assert [each.step for each in steps] == ["paying"]
    with pytest.raises(RefusedError, match="batch_state"):
        town.taken(found)
    with pytest.raises(RefusedError, match="batch_reason"):
        town.built()
    second = town.built(reason="銀行にファイルが届かず")
    assert (second.build_no, second.difference) == (2, {"added": [], "removed": [], "changed": []})
    assert (second.amount_yen, second.interest_yen) == (found.amount_yen, found.interest_yen)
    town.released(second)
    town.statement("paid.txt", ("out", 10_000, "ｿｳｺﾞｳﾌﾘｺﾐ"))
    assert town.matched().paid == (second.batch_no,)
    assert told(town, number) == ["decided", "sent", "withdrawn", "sent", "paid"]
    assert (town.balance("refund_due"), town.balance("outgoing")) == (0, 0)
    rows = town.rows("SELECT refund_no, attempt, batch_no FROM refund_sent ORDER BY attempt")
    expected = [(number, 1, found.batch_no), (number, 2, second.batch_no)]
    assert [tuple(each) for each in rows] == expected


def test_a_file_that_was_taken_wants_the_word_of_the_bank(town):
    number, found = sent(town)
    for stopped in ("", "　 "):
        with pytest.raises(RefusedError, match="batch_stopped_missing"):
            town.asked(withdraw.ask_withdraw, found.batch_no, stopped=stopped)
    with pytest.raises(InvalidValueError, match="reason_long"):
        town.asked(withdraw.ask_withdraw, found.batch_no, stopped="あ" * 201)
    approval = town.asked(withdraw.ask_withdraw, found.batch_no, stopped=" みほん銀行 田中氏 ")
    assert (approval.content["stopped"], approval.content["state"]) == (
        "みほん銀行 田中氏", "handed_out",
    )  # fmt: skip
    assert town.refund(number).state == "sent"  # one person alone changes nothing
    with pytest.raises(KokinError, match="approval"), unit_of_work(town.engine, M) as connection:
        approve.decide(
            connection, M, approval.approval_id, "approved", decided_by="hanako", at=town.moment
        )
    town.approve(approval)
    assert town.refund(number).state == "decided"
    for reason in ("", "もう一度"):
        with pytest.raises(RefusedError, match="batch_state"):
            town.taken(found, reason)
    with pytest.raises(RefusedError, match="batch_state"):
        town.asked(withdraw.ask_withdraw, found.batch_no, stopped="みほん銀行 田中氏")
    with pytest.raises(NotFoundError, match="batch_no"):
        town.asked(withdraw.ask_withdraw, 9)


def test_a_file_that_is_taken_after_it_was_asked_for_stops_the_withdrawal(town):
    number, found = sent(town, taken=False)
    approval = town.asked(withdraw.ask_withdraw, found.batch_no)
    town.taken(found)
    with pytest.raises(RefusedError, match="batch_stopped_missing"):
        town.approve(approval)
    assert town.refund(number).state == "sent"


def test_the_word_of_the_bank_before_the_file_was_taken_is_asked_for_again(town):
    number, found = sent(town, taken=False)
    approval = town.asked(withdraw.ask_withdraw, found.batch_no, stopped="みほん銀行 田中氏")
    town.taken(found)
    with pytest.raises(RefusedError, match="approval_stale"):
        town.approve(approval)
    assert (town.refund(number).state, batch(town, found).state) == ("sent", "handed_out")


def test_what_the_bank_has_paid_or_sent_back_is_not_withdrawn(town):
    number, found = sent(town)
    approval = town.asked(withdraw.ask_withdraw, found.batch_no, stopped="みほん銀行 田中氏")
    town.statement("paid.txt", ("out", 10_000, "ｿｳｺﾞｳﾌﾘｺﾐ"))
    # The line is there, though nobody has matched it yet.
    with pytest.raises(RefusedError, match="batch_bank_line"):
        town.approve(approval)
    assert town.matched().paid == (found.batch_no,)
    with pytest.raises(RefusedError, match="batch_state"):
        town.approve(approval)
    town.statement("back.txt", ("in", 10_000, "ｸﾐﾓﾄﾞｼ ﾐﾎﾝ ﾀﾛｳ"), on=LATER)
    assert town.matched(LATER).returned == (number,)
    with pytest.raises(RefusedError, match="batch_state"):
        town.asked(withdraw.ask_withdraw, found.batch_no, stopped="みほん銀行 田中氏")
    assert town.refund(number).state == "returned"


def test_a_batch_that_nobody_released_is_withdrawn_and_holds_nothing(town):
    number = town.refunded(town.twice())
    found = town.built()
    asked = town.asked(release.ask_release, found.batch_no)
    withdrawn(town, found)
    assert (town.refund(number).attempt, told(town, number)) == (1, ["decided"])
    with pytest.raises(RefusedError, match="batch_state"):
        town.approve(asked)
    town.released(town.built(LATER))
    assert town.refund(number).state == "sent"


def test_a_refund_goes_to_another_account_or_is_cancelled_as_before(town):
    number, found = sent(town)
    state = town.refund(number)
    with unit_of_work(town.engine, M) as connection:
        payees.revoke(connection, M, state.account_no, by="jiro", reason="解約", at=town.moment)
    withdrawn(town, found, "みほん銀行 田中氏")
    town.account(state.obligor_no, "2222222")
    by = {"by": "hanako", "at": town.moment, "on": DAY}
    with unit_of_work(town.engine, M) as connection:
        profile = load_profile(connection, M)
        given = another_account.change_payee(connection, profile, number, **by)
    second = town.built(reason="口座の訂正")
    assert second.difference["changed"] == [number]
    town.released(second)
    # What it was before that was sent, it is again: to the account that it has now.
    withdrawn(town, second, "みほん銀行 田中氏")
    state = town.refund(number)
    assert (state.state, state.account_no, state.attempt) == ("payee_changed", given, 3)
    with reading(town.engine, M) as connection:
        assert returned.came_back_from(connection, M, state) == set()
    town.approve(town.asked(decide.ask_cancel, number))
    assert told(town, number)[-2:] == ["withdrawn", "cancelled"]
    assert town.balance("refund_due") == 0


def test_the_report_of_a_day_knows_nothing_of_it(town):
    _number, found = sent(town)

    def report() -> Any:
        with reading(town.engine, M) as connection:
            return day_report(connection, load_profile(connection, M), DAY)

    before = report()
    withdrawn(town, found, "みほん銀行 田中氏")
    assert report() == before


def test_the_history_of_a_batch_that_was_withdrawn_stays(town):
    _number, found = sent(town)
    withdrawn(town, found, "みほん銀行 田中氏")
    with reading(town.engine, M) as connection:
        assert len(batches.lines(connection, M, found.batch_no)) == found.count
    entered = town.rows(
        "SELECT kind FROM seal_entry WHERE kind IN ('refund_event', 'refund_batch_event') "
        "ORDER BY entry_no DESC LIMIT 2"
    )
    assert {each.kind for each in entered} == {"refund_event", "refund_batch_event"}
    for table in ("refund_event", "refund_batch_event"):
        with (
            pytest.raises(DBAPIError, match=r"append_only|permission"),
            unit_of_work(town.engine, M) as connection,
        ):
            connection.execute(text(f"DELETE FROM {table} WHERE event = 'withdrawn'"))


def test_withdrawn_and_taken_at_once_it_is_one_of_them(town):
    number, found = sent(town, taken=False)
    approval = town.asked(withdraw.ask_withdraw, found.batch_no)
    done, refused = [], []
    gate = threading.Barrier(2, timeout=LONG)

    def run(name: str, deed: Any) -> None:
        gate.wait()
        try:
            deed()
            done.append(name)
        except KokinError as error:
            refused.append(error.error_code)

    deeds = {"withdrawn": lambda: town.approve(approval), "taken": lambda: town.taken(found)}
    people = [threading.Thread(target=run, args=each, daemon=True) for each in deeds.items()]
    for each in people:
        each.start()
    for each in people:
        each.join(LONG)
    assert (len(done), len(refused)) == (1, 1)
    events = [event for (event,) in town.rows("SELECT event FROM refund_batch_event")]
    if done == ["withdrawn"]:
        assert refused == ["batch_state"]
        assert sorted(events) == ["released", "withdrawn"]
        assert town.refund(number).state == "decided"
    else:
        assert refused == ["batch_stopped_missing"]
        assert sorted(events) == ["handed_out", "released"]
        assert town.refund(number).state == "sent"


def test_two_who_withdraw_at_once_withdraw_once(town):
    number, found = sent(town, taken=False)
    approval = town.asked(withdraw.ask_withdraw, found.batch_no)
    done, refused = [], []
    gate = threading.Barrier(3, timeout=LONG)

    def agree() -> None:
        gate.wait()
        try:
            town.approve(approval)
            done.append(1)
        except KokinError as error:
            refused.append(error.error_code)

    people = [threading.Thread(target=agree, daemon=True) for _ in range(3)]
    for each in people:
        each.start()
    for each in people:
        each.join(LONG)
    assert (len(done), len(refused)) == (1, 2)
    assert told(town, number) == ["decided", "sent", "withdrawn"]

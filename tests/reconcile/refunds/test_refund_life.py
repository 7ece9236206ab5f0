"""Money on its way back: appropriated, decided, sent once, paid, and back again; both databases."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from placing_town import DAY, M, row
from refund_town import MONDAY, TRANSFER, RefundTown
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payments import approve
from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.formats.zengin_transfer import DATA, TRAILER, layout_of
from reconcile.placement.credit_ask import CreditPlacement, ask_credit_placement
from reconcile.refunds import another_account, appropriate, bank, batches, decide, payees, release
from reconcile.refunds.batch_events import batch_events
from reconcile.refunds.events import happenings
from reconcile.refunds.state import refund_state
from reconcile.report.period import day_report

if TYPE_CHECKING:
    from collections.abc import Iterator

LATER = date(2026, 9, 1)
BACK = date(2026, 6, 26)


@pytest.fixture
def town(database_url: str) -> Iterator[RefundTown]:
    """The town; whatever a test does, the books must hold together in the end."""
    town = RefundTown(database_url)
    yield town
    town.check()
    town.close()


# ---- 充当 ----


def test_what_is_due_comes_first_and_only_the_rest_goes_back(town):
    subject = town.twice()
    town.ready(subject)
    # On 1 September both instalments of all three notices are due: 10,000 go to the oldest.
    asked = town.asked(appropriate.ask_appropriation, subject, as_of=LATER)
    (approval,) = asked
    assert approval.content["overpayment"] == subject
    parts = approval.content["parts"]
    assert sum(part["amount_yen"] for part in parts) == 10_000
    assert set(approval.content["effective_on"]) == {part["place"] for part in parts}
    assert town.found(subject, LATER).state == "asked"
    town.approve(approval, LATER)
    with pytest.raises(NotFoundError, match="overpayment"):
        town.found(subject, LATER)
    assert town.cases() == set()


def test_an_appropriation_is_undone_like_any_other_placement(town):
    subject = town.twice()
    town.ready(subject)
    (approval,) = town.asked(appropriate.ask_appropriation, subject, as_of=LATER)
    town.approve(approval, LATER)
    line = town.line("second.csv")
    town.place(line)
    assert town.found(subject).waiting_yen == 10_000


def test_what_a_correction_left_over_is_split_off_from_its_payment(town):
    subject = town.lowered()
    town.ready(subject, "reassessed")
    found = town.asked(appropriate.ask_appropriation, subject, as_of=LATER)
    assert len(found) == 1
    with reading(town.engine, M) as connection:
        seen = appropriate.proposal(connection, load_profile(connection, M), subject, LATER)
    assert (seen.appropriated_yen, seen.rest_yen) == (6_000, 0)
    # 充当適状: the later of 納期限 and the day of the correction.
    assert all(line.share.effective_on >= DAY for line in seen.lines)
    town.approve(found[0], LATER)
    with pytest.raises(NotFoundError, match="overpayment"):
        town.found(subject, LATER)


def test_an_appropriation_needs_a_reason_something_due_and_money_that_stands_still(town):
    subject = town.twice()
    with pytest.raises(RefusedError, match="refund_not_classed"):
        town.asked(appropriate.ask_appropriation, subject, as_of=LATER)
    town.ready(subject)
    with pytest.raises(RefusedError, match="appropriation_nothing"):
        town.asked(appropriate.ask_appropriation, subject, as_of=DAY)
    (approval,) = town.asked(appropriate.ask_appropriation, subject, as_of=LATER)
    town.place(town.line("second.csv"), town.part(3, "02", 8_000))
    with pytest.raises(RefusedError, match=r"approval_stale|placement_outstanding"):
        town.approve(approval, LATER)


def test_the_slip_of_a_wrong_instalment_pays_the_one_that_was_meant(town):
    subject = town.twice()
    town.ready(subject, "wrong_instalment")
    with pytest.raises(RefusedError, match="refund_on_demand"):
        town.asked(decide.ask_refund, subject, as_of=DAY)
    (approval,) = town.asked(appropriate.ask_appropriation, subject, as_of=DAY)
    town.approve(approval)
    # 8,000 of the second instalment of the same notice, though it is not due yet.
    assert (town.open_yen(1, "02"), town.found(subject).waiting_yen) == (0, 2_000)
    town.place(town.line("second.csv"))
    assert town.open_yen(1, "02") == 8_000


# ---- 決定 ----


def test_a_refund_waits_for_everything_that_the_law_wants(town):
    subject = town.twice()
    with pytest.raises(RefusedError, match="refund_not_classed"):
        town.asked(decide.ask_refund, subject, as_of=DAY)
    town.classed(subject)
    with pytest.raises(RefusedError, match="refund_payee"):
        town.asked(decide.ask_refund, subject, as_of=DAY)
    town.ready(subject)
    for as_of, code in ((LATER, "refund_claims_due"), (date(2040, 1, 4), "refund_claims_due")):
        with pytest.raises(RefusedError, match=code):
            town.asked(decide.ask_refund, subject, as_of=as_of)
    for yen in (0, 10_001):
        with pytest.raises(RefusedError, match="refund_too_much"):
            town.asked(decide.ask_refund, subject, yen, as_of=DAY)
    town.classed(subject, "in_advance")
    with pytest.raises(RefusedError, match="refund_on_demand"):
        town.asked(decide.ask_refund, subject, as_of=DAY)


def test_money_that_is_only_announced_does_not_go_back(town):
    subject = town.twice(kind="01")
    town.ready(subject)
    with pytest.raises(RefusedError, match="refund_provisional"):
        town.asked(decide.ask_refund, subject, as_of=DAY)


def test_a_right_that_has_ended_is_not_paid(town):
    for number, notice in enumerate((1, 2, 3)):
        for term, yen in (("01", 10_000), ("02", 8_000)):
            if (notice, term) != (1, "01"):
                town.shop(f"all{number}{term}.csv", row(notice, term, kind="02", yen=yen))
    subject = town.twice()
    town.ready(subject)
    with pytest.raises(RefusedError, match="refund_expired"):
        town.asked(decide.ask_refund, subject, as_of=date(2040, 1, 4))


def test_the_same_person_twice_is_one(town):
    subject = town.twice()
    town.ready(subject)
    approval = town.asked(decide.ask_refund, subject, as_of=DAY)
    with (
        pytest.raises(RefusedError, match="approval_same_person"),
        unit_of_work(town.engine, M) as connection,
    ):
        approve.decide(
            connection, M, approval.approval_id, "approved", decided_by="Hanako", at=town.moment
        )


def test_a_decision_moves_the_money_and_ends_the_case(town):
    number = town.refunded(town.twice())
    found = town.refund(number)
    assert (found.state, found.amount_yen, found.interest_yen) == ("decided", 10_000, 0)
    assert (-town.balance("refund_due"), town.balance("suspense")) == (10_000, 0)
    assert town.listed() == []
    assert not any(kind == "duplicate" for kind, _subject in town.cases())
    with pytest.raises(RefusedError, match="placement_refunded"):
        town.place(town.line("second.csv"), town.part(3, "02", 8_000))


def test_interest_runs_from_the_reason_to_the_decision(town):
    # 6,000 of a correction: the day after the payment of 10 June, base 6,000, far below 1,000 yen.
    number = town.refunded(town.lowered())
    found = town.refund(number)
    assert (found.interest_from_on, found.decided_on) == (date(2026, 6, 11), DAY)
    assert found.interest_yen == 0


def test_a_decision_is_taken_back_by_two_people_as_long_as_nothing_was_sent(town):
    subject = town.twice()
    number = town.refunded(subject)
    town.approve(town.asked(decide.ask_cancel, number))
    assert town.refund(number).state == "cancelled"
    assert town.found(subject).waiting_yen == 10_000
    assert any(kind == "duplicate" for kind, _subject in town.cases())
    with pytest.raises(RefusedError, match="refund_state"):
        town.asked(decide.ask_cancel, number)
    with pytest.raises(NotFoundError, match="refund_no"):
        town.asked(decide.ask_cancel, 999)


# ---- 振込データ ----


def test_a_batch_is_built_released_by_two_and_always_the_same_file(town):
    number = town.refunded(town.twice())
    found = town.built()
    assert (found.count, found.total_yen, found.state) == (1, 10_000, "built")
    with reading(town.engine, M) as connection, pytest.raises(RefusedError, match="batch_state"):
        batches.file_of(connection, M, found.batch_no)
    data = town.released(found)
    records = data.decode("shift_jis").split("\r\n")
    assert [record[:1] for record in records] == ["1", "2", "8", "9", ""]
    place = layout_of(records[1]).slices
    assert records[1][place["account_no"]] == "1111111"
    assert records[1][place["payee_name"]].rstrip() == "ﾐﾎﾝ ﾀﾛｳ"
    assert records[1][DATA.slices["customer_code_1"]] == f"{number:010d}"
    assert int(records[2][TRAILER.slices["total"]]) == 10_000
    with reading(town.engine, M) as connection:
        assert batches.file_of(connection, M, found.batch_no) == data
        assert batches.batch(connection, M, found.batch_no).state == "handed_out"
    assert town.refund(number).state == "sent"


def test_the_file_is_taken_again_only_with_a_reason_that_stands_in_its_history(town):
    """I14b: the bank may have got it already, whatever a message said."""
    town.refunded(town.twice())
    found = town.built()
    data = town.released(found)
    for reason, code in ((" ", "reason_missing"), ("長" * 201, "reason_long")):
        with pytest.raises(InvalidValueError, match=code):
            town.taken(found, reason)
    assert town.taken(found, " 銀行に届かず ", by="jiro") == data
    town.statement("paid.txt", ("out", 10_000, "ｿｳｺﾞｳﾌﾘｺﾐ"))
    town.matched()
    with pytest.raises(InvalidValueError, match="reason_missing"):
        town.taken(found)
    assert town.taken(found, "監査のため") == data
    with reading(town.engine, M) as connection:
        assert batches.batch(connection, M, found.batch_no).state == "paid"
        told = batch_events(connection, M, found.batch_no)
    assert [(each.what, each.actor, each.note) for each in told] == [
        ("released", "jiro", ""),
        ("handed_out", "hanako", ""),
        ("taken_again", "jiro", "銀行に届かず"),
        ("paid", "hanako", ""),
        ("taken_again", "hanako", "監査のため"),
    ]


def test_a_second_build_says_what_differs_and_needs_a_reason(town):
    town.refunded(town.twice())
    first = town.built()
    town.refunded(town.twice(2, name="other.csv"))
    with pytest.raises(RefusedError, match="batch_reason"):
        town.built()
    second = town.built(reason="もう一件を加える")
    assert (second.build_no, second.count) == (2, 2)
    assert {name: len(numbers) for name, numbers in second.difference.items()} == {
        "added": 1, "removed": 0, "changed": 0,
    }  # fmt: skip
    with pytest.raises(RefusedError, match="batch_state"):
        town.asked(release.ask_release, first.batch_no)
    town.released(second)
    with pytest.raises(RefusedError, match="batch_empty"):
        town.built(reason="念のため")


def test_a_batch_goes_out_once_and_its_refunds_with_no_other(town):
    number = town.refunded(town.twice())
    found = town.built()
    approval = town.asked(release.ask_release, found.batch_no)
    town.approve(approval)
    with pytest.raises(RefusedError, match="batch_state"):
        town.asked(release.ask_release, found.batch_no)
    with (
        pytest.raises(DBAPIError, match=r"(?i)unique|refund_sent"),
        unit_of_work(town.engine, M) as connection,
    ):
        connection.execute(
            text(
                "INSERT INTO refund_sent (municipality_code, refund_no, attempt, batch_no) "
                "VALUES (:m, :number, 1, :batch_no)"
            ),
            {"m": M, "number": number, "batch_no": found.batch_no},
        )


def test_a_refund_that_was_taken_back_holds_its_batch(town):
    number = town.refunded(town.twice())
    found = town.built()
    town.approve(town.asked(decide.ask_cancel, number))
    with pytest.raises(RefusedError, match="batch_changed"):
        town.asked(release.ask_release, found.batch_no)


def test_a_batch_needs_a_day_of_the_bank_and_something_to_send(town):
    for day in (date(2026, 6, 19), date(2026, 6, 21)):
        with pytest.raises(InvalidValueError, match="batch_day"):
            town.built(day)
    with pytest.raises(RefusedError, match="batch_empty"):
        town.built()
    with reading(town.engine, M) as connection, pytest.raises(NotFoundError, match="batch_no"):
        batches.batch(connection, M, 7)


def test_a_release_comes_before_the_day_of_the_transfer_has_passed(town):
    town.refunded(town.twice())
    found = town.built(MONDAY)
    approval = town.asked(release.ask_release, found.batch_no)
    with pytest.raises(InvalidValueError, match="batch_day"):
        town.approve(approval, TRANSFER)


# ---- 銀行 ----


def test_the_bank_pays_the_batch_and_the_statement_says_so(town):
    number = town.refunded(town.twice())
    found = town.built()
    town.released(found)
    town.statement("paid.txt", ("out", 10_000, "ｿｳｺﾞｳﾌﾘｺﾐ"))
    assert town.matched().paid == (found.batch_no,)
    assert town.matched() == bank.Matched((), ())
    state = town.refund(number)
    assert (state.state, state.since_on) == ("paid", TRANSFER)
    assert (town.balance("refund_due"), town.balance("outgoing")) == (0, 0)
    with reading(town.engine, M) as connection:
        told = refund_state(connection, load_profile(connection, M), state.obligor_no, TRANSFER)
    assert [each.step for each in told] == ["paid"]


def test_two_lines_that_could_be_it_wait_for_a_person(town):
    town.refunded(town.twice())
    found = town.built()
    town.released(found)
    town.statement("paid.txt", ("out", 10_000, "A"), ("out", 10_000, "B"))
    assert town.matched().paid == ()
    with unit_of_work(town.engine, M) as connection:
        profile = load_profile(connection, M)
        some = bank.payments_of(connection, profile, found)
        assert len(some) == 2
        by = {"on": TRANSFER, "by": "hanako", "at": town.moment}
        with pytest.raises(RefusedError, match="paid_line"):
            bank.pay(connection, profile, found.batch_no, (1, 1), **by)
        line = (some[1].file_id, some[1].line_no)
        bank.pay(connection, profile, found.batch_no, line, **by)
        with pytest.raises(RefusedError, match="batch_state"):
            bank.pay(connection, profile, found.batch_no, line, **by)


def test_a_transfer_that_comes_back_is_owed_again_and_goes_to_another_account(town):
    number = town.refunded(town.twice())
    found = town.built()
    town.released(found)
    town.statement("paid.txt", ("out", 10_000, "ｿｳｺﾞｳﾌﾘｺﾐ"))
    town.matched()
    with unit_of_work(town.engine, M) as connection, pytest.raises(RefusedError, match="refund_st"):
        another_account.change_payee(
            connection, load_profile(connection, M), number, by="hanako", at=town.moment, on=DAY
        )
    back = BACK
    town.statement("back.txt", ("in", 10_000, "ｸﾐﾓﾄﾞｼ ﾐﾎﾝ ﾀﾛｳ"), on=back)
    assert town.matched(back).returned == (number,)
    assert town.refund(number).state == "returned"
    assert (-town.balance("refund_due"), town.balance("unidentified")) == (10_000, 0)
    with reading(town.engine, M) as connection:
        report = day_report(connection, load_profile(connection, M), back)
        (t11,) = [check for check in report.checks if check.code == "T11"]
    assert t11.ok
    assert t11.left == 0
    case = next(subject for kind, subject in town.cases() if kind == "refund_returned")
    who = town.refund(number).obligor_no
    with unit_of_work(town.engine, M) as connection, pytest.raises(RefusedError, match="refund_pa"):
        another_account.change_payee(
            connection, load_profile(connection, M), number, by="hanako", at=town.moment, on=back
        )
    town.account(who, "2222222")
    with unit_of_work(town.engine, M) as connection:
        another_account.change_payee(
            connection, load_profile(connection, M), number, by="hanako", at=town.moment, on=back
        )
    assert ("refund_returned", case) not in town.cases()
    again = town.built(date(2026, 6, 29))
    assert again.count == 1
    with reading(town.engine, M) as connection:
        assert batches.lines(connection, M, again.batch_no)[0].attempt == 2
        events = [each.event for each in happenings(connection, M, number)]
    assert events == ["decided", "sent", "paid", "returned", "payee_changed"]
    town.released(again)
    town.statement("again.txt", ("out", 10_000, "ｿｳｺﾞｳﾌﾘｺﾐ"), on=date(2026, 6, 29))
    assert town.matched(date(2026, 6, 29)).paid == (again.batch_no,)
    assert town.refund(number).state == "paid"


def _came_back(town):
    """A refund whose transfer came back; its number and the line of the bank."""
    number = town.refunded(town.twice())
    town.released(town.built())
    town.statement("paid.txt", ("out", 10_000, "ｿｳｺﾞｳﾌﾘｺﾐ"))
    town.matched()
    town.statement("back.txt", ("in", 10_000, "ｸﾐﾓﾄﾞｼ ﾐﾎﾝ ﾀﾛｳ"), on=BACK)
    with reading(town.engine, M) as connection:
        (line,) = bank.returns(connection, M)
    town.matched(BACK)
    return number, (line.file_id, line.line_no)


def test_money_that_came_back_pays_no_bill_beside(town):
    number, (file_id, line_no) = _came_back(town)
    parts = (town.part(3, "02", 8_000),)
    with pytest.raises(RefusedError, match="credit_returned") as refused:
        town.asked(ask_credit_placement, CreditPlacement(file_id, line_no, parts))
    assert refused.value.details["refund_no"] == number
    with pytest.raises(RefusedError, match="credit_returned"):
        town.asked(ask_credit_placement, CreditPlacement(file_id, line_no))


def test_what_came_back_does_not_go_to_the_same_account_again(town):
    number, _line = _came_back(town)
    found = town.refund(number)
    town.account(found.obligor_no, "2222222")
    by = {"by": "hanako", "at": town.moment, "on": BACK}
    with unit_of_work(town.engine, M) as connection:
        profile = load_profile(connection, M)
        given = another_account.change_payee(connection, profile, number, **by)
        # The new one is revoked: the one from which it came back is not offered in its place.
        payees.revoke(connection, M, given, by="jiro", at=town.moment, reason="本人の申出")
        with pytest.raises(RefusedError, match="refund_payee"):
            another_account.change_payee(connection, profile, number, **by)


def test_a_refund_that_is_taken_back_ends_the_case_of_its_return(town):
    number, line = _came_back(town)
    case = ("refund_returned", f"{line[0]}:{line[1]}")
    assert case in town.cases()
    town.approve(town.asked(decide.ask_cancel, number))
    assert case not in town.cases()
    assert any(kind == "duplicate" for kind, _subject in town.cases())


def test_a_return_that_names_nobody_is_put_back_by_a_person(town):
    number = town.refunded(town.twice())
    town.released(town.built())
    town.statement("paid.txt", ("out", 10_000, "ｿｳｺﾞｳﾌﾘｺﾐ"))
    town.matched()
    town.statement("back.txt", ("in", 10_000, "ｸﾐﾓﾄﾞｼ"), ("in", 9_000, "ｸﾐﾓﾄﾞｼ"), on=BACK)
    assert town.matched(BACK).returned == ()
    with unit_of_work(town.engine, M) as connection:
        profile = load_profile(connection, M)
        by = {"on": BACK, "by": "hanako", "at": town.moment}
        first, other = bank.returns(connection, M)
        with pytest.raises(RefusedError, match="return_amount"):
            bank.take_back(connection, profile, number, (other.file_id, other.line_no), **by)
        with pytest.raises(RefusedError, match="return_line"):
            bank.take_back(connection, profile, number, (1, 1), **by)
        line = (first.file_id, first.line_no)
        bank.take_back(connection, profile, number, line, **by)
        with pytest.raises(RefusedError, match="refund_state"):
            bank.take_back(connection, profile, number, line, **by)
    assert town.refund(number).state == "returned"


# ---- an account that counts no longer ----


def _revoked(town, number):
    account_no = town.refund(number).account_no
    with unit_of_work(town.engine, M) as connection:
        payees.revoke(connection, M, account_no, by="jiro", at=town.moment, reason="名義が違う")


def _changed(town, number):
    with unit_of_work(town.engine, M) as connection:
        profile = load_profile(connection, M)
        return another_account.change_payee(
            connection, profile, number, by="jiro", at=town.moment, on=DAY
        )


def test_nothing_goes_to_an_account_that_was_revoked_since(town):
    number = town.refunded(town.twice())
    with pytest.raises(RefusedError, match="refund_state"):
        _changed(town, number)
    first = town.built()
    asked = town.asked(release.ask_release, first.batch_no)
    _revoked(town, number)
    with pytest.raises(RefusedError, match="batch_payee"):
        town.approve(asked)
    with pytest.raises(RefusedError, match="batch_payee"):
        town.asked(release.ask_release, first.batch_no)
    with pytest.raises(RefusedError, match="batch_empty"):
        town.built(reason="口座の取消")
    with reading(town.engine, M) as connection:
        found = batches.draft(connection, load_profile(connection, M), TRANSFER)
    assert [each.refund_no for each in found.held] == [number]
    assert found.difference["removed"] == [number]
    with pytest.raises(RefusedError, match="refund_payee"):
        _changed(town, number)
    other = town.account(town.refund(number).obligor_no, "2222222")
    assert _changed(town, number) == other
    # The batch with the old account holds it back from no other day.
    later = town.built(date(2026, 6, 25))
    assert b"2222222" in town.released(later)
    with pytest.raises(RefusedError, match="batch_changed"):
        town.asked(release.ask_release, first.batch_no)
    with pytest.raises(RefusedError, match="refund_state"):
        _changed(town, number)


def test_the_account_may_change_more_than_once_before_it_goes_out(town):
    number = town.refunded(town.twice())
    for account_no in ("2222222", "3333333"):
        _revoked(town, number)
        town.account(town.refund(number).obligor_no, account_no)
        _changed(town, number)
    assert b"3333333" in town.released(town.built())
    _revoked(town, number)  # too late: it counts as sent, and the file stays what was released
    with pytest.raises(RefusedError, match="refund_state"):
        _changed(town, number)

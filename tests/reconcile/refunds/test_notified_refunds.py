"""還付と振込入金通知 (01): what a notice cannot say, and what the bank takes back of what it said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from placing_town import DAY, NOTICES, M
from rare_life import NOTIFIED, rare_profile
from reference_town import assessment
from refund_town import RefundTown, refund_profile

from payments import approve
from payments.domain.errors import RefusedError
from payments.store.municipalities import load_profile, save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.formats import zengin_credit
from reconcile.model import Delivery
from reconcile.placement.credit_ask import CreditPlacement, ask_credit_placement
from reconcile.placement.credit_placing import carry_out
from reconcile.refunds import bank

ON = date(2026, 6, 24)


@pytest.fixture
def town(database_url):
    town = RefundTown(database_url)
    account(town, "01")
    yield town
    town.close()


def account(town, money_kind, *, first=False):
    """The second account, or the first one too, with what its money is."""
    plain = refund_profile()
    head = replace(plain.accounts[0], money_kind=money_kind) if first else plain.accounts[0]
    second = replace(NOTIFIED, money_kind=money_kind)
    with unit_of_work(town.engine, M) as connection:
        save_profile(connection, replace(plain, accounts=(head, second)))


def notified(town, yen, words="ﾀﾞﾚｶ", *, cancels=False):
    """A notice of the second account, or its cancellation; the line."""
    name = f"notice{cancels}.txt"
    notice = zengin_credit.Notice(1, ON, yen, cancels=cancels, payer_name=words)
    group = zengin_credit.NoticeGroup(NOTIFIED, "ﾐﾎﾝｼ", ON, ON, ON, [notice])
    town.take(Delivery(name, zengin_credit.write([group])), ON)
    return town.line(name)


def place(town, line, *parts):
    """Two people say what a credit pays."""
    approval = town.asked(ask_credit_placement, CreditPlacement(line[0], line[1], parts))
    with unit_of_work(town.engine, M) as connection:
        decided = approve.decide(
            connection, M, approval.approval_id, "approved", decided_by="jiro", at=town.moment
        )
        carry_out(connection, load_profile(connection, M), decided, on=DAY)


def stand(town):
    """The outcomes of the notice and of its cancellation, and 不明入金 and 仮受金."""
    lines = [town.outcome(town.line(name))[0] for name in ("noticeFalse.txt", "noticeTrue.txt")]
    return (*lines, -town.balance("unidentified"), -town.balance("suspense"))


def test_an_account_whose_payments_nobody_would_see_sends_no_refund(town):
    account(town, "01", first=True)
    town.refunded(town.twice())
    with pytest.raises(RefusedError) as refused:
        town.built()
    assert (refused.value.error_code, refused.value.details) == (
        "refund_account_notice", {"account": "9999-999-1-1234567"},
    )  # fmt: skip
    account(town, "01")
    assert town.built().count == 1


def test_no_account_from_which_refunds_go_stops_to_say_what_leaves_it(town):
    plain, now = refund_profile(), rare_profile()
    notice = replace(now, accounts=(replace(now.accounts[0], money_kind="01"), NOTIFIED))
    other = replace(notice, refunds=replace(now.refunds, account=NOTIFIED.key))
    none = replace(notice, refunds=replace(now.refunds, orderer_code=""))

    def change(before, after):
        with reading(town.engine, M) as connection:
            bank.require_seen(connection, M, before, after)

    for after in (notice, other):
        with pytest.raises(RefusedError, match="refund_account_notice"):
            change(plain, after)
    change(plain, none)  # nobody transfers, and nothing is under way
    change(notice, notice)  # so it was before: said when a batch is built
    town.refunded(town.twice())
    town.released(town.built())
    with pytest.raises(RefusedError, match="refund_account_notice"):
        change(plain, none)


def test_a_notice_brings_no_refund_back_for_the_bank_may_cancel_it(town):
    number = town.refunded(town.twice())
    town.released(town.built())
    town.statement("out.txt", ("out", town.refund(number).total_yen, "ﾌﾘｺﾐ"))
    assert town.matched().paid == (1,)
    line = notified(town, town.refund(number).total_yen, "ｸﾐﾓﾄﾞｼ ﾐﾎﾝ ﾀﾛｳ")
    assert town.outcome(line)[0] == "refund_returned"
    assert town.matched().returned == ()
    with pytest.raises(RefusedError) as refused, unit_of_work(town.engine, M) as connection:
        bank.take_back(
            connection, load_profile(connection, M), number, line, on=DAY, by="hanako",
            at=town.moment,
        )  # fmt: skip
    assert refused.value.error_code == "return_notice"
    notified(town, town.refund(number).total_yen, "ｸﾐﾓﾄﾞｼ ﾐﾎﾝ ﾀﾛｳ", cancels=True)
    assert stand(town) == ("withdrawn", "withdraws", 0, 0)
    assert town.refund(number).state == "paid"
    town.check()


@pytest.mark.parametrize("left_by", ["credit", "correction"])
def test_a_notice_whose_money_was_paid_back_is_not_undone(town, left_by):
    line = notified(town, 10_000)
    if left_by == "credit":
        place(town, line, town.part(1, "02", 8_000))
        subject, went = "line:{}:{}".format(*line), 2_000
    else:
        place(town, line, town.part(1, "01", 10_000))
        lower = assessment("01", 4_000, kind="correction", notice_no=NOTICES[0],
                           whole_year_group=f"G{NOTICES[0]}")  # fmt: skip
        town.assess(lower, name="lowered.csv")
        subject, went = f"claim:{town.notice[NOTICES[0]]}/01", 6_000
    assert town.refund(town.refunded(subject)).amount_yen == went
    cancelled = notified(town, 10_000, cancels=True)
    assert stand(town) == ("placed", "withdrawal_after_confirmation", 0, 0)
    assert ("withdrawal_after_confirmation", "{}:{}".format(*cancelled)) in town.cases()
    town.check()


@pytest.mark.parametrize("then", ["01", "03"])
def test_a_notice_is_taken_back_as_what_it_was_when_it_came(town, then):
    now = "03" if then == "01" else "01"
    account(town, then)
    notified(town, 10_000)
    account(town, now)
    notified(town, 10_000, cancels=True)
    assert stand(town) == ("withdrawn", "withdraws", 0, 0)
    assert town.balance("bank") == 0
    town.check()


def test_money_that_left_is_what_the_settings_of_then_say(town):
    account(town, "01", first=True)
    town.statement("before.txt", ("out", 700, "ﾌﾘｺﾐ"))
    account(town, "03", first=True)
    town.statement("after.txt", ("out", 500, "ﾌﾘｺﾐ"), on=date(2026, 6, 25))
    assert town.balance("bank") == -500
    town.check()

"""仕訳: transfers sum to zero, and a reversal takes back exactly what it names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from payments.domain.ledger import Account, Posting, Reason, balances, reversal_of

POSTINGS = st.builds(
    lambda accounts, amount_yen, reason: Posting(accounts[0], accounts[1], amount_yen, reason),
    st.permutations(list(Account)),
    st.integers(1, 10**11 - 1),
    st.sampled_from(Reason),
)


def test_a_payment_travels_from_claim_to_bank() -> None:
    story = [
        Posting(Account.RECEIVABLE, Account.ASSESSED, 12_300, Reason.ASSESSMENT),
        Posting(Account.REPORTED, Account.RECEIVABLE, 12_300, Reason.APPLIED),
        Posting(Account.CONFIRMED_DUE, Account.REPORTED, 12_300, Reason.CONFIRMED),
        Posting(Account.BANK, Account.CONFIRMED_DUE, 12_289, Reason.SETTLED),
        Posting(Account.FEE, Account.CONFIRMED_DUE, 11, Reason.FEE),
    ]
    left = {account: yen for account, yen in balances(story).items() if yen}
    assert left == {Account.ASSESSED: -12_300, Account.BANK: 12_289, Account.FEE: 11}


@given(postings=st.lists(POSTINGS))
def test_balances_always_sum_to_zero(postings: list[Posting]) -> None:
    assert sum(balances(postings).values()) == 0


@given(postings=st.lists(POSTINGS))
def test_postings_and_their_reversals_leave_nothing(postings: list[Posting]) -> None:
    reversals = [reversal_of(posting) for posting in postings]
    assert set(balances([*postings, *reversals]).values()) == {0}


def test_a_reversal_names_its_reason() -> None:
    posting = Posting(Account.REPORTED, Account.RECEIVABLE, 500, Reason.APPLIED)
    assert reversal_of(posting).reason == Reason.REVERSAL
    assert reversal_of(posting, Reason.WITHDRAWN).reason == Reason.WITHDRAWN


@pytest.mark.parametrize("amount_yen", [0, -1, 10**11])
def test_an_amount_that_moves_nothing_is_refused(amount_yen: int) -> None:
    with pytest.raises(InvalidValueError, match="yen_out_of_range"):
        Posting(Account.BANK, Account.OUTGOING, amount_yen, Reason.OUTGOING)


def test_an_account_cannot_pay_itself() -> None:
    with pytest.raises(InvalidValueError) as caught:
        Posting(Account.BANK, Account.BANK, 1, Reason.SETTLED)
    assert caught.value.error_code == "same_account"


@pytest.mark.parametrize("code", [*Account, *Reason])
def test_codes_fit_their_column_and_have_a_name(code: Account | Reason) -> None:
    assert len(code) <= 20
    assert code.isascii()
    assert code == code.lower()
    assert code.label_ja

"""納付書: states, the current version, and what may be printed."""

from __future__ import annotations

import pytest

from payments.domain.errors import InvalidValueError, RefusedError
from payments.domain.profile import Item
from payments.domain.slip import (
    SlipEvent,
    SlipState,
    Symbol,
    next_state,
    register_may_change,
    symbols_for,
)

NEW, SUPERSEDED, REVOKED = SlipState.NEW, SlipState.SUPERSEDED, SlipState.REVOKED
TAX = Item("901", "市県民税（普通徴収）", "tax")
ROAD_FEE = Item("953", "道路占用料", "public", konbini=False)
COUNTER_ONLY = Item("954", "窓口専用", "public", el_qr=False, konbini=False)


def test_codes_are_those_of_the_register() -> None:
    assert [str(state) for state in SlipState] == ["new", "superseded", "revoked"]
    assert [state.label_ja for state in SlipState] == ["有効", "再発行済", "失効"]


def test_a_new_slip_is_superseded_or_revoked() -> None:
    assert next_state(NEW, SlipEvent.SUPERSEDED) == SUPERSEDED
    assert next_state(NEW, SlipEvent.REVOKED) == REVOKED


@pytest.mark.parametrize("state", [SUPERSEDED, REVOKED])
@pytest.mark.parametrize("event", list(SlipEvent))
def test_nothing_leads_out_of_an_end_state(state: SlipState, event: SlipEvent) -> None:
    with pytest.raises(RefusedError) as caught:
        next_state(state, event)
    assert caught.value.error_code == "slip_state"
    assert caught.value.details == {"state": str(state), "event": str(event)}


@pytest.mark.parametrize("old", list(SlipState))
@pytest.mark.parametrize("new", list(SlipState))
def test_a_register_changes_new_slips_only(old: SlipState, new: SlipState) -> None:
    assert register_may_change(old, new) == (old in {new, NEW})


@pytest.mark.parametrize(
    ("amount_yen", "item", "symbols"),
    [
        (1, TAX, (Symbol.EL_QR, Symbol.KONBINI)),
        (300_000, TAX, (Symbol.EL_QR, Symbol.KONBINI)),
        (300_001, TAX, (Symbol.EL_QR,)),
        (12_300, ROAD_FEE, (Symbol.EL_QR,)),
        (12_300, COUNTER_ONLY, ()),
    ],
)
def test_symbols_follow_amount_and_item(
    amount_yen: int, item: Item, symbols: tuple[Symbol, ...]
) -> None:
    assert symbols_for(amount_yen, item) == symbols


def test_no_slip_over_nothing() -> None:
    with pytest.raises(InvalidValueError) as caught:
        symbols_for(0, TAX)
    assert caught.value.error_code == "slip_zero"

"""納付書: the states of a slip, which version counts, and which symbols it may carry.

States and versions: files.md 3.6 and outcomes.md 9. Nothing of a slip but its state ever changes; a
correction is a new version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError, RefusedError
from payments.domain.labels import LabelledCode
from payments.domain.money import require_yen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from payments.domain.profile import Item

# The limit of 料金代理収納 per slip (symbols.md 3.5); it binds the barcode, not the unified code.
KONBINI_AMOUNT_YEN_MAX = 300_000


class SlipState(LabelledCode):
    """納付書の状態: may the slip still be paid as printed."""

    NEW = "new", "有効"
    SUPERSEDED = "superseded", "再発行済"
    REVOKED = "revoked", "失効"


class SlipEvent(LabelledCode):
    """納付書の出来事: what changes the state of a slip."""

    REISSUED = "reissued", "再発行"  # a higher version took its place
    REVOKED = "revoked", "取消"  # withdrawn without a successor, e.g. the assessment was cancelled


TRANSITIONS: dict[tuple[SlipState, SlipEvent], SlipState] = {
    (SlipState.NEW, SlipEvent.REISSUED): SlipState.SUPERSEDED,
    (SlipState.NEW, SlipEvent.REVOKED): SlipState.REVOKED,
}


class Symbol(LabelledCode):
    """印字記号: the machine-readable symbols of a slip that somebody can pay with."""

    EL_QR = "el_qr", "地方税統一QRコード"
    KONBINI = "konbini", "コンビニ収納用バーコード"


def next_state(state: SlipState, event: SlipEvent) -> SlipState:
    """The state after ``event``; :class:`RefusedError` ``slip_state`` where there is no edge."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise RefusedError("slip_state", state=state.value, event=event.value) from None


def register_may_change(old: SlipState, new: SlipState) -> bool:
    """台帳による状態変更: whether a later register line may turn ``old`` into ``new``."""
    return old == new or any(
        before == old and after == new for (before, _event), after in TRANSITIONS.items()
    )


def current_version(versions: Iterable[tuple[int, SlipState]]) -> int | None:
    """現行の版: the highest version in state ``new``; None when there is none (files.md 3.6)."""
    return max((version for version, state in versions if state == SlipState.NEW), default=None)


def effective_state(version: int, state: SlipState, current: int | None) -> SlipState:
    """実効状態: the state the decision table uses, ``current`` being :func:`current_version`.

    A higher version in state ``new`` supersedes the lower ones also where no register has said so
    (outcomes.md 9); a revoked slip stays revoked.
    """
    if state == SlipState.NEW and current is not None and version < current:
        return SlipState.SUPERSEDED
    return state


def symbols_for(amount_yen: int, item: Item) -> tuple[Symbol, ...]:
    """印字できる記号: what may be printed on a slip of ``item`` over ``amount_yen``.

    The result may be empty: such a slip is paid at a counter by its OCR lines.

    Raises :class:`InvalidValueError` ``slip_zero`` for 0 yen, because an instalment of nothing gets
    no slip (law.md 4), and the errors of :func:`~payments.domain.money.require_yen`.
    """
    if require_yen(amount_yen, "amount_yen") == 0:
        raise InvalidValueError("slip_zero", field="amount_yen", found=0, expected="1 or more")
    may_carry = {
        Symbol.EL_QR: item.el_qr,
        Symbol.KONBINI: item.konbini and amount_yen <= KONBINI_AMOUNT_YEN_MAX,
    }
    return tuple(symbol for symbol, allowed in may_carry.items() if allowed)

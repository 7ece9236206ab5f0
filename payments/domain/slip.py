"""納付書: the states of a slip, which version counts, and which symbols it may carry.

States and versions: files.md 3.6 and outcomes.md 9. Nothing of a slip but its state ever changes; a
correction is a new version.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import InvalidValueError, RefusedError
from payments.domain.identifiers import (
    FreeArea,
    konbini_check_digit,
    own_key_check_digit,
    require_digits,
)
from payments.domain.labels import LabelledCode
from payments.domain.money import KONBINI_AMOUNT_YEN_MAX, require_yen
from payments.domain.valid_until import valid_until

if TYPE_CHECKING:
    from datetime import date

    from payments.domain.profile import Item, Profile

WHOLE_YEAR = "00"  # the 期別コード of a 全期 slip in registers and in our books
REISSUE_MAX = 9  # 再発行区分 stays there (symbols.md 3.1)
# Eleven digits of the case key: a hundred thousand million slips.
NUMBER_MAX = 10**11 - 1


class SlipState(LabelledCode):
    """納付書の状態: may the slip still be paid as printed."""

    NEW = "new", "有効"
    SUPERSEDED = "superseded", "再発行済"
    REVOKED = "revoked", "失効"


class SlipEvent(LabelledCode):
    """納付書の出来事: how a slip came into the world, and how it ended."""

    ISSUED = "issued", "発行"
    REISSUED = "reissued", "再発行"  # at the counter, in place of one that was lost or has expired
    CORRECTED = "corrected", "更正発行"  # in place of one whose amount is no longer what is owed
    SUPERSEDED = "superseded", "差替え"  # a higher version took its place
    REVOKED = "revoked", "失効"  # withdrawn without a successor, e.g. the assessment was cancelled


BEGINNINGS = frozenset({SlipEvent.ISSUED, SlipEvent.REISSUED, SlipEvent.CORRECTED})

TRANSITIONS: dict[tuple[SlipState, SlipEvent], SlipState] = {
    (SlipState.NEW, SlipEvent.SUPERSEDED): SlipState.SUPERSEDED,
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


# ---- numbers of a slip issued here ----


def slip_number(levy_year: int, number: int) -> str:
    """納付書番号: levy year, running number, check digit, e.g. ``2026-000000123-5``.

    The check digit (Damm) is over year and number, so that a typing error at the counter is seen.
    """
    return f"{levy_year:04d}-{number:09d}-{_with_check_digit(levy_year, number)[-1]}"


def case_key(prefix: str, levy_year: int, number: int) -> str:
    """案件特定キー: prefix 4, levy year 4, running number 11, check digit 1 (symbols.md 1.7).

    The number is never given out again, so the key is unique for ever; its check digit is that of
    the slip number. Raises :class:`InvalidValueError` ``not_digits`` or ``number_out_of_range``.
    """
    return require_digits(prefix, "case_key_prefix", 4) + _with_check_digit(levy_year, number)


@lru_cache(maxsize=16_384)  # A slip asks for it three times.
def _with_check_digit(levy_year: int, number: int) -> str:
    """Year 4, number 11, and the check digit over both."""
    body = f"{levy_year:04d}{_checked(number):011d}"
    return f"{body}{own_key_check_digit(body)}"


def _checked(number: int) -> int:
    """The running number itself, once it fits."""
    if not 0 < number <= NUMBER_MAX:
        raise InvalidValueError(
            "number_out_of_range", field="slip_number", found=number, expected=f"1..{NUMBER_MAX}"
        )
    return number


class SlipDates(NamedTuple):
    """支払期限: of the slip and its eL-QR, and of the barcode; they may differ (symbols.md 5)."""

    valid_until: date
    konbini_until: date


def slip_dates(profile: Profile, item: Item, due_on: date, issued_on: date) -> SlipDates:
    """支払期限の計算: by the policies of the item, from the shifted 納期限.

    Where a policy gives a day before ``issued_on``, the slip is issued late and the policy for that
    counts from the day of issue: nobody is handed a slip that no shop takes any more. The barcode
    never outlives the slip, because the books know one 支払期限 (outcomes.md 4, row 12).
    """
    policy = item.valid_until or profile.valid_until
    konbini_policy = item.konbini_valid_until or profile.konbini_valid_until or policy
    late = valid_until(profile.late_valid_until, issued_on)

    def until(wanted: str) -> date:
        day = valid_until(wanted, due_on)
        return late if day < issued_on else day

    return SlipDates(until(policy), min(until(konbini_policy), until(policy)))


class SlipKeys(NamedTuple):
    """納付書の番号: what tells one version of a slip from every other, for ever."""

    slip_no: str
    el_number: str | None  # 34 digits; None where no eL-QR may be printed
    konbini_barcode: str | None  # 44 digits; None where no barcode may be printed


def slip_keys(
    profile: Profile,
    item: Item,
    *,
    levy_year: int,
    number: int,
    confirmation_no: str,
    version: int,
    amount_yen: int,
    konbini_until: date,
) -> SlipKeys:
    """納付書の採番: the keys of one new version, as far as its symbols may be printed.

    Every version has its own eL number and free area; 再発行区分 counts the versions before it.
    """
    symbols = symbols_for(amount_yen, item)
    el_number = barcode = None
    if Symbol.EL_QR in symbols:
        key = case_key(profile.case_key_prefix, levy_year, number)
        require_digits(confirmation_no, "confirmation_no", 6)
        el_number = f"{profile.collecting_body_code}{key}{confirmation_no}{item.item_code}"
    if Symbol.KONBINI in symbols:
        area = FreeArea.issue(profile.konbini_client_code, number).digits
        reissue = min(version - 1, REISSUE_MAX)
        body = (
            f"91{profile.konbini_company_code}{area}{reissue}"
            f"{konbini_until:%y%m%d}0{amount_yen:06d}"
        )
        barcode = f"{body}{konbini_check_digit(body)}"
    return SlipKeys(slip_number(levy_year, number), el_number, barcode)

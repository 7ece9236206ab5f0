"""円: the checks every amount passes when it enters (design R1), and how it is shown.

An amount is a plain ``int`` of whole yen. A wrapper type would have to be unwrapped at every SQL
statement and file line, so the rule is a check at the door instead: :func:`require_yen`.
"""

from __future__ import annotations

from payments.domain.errors import InvalidValueError

# 払込金額 of the unified code has 11 digits (the eL-QR tag 54), the widest amount field of any
# channel; what is larger could be booked but never printed or paid, so it cannot be an amount.
AMOUNT_YEN_MAX = 99_999_999_999
# The limit of 料金代理収納 per slip (symbols.md 3.5); it binds the barcode, not the unified code.
KONBINI_AMOUNT_YEN_MAX = 300_000


def require_yen(value: object, field: str, *, minimum: int = 0) -> int:
    """金額の確認: ``value`` itself, once it is a whole number of yen in ``minimum``…11 digits.

    ``bool`` is an ``int`` in Python and a float may be whole by accident; both are refused, because
    either one means that something other than an amount was handed over.

    Raises :class:`InvalidValueError` ``not_yen`` (wrong type) or ``yen_out_of_range``.
    """
    if type(value) is not int:
        raise InvalidValueError(
            "not_yen", field=field, found=f"{type(value).__name__} {value!r}", expected="int"
        )
    if not minimum <= value <= AMOUNT_YEN_MAX:
        raise InvalidValueError(
            "yen_out_of_range", field=field, found=value, expected=f"{minimum}..{AMOUNT_YEN_MAX}"
        )
    return value


def format_yen(amount_yen: int) -> str:
    """金額の表示: ``12300`` → ``12,300円``; a difference may be negative: ``-500円``."""
    return f"{amount_yen:,}円"

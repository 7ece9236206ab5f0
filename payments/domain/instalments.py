"""期別: cutting off fractions and splitting a yearly amount into instalments.

Source: 地方税法20条の4の2. Paragraph ③: an amount of tax loses what is below 100 yen. Paragraph ⑥:
of each instalment, what is below 1,000 yen (or the whole of it, when it is smaller) is added to the
first one, unless an ordinance says otherwise. Charges that are no tax have units of their own, e.g.
10 yen, so both units are parameters.
"""

from __future__ import annotations

from payments.domain.errors import InvalidValueError
from payments.domain.money import require_yen

TAX_UNIT_YEN = 100
TAX_INSTALMENT_UNIT_YEN = 1_000
INSTALMENTS_MAX = 99  # 期別コード has two digits, and 00 is the 全期 slip


def truncate(amount_yen: int, unit_yen: int = TAX_UNIT_YEN) -> int:
    """端数切捨て: ``amount_yen`` without what is below ``unit_yen`` (地方税法20条の4の2③).

    Raises :class:`InvalidValueError` for an amount or a unit that cannot be.
    """
    require_yen(amount_yen, "amount_yen")
    require_yen(unit_yen, "unit_yen", minimum=1)
    return amount_yen - amount_yen % unit_yen


def split(
    total_yen: int,
    instalments: int,
    *,
    unit_yen: int = TAX_INSTALMENT_UNIT_YEN,
    total_unit_yen: int = TAX_UNIT_YEN,
) -> tuple[int, ...]:
    """期割: the amounts of all instalments in order; the first takes every remainder (⑥).

    They sum to ``truncate(total_yen, total_unit_yen)``. An instalment may be 0: no slip is issued
    for it.

    Raises :class:`InvalidValueError` ``instalments`` for a number outside 1…99, and the errors of
    :func:`truncate`.
    """
    if not 1 <= instalments <= INSTALMENTS_MAX:
        raise InvalidValueError(
            "instalments", field="instalments", found=instalments, expected=f"1..{INSTALMENTS_MAX}"
        )
    truncated_yen = truncate(total_yen, total_unit_yen)
    each_yen = truncate(truncated_yen // instalments, unit_yen)
    first_yen = truncated_yen - each_yen * (instalments - 1)
    return (first_yen, *[each_yen] * (instalments - 1))

"""円: what may be an amount, and how it is shown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from payments.domain.errors import InvalidValueError
from payments.domain.money import AMOUNT_YEN_MAX, format_yen, require_yen


@pytest.mark.parametrize("value", [0, 1, 12_300, AMOUNT_YEN_MAX])
def test_whole_yen_within_eleven_digits_pass_unchanged(value: int) -> None:
    assert require_yen(value, "amount_yen") == value


@pytest.mark.parametrize("value", [True, False, 1.0, "100", Decimal(1), None])
def test_anything_but_an_int_is_refused_with_its_type(value: object) -> None:
    with pytest.raises(InvalidValueError) as caught:
        require_yen(value, "amount_yen")
    assert caught.value.error_code == "not_yen"
    assert caught.value.details["field"] == "amount_yen"
    assert type(value).__name__ in str(caught.value.details["found"])


@pytest.mark.parametrize(("value", "minimum"), [(-1, 0), (0, 1), (AMOUNT_YEN_MAX + 1, 0)])
def test_an_amount_outside_its_range_is_refused(value: int, minimum: int) -> None:
    with pytest.raises(InvalidValueError) as caught:
        require_yen(value, "paid_yen", minimum=minimum)
    assert caught.value.error_code == "yen_out_of_range"
    assert caught.value.details == {
        "field": "paid_yen",
        "found": value,
        "expected": f"{minimum}..99999999999",
    }


@pytest.mark.parametrize(
    ("amount_yen", "text"),
    [(0, "0円"), (999, "999円"), (12_300, "12,300円"), (-500, "-500円")],
)
def test_amounts_are_shown_with_separators(amount_yen: int, text: str) -> None:
    assert format_yen(amount_yen) == text

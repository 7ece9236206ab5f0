"""A placement by itself: what it may say, and what it is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from reconcile.placement_model import PARTS_MAX, Part, placement_of, subject_of

PARTS = st.lists(
    st.builds(
        Part,
        notice_id=st.integers(1, 9),
        term=st.sampled_from([f"{number:02d}" for number in range(1, 13)]),
        amount_yen=st.integers(1, 10_000),
    ),
    max_size=8,
    unique_by=lambda part: part[:2],
)


def refusal(*parts: Part, amount_yen: int = 10_000) -> str:
    """The code with which it is refused."""
    with pytest.raises(InvalidValueError) as refused:
        placement_of(3, 2, parts, amount_yen=amount_yen)
    return refused.value.error_code


@given(PARTS)
def test_parts_stay_in_their_order_and_never_exceed_the_payment(parts):
    total = sum(part.amount_yen for part in parts)
    placement = placement_of(3, 2, parts, amount_yen=total)
    assert list(placement.parts) == parts
    assert placement.placed_yen == total
    if parts:
        assert refusal(*parts, amount_yen=total - 1) == "placement_sum"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, ("undo", "unlinked", "M1")),
        (1, ("move", "placed", "M2")),
        (2, ("split", "placed", "M2")),
        (PARTS_MAX, ("split", "placed", "M2")),
    ],
)
def test_the_number_of_parts_says_what_it_is(number, said):
    parts = [Part(place, "01", 1) for place in range(1, number + 1)]
    placement = placement_of(3, 2, parts, amount_yen=100)
    assert (placement.operation, placement.outcome, placement.rule) == said
    assert placement.subject == subject_of(3, 2) == "line:3:2"


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([Part(1, "01", 0)], "yen_out_of_range"),
        ([Part(1, "01", -5)], "yen_out_of_range"),
        ([Part(1, "01", True)], "not_yen"),
        ([Part(1, "00", 5)], "placement_term"),
        ([Part(1, "1", 5)], "placement_term"),
        ([Part(1, "①②", 5)], "placement_term"),
        ([Part(1, "01", 5), Part(2, "01", 5), Part(1, "01", 7)], "placement_twice"),
        ([Part(1, "01", 5_000), Part(1, "02", 5_001)], "placement_sum"),
        ([Part(place, "01", 1) for place in range(PARTS_MAX + 1)], "placement_parts"),
    ],
)
def test_what_makes_no_sense_by_itself_is_refused(parts, code):
    assert refusal(*parts) == code

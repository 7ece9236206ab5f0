"""収納: the stages of a receipt."""

from __future__ import annotations

import itertools

import pytest

from payments.domain.errors import RefusedError
from payments.domain.receipt import ReceiptEvent, ReceiptStage, next_stage

ALLOWED = {
    (None, "reported"): "provisional",
    (None, "confirmed"): "confirmed",
    ("provisional", "confirmed"): "confirmed",
    ("provisional", "withdrawn"): "withdrawn",
    ("confirmed", "replaced"): "withdrawn",
}
EVERY_EDGE = list(itertools.product([None, *ReceiptStage], ReceiptEvent))


def test_stages_carry_their_japanese_names() -> None:
    assert {str(stage): stage.label_ja for stage in ReceiptStage} == {
        "provisional": "速報",
        "confirmed": "確報",
        "withdrawn": "取消済",
    }


@pytest.mark.parametrize(("stage", "event"), EVERY_EDGE)
def test_only_the_listed_edges_exist(stage: ReceiptStage | None, event: ReceiptEvent) -> None:
    expected = ALLOWED.get((stage, event))
    if expected is not None:
        assert next_stage(stage, event) == expected
        return
    with pytest.raises(RefusedError) as caught:
        next_stage(stage, event)
    assert caught.value.error_code == "receipt_stage"
    assert caught.value.details == {"stage": stage, "event": event}

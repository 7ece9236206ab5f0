"""収納: the stages of a receipt and the only ways from one to another (outcomes.md 5 and 9)."""

from __future__ import annotations

from payments.domain.errors import RefusedError
from payments.domain.labels import LabelledCode


class ReceiptStage(LabelledCode):
    """収納の段階: how sure it is that the money comes."""

    PROVISIONAL = "provisional", "速報"
    CONFIRMED = "confirmed", "確報"
    WITHDRAWN = "withdrawn", "取消済"


class ReceiptEvent(LabelledCode):
    """収納の出来事: what a line does to a receipt."""

    REPORTED = "reported", "速報の受付"
    CONFIRMED = "confirmed", "確報の受付"
    WITHDRAWN = "withdrawn", "取消の受付"
    REPLACED = "replaced", "訂正確報の受付"


# ``None`` is "no receipt yet". A withdrawn receipt never comes back: a 確報 after a 取消 is a new
# receipt with a case. A confirmed one falls only to the 22 that corrects its 12 (outcomes.md 9);
# a 取消 after the 確報 undoes nothing.
TRANSITIONS: dict[tuple[ReceiptStage | None, ReceiptEvent], ReceiptStage] = {
    (None, ReceiptEvent.REPORTED): ReceiptStage.PROVISIONAL,
    (None, ReceiptEvent.CONFIRMED): ReceiptStage.CONFIRMED,
    (ReceiptStage.PROVISIONAL, ReceiptEvent.CONFIRMED): ReceiptStage.CONFIRMED,
    (ReceiptStage.PROVISIONAL, ReceiptEvent.WITHDRAWN): ReceiptStage.WITHDRAWN,
    (ReceiptStage.CONFIRMED, ReceiptEvent.REPLACED): ReceiptStage.WITHDRAWN,
}


def next_stage(stage: ReceiptStage | None, event: ReceiptEvent) -> ReceiptStage:
    """The stage after ``event``; :class:`RefusedError` ``receipt_stage`` where there is no edge."""
    try:
        return TRANSITIONS[stage, event]
    except KeyError:
        raise RefusedError(
            "receipt_stage", stage=None if stage is None else stage.value, event=event.value
        ) from None

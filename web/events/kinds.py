"""外部通知の種類: what a subscriber may ask to be told, and by which numbers slips may be named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError
from payments.domain.labels import LabelledCode

if TYPE_CHECKING:
    from collections.abc import Iterable


class EventKind(LabelledCode):
    """外部通知の種類. ``slip.refunded`` is kept for refunds, which nothing books yet."""

    PAID = "slip.paid", "納付済"
    WITHDRAWN = "slip.payment_withdrawn", "納付の取消"
    REFUNDED = "slip.refunded", "還付済"
    QUARANTINED = "file.quarantined", "資料の保留"
    RELEASED = "file.released", "資料の保留解除"
    DAY_CLOSED = "day.closed", "日次締め"
    DAY_REOPENED = "day.reopened", "日次締めの解除"
    YEAR_CLOSED = "year.closed", "年度締め"
    YEAR_REOPENED = "year.reopened", "年度締めの解除"


class SlipNumber(LabelledCode):
    """納付書の示し方: the numbers by which a subscriber may know a slip."""

    EL_NUMBER = "el_number", "eL番号"
    SLIP_NO = "slip_no", "納付書番号"
    NOTICE = "notice", "通知書番号と期別"


KINDS = tuple(kind.value for kind in EventKind)
NUMBERS = tuple(number.value for number in SlipNumber)


def require_kinds(kinds: Iterable[str]) -> tuple[str, ...]:
    """Kinds in their order; ``slip`` and the like stand for all that begin so, none for all.

    Raises :class:`InvalidValueError` ``event_kind``.
    """
    asked = tuple(kinds)
    for one in asked:
        if not any(_is_meant(one, kind) for kind in KINDS):
            raise InvalidValueError("event_kind", found=one, expected=", ".join(KINDS))
    return tuple(k for k in KINDS if not asked or any(_is_meant(one, k) for one in asked))


def require_numbers(numbers: Iterable[str]) -> tuple[str, ...]:
    """Numbers in their order, 納付書番号 if none is named.

    Raises :class:`InvalidValueError` ``event_number``.
    """
    asked = tuple(numbers) or (SlipNumber.SLIP_NO.value,)
    for one in asked:
        if one not in NUMBERS:
            raise InvalidValueError("event_number", found=one, expected=", ".join(NUMBERS))
    return tuple(number for number in NUMBERS if number in asked)


def _is_meant(asked: str, kind: str) -> bool:
    return asked in {kind, kind.partition(".")[0]}

"""理由: the words with which a person says why."""

from __future__ import annotations

from payments.domain.errors import InvalidValueError

REASON_MAX = 200


def require_reason(reason: str) -> str:
    """理由の確認: something was written, and it is no letter; without the spaces around it.

    Raises :class:`InvalidValueError` ``reason_missing`` or ``reason_long``.
    """
    stripped = reason.strip()
    if not stripped:
        raise InvalidValueError("reason_missing")
    if len(stripped) > REASON_MAX:
        raise InvalidValueError("reason_long", found=len(stripped), expected=REASON_MAX)
    return stripped

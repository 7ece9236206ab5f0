"""名称: codes that carry the Japanese name a person reads."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class LabelledCode(StrEnum):
    """名称つきコード: a member is its stable code (a ``str``), with ``label_ja`` beside it."""

    label_ja: str

    def __new__(cls, code: str, label_ja: str = "") -> Self:
        """One member from its code and its name."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.label_ja = label_ja
        return member

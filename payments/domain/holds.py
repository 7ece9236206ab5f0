"""猶予・停止: what may hold a claim back, and on which days.

A hold is a fact with a reason, set from one day to another and lifted at any time; several may
stand at once. Which letters and files it keeps back is decided where these are made.
Source: 地方税法15条, 15条の5, 15条の6, 15条の7; law.md A-04.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError
from payments.domain.labels import LabelledCode

if TYPE_CHECKING:
    from datetime import date


class HoldKind(LabelledCode):
    """猶予・停止の種類; the first two are also flags of ``assessments-1`` (files.md 3.5)."""

    COLLECTION = "collection_hold", "徴収猶予"
    DUNNING = "dunning_hold", "督促停止"
    CONVERSION = "conversion_hold", "換価の猶予"
    ENFORCEMENT = "enforcement_stop", "滞納処分の停止"
    TAXATION = "taxation_hold", "課税保留"


# What a line of assessments says about an instalment, in the order of its column.
FLAGS = (HoldKind.COLLECTION, HoldKind.DUNNING)


@dataclass(frozen=True, slots=True)
class Span:
    """猶予・停止の期間: in force from ``from_on`` to ``until_on``, both included (None: open end).

    ``lifted_on`` is the first day without it, whatever ``until_on`` says.
    """

    from_on: date
    until_on: date | None = None
    lifted_on: date | None = None

    def covers(self, day: date) -> bool:
        """Whether it is in force on ``day``."""
        return (
            self.from_on <= day
            and (self.until_on is None or day <= self.until_on)
            and (self.lifted_on is None or day < self.lifted_on)
        )


def check_span(span: Span) -> None:
    """期間の確認; :class:`InvalidValueError` ``hold_span`` when it ends before it begins."""
    if span.until_on is not None and span.until_on < span.from_on:
        raise InvalidValueError("hold_span", found=str(span.until_on), expected=str(span.from_on))

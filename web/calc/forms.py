"""計算の画面の欄: which fields each calculator asks for, and which of them an error is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.domain.late_charge_levies import shipped_levies
from payments.domain.refund_interest import RefundReason
from web import formatting
from web.language import translate as _
from web.language import translated
from web.texts import calc as words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from payments.domain.errors import InvalidValueError

# Where the rules name a value otherwise than the form does.
_PLACES = {
    "part_payment": "parts",
    "left_out": "left_out",
    "instalments": "count",
    "late_charge_levy": "levy",
}
_FIELDS = {"event_on": "event", "corrected_on": "corrected"}


@dataclass(frozen=True, slots=True)
class Field:
    """欄: yen, count, date, choice, check or lines."""

    name: str
    kind: str
    required: bool = False
    japanese: tuple[tuple[str, str], ...] = ()  # 選択肢: value and name
    otherwise: str = ""  # what it holds before anything is typed

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """What can be chosen, for the reader."""
        return tuple((value, translated(name)) for value, name in self.japanese)

    @property
    def label(self) -> str:
        """Its name."""
        return translated(words.FIELDS[self.name][0])

    @property
    def hint(self) -> str:
        """What to write, where the name does not say it."""
        return translated(words.FIELDS[self.name][1])


def _choice(name: str, more: Mapping[str, str] | None = None) -> Field:
    choices = {**words.CHOICES.get(name, {}), **(more or {})}
    return Field(name, "choice", japanese=tuple(choices.items()))


FIELDS: dict[str, tuple[Field, ...]] = {
    "late-charge": (
        Field("amount_yen", "yen", required=True),
        Field("due", "date", required=True),
        Field("shift", "check"),
        Field("paid", "date", required=True),
        _choice("levy", shipped_levies().names),
        _choice("low_tier_months"),
        _choice("floor_at"),
        Field("parts", "lines"),
        Field("left_out", "lines"),
    ),
    "refund-interest": (
        Field("amount_yen", "yen", required=True),
        _choice("reason", {reason.value: reason.label_ja for reason in RefundReason}),
        Field("start", "date"),
        Field("paid_on", "date"),
        Field("event", "date"),
        Field("corrected", "date"),
        Field("decided", "date", required=True),
        Field("notified", "date"),
        Field("claimed", "date"),
    ),
    "due-date": (Field("date", "date", required=True), _choice("calendar")),
    "instalments": (
        Field("amount_yen", "yen", required=True),
        Field("count", "count", required=True),
        Field("unit_yen", "yen", otherwise="1000"),
        Field("total_unit_yen", "yen", otherwise="100"),
    ),
}


def place_of(error: InvalidValueError, fields: tuple[Field, ...]) -> str:
    """The field that an error is about; "" when it is about none of them."""
    named = str(error.details.get("field", ""))
    place = _PLACES.get(error.error_code) or _FIELDS.get(named, named)
    return place if place in {field.name for field in fields} else ""


def given(fields: tuple[Field, ...], raw: Mapping[str, str]) -> list[tuple[str, str]]:
    """入れた値: what was typed and was right, in words, for the sheet that is printed."""
    shown = []
    for field in fields:
        value = raw.get(field.name, "").strip()
        if field.kind == "choice":
            value = dict(field.choices).get(value, value)
        elif field.kind == "check":
            value = _("はい") if value else ""
        elif field.kind == "yen" and value:
            value = formatting.yen(int(value.replace(",", "")))
        elif field.kind == "date" and value:
            value = formatting.long_day(value)
        if value:
            shown.append((field.label, _("、").join(value.split())))
    return shown

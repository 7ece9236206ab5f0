"""桁割表: fixed-length digit layouts as data, shared by every symbol profile.

A layout is a table of fields in print order; offsets are computed from the lengths and never
written by hand. Splitting is strict: the first deviation is a :class:`SymbolError` that names the
field, the 0-based position, what was found, what was expected and why it matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping


class SymbolError(InvalidValueError):
    """記号の誤り: a symbol's text deviates from its layout.

    ``error_code`` is ``{symbol}_{reason}``; reasons are ``length``, ``digit``, ``fixed``,
    ``check_digit``, ``crc``, ``amount``, ``date`` and ``value``.
    """

    code = "symbol"

    def __init__(
        self,
        *,
        symbol: str,
        reason: str,
        field: str,
        position: int,
        found: str,
        expected: str,
    ) -> None:
        """Keep the place and both values; ``position`` counts from 0 in the whole symbol."""
        super().__init__(
            f"{symbol}_{reason}",
            position=position,
            field=field,
            found=found,
            expected=expected,
            reason=reason,
        )
        self.symbol = symbol
        self.reason = reason
        self.field = field
        self.position = position
        self.found = found
        self.expected = expected


def is_digits(text: str) -> bool:
    """Whether the text is ASCII digits only (``str.isdigit`` also accepts full-width digits)."""
    return text.isascii() and text.isdigit()


@dataclass(frozen=True, slots=True)
class Field:
    """項目: one field of a layout; ``fixed`` is set when only one value may stand there."""

    name: str
    label_ja: str
    length: int
    fixed: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """桁割: the fields of one symbol or line in order, under a stable symbol name."""

    symbol: str  # first part of the error codes
    fields: tuple[Field, ...]

    @property
    def length(self) -> int:
        """Number of digits of the whole."""
        return sum(field.length for field in self.fields)

    def offset(self, name: str) -> int:
        """0-based start of the field of this name."""
        start = 0
        for field in self.fields:
            if field.name == name:
                return start
            start += field.length
        raise KeyError(name)

    def error(
        self, reason: str, name: str, *, found: str, expected: str, base: int = 0
    ) -> SymbolError:
        """A deviation in the field ``name``; ``base`` is where this layout starts in its symbol."""
        label = next(field.label_ja for field in self.fields if field.name == name)
        return SymbolError(
            symbol=self.symbol,
            reason=reason,
            field=label,
            position=base + self.offset(name),
            found=found,
            expected=expected,
        )

    def split(self, text: str, *, base: int = 0) -> dict[str, str]:
        """Text → field values by name; ``base`` is where the text starts in its symbol."""
        if not is_digits(text):
            self._refuse_non_digit(text, base)
        if len(text) != self.length:
            raise SymbolError(
                symbol=self.symbol,
                reason="length",
                field="",
                position=base + min(len(text), self.length),
                found=str(len(text)),
                expected=str(self.length),
            )
        values: dict[str, str] = {}
        start = 0
        for field in self.fields:
            end = start + field.length
            value = text[start:end]
            if field.fixed is not None and value != field.fixed:
                raise self.error("fixed", field.name, found=value, expected=field.fixed, base=base)
            values[field.name] = value
            start = end
        return values

    def join(self, values: Mapping[str, str], *, base: int = 0) -> str:
        """Field values → text; fixed fields need not be given, every other one must be."""
        parts: list[str] = []
        for field in self.fields:
            value = values.get(field.name, field.fixed)
            if value is None:
                raise self.error("value", field.name, found="", expected=_form(field), base=base)
            if len(value) != field.length or not is_digits(value):
                raise self.error("value", field.name, found=value, expected=_form(field), base=base)
            if field.fixed is not None and value != field.fixed:
                raise self.error("fixed", field.name, found=value, expected=field.fixed, base=base)
            parts.append(value)
        return "".join(parts)

    def _refuse_non_digit(self, text: str, base: int) -> None:
        """Name the first character that is no ASCII digit (an empty text is a wrong length)."""
        for position, character in enumerate(text):
            if not is_digits(character):
                raise SymbolError(
                    symbol=self.symbol,
                    reason="digit",
                    field="",
                    position=base + position,
                    found=character,
                    expected="0-9",
                )


def _form(field: Field) -> str:
    """How a field is described in an error: its number of digits."""
    return f"{field.length} digits"


def number_field(value: int, length: int) -> str:
    """A whole number as zero-padded digits.

    A value that does not fit comes out longer (or with its sign), so that :meth:`Layout.join`
    refuses it together with its place.
    """
    return f"{value:0{length}d}"


def parse_date(text: str) -> date | None:
    """YYYYMMDD → date, or None when there is no such day."""
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None

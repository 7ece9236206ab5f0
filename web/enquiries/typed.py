"""入力: what a resident typed, pasted or scanned becomes eL numbers, or says which field is wrong.

Pure. Everything said here rests on the typed digits and on what is printed on every slip of the
body, never on the books: it tells nobody whether a slip exists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.domain.identifiers import ElNumber, digits_from_text, own_key_check_digit
from qr.digits.symbol_reading import interpret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from payments.domain.profile import Profile

FIELD_MAX = 400  # a whole eL-QR, as a hand scanner types it
EL_QR_DIGITS = 255
_DIGITS = sum(ElNumber.LENGTHS.values())
_NO_DIGITS = re.compile(r"[^0-9]+")


@dataclass(frozen=True, slots=True)
class Part:
    """番号の一区分: a field of the form, with what is wrong about it.

    ``wrong``: "" or the code of a sentence: ``empty``, ``letters``, ``short`` or ``long``;
    ``found`` is how many digits there are.
    """

    name: str
    length: int
    value: str = ""
    wrong: str = ""
    found: int = 0


def parts_of(number: ElNumber | None = None) -> list[Part]:
    """四つの区分 of a number, or empty."""
    return [
        Part(name, length, getattr(number, name) if number else "")
        for name, length in ElNumber.LENGTHS.items()
    ]


def typed(form: Mapping[str, str]) -> list[Part]:
    """The four fields as they were typed: full-width digits, spaces and hyphens are taken.

    A whole number, or the digits of an eL-QR, in one field is spread over all four.
    """
    values = {name: form.get(name, "")[:FIELD_MAX] for name in ElNumber.LENGTHS}
    for value in values.values():
        number = number_in(value)
        if number is not None:
            return parts_of(number)
    return [_part(name, length, values[name]) for name, length in ElNumber.LENGTHS.items()]


def _part(name: str, length: int, text: str) -> Part:
    value = digits_from_text(text)
    if not value:
        return Part(name, length, "", "empty")
    if not (value.isascii() and value.isdigit()):
        return Part(name, length, value[:60], "letters")
    if len(value) != length:
        wrong = "short" if len(value) < length else "long"
        return Part(name, length, value[:60], wrong, len(value))
    return Part(name, length, value)


def number_of(parts: list[Part]) -> ElNumber | None:
    """The number of the four fields; None when one of them is wrong."""
    if any(part.wrong for part in parts):
        return None
    return ElNumber(**{part.name: part.value for part in parts})


def number_in(text: str) -> ElNumber | None:
    """The one eL number that a text holds, with or without the names of its parts; else None."""
    digits = _NO_DIGITS.sub("", digits_from_text(text))
    if len(digits) == _DIGITS:
        return ElNumber.parse(digits)
    if len(digits) == EL_QR_DIGITS:
        symbol = interpret("", 1, "el_qr", digits)
        if symbol.valid:
            return ElNumber.parse(symbol.fields["el_number"])
    return None


def lines_of(text: str, most: int) -> tuple[list[ElNumber], list[int]]:
    """まとめての入力: a number in each line, and which lines (from 1) hold none.

    Numbers come once each, in their order; blank lines count for nothing. Lines beyond ``most``
    numbers are left to the caller: one more than ``most`` numbers is returned.
    """
    numbers: dict[str, ElNumber] = {}
    wrong = []
    for place, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or len(numbers) > most:
            continue
        number = number_in(line[:FIELD_MAX])
        if number is None:
            wrong.append(place)
        else:
            numbers.setdefault(number.digits, number)
    return list(numbers.values()), wrong


def doubts(number: ElNumber, profile: Profile) -> tuple[str, ...]:
    """疑わしい区分: the fields that cannot be right on a slip of this body, as far as digits tell.

    The check digit of 納付番号 holds for slips that were issued here (files.md 3.6); registers from
    elsewhere may use the same prefix, so that a doubt is a hint and no refusal.
    """
    found = []
    if number.collecting_body_code != profile.collecting_body_code:
        found.append("collecting_body_code")
    prefix, key = profile.case_key_prefix, number.case_key
    if key.startswith(prefix) and own_key_check_digit(key[4:19]) != int(key[19]):
        found.append("case_key")
    if number.item_code not in {item.item_code for item in profile.items}:
        found.append("item_code")
    return tuple(found)

"""独自様式の項目: what a value of each kind of field looks like, and what it says.

A kind is one row of :data:`KINDS`: the form of its text, the bytes it may begin with (by which two
layouts are told apart) and, for dates and times, how the text is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reconcile.formats.delimited import Days
from reconcile.formats.fixed_length import Field
from reconcile.formats.zengin_common import EraDates, yearless_date

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

DIGITS = frozenset(b"0123456789")
_CLOCK = re.compile("([01][0-9]|2[0-3]):?([0-5][0-9])")
# 全銀 files.md 1.8, as input: ｦ is accepted.
_KANA = "[ -~ｦ-ﾟ]"

Bytes = frozenset[int] | None  # what may stand at one byte; None: anything


class Kind(NamedTuple):
    """項目の種類: ``form`` of one value, with its length put in; 0 means any length."""

    form: str
    length: int = 0  # of every value of this kind; 0 where the field says it
    digits: bool = True  # right-justified and zero-filled, 全銀 N
    head: tuple[Bytes, ...] = ()  # narrower bytes at its beginning
    reads: str = ""  # "date" or "time"


KINDS: Mapping[str, Kind] = {
    "constant": Kind(""),
    "choice": Kind("", digits=False),
    "digits": Kind("[0-9]{{{n}}}"),
    "amount": Kind("[0-9]{{{least},{n}}}"),
    "yyyymmdd": Kind("[0-9]{{8}}", 8, head=(frozenset(b"12"), frozenset(b"90")), reads="date"),
    "yyyy-mm-dd": Kind("[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}", 10, digits=False, reads="date"),
    "yymmdd": Kind("[0-9]{{6}}", 6, reads="date"),  # 西暦の下2桁, 20YY
    "era_yymmdd": Kind("[0-9]{{6}}", 6, reads="date"),  # 和暦, no era mark
    "mmdd": Kind("[0-9]{{4}}", 4, reads="date"),  # no year
    "hhmm": Kind("(?:[01][0-9]|2[0-3])[0-5][0-9]", 4, reads="time"),
    "hh:mm": Kind("(?:[01][0-9]|2[0-3]):[0-5][0-9]", 5, digits=False, reads="time"),
    "kana": Kind(_KANA + "{{{low},{n}}}", digits=False),
    "text": Kind("(?s:.){{{low},{n}}}", digits=False),
    "filler": Kind("(?s:.){{{low},{n}}}", digits=False),
}
DATES = tuple(name for name, kind in KINDS.items() if kind.reads == "date")
TIMES = tuple(name for name, kind in KINDS.items() if kind.reads == "time")
_BLANK = re.compile("[0 ]*")


@dataclass(frozen=True)
class OwnField:
    """独自様式の項目: one field as the municipality describes it."""

    name: str
    label: str
    length: int  # bytes in a fixed record; the most characters of a text or amount in a CSV
    kind: str
    values: tuple[str, ...] = ()  # of a choice; the one of a constant
    optional: bool = False  # blank, or zeros, where there is nothing to say

    def pattern(self, *, fixed: bool) -> re.Pattern[str]:
        """What a value must look like."""
        form = "|".join(map(re.escape, self.values)) or KINDS[self.kind].form.format(
            n=self.length, low=self.length if fixed else 0, least=self.length if fixed else 1
        )
        blank = f"[0 ]{{{self.length}}}" if fixed else "[0 ]*"
        return re.compile(f"(?:{form})|{blank}" if self.optional else form)

    def stands(self) -> tuple[Bytes, ...]:
        """Per byte of a value of fixed length, what may stand there."""
        if self.optional or not KINDS[self.kind].digits:
            return (None,) * self.length
        if self.kind == "constant":
            return tuple(frozenset([byte]) for byte in self.values[0].encode("cp932"))
        head = KINDS[self.kind].head
        return (*head, *(DIGITS for _ in range(self.length - len(head))))

    def column(self) -> Field:
        """The field in the table of the fixed-length engine."""
        kind = "N" if KINDS[self.kind].digits else "C"
        return Field(self.name, self.label, self.length, kind, self.optional)


class Readers:
    """日付と時刻の読み方, for one file: what a text of each kind says, None where nothing."""

    def __init__(self, received_on: date) -> None:
        """Dates without era or year are read against the day of receipt (files.md 1.7)."""
        self._received_on = received_on
        self._days, self._eras = Days(), EraDates(received_on)

    def day(self, kind: str, text: str) -> str | None:
        """ISO text of a date."""
        if kind == "era_yymmdd":
            return self._eras[text]
        if kind == "mmdd":
            return yearless_date(text, self._received_on)
        return self._days[f"20{text}" if kind == "yymmdd" else text]

    def time(self, text: str) -> str | None:
        """HH:MM."""
        found = _CLOCK.fullmatch(text)
        return f"{found[1]}:{found[2]}" if found else None


def is_blank(text: str) -> bool:
    """Nothing to say: no text, spaces or zeros."""
    return _BLANK.fullmatch(text) is not None

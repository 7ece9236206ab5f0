"""区切り形式: the columns of comma-separated files, and how a line is written (files.md 2.4, 3.1).

One :class:`Layout` states the columns. Its patterns serve twice: joined, as one expression that a
good line fits at once (the hot path), and one by one, to say which field of a bad line is wrong.
:mod:`reconcile.formats.delimited_reader` walks over a file with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.characters import EXTENDING, EXTENDING_MAX
from payments.domain.errors import InvalidValueError
from reconcile.formats.wrapping import BOM, Wrapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CRLF = b"\r\n"
YEAR_MIN, YEAR_MAX = 1950, 2099  # a date outside is a slip of the keyboard, not a date of ours

DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
YEAR = "(?:19[5-9]|20[0-9])[0-9]"
YEN_DIGITS_MAX = 11  # the amount field of the eL-QR, the widest of all slips (symbols.md 1)
# 納付方法 of the two neutral payment files (files.md 3.2).
PAYMENT_CHANNELS = ("counter", "app", "credit", "internet_banking", "direct_debit", "payeasy")

CONTROL = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")
_QUOTED = re.compile('"((?:[^"]|"")*)"(,|\\Z)')
_DAY = re.compile("([0-9]{4})(-?)([0-9]{2})\\2([0-9]{2})")


class Column(NamedTuple):
    """項目: one column; ``fault`` is the code a value outside ``pattern`` gets."""

    name: str  # the official name, as in the column header
    pattern: str  # of an unquoted value, used for a whole line
    expected: str  # what a person is told
    fault: str
    loose: str = ""  # of a quoted value, when it differs from ``pattern``
    wide: bool = False  # non-ASCII text is no damage here
    fatal: bool = False  # a bad value rejects the whole file, not the line


def digits(name: str, length: int, fault: str, *, optional: bool = False) -> Column:
    """A code of so many digits (数字)."""
    pattern = f"[0-9]{{{length}}}"
    label = f"数字{length}桁"
    if optional:
        return Column(name, f"(?:{pattern})?", f"{label}または空欄", fault)
    return Column(name, pattern, label, fault)


def text(name: str, shortest: int, longest: int, fault: str) -> Column:
    """A text of so many characters (文字), as people count them: a variant is one.

    A mark belongs to the character before it once and for all (possessive), so that no text can
    make the expression try them all in turn.
    """
    span, marks = f"{{{shortest},{longest}}}", f"[{EXTENDING}]{{0,{EXTENDING_MAX}}}+"
    return Column(
        name,
        f'(?:[^,"\x00-\x1f\x7f]{marks}){span}',
        f"{shortest}〜{longest}文字",
        fault,
        loose=f"(?:(?s:.){marks}){span}",
        wide=True,
    )


def choice(name: str, values: Sequence[str], fault: str) -> Column:
    """A value of a closed list (区分)."""
    return Column(name, "|".join(map(re.escape, values)), " / ".join(values), fault, wide=True)


def yen(name: str, *, longest: int = YEN_DIGITS_MAX) -> Column:
    """An amount: an unreadable one rejects the file (files.md 3.1)."""
    return Column(name, f"[0-9]{{1,{longest}}}", f"数字1〜{longest}桁", "amount", fatal=True)


def day(name: str, fault: str = "date", *, optional: bool = False) -> Column:
    """A calendar day in the form YYYY-MM-DD; whether it exists is checked by :class:`Days`."""
    if optional:
        return Column(name, f"(?:{DATE})?", "YYYY-MM-DDまたは空欄", fault)
    return Column(name, DATE, "YYYY-MM-DD", fault)


class Days(dict[str, "str | None"]):
    """暦日: ISO text of ``YYYY-MM-DD`` or ``YYYYMMDD``, None for a day that does not exist.

    A mapping, because a file of a million lines holds only some dozen dates.
    """

    def __missing__(self, key: str) -> str | None:
        """Check a text met for the first time; only existing days are remembered."""
        match = _DAY.fullmatch(key)
        if match is None:
            return None
        try:
            found = date(int(match[1]), int(match[3]), int(match[4]))
        except ValueError:
            return None
        if not YEAR_MIN <= found.year <= YEAR_MAX:
            return None
        self[key] = found.isoformat()
        return self[key]


@dataclass(frozen=True)
class Layout:
    """レイアウト: the columns of one file, its encoding and its end."""

    code: str  # of the format
    columns: tuple[Column, ...]
    money: int | None  # index of the column that the trailer adds up; None: it only counts
    encoding: str = "utf-8"
    trailer: bool = True
    bom_ignored: bool = True
    strict: bool = False  # any bad value rejects the file (the registers)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The column header."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def line(self) -> re.Pattern[str]:
        """What every good line without quotes fits."""
        return re.compile(",".join(f"({column.pattern})" for column in self.columns))

    @cached_property
    def fields(self) -> tuple[re.Pattern[str], ...]:
        """What every good value fits, column by column."""
        return tuple(re.compile(column.loose or column.pattern) for column in self.columns)

    def last_line(self, count: object, total: object) -> str:
        """The trailer: how many lines, and what they add up to."""
        return f"T,{count}" if self.money is None else f"T,{count},{total}"

    def starts(self, data: bytes, count: int) -> bool:
        """Whether the first ``count`` names of the column header open these bytes."""
        head = data[:400].removeprefix(BOM).replace(b'"', b"")
        names = ",".join(self.names[:count])
        return any(head.startswith(names.encode(e)) for e in {self.encoding, "utf-8"})

    def take_apart(self, data: bytes) -> tuple[Wrapping, Iterator[Row]]:
        """An accepted file as its wrapping and its lines, column header and trailer included."""
        return take_apart(data, self.encoding)

    def put_together(self, rows: Iterable[Row], wrapping: Wrapping) -> bytes:
        """The bytes of these lines; of what was taken apart, the very bytes delivered."""
        return put_together(rows, wrapping, self.encoding)

    def write(self, rows: Iterable[Sequence[object]]) -> bytes:
        """A whole file: column header, rows, trailer where the layout has one.

        Only the structure is guarded: :class:`InvalidValueError` ``column_count`` or
        ``control_character``. Files with wrong values are needed too, for the sample city.
        """
        lines = [",".join(self.names)]
        total = 0
        for row in rows:
            if len(row) != len(self.columns):
                raise InvalidValueError("column_count", found=len(row), expected=len(self.columns))
            values = tuple(map(str, row))
            total += 0 if self.money is None else int(values[self.money])
            lines.append(joined(values))
        if self.trailer:
            lines.append(self.last_line(len(lines) - 1, total))
        whole = "\r\n".join((*lines, ""))
        if CONTROL.search(whole) or whole.count("\r") + whole.count("\n") != 2 * len(lines):
            raise InvalidValueError("control_character")
        return whole.encode(self.encoding)


class Row(NamedTuple):
    """行: the values of one line, column header and trailer included."""

    values: tuple[str, ...]
    quoted: frozenset[int] = frozenset()  # fields in quotes that RFC 4180 does not demand


def take_apart(data: bytes, encoding: str, newline: bytes = CRLF) -> tuple[Wrapping, Iterator[Row]]:
    """ファイルの分解: the wrapping and every line, so that nothing of an accepted file is lost.

    Raises :class:`InvalidValueError` ``quoting`` for a line that no accepted file has.
    """
    wrapping = Wrapping(newline, closed=data.endswith(newline), bom=data.startswith(BOM))
    return wrapping, _rows(data.removeprefix(BOM).removesuffix(newline), encoding, newline)


def _rows(body: bytes, encoding: str, newline: bytes) -> Iterator[Row]:
    for raw in body.split(newline):
        line = raw.decode(encoding)
        split = split_line(line)
        if split is None:
            raise InvalidValueError("record_quoting", found=line)
        values, starts = split
        quoted = (n for n, at in enumerate(starts) if line.startswith('"', at))
        yield Row(tuple(values), frozenset(n for n in quoted if not _demands_quotes(values[n])))


def put_together(rows: Iterable[Row], wrapping: Wrapping, encoding: str) -> bytes:
    """ファイルの組立: the inverse of :func:`take_apart`."""
    return wrapping.join(
        ",".join(
            _quoted(value) if n in row.quoted or _demands_quotes(value) else value
            for n, value in enumerate(row.values)
        ).encode(encoding)
        for row in rows
    )


def _demands_quotes(value: str) -> bool:
    return "," in value or '"' in value


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def joined(values: Sequence[str]) -> str:
    """One line, quoted only where RFC 4180 demands it."""
    line = ",".join(values)
    if '"' not in line and line.count(",") == len(values) - 1:
        return line
    return ",".join(_quoted(value) if _demands_quotes(value) else value for value in values)


def split_line(line: str) -> tuple[list[str], list[int]] | None:
    """Values of a line and where each starts (in characters); None when its quoting is broken."""
    values: list[str] = []
    starts: list[int] = []
    position = 0
    while True:
        starts.append(position)
        if line.startswith('"', position):
            match = _QUOTED.match(line, position)
            if match is None:
                return None
            values.append(match[1].replace('""', '"'))
            position = match.end()
            more = match[2] == ","
        else:
            end = line.find(",", position)
            more = end >= 0
            values.append(line[position : end if more else len(line)])
            if '"' in values[-1]:
                return None
            position = end + 1
        if not more:
            return values, starts

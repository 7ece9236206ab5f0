"""区切り形式: strict reading and writing of comma-separated files (files.md 2.4 and 3.1).

One :class:`Layout` states the columns. Its patterns serve twice: joined, as one expression that a
good line fits at once (the hot path), and one by one, to say which field of a bad line is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from payments.domain.errors import InvalidValueError
from reconcile.model import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

BOM = b"\xef\xbb\xbf"
CRLF = b"\r\n"
FINDINGS_MAX = 100
WARNINGS_MAX = 50  # warnings never crowd out what stops the file
FOUND_MAX = 60  # characters of a wrong value that a finding shows
YEAR_MIN, YEAR_MAX = 1950, 2099  # a date outside is a slip of the keyboard, not a date of ours

DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
YEAR = "(?:19[5-9]|20[0-9])[0-9]"
YEN_DIGITS_MAX = 11  # the amount field of the eL-QR, the widest of all slips (symbols.md 1)

# 納付方法 of the two neutral payment files (files.md 3.2).
PAYMENT_CHANNELS = ("counter", "app", "credit", "internet_banking", "direct_debit", "payeasy")

_CHUNK = 1 << 20
_CONTROL = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")
_NEWLINE = re.compile("[\r\n]")
_QUOTED = re.compile('"((?:[^"]|"")*)"(,|$)')
_DAY = re.compile("([0-9]{4})(-?)([0-9]{2})\\2([0-9]{2})")
_NOT_SHIFT_JIS = re.compile("[\x80\xa0\uf8f0-\uf8f3]")  # bytes 80 A0 FD FE FF: no characters
_TRAILER = re.compile("([0-9]{1,9}),([0-9]{1,18})")
_TRAILER_FIELDS = 3


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
    """A text of so many characters (文字)."""
    span = f"{{{shortest},{longest}}}"
    return Column(
        name,
        f'[^,"\x00-\x1f\x7f]{span}',
        f"{shortest}〜{longest}文字",
        fault,
        loose=f"(?s:.){span}",
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


# 明細行: line number, byte offset, byte length, the line as the writer would write it (for digests),
# values, amount, and the indexes of columns whose form is wrong. A plain tuple, because a million
# of them are made and taken apart again at once.
Record = tuple[int, int, int, bytes, tuple[str, ...], int, tuple[int, ...]]

_Line = TypeVar("_Line")


@dataclass(slots=True)
class Sheet:
    """集計: what reading one file has found so far, shared by the line reader and the format."""

    findings: list[Finding] = field(default_factory=list)
    count: int = 0
    amount_yen: int = 0

    @property
    def full(self) -> bool:
        """True when no further finding would be kept."""
        return len(self.findings) >= FINDINGS_MAX

    def fatal(  # noqa: PLR0913 - the place and both values of a finding
        self,
        code: str,
        line_no: int | None = None,
        offset: int | None = None,
        name: str = "",
        found: str = "",
        expected: str = "",
    ) -> None:
        """Note something that stops the file."""
        if not self.full:
            self.findings.append(
                Finding(code, Severity.FATAL, line_no, offset, name, found[:FOUND_MAX], expected)
            )

    def warn(  # noqa: PLR0913 - the place and both values of a finding
        self,
        code: str,
        line_no: int,
        offset: int,
        name: str,
        found: str,
        expected: str,
    ) -> None:
        """Note something a person should know; the file goes on."""
        if len(self.findings) < WARNINGS_MAX:
            self.findings.append(
                Finding(code, Severity.WARNING, line_no, offset, name, found[:FOUND_MAX], expected)
            )


@dataclass(slots=True)
class RegisterReading(Generic[_Line]):
    """台帳の読取: a file of assessments or slips. Iterate ``lines`` to the end, then look at the rest.

    ``failed`` means that the whole file is rejected: a register is taken in entirely or not at all
    (files.md 3.1).
    """

    format_code: str
    lines: Iterator[_Line]
    sheet: Sheet

    @property
    def findings(self) -> list[Finding]:
        """What was found, complete when ``lines`` is exhausted."""
        return self.sheet.findings

    @property
    def count(self) -> int:
        """Data lines read."""
        return self.sheet.count

    @property
    def amount_yen(self) -> int:
        """Σ of their amounts, as the trailer counts them."""
        return self.sheet.amount_yen

    @property
    def failed(self) -> bool:
        """True when any finding stops the file."""
        return any(f.severity is not Severity.WARNING for f in self.findings)


@dataclass(frozen=True)
class Layout:
    """レイアウト: the columns of one file, its encoding and its end."""

    columns: tuple[Column, ...]
    money: int  # index of the column that the trailer adds up
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

    def starts(self, data: bytes, count: int) -> bool:
        """Whether the first ``count`` names of the column header open these bytes."""
        head = data[:400].removeprefix(BOM).replace(b'"', b"")
        names = ",".join(self.names[:count])
        return any(head.startswith(names.encode(e)) for e in {self.encoding, "utf-8"})

    def write(self, rows: Iterable[Sequence[object]]) -> bytes:
        """A whole file: column header, rows, trailer where the layout has one.

        Only the structure is guarded (:class:`InvalidValueError` for a row of another width or a
        control character): files with wrong values are needed too, for the sample city.
        """
        lines = [",".join(self.names)]
        total = 0
        for row in rows:
            if len(row) != len(self.columns):
                raise InvalidValueError("column_count", found=len(row), expected=len(self.columns))
            values = tuple(map(str, row))
            total += int(values[self.money])
            lines.append(joined(values))
        if self.trailer:
            lines.append(f"T,{len(lines) - 1},{total}")
        whole = "\r\n".join((*lines, ""))
        if _CONTROL.search(whole) or whole.count("\r") + whole.count("\n") != 2 * len(lines):
            raise InvalidValueError("control_character")
        return whole.encode(self.encoding)


def joined(values: Sequence[str]) -> str:
    """One line, quoted only where RFC 4180 demands it."""
    line = ",".join(values)
    if '"' not in line and line.count(",") == len(values) - 1:
        return line
    return ",".join(
        '"' + value.replace('"', '""') + '"' if "," in value or '"' in value else value
        for value in values
    )


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


def place(data: bytes, layout: Layout, offset: int, length: int, index: int) -> int:
    """Byte offset in the file of one field of a line that was read before."""
    line = data[offset : offset + length].decode(layout.encoding)
    split = split_line(line)
    start = split[1][index] if split is not None else 0
    return offset + len(line[:start].encode(layout.encoding))


def records(data: bytes, layout: Layout, sheet: Sheet) -> Iterator[Record]:
    """明細行: every data line that can be split; everything else becomes a finding of the sheet.

    Damage is collected up to :data:`FINDINGS_MAX`; a byte that does not decode ends the reading,
    because no line behind it has a sure beginning.
    """
    return _Reader(data, layout, sheet).records()


class _Reader:
    """One pass over one file."""

    def __init__(self, data: bytes, layout: Layout, sheet: Sheet) -> None:
        self.data = data
        self.layout = layout
        self.sheet = sheet
        self.trailer: tuple[int, int, list[str]] | None = None  # line number, offset, values
        self.broken = False  # the reading ended before the file did
        self.unread = False  # an amount could not be read, so no total can be compared

    def records(self) -> Iterator[Record]:
        """Data lines in file order, then the checks of the end."""
        start = len(BOM) if self.data.startswith(BOM) else 0
        if start and not self.layout.bom_ignored:
            self.sheet.fatal("bom", 1, 0, "", "EF BB BF", self.layout.encoding)
            return
        lines = self._lines(start)
        if not self._header(next(lines, (start, b"", ""))):
            return
        fits, money = self.layout.line.fullmatch, self.layout.money
        line_no, total = 1, 0
        for offset, raw, line in lines:
            line_no += 1
            match = fits(line)
            if match is not None:
                values = match.groups()
                amount = int(values[money])
                total += amount
                yield line_no, offset, len(raw), raw, values, amount, ()
                continue
            record = self._careful(line_no, offset, len(raw), line)
            if self.trailer is not None or self.sheet.full:
                break
            if record is not None:
                total += record[5]
                yield record
        # The header and the trailer are no data lines.
        self.sheet.count = line_no - (1 if self.trailer is None else 2)
        self.sheet.amount_yen = total
        if not self.broken and not self.sheet.full:
            self._end(line_no)

    def _lines(self, start: int) -> Iterator[tuple[int, bytes, str]]:
        """Offset, bytes and text of each line without its CRLF; a missing last CRLF is accepted."""
        data, encoding = self.data, self.layout.encoding
        while start < len(data):
            end = data.rfind(CRLF, start, start + _CHUNK)
            if end < 0:
                end = data.find(CRLF, start)
            end = len(data) if end < 0 else end + len(CRLF)
            chunk = data[start:end].removesuffix(CRLF)
            try:
                lines = chunk.decode(encoding).split("\r\n")
            except UnicodeDecodeError as error:
                self._undecodable(start + error.start)
                return
            for raw, line in zip(chunk.split(CRLF), lines, strict=True):
                yield start, raw, line
                start += len(raw) + len(CRLF)
            start = end

    def _undecodable(self, offset: int) -> None:
        """A byte that is no character: name the line and the column it stands in."""
        self.broken = True
        begin = self.data.rfind(CRLF, 0, offset) + len(CRLF) if CRLF in self.data[:offset] else 0
        index = min(self.data.count(b",", begin, offset), len(self.layout.columns) - 1)
        self.sheet.fatal(
            "undecodable",
            self.data.count(CRLF, 0, offset) + 1,
            offset,
            self.layout.names[index],
            self.data[offset : offset + 2].hex(" ").upper(),
            self.layout.encoding,
        )

    def _header(self, first: tuple[int, bytes, str]) -> bool:
        """Whether line 1 holds exactly the column names in their order."""
        offset, _, line = first
        if self.broken or not self._clean(1, offset, line):
            return False
        split = split_line(line)
        found, names = tuple(split[0]) if split else (), self.layout.names
        if split is None or found != names:
            pairs = zip((*found, *("",) * len(names)), names, strict=False)
            wrong = next(((f, n) for f, n in pairs if f != n), (line, ",".join(names)))
            self.sheet.fatal("header", 1, offset, wrong[1], *wrong)
            return False
        return True

    def _clean(self, line_no: int, offset: int, line: str) -> bool:
        """Whether a line is free of bare line ends, control characters and vendor's bytes."""
        for code, pattern in (("newline", _NEWLINE), ("control_character", _CONTROL)):
            match = pattern.search(line)
            if match is not None:
                before = len(line[: match.start()].encode(self.layout.encoding))
                found = f"0x{ord(match[0]):02X}"
                self.sheet.fatal(code, line_no, offset + before, "", found, "CRLF")
                return False
        match = _NOT_SHIFT_JIS.search(line) if self.layout.encoding == "cp932" else None
        if match is not None:
            self._undecodable(offset + len(line[: match.start()].encode("cp932")))
            self.broken = False  # the lines behind it are readable all the same
        return match is None

    def _careful(self, line_no: int, offset: int, length: int, line: str) -> Record | None:
        """A line that does not fit at once: the trailer, a quoted line, or a wrong one."""
        self.unread, was_unread = True, self.unread  # until its amount has been read
        if not self._clean(line_no, offset, line):
            return None
        split = split_line(line)
        columns = self.layout.columns
        if split is None:
            self.sheet.fatal("quoting", line_no, offset, "", line, "RFC 4180")
            return None
        values, starts = split
        if self.layout.trailer and values[0] == "T" and len(values) != len(columns):
            self.trailer, self.unread = (line_no, offset, values), was_unread
            return None
        if len(values) != len(columns):
            expected = str(len(columns))
            self.sheet.fatal("column_count", line_no, offset, "", str(len(values)), expected)
            return None
        if tuple(values) == self.layout.names:
            self.sheet.fatal("header_again", line_no, offset, values[0], values[0])
            return None
        places = [offset + len(line[:start].encode(self.layout.encoding)) for start in starts]
        bad, stopped = self._check(line_no, places, values)
        self.unread = was_unread or self.layout.money in stopped
        if bad and not self.layout.trailer and offset + length == len(self.data):
            # Without a trailer only the cut itself tells that a file was cut.
            self.sheet.fatal("truncated", line_no, offset + length, "", line[-20:], "CRLF")
            return None
        if stopped:
            return None
        raw = joined(values).encode(self.layout.encoding)
        amount = int(values[self.layout.money])
        return line_no, offset, length, raw, tuple(values), amount, bad

    def _check(
        self, line_no: int, places: list[int], values: list[str]
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Columns of wrong form, and those of them that stop the file."""
        bad: list[int] = []
        stopped: list[int] = []
        for index, column in enumerate(self.layout.columns):
            value = values[index]
            if self.layout.fields[index].fullmatch(value):
                continue
            bad.append(index)
            damaged = not column.wide and not value.isascii()
            if damaged or column.fatal or self.layout.strict:
                stopped.append(index)
                code = "wrong_bytes" if damaged else column.fault
                self.sheet.fatal(code, line_no, places[index], column.name, value, column.expected)
        return tuple(bad), tuple(stopped)

    def _end(self, line_no: int) -> None:
        """The trailer ties, and nothing stands behind it (files.md 3.1)."""
        if not self.layout.trailer:
            return
        if self.trailer is None:
            self.sheet.fatal("trailer_missing", line_no, len(self.data), "T", "", "T,count,total")
            return
        line_no, offset, values = self.trailer
        form = _TRAILER.fullmatch(",".join(values[1:]))
        if len(values) != _TRAILER_FIELDS or form is None:
            found = ",".join(values)
            self.sheet.fatal("trailer_form", line_no, offset, "T", found, "T,count,total")
        else:
            self._totals(line_no, offset, form)
        end = self.data.find(CRLF, offset)
        if 0 <= end < len(self.data) - len(CRLF):
            rest = self.data[end + len(CRLF) :][:FOUND_MAX].decode("utf-8", "replace")
            self.sheet.fatal("after_trailer", line_no + 1, end + len(CRLF), "", rest)

    def _totals(self, line_no: int, offset: int, form: re.Match[str]) -> None:
        """Count and total of the trailer against what was read (R4)."""
        count, total = form[1], form[2]
        if int(count) != self.sheet.count:
            place = offset + len("T,")
            self.sheet.fatal("trailer_count", line_no, place, "count", count, str(self.sheet.count))
        if not self.unread and int(total) != self.sheet.amount_yen:
            place = offset + len("T,") + len(count) + len(",")
            name = self.layout.names[self.layout.money]
            self.sheet.fatal(
                "trailer_total", line_no, place, name, total, str(self.sheet.amount_yen)
            )

"""区切り形式の読取: one strict pass over a comma-separated file (files.md 2.4, 3.1).

Good lines fit one expression and go on at once; only a line that does not is looked at field by
field. Damage is collected as findings that name line, byte, field, found and expected.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from reconcile.formats import signatures
from reconcile.formats.delimited import CONTROL, CRLF, joined, split_line
from reconcile.formats.withheld import PERSONAL, quoted
from reconcile.formats.wrapping import BOM
from reconcile.model import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.formats.delimited import Layout, Row
    from reconcile.formats.wrapping import Wrapping

FINDINGS_MAX = 100
WARNINGS_MAX = 50  # warnings never crowd out what stops the file
FOUND_MAX = 60  # characters of a wrong value that a finding shows

_CHUNK = 1 << 20
_LOOK_AT_BYTES = 25_000  # enough for the opening of another file
_NEWLINE = re.compile("[\r\n]")
NOT_SHIFT_JIS = re.compile("[\x80\xa0\uf8f0-\uf8f3]")  # bytes 80 A0 FD FE FF: no characters
_TRAILER = re.compile("T,([0-9]{1,9})(?:,([0-9]{1,18}))?")

# 明細行: line number, byte offset, byte length, the line as the writer would write it (for
# digests), values, amount, and the indexes of columns whose form is wrong. A plain tuple, because
# a million of them are made and taken apart again at once.
Record = tuple[int, int, int, bytes, tuple[str, ...], int, tuple[int, ...]]

_Line = TypeVar("_Line")


@dataclass(slots=True)
class Sheet:
    """集計: what reading one file has found so far, shared by the line reader and the format."""

    findings: list[Finding] = field(default_factory=list)
    count: int = 0
    amount_yen: int = 0
    # What the number of a line of the file is multiplied by where a line is several (mapped.py).
    lines_apart: int = 1
    of_people: bool = True  # whether a column of the file is about a person (withheld.py)

    @property
    def full(self) -> bool:
        """True when no further finding would be kept."""
        return len(self.findings) >= FINDINGS_MAX

    def fatal(
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
            said = quoted(code, name, found, of_people=self.of_people)[:FOUND_MAX]
            self.findings.append(
                Finding(code, Severity.FATAL, line_no, offset, name, said, expected)
            )

    def refuse(self, code: str, line_no: int, offset: int, found: str, expected: str) -> None:
        """Note that the file is not for intake at all."""
        self.findings.append(
            Finding(code, Severity.REFUSED, line_no, offset, "", found[:FOUND_MAX], expected)
        )

    def warn(
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
            said = quoted(code, name, found, of_people=self.of_people)[:FOUND_MAX]
            self.findings.append(
                Finding(code, Severity.WARNING, line_no, offset, name, said, expected)
            )


@dataclass(slots=True)
class RegisterReading(Generic[_Line]):
    """台帳の読取: a file of assessments or slips. Iterate ``lines`` to the end, then look further.

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


class DelimitedFormat:
    """区切り形式: what the formats with one table of columns have in common."""

    layout: ClassVar[Layout]

    def take_apart(self, data: bytes) -> tuple[Wrapping, Iterator[Row]]:
        """An accepted file as its wrapping and its lines, nothing left out."""
        return self.layout.take_apart(data)

    def write(self, rows: Iterable[Row], wrapping: Wrapping) -> bytes:
        """The bytes of these lines; of what was taken apart, the very bytes delivered."""
        return self.layout.put_together(rows, wrapping)


class _Reader:
    """One pass over one file."""

    def __init__(self, data: bytes, layout: Layout, sheet: Sheet) -> None:
        self.data = data
        self.layout = layout
        self.sheet = sheet
        sheet.of_people = not PERSONAL.isdisjoint(layout.names)
        self.trailer: tuple[int, int, list[str]] | None = None  # line number, offset, values
        self.broken = False  # the reading ended before the file did
        self.unread = False  # a line could not be read, so no total can be compared

    def records(self) -> Iterator[Record]:
        """Data lines in file order, then the checks of the end."""
        start = len(BOM) if self.data.startswith(BOM) else 0
        if start and not self.layout.bom_ignored:
            self.sheet.fatal("bom", 1, 0, "", "EF BB BF", self.layout.encoding)
            return
        portions = self._portions(start)
        begin, (header, *first), (names, *texts) = next(portions, (start, [b""], [""]))
        if not self._header((begin, header, names)):
            return
        begin += len(header) + len(CRLF)
        fits, money = self.layout.line.fullmatch, self.layout.money
        line_no, total = 1, 0
        for offset, raws, lines in chain([(begin, first, texts)], portions):
            at = offset
            for raw, line in zip(raws, lines, strict=True):
                line_no += 1
                match = fits(line)
                if match is not None:
                    values = match.groups()
                    amount = 0 if money is None else int(values[money])
                    total += amount
                    yield line_no, at, len(raw), raw, values, amount, ()
                    at += len(raw) + len(CRLF)
                    continue
                record = self._careful(line_no, at, len(raw), line)
                if self.trailer is not None or self.broken or self.sheet.full:
                    break
                at += len(raw) + len(CRLF)
                if record is None:
                    self.unread = True
                    continue
                total += record[5]
                yield record
            else:
                continue
            break
        # The header and the trailer are no data lines.
        self.sheet.count = line_no - (1 if self.trailer is None else 2)
        self.sheet.amount_yen = total
        if not self.broken and not self.sheet.full:
            self._end(line_no)

    def _portions(self, start: int) -> Iterator[tuple[int, list[bytes], list[str]]]:
        """Offset of the first line, bytes and text of some thousand lines without their CRLF.

        A missing last CRLF is accepted.
        """
        data, encoding = self.data, self.layout.encoding
        while start < len(data):
            end = data.rfind(CRLF, start, start + _CHUNK)
            if end < 0:
                end = data.find(CRLF, start)
            if end < 0:
                end = len(data)
            try:
                text = data[start:end].decode(encoding)
            except UnicodeDecodeError as error:
                bad = start + error.start
                end = data.rfind(CRLF, start, bad)
                if end < 0:  # the damaged line comes first: nothing sure is left
                    self._undecodable(start, bad)
                    return
                text = data[start:end].decode(encoding)
            yield start, data[start:end].split(CRLF), text.split("\r\n")
            start = end + len(CRLF)

    def _undecodable(self, begin: int, bad: int) -> None:
        """A byte that is no character, in the line that begins at ``begin``."""
        line_no = self.data.count(CRLF, 0, begin) + 1
        if self._other_file(line_no, begin):
            return
        self.broken = True
        self._no_character(line_no, begin, bad)

    def _no_character(self, line_no: int, begin: int, bad: int) -> None:
        """Name the line and the column that a bad byte stands in."""
        index = min(self.data.count(b",", begin, bad), len(self.layout.columns) - 1)
        found = self.data[bad : bad + 2].hex(" ").upper()
        name, encoding = self.layout.names[index], self.layout.encoding
        self.sheet.fatal("undecodable", line_no, bad, name, found, encoding)

    def _header(self, first: tuple[int, bytes, str]) -> bool:
        """Whether line 1 holds exactly the column names in their order."""
        offset, _, line = first
        if self.broken or not self._clean(1, offset, line):
            return False
        split = split_line(line)
        found, names = tuple(split[0]) if split else (line,), self.layout.names
        for index, name in enumerate(names):
            if found[index : index + 1] != (name,):
                self.sheet.fatal("header", 1, offset, name, "".join(found[index : index + 1]), name)
                return False
        if len(found) > len(names):
            self.sheet.fatal("header", 1, offset, "", found[len(names)], str(len(names)))
        return len(found) == len(names)

    def _clean(self, line_no: int, offset: int, line: str) -> bool:
        """Whether a line is free of bare line ends, control characters and vendor's bytes."""
        for code, pattern in (("newline", _NEWLINE), ("control_character", CONTROL)):
            match = pattern.search(line)
            if match is not None:
                before = len(line[: match.start()].encode(self.layout.encoding))
                found = f"0x{ord(match[0]):02X}"
                self.sheet.fatal(code, line_no, offset + before, "", found, "CRLF")
                return False
        match = NOT_SHIFT_JIS.search(line) if self.layout.encoding == "cp932" else None
        if match is not None:
            before = len(line[: match.start()].encode("cp932"))
            self._no_character(line_no, offset, offset + before)
        return match is None

    def _careful(self, line_no: int, offset: int, length: int, line: str) -> Record | None:
        """A line that does not fit at once: the trailer, a quoted line, or a wrong one."""
        layout, sheet = self.layout, self.sheet
        if not self._clean(line_no, offset, line):
            return None
        split = split_line(line)
        if split is None:
            sheet.fatal("quoting", line_no, offset, "", line, "RFC 4180")
            return None
        values, starts = split
        wrong_width = len(values) != len(layout.columns)
        if layout.trailer and values[0] == "T" and wrong_width:
            self.trailer = (line_no, offset, values)
            return None
        # A column header of another format has another width or a name in its first column.
        if (wrong_width or values[0].isidentifier()) and self._other_file(line_no, offset):
            return None
        if wrong_width:
            expected = str(len(layout.columns))
            sheet.fatal("column_count", line_no, offset, "", str(len(values)), expected)
            return None
        if tuple(values) == layout.names:
            sheet.fatal("header_again", line_no, offset, values[0], values[0])
            return None
        places = [offset + len(line[:start].encode(layout.encoding)) for start in starts]
        bad, stopped = self._check(line_no, places, values)
        if bad and not layout.trailer and offset + length == len(self.data):
            # Without a trailer only the missing line end tells that a file was cut.
            sheet.fatal("truncated", line_no, offset + length, "", line[-20:], "CRLF")
            return None
        if stopped:
            return None
        raw = joined(values).encode(layout.encoding)
        amount = 0 if layout.money is None else int(values[layout.money])
        return line_no, offset, length, raw, tuple(values), amount, bad

    def _other_file(self, line_no: int, offset: int) -> bool:
        """Whether a file of another format begins here (outcomes.md 10)."""
        found = signatures.opening(self.data[offset : offset + _LOOK_AT_BYTES])
        if found is None or found == self.layout.code:
            return False
        self.sheet.refuse("several_formats", line_no, offset, found, self.layout.code)
        self.broken = True
        return True

    def _check(
        self, line_no: int, places: list[int], values: list[str]
    ) -> tuple[tuple[int, ...], bool]:
        """Columns of wrong form, and whether one of them stops the file."""
        bad: list[int] = []
        stopped = False
        for index, column in enumerate(self.layout.columns):
            value = values[index]
            if self.layout.fields[index].fullmatch(value):
                continue
            bad.append(index)
            damaged = not column.wide and not value.isascii()
            if damaged or column.fatal or self.layout.strict:
                stopped = True
                code = "wide_bytes" if damaged else column.fault
                self.sheet.fatal(code, line_no, places[index], column.name, value, column.expected)
        return tuple(bad), stopped

    def _end(self, line_no: int) -> None:
        """The trailer ties, and nothing stands behind it (files.md 3.1)."""
        if not self.layout.trailer:
            return
        counts_only = self.layout.money is None
        expected = self.layout.last_line("<件数>", "<合計>")
        if self.trailer is None:
            self.sheet.fatal("trailer_missing", line_no, len(self.data), "T", "", expected)
            return
        line_no, offset, values = self.trailer
        found = ",".join(values)
        form = _TRAILER.fullmatch(found)
        if form is None or (form[2] is None) != counts_only:
            self.sheet.fatal("trailer_form", line_no, offset, "T", found, expected)
        else:
            self._totals(line_no, offset, form)
        end = self.data.find(CRLF, offset) + len(CRLF)
        if end >= len(CRLF) and end < len(self.data) and not self._other_file(line_no + 1, end):
            rest = self.data[end : end + FOUND_MAX].decode(self.layout.encoding, "replace")
            self.sheet.fatal("after_trailer", line_no + 1, end, "", rest)

    def _totals(self, line_no: int, offset: int, form: re.Match[str]) -> None:
        """Count and total of the trailer against what was read (R4)."""
        count, total = form[1], form[2]
        if int(count) != self.sheet.count:
            place = offset + len("T,")
            self.sheet.fatal("trailer_count", line_no, place, "count", count, str(self.sheet.count))
        money = self.layout.money
        if money is not None and not self.unread and int(total) != self.sheet.amount_yen:
            place = offset + len("T,") + len(count) + len(",")
            name = self.layout.names[money]
            self.sheet.fatal(
                "trailer_total", line_no, place, name, total, str(self.sheet.amount_yen)
            )

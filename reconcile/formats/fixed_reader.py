"""固定長ファイルの読取: header, data…, trailer, several times, then one end record.

The walk over the groups and its guards are the same for every fixed-length file (files.md 1.6);
what the records mean is the business of a format's own :class:`GroupReader`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reconcile.formats import signatures
from reconcile.formats.fixed_length import (
    bad_bytes,
    describe,
    newline_of,
    put_together,
    split,
    take_apart,
)
from reconcile.formats.withheld import quoted
from reconcile.formats.wrapping import BOM
from reconcile.model import Finding, Reading, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconcile.formats.fixed_length import BadBytes, Layout, Record, Row
    from reconcile.formats.wrapping import Wrapping
    from reconcile.model import Channel, ReadContext, ReportLine

FINDINGS_MAX = 100
_LOOK_AT_BYTES = 25_000

HEADER, DATA, TRAILER, END = "1", "2", "8", "9"


class Marks(NamedTuple):
    """データ区分: how the kinds of record begin; None where a layout has no such record."""

    header: str | None = HEADER
    data: str = DATA
    trailer: str | None = TRAILER
    end: str | None = END


class GroupReader:
    """グループの読取: one file of header…trailer groups; formats fill in the four record kinds.

    ``header`` may refuse the file, ``data`` makes the line, ``trailer`` and ``end`` compare
    totals. A finding never raises; once ``stopped`` is set the rest of the file is not looked at.
    """

    layouts: Mapping[str, Layout]
    marks = Marks()
    bom_ignored = False

    def __init__(self, data: bytes, reading: Reading, context: ReadContext) -> None:
        """Prepare to read; nothing is looked at yet."""
        self._data = data
        self._length = self.layouts[self.marks.data].length
        self._width = len(self.marks.data)
        self.reading = reading
        self.context = context
        self.groups = 0
        self.open = self.marks.header is None  # between a header and its trailer
        self.ended = False
        self.stopped = False
        self.damaged = False  # records are missing or unreadable, so totals cannot tie

    # What a format says about its records.

    @classmethod
    def layout_of(cls, text: str) -> Layout | None:
        """The layout of a record, by its first byte unless a format knows better."""
        return cls.layouts.get(text[:1])

    def header(self, record: Record) -> None:
        """A group begins."""

    def data(self, record: Record) -> ReportLine:
        """One data record as a line."""
        raise NotImplementedError

    def trailer(self, record: Record) -> None:
        """A group ends: compare its totals."""

    def end(self, record: Record) -> None:
        """The file ends: compare its totals."""

    # The walk.

    def lines(self) -> Iterator[ReportLine]:
        """Every data record as a line; findings collect in the reading."""
        if self._data.startswith(BOM) and not self.bom_ignored:
            self.fatal("bom", None, found="EF BB BF")
            return
        read_data, data_mark, width = self.data, self.marks.data, self._width
        record: Record | None = None
        for record in self.records():
            text = record[3]
            if self.open and text[:width] == data_mark and text:
                yield read_data(record)
            else:
                self._structure(record)
            if self.stopped:
                return
        if self.stopped:
            return
        if self.open and self.marks.trailer is not None:
            self.fatal("trailer_missing", record, expected=self.label(self.marks.trailer))
        if not self.ended and self.marks.end is not None:
            self.fatal("end_missing", record, expected=self.label(self.marks.end))

    def records(self) -> Iterator[Record]:
        """The records of the file; one that cannot be read has an empty text."""
        return split(self._data, self._length)

    def _structure(self, record: Record) -> None:
        """Everything that is not a data record in its place."""
        mark, marks = record[3][: self._width], self.marks
        if self.ended:
            self._after_end(record)
        elif not record[3]:
            self._damaged_record(record)
        elif mark == marks.header:
            self._header(record)
        elif mark == marks.data:
            self._missing_header(record)
            self.damaged = True
        elif mark == marks.trailer:
            self._trailer(record)
        elif mark == marks.end:
            self._end(record)
        else:
            expected = ", ".join(each for each in marks if each)
            self.fatal("record_type", record, found=mark, expected=expected)
            self.damaged = True
            # Without line ends everything after a shifted record would be nonsense.
            self.stopped = not newline_of(self._data, self._length)

    def _header(self, record: Record) -> None:
        if self.open and self.groups and self.marks.trailer is not None:
            self.fatal("trailer_missing", record, expected=self.label(self.marks.trailer))
        other = self._other_format(record)
        if other:
            self._several(record, other)
            return
        self.open = True
        self.groups += 1
        self.header(record)

    def _missing_header(self, record: Record) -> None:
        """A record of a group that has not begun, or (where there are no headers) has ended."""
        if self.marks.header is None:
            self.fatal("after_trailer", record, found=record[3][:40])
        else:
            self.fatal("header_missing", record, expected=self.label(self.marks.header))

    def _trailer(self, record: Record) -> None:
        if not self.open:
            self._missing_header(record)
            return
        self.open = False
        self.trailer(record)

    def _end(self, record: Record) -> None:
        if self.open and self.marks.trailer is not None:
            self.fatal("trailer_missing", record, expected=self.label(self.marks.trailer))
        elif not self.groups and self.marks.header is not None:
            self._missing_header(record)
        self.open = False
        self.ended = True
        self.end(record)

    def _after_end(self, record: Record) -> None:
        """Another file glued to this one, or anything else behind the end record."""
        other = self._other_format(record)
        if other:
            self._several(record, other)
            return
        found = record[2].decode("cp932", "replace")[:40]
        self.fatal("after_end", record, found=found)
        self.stopped = True

    def _damaged_record(self, record: Record) -> None:
        """Bytes that are not JIS X 0201, a wrong length or another line end than the first."""
        _, offset, raw, _ = record
        other = self._other_format(record)
        bad = bad_bytes(raw) if len(raw) == self._length else None
        if other:
            self._several(record, other)
        elif bad:
            self._bad_bytes(record, bad)
        elif len(raw) == self._length:
            stop = offset + self._length
            self.fatal(
                "line_end",
                record,
                found=self._data[stop : stop + 2].hex(" ").upper(),
                expected=newline_of(self._data, self._length).hex(" ").upper(),
            )
        else:
            self.fatal("record_length", record, found=len(raw), expected=self._length)
        self.damaged = True
        # Without its header or trailer nothing else of a group can be judged.
        self.stopped = self.stopped or raw[: self._width] != self.marks.data.encode()

    def _bad_bytes(self, record: Record, bad: BadBytes) -> None:
        """Full-width and stray bytes: the fields around them cannot be trusted."""
        layout = self._layout(record[2])
        name = layout.field_at(bad.position).name if layout else ""
        code = "wide_bytes" if bad.wide else "invalid_byte"
        self.fatal(code, record, name, found=bad.found, at=bad.position)

    def label(self, mark: str) -> str:
        """What a kind of record is called."""
        return self.layouts[mark].label

    def position(self, raw: bytes, name: str) -> int:
        """The first byte of a field within its record."""
        layout = self._layout(raw)
        return layout.slices[name].start if layout else 0

    def _layout(self, raw: bytes) -> Layout | None:
        """The layout that the first bytes of a record, good or damaged, name."""
        return self.layouts.get(raw[: self._width].decode("latin-1"))

    def _other_format(self, record: Record) -> str | None:
        """The other format that begins at this record, if one does."""
        rest = self._data[record[1] : record[1] + _LOOK_AT_BYTES]
        kind = signatures.zengin_kind(rest)
        if kind and kind not in signatures.ZENGIN_FORMATS:
            return signatures.ZENGIN_KINDS[kind]
        found, own = signatures.opening(rest), self.reading.format_code
        if not self.ended and {found, own} <= signatures.KONBINI_FORMATS:
            return None  # inside a file their headers look alike; the data records tell
        return found if found != own else None

    def _several(self, record: Record, other: str) -> None:
        self.refuse("several_formats", record, found=other, expected=self.reading.format_code)
        self.stopped = True

    # Findings.

    def fatal(
        self,
        code: str,
        record: Record | None,
        name: str = "",
        *,
        found: object = "",
        expected: object = "",
        at: int | None = None,
    ) -> None:
        """The file fails its own checks (quarantined); ``at`` is a byte within the record."""
        self.add(Severity.FATAL, code, record, name, str(found), str(expected), at)

    def refuse(
        self,
        code: str,
        record: Record | None,
        name: str = "",
        *,
        found: object = "",
        expected: object = "",
    ) -> None:
        """The file is not for intake at all (refused)."""
        self.add(Severity.REFUSED, code, record, name, str(found), str(expected))

    def add(
        self,
        severity: Severity,
        code: str,
        record: Record | None,
        name: str,
        found: str,
        expected: str,
        at: int | None = None,
    ) -> None:
        """Remember a finding with its place; after a hundred the file has said enough."""
        if len(self.reading.findings) >= FINDINGS_MAX:
            return
        line_no, offset, label = None, None, ""
        if record is not None:
            line_no, offset, raw, _ = record
            layout = self._layout(raw)
            if layout and name in layout.slices:
                label = layout.by_name[name].label
                at = self.position(raw, name) if at is None else at
            offset += at or 0
        said = quoted(code, name, found)
        self.reading.findings.append(
            Finding(code, severity, line_no, offset, label, said, expected)
        )


@dataclass(eq=False)
class FixedFormat:
    """固定長の形式: identify by the opening, read by the groups."""

    code: str
    label_ja: str
    channel: Channel
    sources: tuple[str, ...]
    reader: type[GroupReader]

    def identify(self, data: bytes) -> bool:
        """Whether the file begins like this format."""
        return signatures.opening(data) == self.code

    def read(self, data: bytes, context: ReadContext) -> Reading:
        """Read the file lazily; what is wrong with it becomes findings."""
        reading = Reading(self.code, self.channel, iter(()))
        reading.lines = self.reader(data, reading, context).lines()
        return reading

    def take_apart(self, data: bytes) -> tuple[Wrapping, Iterator[Row]]:
        """An accepted file as its wrapping and its records, nothing left out."""
        return take_apart(data, self.reader.layouts[DATA].length, self.reader.layout_of)

    def write(self, rows: Iterable[Row], wrapping: Wrapping) -> bytes:
        """The bytes of these records; of what was taken apart, the very bytes delivered."""
        return put_together(rows, wrapping)

    def describe(self, data: bytes) -> Iterator[str]:
        """A listing of the file, one line per record with the official field names."""
        return describe(data, self.reader.layouts[DATA].length, self.reader.layout_of)

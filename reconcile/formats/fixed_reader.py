"""固定長ファイルの読取: header, data…, trailer, several times, then one end record.

The walk over the groups and its guards are the same for every fixed-length file (files.md 1.6);
what the records mean is the business of a format's own :class:`GroupReader`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from reconcile.formats import signatures
from reconcile.formats.fixed_length import BOM, bad_bytes, describe, newline_of, split
from reconcile.model import Finding, Reading, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconcile.formats.fixed_length import BadBytes, Layout, Record
    from reconcile.model import Channel, ReadContext, ReportLine

FINDINGS_MAX = 100
_LOOK_AT_BYTES = 25_000

HEADER, DATA, TRAILER, END = "1", "2", "8", "9"
_LABELS = {HEADER: "ヘッダー", DATA: "データ", TRAILER: "トレーラ", END: "エンド"}


class GroupReader:
    """グループの読取: one file of header…trailer groups; formats fill in the four record kinds.

    ``header`` may refuse the file, ``data`` makes the line, ``trailer`` and ``end`` compare
    totals. A finding never raises; once ``stopped`` is set the rest of the file is not looked at.
    """

    layouts: ClassVar[Mapping[str, Layout]]

    def __init__(self, data: bytes, reading: Reading, context: ReadContext) -> None:
        """Prepare to read; nothing is looked at yet."""
        self._data = data
        self._length = self.layouts[DATA].length
        self.reading = reading
        self.context = context
        self.groups = 0
        self.open = False  # between a header and its trailer
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
        if self._data.startswith(BOM):
            self.fatal("bom", None, found="EF BB BF")
            return
        read_data = self.data
        record: Record | None = None
        for record in split(self._data, self._length):
            mark = record[3][:1]
            if mark == DATA and self.open:
                yield read_data(record)
            else:
                self._structure(mark, record)
            if self.stopped:
                return
        if self.open:
            self.fatal("trailer_missing", record, expected=_LABELS[TRAILER])
        if not self.ended:
            self.fatal("end_missing", record, expected=_LABELS[END])

    def _structure(self, mark: str, record: Record) -> None:
        """Everything that is not a data record in its place."""
        if self.ended:
            self._after_end(record)
        elif not mark:
            self._damaged_record(record)
        elif mark == HEADER:
            self._header(record)
        elif mark == DATA:
            self.fatal("header_missing", record, expected=_LABELS[HEADER])
            self.damaged = True
        elif mark == TRAILER:
            self._trailer(record)
        elif mark == END:
            self._end(record)
        else:
            self.fatal("record_type", record, found=mark, expected="1, 2, 8, 9")
            self.damaged = True
            # Without line ends everything after a shifted record would be nonsense.
            self.stopped = not newline_of(self._data, self._length)

    def _header(self, record: Record) -> None:
        if self.open:
            self.fatal("trailer_missing", record, expected=_LABELS[TRAILER])
        other = self._other_format(record)
        if other:
            self._several(record, other)
            return
        self.open = True
        self.groups += 1
        self.header(record)

    def _trailer(self, record: Record) -> None:
        if not self.open:
            self.fatal("header_missing", record, expected=_LABELS[HEADER])
            return
        self.open = False
        self.trailer(record)

    def _end(self, record: Record) -> None:
        if self.open:
            self.fatal("trailer_missing", record, expected=_LABELS[TRAILER])
        elif not self.groups:
            self.fatal("header_missing", record, expected=_LABELS[HEADER])
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
        self.stopped = self.stopped or raw[:1] != DATA.encode()

    def _bad_bytes(self, record: Record, bad: BadBytes) -> None:
        """Full-width and stray bytes: the fields around them cannot be trusted."""
        layout = self.layouts.get(chr(record[2][0]))
        name = layout.field_at(bad.position).name if layout else ""
        code = "wide_bytes" if bad.wide else "invalid_byte"
        self.fatal(code, record, name, found=bad.found, at=bad.position)

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
            layout = self.layouts.get(chr(raw[0])) if raw else None
            if layout and name in layout.slices:
                label = layout.by_name[name].label
                at = layout.slices[name].start if at is None else at
            offset += at or 0
        self.reading.findings.append(
            Finding(code, severity, line_no, offset, label, found, expected)
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

    def describe(self, data: bytes) -> Iterator[str]:
        """A listing of the file, one line per record with the official field names."""
        return describe(data, self.reader.layouts[DATA].length, self.reader.layout_of)

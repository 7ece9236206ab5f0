"""独自様式の読取: described files, by the same walk over groups as every fixed-length file.

A CSV is walked in the same way: a line is a record, and its first value says of which kind.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from reconcile.formats.delimited import CONTROL, joined, split_line
from reconcile.formats.delimited_reader import NOT_SHIFT_JIS
from reconcile.formats.fixed_reader import GroupReader, Marks
from reconcile.formats.own_layout import DATA, END, HEADER, TRAILER
from reconcile.formats.own_line import LineMaker, Said, content_of
from reconcile.formats.wrapping import BOM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconcile.formats.fixed_length import Record
    from reconcile.formats.own_layout import OwnLayout
    from reconcile.model import ReadContext, Reading, ReportLine

_NO_HEADER: Mapping[str, str] = {}
_NONE: frozenset[str] = frozenset()


class OwnReader(GroupReader):
    """独自様式（固定長）の読取: forms of the fields, control totals, lines."""

    def __init__(self, own: OwnLayout, data: bytes, reading: Reading, context: ReadContext) -> None:
        """Take the tables from the layout."""
        marked = len(own.records) > 1 or own.data.mark is not None
        marks = {role: record.mark or "" for role, record in own.records.items()}
        self.own = own
        self.layouts = {marks[role] if marked else "": r.layout for role, r in own.records.items()}
        self.marks = Marks(
            marks.get(HEADER), marks[DATA] if marked else "", marks.get(TRAILER), marks.get(END)
        )
        super().__init__(data, reading, context)
        self.maker = LineMaker(own, context)
        self.patterns = {
            role: [(f.name, f.pattern(fixed=own.record_length > 0)) for f in record.fields]
            for role, record in own.records.items()
        }
        (self.amount_name,) = (part.text for part in own.line["amount"])
        self.names = [name for name, _ in self.patterns[DATA]]
        # What every good data record fits at once; where values hold commas, it may not.
        apart = "" if own.record_length else ","
        self.good = re.compile(apart.join(f"({f.pattern})" for _, f in self.patterns[DATA]))
        self.header_values = _NO_HEADER
        self.header_record: Record | None = None
        # Count and amount of data records by kind as written, of the group and of the file.
        self.group: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self.whole: tuple[Counter[str], Counter[str]] = (Counter(), Counter())

    # ---- records ----

    def lines(self) -> Iterator[ReportLine]:
        """Every data record as a line; a group without a trailer ends with the file."""
        yield from super().lines()
        if not self.stopped:
            self._close_header()

    def values_of(self, record: Record, role: str) -> dict[str, str]:
        """The fields of a record as they stand there."""
        return self.own.records[role].layout.values(record[3])

    def header(self, record: Record) -> None:
        """ヘッダー: a group begins, and the one before it ends."""
        self._close_header()
        self.header_values = self._checked(record, HEADER)
        self.header_record = record
        self.group = (Counter(), Counter())

    def data(self, record: Record) -> ReportLine:
        """データ: one report."""
        match = self.good.fullmatch(record[3]) if '"' not in record[3] else None
        bad = _NONE
        if match is not None:
            values = dict(zip(self.names, match.groups(), strict=True))
        else:
            values = self.values_of(record, DATA)
            bad = frozenset(
                name for name, form in self.patterns[DATA] if form.fullmatch(values[name]) is None
            )
        written = values[self.amount_name]
        if self.amount_name in bad:
            self.damaged = True
            self.fatal("not_digits", record, self.amount_name, found=written, expected="0-9")
        amount = 0 if self.amount_name in bad else int(written.strip() or 0)
        said = Said(
            record[0], record[1], len(record[2]), self._content(record, values), values,
            self.header_values, amount, bad,
        )  # fmt: skip
        if "consignor" in self.own.line:
            self._check_consignor(record, said)
        kind = self.maker.bare(said, "kind")
        for counts, amounts in (self.group, self.whole):
            counts[kind] += 1
            amounts[kind] += amount
        self.reading.count += 1
        self.reading.amount_yen += amount
        line = self.maker.line(said)
        return line._replace(amount_yen=None) if self.amount_name in bad else line

    def _check_consignor(self, record: Record, said: Said) -> None:
        """委託者コード: a debit result of somebody else is not for intake."""
        ours = self.context.profile.debit_consignor_code
        found = self.maker.text(said, "consignor")
        if found != ours:
            self.refuse("unknown_consignor", record, found=found, expected=ours)
            self.stopped = True

    def trailer(self, record: Record) -> None:
        """トレーラ: the totals of its group."""
        self._close_header()
        self._tie(record, TRAILER, self._checked(record, TRAILER), self.group)
        self.group = (Counter(), Counter())

    def end(self, record: Record) -> None:
        """エンド: the totals of the file."""
        self._close_header()
        self._tie(record, END, self._checked(record, END), self.whole)

    def _close_header(self) -> None:
        """What the header of a group announced must have come."""
        if self.header_record is not None:
            self._tie(self.header_record, HEADER, self.header_values, self.group)
        self.header_record = None

    def _checked(self, record: Record, role: str) -> dict[str, str]:
        """The values of a header, trailer or end record; a wrong form stops the file."""
        values = self.values_of(record, role)
        for name, form in self.patterns[role]:
            if form.fullmatch(values[name]) is None:
                self.damaged = True
                self.fatal("field_form", record, name, found=values[name], expected=form.pattern)
        return values

    def _tie(
        self,
        record: Record,
        role: str,
        values: Mapping[str, str],
        totals: tuple[Counter[str], Counter[str]],
    ) -> None:
        """Control totals: what a record says must be what was counted (R4)."""
        for control in self.own.controls:
            if control.role != role or self.damaged:
                continue
            counted = {"records": record[0], "groups": self.groups}.get(control.total)
            if counted is None:
                found = totals[0] if control.total == "count" else totals[1]
                kinds = control.kinds or found.keys()
                counted = sum(found[kind] for kind in kinds)
            stated = int(values[control.field].strip() or 0)
            if stated != counted:
                self.fatal("total_mismatch", record, control.field, found=stated, expected=counted)

    def _content(self, record: Record, values: Mapping[str, str]) -> bytes:
        """All fields but those that the layout names as no content (outcomes.md 3)."""
        apart = self.own.not_content
        if not apart:
            return content_of(record[3], self.own.encoding)
        kept = [value for name, value in values.items() if name not in apart]
        return content_of(self._joined(kept), self.own.encoding)

    def _joined(self, values: list[str]) -> str:
        return "".join(values)

    def _other_format(self, record: Record) -> str | None:
        """A further group of this very layout is no other format, whatever else it looks like."""
        header = self.marks.header
        if not self.ended and header is not None and record[3].startswith(header):
            return None
        return super()._other_format(record)


class OwnCsvReader(OwnReader):
    """独自様式（CSV）の読取: lines instead of records of one length."""

    bom_ignored = True

    def __init__(self, own: OwnLayout, data: bytes, reading: Reading, context: ReadContext) -> None:
        """No line has been read yet."""
        super().__init__(own, data, reading, context)
        self.bom_ignored = own.encoding == "utf-8"
        self._values: list[str] = []

    def records(self) -> Iterator[Record]:
        """The lines of the file; one that cannot be read has an empty text."""
        data, newline = self._data, self.own.newline
        offset = len(BOM) if data.startswith(BOM) else 0
        line_no = 0
        while offset < len(data):
            end = data.find(newline, offset)
            stop = len(data) if end < 0 else end
            line_no += 1
            raw = data[offset:stop]
            record = (line_no, offset, raw, self._text(raw))
            if line_no == 1 and self.own.column_header:
                if not self._names_match(record):
                    return
            else:
                yield record
            offset = stop + len(newline)
        if not line_no and self.own.column_header:
            self.fatal("header", None, expected=",".join(self._names()))

    def _text(self, raw: bytes) -> str:
        """The line with quotes only where they are needed; empty when it cannot be split."""
        self._values = []
        try:
            line = raw.decode(self.own.encoding)
        except UnicodeDecodeError:
            return ""
        if self.own.encoding == "cp932" and NOT_SHIFT_JIS.search(line):
            return ""
        split = None if "\r" in line or "\n" in line or CONTROL.search(line) else split_line(line)
        if split is None:
            return ""
        self._values = split[0]
        text = joined(split[0])
        layout = self.layouts.get(text[: self._width])
        return text if layout is None or len(layout.fields) == len(split[0]) else ""

    def _names(self) -> tuple[str, ...]:
        """The column header: the labels of the data record."""
        return tuple(entry.label for entry in self.own.data.fields)

    def _names_match(self, record: Record) -> bool:
        """Whether line 1 holds exactly the column names in their order."""
        found, names = tuple(self._values), self._names()
        if found == names:
            return True
        said = ",".join(found) or record[2].decode("latin-1")
        self.fatal("header", record, found=said[:60], expected=",".join(names))
        self.stopped = True
        return False

    def values_of(self, record: Record, role: str) -> dict[str, str]:
        """The values of the line just read."""
        names = (entry.name for entry in self.own.records[role].fields)
        return dict(zip(names, self._values, strict=True))

    def data(self, record: Record) -> ReportLine:
        """データ: one report; without a trailer only the last line's end tells of a cut."""
        line = super().data(record)
        last = record[1] + len(record[2]) == len(self._data)
        if last and line.fault and not {TRAILER, END} & self.own.records.keys():
            stop = len(record[2])
            self.fatal("truncated", record, found=record[3][-20:], expected="line end", at=stop)
        return line

    def _damaged_record(self, record: Record) -> None:
        """A line that cannot be split into the columns it should have."""
        raw, encoding = record[2], self.own.encoding
        self.damaged = True
        try:
            line = raw.decode(encoding)
        except UnicodeDecodeError as error:
            found = raw[error.start : error.start + 2].hex(" ").upper()
            self.fatal("undecodable", record, found=found, expected=encoding, at=error.start)
            return
        bad = CONTROL.search(line)
        strange = NOT_SHIFT_JIS.search(line) if encoding == "cp932" else None
        if "\r" in line or "\n" in line:
            self.fatal("newline", record, found=repr(line[-20:]), expected=repr(self.own.newline))
        elif strange:
            at = len(line[: strange.start()].encode(encoding))
            self.fatal("undecodable", record, found=f"{raw[at]:02X}", expected=encoding, at=at)
        elif bad:
            self.fatal("control_character", record, found=f"0x{ord(bad[0]):02X}")
        elif split_line(line) is None:
            self.fatal("quoting", record, found=line, expected="RFC 4180")
        else:
            layout = self._layout(raw) or self.own.data.layout
            self.fatal("column_count", record, found=len(self._values), expected=len(layout.fields))

    def position(self, raw: bytes, name: str) -> int:
        """The first byte of a column within its line."""
        line = raw.decode(self.own.encoding, "replace")
        split, layout = split_line(line), self._layout(raw)
        names = [entry.name for entry in layout.fields] if layout else []
        if split is None or name not in names or names.index(name) >= len(split[1]):
            return 0
        return len(line[: split[1][names.index(name)]].encode(self.own.encoding, "replace"))

    def _joined(self, values: list[str]) -> str:
        return joined(values)


def reader_of(own: OwnLayout) -> Callable[[bytes, Reading, ReadContext], OwnReader]:
    """読取器: the reader for the shape of a layout."""
    kind = OwnReader if own.record_length else OwnCsvReader
    return lambda data, reading, context: kind(own, data, reading, context)

"""対応づけた台帳の読取: a core system's CSV, line by line, as the lines of a register of ours.

Whatever a register of ours is checked for holds here, too: one bad value rejects the whole file,
and every finding names line, byte, column (and the field it becomes), value and what was expected.
Nothing of a name is changed: it goes into the books character by character. A line may be several
instalments; each becomes a line of ours, numbered by the line of the file times 100 and its 期別.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import count as numbers
from typing import TYPE_CHECKING, Any, NamedTuple

from payments.domain.errors import InvalidValueError
from reconcile.formats import FORMATS, assessments, mapping, obligors, signatures
from reconcile.formats.delimited import CONTROL, split_line
from reconcile.formats.delimited_reader import NOT_SHIFT_JIS, RegisterReading, Sheet
from reconcile.formats.mapped_values import Values
from reconcile.formats.mapping_rules import ASSESSMENTS, OBLIGORS
from reconcile.formats.own_format import PROFILE
from reconcile.formats.register_changes import change_of, meant
from reconcile.formats.register_lines import LineFault, whose
from reconcile.formats.wrapping import BOM
from reconcile.model import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from payments.domain.profile import Profile
    from reconcile.formats.assessments import AssessmentLine
    from reconcile.formats.delimited import Layout
    from reconcile.formats.mapping import Instalment, RegisterMapping
    from reconcile.model import ReadContext

_OPENING = 64 * 1024  # bytes that the column header or the first line of a file may have


class MappedRegister:
    """対応づけた台帳: identified and read like the registers of ours."""

    def __init__(self, described: RegisterMapping) -> None:
        """``described``: the description, checked."""
        self.mapping = described
        self.code, self.LABEL_JA = described.code, described.label
        self.LAYOUT: Layout = described.layout

    def identify(self, data: bytes) -> bool:
        """By the column header, or without one by a first line that fits in every field."""
        opening = _Reader(data, self.mapping, None, Sheet()).opening()
        return opening is not None

    def read(self, data: bytes, context: ReadContext) -> RegisterReading[Any]:
        """The lines, lazily; look at ``failed`` after the last one."""
        sheet = Sheet(lines_apart=mapping.LINES_APART if self.mapping.wide else 1)
        reader = _Reader(data, self.mapping, context.profile, sheet)
        return RegisterReading(self.code, reader.lines(), sheet)


class _Raw(NamedTuple):
    """One line: its number, where it stands, what it says."""

    line_no: int
    offset: int
    text: str


class _Reader:
    """One pass over one file."""

    def __init__(
        self, data: bytes, described: RegisterMapping, profile: Profile | None, sheet: Sheet
    ) -> None:
        self.data, self.mapping, self.profile, self.sheet = data, described, profile, sheet
        self.layout = described.layout
        self.values = Values(described)
        self.items = {item.item_code for item in profile.items} if profile else set()
        self.instalments = described.instalments()
        # What findings may name: the fields, and two columns that are compared and not kept.
        self.names = (*self.layout.names, "before_yen", "line_total")
        self.written = 0  # lines of the file, as its last line counts them

    # ---- which file it is ----

    def opening(self) -> int | None:
        """Where the data begin; None when the file is not the one that is described."""
        start = len(BOM) if self.mapping.encoding == "utf-8" and self.data.startswith(BOM) else 0
        first = self.data[start : start + _OPENING].split(self.mapping.newline, 1)
        try:
            line = first[0].decode(self.mapping.encoding)
        except UnicodeDecodeError:
            return None
        split = self._split(line)
        if split is None or len(first) == 1:
            return None
        if self.mapping.column_header:
            return self._header(split[0], start + len(first[0]) + len(self.mapping.newline))
        self.values.columns(self.mapping.columns)
        if len(split[0]) != self.values.width:
            return None
        if any(self.values.of(each, split[0])[1] for each in self.values.there(split[0])):
            return None
        return start

    def _header(self, found: list[str], behind: int) -> int | None:
        """The header must be the one that is listed, or at least name every column once."""
        columns = self.mapping.columns
        if columns and tuple(found) != columns:
            return None
        wanted = self.mapping.wanted()
        by_name = [name for name in wanted if name[:1] != "#" or name in found]
        if any(found.count(name) != 1 for name in by_name):
            return None
        self.values.columns(tuple(found))
        return behind if all(name in self.values.places for name in wanted) else None

    # ---- its lines ----

    def lines(self) -> Iterator[Any]:
        """Every line in which nothing is wrong."""
        begin = self.opening()
        if begin is None:
            name = self.mapping.code
            self.sheet.fatal("header", 1, 0, "", _start(self.data, self.mapping.encoding), name)
            return
        make = _MAKERS[self.mapping.register]
        last: tuple[_Raw, list[str]] | None = None
        for raw in self._raws(begin):
            if last is not None:
                self.sheet.fatal("after_trailer", raw.line_no, raw.offset, "", raw.text)
                return
            split = self._split(raw.text)
            if split is None:
                self.sheet.fatal("quoting", raw.line_no, raw.offset, "", raw.text, "RFC 4180")
            elif self.mapping.control and split[0][0] == self.mapping.control.mark:
                last = raw, split[0]
            else:
                yield from self._line(raw, split, make)
            if self.sheet.full:
                return
        self._end(last)

    def _raws(self, begin: int) -> Iterator[_Raw]:
        """The lines as text; a byte that is no character ends the reading."""
        newline, encoding = self.mapping.newline, self.mapping.encoding
        first = 2 if self.mapping.column_header else 1
        offset = begin
        for line_no in numbers(first):
            if offset >= len(self.data):
                return
            end = self.data.find(newline, offset)
            stop = end if end >= 0 else len(self.data)
            try:
                text = self.data[offset:stop].decode(encoding)
            except UnicodeDecodeError as error:
                found = self.data[offset + error.start : offset + error.start + 2].hex(" ").upper()
                self.sheet.fatal("undecodable", line_no, offset + error.start, "", found, encoding)
                return
            if end < 0:  # the only sign that a file without totals was cut
                self.sheet.fatal("truncated", line_no, len(self.data), "", text[-20:], "改行")
                return
            if self._clean(line_no, offset, text):
                yield _Raw(line_no, offset, text)
            offset = stop + len(newline)

    def _clean(self, line_no: int, offset: int, text: str) -> bool:
        """Whether a line is free of control characters and of bytes that are nobody's."""
        seen = text.replace("\t", " ") if self.mapping.delimiter == "\t" else text
        if "\r" in seen or "\n" in seen:
            self.sheet.fatal("newline", line_no, offset, "", seen[-20:], self._newline())
            return False
        match = CONTROL.search(seen)
        if match is not None:
            self.sheet.fatal("control_character", line_no, offset, "", f"0x{ord(match[0]):02X}")
            return False
        match = NOT_SHIFT_JIS.search(text) if self.mapping.encoding == "cp932" else None
        if match is not None:
            at = offset + len(text[: match.start()].encode("cp932", "replace"))
            found = self.data[at : at + 1].hex().upper()
            self.sheet.fatal("undecodable", line_no, at, "", found, "cp932")
        return match is None

    def _newline(self) -> str:
        return "CRLF" if len(self.mapping.newline) == 2 else "LF"

    def _split(self, line: str) -> tuple[list[str], list[int]] | None:
        """The values of a line and where each begins."""
        if self.mapping.delimiter == ",":
            return split_line(line)
        values = line.split("\t")
        starts, at = [], 0
        for value in values:
            starts.append(at)
            at += len(value) + 1
        return values, starts

    def _line(
        self, raw: _Raw, split: tuple[list[str], list[int]], make: Callable[..., Any]
    ) -> Iterator[Any]:
        """One line as the register of ours has it, unless something in it is wrong."""
        written, _ = split
        self.written += 1
        if len(written) != self.values.width:
            self.sheet.count += 1
            found = str(len(written))
            self.sheet.fatal(
                "column_count", raw.line_no, raw.offset, "", found, str(self.values.width)
            )
            return
        there = self.values.there(written)
        if not there:
            self.sheet.warn("no_instalment", raw.line_no, raw.offset, "", raw.text, "1期以上")
        self.sheet.count += len(there)
        total: int | None = 0
        for each in there:
            line, amount = self._instalment(each, raw, split, make)
            total = None if total is None or amount is None else total + amount
            if line is not None:
                yield line
        if total is not None and self.mapping.wide and self.mapping.wide.total:
            self._total(raw, split, total)

    def _instalment(
        self, each: Instalment, raw: _Raw, split: tuple[list[str], list[int]],
        make: Callable[..., Any],
    ) -> tuple[Any | None, int | None]:  # fmt: skip
        """One instalment as a line of ours, and its amount as written; None for what is wrong."""
        written, _ = split
        values, faults = self.values.of(each, written)
        amount = int(values[self.layout.money]) if values and self.layout.money is not None else 0
        as_written, before = amount, None
        if values is not None and self.mapping.changes is not None:
            before, wrong = self.values.before(each, written)
            understood = meant(values, amount, before)
            if isinstance(understood, LineFault):
                faults.append(understood)
            else:
                values, amount, before = understood
            faults += wrong
        if values is not None and not faults:
            faults = [*self._whose(values), *self._beyond(values, amount)]
        for fault in faults:
            self._say(self.sheet.fatal, raw, fault, split, each)
        if values is None or faults:
            return None, None
        self.sheet.amount_yen += as_written
        if self.mapping.register == ASSESSMENTS:
            year = assessments.other_year(values)
            if year:
                fault = LineFault("fiscal_year", self.layout.names.index("fiscal_year"), year)
                self._say(self.sheet.warn, raw, fault, split, each)
        line_no = raw.line_no * self.sheet.lines_apart + int(each.term or 0)
        line = make(line_no, raw.offset, values, amount)
        return self._with_change(line, before, written), as_written

    def _with_change(self, line: AssessmentLine, before: int | None, written: list[str]) -> Any:
        """The line, with what a change was worked out from where the file is one of changes."""
        changes = self.mapping.changes
        if changes is None:
            return line
        number = written[self.values.places[changes.number]] if changes.number else ""
        return change_of(line, before, number)

    def _total(self, raw: _Raw, split: tuple[list[str], list[int]], total: int) -> None:
        """The column of the sum says what the instalments of the line add up to."""
        wide, first = self.mapping.wide, self.instalments[0]
        rule = first.rules["amount_yen"]._replace(columns=(wide.total if wide else "",))
        if self.values.value("line_total", rule, split[0]) != str(total):
            fault = LineFault("line_total", self.names.index("line_total"), str(total))
            self._say(self.sheet.fatal, raw, fault, split, first)

    # ---- what is checked beyond single values ----

    def _whose(self, values: tuple[str, ...]) -> list[LineFault]:
        ours = self.profile.municipality_code if self.profile else values[0]
        if self.mapping.register == OBLIGORS:
            faulty = values[0] != ours
            return [LineFault("other_municipality", 0, ours)] if faulty else []
        return [*whose(values, ours, self.items)] if self.profile else []

    def _beyond(self, values: tuple[str, ...], amount: int) -> list[LineFault]:
        if self.mapping.register == OBLIGORS:
            return []
        return [*assessments.faults_of(values, amount, self.values.days)]

    def _say(
        self, say: Callable[..., None], raw: _Raw, fault: LineFault,
        split: tuple[list[str], list[int]], each: Instalment,
    ) -> None:  # fmt: skip
        """A finding at the column that the field comes from."""
        written, starts = split
        name = self.names[fault.column]
        rule = each.rules.get(name)
        columns = rule.columns if rule else ()
        if name == "flags":
            columns = tuple(flag.column for flag in each.flags)
        elif name == "before_yen" and each.before is not None:
            columns = each.before.columns
        elif name == "line_total" and self.mapping.wide is not None:
            columns = (self.mapping.wide.total,)
        places = [self.values.places[column] for column in columns]
        start = starts[places[0]] if places else 0
        before = len(raw.text[:start].encode(self.mapping.encoding, "replace"))
        found = " ".join(written[place] for place in places) or (rule.constant if rule else "")
        said = f"{'・'.join(columns)}→{name}" if columns else name
        at = min(raw.offset + before, len(self.data))
        say(fault.code, raw.line_no, at, said, found, fault.expected)

    # ---- the end ----

    def _end(self, last: tuple[_Raw, list[str]] | None) -> None:
        """The totals of the last line, where the file has one (R4)."""
        control = self.mapping.control
        if control is None or any(f.code in _CUT for f in self.sheet.findings):
            return
        if last is None:
            self.sheet.fatal("trailer_missing", None, len(self.data), "", "", control.mark)
            return
        raw, values = last
        totals = ((control.count_at, self.written, "trailer_count"),
                  (control.amount_at, self.sheet.amount_yen, "trailer_total"))  # fmt: skip
        failed = any(f.severity is not Severity.WARNING for f in self.sheet.findings)
        for place, read, code in totals:
            if place is None or (code == "trailer_total" and failed):
                continue
            found = values[place] if place < len(values) else ""
            if _TOTAL.fullmatch(found) is None or int(found) != read:
                self.sheet.fatal(code, raw.line_no, raw.offset, "", found, str(read))


_TOTAL = re.compile("-?[0-9]{1,30}")
_CUT = frozenset({"truncated", "undecodable"})


def _start(data: bytes, encoding: str) -> str:
    """The beginning of a file, for a person."""
    lines = data[:200].decode(encoding, "replace").splitlines()
    return lines[0][:60] if lines else ""


def _obligor(line_no: int, offset: int, values: tuple[str, ...], _amount: int) -> Any:
    return obligors.ObligorLine(line_no, offset, *values)


def mappings_of(profile: Profile) -> tuple[MappedRegister, ...]:
    """台帳の対応づけの一覧 of a municipality.

    Raises :class:`InvalidValueError` for a description that cannot be, or whose code is taken.
    """
    return _mappings(profile.registers, profile.layouts) if profile.registers else ()


@lru_cache(maxsize=64)
def _mappings(texts: tuple[str, ...], layouts: tuple[str, ...]) -> tuple[MappedRegister, ...]:
    """Read the descriptions once, however many files come."""
    found: list[MappedRegister] = []
    taken = {*signatures.CSV_HEADERS, *(form.code for form in FORMATS)}
    taken |= {str(json.loads(each).get("code")) for each in layouts}
    for number, text in enumerate(texts):
        description = json.loads(text)
        file = description.pop("file", None)
        key = "" if file else f"registers[{number}]"
        table = mapping.mapping(description, file=str(file or PROFILE), key=key)
        if table.code in taken:
            raise InvalidValueError(
                "layout_code", file=str(file or PROFILE), key=f"{key}.code".lstrip("."),
                found=table.code, expected="1回だけ",
            )  # fmt: skip
        taken.add(table.code)
        found.append(MappedRegister(table))
    return tuple(found)


def mapping_of(profile: Profile, code: str) -> MappedRegister | None:
    """The mapping of this code, as files that it read are recorded."""
    return next((each for each in mappings_of(profile) if each.code == code), None)


def claiming(profile: Profile, data: bytes, register: str = "") -> list[MappedRegister]:
    """The mappings that these bytes fit, of one register or of any."""
    return [
        each
        for each in mappings_of(profile)
        if register in {"", each.mapping.register} and each.identify(data)
    ]


_MAKERS: dict[str, Callable[..., Any]] = {
    ASSESSMENTS: assessments.line_of,
    OBLIGORS: _obligor,
}

"""対応づけた台帳の読取: a core system's CSV, line by line, as the lines of a register of ours.

Whatever a register of ours is checked for holds here, too: one bad value rejects the whole file,
and every finding names line, byte, column (and the field it becomes), value and what was expected.
Nothing of a name is changed: it goes into the books character by character.
"""

from __future__ import annotations

import json
import unicodedata
from functools import lru_cache
from itertools import count as numbers
from typing import TYPE_CHECKING, Any, NamedTuple

from payments.domain.errors import InvalidValueError
from payments.domain.wareki import parse_era_day, parse_era_year
from reconcile.formats import FORMATS, assessments, mapping, obligors, signatures
from reconcile.formats.delimited import CONTROL, Days, split_line
from reconcile.formats.delimited_reader import NOT_SHIFT_JIS, RegisterReading, Sheet
from reconcile.formats.mapping import COMMAS, KANA, PLAIN
from reconcile.formats.own_format import PROFILE
from reconcile.formats.register_lines import LineFault, whose
from reconcile.formats.wrapping import BOM
from reconcile.model import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from payments.domain.profile import Profile
    from reconcile.formats.delimited import Layout
    from reconcile.formats.mapping import RegisterMapping, Rule
    from reconcile.model import ReadContext

_OPENING = 64 * 1024  # bytes that the column header or the first line of a file may have
_CODES_SHOWN, _SHOWN = 12, 80  # codes, characters of what was expected
_SPACES = " \u3000"
_NAME = 7  # obligor_name among the values of an assessment


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
        sheet = Sheet()
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
        self.days = Days()
        self.items = {item.item_code for item in profile.items} if profile else set()
        self.places: dict[str, int] = {}
        self.width = 0
        self.kept: dict[tuple[str, str], str | None] = {}  # codes, dates, years met before

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
        self._columns(self.mapping.columns)
        if len(split[0]) != self.width:
            return None
        values, faults = self._values(split[0])
        return start if values is not None and not faults else None

    def _header(self, found: list[str], behind: int) -> int | None:
        """The header must be the one that is listed, or at least name every column once."""
        columns = self.mapping.columns
        if columns and tuple(found) != columns:
            return None
        wanted = self.mapping.wanted()
        by_name = [name for name in wanted if name[:1] != "#" or name in found]
        if any(found.count(name) != 1 for name in by_name):
            return None
        self._columns(tuple(found))
        return behind if all(name in self.places for name in wanted) else None

    def _columns(self, names: tuple[str, ...]) -> None:
        self.width = len(names)
        self.places = {f"#{place + 1}": place for place in range(self.width)}
        self.places |= {name: place for place, name in enumerate(names)}

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
        written, starts = split
        self.sheet.count += 1
        if len(written) != self.width:
            found = str(len(written))
            self.sheet.fatal("column_count", raw.line_no, raw.offset, "", found, str(self.width))
            return
        values, faults = self._values(written)
        if values is not None and not faults:
            faults = [*self._whose(values), *self._beyond(values)]
        for fault in faults:
            self._say(self.sheet.fatal, raw, fault, written, starts)
        if values is None or faults:
            return
        amount = int(values[self.layout.money]) if self.layout.money is not None else 0
        self.sheet.amount_yen += amount
        if self.mapping.register == mapping.ASSESSMENTS:
            year = assessments.other_year(values)
            if year:
                fault = LineFault("fiscal_year", self.layout.names.index("fiscal_year"), year)
                self._say(self.sheet.warn, raw, fault, written, starts)
        yield make(raw.line_no, raw.offset, values, amount)

    # ---- its values ----

    def _values(self, written: list[str]) -> tuple[tuple[str, ...] | None, list[LineFault]]:
        """The fields of a line, and those that are wrong."""
        found: list[str] = []
        faults: list[LineFault] = []
        for index, column in enumerate(self.layout.columns):
            if column.name == "flags":
                value = self._flags(written)
            else:
                rule = self.mapping.rules.get(column.name)
                value = "" if rule is None else self._value(column.name, rule, written)
            if value is None:
                faults.append(LineFault(column.fault, index, self._expected(column.name)))
            elif not self._fits(index, value):
                faults.append(LineFault(column.fault, index, column.expected))
            found.append(value or "")
        return (None if faults else tuple(found)), faults

    def _fits(self, index: int, value: str) -> bool:
        if self.layout.fields[index].fullmatch(value):
            return True
        # Names come from the 宛名 taken in before (names = "register").
        return self.mapping.names == "register" and index == _NAME and value == ""

    def _value(self, name: str, rule: Rule, written: list[str]) -> str | None:
        """What a rule makes of a line; None where the column says nothing that it knows."""
        if not rule.columns:
            return rule.constant
        parts = [written[self.places[column]] for column in rule.columns]
        text = rule.between.join(filter(None, parts)) if len(parts) > 1 else parts[0]
        if rule.trim:
            text = text.strip(_SPACES)
        if not text and rule.default is not None:
            return rule.default
        if rule.first:
            text = text[: rule.first]
        if rule.last:
            text = text[-rule.last :]
        if rule.codes is not None or rule.form not in {PLAIN, KANA, COMMAS}:
            key = (name, text)
            if key not in self.kept:
                self.kept[key] = self._known(rule, text)
            return self.kept[key]
        if rule.form == KANA:
            text = unicodedata.normalize("NFKC", text)
        elif rule.form == COMMAS:
            text = text.replace(",", "")
        if rule.strip_zeros:
            text = text.lstrip("0") or "0"
        return text.rjust(rule.pad, "0") if rule.pad and text else text

    def _known(self, rule: Rule, text: str) -> str | None:
        """A code, day or year as ours."""
        if rule.codes is not None:
            return rule.codes.get(text)
        if rule.form in {"wareki", "gyymmdd"}:
            day = parse_era_day(text, coded=rule.form == "gyymmdd")
            return day.isoformat() if day else None
        if rule.form in {"wareki_year", "gyy"}:
            year = parse_era_year(text, coded=rule.form == "gyy")
            return str(year) if year else None
        if rule.form == "yyyy":
            return text
        if rule.form == "yyyy/mm/dd":
            text = text.replace("/", "-") if text.count("/") == 2 else ""
        elif rule.form == "yyyymmdd":
            text = text if "-" not in text else ""
        elif "-" not in text:
            text = ""
        return self.days[text]

    def _flags(self, written: list[str]) -> str | None:
        """The flags of an instalment; None where a column has a value that nobody named."""
        found: list[str] = []
        for flag in self.mapping.flags:
            value = written[self.places[flag.column]]
            if value in flag.values:
                found.append(flag.name)
            elif value not in flag.others:
                return None
        return ";".join(dict.fromkeys(found))

    def _expected(self, name: str) -> str:
        """What the column of a field may say."""
        if name == "flags":
            named = [
                f"{flag.column}={value}"
                for flag in self.mapping.flags
                for value in sorted(flag.values | flag.others)
            ]
            return " / ".join(named)[:_SHOWN]
        rule = self.mapping.rules[name]
        return " / ".join([*rule.codes][:_CODES_SHOWN]) if rule.codes is not None else rule.form

    def _whose(self, values: tuple[str, ...]) -> list[LineFault]:
        ours = self.profile.municipality_code if self.profile else values[0]
        if self.mapping.register == mapping.OBLIGORS:
            faulty = values[0] != ours
            return [LineFault("other_municipality", 0, ours)] if faulty else []
        return [*whose(values, ours, self.items)] if self.profile else []

    def _beyond(self, values: tuple[str, ...]) -> list[LineFault]:
        if self.mapping.register == mapping.OBLIGORS:
            return []
        amount = int(values[self.layout.money or 0])
        return [*assessments.faults_of(values, amount, self.days)]

    def _say(
        self, say: Callable[..., None], raw: _Raw, fault: LineFault, written: list[str],
        starts: list[int],
    ) -> None:  # fmt: skip
        """A finding at the column that the field comes from."""
        name = self.layout.names[fault.column]
        rule = self.mapping.rules.get(name)
        columns = rule.columns if rule else ()
        if name == "flags":
            columns = tuple(flag.column for flag in self.mapping.flags)
        places = [self.places[column] for column in columns]
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
        totals = ((control.count_at, self.sheet.count, "trailer_count"),
                  (control.amount_at, self.sheet.amount_yen, "trailer_total"))  # fmt: skip
        failed = any(f.severity is not Severity.WARNING for f in self.sheet.findings)
        for place, read, code in totals:
            if place is None or (code == "trailer_total" and failed):
                continue
            found = values[place] if place < len(values) else ""
            if found.lstrip("0") != str(read).lstrip("0") or not found.isdecimal():
                self.sheet.fatal(code, raw.line_no, raw.offset, "", found, str(read))


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
    mapping.ASSESSMENTS: assessments.line_of,
    mapping.OBLIGORS: _obligor,
}

"""組版: the texts of a page as the operators of its content stream.

A layout is compiled once into a plan. A text that fits its place and knows only the characters of
its face is set by two table look-ups; anything else goes the careful way: smaller, in more lines,
with single characters from the fallback face, or it is a fault and the slip is not printed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

from qr.draw.slip_values import slip_values
from qr.layout.fonts import Face, Unusual, clusters, load_face, load_text_face
from qr.layout.shapes import LEADING, MM, PAGE_HEIGHT_MM
from qr.layout.slip_fields import REPEATING
from qr.layout.slip_page import PrintProfile, SlipFault, SlipPage, read_symbols

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qr.layout.shapes import SlipLayout, Text

_SMALLEST_PT = 5.0
_STEP_PT = 0.5
_TALLER = 1.15  # share of its own height that a text in several small lines may take
_ASCENT = 0.88  # of the size: what stands above the baseline
_KEPT = 2_000  # repeating texts remembered for each place
_NOT_FIRST = "、。，．）」』】・ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々"


@dataclass
class FontUse:
    """使用文字: which glyphs a file uses, by font resource, and what each stands for.

    A resource is a face and a number: where two texts share a glyph (a variation sequence and its
    base character), the second is used through another resource of the same font program.
    """

    used: dict[tuple[str, int], dict[int, str]] = field(default_factory=dict)
    plain: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def simple(self, face: str, text: str) -> None:
        """Note a text of which every glyph reads as its character."""
        self.plain[face].add(text)

    def characters(self, face: str) -> set[str]:
        """All characters that were set the simple way."""
        return {*"".join(self.plain[face])}

    def settle(self) -> None:
        """Keep the characters alone, so that a long run remembers no texts."""
        for face in self.plain:
            self.plain[face] = self.characters(face)

    def copy(self) -> FontUse:
        """The same, for pages that may yet be left out."""
        return FontUse(
            {resource: {**glyphs} for resource, glyphs in self.used.items()},
            defaultdict(set, {face: {*texts} for face, texts in self.plain.items()}),
        )

    def place(self, name: str, face: Face, glyph: int, cluster: str) -> str:
        """Name of the resource through which this glyph reads as this character or sequence."""
        if len(cluster) == 1 and face.glyphs.get(ord(cluster)) == glyph:
            self.simple(name, cluster)
            return resource_name(name)
        number = 1 if face.glyphs else 0
        while self.used.setdefault((name, number), {}).setdefault(glyph, cluster) != cluster:
            number += 1
        return resource_name(name, number)


def resource_name(face: str, number: int = 0) -> str:
    """How content streams call a face: F and its place in the plan, and a letter from 1 on."""
    return f"F{face}" if not number else f"F{face}{chr(ord('a') + number - 1)}"


@dataclass(frozen=True, slots=True)
class Piece:
    """断片: glyphs of one resource that follow each other."""

    resource: str
    glyphs: str  # hexadecimal
    width: float  # in 1/1000 of the size


@dataclass(frozen=True, slots=True)
class Composition:
    """組版結果: the text operators of a page, by group, and why it must not be printed."""

    groups: list[tuple[Group, str, str]]  # the group, its operators, what is read aloud
    faults: list[SlipFault]


@dataclass(frozen=True, slots=True)
class Group:
    """読み上げの単位: fields that are read as one, with their tag."""

    name: str
    part: str
    tag: str
    places: tuple[Place, ...]
    words: str = ""  # read first


class Place:
    """項目の場所: where one field stands, ready to be filled."""

    def __init__(self, text: Text, face_no: int, face: Face, fallback: tuple[int, Face]) -> None:
        """Compile the place of a field."""
        self.text = text
        self.template = None if text.text == "{}" else text.text
        self._faces = ((str(face_no), face), (str(fallback[0]), fallback[1]))
        self._face = face
        self._name = str(face_no)
        self._width = text.width * MM
        self._baseline = (PAGE_HEIGHT_MM - text.y) * MM
        self._kept: dict[str, tuple[str, str]] | None = {} if text.field in REPEATING else None
        self._space = 0.0
        if text.pitch:
            self._space = text.pitch - face.advances[ord("0")] * text.size / 1000
        self._sure = int(self._width / text.size * 1000 / max(face.advances.values()))
        self._left = text.align == "left" and not text.pitch
        self._start = self._operators(text.left * MM, self._baseline, self._name, text.size)

    def set(self, value: str, use: FontUse) -> str:
        """The operators that print the value; :class:`SetFaultError` when it cannot be."""
        if self._kept is not None and value in self._kept:
            operators, shown = self._kept[value]
            use.simple(self._name, shown)
            return operators
        shown = value if self.template is None else self.template.replace("{}", value)
        try:
            operators = self._simple(shown)
        except Unusual:
            operators = self._careful(shown, use)
            if operators.count(f"/{resource_name(self._name)} ") < operators.count("/"):
                return operators  # other resources are noted anew for every file
        else:
            use.simple(self._name, shown)
        if self._kept is not None and len(self._kept) < _KEPT:
            self._kept[value] = operators, shown
        return operators

    def _simple(self, shown: str) -> str:
        """One line in one face; :class:`Unusual` for anything else."""
        glyphs = shown.translate(self._face.hex)
        if self._left and len(shown) <= self._sure:
            return f"{self._start}{glyphs}> Tj\n"
        width = self._face.width(shown, self.text.size) + self._space * len(shown)
        if width > self._width:
            raise Unusual
        if self.text.align == "left":
            return f"{self._start}{glyphs}> Tj\n"
        x = self.text.left * MM + self._free(width)
        return f"{self._operators(x, self._baseline, self._name, self.text.size)}{glyphs}> Tj\n"

    def _careful(self, shown: str, use: FontUse) -> str:
        """Any text: broken into pieces by face and into lines by room."""
        pieces = self._pieces(shown, use)
        size, lines = self._fit(pieces, shown)
        found = []
        # A single line keeps its baseline; several begin where the first would have reached.
        top = self._baseline + _ASCENT * (self.text.size if len(lines) > 1 else size)
        for number, line in enumerate(lines):
            width = sum(piece.width for piece in line) * size / 1000
            x = self.text.left * MM + self._free(width)
            y = top - (_ASCENT + number * LEADING) * size
            for resource, run in groupby(line, key=lambda piece: piece.resource):
                together = [*run]
                start = self._operators(x, y, resource[1:], size)
                found.append(f"{start}{''.join(piece.glyphs for piece in together)}> Tj\n")
                x += sum(piece.width for piece in together) * size / 1000
        return "".join(found)

    def _pieces(self, shown: str, use: FontUse) -> list[Piece]:
        """Every character with the face that has it."""
        pieces, missing = [], []
        for cluster in clusters(shown):
            for name, face in self._faces:
                glyph = face.glyph(cluster)
                if glyph is not None:
                    resource = use.place(name, face, glyph, cluster)
                    pieces.append(Piece(resource, f"{glyph:04X}", face.advance(glyph)))
                    break
            else:
                missing.append(cluster)
        if missing:
            codes = [
                f"{cluster} ({' '.join(f'U+{ord(c):04X}' for c in cluster)})"
                for cluster in dict.fromkeys(missing)
            ]
            raise SetFaultError("slip_glyph_missing", " ".join(codes))
        return pieces

    def _fit(self, pieces: list[Piece], shown: str) -> tuple[float, list[list[Piece]]]:
        """The largest size at which it fits, in as many lines as have room; nothing is cut off."""
        size = self.text.size
        if self.text.pitch:
            raise SetFaultError("slip_text_too_long", shown)
        room = (size + LEADING * size * (self.text.lines - 1)) * _TALLER
        tried = size
        while tried >= _SMALLEST_PT:
            lines = self._broken(pieces, shown, tried)
            if len(lines) == 1 or tried + LEADING * tried * (len(lines) - 1) <= room:
                return tried, lines
            tried -= _STEP_PT
        raise SetFaultError("slip_text_too_long", shown)

    def _broken(self, pieces: list[Piece], shown: str, size: float) -> list[list[Piece]]:
        """Greedy lines; Japanese text breaks anywhere but before a closing mark."""
        lines: list[list[Piece]] = [[]]
        room = self._width
        for piece, cluster in zip(pieces, clusters(shown), strict=True):
            advance = piece.width * size / 1000
            if advance > room and lines[-1]:
                carried = [lines[-1].pop()] if cluster in _NOT_FIRST and len(lines[-1]) > 1 else []
                lines.append(carried)
                room = self._width - sum(p.width for p in carried) * size / 1000
            lines[-1].append(piece)
            room -= advance
        return lines

    def _free(self, width: float) -> float:
        """Room left of a line of this width."""
        return (self._width - width) * {"left": 0.0, "center": 0.5, "right": 1.0}[self.text.align]

    def _operators(self, x: float, y: float, resource: str, size: float) -> str:
        """What stands before the glyphs of a line."""
        return f"1 0 0 1 {x:.2f} {y:.2f} Tm {self._space:.4g} Tc /F{resource} {size:g} Tf <"


class SetFaultError(Exception):
    """組版の誤り: a code and what was found."""

    def __init__(self, code: str, found: str) -> None:
        """Keep both."""
        super().__init__(code, found)
        self.code, self.found = code, found


class Plan:
    """組版計画: a layout compiled, with the faces that it names."""

    def __init__(self, layout: SlipLayout, folders: tuple[Path, ...]) -> None:
        """Open the faces and compile every place."""
        self.layout = layout
        self.faces = {
            str(number): load_text_face(file, folders)
            for number, file in enumerate(layout.faces.values(), start=1)
        }
        last = len(self.faces) + 1
        self.faces[str(last)] = load_face(layout.fallback, folders)
        numbers = {name: number for number, name in enumerate(layout.faces, start=1)}
        fallback = (last, self.faces[str(last)])
        self.numbers = numbers
        self.groups = [
            Group(
                name,
                texts[0].part,
                texts[0].tag,
                tuple(
                    Place(text, numbers[text.face], self.faces[str(numbers[text.face])], fallback)
                    for text in texts
                ),
                "。".join(label.text for label in layout.labels if label.group == name),
            )
            for name, texts in _grouped(layout)
        ]

    def compose(self, page: SlipPage, profile: PrintProfile, use: FontUse) -> Composition:
        """Set every text of a page; says what does not fit or cannot be printed."""
        contents = read_symbols(page, profile.layout)
        faults = contents.faults
        if faults:
            return Composition([], faults)
        values = slip_values(page, contents)
        groups = []
        for group in self.groups:
            operators, read = [], [group.words] if group.words else []
            for place in group.places:
                value = values.get(place.text.field, "")
                if not value:
                    continue
                try:
                    operators.append(place.set(value, use))
                except SetFaultError as error:
                    fault = SlipFault(page.slip_no, place.text.field, error.code, error.found)
                    if fault not in faults:
                        faults.append(fault)
                read.append(f"{place.text.label} {value}" if place.text.label else value)
            if operators:
                groups.append((group, "".join(operators), " ".join(read)))
        return Composition(groups, faults)


def _grouped(layout: SlipLayout) -> Iterator[tuple[str, list[Text]]]:
    """Texts that follow each other in the same group; one without a group stands alone."""
    for name, texts in groupby(layout.texts, key=lambda t: t.group or f"{t.part}.{t.field}"):
        yield name, [*texts]


@lru_cache(maxsize=16)
def plan_of(layout: SlipLayout, folders: tuple[Path, ...]) -> Plan:
    """The plan of a layout, compiled once per process."""
    return Plan(layout, folders)

"""様式の検査: a layout held against the sheet, the fonts and the rules of the symbols.

What a printer or a scanner would trip over is refused here, before anything is printed: a symbol
off the printer grid or too large (symbols.md 3.5), a text in a quiet zone, a box outside the sheet,
a field or face that does not exist. :func:`checked` raises the first fault as ``slip_layout``.
"""

from __future__ import annotations

import struct
from itertools import chain, groupby
from typing import TYPE_CHECKING

from payments.domain.errors import ConfigurationError
from qr.layout.file import LayoutFault, layout_error
from qr.layout.fonts import FONT_FOLDERS, find_font, load_text_face
from qr.layout.shapes import (
    BARCODE_HEIGHT_MIN_MM,
    BARCODE_MODULES,
    BARCODE_QUIET_MM,
    BARCODE_WIDTH_MAX_MM,
    GRID_PT,
    MM,
    PAGE_HEIGHT_MM,
    PAGE_WIDTH_MM,
    QR_MODULE_PT,
    Box,
)
from qr.layout.slip_fields import ABSENT, FIELDS, REQUIRED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qr.layout.shapes import Label, SlipLayout, Text

SHEET = Box(x=0, y=0, width=PAGE_WIDTH_MM, height=PAGE_HEIGHT_MM)
_QR_MODULES = 41
_TAGS = ("H1", "H2", "P", "Artifact")
_SLACK_MM = 0.001
_WHEN = ("", "el_qr")
# The two dates of a slip are never taken for each other (law.md B-02): the label beside a date.
_DATE_LABELS = {"due_on": "納期限", "valid_until": "支払期限"}
_PNG = b"\x89PNG\r\n\x1a\n"


def checked(layout: SlipLayout, file: str, folders: tuple[Path, ...] = FONT_FOLDERS) -> SlipLayout:
    """The layout itself when nothing is wrong with it; else ``slip_layout`` for the first fault."""
    for fault in layout_faults(layout, folders):
        raise layout_error(file, fault)
    return layout


def layout_faults(
    layout: SlipLayout, folders: tuple[Path, ...] = FONT_FOLDERS
) -> Iterator[LayoutFault]:
    """Everything that is wrong with a layout."""
    fonts = [*_font_faults(layout, folders)]
    yield from fonts
    yield from _when_faults(layout)
    yield from _symbol_faults(layout)
    yield from _place_faults(layout)
    yield from _text_faults(layout)
    yield from _picture_faults(layout)
    if not fonts:
        yield from _label_faults(layout, folders)
        yield from _date_faults(layout, folders)


def _font_faults(layout: SlipLayout, folders: tuple[Path, ...]) -> Iterator[LayoutFault]:
    """Faces without a file on this machine, texts in faces that the layout does not have."""
    for key, file in (*layout.faces.items(), ("fallback", layout.fallback)):
        try:
            find_font(file, folders)
        except ConfigurationError:
            name = key if key == "fallback" else f"faces.{key}"
            yield LayoutFault(name, file, "a font file that is installed")
    named: list[tuple[str, Label | Text]] = [
        *((f"labels[{n}]", label) for n, label in enumerate(layout.labels, start=1)),
        *((f"texts[{n}]", text) for n, text in enumerate(layout.texts, start=1)),
    ]
    for key, item in named:
        if item.face not in layout.faces:
            yield LayoutFault(f"{key}.face", item.face, " / ".join(layout.faces))
        if item.size <= 0:
            yield LayoutFault(f"{key}.size", item.size, "> 0")


def _when_faults(layout: SlipLayout) -> Iterator[LayoutFault]:
    """What is to stand on some slips only, under a condition that there is not."""
    named = [
        *((f"labels[{n}]", label.when) for n, label in enumerate(layout.labels, start=1)),
        *((f"frames[{n}]", frame.when) for n, frame in enumerate(layout.frames, start=1)),
        *((f"rules[{n}]", rule.when) for n, rule in enumerate(layout.rules, start=1)),
    ]
    for key, when in named:
        if when not in _WHEN:
            yield LayoutFault(f"{key}.when", when, "el_qr")


def _symbol_faults(layout: SlipLayout) -> Iterator[LayoutFault]:
    """Module sizes off the grid, areas too small for symbol and quiet zone, bars too low."""
    qr, bars = layout.el_qr, layout.konbini
    for key, symbol in (("el_qr", qr), ("konbini", bars)):
        steps = symbol.module_pt / GRID_PT
        if steps < 1 or abs(steps - round(steps)) > 1e-6:
            expected = f"a whole multiple of {GRID_PT} pt"
            yield LayoutFault(f"{key}.module_pt", symbol.module_pt, expected)
            return
        if not SHEET.contains(symbol.box):
            yield LayoutFault(key, _place(symbol.box), "within the sheet")
    if qr.module_pt < QR_MODULE_PT:
        yield LayoutFault("el_qr.module_pt", qr.module_pt, f">= {QR_MODULE_PT} pt")
    quiet = layout.qr_quiet(_QR_MODULES)
    if not qr.box.contains(quiet):
        yield LayoutFault("el_qr", _place(qr.box), f"room for {quiet.width:.2f} mm each way")
    width = BARCODE_MODULES * bars.module_pt / MM + 2 * BARCODE_QUIET_MM
    if width > BARCODE_WIDTH_MAX_MM + _SLACK_MM:
        found = f"{bars.module_pt} pt = {width:.2f} mm"
        yield LayoutFault("konbini.module_pt", found, f"<= {BARCODE_WIDTH_MAX_MM} mm")
    if bars.bar_height < BARCODE_HEIGHT_MIN_MM:
        yield LayoutFault("konbini.bar_height", bars.bar_height, f">= {BARCODE_HEIGHT_MIN_MM} mm")
    if not bars.box.contains(layout.barcode_quiet()):
        yield LayoutFault("konbini", _place(bars.box), f"room for {width:.2f} mm of bars and quiet")
    if qr.box.overlaps(layout.barcode_quiet()) or bars.box.overlaps(quiet):
        yield LayoutFault("konbini", _place(bars.box), "no overlap with el_qr")


def _place_faults(layout: SlipLayout) -> Iterator[LayoutFault]:
    """Whatever leaves the sheet, and frames or rules that run through a quiet zone."""
    boxes = [
        *((f"parts[{n}]", part.box) for n, part in enumerate(layout.parts, start=1)),
        *((f"frames[{n}]", frame.box) for n, frame in enumerate(layout.frames, start=1)),
        *((f"reserved[{n}]", frame.box) for n, frame in enumerate(layout.reserved, start=1)),
        *((f"pictures[{n}]", item.box) for n, item in enumerate(layout.pictures, start=1)),
        *(
            (f"rules[{n}]", Box(x=rule.x, y=rule.y, width=rule.width, height=rule.height))
            for n, rule in enumerate(layout.rules, start=1)
        ),
        *(
            (f"cuts[{n}]", Box(x=0, y=cut.y, width=PAGE_WIDTH_MM, height=0))
            for n, cut in enumerate(layout.cuts, start=1)
        ),
    ]
    for key, box in boxes:
        if not SHEET.contains(box):
            yield LayoutFault(key, _place(box), "within the sheet")
        drawn = _edges(box) if key.startswith("frames") else [box]
        if key.startswith(("frames", "rules", "cuts", "pictures")):
            for name, area in _quiet(layout):
                if any(part.overlaps(area) for part in drawn):
                    yield LayoutFault(key, _place(box), f"outside the quiet zone of {name}")


def _edges(box: Box) -> list[Box]:
    """The four sides of a frame."""
    right, below = box.x + box.width, box.y + box.height
    return [
        Box(x=box.x, y=box.y, width=box.width, height=0),
        Box(x=box.x, y=below, width=box.width, height=0),
        Box(x=box.x, y=box.y, width=0, height=box.height),
        Box(x=right, y=box.y, width=0, height=box.height),
    ]


def _text_faults(layout: SlipLayout) -> Iterator[LayoutFault]:
    """Unknown fields, parts and tags; texts off the sheet or in a quiet zone; broken groups."""
    parts = {part.name for part in layout.parts}
    for number, text in enumerate(layout.texts, start=1):
        key = f"texts[{number}]"
        for name, found, known in (
            ("field", text.field, FIELDS),
            ("part", text.part, parts),
            ("tag", text.tag, _TAGS),
        ):
            if found not in known:
                yield LayoutFault(f"{key}.{name}", found, " / ".join(sorted(known)))
        if text.text.count("{}") != 1:
            yield LayoutFault(f"{key}.text", text.text, "exactly one {}")
        if text.lines < 1:
            yield LayoutFault(f"{key}.lines", text.lines, ">= 1")
        yield from _text_place_faults(layout, key, text)
    for name in sorted(REQUIRED - {text.field for text in layout.texts}):
        yield LayoutFault("texts", name, "must be given")
    groups = [name for name, _ in groupby(t.group or f"{t.part}.{t.field}" for t in layout.texts)]
    for name in sorted(set(groups)):
        if groups.count(name) > 1:
            yield LayoutFault("texts.group", name, "one after the other")


def _text_place_faults(layout: SlipLayout, key: str, text: Text) -> Iterator[LayoutFault]:
    """A text off the sheet, in a quiet zone or where nothing may stand."""
    if not SHEET.contains(text.box):
        yield LayoutFault(key, _place(text.box), "within the sheet")
    for name, area in _quiet(layout):
        # A sentence that stands in for a symbol may take its place.
        if ABSENT.get(text.field) != name and text.box.overlaps(area):
            yield LayoutFault(key, _place(text.box), f"outside the quiet zone of {name}")
    for number, reserved in enumerate(layout.reserved, start=1):
        if text.box.overlaps(reserved.box):
            yield LayoutFault(key, _place(text.box), f"outside reserved[{number}]")


def _label_faults(layout: SlipLayout, folders: tuple[Path, ...]) -> Iterator[LayoutFault]:
    """Labels with a character that their face lacks, off the sheet or in a quiet zone."""
    for number, label in enumerate(layout.labels, start=1):
        key = f"labels[{number}]"
        face = load_text_face(layout.faces[label.face], folders)
        missing = "".join(c for c in label.text if ord(c) not in face.glyphs)
        if missing:
            yield LayoutFault(f"{key}.text", missing, f"characters of {label.face}")
            continue
        box = _label_box(layout, label, folders)
        if not SHEET.contains(box):
            yield LayoutFault(key, _place(box), "within the sheet")
        for name, area in _quiet(layout):
            if box.overlaps(area):
                yield LayoutFault(key, _place(box), f"outside the quiet zone of {name}")


def _label_box(layout: SlipLayout, label: Label, folders: tuple[Path, ...]) -> Box:
    """The room that the words of a label take."""
    face = load_text_face(layout.faces[label.face], folders)
    width = face.width(label.text, label.size) / MM
    left = label.x - width * {"left": 0.0, "center": 0.5, "right": 1.0}[label.align]
    size = label.size / MM
    return Box(x=left, y=label.y - 0.88 * size, width=width, height=size)


def _date_faults(layout: SlipLayout, folders: tuple[Path, ...]) -> Iterator[LayoutFault]:
    """納期限 and 支払期限 without their label directly left of or above them."""
    boxes = [
        (label, _label_box(layout, label, folders)) for label in layout.labels if not label.when
    ]
    for number, text in enumerate(layout.texts, start=1):
        word = _DATE_LABELS.get(text.field)
        if word is None or word in text.text:
            continue
        beside = [label.text for label in _beside(text, boxes)]
        named = [said for said in beside if any(w in said for w in _DATE_LABELS.values())]
        if not named or word not in named[0]:
            found = f"{text.field} {' / '.join(beside)}".strip()
            yield LayoutFault(f"texts[{number}]", found, f"label {word} left of it or above it")


def _beside(text: Text, boxes: list[tuple[Label, Box]]) -> Iterator[Label]:
    """The nearest label left of a text on its line, then the nearest one above it."""
    line = text.size / MM / 2
    left = [
        (text.left - box.x - box.width, number)
        for number, (label, box) in enumerate(boxes)
        if abs(label.y - text.y) < line and box.x + box.width <= text.left + _SLACK_MM
    ]
    above = [
        (text.y - label.y, number)
        for number, (label, box) in enumerate(boxes)
        if label.y < text.y - _SLACK_MM
        and box.x < text.left + text.width
        and text.left < box.x + box.width
    ]
    for found in (left, above):
        if found:
            yield boxes[min(found)[1]][0]


def _picture_faults(layout: SlipLayout) -> Iterator[LayoutFault]:
    """Pictures that are no PNG, or so coarse that they would look torn."""
    for number, picture in enumerate(layout.pictures, start=1):
        if not picture.data.startswith(_PNG) or len(picture.data) < 24:
            yield LayoutFault(f"pictures[{number}].file", picture.file, "a PNG file")
            continue
        columns, _rows = struct.unpack(">II", picture.data[16:24])
        dpi = columns / picture.width * 25.4
        if dpi < 150:
            yield LayoutFault(f"pictures[{number}]", f"{dpi:.0f} dpi", ">= 150 dpi")


def _quiet(layout: SlipLayout) -> Iterator[tuple[str, Box]]:
    """Both symbols as drawn, with their quiet zones."""
    return chain(
        [("el_qr", layout.qr_quiet(_QR_MODULES))],
        [("konbini", layout.barcode_quiet())],
    )


def _place(box: Box) -> str:
    """A box as a person reads it."""
    return f"x {box.x:g} y {box.y:g} {box.width:g} × {box.height:g} mm"

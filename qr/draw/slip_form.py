"""納付書の様式の描画: the parts of the page that never change, as operators of one form."""

from __future__ import annotations

from math import cos, radians, sin
from typing import TYPE_CHECKING, TypeVar

from qr.draw.slip_set import resource_name
from qr.layout import slip_words
from qr.layout.shapes import MM, PAGE_HEIGHT_MM, PAGE_WIDTH_MM, Box, Frame, Label, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qr.draw.slip_set import FontUse, Plan

_T = TypeVar("_T", Frame, Rule, Label)
_MARK_GRAY, _MARK_DEGREES, _MARK_HEIGHT_SHARE = 0.93, 14, 0.75
_FREE_FOR_WORDS_MM = 2.0


def form_operators(plan: Plan, use: FontUse, *, sample: bool, el_qr: bool = True) -> str:
    """Frames, rules, labels and cut lines; on a 見本 the mark lies under everything else.

    Without ``el_qr`` what belongs to the eL番号 is left out.
    """
    layout = plan.layout
    operators: list[str] = []
    if sample:
        operators += _sample_marks(plan, use)
    operators.append("1 g")
    # The mark enters neither the symbols with their quiet zones nor any frame.
    white = [layout.el_qr.box, layout.konbini.box, *_ocr_lines(plan)]
    operators += [_rectangle(box, "f") for box in white]
    operators += _frames(_wanted(layout.frames, el_qr=el_qr))
    for rule in _wanted(layout.rules, el_qr=el_qr):
        x, y = rule.x * MM, _up(rule.y)
        to_x, to_y = (rule.x + rule.width) * MM, _up(rule.y + rule.height)
        operators.append(f"{rule.gray:g} G {rule.line:g} w")
        operators.append(f"{x:.2f} {y:.2f} m {to_x:.2f} {to_y:.2f} l S")
    operators += _cuts(plan, use)
    operators.append("0 g")
    operators += [_label(plan, use, label) for label in _wanted(layout.labels, el_qr=el_qr)]
    for number, picture in enumerate(layout.pictures, start=1):
        x, y = picture.x * MM, _up(picture.y + picture.height)
        size = f"{picture.width * MM:.2f} 0 0 {picture.height * MM:.2f}"
        operators.append(f"q {size} {x:.2f} {y:.2f} cm /Im{number} Do Q")
    if sample and layout.sample_note:
        note = layout.sample_note
        first = layout.parts[0].y
        for part in layout.parts:
            moved = Label(x=note.x, y=note.y - first + part.y, size=note.size, text=note.text,
                          face=note.face, align=note.align)  # fmt: skip
            operators.append(_label(plan, use, moved))
    return "\n".join(operators) + "\n"


def _wanted(items: tuple[_T, ...], *, el_qr: bool) -> tuple[_T, ...]:
    """What stands on slips with, or without, an eL番号."""
    return items if el_qr else tuple(item for item in items if not item.when)


def _ocr_lines(plan: Plan) -> Iterator[Box]:
    """The clear area around each OCR line."""
    for text in plan.layout.texts:
        if text.pitch:
            box = text.box
            yield Box(x=box.x - 1, y=box.y - 1, width=box.width, height=box.height + 2)


def _frames(frames: tuple[Frame, ...]) -> Iterator[str]:
    """Rectangles, filled where a grey is given."""
    for frame in frames:
        if frame.fill < 1:
            yield f"{frame.fill:g} g"
            yield _rectangle(frame.box, "f")
        if frame.line:
            yield f"{frame.gray:g} G {frame.line:g} w"
            yield _rectangle(frame.box, "S")


def _cuts(plan: Plan, use: FontUse) -> Iterator[str]:
    """切り取り線: dashed across the sheet, interrupted by its words."""
    for cut in plan.layout.cuts:
        label = Label(x=PAGE_WIDTH_MM / 2, y=cut.y + 1, size=cut.size, text=cut.text,
                      align="center")  # fmt: skip
        half = 0.0
        if cut.text:
            half = _width(plan, label) / MM / 2 + _FREE_FOR_WORDS_MM
        middle = PAGE_WIDTH_MM / 2
        yield "0.3 G 0.6 w [3 3] 0 d"
        for start, end in ((0.0, middle - half), (middle + half, PAGE_WIDTH_MM)):
            yield f"{start * MM:.2f} {_up(cut.y):.2f} m {end * MM:.2f} {_up(cut.y):.2f} l S"
        yield "[] 0 d 0 g"
        if cut.text:
            yield _label(plan, use, label)


def _sample_marks(plan: Plan, use: FontUse) -> Iterator[str]:
    """見本: large, slanted and light, once in every part."""
    cosine, sine = cos(radians(_MARK_DEGREES)), sin(radians(_MARK_DEGREES))
    for part in plan.layout.parts:
        size = min(part.height * _MARK_HEIGHT_SHARE * MM, 120)
        label = Label(x=0, y=0, size=size, text=slip_words.SAMPLE, face=_mark_face(plan))
        x = (part.x + part.width / 2) * MM - cosine * _width(plan, label) / 2
        y = _up(part.y + part.height / 2) - sine * _width(plan, label) / 2 - size * 0.3
        yield f"{_MARK_GRAY} g BT"
        matrix = f"{cosine:.4f} {sine:.4f} {-sine:.4f} {cosine:.4f} {x:.2f} {y:.2f}"
        yield f"{matrix} Tm {_shown(plan, use, label)} ET"


def _mark_face(plan: Plan) -> str:
    """The heaviest face that a layout names, or its first."""
    return "bold" if "bold" in plan.numbers else next(iter(plan.numbers))


def _label(plan: Plan, use: FontUse, label: Label) -> str:
    """Words on their baseline."""
    free = {"left": 0.0, "center": 0.5, "right": 1.0}[label.align]
    x = label.x * MM - (free and free * _width(plan, label))
    return f"BT 1 0 0 1 {x:.2f} {_up(label.y):.2f} Tm {_shown(plan, use, label)} ET"


def _shown(plan: Plan, use: FontUse, label: Label) -> str:
    """Font, size and glyphs of words that are part of the form."""
    name = str(plan.numbers[label.face])
    glyphs = label.text.translate(plan.faces[name].hex)
    use.simple(name, label.text)
    return f"/{resource_name(name)} {label.size:g} Tf <{glyphs}> Tj"


def _width(plan: Plan, label: Label) -> float:
    """Width of words in points."""
    return plan.faces[str(plan.numbers[label.face])].width(label.text, label.size)


def _rectangle(box: Box, paint: str) -> str:
    """A rectangle, filled (f) or drawn (S)."""
    place = f"{box.x * MM:.2f} {_up(box.y + box.height):.2f}"
    return f"{place} {box.width * MM:.2f} {box.height * MM:.2f} re {paint}"


def _up(y: float) -> float:
    """Millimetres from the top → points from the bottom."""
    return (PAGE_HEIGHT_MM - y) * MM

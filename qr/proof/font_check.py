"""埋込書体の検査: whether every glyph in a file looks like the character that it is said to be.

A text that reads rightly may still show something else: the file's table says 8 where the glyph
drawn is a 3. So the outline of every glyph embedded in the file is compared with the outline of its
character in the font on this machine (HarfBuzz reads both).
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import uharfbuzz as hb

from payments.domain.errors import ConfigurationError
from qr.layout.fonts import find_font
from qr.proof.printed_file import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from qr.digits.difference import Fault
    from qr.proof.printed_file import PrintedFont

Outline = tuple[tuple[float, ...], ...]


def font_faults(font: PrintedFont, originals: Mapping[str, Original]) -> list[Fault]:
    """Glyphs of an embedded font that do not look like their character.

    ``originals`` are the fonts of this machine by the name that they have in a file.
    """
    if not font.program:
        return []  # said already
    name = font.name.rpartition("+")[2].removeprefix("/")
    if name not in originals:
        return [("font", font.name, " / ".join(originals))]
    embedded = hb.Font(hb.Face(font.program))
    faults = []
    for glyph in np.flatnonzero(font.characters != UNKNOWN).tolist():
        code = int(font.characters[glyph])
        text = font.several.get(code) or chr(code)
        if _outline(embedded, glyph) != originals[name].outline(text):
            faults.append(("glyph", f"{font.name} {glyph}", f"{text} U+{ord(text[0]):04X}"))
    return faults


@lru_cache(maxsize=8)
def originals(files: tuple[str, ...], folders: tuple[Path, ...]) -> dict[str, Original]:
    """The fonts of these files by their stem; a file that is not there is left out."""
    found = {}
    for file in files:
        try:
            path = find_font(file, folders)
        except ConfigurationError:
            continue
        face = hb.Face(hb.Blob.from_file_path(str(path)))
        found[path.stem] = Original(hb.Font(face))
    return found


class Original:
    """元の書体: a font of this machine; outlines are kept, every file asks for the same ones."""

    def __init__(self, font: Any) -> None:
        """Take the font as HarfBuzz reads it."""
        self._font = font
        self._outlines: dict[str, Outline | None] = {}

    def outline(self, text: str) -> Outline | None:
        """A character, or one with its variation selector; None when the font does not have it."""
        if text not in self._outlines:
            if len(text) == 1:
                glyph = self._font.get_nominal_glyph(ord(text))
            else:
                glyph = self._font.get_variation_glyph(*map(ord, text[:2]))
            self._outlines[text] = None if glyph is None else _outline(self._font, glyph)
        return self._outlines[text]


def _outline(font: Any, glyph: int) -> Outline:
    """The contours of a glyph as drawing steps: points of a move, a line or a curve."""
    steps: list[tuple[float, ...]] = []
    font.draw_glyph(glyph, _recorder(), steps)
    return tuple(steps)


@cache
def _recorder() -> Any:
    """HarfBuzz calls, each of which adds its points to the list given."""
    functions = hb.DrawFuncs()
    functions.set_move_to_func(lambda x, y, steps: steps.append((x, y, 0)))
    functions.set_line_to_func(lambda x, y, steps: steps.append((x, y)))
    functions.set_quadratic_to_func(lambda *points: points[-1].append(points[:-1]))
    functions.set_cubic_to_func(lambda *points: points[-1].append(points[:-1]))
    functions.set_close_path_func(lambda steps: steps.append(()))
    return functions

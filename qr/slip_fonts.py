"""印字用フォント: BIZ UDGothic, found on the machine, with its coverage and widths.

A character that the font lacks would print as a blank box; :meth:`SlipFonts.missing` lets the
slip be refused before that happens (names from the resident register go beyond any one font).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from payments.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

FONT_FOLDERS = (
    Path("/usr/share/fonts/truetype/bizud-gothic"),
    Path("/usr/share/fonts/morisawa-bizud-gothic-fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.local/share/fonts").expanduser(),
    Path("~/.fonts").expanduser(),
)
DEBIAN_PACKAGE = "fonts-morisawa-bizud-gothic"
REGULAR = "BIZUDGothic-Regular"
BOLD = "BIZUDGothic-Bold"

_SMALLEST_PT = 5.0
_FIRST_PRINTABLE = 0x20


@dataclass(frozen=True)
class SlipFonts:
    """書体: the regular and the bold face, registered with the PDF library under their names."""

    coverage: frozenset[str]  # characters that both faces can print
    widths: Mapping[int, float]  # advance by code point, in 1/1000 of the size (both faces agree)
    fallback_width: float

    def missing(self, text: str) -> str:
        """Characters of the text that cannot be printed, each once, in order of appearance."""
        if self.coverage.issuperset(text):
            return ""
        return "".join(dict.fromkeys(c for c in text if c not in self.coverage))

    def width(self, text: str, size: float) -> float:
        """Advance of the text at this size, in points."""
        get, fallback = self.widths.get, self.fallback_width
        return sum([get(ord(c), fallback) for c in text]) * size / 1000

    def fit(self, text: str, size: float, width: float, lines: int) -> tuple[float, list[str]]:
        """Break the text into lines of ``width`` points, smaller only where it must be.

        The height stays that of ``lines`` lines at ``size``. Returns the size used and the lines;
        no lines when the text does not fit even at the smallest size: nothing is ever cut off.
        """
        if self.width(text, size) <= width:
            return size, [text]
        tried = size
        while tried >= _SMALLEST_PT:
            broken = self._broken(text, tried, width)
            if len(broken) <= int(lines * size / tried):
                return tried, broken
            tried -= 0.5
        return _SMALLEST_PT, []

    def _broken(self, text: str, size: float, width: float) -> list[str]:
        """Greedy lines; Japanese text may break between any two characters."""
        lines = [""]
        room = width
        for character in text:
            advance = self.width(character, size)
            if advance > room:
                lines.append("")
                room = width
            lines[-1] += character
            room -= advance
        return lines


def find_font(name: str, folders: tuple[Path, ...] = FONT_FOLDERS) -> Path:
    """The TrueType file of this name; says which Debian package brings it when it is missing."""
    for folder in folders:
        path = folder / f"{name}.ttf"
        if path.is_file():
            return path
    raise ConfigurationError(
        "font_missing",
        font=name,
        debian_package=DEBIAN_PACKAGE,
        searched=[str(folder) for folder in folders],
    )


@lru_cache(maxsize=4)
def load_fonts(folders: tuple[Path, ...] = FONT_FOLDERS) -> SlipFonts:
    """Register both faces once per process and read their coverage."""
    faces = []
    for name in (REGULAR, BOLD):
        font = TTFont(name, str(find_font(name, folders)))
        pdfmetrics.registerFont(font)
        faces.append(font.face)
    regular, bold = faces
    common = regular.charToGlyph.keys() & bold.charToGlyph.keys()
    return SlipFonts(
        coverage=frozenset(chr(code) for code in common if code >= _FIRST_PRINTABLE),
        widths=regular.charWidths,
        fallback_width=regular.defaultWidth,
    )

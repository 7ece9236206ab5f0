"""印刷ファイルの読取: a finished PDF as it lies on the disk, page by page, for the vector check.

Everything here is read back from the file itself: page boxes, the font programs embedded in it,
and its own table of which glyph stands for which character.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pikepdf

from payments.domain.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

    from qr.digits.difference import Fault

A4_PT = (0.0, 0.0, 595.2756, 841.8898)
"""The page box of A4 at 1:1, in points."""

UNKNOWN = 0xFFFD
"""What a glyph reads as that the file gives no character for."""

_POINTS_OFF = 0.01
_SHOWN_MAX = 60  # characters of a page entry that a difference quotes
_GLYPHS = 1 << 16
# Stands for a glyph of several characters until the text is put together; so many for each font.
_PRIVATE, _PRIVATE_EACH = 0x100000, 0x1000
_PAGE_KEYS = frozenset(
    ("/Type", "/Parent", "/MediaBox", "/Resources", "/Contents", "/StructParents", "/Tabs")
)
_OWN_OF_PAGE = re.compile(rb"/(?:Contents|Parent) \d+ \d+ R|/StructParents \d+")
_SUBSET = re.compile(r"/[A-Z]{6}\+.+")
_MAP_BLOCK = re.compile(rb"begin(bfchar|bfrange)(.*?)endbf", re.DOTALL)
_BFCHAR = re.compile(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>")
_BFRANGE = re.compile(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>")


@dataclass(frozen=True)
class PrintedFont:
    """埋込書体: one font of the file as the file describes it."""

    name: str
    program: bytes  # the embedded TrueType program, empty when there is none
    characters: NDArray[np.uint32]  # code point by glyph number; UNKNOWN where there is none
    several: dict[int, str]  # stand-in code point → the characters of such a glyph
    widths: NDArray[np.float64]  # advance by glyph number, 1/1000 of the size
    faults: list[Fault]


@dataclass(frozen=True, slots=True)
class PrintedPage:
    """印刷ページ: the operators of one page, and what is wrong with its dictionary."""

    number: int
    content: bytes
    faults: list[Fault]


@dataclass
class PrintedFile:
    """印刷ファイル: opens a PDF; close it, or use it in a ``with`` statement.

    Raises ``InvalidValueError`` (``scan_unreadable``) for a file that is no PDF.
    """

    path: Path
    page_count: int = field(init=False)
    fonts: dict[str, PrintedFont] = field(init=False)

    def __post_init__(self) -> None:
        """Open the file and read the fonts that the first page may use."""
        try:
            self._pdf = pikepdf.open(self.path)
            self.page_count = len(self._pdf.pages)
            self._first = self._entries(self._pdf.pages[0]) if self.page_count else b""
            self.fonts = self._fonts()
        except (pikepdf.PdfError, OSError) as error:
            raise InvalidValueError("scan_unreadable", file=self.path.name) from error
        self._seen: dict[bytes, list[Fault]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pdf.close()

    def pages(self) -> Iterator[PrintedPage]:
        """Every page in order."""
        for number, page in enumerate(self._pdf.pages, start=1):
            entries = self._entries(page)
            if entries not in self._seen:
                self._seen[entries] = self._page_faults(page, entries)
            faults = self._seen[entries]
            try:
                content = page.obj.Contents.read_bytes()
            except (pikepdf.PdfError, AttributeError, TypeError):
                content, faults = b"", [*faults, ("page_content", "", "stream")]
            yield PrintedPage(number, content, faults)

    @staticmethod
    def _entries(page: pikepdf.Page) -> bytes:
        """The page dictionary as text, without what is every page's own."""
        return _OWN_OF_PAGE.sub(b"", page.obj.unparse(resolved=True))

    def _page_faults(self, page: pikepdf.Page, entries: bytes) -> list[Fault]:
        """Size, rotation, annotations or resources other than those of a printed page."""
        faults = []
        box = tuple(float(value) for value in page.mediabox)
        for name, found in (("MediaBox", box), ("CropBox", tuple(map(float, page.cropbox)))):
            if any(abs(a - b) > _POINTS_OFF for a, b in zip(found, A4_PT, strict=True)):
                faults.append(("page_box", f"{name} {_numbers(found)}", _numbers(A4_PT)))
        surplus = sorted({str(key) for key in page.obj} - _PAGE_KEYS)
        faults += [("page_entry", f"{key} {page.obj[key]}"[:_SHOWN_MAX], "") for key in surplus]
        if not faults and entries != self._first:
            faults.append(("page_entry", "/Resources", "as on page 1"))
        return faults

    def _fonts(self) -> dict[str, PrintedFont]:
        """The fonts by the name that the pages use for them."""
        if not self.page_count:
            return {}
        resources: Any = self._pdf.pages[0].obj.get("/Resources", {})
        return {
            str(name): _font(font, _PRIVATE + number * _PRIVATE_EACH)
            for number, (name, font) in enumerate(resources.get("/Font", {}).items())
        }


def _numbers(values: tuple[float, ...]) -> str:
    """Numbers as a person reads them."""
    return " ".join(f"{value:g}" for value in values)


def _font(font: Any, private: int) -> PrintedFont:
    """Read one font; whatever it lacks is a fault, and its texts then read as unknown.

    Glyphs of several characters get stand-ins from the code point ``private`` on.
    """
    name = str(font.get("/BaseFont", ""))
    descendants = font.get("/DescendantFonts", [])
    inner = descendants[0] if len(descendants) else pikepdf.Dictionary()
    descriptor = inner.get("/FontDescriptor", pikepdf.Dictionary())
    program = descriptor.get("/FontFile2", descriptor.get("/FontFile3"))
    faults = [
        ("font", f"{name} {what}", expected)
        for what, expected, well in (
            ("/Encoding", "/Identity-H", str(font.get("/Encoding")) == "/Identity-H"),
            ("/CIDToGIDMap", "/Identity", inner.get("/CIDToGIDMap", "/Identity") == "/Identity"),
            ("/FontFile", "embedded", program is not None),
            ("/BaseFont", "subset", _SUBSET.fullmatch(name) is not None),
            ("/ToUnicode", "present", "/ToUnicode" in font),
        )
        if not well
    ]
    table = font.ToUnicode.read_bytes() if "/ToUnicode" in font else b""
    characters, several = _characters(table, private)
    return PrintedFont(
        name=name,
        program=b"" if program is None else program.read_bytes(),
        characters=characters,
        several=several,
        widths=_widths(inner),
        faults=faults,
    )


def _characters(table: bytes, private: int) -> tuple[NDArray[np.uint32], dict[int, str]]:
    """A ToUnicode map → code point by glyph (ISO 32000-1, 9.10.3)."""
    texts: dict[int, str] = {}
    for kind, block in _MAP_BLOCK.findall(table):
        if kind == b"bfchar":
            for glyph, code in _BFCHAR.findall(block):
                texts[int(glyph, 16)] = bytes.fromhex(code.decode()).decode("utf-16-be", "replace")
            continue
        for first, last, code in _BFRANGE.findall(block):
            start = bytes.fromhex(code.decode()).decode("utf-16-be", "replace")
            for step, glyph in enumerate(range(int(first, 16), int(last, 16) + 1)):
                texts[glyph] = start[:-1] + chr(ord(start[-1]) + step)
    characters = np.full(_GLYPHS, UNKNOWN, np.uint32)
    several: dict[int, str] = {}
    for glyph, text in texts.items():
        if len(text) == 1:
            characters[glyph] = ord(text)
        elif text:
            characters[glyph] = private + len(several)
            several[private + len(several)] = text
    return characters, several


def _widths(inner: Any) -> NDArray[np.float64]:
    """The /W array (ISO 32000-1, 9.7.4.3) → advance by glyph."""
    widths = np.full(_GLYPHS, float(inner.get("/DW", 1000)))
    entries = list(inner.get("/W", []))
    while entries:
        first, second = int(entries[0]), entries[1]
        if isinstance(second, pikepdf.Array):
            widths[first : first + len(second)] = [float(value) for value in second]
            entries = entries[2:]
        else:
            widths[first : int(second) + 1] = float(entries[2])
            entries = entries[3:]
    return widths

"""印字用フォント: faces found on the machine, the characters they can print, and their subsets.

Text is set in BIZ UDGothic; a character that it lacks is taken from IPAmj Mincho, the face of the
resident register, one character at a time. Ideographic variation sequences (IVS) are looked up as
such in both. What neither has would print as a blank box; the slip is refused before that happens.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uharfbuzz as hb

from payments.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

FONT_FOLDERS = (
    Path("/usr/share/fonts/truetype/bizud-gothic"),
    Path("/usr/share/fonts/truetype/ipamj"),
    Path("/usr/share/fonts/opentype/ocr-b"),
    Path("/usr/share/fonts/morisawa-bizud-gothic-fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.local/share/fonts").expanduser(),
    Path("~/.fonts").expanduser(),
)
REGULAR = "BIZUDGothic-Regular.ttf"
BOLD = "BIZUDGothic-Bold.ttf"
OCR = "OCRB.otf"
FALLBACK = "ipamjm.ttf"
_PACKAGES = {OCR: "fonts-ocr-b", FALLBACK: "fonts-ipamj-mincho"}
_NAME_MAX = 255  # bytes; no file system has longer names
_DEFAULT_PACKAGE = "fonts-morisawa-bizud-gothic"

_DROPPED_TABLES = ("GSUB", "GPOS", "GDEF", "vhea", "vmtx", "VORG", "BASE")
_FIRST_PRINTABLE = 0x20
_SELECTORS = range(0xE0100, 0xE01F0)  # variation selectors of the ideographic database


class Unusual(Exception):  # noqa: N818 - no error: the text goes the careful way
    """例外文字: a text has a character that the simple way of setting does not know."""


class _Known(dict[int, Any]):
    """A table by code point that refuses what it does not have."""

    def __missing__(self, code: int) -> Any:
        raise Unusual


class Face:
    """書体: one font file; everything about it is read when it is first asked for."""

    def __init__(self, path: Path) -> None:
        """Open the file; nothing but its index is read."""
        self.path = path
        self.face = hb.Face(hb.Blob.from_file_path(str(path)))
        self.font = hb.Font(self.face)
        self.outlines = "FontFile3" if "CFF " in self.face.table_tags else "FontFile2"
        self.glyphs: dict[int, int] = _Known()  # code point → glyph; the first of a shared glyph
        self.hex: dict[int, str] = _Known()  # code point → glyph as four hexadecimal digits
        self.advances: dict[int, float] = _Known()  # code point → advance in 1/1000 of the size

    def load(self) -> Face:
        """Read the whole character table, for a face that sets nearly every text."""
        taken: set[int] = set()
        for code in sorted(self.face.unicodes):
            glyph = self.font.get_nominal_glyph(code)
            if code < _FIRST_PRINTABLE or glyph is None or glyph in taken:
                continue
            taken.add(glyph)
            self.glyphs[code] = glyph
            self.hex[code] = f"{glyph:04X}"
            self.advances[code] = self.advance(glyph)
        return self

    def glyph(self, cluster: str) -> int | None:
        """The glyph of a character or of a variation sequence; None when there is none."""
        if len(cluster) == 2:
            found: int | None = self.font.get_variation_glyph(ord(cluster[0]), ord(cluster[1]))
            return found
        code = ord(cluster)
        return self.font.get_nominal_glyph(code) if code >= _FIRST_PRINTABLE else None

    def advance(self, glyph: int) -> float:
        """Advance in 1/1000 of the size."""
        return float(self.font.get_glyph_h_advance(glyph)) * 1000 / float(self.face.upem)

    def width(self, text: str, size: float) -> float:
        """Advance of a text in points; :class:`Unusual` when a character is not its own."""
        return sum(map(self.advances.__getitem__, map(ord, text))) * size / 1000

    def subset(self, glyphs: Collection[int]) -> bytes:
        """The font program with these glyphs alone, glyph numbers kept."""
        wanted = hb.SubsetInput()
        wanted.glyph_set.update(glyphs)
        wanted.flags = (
            hb.SubsetFlags.RETAIN_GIDS | hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.NOTDEF_OUTLINE
        )
        wanted.layout_feature_tag_set.clear()
        dropped = wanted.sets(hb.SubsetInputSets.DROP_TABLE_TAG)
        dropped.update({int.from_bytes(tag.encode("ascii"), "big") for tag in _DROPPED_TABLES})
        return bytes(hb.subset(self.face, wanted).blob.data)


def clusters(text: str) -> Iterator[str]:
    """Characters, each with the variation selector that follows it."""
    held = ""
    for character in text:
        if held and ord(character) in _SELECTORS:
            yield held + character
            held = ""
        else:
            if held:
                yield held
            held = character
    if held:
        yield held


def find_font(file: str, folders: tuple[Path, ...] = FONT_FOLDERS) -> Path:
    """The font file of this name; says which Debian package brings it when it is missing."""
    # A layout names a file, never a way out of these folders; no file has a longer name.
    known = (
        folders
        if Path(file).name == file and len(file.encode("utf-8", "replace")) <= _NAME_MAX
        else ()
    )
    for folder in known:
        path = folder / file
        if path.is_file():
            return path
    raise ConfigurationError(
        "font_missing",
        font=file,
        debian_package=_PACKAGES.get(file, _DEFAULT_PACKAGE),
        searched=[str(folder) for folder in folders],
    )


@lru_cache(maxsize=16)
def load_face(file: str, folders: tuple[Path, ...] = FONT_FOLDERS) -> Face:
    """A face, opened once per process."""
    return Face(find_font(file, folders))


@lru_cache(maxsize=16)
def load_text_face(file: str, folders: tuple[Path, ...] = FONT_FOLDERS) -> Face:
    """A face with its whole character table, read once per process."""
    return load_face(file, folders).load()


def load_fonts(folders: tuple[Path, ...] = FONT_FOLDERS) -> tuple[Face, ...]:
    """Every face that the shipped layouts name; ``font_missing`` for the first that lacks."""
    return tuple(load_face(file, folders) for file in (REGULAR, BOLD, OCR, FALLBACK))

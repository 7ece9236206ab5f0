"""PDFの書体: faces embedded as subsets, each glyph with the text that it stands for."""

from __future__ import annotations

import zlib
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pikepdf import Array, Dictionary, Name, String

if TYPE_CHECKING:
    from pikepdf import Object, Pdf

    from qr.layout.fonts import Face

_BLOCK = 100  # entries of one bfchar block (ISO 32000-1, 9.10.3)
_LEVEL = 6


class EmbeddedFace:
    """埋込書体: one face of a file; its program is shared by all resources that use it."""

    def __init__(self, pdf: Pdf, face: Face, glyphs: set[int]) -> None:
        """Embed the subset with these glyphs."""
        self._pdf, self._face = pdf, face
        program = face.subset(glyphs)
        # Six letters that tell subsets apart, the same for the same subset.
        tag = "".join(chr(ord("A") + byte % 26) for byte in sha256(program).digest()[:6])
        self._name = Name(f"/{tag}+{face.path.stem}")
        self._descriptor = self._describe(program)

    def resource(self, texts: dict[int, str]) -> Object:
        """A font dictionary in which each of these glyphs reads as its text."""
        opentype = self._face.outlines == "FontFile3"
        inner = Dictionary(
            Type=Name.Font,
            Subtype=Name.CIDFontType0 if opentype else Name.CIDFontType2,
            BaseFont=self._name,
            CIDSystemInfo=Dictionary(
                Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0
            ),
            FontDescriptor=self._descriptor,
            DW=1000,
            W=self._widths(sorted(texts)),
        )
        if not opentype:
            inner.CIDToGIDMap = Name.Identity
        return self._pdf.make_indirect(
            Dictionary(
                Type=Name.Font,
                Subtype=Name.Type0,
                BaseFont=self._name,
                Encoding=Name("/Identity-H"),
                DescendantFonts=Array([self._pdf.make_indirect(inner)]),
                ToUnicode=compressed(self._pdf, _to_unicode(texts)),
            )
        )

    def _describe(self, program: bytes) -> Object:
        """The font descriptor with the program."""
        face, font = self._face.face, self._face.font
        scale = 1000 / face.upem
        extents = font.get_font_extents("ltr")
        stream = compressed(self._pdf, program)
        if self._face.outlines == "FontFile3":
            stream.Subtype = Name.OpenType
        else:
            stream.Length1 = len(program)
        descriptor = Dictionary(
            Type=Name.FontDescriptor,
            FontName=self._name,
            Flags=4,  # symbolic: the encoding is the font's own
            FontBBox=Array(
                [0, int(extents.descender * scale), 1000, int(extents.ascender * scale)]
            ),
            ItalicAngle=0,
            Ascent=int(extents.ascender * scale),
            Descent=int(extents.descender * scale),
            CapHeight=int(extents.ascender * scale),
            StemV=80,
        )
        descriptor[f"/{self._face.outlines}"] = stream
        return self._pdf.make_indirect(descriptor)

    def _widths(self, glyphs: list[int]) -> Array:
        """The /W array: advances of glyphs, those that follow each other in one list."""
        found: list[Any] = []
        run: list[Any] = []
        first = 0
        for glyph in glyphs:
            advance = round(self._face.advance(glyph), 3)
            if run and glyph != first + len(run):
                found += [first, Array(run)]
                run = []
            if not run:
                first = glyph
            run.append(int(advance) if advance == int(advance) else advance)
        if run:
            found += [first, Array(run)]
        return Array(found)


def compressed(pdf: Pdf, data: bytes, level: int = _LEVEL) -> Object:
    """A compressed stream."""
    stream = pdf.make_stream(zlib.compress(data, level))
    stream.Filter = Name.FlateDecode
    return stream


def _to_unicode(texts: dict[int, str]) -> bytes:
    """The table from glyphs to texts (ISO 32000-1, 9.10.3)."""
    entries = [
        f"<{glyph:04X}> <{text.encode('utf-16-be').hex().upper()}>"
        for glyph, text in sorted(texts.items())
    ]
    blocks = [entries[start : start + _BLOCK] for start in range(0, len(entries), _BLOCK)]
    return "\n".join(
        [
            "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap",
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
            "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def",
            "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange",
            *(f"{len(b)} beginbfchar\n" + "\n".join(b) + "\nendbfchar" for b in blocks),
            "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend",
        ]
    ).encode("ascii")

"""印字文字の復元: glyph numbers on printed pages → characters and the place they take up.

The characters come from the file's own table, the widths from its own fonts: what is compared with
the books is what a reader of the file gets, not what the drawing side meant.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from qr.proof.page_content import PageContent
    from qr.proof.printed_file import PrintedFont

_NUMBER = rb"(-?\d*\.?\d+)"
_STYLE = re.compile(rb"%b %b Tm %b Tc (/\w+) %b Tf " % (_NUMBER, _NUMBER, _NUMBER, _NUMBER))
_HEXADECIMAL = re.compile(rb"(?:[0-9A-Fa-f]{4})*")
_ASCENT, _DESCENT = 0.88, 0.12  # of the size: the body of a Japanese face


@dataclass(frozen=True, slots=True)
class Style:
    """体裁: where a text begins on the page (points from the bottom left) and how it is set."""

    x: float
    y: float
    spacing: float
    font: int  # index into the fonts; -1 for a font that the file does not have
    size: float


@dataclass(frozen=True, slots=True)
class PageTexts:
    """文字の一括: the shown texts of a batch of pages, in order."""

    texts: list[str]  # without their spaces
    styles: NDArray[np.intp]  # index into the styles met so far
    page_ends: list[int]  # where the texts of each page end
    frames: NDArray[np.float64]  # (texts, 4): left, bottom, right, top in points

    def page_of(self, index: int) -> int:
        """The page of the batch, from 0, on which this text stands."""
        return bisect_right(self.page_ends, index)


class TextReader:
    """文字の読取: remembers every style once met, because the same come again on every page."""

    def __init__(self, fonts: dict[str, PrintedFont]) -> None:
        """Take the fonts of the file."""
        self.styles: list[Style] = []
        self._known = _Styles(self.styles, list(fonts))
        # The last row stands for a font that is not there: nothing it shows can be read.
        unknown = np.full((1, 1 << 16), 0xFFFD, np.uint32)
        self._characters = np.concatenate([*(f.characters[None] for f in fonts.values()), unknown])
        nowhere = np.full((1, 1 << 16), 1000.0)
        self._widths = np.concatenate([*(f.widths[None] for f in fonts.values()), nowhere])
        self._several = {code: text for f in fonts.values() for code, text in f.several.items()}

    def read(self, pages: Sequence[PageContent]) -> PageTexts:
        """The texts of these pages; glyphs that are no whole numbers of two bytes read as none."""
        shown = [*chain.from_iterable(page.glyphs for page in pages)]
        counts, glyphs = _glyphs(shown)
        ends = np.cumsum(counts)
        indices = np.fromiter(
            map(self._known.__getitem__, chain.from_iterable(page.styles for page in pages)),
            np.intp,
            len(shown),
        )
        table = np.array(
            [(s.x, s.y, s.spacing, s.font, s.size) for s in self.styles] or np.empty((0, 5))
        )
        styles = table[indices]
        fonts = np.repeat(styles[:, 3].astype(np.intp), counts)
        codes = self._characters[fonts, glyphs]
        advance = np.concatenate([[0.0], np.cumsum(self._widths[fonts, glyphs])])
        widths = advance[ends] - advance[ends - counts]
        x, y, spacing, _, size = styles.T
        right = x + widths * size / 1000 + spacing * np.maximum(counts - 1, 0)
        frames = np.stack([x, y - _DESCENT * size, right, y + _ASCENT * size], axis=1)
        # How a text was spaced or broken into lines says nothing: spaces go before it is read.
        said = (codes != ord(" ")) & (codes != ord("\N{IDEOGRAPHIC SPACE}"))
        text = codes[said].astype("<u4").tobytes().decode("utf-32-le", "replace")
        said_ends = np.concatenate([[0], np.cumsum(said)])[np.concatenate([[0], ends])]
        texts = [text[start:end] for start, end in pairwise(said_ends.tolist())]
        if self._several and (codes >= min(self._several)).any():
            texts = [text.translate(self._several) for text in texts]
        page_ends = np.cumsum([len(page.styles) for page in pages]).tolist()
        return PageTexts(texts, indices, page_ends, frames)


def _glyphs(shown: list[bytes]) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
    """Numbers of glyphs and the glyphs of all texts; one not written as it must be has none."""
    lengths = np.fromiter(map(len, shown), np.int64, len(shown))
    try:
        glyphs = bytes.fromhex(b"".join(shown).decode("ascii"))
    except ValueError:
        glyphs = b""
    if (lengths % 4).any() or 2 * len(glyphs) != lengths.sum():
        return _glyphs([text if _HEXADECIMAL.fullmatch(text) else b"" for text in shown])
    return lengths // 4, np.frombuffer(glyphs, ">u2")


class _Styles(dict[bytes, int]):
    """Index of a style by its operators."""

    def __init__(self, styles: list[Style], fonts: list[str]) -> None:
        super().__init__()
        self._styles, self._fonts = styles, fonts

    def __missing__(self, operators: bytes) -> int:
        """Read a style not met before; one not written as it must be stands off the page."""
        match = _STYLE.fullmatch(operators)
        if match is None:
            style = Style(-1e6, -1e6, 0, -1, 1)
        else:
            name = match[4].decode()
            font = self._fonts.index(name) if name in self._fonts else -1
            style = Style(float(match[1]), float(match[2]), float(match[3]), font, float(match[5]))
        self[operators] = len(self._styles)
        self._styles.append(style)
        return self[operators]

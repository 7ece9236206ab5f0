"""印刷前の全ページ検査: every page of a finished file compared with the books, without rendering.

The file is read back from the disk: texts through its own character tables, symbols module by
module through decoders that share nothing with the side that drew them, sizes and places from the
operators. Nothing but what is meant may stand on a page (law.md B-01, B-02; incidents I1, I12).
Pages are taken in batches, so that memory does not grow with the file.
"""

from __future__ import annotations

import re
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING

import numpy as np

from qr.digits.difference import Difference, symbol_faults
from qr.layout.slip_page import PrintProfile
from qr.layout.symbol_places import symbol_places
from qr.proof.drawn_symbols import SymbolReader
from qr.proof.font_check import font_faults, originals
from qr.proof.page_content import split_content
from qr.proof.page_texts import TextReader
from qr.proof.printed_file import PrintedFile
from qr.proof.slip_boxes import field_boxes
from qr.proof.slip_expected import booked_parts, expected_values
from qr.proof.symbol_sums import LENGTH, wrong_sums

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from qr.digits.difference import Fault
    from qr.layout.slip_page import SlipPage
    from qr.proof.drawn_symbols import PageSymbols
    from qr.proof.page_content import PageContent
    from qr.proof.page_texts import PageTexts
    from qr.proof.printed_file import PrintedPage

    _Pair = tuple[PrintedPage | None, SlipPage | None]

DIFFERENCES_MAX = 200
"""After so many a file is known to be wrong, and the check ends."""

_BATCH = 128
"""Pages looked at together: enough for the arrays to pay, few enough to stay small."""

_POINTS_OFF = 0.5  # by which a text may overstep its box
_SHOWN_MAX = 60  # characters of unexpected content that a difference quotes
_FORM = re.compile(rb"/(\w+) Do")
# What never changes on slips with an eL-QR, and on those without: no label of an eL番号 there.
_FORMS = {True: b"Fm", False: b"Fn"}
_FURNITURE = re.compile(rb"(?:/Artifact BMC|EMC|BT|ET|/\w+ <</MCID \d+>> BDC|/\w+ Do|\s)*")


def check_file(
    path: Path, pages: Iterable[SlipPage], profile: PrintProfile | None = None
) -> list[Difference]:
    """Compare every page of a finished PDF with its slip; an empty list means all is well.

    A missing or surplus page is the difference ``page`` and ends the comparison. Raises
    ``InvalidValueError`` (``scan_unreadable``) for a file that is no PDF.
    """
    slips = iter(pages)
    first = next(slips, None)
    with PrintedFile(path) as file:
        if first is None:
            return [Difference(path.name, 1, "", "page", "page", "")] if file.page_count else []
        checker = _Checker(file, profile or PrintProfile(), first.layout)
        return [*islice(checker.differences(chain([first], slips)), DIFFERENCES_MAX)]


class _Checker:
    """One file being checked; what comes again on every page is judged once and remembered."""

    def __init__(self, file: PrintedFile, profile: PrintProfile, form: str) -> None:
        """Take the file and the form that all its pages have."""
        layout = profile.slip_layout(form)
        self._file, self._form = file, form
        faces = (*layout.faces.values(), layout.fallback)
        self._originals = originals(faces, profile.font_folders)
        self._places = symbol_places(layout, profile.layout)
        self._symbols = SymbolReader(self._places)
        self._texts = TextReader(file.fonts)
        self._boxes = field_boxes(layout)
        self._reads = [(box.field, box.simplest) for box in self._boxes]
        self._edges = np.array([(box.left, box.right) for box in self._boxes] + [(-1e9, 1e9)])
        self._box_of_style: list[int] = []
        self._furniture: dict[bytes, bytes] = {}

    def differences(self, pages: Iterable[SlipPage]) -> Iterator[Difference]:
        """Every difference: of the file itself, then in the order of the pages."""
        name = self._file.path.name
        for font in self._file.fonts.values():
            for fault in (*font.faults, *font_faults(font, self._originals)):
                yield Difference(name, 0, "", *fault)
        pairs = zip_longest(self._file.pages(), pages)
        while batch := [*islice(pairs, _BATCH)]:
            yield from self._batch([(there, meant) for there, meant in batch if there and meant])
            there, meant = batch[-1]
            if there is None or meant is None:
                yield self._missing(batch)
                return

    def _missing(self, batch: Sequence[_Pair]) -> Difference:
        """The first page of a batch that the file or the books do not have."""
        name = self._file.path.name
        there, meant = next(pair for pair in batch if None in pair)
        if meant is not None:
            return Difference(name, self._file.page_count + 1, meant.slip_no, "page", "", "page")
        return Difference(name, there.number if there else 0, "", "page", "page", "")

    def _batch(self, pairs: Sequence[tuple[PrintedPage, SlipPage]]) -> Iterator[Difference]:
        """Differences of some pages."""
        contents = [split_content(there.content) for there, _ in pairs]
        texts = self._texts.read(contents)
        boxes = self._boxes_of(texts)
        symbols = self._symbols.read(contents)
        slips = [meant for _, meant in pairs]
        faults: list[list[Fault]] = [[*there.faults] for there, _ in pairs]
        start = 0
        for row, (content, slip) in enumerate(zip(contents, slips, strict=True)):
            end = texts.page_ends[row]
            faults[row] += self._rest_faults(slip, content)
            faults[row] += self._text_faults(slip, texts.texts[start:end], boxes[start:end])
            faults[row] += _symbol_faults(slip, symbols[row])
            start = end
        for row, fault in (*self._place_faults(texts, boxes, symbols), *_sum_faults(slips)):
            faults[row].append(fault)
        for (there, slip), found in zip(pairs, faults, strict=True):
            for fault in found:
                yield Difference(self._file.path.name, there.number, slip.slip_no, *fault)

    def _boxes_of(self, texts: PageTexts) -> list[int]:
        """For every text the box in which it begins, -1 when it begins in none."""
        for style in self._texts.styles[len(self._box_of_style) :]:
            inside = [index for index, box in enumerate(self._boxes) if box.holds(style.x, style.y)]
            inside.sort(key=lambda index: self._boxes[index].top - style.y)
            self._box_of_style.append(inside[0] if inside else -1)
        return [self._box_of_style[style] for style in texts.styles.tolist()]

    def _text_faults(self, slip: SlipPage, texts: list[str], boxes: list[int]) -> list[Fault]:
        """Every box compared with the books; a text outside all boxes is said too much."""
        found = [""] * len(self._boxes)
        faults: list[Fault] = []
        for box, text in zip(boxes, texts, strict=True):
            if box < 0:
                faults.append(("unexpected_content", text, ""))
            else:
                found[box] += text
        expected = expected_values(slip)
        for (field, read), text in zip(self._reads, found, strict=True):
            value = expected[field]
            if (read(text) if read else text) != value:
                faults.append((field, text, "" if value is None else str(value)))
        if slip.layout != self._form:
            faults.append(("layout", self._form, slip.layout))
        return faults

    def _place_faults(
        self, texts: PageTexts, boxes: list[int], symbols: list[PageSymbols]
    ) -> Iterator[tuple[int, Fault]]:
        """Texts that leave their box or enter the quiet zone of a symbol, with their page."""
        left, bottom, right, top = texts.frames.T
        edges = self._edges[boxes]
        outside = (left < edges[:, 0] - _POINTS_OFF) | (right > edges[:, 1] + _POINTS_OFF)
        for index in np.flatnonzero(outside).tolist():
            field = self._boxes[boxes[index]].field
            where = f"{left[index]:.1f} - {right[index]:.1f} pt"
            allowed = " - ".join(f"{edge:.1f}" for edge in edges[index])
            yield texts.page_of(index), (f"{field}.position", where, f"{allowed} pt")
        for name, place in self._places.items():
            x0, y0, x1, y1 = place.quiet_zone
            within = (left < x1) & (right > x0) & (bottom < y1) & (top > y0)
            for index in np.flatnonzero(within).tolist():
                row = texts.page_of(index)
                if name in symbols[row].decoded:
                    yield row, (f"{name}.quiet_zone", texts.texts[index], "")

    def _rest_faults(self, slip: SlipPage, content: PageContent) -> list[Fault]:
        """Anything beside texts and symbols: its form once, before all else, and no more."""
        faults: list[Fault] = []
        for place, piece in enumerate(content.rest):
            forms = self._furniture.get(piece)
            if forms is None:
                known = _FURNITURE.fullmatch(piece)
                forms = b" ".join(_FORM.findall(piece)) if known else b"?"
                self._furniture[piece] = forms
            expected = b"" if place else _FORMS[slip.el_qr is not None]
            if forms != expected:
                shown = piece.decode("latin-1").strip()[:_SHOWN_MAX]
                faults.append(("unexpected_content", shown, expected.decode()))
        return faults


def _symbol_faults(slip: SlipPage, symbols: PageSymbols) -> list[Fault]:
    """Both symbols against the books, and the books against themselves (B-01)."""
    faults = [*symbols.faults, *booked_parts(slip)]
    for name, expected in (("el_qr", slip.el_qr), ("konbini", slip.konbini_barcode)):
        decoded = symbols.decoded.get(name)
        if decoded is None:
            if expected is not None:
                faults.append((name, "", expected))
        elif decoded.fault:
            faults.append((name, f"{decoded.fault} {decoded.place}".strip(), expected or ""))
        elif decoded.digits != expected:
            faults += symbol_faults(name, decoded.digits, expected or "")
    return faults


def _sum_faults(slips: Sequence[SlipPage]) -> Iterator[tuple[int, Fault]]:
    """CRC and check digits of the eL-QR and its OCR lines, calculated again."""
    rows = [row for row, slip in enumerate(slips) if len(slip.el_qr or "") == LENGTH]
    texts = [slips[row].el_qr or "" for row in rows]
    for row, text, wrong in zip(rows, texts, wrong_sums(texts), strict=True):
        if wrong:
            yield row, (f"el_qr.{wrong}", text, "check digits")

"""納付書PDF: draw slips, one A4 page each, into one reproducible, tagged PDF.

The content of the pages is written here, the file by pikepdf (docs/adr/0006): the unchanging form
is a Form XObject, a page holds its own texts and symbols only. What a page says is read aloud
field by field, label and value together. Equal pages give equal bytes.
"""

from __future__ import annotations

import zlib
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from payments.domain.errors import InvalidValueError
from qr.draw.pdf_document import FIGURE, SlipDocument, Spoken
from qr.draw.slip_form import form_operators
from qr.draw.slip_set import FontUse, plan_of
from qr.draw.slip_symbols import SymbolDrawing
from qr.layout.slip_page import PrintProfile, SlipFault, SlipFaultsError, SlipPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from qr.draw.slip_set import Composition, Plan

    Refuse = Callable[[list[SlipFault]], None]

_BATCH = 128
"""Slips encoded together: enough for the arrays to pay, few enough to stay in the cache."""

_FORMS = {True: "Fm", False: "Fn"}
"""Names of the unchanging form: of slips with an eL-QR, and of those without."""

# Level 6 makes pages a tenth smaller and takes twice as long.
_LEVEL = 4


def raise_faults(faults: list[SlipFault]) -> None:
    """印刷前検査: a slip that must not be printed stops the whole file."""
    raise SlipFaultsError(faults)


def draw_slips(
    pages: Iterable[SlipPage],
    out: Path | BinaryIO,
    profile: PrintProfile | None = None,
    refuse: Refuse = raise_faults,
) -> int:
    """納付書を印刷する: write all pages into one PDF and return how many were written.

    A page with a fault raises :class:`SlipFaultsError` and nothing is written at all, unless
    ``refuse`` takes every reason and does not raise: then it is left out and leaves no trace. A
    file appears under its name only when it is complete. All pages of a file have one layout.
    """
    profile = profile or PrintProfile()
    if not isinstance(out, Path):
        return _draw(pages, out, profile, refuse)
    unfinished = out.with_name(f"{out.name}.unfinished")
    try:
        with unfinished.open("w+b") as file:
            count = _draw(pages, file, profile, refuse)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def _draw(pages: Iterable[SlipPage], out: BinaryIO, profile: PrintProfile, refuse: Refuse) -> int:
    """Write all pages into the stream."""
    rest = iter(pages)
    first = next(rest, None)
    layout = profile.slip_layout("standard" if first is None else first.layout)
    plan = plan_of(layout, profile.font_folders)
    use = FontUse()
    symbols = SymbolDrawing(layout, profile.layout, profile.mask)
    forms = {
        name: form_operators(plan, use, sample=profile.sample, el_qr=el_qr)
        for el_qr, name in _FORMS.items()
    }
    document = SlipDocument(layout, forms, profile.made_at)
    batch = [] if first is None else [first, *islice(rest, _BATCH - 1)]
    count = 0
    while batch:
        for page in batch:
            if page.layout != layout.name:
                raise InvalidValueError("slip_layouts", found=page.layout, expected=layout.name)
        composed, use = _composed(plan, batch, profile, use, refuse)
        for page, content, spoken in _contents(composed, symbols):
            document.add_page(zlib.compress(content.encode("ascii"), _LEVEL), page.slip_no, spoken)
        use.settle()
        count += len(composed)
        batch = [*islice(rest, _BATCH)]
    document.save(out, plan.faces, use)
    return count


def _composed(
    plan: Plan,
    pages: Sequence[SlipPage],
    profile: PrintProfile,
    before: FontUse,
    refuse: Refuse,
) -> tuple[list[tuple[SlipPage, Composition]], FontUse]:
    """The pages that may be printed, and which glyphs the file uses with them."""
    use = before.copy()
    found = [(page, plan.compose(page, profile, use)) for page in pages]
    sound = [page for page, composition in found if not composition.faults]
    if len(sound) == len(found):
        return found, use
    for _, composition in found:
        if composition.faults:
            refuse(composition.faults)
    # The fonts of the file hold no character of a refused page: a file that is drawn again, of
    # the others alone, has the same bytes.
    return _composed(plan, sound, profile, before, refuse)


def _contents(
    composed: Sequence[tuple[SlipPage, Composition]], symbols: SymbolDrawing
) -> Iterator[tuple[SlipPage, str, list[Spoken]]]:
    """Content stream and what is read aloud of each page."""
    codes = iter(symbols.qr([page.el_qr for page, _ in composed if page.el_qr is not None]))
    for page, composition in composed:
        drawn = [f"/Artifact BMC\n/{_FORMS[page.el_qr is not None]} Do\nEMC\nBT\n"]
        spoken: list[Spoken] = []
        for group, operators, words in composition.groups:
            if group.tag == "Artifact":
                drawn.append(f"/Artifact BMC\n{operators}EMC\n")
                continue
            drawn.append(f"/{group.tag} <</MCID {len(spoken)}>> BDC\n{operators}EMC\n")
            spoken.append((group.tag, words))
        drawn.append("ET\n")
        if page.el_qr is not None:
            drawn.append(f"/{FIGURE} <</MCID {len(spoken)}>> BDC\n{next(codes)}EMC\n")
            spoken.append((FIGURE, "eL-QR（二次元コード）"))
        if page.konbini_barcode is not None:
            bars = symbols.barcode(page.konbini_barcode)
            drawn.append(f"/{FIGURE} <</MCID {len(spoken)}>> BDC\n{bars}EMC\n")
            spoken.append((FIGURE, "コンビニエンスストア用バーコード"))
        yield page, "".join(drawn), spoken

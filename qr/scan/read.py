"""納付書の読取: slips in images, scans and PDFs, from the file to what each slip says.

The story in order: limits and pages (:mod:`qr.scan.files`), symbols in a picture
(:mod:`qr.scan.search`), slips and contradictions (:mod:`qr.scan.slip_reading`). What is found is
believed only after the strict codecs have checked it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qr.digits.symbol_reading import SymbolReading, interpret
from qr.scan import search
from qr.scan.apart import read_apart
from qr.scan.engines import by_zbar
from qr.scan.files import pictures
from qr.scan.images import Frame
from qr.scan.limits import STAFF_LIMITS, UPLOAD_LIMITS, Deadline, ScanLimits, Source
from qr.scan.pdf import DPI, Crop, render_pdf
from qr.scan.slip_reading import Placed, SlipReading, slips_of_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from PIL import Image

__all__ = [
    "DPI",
    "STAFF_LIMITS",
    "UPLOAD_LIMITS",
    "Crop",
    "ScanLimits",
    "SlipReading",
    "SymbolReading",
    "decode",
    "interpret",
    "read_file",
    "read_pages",
    "read_slips",
    "render_pdf",
]


def read_slips(
    data: bytes | Path, name: str, limits: ScanLimits = UPLOAD_LIMITS
) -> list[SlipReading]:
    """Every slip of a file from outside or of the bytes of one, read by a process of its own.

    An empty list means that nothing was found; errors as in :func:`qr.scan.apart.read_apart`.
    """
    return [slip for slips in read_apart(data, name, limits) for slip in slips]


def read_file(
    path: Path, limits: ScanLimits = STAFF_LIMITS, dpi: int = DPI
) -> Iterator[SymbolReading]:
    """Every symbol of an image or PDF file of our own; errors as in :func:`read_pages`."""
    for slips in read_pages(path, path.name, limits, dpi=dpi):
        for slip in slips:
            yield from slip.symbols


def read_pages(
    data: bytes | Path,
    name: str,
    limits: ScanLimits,
    clock: Callable[[], float] = time.monotonic,
    dpi: int = DPI,
) -> Iterator[list[SlipReading]]:
    """The slips of each page as soon as it has been read, here and now: for files of our own.

    ``name`` is what errors and results say. Raises :class:`InvalidValueError` (``scan_…``, see
    :func:`qr.scan.files.pictures`) and :class:`ConfigurationError` when zbar is missing.
    """
    source = Source(data, name, limits, Deadline(limits.seconds_max, clock))
    count = 0
    for picture in pictures(source, dpi):
        found = search.find(picture.image, source.deadline)
        if not found:
            source.check_time()
        placed = [
            Placed(
                f.symbol, f.text, Frame.of(f.corners).middle, max(Frame.of(f.corners).size), f.sure
            )
            for f in found
        ]
        placed += [Placed(d.kind, d.digits, d.middle, 0) for d in picture.digits]
        slips = slips_of_page(name, picture.page, placed, count + 1)
        count += len(slips)
        yield slips


def decode(image: Image.Image) -> list[tuple[str, str]]:
    """One pass of zbar over a picture: (symbol, text), each once."""
    return list(dict.fromkeys((seen.symbol, seen.text) for seen in by_zbar(image)))

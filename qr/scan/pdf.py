"""PDFの頁: pages of a PDF drawn in grey, and the digits of their text layer.

PDFium serves one thread at a time, so whoever draws holds the lock. Drawing stops when the time
is over, and pictures inside a page are held to the same limit of pixels as picture files.
"""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pypdfium2 as pdfium
from pypdfium2 import raw

from payments.domain.errors import InvalidValueError
from qr.scan.limits import Deadline, ScanLimits, Source
from qr.scan.text import PrintedDigits, digits_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from PIL import Image

DPI = 300
Crop = tuple[float, float, float, float]
"""Points cut off at the left, bottom, right and top of a page."""

_POINTS_PER_INCH = 72
_PAGE_PIXELS = 18_000_000  # A3; larger pages (posters, photographs at 72 dpi) are drawn smaller
_NESTING = 8  # of pictures within forms within forms
_PDFIUM = threading.RLock()


@contextmanager
def _opened(source: Source) -> Iterator[pdfium.PdfDocument]:
    """The document, while this thread alone uses the library."""
    if not _PDFIUM.acquire(timeout=min(source.deadline.seconds_left, threading.TIMEOUT_MAX)):
        raise source.refusal("scan_too_slow", max=f"{source.limits.seconds_max:g}")
    try:
        try:
            document = pdfium.PdfDocument(source.content)
            pages = len(document)
        except (pdfium.PdfiumError, OSError) as error:
            locked = getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD
            raise source.refusal("scan_password" if locked else "scan_unreadable") from error
        try:
            source.check_pages(pages)
            yield document
        finally:
            document.close()
    finally:
        _PDFIUM.release()


def render_pdf(
    path: Path, limits: ScanLimits, dpi: int = DPI
) -> Iterator[tuple[pdfium.PdfPage, Callable[..., Image.Image]]]:
    """Pages of a PDF, each with a function that renders it (or a crop of it) in grey."""
    source = Source(path, path.name, limits, Deadline(limits.seconds_max))
    scale = dpi / _POINTS_PER_INCH
    with _opened(source) as document:
        for page in document:
            width, height = page.get_size()
            source.check_pixels(round(width * scale) * round(height * scale))
            yield page, partial(_render, page, scale)
            page.close()


def _render(page: pdfium.PdfPage, scale: float, crop: Crop = (0, 0, 0, 0)) -> Image.Image:
    """A page in grey, less what is cropped."""
    image: Image.Image = page.render(scale=scale, grayscale=True, crop=crop).to_pil()
    return image


def pdf_pages(source: Source, dpi: int) -> Iterator[tuple[int, Image.Image, list[PrintedDigits]]]:
    """Number, picture and printed digits of every page."""
    with _opened(source) as document:
        for index in range(len(document)):
            source.check_time()
            try:
                page = document[index]
                _check_pictures(source, page)
                width, height = page.get_size()
                scale = min(dpi / _POINTS_PER_INCH, math.sqrt(_PAGE_PIXELS / (width * height)))
                digits = digits_of(page, scale)
                image = _drawn(source, page, scale)
                page.close()
            except InvalidValueError:
                raise
            except (pdfium.PdfiumError, ZeroDivisionError, ValueError) as error:
                raise source.refusal("scan_unreadable") from error
            yield index + 1, image, digits


def _check_pictures(source: Source, page: pdfium.PdfPage) -> None:
    """Refuse a page that holds a picture of too many pixels, before it is unpacked."""
    for picture in page.get_objects([raw.FPDF_PAGEOBJ_IMAGE], max_depth=_NESTING):
        width, height = picture.get_px_size()
        source.check_pixels(width * height)


def _drawn(source: Source, page: pdfium.PdfPage, scale: float) -> Image.Image:
    """The page in grey; drawing is given up when the time is over."""
    width, height = (max(1, math.ceil(length * scale)) for length in page.get_size())
    bitmap = pdfium.PdfBitmap.new_native(width, height, format=raw.FPDFBitmap_Gray)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
    pause = raw.IFSDK_PAUSE(version=1)
    # The library asks between objects; the function must live as long as the drawing.
    asked = type(pause.NeedToPauseNow)(lambda _: source.deadline.passed)
    pause.NeedToPauseNow = asked
    # Without FPDF_ANNOT: no slip is printed as an annotation, and what one holds goes unchecked.
    flags = raw.FPDF_GRAYSCALE
    state = raw.FPDF_RenderPageBitmap_Start(bitmap, page, 0, 0, width, height, 0, flags, pause)
    raw.FPDF_RenderPage_Close(page)
    if state != raw.FPDF_RENDER_DONE:
        source.check_time()
        raise source.refusal("scan_unreadable")
    image: Image.Image = bitmap.to_pil()
    return image

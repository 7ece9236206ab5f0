"""記号の読取: find eL-QR and konbini barcodes in images, scans and PDF pages.

The engine is zbar, restricted to QR and Code 128; what it finds is believed only after the strict
codecs have checked it. Sizes are limited before anything is decoded, because files come from
outside. PDFium is not thread-safe: read one file at a time per process.
"""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import pypdfium2 as pdfium
from PIL import Image, ImageFilter, ImageOps

from payments.domain.errors import ConfigurationError, InvalidValueError
from qr import el_qr, konbini_barcode
from qr.fields import SymbolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DPI = 300
Crop = tuple[float, float, float, float]
"""Points cut off at the left, bottom, right and top of a page."""

_IMAGE_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")
_PDF_MAGIC = b"%PDF-"
_POINTS_PER_INCH = 72


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """読取の上限: what a file may be at most; the defaults suit a print run of our own."""

    bytes_max: int = 500_000_000
    pages_max: int = 20_000
    pixels_max: int = 60_000_000  # an A4 page at 600 dpi has 35 million


@dataclass(frozen=True, slots=True)
class SymbolReading:
    """読取結果: one symbol found, and whether it holds.

    ``fields`` are named as the columns of the registers and vectors, dates as ISO text;
    each finding has ``code`` and, where there is one, ``field``, ``position``, ``found`` and
    ``expected``.
    """

    file: str
    page: int  # 1-based
    symbol: str  # "el_qr" or "konbini"
    text: str
    valid: bool
    fields: dict[str, Any]
    findings: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """The reading as one JSON object."""
        return dataclasses.asdict(self)


def read_file(
    path: Path, limits: ScanLimits | None = None, dpi: int = DPI
) -> Iterator[SymbolReading]:
    """Every symbol of an image or PDF file, page by page.

    Raises ``InvalidValueError`` (``scan_…``) for a file that is too large or unreadable and
    ``ConfigurationError`` when the zbar library is missing.
    """
    limits = limits or ScanLimits()
    for page_no, image in _images(path, limits, dpi):
        for symbol, text in find_symbols(image):
            yield interpret(path.name, page_no, symbol, text)


def find_symbols(image: Image.Image) -> list[tuple[str, str]]:
    """Symbols of one image as (symbol, text), each once; harder means only when needed."""
    grey = image.convert("L")
    found: list[tuple[str, str]] = []
    for prepare in _PREPARATIONS:
        found = decode(prepare(grey)) or found
        if any(interpret("", 0, symbol, text).valid for symbol, text in found):
            break
    return found


def decode(image: Image.Image) -> list[tuple[str, str]]:
    """One pass of zbar over an image: (symbol, text), each once."""
    pyzbar = _pyzbar()
    kinds = {"QRCODE": "el_qr", "CODE128": "konbini"}
    wanted = [pyzbar.ZBarSymbol[kind] for kind in kinds]
    results = pyzbar.decode(image, symbols=wanted)
    pairs = [(kinds[result.type], result.data.decode("utf-8", "replace")) for result in results]
    return list(dict.fromkeys(pairs))


def interpret(file: str, page: int, symbol: str, text: str) -> SymbolReading:
    """Check a decoded text with the codec of its symbol."""
    read = _el_qr_fields if symbol == "el_qr" else _konbini_fields
    try:
        fields, findings = read(text)
    except SymbolError as error:
        finding = {
            "code": error.error_code,
            "field": error.field,
            "position": error.position,
            "found": error.found,
            "expected": error.expected,
        }
        return SymbolReading(file, page, symbol, text, valid=False, fields={}, findings=[finding])
    return SymbolReading(file, page, symbol, text, valid=True, fields=fields, findings=findings)


def render_pdf(
    path: Path, limits: ScanLimits, dpi: int = DPI
) -> Iterator[tuple[pdfium.PdfPage, Callable[..., Image.Image]]]:
    """Pages of a PDF, each with a function that renders it (or a crop of it) in grey."""
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        raise InvalidValueError("scan_unreadable", file=path.name) from error
    try:
        if len(document) > limits.pages_max:
            raise InvalidValueError(
                "scan_too_many_pages", file=path.name, found=len(document), max=limits.pages_max
            )
        scale = dpi / _POINTS_PER_INCH
        for page in document:
            width, height = page.get_size()
            _check_pixels(path, round(width * scale) * round(height * scale), limits)

            yield page, partial(_render, page, scale)
            page.close()
    finally:
        document.close()


def _render(page: pdfium.PdfPage, scale: float, crop: Crop = (0, 0, 0, 0)) -> Image.Image:
    """A page in grey, less what is cropped."""
    image: Image.Image = page.render(scale=scale, grayscale=True, crop=crop).to_pil()
    return image


def check_file(path: Path, limits: ScanLimits) -> bytes:
    """The first bytes of a file that is not too large to be looked at."""
    try:
        size = path.stat().st_size
        if size > limits.bytes_max:
            raise InvalidValueError(
                "scan_too_large", file=path.name, found=size, max=limits.bytes_max
            )
        with path.open("rb") as file:
            return file.read(1024)
    except OSError as error:
        raise InvalidValueError("scan_unreadable", file=path.name) from error


def _images(path: Path, limits: ScanLimits, dpi: int) -> Iterator[tuple[int, Image.Image]]:
    """Page number and picture of every page of the file."""
    if _PDF_MAGIC in check_file(path, limits):
        for page_no, (_, render) in enumerate(render_pdf(path, limits, dpi), start=1):
            yield page_no, render()
        return
    try:
        with warnings.catch_warnings():
            # Our own limit below is stricter than the library's warning.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path, formats=_IMAGE_FORMATS)
        with image:
            frames = getattr(image, "n_frames", 1)
            if frames > limits.pages_max:
                raise InvalidValueError(
                    "scan_too_many_pages", file=path.name, found=frames, max=limits.pages_max
                )
            for frame in range(frames):
                image.seek(frame)
                _check_pixels(path, image.width * image.height, limits)
                yield frame + 1, image
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidValueError("scan_unreadable", file=path.name) from error


def _check_pixels(path: Path, pixels: int, limits: ScanLimits) -> None:
    """Refuse a picture before its pixels are unpacked."""
    if pixels > limits.pixels_max:
        raise InvalidValueError(
            "scan_too_many_pixels", file=path.name, found=pixels, max=limits.pixels_max
        )


def _plain(image: Image.Image) -> Image.Image:
    """As it is."""
    return image


def _sharper(image: Image.Image) -> Image.Image:
    """Contrast stretched and edges sharpened, for dark or soft photographs."""
    stretched = ImageOps.autocontrast(image, cutoff=2)
    return stretched.filter(ImageFilter.UnsharpMask(radius=4, percent=250))


def _resized(image: Image.Image) -> Image.Image:
    """Large pictures halved, small ones doubled: zbar wants a few pixels per module."""
    if max(image.size) > 2600:
        return image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
    return image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC)


def _resized_and_sharper(image: Image.Image) -> Image.Image:
    """Both, for small photographs that are soft as well."""
    return _sharper(_resized(image))


_PREPARATIONS: tuple[Callable[[Image.Image], Image.Image], ...] = (
    _plain,
    _sharper,
    _resized,
    _resized_and_sharper,
)


def _pyzbar() -> Any:
    """The decoder; a missing system library is said with the name of its Debian package."""
    try:
        from pyzbar import pyzbar  # noqa: PLC0415 - loads the system library when imported
    except ImportError as error:
        raise ConfigurationError(
            "zbar_missing", library="zbar", debian_package="libzbar0"
        ) from error
    return pyzbar


def _el_qr_fields(text: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Fields of a valid eL-QR, with its lines, check value and eL番号."""
    payload = el_qr.parse(text)
    upper_line, lower_line = el_qr.mpn_lines(payload)
    fields = {
        **_plain_values(dataclasses.asdict(payload)),
        "upper_line": upper_line,
        "lower_line": lower_line,
        "crc": text[-5:],
        "el_number": payload.el_number,
    }
    return fields, []


def _konbini_fields(text: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Fields of a valid barcode, and a finding when a shop would refuse its amount."""
    barcode = konbini_barcode.parse(text)
    fields = {
        "konbini_barcode": text,
        **_plain_values(dataclasses.asdict(barcode)),
        "expires": barcode.expires,
        "check_digit": text[-1],
    }
    findings = []
    if barcode.over_limit:
        findings.append(
            {
                "code": "konbini_amount_limit",
                "field": "支払金額",
                "found": str(barcode.amount_yen),
                "expected": f"<= {konbini_barcode.AMOUNT_YEN_MAX}",
            }
        )
    return fields, findings


def _plain_values(values: dict[str, Any]) -> dict[str, Any]:
    """Dates as ISO text, everything else as it is."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
    }

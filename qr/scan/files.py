"""ファイルから画像へ: the pages of an image or PDF file as grey pictures, within limits.

What a file is, its first bytes say; its name decides nothing. JPEG is unpacked straight to grey,
and every picture is turned the way its camera was held (EXIF).
"""

from __future__ import annotations

import contextlib
import io
import re
import struct
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

from qr.scan.pdf import pdf_pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qr.scan.limits import Source
    from qr.scan.text import PrintedDigits

_PDF_MAGIC = b"%PDF-"
# The first bytes of what Pillow may try, so that none of its rarer readers ever sees a file.
_MAGIC: dict[str, tuple[bytes, ...]] = {
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "JPEG": (b"\xff\xd8\xff",),
    "TIFF": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    "BMP": (b"BM",),
    "GIF": (b"GIF87a", b"GIF89a"),
}
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
# Frames of a moving picture are no pages; only these kinds hold pages.
_PAGED = ("TIFF", "HEIF")
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    EOFError,
    KeyError,
    OverflowError,
    RuntimeError,
    struct.error,
)
"""What Pillow and its plugins raise on damaged files."""
_STRIP_ROWS = 256
_NUMBER = re.compile("[0-9]+")  # the pixels, first in the English of the library


@dataclass(frozen=True, slots=True)
class Picture:
    """一頁の画像: a page in grey, and the digits of its text layer when it is a PDF."""

    page: int  # 1-based
    image: Image.Image
    digits: list[PrintedDigits]


def pictures(source: Source, dpi: int) -> Iterator[Picture]:
    """Every page of the file, one at a time; PDF pages are drawn at ``dpi``.

    Raises :class:`InvalidValueError`: ``scan_missing``, ``scan_not_opened``, ``scan_empty``,
    ``scan_unknown_format``, ``scan_unreadable``, ``scan_password``, ``scan_heif_missing``,
    ``scan_too_large``, ``scan_too_many_pages``, ``scan_too_many_pixels``, ``scan_too_heavy`` or
    ``scan_too_slow``.
    """
    head = source.head()
    if _PDF_MAGIC in head:
        for page_no, image, digits in pdf_pages(source, dpi):
            yield Picture(page_no, image, digits)
        return
    kind = _kind(head)
    if kind is None:
        raise source.refusal("scan_unknown_format")
    if kind == "HEIF":
        _register_heif(source)
    for page_no, image in _frames(source, kind):
        yield Picture(page_no, image, [])


def _kind(head: bytes) -> str | None:
    """What the first bytes say."""
    for kind, beginnings in _MAGIC.items():
        if head.startswith(beginnings):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return "HEIF"
    return None


def _register_heif(source: Source) -> None:
    """Teach Pillow HEIC, the format of iPhones, once it is met."""
    try:
        from pi_heif import register_heif_opener  # noqa: PLC0415 - a library that may be missing
    except ImportError as error:
        raise source.refusal("scan_heif_missing") from error
    register_heif_opener(thumbnails=False)


def _frames(source: Source, kind: str) -> Iterator[tuple[int, Image.Image]]:
    """Page number and picture of every page of an image file."""
    content = source.content
    with _refusing(source), warnings.catch_warnings():
        # Our own limit below is stricter than the library's warning.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        file = io.BytesIO(content) if isinstance(content, bytes) else content
        image = Image.open(file, formats=[kind])
    with image:
        _check_frames(source, image)
        frame = 0
        while _seek(source, image, frame):
            source.check_time()
            yield frame + 1, _grey(source, image)
            frame += 1


@contextlib.contextmanager
def _refusing(source: Source) -> Iterator[None]:
    """What Pillow raises becomes why this file is not read."""
    try:
        yield
    except MemoryError as error:
        raise source.refusal("scan_too_heavy") from error
    except Image.DecompressionBombError as error:
        found = _NUMBER.search(str(error))
        raise source.refusal(
            "scan_too_many_pixels",
            found=found.group() if found else "",
            max=source.limits.pixels_max,
        ) from error
    except _DAMAGE as error:
        raise source.refusal("scan_unreadable") from error


def _check_frames(source: Source, image: Image.Image) -> None:
    """Refuse too many pages without counting them all: whether there is one more is enough."""
    if image.format in _PAGED and _seek(source, image, source.limits.pages_max):
        source.check_pages(source.limits.pages_max + 1)


def _seek(source: Source, image: Image.Image, frame: int) -> bool:
    """Whether there is such a page; when there is, the picture stands there."""
    if frame and image.format not in _PAGED:
        return False
    with _refusing(source):
        try:
            image.seek(frame)
        except EOFError:
            return False
    return True


def _grey(source: Source, image: Image.Image) -> Image.Image:
    """The page in grey, upright."""
    source.check_pixels(image.width * image.height)
    with _refusing(source):
        image.draft("L", image.size)
        ImageOps.exif_transpose(image, in_place=True)
        if image.has_transparency_data:
            return _on_paper(image)
        if image.mode.startswith("I;16"):
            return image.point(lambda value: value / 256).convert("L")
        return image.convert("L")


def _on_paper(image: Image.Image) -> Image.Image:
    """The page in grey where transparent is paper; strip by strip, as colours take much room."""
    grey = Image.new("L", image.size, 255)
    for top in range(0, image.height, _STRIP_ROWS):
        rows = (0, top, image.width, min(image.height, top + _STRIP_ROWS))
        ink = image.crop(rows).convert("RGBA")
        grey.paste(ink.convert("L"), (0, top), ink.getchannel("A"))
    return grey

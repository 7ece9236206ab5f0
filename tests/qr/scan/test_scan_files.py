"""Files to be read: every kind, every limit, every damage, each with its code."""

from __future__ import annotations

import dataclasses
import io
import itertools
import math
import struct
import sys
import time
import zlib
from typing import TYPE_CHECKING, Any

import pillow_heif
import pypdfium2 as pdfium
import pytest
from paper import sheet
from PIL import Image
from slips import slip_page

from payments.domain.errors import InvalidValueError
from qr.scan.files import pictures
from qr.scan.limits import Deadline, Source
from qr.scan.read import STAFF_LIMITS, UPLOAD_LIMITS, ScanLimits, SlipReading, read_pages
from web import messages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SLIP = slip_page(7)

# The limits of an upload, but of its time: other tests here have a clock of their own.
PATIENT = dataclasses.replace(UPLOAD_LIMITS, seconds_max=200)

# What Pillow says about damaged files on the way to refusing them.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


def read_slips(
    data: bytes | Path,
    name: str,
    limits: ScanLimits = PATIENT,
    clock: Callable[[], float] = time.monotonic,
) -> list[SlipReading]:
    """The slips of a file, read here and not apart: faster, and with a clock of ours."""
    return [slip for slips in read_pages(data, name, limits, clock) for slip in slips]


@pytest.fixture(scope="module")
def paper() -> Image.Image:
    return sheet((SLIP.el_qr, SLIP.konbini_barcode))


def as_file(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def texts(data: bytes, limits: ScanLimits = PATIENT) -> list[str]:
    return [s.text for slip in read_slips(data, "x", limits) for s in slip.symbols]


def refused(data: bytes | Path, limits: ScanLimits = PATIENT) -> str:
    """The code of the refusal; its sentence names the file."""
    with pytest.raises(InvalidValueError) as caught:
        read_slips(data, "写真.jpg", limits)
    sentence = messages.error(caught.value.error_code, caught.value.details)
    assert "写真.jpg" in sentence
    assert sentence != messages.UNKNOWN_ERROR
    return caught.value.error_code


def blank_pdf(pages: int, size: float = 200) -> bytes:
    document = pdfium.PdfDocument.new()
    for _ in range(pages):
        document.new_page(size, size)
    out = io.BytesIO()
    document.save(out)
    document.close()
    return out.getvalue()


def picture_pdf(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PDF", resolution=300)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_pictures_of_every_kind(paper: Image.Image, kind: str, mode: str) -> None:
    assert texts(as_file(paper.convert(mode), kind)) == [SLIP.el_qr, SLIP.konbini_barcode]


@pytest.mark.parametrize("mode", ["1", "P", "CMYK", "RGBA", "LA", "I;16"])
def test_pictures_of_every_depth(paper: Image.Image, mode: str) -> None:
    if mode == "I;16":
        image = paper.convert("I").point(lambda value: value * 256).convert("I;16")
    else:
        image = paper.convert(mode)
    assert texts(as_file(image, "TIFF")) == [SLIP.el_qr, SLIP.konbini_barcode]


def test_what_is_transparent_is_paper(paper: Image.Image) -> None:
    ink = Image.new("RGBA", paper.size, (0, 0, 0, 0))
    ink.putalpha(paper.point(lambda value: 255 - value))
    assert texts(as_file(ink, "PNG")) == [SLIP.el_qr, SLIP.konbini_barcode]


def heic(*images: Image.Image) -> bytes:
    file = pillow_heif.from_pillow(images[0].convert("RGB"))
    for image in images[1:]:
        file.add_from_pillow(image.convert("RGB"))
    out = io.BytesIO()
    file.save(out, quality=90)
    return out.getvalue()


def test_heic_as_an_iphone_writes_it(paper: Image.Image) -> None:
    assert texts(heic(paper)) == [SLIP.el_qr, SLIP.konbini_barcode]


def test_heic_without_its_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    assert refused(heic(Image.new("L", (64, 64)))) == "scan_heif_missing"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_way_the_camera_was_held(paper: Image.Image, orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = paper.transpose(undo[orientation]) if orientation > 1 else paper
    data = as_file(turned, "JPEG", quality=95, exif=exif)
    source = Source(data, "x", UPLOAD_LIMITS, Deadline(math.inf))
    (picture,) = pictures(source, 300)
    assert picture.image.size == paper.size
    assert texts(data) == [SLIP.el_qr, SLIP.konbini_barcode]


def test_the_pages_of_a_tiff_and_a_pdf() -> None:
    first, second = sheet((SLIP.el_qr, None)), sheet((slip_page(8).el_qr, None))
    for data in (
        as_file(first, "TIFF", save_all=True, append_images=[second]),
        as_file(first, "PDF", save_all=True, append_images=[second], resolution=300),
        heic(first, second),
    ):
        found = [(slip.number, slip.page, slip.symbols[0].text) for slip in read_slips(data, "x")]
        assert found == [(1, 1, SLIP.el_qr), (2, 2, slip_page(8).el_qr)]


def test_a_file_on_disk_and_its_bytes_read_alike(paper: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "misnamed.pdf"
    path.write_bytes(as_file(paper, "PNG"))
    assert read_slips(path, "x") == read_slips(path.read_bytes(), "x")


def test_a_large_sheet_of_a_pdf_is_drawn_smaller(paper: Image.Image) -> None:
    # A photograph put into a PDF at 30 dots to the inch: a page of more than a metre.
    data = as_file(paper.convert("RGB"), "PDF", resolution=30)
    assert texts(data)[0] == SLIP.el_qr


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "scan_empty"),
        (b"PK\x03\x04 a word processor file", "scan_unknown_format"),
        ("納付書".encode(), "scan_unknown_format"),
        (b"\x89PNG\r\n\x1a\n", "scan_unreadable"),
        (b"\xff\xd8\xff\xe0 not much of a photograph", "scan_unreadable"),
        (b"II*\x00\xff\xff\xff\x7f", "scan_unreadable"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "scan_unreadable"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "scan_unreadable"),
        (b"%PDF-1.7 cut off", "scan_unreadable"),
    ],
)
def test_what_is_no_picture(data: bytes, code: str) -> None:
    assert refused(data) == code


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
def test_a_picture_cut_off(paper: Image.Image, kind: str) -> None:
    options = {"compression": "tiff_lzw"} if kind == "TIFF" else {}
    data = as_file(paper.convert("RGB"), kind, **options)
    assert refused(data[: len(data) * 2 // 3]) == "scan_unreadable"


def test_a_missing_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "nothing.pdf") == "scan_missing"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path) == "scan_not_opened"


def test_a_pdf_with_a_password() -> None:
    # Encrypted with an unknown user password (standard security handler, revision 2).
    data = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
        b"3 0 obj<</Filter/Standard/V 1/R 2/P -4/O<" + b"00" * 32 + b">/U<" + b"11" * 32 + b">>>"
        b"endobj\ntrailer<</Root 1 0 R/Encrypt 3 0 R/ID[<00><00>]>>\n"
    )
    assert refused(data) == "scan_password"


# --- what must be refused before it is unpacked


def png_header(width: int, height: int) -> bytes:
    """A PNG of a hundred bytes that claims to be of this size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rows + chunk(b"IEND", b"")


def tiff_header(width: int, height: int, pages: int = 1) -> bytes:
    """A TIFF whose pages all claim this size and share a few bytes of pixels."""
    data = bytearray(b"II*\x00")
    for page in range(pages):
        start = 8 if page == 0 else len(data)
        if page == 0:
            data += struct.pack("<I", start)
        tags = (
            *((256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1)),
            *((273, 4, 8), (277, 3, 1), (278, 4, height), (279, 4, 16)),
        )
        data += struct.pack("<H", len(tags))
        for tag, kind, value in tags:
            data += struct.pack("<HHII", tag, kind, 1, value)
        following = len(data) + 4 if page < pages - 1 else 0
        data += struct.pack("<I", following)
    return bytes(data)


def bmp_header(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info


def heic_of_size(width: int, height: int) -> bytes:
    """A true HEIC whose header is altered to claim another size."""
    data = bytearray(heic(Image.new("L", (64, 64), 255)))
    place = data.index(b"ispe") + 8
    data[place : place + 8] = struct.pack(">II", width, height)
    return bytes(data)


@pytest.mark.parametrize(
    "bomb",
    [
        png_header(9_000, 9_000),
        png_header(60_000, 60_000),
        tiff_header(9_000, 9_000),
        tiff_header(60_000, 60_000),
        bmp_header(9_000, 9_000),
        bmp_header(30_000, 30_000),
        heic_of_size(9_000, 9_000),
    ],
    ids=["png", "huge png", "tiff", "huge tiff", "bmp", "huge bmp", "heic"],
)
def test_a_bomb_of_pixels_is_not_unpacked(bomb: bytes) -> None:
    assert len(bomb) < 2_000
    assert refused(bomb) == "scan_too_many_pixels"


def test_the_number_of_pixels_is_said_without_the_words_of_the_library() -> None:
    with pytest.raises(InvalidValueError) as caught:
        read_slips(png_header(60_000, 60_000), "写真.png")
    sentence = messages.error(caught.value.error_code, caught.value.details)
    assert sentence == "写真.png の画像が大きすぎます（3600000000画素、上限 52000000）。"


def test_a_bomb_inside_a_pdf_is_not_unpacked() -> None:
    small = picture_pdf(Image.new("L", (90, 90), 255))
    bomb = small.replace(b"/Width 90", b"/Width 9000000").replace(b"/Height 90", b"/Height 90000")
    assert bomb != small
    assert refused(bomb) == "scan_too_many_pixels"


@pytest.mark.parametrize(
    ("data", "limits"),
    [
        (blank_pdf(501), STAFF_LIMITS),
        (blank_pdf(6), UPLOAD_LIMITS),
        (tiff_header(16, 1, pages=501), STAFF_LIMITS),
        (tiff_header(16, 1, pages=6), UPLOAD_LIMITS),
    ],
    ids=["pdf", "uploaded pdf", "tiff", "uploaded tiff"],
)
def test_too_many_pages(data: bytes, limits: ScanLimits) -> None:
    assert refused(data, limits) == "scan_too_many_pages"


def test_just_enough_pages() -> None:
    assert read_slips(blank_pdf(5), "x") == []
    assert read_slips(tiff_header(16, 1, pages=5), "x") == []


def test_too_many_heic_pages() -> None:
    pages = [Image.new("L", (64, 64), 255)] * 3
    assert refused(heic(*pages), ScanLimits(pages_max=2)) == "scan_too_many_pages"


def test_too_many_bytes(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(UPLOAD_LIMITS.bytes_max + 1)  # a hole: no byte is written
    assert refused(path) == "scan_too_large"
    assert refused(b"%PDF-", ScanLimits(bytes_max=4)) == "scan_too_large"


def test_an_animation_is_one_picture(paper: Image.Image) -> None:
    data = as_file(paper, "GIF", save_all=True, append_images=[paper.point(lambda v: 255 - v)])
    assert [slip.page for slip in read_slips(data, "x")] == [1]


# --- time


def test_time_ends_between_pages() -> None:
    clock = itertools.count(0, 4).__next__
    with pytest.raises(InvalidValueError) as caught:
        read_slips(blank_pdf(5), "写真.jpg", UPLOAD_LIMITS, clock)
    assert caught.value.error_code == "scan_too_slow"
    assert "10 秒" in messages.error("scan_too_slow", caught.value.details)


def test_time_ends_while_a_page_is_drawn() -> None:
    """Drawing asks whether it should stop, and stops."""
    asked = itertools.count()
    data = picture_pdf(sheet((SLIP.el_qr, None)))

    def clock() -> float:
        return 0 if next(asked) < 4 else 100

    with pytest.raises(InvalidValueError, match="scan_too_slow"):
        read_slips(data, "x", UPLOAD_LIMITS, clock)


def test_what_was_found_in_time_is_kept() -> None:
    """The cheap steps find the eL-QR; only the dearer search for bars ends with the time."""
    paper = sheet((SLIP.el_qr, None))
    asked = itertools.count()

    def clock() -> float:
        return 0 if next(asked) < 2 else 100

    (slip,) = read_slips(as_file(paper, "PNG"), "x", UPLOAD_LIMITS, clock)
    assert [symbol.text for symbol in slip.symbols] == [SLIP.el_qr]

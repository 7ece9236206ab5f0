"""読取エンジン: zbar and ZXing-C++ under one roof, restricted to QR and Code 128.

Both give texts and places, nothing is believed here. zbar comes first everywhere; ZXing is a
second, independent reader that copes better with soft and coarse pictures and also tells where a
QR stands that it could not decode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import zxingcpp

from payments.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from PIL import Image

    from qr.scan.images import Corners

EL_QR, KONBINI = "el_qr", "konbini"
_ZBAR_KINDS = {"QRCODE": EL_QR, "CODE128": KONBINI}
_ZXING_KINDS = {
    zxingcpp.BarcodeFormat.QRCode: EL_QR,
    zxingcpp.BarcodeFormat.Code128: KONBINI,
}
_ZXING_BOTH = zxingcpp.BarcodeFormats(
    [zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code128]
)
_ZXING_BARS = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.Code128])


@dataclass(frozen=True, slots=True)
class Sighting:
    """見つけた記号: what one engine saw in one picture; ``rows`` pixel rows said the same."""

    symbol: str  # "el_qr" or "konbini"
    text: str
    corners: Corners
    rows: int = 1


def by_zbar(image: Image.Image) -> list[Sighting]:
    """One pass of zbar over a grey picture."""
    pyzbar = _pyzbar()
    wanted = [pyzbar.ZBarSymbol[kind] for kind in _ZBAR_KINDS]
    return [
        Sighting(
            _ZBAR_KINDS[found.type],
            found.data.decode("utf-8", "replace"),
            _zbar_corners(found),
            found.quality,
        )
        for found in pyzbar.decode(image, symbols=wanted)
    ]


def by_zxing(image: Image.Image) -> tuple[list[Sighting], list[Corners]]:
    """One pass of ZXing: what it read, and where a QR stands that it could not read."""
    read, unread = [], []
    for found in zxingcpp.read_barcodes(
        image,
        formats=_ZXING_BOTH,
        text_mode=zxingcpp.TextMode.Plain,
        try_invert=False,
        return_errors=True,
    ):
        kind = _ZXING_KINDS.get(found.format)
        if kind and found.valid:
            read.append(Sighting(kind, found.text, _zxing_corners(found)))
        elif kind == EL_QR:
            unread.append(_zxing_corners(found))
    return read, unread


def bars_by_zxing(image: Image.Image) -> list[Sighting]:
    """One pass of ZXing over upright bars."""
    return [
        Sighting(KONBINI, found.text, _zxing_corners(found))
        for found in zxingcpp.read_barcodes(
            image,
            formats=_ZXING_BARS,
            text_mode=zxingcpp.TextMode.Plain,
            try_invert=False,
            try_rotate=False,
            try_downscale=False,
        )
    ]


def _zbar_corners(found: Any) -> Corners:
    """Four corners: the outline of a QR, the box around everything else."""
    points = [(float(point.x), float(point.y)) for point in found.polygon]
    if found.type == "QRCODE" and len(points) == 4:
        return points[0], points[1], points[2], points[3]
    left, top, width, height = found.rect
    right, bottom = float(left + width), float(top + height)
    return (float(left), float(top)), (right, float(top)), (right, bottom), (float(left), bottom)


def _zxing_corners(found: Any) -> Corners:
    """Four corners, beginning at the upper left one of the symbol."""
    place = found.position
    corners = (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
    a, b, c, d = [(float(point.x), float(point.y)) for point in corners]
    return a, b, c, d


def _pyzbar() -> Any:
    """The decoder; a missing system library is said with the name of its Debian package."""
    try:
        from pyzbar import pyzbar  # noqa: PLC0415 - loads the system library when imported
    except ImportError as error:
        raise ConfigurationError(
            "zbar_missing", library="zbar", debian_package="libzbar0"
        ) from error
    return pyzbar

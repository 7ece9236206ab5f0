"""納付書の画像: one slip as it is printed, as a picture for a page.

It is drawn by the code that prints, and rendered by the code that reads slips back.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from qr.draw.slip_pdf import draw_slips
from qr.scan.limits import Deadline, ScanLimits, Source
from qr.scan.pdf import pdf_pages

if TYPE_CHECKING:
    from qr.layout.slip_page import PrintProfile, SlipPage

DPI = 110  # A4 fits a page of 1366 pixels, and its smallest print can be read


def slip_picture(page: SlipPage, profile: PrintProfile, dpi: int = DPI) -> bytes:
    """納付書の画像 as PNG, in grey.

    Raises :class:`SlipFaultsError` for a slip that must not be printed.
    """
    drawn = BytesIO()
    draw_slips([page], drawn, profile)
    limits = ScanLimits()
    source = Source(drawn.getvalue(), page.slip_no, limits, Deadline(limits.seconds_max))
    _number, picture, _digits = next(pdf_pages(source, dpi))
    out = BytesIO()
    # Looking for the smallest file costs nine times as much for three bytes in a hundred.
    picture.save(out, "PNG")
    return out.getvalue()

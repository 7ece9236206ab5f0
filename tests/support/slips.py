"""Invented slips for the tests of printing and reading."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING

import pypdfium2 as pdfium

from qr.digits import el_qr, konbini_barcode
from qr.draw.slip_pdf import draw_slips
from qr.layout.slip_page import PrintProfile, SlipPage

if TYPE_CHECKING:
    from PIL import Image

    from qr.layout.slip_page import SlipFault

DUE_ON = date(2026, 6, 1)
VALID_UNTIL = date(2026, 7, 1)


def slip_page(number: int = 1, amount_yen: int = 12_300) -> SlipPage:
    """A slip with both symbols (no barcode above the limit), all values invented."""
    qr = el_qr.ElQr(
        amount_yen=amount_yen,
        levy_year=2026,
        tax_year=2026,
        term="01",
        due_on=DUE_ON,
        valid_until=VALID_UNTIL,
        collecting_body_code="99999",
        case_key=f"{number:020d}",
        confirmation_no=f"{number * 7919 % 1_000_000:06d}",
        item_code="901",
    )
    barcode = None
    if amount_yen <= konbini_barcode.AMOUNT_YEN_MAX:
        barcode = konbini_barcode.build(
            konbini_barcode.KonbiniBarcode(
                company_code="912345",
                free_area=konbini_barcode.free_area("00001", f"{number:016d}"),
                amount_yen=amount_yen,
                valid_until=VALID_UNTIL,
            )
        )
    return SlipPage(
        slip_no=f"S2026-{number:07d}",
        notice_no=f"{number:010d}",
        item_name="市県民税（普通徴収）",
        levy_year=2026,
        term="01",
        amount_yen=amount_yen,
        due_on=DUE_ON,
        valid_until=VALID_UNTIL,
        obligor_name="税目 太郎",
        obligor_postal_code="1000001",
        obligor_address="未来市一丁目1番地1 みらいハイツ203号室",
        issuer="みほん市",
        contact="みほん市 会計課 電話 000-000-0000",
        el_qr=el_qr.build(qr),
        konbini_barcode=barcode,
    )


def check_page(page: SlipPage) -> list[SlipFault]:
    """Every reason why a page must not be printed, as drawing it says; empty when it may be."""
    found: list[SlipFault] = []
    draw_slips([page], BytesIO(), refuse=found.extend)
    return found


def slip_image(page: SlipPage, profile: PrintProfile, dpi: int) -> Image.Image:
    """One page as a picture."""
    file = BytesIO()
    draw_slips([page], file, profile)
    document = pdfium.PdfDocument(file.getvalue())
    try:
        picture: Image.Image = document[0].render(scale=dpi / 72).to_pil()
    finally:
        document.close()
    return picture

"""納付書一枚の内容: what one printed slip says, and the checks that must hold before printing.

Every machine-readable amount and date equals the printed one (law.md B-01), no slip exists for a
zero amount (B-03), and the barcode stops at 300,000 yen (symbols.md 3.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError
from qr.digits import el_qr, konbini_barcode
from qr.digits.el_qr import PUBLIC_LAYOUT, ElQr, ElQrLayout
from qr.digits.fields import SymbolError, is_digits
from qr.layout.fonts import FONT_FOLDERS
from qr.layout.shipped import SHIPPED, slip_layout

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    from qr.digits.konbini_barcode import KonbiniBarcode
    from qr.layout.shapes import SlipLayout


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipPage:
    """納付書一枚: the values of one slip as plain data, ready to be printed.

    ``el_qr`` (255 digits) and ``konbini_barcode`` (44 digits) are None where the item has none or
    the amount is above the limit; the page then says so in their place.
    """

    slip_no: str  # 納付書番号
    notice_no: str  # 通知書番号
    item_name: str  # 科目
    levy_year: int  # 賦課年度
    term: str  # 期別, 2 digits, 00 for the whole year
    amount_yen: int
    due_on: date  # 納期限
    valid_until: date  # 支払期限
    obligor_name: str
    obligor_postal_code: str  # 7 digits or empty
    obligor_address: str
    issuer: str  # 発行団体
    contact: str  # 問い合わせ先
    el_qr: str | None
    konbini_barcode: str | None
    layout: str = "standard"  # 様式
    # 全期 slip: the terms it covers; 期別 slip: ("00",) when the notice has a 全期 slip as well.
    alternatives: tuple[str, ...] = ()
    vehicle_no: str = ""  # 標識番号, for the tax certificate of a light vehicle
    certificate_until: date | None = None  # 証明書の有効期限, None where there is no certificate
    enquiry: str = ""  # 照会先: address and code by which its holder may ask about this slip
    arrears: bool = False  # 未納: something else is owed for this vehicle, so nothing is certified


@dataclass(frozen=True, slots=True)
class PrintProfile:
    """印刷設定: what holds for a whole print run. 見本 is printed unless it is switched off."""

    sample: bool = True
    layout: ElQrLayout = PUBLIC_LAYOUT
    mask: int | None = None  # None: chosen per symbol by the standard's rules
    font_folders: tuple[Path, ...] = FONT_FOLDERS
    slip_layouts: tuple[SlipLayout, ...] = ()  # the municipality's own; they come before ours
    made_at: datetime | None = None  # creation date of the file; without it the file has none

    def slip_layout(self, name: str) -> SlipLayout:
        """様式: the layout of this name; ``slip_layout_name`` when there is none."""
        for layout in self.slip_layouts:
            if layout.name == name:
                return layout
        if name not in SHIPPED:
            known = [*(layout.name for layout in self.slip_layouts), *SHIPPED]
            raise InvalidValueError("slip_layout_name", found=name, expected=" / ".join(known))
        return slip_layout(name)


@dataclass(frozen=True, slots=True)
class SlipFault:
    """印刷できない理由: one reason why a slip must not be printed."""

    slip_no: str
    field: str
    code: str
    found: str
    expected: str = ""


class SlipFaultsError(InvalidValueError):
    """納付書の内容の誤り: a slip that must not be printed; ``faults`` lists every reason."""

    code = "slip_faults"

    def __init__(self, faults: list[SlipFault]) -> None:
        """Keep the list."""
        super().__init__(slip_no=faults[0].slip_no, faults=faults)
        self.faults = faults


@dataclass(frozen=True, slots=True)
class SymbolContents:
    """記号の内容: the parsed symbols of a page and what is wrong with them."""

    el_qr: ElQr | None
    konbini: KonbiniBarcode | None
    faults: list[SlipFault]
    ocr_lines: tuple[str, str] = ("", "")


def read_symbols(page: SlipPage, layout: ElQrLayout = PUBLIC_LAYOUT) -> SymbolContents:
    """Parse the page's symbols and compare them with what the page prints."""
    faults: list[SlipFault] = []
    if page.amount_yen <= 0:
        faults.append(_fault(page, "amount_yen", "slip_amount_zero", page.amount_yen, "> 0"))
    if len(page.term) != 2 or not is_digits(page.term):
        faults.append(_fault(page, "term", "slip_term", page.term, "2 digits"))
    payload = None if page.el_qr is None else _el_qr(page, page.el_qr, layout, faults)
    return SymbolContents(
        payload,
        None if page.konbini_barcode is None else _konbini(page, page.konbini_barcode, faults),
        faults,
        ("", "") if payload is None else _ocr_lines(page.el_qr or "", layout),
    )


def _ocr_lines(digits: str, layout: ElQrLayout) -> tuple[str, str]:
    """The MPN part of the payload is the two OCR lines, digit by digit (symbols.md 1.2)."""
    upper, lower = (layout.payload.offset(name) for name in ("upper_line", "lower_line"))
    return (
        digits[upper : upper + layout.upper.length],
        digits[lower : lower + layout.lower.length],
    )


def _el_qr(page: SlipPage, digits: str, layout: ElQrLayout, faults: list[SlipFault]) -> ElQr | None:
    """The eL-QR of a page, every field that is also printed compared."""
    try:
        payload = el_qr.parse(digits, layout)
    except SymbolError as error:
        faults.append(_fault(page, "el_qr", error.error_code, error.found, error.expected))
        return None
    for name in ("amount_yen", "levy_year", "due_on", "valid_until"):
        found, printed = getattr(payload, name), getattr(page, name)
        if found != printed:
            faults.append(_fault(page, f"el_qr.{name}", "slip_symbol_differs", found, printed))
    return payload


def _konbini(page: SlipPage, digits: str, faults: list[SlipFault]) -> KonbiniBarcode | None:
    """The barcode of a page: its amount is the printed one and within the limit."""
    field = "konbini_barcode"
    try:
        barcode = konbini_barcode.parse(digits)
    except SymbolError as error:
        faults.append(_fault(page, field, error.error_code, error.found, error.expected))
        return None
    found = barcode.amount_yen
    if found != page.amount_yen:
        differs = _fault(page, f"{field}.amount_yen", "slip_symbol_differs", found, page.amount_yen)
        faults.append(differs)
    if barcode.over_limit:
        limit = f"<= {konbini_barcode.AMOUNT_YEN_MAX}"
        faults.append(_fault(page, field, "konbini_amount_limit", found, limit))
    return barcode


def _fault(page: SlipPage, field: str, code: str, found: object, expected: object) -> SlipFault:
    """One reason, its values as text."""
    return SlipFault(page.slip_no, field, code, str(found), str(expected))

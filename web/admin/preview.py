"""見本の納付書: what a slip of an item would look like under a profile; every value is invented."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from payments.domain.fiscal import fiscal_year
from payments.domain.slip import slip_dates, slip_keys
from qr.digits import el_qr
from qr.digits.el_qr import ElQr
from qr.layout.slip_page import PrintProfile, SlipPage
from web.printing.picture import slip_picture
from web.slip_forms import own_layouts

if TYPE_CHECKING:
    from datetime import date

    from payments.domain.profile import Item, Profile

AMOUNT_YEN = 12_300
NUMBER = 1
DUE_DAYS = 30
CONFIRMATION_NO = "123456"


def preview(profile: Profile, item: Item, today: date) -> bytes:
    """見本の納付書 as PNG, with 見本 printed on it.

    Raises what a slip that must not be printed raises: a layout without room for a symbol, codes
    that do not fit.
    """
    print_profile = PrintProfile(sample=True, slip_layouts=own_layouts(profile))
    return slip_picture(sample_page(profile, item, today), print_profile)


def sample_page(profile: Profile, item: Item, today: date) -> SlipPage:
    """見本 of one slip: first term, due in a month, issued today."""
    due_on = today + timedelta(days=DUE_DAYS)
    year = fiscal_year(today)
    dates = slip_dates(profile, item, due_on, today)
    keys = slip_keys(
        profile, item, levy_year=year, number=NUMBER, confirmation_no=CONFIRMATION_NO, version=1,
        amount_yen=AMOUNT_YEN, konbini_until=dates.konbini_until,
    )  # fmt: skip
    payload = None
    if keys.el_number:
        number = keys.el_number
        payload = el_qr.build(
            ElQr(
                amount_yen=AMOUNT_YEN, levy_year=year, tax_year=year, term="01", due_on=due_on,
                valid_until=dates.valid_until, collecting_body_code=number[:5],
                case_key=number[5:25], confirmation_no=number[25:31], item_code=number[31:],
            )
        )  # fmt: skip
    return SlipPage(
        slip_no=keys.slip_no,
        notice_no="0000000001",
        item_name=item.name,
        levy_year=year,
        term="01",
        amount_yen=AMOUNT_YEN,
        due_on=due_on,
        valid_until=dates.valid_until,
        obligor_name="見本 太郎",
        obligor_postal_code="1000001",
        obligor_address="見本市見本一丁目1番1号",
        issuer=profile.name,
        contact=profile.contact,
        el_qr=payload,
        konbini_barcode=keys.konbini_barcode,
        layout=item.layout,
        vehicle_no="見本 500 あ 1",
    )

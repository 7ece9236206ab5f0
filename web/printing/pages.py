"""納付書の頁: a slip of the books as the plain values of one printed page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.domain.slip import WHOLE_YEAR
from qr.digits import el_qr
from qr.digits.el_qr import ElQr
from qr.layout.slip_page import SlipPage
from web.enquiries.slip_code import code_of
from web.printing.shown_names import shown

if TYPE_CHECKING:
    from payments.domain.profile import Profile
    from payments.print_runs import RunSlip


def slip_page(slip: RunSlip, profile: Profile, layout: str, code_key: bytes = b"") -> SlipPage:
    """One slip as a page; an item that is switched off in the profile gets no symbol.

    A 全期 slip names the terms that it pays, a 期別 slip that there is a 全期 slip as well: paying
    both would be paying twice (law.md B-05). ``code_key`` makes its 確認コード; without one, and
    where the body names no address for residents, none is printed.
    """
    item = profile.item(slip.item_code)
    vehicle = slip.vehicle
    return SlipPage(
        slip_no=slip.slip_no,
        notice_no=slip.notice_no,
        item_name=item.name,
        levy_year=slip.levy_year,
        term=slip.term,
        amount_yen=slip.amount_yen,
        due_on=slip.due_on,
        valid_until=slip.valid_until,
        obligor_name=shown(slip.name, profile),
        obligor_postal_code=slip.postal_code,
        obligor_address=shown(slip.address, profile),
        issuer=profile.name,
        contact=profile.contact,
        el_qr=_payload(slip) if slip.el_number and item.el_qr else None,
        konbini_barcode=slip.konbini_barcode if item.konbini else None,
        layout=layout,
        alternatives=_alternatives(slip),
        vehicle_no=vehicle.vehicle_no if vehicle else "",
        certificate_until=vehicle.certificate_until if vehicle else None,
        arrears=bool(vehicle and vehicle.arrears),
        enquiry=_enquiry(slip, profile, code_key),
    )


def _enquiry(slip: RunSlip, profile: Profile, code_key: bytes) -> str:
    """照会先: the address with the slip's code behind its ``#``, which no browser sends."""
    address = profile.enquiries.address
    if not (address and code_key):
        return ""
    return f"{address}#{code_of(code_key, profile.municipality_code, slip.slip_id)}"


def symbol_digits(slip: RunSlip) -> tuple[str, str]:
    """記号の桁: the 255 digits of the eL-QR and the 44 of the barcode; "" for one it has not."""
    return (_payload(slip) if slip.el_number else "", slip.konbini_barcode or "")


def _alternatives(slip: RunSlip) -> tuple[str, ...]:
    """The terms that the other slips of the same notice pay."""
    if slip.terms:
        return tuple(part.term for part in slip.terms)
    return (WHOLE_YEAR,) if slip.alternative else ()


def _payload(slip: RunSlip) -> str:
    """eL-QR: the 255 digits of a slip that has an eL number (symbols.md 1)."""
    number = slip.el_number or ""
    return el_qr.build(
        ElQr(
            amount_yen=slip.amount_yen,
            levy_year=slip.levy_year,
            tax_year=slip.levy_year,
            term=slip.term,
            due_on=slip.due_on,
            valid_until=slip.valid_until,
            collecting_body_code=number[:5],
            case_key=number[5:25],
            confirmation_no=number[25:31],
            item_code=number[31:],
        )
    )

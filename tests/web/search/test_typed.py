from __future__ import annotations

from datetime import date

import pytest

from qr.digits import el_qr, konbini_barcode
from qr.digits.el_qr import ElQr
from qr.digits.konbini_barcode import KonbiniBarcode
from web.search.typed import Period, cleaned, period, readings

TODAY = date(2026, 6, 10)
BODY = "99999"
EL = "99999" + "0" * 19 + "7" + "123456" + "901"


def _payload():
    return ElQr(
        amount_yen=12_300, levy_year=2026, tax_year=2026, term="01", due_on=date(2026, 6, 30),
        valid_until=date(2026, 7, 31), collecting_body_code=EL[:5], case_key=EL[5:25],
        confirmation_no=EL[25:31], item_code=EL[31:],
    )  # fmt: skip


def _kinds(text):
    return [one.kind for one in readings(text, BODY)]


def _barcode():
    return konbini_barcode.build(
        KonbiniBarcode(
            company_code="123456",
            free_area=konbini_barcode.free_area("00001", "7"),
            amount_yen=12_300,
            valid_until=date(2026, 7, 31),
        )
    )


def test_a_barcode_is_known_as_scanners_send_it():
    digits = _barcode()
    for typed in (digits, f"]C1{digits}\x1d\r\n", f"({digits[:2]}){digits[2:8]}-{digits[8:]}"):
        assert [tuple(one) for one in readings(typed, BODY)] == [("barcode", digits, "")]
    wrong = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    (doubtful,) = readings(wrong, BODY)
    assert (doubtful.kind, doubtful.doubt) == ("barcode", "barcode_broken")


@pytest.mark.parametrize(
    "typed",
    [
        EL,
        f" {EL[:5]}-{EL[5:25]}-{EL[25:31]}-{EL[31:]}\r\n",
        "".join(chr(ord(digit) + 0xFEE0) for digit in EL),  # full-width
        f"{EL[:17]} {EL[17:]}",
    ],
)
def test_an_el_number_is_known_however_it_is_written(typed):
    assert [(one.kind, one.value) for one in readings(typed, BODY)] == [("el_number", EL)]


def test_an_el_qr_leads_to_its_number():
    text = el_qr.build(_payload())
    assert [(one.kind, one.value) for one in readings(f"]Q3{text}\n", BODY)] == [("el_number", EL)]
    wrong = text[:-1] + str((int(text[-1]) + 1) % 10)
    (broken,) = readings(wrong, BODY)
    assert (broken.kind, broken.doubt) == ("el_qr", "el_qr_broken")


def test_the_lower_ocr_line_is_told_from_a_barcode_by_its_check_digits():
    _upper, lower = el_qr.mpn_lines(_payload())
    assert len(lower) == 44
    (found,) = readings(lower, BODY)
    assert (found.kind, found.value) == ("case_key", EL[:31])


def test_names_files_and_short_numbers_may_be_several_things():
    assert _kinds("12") == ["slip_no", "notice_no", "person_no", "case_no", "transaction",
                            "file_name"]  # fmt: skip
    assert "name" in _kinds("ﾐﾎﾝ ﾀﾛｳ")
    assert "name" in _kinds("みほん")
    assert _kinds("statement.txt:12")[0] == "line"
    assert _kinds("3f2a9c01")[0] == "sha"
    assert _kinds("1" * 20) == ["debit", "case_key"]
    assert _kinds("1" * 21) == ["free_area"]
    assert _kinds("") == []
    assert cleaned("]C1(91)0012\x1d") == "(91)0012"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("12,300円", Period(12_300, date(2026, 6, 1), TODAY)),
        ("１２３００", Period(12_300, date(2026, 6, 1), TODAY)),
        ("¥500 2026-06-03", Period(500, date(2026, 6, 3), date(2026, 6, 3))),
        ("令和8年6月3日", Period(None, date(2026, 6, 3), date(2026, 6, 3))),
        ("R8.6.3 500円", Period(500, date(2026, 6, 3), date(2026, 6, 3))),
        ("2026/2", Period(None, date(2026, 2, 1), date(2026, 2, 28))),
        ("令和元年5月1日", Period(None, date(2019, 5, 1), date(2019, 5, 1))),
        ("2026-02-30", None),
        ("みほん 太郎", None),
        ("1 2 3", None),
        ("", None),
    ],
)
def test_amounts_and_days_are_read_as_people_write_them(typed, expected):
    assert period(typed, TODAY, 9) == expected

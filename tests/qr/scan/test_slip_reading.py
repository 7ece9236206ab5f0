"""Slips of a page: what belongs together by its place, and what contradicts each other."""

from __future__ import annotations

from typing import Any

from slips import slip_page

from qr.digits.el_qr import mpn_lines, parse
from qr.scan.slip_reading import Placed, SlipReading, slips_of_page

ONE, OTHER = slip_page(1), slip_page(2, 45_600)


def lines(slip: Any) -> tuple[str, str]:
    return mpn_lines(parse(slip.el_qr))


def number(slip: Any) -> str:
    return parse(slip.el_qr).el_number


def code(slip: Any, x: float, y: float) -> Placed:
    return Placed("el_qr", slip.el_qr, (x, y), 100)


def bars(slip: Any, x: float, y: float, *, sure: bool = True) -> Placed:
    return Placed("konbini", slip.konbini_barcode, (x, y), 250, sure)


def printed(kind: str, digits: str, x: float, y: float) -> Placed:
    return Placed(kind, digits, (x, y), 0)


def read(*placed: Placed) -> list[SlipReading]:
    return slips_of_page("f", 3, placed, 5)


def said(slip: SlipReading) -> list[tuple[str, str, str, str]]:
    return [
        (symbol.symbol, f["field"], f["found"], f["expected"])
        for symbol in slip.symbols
        for f in symbol.findings
        if f["code"] == "symbols_disagree"
    ]


def test_each_barcode_goes_with_the_nearest_code() -> None:
    first, second = read(
        *(code(OTHER, 0, 900), code(ONE, 0, 0)), *(bars(ONE, 50, 200), bars(OTHER, 50, 1100))
    )
    assert [(s.number, s.page, len(s.symbols), s.good) for s in (first, second)] == [
        (5, 3, 2, True),
        (6, 3, 2, True),
    ]
    assert first.fields["case_key"].endswith("1")
    assert {symbol.slip for symbol in second.symbols} == {6}


def test_one_barcode_for_each_code() -> None:
    """Two barcodes between two eL-QRs: neither slip takes both."""
    slips = read(code(ONE, 0, 0), code(OTHER, 0, 500), bars(ONE, 0, 200), bars(OTHER, 0, 210))
    assert [[s.symbol for s in slip.symbols] for slip in slips] == [["el_qr", "konbini"]] * 2
    assert all(slip.good for slip in slips)


def test_a_barcode_far_away_is_another_slip() -> None:
    first, second = read(code(ONE, 0, 0), bars(OTHER, 0, 900))
    assert [s.symbol for s in first.symbols + second.symbols] == ["el_qr", "konbini"]
    assert first.good
    assert second.good


def test_printed_digits_go_with_the_nearest_symbol() -> None:
    upper, lower = lines(ONE)
    (slip,) = read(
        code(ONE, 0, 0),
        printed("ocr_upper", upper, -50, 200),
        printed("ocr_lower", lower, -50, 220),
        printed("el_number", number(ONE), 0, 150),
        printed("el_number", number(ONE), 0, 900),
    )
    assert [(s.symbol, len(s.text)) for s in slip.symbols] == [
        *(("el_qr", 255), ("ocr", 39), ("ocr", 44), ("ocr", 34))
    ]
    assert slip.good


def test_printed_digits_without_any_symbol() -> None:
    slips = read(
        *(printed("ocr_upper", lines(ONE)[0], 0, 100), printed("ocr_lower", lines(ONE)[1], 0, 120)),
        *(
            printed("ocr_upper", lines(OTHER)[0], 0, 900),
            printed("el_number", number(OTHER), 0, 950),
        ),
    )
    assert [slip.fields["amount_yen"] for slip in slips] == [12_300, 45_600]
    assert [slip.good for slip in slips] == [True, False]
    assert [finding["code"] for finding in slips[1].findings] == ["el_number_unchecked"]


def test_an_altered_print_is_a_contradiction() -> None:
    """The OCR line of another slip: its check digits hold, the amount gives it away."""
    (slip,) = read(code(ONE, 0, 0), printed("ocr_upper", lines(OTHER)[0], 0, 200))
    assert not slip.good
    assert said(slip) == [
        ("el_qr", "amount_yen", "12300", "45600"),
        ("el_qr", "upper_line", lines(ONE)[0], lines(OTHER)[0]),
        ("ocr", "amount_yen", "45600", "12300"),
        ("ocr", "upper_line", lines(OTHER)[0], lines(ONE)[0]),
    ]


def test_an_altered_number_is_a_contradiction() -> None:
    altered = number(ONE)[:-1] + "2"
    (slip,) = read(code(ONE, 0, 0), printed("el_number", altered, 0, 200))
    assert not slip.good
    assert ("ocr", "item_code", "902", "901") in said(slip)


def test_a_barcode_without_expiry_contradicts_nothing() -> None:
    digits = (ONE.konbini_barcode or "")[:30] + "999999" + (ONE.konbini_barcode or "")[36:43]
    weighted = sum(int(d) * (1 if place % 2 else 3) for place, d in enumerate(digits))
    placed = Placed("konbini", f"{digits}{-weighted % 10}", (0, 200), 250)
    (slip,) = read(code(ONE, 0, 0), placed)
    assert slip.symbols[1].fields["valid_until"] is None
    assert slip.good


def test_bars_seen_dimly_are_not_valid() -> None:
    (slip,) = read(code(ONE, 0, 0), bars(ONE, 0, 200, sure=False))
    dim = slip.symbols[1]
    assert (dim.valid, slip.good) == (False, False)
    assert [finding["code"] for finding in dim.findings] == ["symbol_unsure"]


def test_a_bad_symbol_says_nothing_about_the_slip() -> None:
    broken = Placed("el_qr", (ONE.el_qr or "")[:-1] + "x", (0, 0), 100)
    (slip,) = read(broken, bars(ONE, 0, 200))
    assert slip.fields["amount_yen"] == 12_300
    assert "el_number" not in slip.fields
    assert [finding["code"] for finding in slip.findings] == ["el_qr_digit"]


def test_an_amount_over_the_limit_is_read_and_said() -> None:
    digits = "9191234500001000000000000000102607010300001"
    weighted = sum(int(d) * (1 if place % 2 else 3) for place, d in enumerate(digits))
    (slip,) = read(Placed("konbini", f"{digits}{-weighted % 10}", (0, 0), 250))
    assert slip.symbols[0].valid
    assert [finding["code"] for finding in slip.findings] == ["konbini_amount_limit"]

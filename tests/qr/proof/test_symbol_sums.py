"""The second calculation of check digits and CRC agrees with the first, and with the vectors."""

from __future__ import annotations

from csv import DictReader
from pathlib import Path

from slips import slip_page

from qr.digits import el_qr
from qr.digits.ocr_line import check_digits
from qr.proof.symbol_sums import wrong_sums

VECTORS = Path(__file__).parents[2] / "vectors/el_qr.csv"


def test_the_vectors_and_many_slips_are_right() -> None:
    with VECTORS.open(encoding="utf-8") as file:
        texts = [row["payload"] for row in DictReader(file)]
    texts += [slip_page(number, 1_000 + number * 37).el_qr for number in range(500)]
    assert wrong_sums(texts) == [""] * len(texts)


def test_every_changed_digit_is_found() -> None:
    text = slip_page(1).el_qr
    changed = [text[:n] + str((int(text[n]) + 1) % 10) + text[n + 1 :] for n in range(255)]
    found = wrong_sums(changed)
    assert all(found)
    assert (set(found[29:68]), set(found[68:112])) == ({"ocr_upper"}, {"ocr_lower"})
    assert set(found[:29] + found[112:]) == {"crc"}


def test_a_line_made_wrong_with_its_crc_made_right_is_found() -> None:
    text = slip_page(1).el_qr
    for name, start, length in (("ocr_upper", 29, 39), ("ocr_lower", 68, 44)):
        line = text[start : start + length]
        body = line[2:-1] + str((int(line[-1]) + 1) % 10)
        assert check_digits(body) != line[:2]
        wrong = text[: start + 2] + body + text[start + length : -5]
        assert wrong_sums([wrong + el_qr.crc16(wrong)]) == [name]

"""Every page of a finished file against the books: whatever is wrong on one page is found."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pikepdf
import pytest
from altered import change_file, change_page
from slips import slip_page

from payments.domain.errors import InvalidValueError
from qr.draw.slip_pdf import draw_slips
from qr.layout.shipped import SHIPPED
from qr.proof.file_check import check_slips
from qr.proof.slip_check import DIFFERENCES_MAX, check_file

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = re.compile(rb"<([0-9A-F]+)> Tj")
RECTANGLE = re.compile(rb"\n(\d+) (\d+) (\d+) 1 re")


@pytest.fixture
def printed(tmp_path: Path):
    """Draws slips with these numbers into a file."""

    def draw(*pages) -> Path:
        path = tmp_path / "slips.pdf"
        draw_slips([slip_page(page) if isinstance(page, int) else page for page in pages], path)
        return path

    return draw


def replaced(before: bytes, after: bytes):
    """A change of a page: the first occurrence becomes something else."""
    return lambda content: content.replace(before, after, 1)


def found(path: Path, *pages) -> set[tuple[int, str]]:
    meant = [slip_page(page) if isinstance(page, int) else page for page in pages]
    return {(difference.page, difference.field) for difference in check_file(path, meant)}


def test_a_good_file_has_no_differences(printed) -> None:
    numbers = range(1, 300)  # more than one batch
    assert check_file(printed(*numbers), [slip_page(number) for number in numbers]) == []


def test_slips_with_less_on_them_have_no_differences(printed) -> None:
    whole = replace(slip_page(1), term="00", alternatives=("01", "02", "03", "04"))
    pages = [
        replace(slip_page(2), el_qr=None),
        slip_page(3, 300_001),
        replace(slip_page(4), konbini_barcode=None),
        replace(slip_page(5), el_qr=None, konbini_barcode=None),
        replace(slip_page(6), alternatives=("00",)),
        replace(whole, el_qr=None),
        replace(slip_page(7), valid_until=date(2026, 8, 3), el_qr=None),
        replace(slip_page(8), obligor_postal_code=""),
        replace(slip_page(9), obligor_name="長い名前" * 20, obligor_address="未来市" * 25),
        replace(slip_page(10), obligor_name="葛\U000e0100飾 \U00020bb7男"),
    ]
    assert check_file(printed(*pages), pages) == []


ENQUIRY = "https://nofu.city.mihon.example.jp/#4F7K-2M9X-4T8Z-0000-ZZZZ"


def test_another_code_than_that_of_the_slip_is_found(printed) -> None:
    page = replace(slip_page(1), layout="window", enquiry=ENQUIRY)
    path = printed(page)
    assert check_slips(path, [page]).differences == ()
    other = replace(page, enquiry=ENQUIRY.replace("4F7K", "4F7J"))
    assert found(path, other) == {(1, "enquiry")}


@pytest.mark.parametrize("layout", SHIPPED)
def test_every_layout_that_ships_is_known_to_the_check(printed, layout: str) -> None:
    pages = [
        replace(slip_page(1), layout=layout, vehicle_no="みほん 300 あ 12-34"),
        replace(slip_page(2), layout=layout, certificate_until=date(2027, 5, 31)),
        replace(slip_page(3), layout=layout, el_qr=None, konbini_barcode=None, enquiry=ENQUIRY),
    ]
    path = printed(*pages)
    assert check_slips(path, pages).differences == ()
    other = next(name for name in SHIPPED if name != layout)
    strangers = [pages[0], replace(pages[1], layout=other), pages[2]]
    assert found(path, *strangers) == {(2, "layout")}


def test_one_other_glyph_in_any_text_is_found(printed) -> None:
    """A page for every text of a page; on each another text has one glyph changed."""
    count = len(SHOWN.findall(_content(printed(1), 1)))
    path = printed(*range(1, count + 1))
    for number in range(count):

        def change(content: bytes, number: int = number) -> bytes:
            match = [*SHOWN.finditer(content)][number]
            glyphs = match[1]
            other = b"0001" if glyphs[-4:] != b"0001" else b"0002"
            return content[: match.end(1) - 4] + other + content[match.end(1) :]

        change_page(path, number + 1, change)
    pages = [
        difference.page for difference in check_file(path, map(slip_page, range(1, count + 1)))
    ]
    assert sorted(set(pages)) == [*range(1, count + 1)]


@pytest.mark.parametrize("symbol", ["el_qr", "konbini"])
def test_any_rectangle_changed_or_left_out_is_found(printed, symbol: str) -> None:
    numbers = range(1, 41)
    path = printed(*numbers)
    for number in numbers:

        def change(content: bytes, number: int = number) -> bytes:
            frames = [match.end() for match in re.finditer(rb" cm\n", content)]
            start = frames[symbol == "konbini"] - 1
            match = [*RECTANGLE.finditer(content, start)][number * 9 % 70]
            other = (
                b""
                if number % 2
                else b"\n%b %b %0*d 1 re" % (match[1], match[2], len(match[3]), int(match[3]) + 1)
            )
            return content[: match.start()] + other + content[match.end() :]

        change_page(path, number, change)
    differences = check_file(path, map(slip_page, numbers))
    assert [(d.page, d.field) for d in differences] == [(number, symbol) for number in numbers]
    assert {d.expected for d in differences} == {
        getattr(slip_page(n), symbol if symbol == "el_qr" else "konbini_barcode") for n in numbers
    }


def test_symbols_of_the_neighbour_are_found(printed) -> None:
    path = printed(*range(1, 101))
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        streams = [pdf.pages[number].obj.Contents for number in (41, 42)]
        contents = [stream.read_bytes() for stream in streams]
        symbols = [re.search(rb"\nq [^f]+f Q\n", content)[0] for content in contents]
        for stream, content, own, other in zip(
            streams, contents, symbols, reversed(symbols), strict=True
        ):
            stream.write(content.replace(own, other))
        pdf.save(path)
    differences = check_file(path, map(slip_page, range(1, 101)))
    assert {difference.page for difference in differences} == {42, 43}
    key = next(d for d in differences if d.field == "el_qr.case_key")
    assert (key.slip_no, key.printed, key.expected) == ("S2026-0000042", f"{43:020d}", f"{42:020d}")


def test_pages_exchanged_doubled_or_missing_are_found(printed) -> None:
    assert {page for page, _ in found(printed(1, 3, 2, 4), 1, 2, 3, 4)} == {2, 3}
    assert {page for page, _ in found(printed(1, 2, 2, 4), 1, 2, 3, 4)} == {3}
    assert found(printed(1, 2), 1, 2, 3) == {(3, "page")}
    assert found(printed(1, 2, 3), 1, 2) == {(3, "page")}
    assert found(printed(1)) == {(1, "page")}


def test_a_scaled_page_is_found(printed) -> None:
    path = printed(1, 2, 3, 4, 5)
    change_page(path, 1, lambda content: b"q 0.97 0 0 0.97 9 12 cm\n" + content + b"\nQ")
    change_page(
        path, 2, lambda content: re.sub(rb"q 1\.44 0 0 1\.44", b"q 1.3968 0 0 1.3968", content)
    )

    def boxes(pdf: pikepdf.Pdf) -> None:
        pdf.pages[2].obj.MediaBox = [0, 0, 613.68, 867.93]
        pdf.pages[3].obj.UserUnit = 0.97
        pdf.pages[4].obj.Rotate = 90

    change_file(path, boxes)
    assert found(path, 1, 2, 3, 4, 5) == {
        (1, "unexpected_content"),
        (2, "el_qr.module_size"),
        (2, "el_qr.height"),
        (3, "page_box"),
        (4, "page_entry"),
        (5, "page_entry"),
    }


def test_a_moved_symbol_is_found(printed) -> None:
    path = printed(1, 2)

    def moved(content: bytes) -> bytes:
        match = re.search(rb"q 0\.48 0 0 [\d.]+ ([\d.]+)", content)
        x = b"%.2f" % (float(match[1]) + 72 / 25.4)
        return content[: match.start(1)] + x + content[match.end(1) :]

    change_page(path, 2, moved)
    assert found(path, 1, 2) == {(2, "konbini.position")}


VOID = {"certificate", "certificate_until", "certified"}
CERTIFIED = {"vehicle_no": "みほん 300 あ 12-34", "certificate_until": date(2027, 5, 31)}


@pytest.mark.parametrize(
    ("printed_as", "meant", "fields"),
    [
        (CERTIFIED, CERTIFIED | {"arrears": True}, VOID),
        (CERTIFIED | {"arrears": True}, CERTIFIED, VOID),
        (CERTIFIED | {"arrears": True}, {}, {"certificate", "vehicle_no"}),
        (CERTIFIED | {"vehicle_no": ""}, {}, set()),
        (CERTIFIED | {"certificate_until": None}, {"vehicle_no": "みほん 300 あ 12-34"}, set()),
        (CERTIFIED, CERTIFIED | {"certificate_until": None}, VOID),
    ],
)
def test_a_certificate_that_should_be_none_is_found(printed, printed_as, meant, fields) -> None:
    plain = replace(slip_page(1), layout="vehicle")
    path = printed(replace(plain, **printed_as))
    assert found(path, replace(plain, **meant)) == {(1, field) for field in fields}


def test_labels_of_an_el_number_on_a_slip_without_one_are_found(printed) -> None:
    pages = [replace(slip_page(1), el_qr=None), slip_page(2)]
    path = printed(*pages)
    assert found(path, *pages) == set()
    change_page(path, 1, replaced(b"/Fn Do", b"/Fm Do"))
    change_page(path, 2, replaced(b"/Fm Do", b"/Fn Do"))
    assert [(d.page, d.field, d.expected) for d in check_file(path, pages)] == [
        (1, "unexpected_content", "Fn"),
        (2, "unexpected_content", "Fm"),
    ]


def test_anything_else_on_a_page_is_found(printed) -> None:
    path = printed(1, 2, 3, 4, 5)
    change_page(path, 1, lambda content: content + b"\n1 g 100 100 300 300 re f")
    last = SHOWN.findall(_content(path, 2))[0]
    shown = b"1 0 0 1 300.00 10.00 Tm 0 Tc /F1 9 Tf <" + last + b"> Tj\n"
    change_page(path, 2, replaced(b"ET", shown + b"ET"))
    change_page(path, 3, replaced(b"/Fm Do\n", b""))
    change_page(path, 4, lambda content: content + b"\n/Artifact BMC\n/Fm Do\nEMC\n")

    def annotated(pdf: pikepdf.Pdf) -> None:
        pdf.pages[4].obj.Annots = []

    change_file(path, annotated)
    assert found(path, 1, 2, 3, 4, 5) == {
        *((number, "unexpected_content") for number in range(1, 5)),
        (5, "page_entry"),
    }


def test_a_text_beyond_its_box_or_in_a_quiet_zone_is_found(printed) -> None:
    path = printed(1, 2)

    def moved(content: bytes) -> bytes:
        # The amount of the notice stands left of the eL-QR; further right it would touch it.
        match = re.search(rb"1 0 0 1 ([\d.]+) ([\d.]+) Tm 0 Tc /F2 28 Tf", content)
        x = b"%.2f" % (float(match[1]) + 40)
        return content[: match.start(1)] + x + content[match.end(1) :]

    change_page(path, 2, moved)
    assert found(path, 1, 2) >= {(2, "amount_yen.position"), (2, "el_qr.quiet_zone")}


def test_a_glyph_that_looks_like_another_character_is_found(printed) -> None:
    path = printed(1)

    def swapped(pdf: pikepdf.Pdf) -> None:
        stream = pdf.pages[0].obj.Resources.Font["/F2"].ToUnicode
        table = stream.read_bytes()
        one, two = (
            re.search(rb"<([0-9A-F]{4})> <%b>" % code, table) for code in (b"0031", b"0032")
        )
        table = table.replace(one[0], b"<%b> <0032>" % one[1])
        stream.write(table.replace(two[0], b"<%b> <0031>" % two[1]))

    change_file(path, swapped)
    content = _content(path, 1)
    assert content
    fields = {field for _, field in found(path, 1)}
    assert {"glyph", "amount_yen"} <= fields


def test_books_that_contradict_themselves_are_found(printed) -> None:
    path = printed(1)
    page = replace(slip_page(1), el_qr=slip_page(1, 12_400).el_qr)
    assert found(path, page) >= {(1, "el_qr.amount_yen")}
    digits = slip_page(1).el_qr
    wrong = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    assert found(path, replace(slip_page(1), el_qr=wrong)) >= {(1, "el_qr.crc")}


def test_a_wrong_file_ends_early_and_no_pdf_is_refused(printed, tmp_path: Path) -> None:
    path = printed(*range(1, 101))
    assert len(check_file(path, map(slip_page, range(101, 201)))) == DIFFERENCES_MAX
    nothing = tmp_path / "nothing.pdf"
    nothing.write_bytes(b"%PDF-1.7\nnothing")
    with pytest.raises(InvalidValueError, match="scan_unreadable"):
        check_file(nothing, [slip_page(1)])


def _content(path: Path, number: int) -> bytes:
    with pikepdf.open(path) as pdf:
        return pdf.pages[number - 1].obj.Contents.read_bytes()


@pytest.mark.parametrize(
    "glyphs", [b"<000>", b"<00 1 0011>", b"<xyzw>", b"<>", "<１２３４>".encode()]
)
def test_glyphs_not_written_as_they_must_be_show_nothing(printed, glyphs: bytes) -> None:
    path = printed(1, 2)
    change_page(path, 1, lambda content: SHOWN.sub(glyphs + b" Tj", content, count=1))
    (difference,) = check_file(path, map(slip_page, (1, 2)))
    assert (difference.page, difference.printed) == (1, "")

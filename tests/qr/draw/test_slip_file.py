"""The PDF as a file: metadata, structure for reading aloud, fonts, and the same bytes again."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pikepdf
import pytest
from PIL import Image
from pyzbar.pyzbar import ZBarSymbol, decode
from slips import check_page, slip_image, slip_page

from payments.domain.errors import InvalidValueError
from qr.draw.slip_pdf import draw_slips
from qr.layout.file import parse_layout
from qr.layout.fonts import REGULAR, clusters, load_face
from qr.layout.shipped import SHIPPED, slip_layout
from qr.layout.slip_page import PrintProfile, SlipFault, SlipPage

MADE_AT = datetime(2026, 4, 10, 9, 30, tzinfo=UTC)
LIVE = PrintProfile(sample=False, made_at=MADE_AT)


def drawn(*pages: SlipPage, profile: PrintProfile = LIVE) -> bytes:
    out = BytesIO()
    draw_slips(pages, out, profile)
    return out.getvalue()


def text_of(pdf: bytes) -> str:
    """What poppler, a reader other than the one used elsewhere, finds on the pages."""
    command = ["pdftotext", "-layout", "-", "-"]
    return subprocess.run(command, input=pdf, capture_output=True, check=True).stdout.decode()


def spoken(pdf: bytes) -> list[list[tuple[str, str]]]:
    """Tag and text of every element, slip by slip, by way of the structure tree."""
    with pikepdf.open(BytesIO(pdf)) as file:
        document = file.Root.StructTreeRoot.K
        assert document.S == "/Document"
        return [
            [(str(e.S), str(e.get("/ActualText", e.get("/Alt")))) for e in section.K]
            for section in document.K
        ]


def test_metadata_language_and_preferences() -> None:
    with pikepdf.open(BytesIO(drawn(slip_page()))) as file:
        root = file.Root
        assert str(root.Lang) == "ja-JP"
        assert bool(root.MarkInfo.Marked)
        assert bool(root.ViewerPreferences.DisplayDocTitle)
        assert root.ViewerPreferences.PrintScaling == "/None"
        assert str(file.docinfo.Title) == "納付書"
        assert str(file.docinfo.CreationDate) == "D:20260410093000+00'00'"
        with file.open_metadata() as found:
            assert found["dc:title"] == "納付書"
            assert found["pdf:Producer"] == "kokin"
            assert found["xmp:CreateDate"] == "2026-04-10T09:30:00+00:00"
        assert "/ID" in file.trailer
    with pikepdf.open(BytesIO(drawn(slip_page(), profile=PrintProfile()))) as file:
        assert "/CreationDate" not in file.docinfo


def test_label_and_value_are_read_together() -> None:
    first, second = spoken(drawn(slip_page(1), slip_page(2, 1_234_567)))
    assert first[0] == ("/H1", "みほん市 市県民税（普通徴収） 令和8年度 第1期")
    assert ("/P", "納付金額 ￥12,300") in first
    assert ("/P", "納期限 令和8年6月1日（月）") in first
    assert ("/P", "支払期限 令和8年7月1日（水）") in first
    assert ("/Figure", "eL-QR（二次元コード）") in first
    assert ("/Figure", "コンビニエンスストア用バーコード") in first
    assert any("eL番号 収納機関番号 99999 納付番号 0000" in text for _, text in first)
    assert any("お支払いの方法" in text and "お問い合わせ先" in text for _, text in first)
    assert [tag for tag, _ in second].count("/Figure") == 1
    assert ("/P", "30万円を超えるため、コンビニエンスストアでは使えません。") in second


def test_every_marked_content_has_its_element() -> None:
    with pikepdf.open(BytesIO(drawn(slip_page(1), slip_page(2)))) as file:
        numbers = [*file.Root.StructTreeRoot.ParentTree.Nums]
        for page, (number, parents) in zip(file.pages, pairwise(numbers), strict=False):
            del number
            if not isinstance(parents, pikepdf.Array):
                continue
            marked = page.obj.Contents.read_bytes().count(b"/MCID")
            assert [int(e.K) for e in parents] == [*range(marked)]
        for n, page in enumerate(file.pages):
            assert int(page.obj.StructParents) == n
            elements = numbers[2 * n + 1]
            assert all(element.Pg.objgen == page.obj.objgen for element in elements)


@pytest.mark.parametrize("layout", SHIPPED)
def test_fonts_are_embedded_subsets(layout: str) -> None:
    with pikepdf.open(BytesIO(drawn(replace(slip_page(), layout=layout)))) as file:
        fonts = file.pages[0].obj.Resources.Font
        assert {str(name) for name in fonts} == {"/F1", "/F2", "/F3"}
        for font in fonts.values():
            (inner,) = font.DescendantFonts
            descriptor = inner.FontDescriptor
            program = descriptor.get("/FontFile2", descriptor.get("/FontFile3"))
            assert str(font.BaseFont)[7] == "+"
            assert len(program.read_raw_bytes()) < 30_000
            assert font.ToUnicode is not None


def test_names_beyond_the_font_are_taken_from_the_register_face() -> None:
    name = "髙橋﨑 \U00020bb7田 葛\U000e0100城 葛飾"
    page = replace(slip_page(), obligor_name=name)
    assert check_page(page) == []
    pdf = drawn(page)
    text = "".join(text_of(pdf).split())
    assert text.count("髙橋﨑\U00020bb7田葛\U000e0100城葛飾様") == 3
    with pikepdf.open(BytesIO(pdf)) as file:
        fonts = file.pages[0].obj.Resources.Font
        assert {"/F4"} < {str(font) for font in fonts}
        assert str(fonts["/F4"].BaseFont).endswith("ipamjm")


def test_a_sequence_that_shares_its_glyph_still_reads_as_itself() -> None:
    # Its default form is the glyph of the bare character: two texts, one glyph.
    page = replace(slip_page(), obligor_name="葛\U000e0101屋 葛屋")
    face = load_face(REGULAR)
    assert face.glyph("葛\U000e0101") == face.glyph("葛")
    assert check_page(page) == []
    assert "".join(text_of(drawn(page)).split()).count("葛\U000e0101屋葛屋様") == 3


def test_characters_keep_their_selectors() -> None:
    assert [*clusters("葛\U000e0100城\U000e0101\U000e0102")] == [
        "葛\U000e0100",
        "城\U000e0101",
        "\U000e0102",
    ]
    assert [*clusters("")] == []


def test_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    script = (
        "import sys, hashlib; sys.path.insert(0, 'tests/support'); "
        "from io import BytesIO; from slips import check_page, slip_image, slip_page; "
        "from qr.draw.slip_pdf import draw_slips; from qr.layout.slip_page import PrintProfile; "
        "out = BytesIO(); draw_slips(map(slip_page, range(300)), out, PrintProfile(sample=False)); "
        "print(hashlib.sha256(out.getvalue()).hexdigest())"
    )
    root = Path(__file__).resolve().parents[3]
    elsewhere = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True, cwd=root
    ).stdout.strip()
    path = tmp_path / "slips.pdf"
    draw_slips([slip_page(7)], tmp_path / "before.pdf")  # what was drawn before leaves no trace
    draw_slips(map(slip_page, range(300)), path, PrintProfile(sample=False))
    data = path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == elsewhere
    assert len(data) / 300 < 4_096


@pytest.mark.parametrize("layout", SHIPPED)
@pytest.mark.parametrize("sample", [True, False])
def test_every_printed_symbol_can_be_decoded(layout: str, sample: bool) -> None:
    page = replace(slip_page(9), layout=layout)
    image = slip_image(page, PrintProfile(sample=sample), dpi=200)
    found = {
        symbol.type: symbol.data.decode().lstrip("\x1d")
        for symbol in decode(image, symbols=[ZBarSymbol.QRCODE, ZBarSymbol.CODE128])
    }
    assert found == {"QRCODE": page.el_qr, "CODE128": page.konbini_barcode}


def test_whole_year_and_instalment_slips_name_each_other() -> None:
    whole = replace(slip_page(), term="00", el_qr=None, alternatives=("01", "02", "03", "04"))
    text = "".join(text_of(drawn(whole)).split())
    assert "全期" in text
    said = " ".join(text for _, text in spoken(drawn(whole))[0])
    assert "第1期から第4期までの全額です。期別の納付書とは、どちらか一方だけ" in said
    (term,) = spoken(drawn(replace(slip_page(), alternatives=("00",))))
    assert "全期の納付書とは、どちらか一方だけ" in " ".join(text for _, text in term)


def test_the_certificate_of_a_light_vehicle() -> None:
    page = replace(
        slip_page(),
        layout="vehicle",
        vehicle_no="みほん 500 あ 12-34",
        certificate_until=date(2027, 5, 31),
    )
    said = " ".join(text for _, text in spoken(drawn(page))[0])
    assert "納税証明書 標識番号 みほん 500 あ 12-34 有効期限 令和9年5月31日（月）" in said
    assert "領収日付印のないものは、証明書として使えません。" in said
    assert "税目 太郎 様 上のとおり、納税があったことを証明します。 みほん市" in said
    (behind,) = spoken(drawn(replace(page, arrears=True)))
    assert (
        "標識番号 みほん 500 あ 12-34 有効期限 ＊＊＊ 納税義務者 税目 太郎 様 みほん市 "
        "＊＊＊　ほかに未納の税があるため、証明できません　＊＊＊"
    ) in " ".join(text for _, text in behind)
    # A vehicle without inspection has no certificate; a slip without a vehicle neither.
    for void in (replace(page, certificate_until=None), replace(slip_page(), layout="vehicle")):
        (said_of_none,) = spoken(drawn(void))
        words = " ".join(text for _, text in said_of_none)
        assert "有効期限 ＊＊＊" in words
        assert "＊＊＊　この納付書では証明できません　＊＊＊" in words


def test_one_file_has_one_layout() -> None:
    with pytest.raises(InvalidValueError, match="slip_layouts"):
        drawn(slip_page(1), replace(slip_page(2), layout="window"))
    with pytest.raises(InvalidValueError, match="slip_layout_name"):
        drawn(replace(slip_page(), layout="none"))


def test_a_layout_of_ones_own_with_a_picture() -> None:
    logo = BytesIO()
    Image.new("RGBA", (120, 120), (200, 0, 0, 255)).save(logo, "PNG")
    picture = 'pictures = [{ file = "logo.png", x = 110, y = 7, width = 10, height = 10 }]\n'
    text = slip_layout().source.replace('name = "standard"', f'name = "ours"\n{picture}', 1)
    layout = parse_layout(text, "ours.toml", {"logo.png": logo.getvalue()})
    profile = PrintProfile(sample=False, slip_layouts=(layout,))
    image = slip_image(replace(slip_page(), layout="ours"), profile, dpi=72)
    x, y = (round(mm * 72 / 25.4) for mm in (115, 12))
    assert image.getpixel((x, y)) == (200, 0, 0)


def test_a_refused_page_leaves_no_trace_in_the_file() -> None:
    sound = [slip_page(number) for number in range(300)]
    # The first is refused at once; the others only after characters of theirs have been set.
    bad = [
        replace(slip_page(301), amount_yen=0),
        replace(slip_page(302), obligor_name="薔薇 \U00030000"),
        replace(slip_page(303), obligor_name="葛\U000e0100城 髙", notice_no="1" * 2_000),
    ]
    said: list[SlipFault] = []
    out = BytesIO()
    mixed = [bad[0], *sound[:100], bad[1], *sound[100:128], bad[2], *sound[128:]]
    assert draw_slips(mixed, out, LIVE, said.extend) == len(sound)
    assert out.getvalue() == drawn(*sound)
    assert {(fault.slip_no, fault.field) for fault in said} == {
        ("S2026-0000301", "amount_yen"),
        ("S2026-0000301", "el_qr.amount_yen"),
        ("S2026-0000301", "konbini_barcode.amount_yen"),
        ("S2026-0000302", "obligor_name"),
        ("S2026-0000303", "notice_no"),
    }

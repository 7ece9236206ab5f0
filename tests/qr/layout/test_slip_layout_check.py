"""Layouts: what would print wrong is refused, with the key, what stands there and what should."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from payments.domain.errors import InvalidValueError
from qr.layout.check import checked, layout_faults
from qr.layout.file import parse_layout
from qr.layout.fonts import FONT_FOLDERS
from qr.layout.shapes import GRID_PT, Box
from qr.layout.shipped import SHIPPED, slip_layout

if TYPE_CHECKING:
    from pathlib import Path

STANDARD = files("qr.layout").joinpath("standard.toml").read_text("utf-8")
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x32\0\0\0\x32"


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_layouts_hold(name: str) -> None:
    layout = slip_layout(name)
    assert list(layout_faults(layout)) == []
    assert re.fullmatch(rf"{name}-[12]-[0-9a-f]{{12}}", layout.reference)
    for x, y in (layout.qr_origin(41), layout.barcode_origin()):
        assert x / GRID_PT == pytest.approx(round(x / GRID_PT))
        assert y / GRID_PT == pytest.approx(round(y / GRID_PT))


def test_an_unknown_name() -> None:
    with pytest.raises(KeyError):
        slip_layout("none")


def without(there: str, instead: str) -> str:
    """The layout with one place changed."""
    assert there in STANDARD
    return STANDARD.replace(there, instead, 1)


LABEL = "labels = [\n"
TEXTS = "texts = [\n"


@pytest.mark.parametrize(
    ("text", "key", "found", "expected"),
    [
        # a printer profile at 97 % ("fit to page") puts the modules off the grid
        (without("module_pt = 1.44", "module_pt = 1.3968"), "el_qr.module_pt", "1.3968", "0.48"),
        (without("module_pt = 0.48", "module_pt = 0.4656"), "konbini.module_pt", "0.4656", "0.48"),
        (without("module_pt = 1.44", "module_pt = 0.96"), "el_qr.module_pt", "0.96", ">= 1.44"),
        (without("module_pt = 0.48", "module_pt = 0.96"), "konbini.module_pt", "102.", "<= 60.0 mm"),
        (without("bar_height = 13", "bar_height = 9.5"), "konbini.bar_height", "9.5", ">= 10.0 mm"),
        (without("width = 27\nheight = 27", "width = 20\nheight = 20"), "el_qr", "20 × 20", "24.8"),
        (without("width = 60\nheight = 26", "width = 50\nheight = 26"), "konbini", "50 × 26", "53."),
        (without("x = 136\ny = 66.5", "x = 160\ny = 66.5"), "konbini", "x 160", "within the sheet"),
        (without("x = 133\ny = 34.5", "x = 136\ny = 60"), "konbini", "x 136", "no overlap with el_qr"),
        (
            without(TEXTS, TEXTS + '{ part = "notice", field = "el_number", x = 140, y = 50, size = 9, width = 20 },\n'),
            "texts[1]", "x 140", "outside the quiet zone of el_qr",
        ),
        (
            without(TEXTS, TEXTS + '{ part = "notice", field = "el_number", x = 140, y = 75, size = 9, width = 20 },\n'),
            "texts[1]", "x 140", "outside the quiet zone of konbini",
        ),
        (
            without(TEXTS, TEXTS + '{ part = "notice", field = "el_number", x = 185, y = 12, size = 9, width = 10 },\n'),
            "texts[1]", "x 185", "outside reserved[1]",
        ),
        (
            without(TEXTS, TEXTS + '{ part = "notice", field = "el_number", x = 195, y = 150, size = 9, width = 20 },\n'),
            "texts[1]", "x 195", "within the sheet",
        ),
        (without('field = "issuer"', 'field = "mayor"'), "texts[1].field", "mayor", "item_name"),
        (without('field = "ocr_upper"', 'field = "ocr_lower"'), "texts", "ocr_upper", "must be given"),
        (without('part = "notice", group = "item"', 'part = "top", group = "item"'), "texts[1].part", "top", "notice"),
        (without('tag = "H1"', 'tag = "H9"'), "texts[1].tag", "H9", "H1"),
        (without('field = "issuer"', 'text = "様", field = "issuer"'), "texts[1].text", "様", "exactly one {}"),
        (without('field = "issuer"', 'lines = 0, field = "issuer"'), "texts[1].lines", "0", ">= 1"),
        (without('group = "stub", field = "due_on"', 'field = "due_on"'), "texts.group", "stub", "one after the other"),
        (without(LABEL, LABEL + '{ x = 140, y = 50, size = 9, text = "字" },\n'), "labels[1]", "x 140", "outside the quiet zone"),
        (without(LABEL, LABEL + '{ x = 205, y = 50, size = 9, text = "はみ出す" },\n'), "labels[1]", "x 205", "within the sheet"),
        (without(LABEL, LABEL + '{ x = 20, y = 50, size = 9, text = "💴" },\n'), "labels[1].text", "💴", "characters of regular"),
        (without(LABEL, LABEL + '{ x = 20, y = 50, size = 0, text = "字" },\n'), "labels[1].size", "0.0", "> 0"),
        (without(LABEL, LABEL + '{ x = 20, y = 50, size = 9, face = "kana", text = "字" },\n'), "labels[1].face", "kana", "regular"),
        (without("rules = [", "rules = [\n{ x = 140, y = 48, width = 30 },"), "rules[1]", "x 140", "quiet zone of el_qr"),
        (without("frames = [", "frames = [\n{ x = 140, y = 38, width = 30, height = 60 },"), "frames[1]", "x 140", "quiet zone of el_qr"),
        (without("frames = [", "frames = [\n{ x = 200, y = 48, width = 30, height = 4 },"), "frames[1]", "x 200", "within the sheet"),
        (without('"OCRB.otf"', '"OCRX.otf"'), "faces.ocr", "OCRX.otf", "installed"),
        (without('"ipamjm.ttf"', '"ipamjx.ttf"'), "fallback", "ipamjx.ttf", "installed"),
        # the two dates must not be taken for each other
        (without('size = 13, text = "納期限"', 'size = 13, text = "期限"'), "texts[6]", "due_on 期限", "label 納期限"),
        (without('size = 13, text = "納期限"', 'size = 13, text = "支払期限"'), "texts[6]", "due_on 支払期限", "label 納期限"),
        (without('size = 13, text = "支払期限"', 'size = 13, text = "納期限"'), "texts[7]", "valid_until 納期限", "label 支払期限"),
        (without("x = 12, y = 61.2, size = 13", "x = 40, y = 67, size = 13"), "texts[7]", "valid_until", "label 支払期限"),
        (without('16, when = "el_qr"', '16, when = "konbini"'), "rules[5].when", "konbini", "el_qr"),
        # what is not even of the right shape
        (STANDARD + "]", "TOML", "", "TOML 1.0"),
        (without('version = "2"', "version = 2"), "version", "2", "a text"),
        (without('title = "納付書"', "paper = 4"), "paper", "4", "name, version"),
        (without('title = "納付書"\n', ""), "title", "", "must be given"),
        (without("size = 18, ", ""), "labels[1].size", "", "must be given"),
        (without("size = 18", 'size = "18"'), "labels[1].size", "18", "a number"),
        (without("size = 18", "height = 18"), "labels[1].height", "18", "x, y, size"),
        (without('align = "right"', 'align = "middle"'), "sample_note.align", "middle", "left / center"),
        (without("lines = 2", "lines = 2.5"), "texts[10].lines", "2.5", "a whole number"),
        (without("cuts = [", "cuts = [ 3,"), "cuts[1]", "3", "a table"),
        (without('fallback = "ipamjm.ttf"', 'fallback = "ipamjm.ttf"\npictures = 5'), "pictures", "5", "a list of tables"),
        (without('"OCRB.otf"', "7"), "faces.ocr", "7", "a text"),
        (without("fallback", 'pictures = [{ file = "logo.png", x = 150, y = 8, width = 10, height = 8 }]\nfallback'), "pictures[1].file", "logo.png", "beside the layout"),
    ],
)  # fmt: skip
def test_refused_by_name(text: str, key: str, found: str, expected: str) -> None:
    with pytest.raises(InvalidValueError, match="slip_layout") as caught:
        checked(parse_layout(text, "ours.toml"), "ours.toml")
    details = caught.value.details
    assert details["file"] == "ours.toml"
    assert details["key"] == key
    assert found in str(details["found"])
    assert expected in str(details["expected"])


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        # above the date, nearer to the left than another label, or in the words around it
        ("x = 12, y = 52, size = 13", "x = 34, y = 46.2, size = 8"),
        (LABEL, LABEL + '{ x = 12, y = 57, size = 8, text = "お早めに" },\n'),
        ('field = "due_on", label', 'field = "due_on", text = "納期限 {}", label'),
    ],
    ids=["above", "another label", "in the words"],
)
def test_a_date_may_have_its_label_anywhere_beside_it(there: str, instead: str) -> None:
    changed = without(there, instead)
    if "{}" in instead:
        changed = changed.replace('size = 13, text = "納期限"', 'size = 13, text = "期限"', 1)
    assert [*layout_faults(parse_layout(changed, "ours.toml"))] == []


PICTURE = without(
    "fallback",
    'pictures = [{ file = "logo.png", x = 150, y = 8, width = 10, height = 8 }]\nfallback',
)


@pytest.mark.parametrize(
    ("data", "found"), [(b"GIF89a", "logo.png"), (PNG, "127 dpi")], ids=["no PNG", "coarse"]
)
def test_pictures_that_would_look_torn(data: bytes, found: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        checked(parse_layout(PICTURE, "ours.toml", {"logo.png": data}), "ours.toml")
    assert caught.value.details["found"] == found


def test_the_digest_tells_layouts_and_pictures_apart() -> None:
    layouts = [
        parse_layout(STANDARD, ""),
        parse_layout(STANDARD + "\n", ""),
        parse_layout(PICTURE, "", {"logo.png": PNG}),
        parse_layout(PICTURE, "", {"logo.png": PNG + b"2"}),
    ]
    assert len({layout.reference for layout in layouts}) == 4
    assert len({*layouts, parse_layout(STANDARD, "")}) == 4


def test_fonts_are_looked_for_on_this_machine(tmp_path: Path) -> None:
    keys = [fault.key for fault in layout_faults(slip_layout(), (tmp_path,))]
    assert keys == ["faces.regular", "faces.bold", "faces.ocr", "fallback"]
    assert any(folder.exists() for folder in FONT_FOLDERS)


def test_boxes_that_touch_do_not_overlap() -> None:
    box = Box(x=0, y=0, width=10, height=10)
    assert not box.overlaps(Box(x=10, y=0, width=5, height=5))
    assert box.overlaps(Box(x=9.9, y=9.9, width=5, height=5))
    assert not box.contains(Box(x=9.9, y=9.9, width=5, height=5))

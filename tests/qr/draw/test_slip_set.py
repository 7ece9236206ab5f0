"""Setting text: it fits where it must, and nothing is ever cut off."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slips import slip_page

from qr.draw.slip_set import FontUse, Place, SetFaultError, plan_of
from qr.layout.fonts import (
    BOLD,
    FALLBACK,
    FONT_FOLDERS,
    REGULAR,
    Unusual,
    load_face,
    load_text_face,
)
from qr.layout.shapes import MM, PAGE_HEIGHT_MM, Text
from qr.layout.shipped import SHIPPED, slip_layout
from qr.layout.slip_page import PrintProfile

LINE = re.compile(
    r"1 0 0 1 (\S+) (\S+) Tm (\S+) Tc /(F\d[a-z]?) (\S+) Tf <((?:[0-9A-F]{4})+)> Tj\n"
)
NAME = Text(field="obligor_name", part="notice", x=34, y=87.5, size=14, width=96, lines=2)


def place(text: Text = NAME) -> Place:
    return Place(text, 1, load_text_face(REGULAR), (2, load_face(FALLBACK)))


def lines(operators: str) -> list[tuple[float, float, str, float, int]]:
    """x, y, font, size and number of glyphs of every line of operators."""
    assert LINE.sub("", operators) == ""
    return [
        (float(x), float(y), font, float(size), len(glyphs) // 4)
        for x, y, _, font, size, glyphs in LINE.findall(operators)
    ]


@pytest.mark.parametrize(
    ("length", "count", "size"), [(1, 1, 14), (19, 1, 14), (20, 2, 14), (38, 2, 14), (60, 3, 10)]
)
def test_the_largest_size_that_fits(length: int, count: int, size: float) -> None:
    set_lines = lines(place().set("亜" * length, FontUse()))
    assert len(set_lines) == count
    assert {line[3] for line in set_lines} == {size}
    assert sum(line[4] for line in set_lines) == length


@given(st.text("亜あアa1、。（）ー", min_size=1, max_size=120))
def test_every_character_stands_within_the_box(text: str) -> None:
    face = load_text_face(REGULAR)
    found = place().set(text, FontUse())
    shown = "".join(glyphs for *_, glyphs in LINE.findall(found))
    assert shown == text.translate(face.hex)
    box = NAME.box
    bottom = (PAGE_HEIGHT_MM - box.y - box.height * 1.15 - 1) * MM
    written = iter(text)
    for x, y, _, size, count in lines(found):
        line = "".join(next(written) for _ in range(count))
        assert box.x * MM - 0.01 <= x
        assert x + face.width(line, size) <= (box.x + box.width) * MM + 0.02
        assert bottom <= y <= (PAGE_HEIGHT_MM - box.y) * MM


def test_what_does_not_fit_is_a_fault() -> None:
    with pytest.raises(SetFaultError, match="slip_text_too_long"):
        place().set("亜" * 2_000, FontUse())
    ocr = replace(NAME, pitch=7.2, width=20, lines=1)
    with pytest.raises(SetFaultError, match="slip_text_too_long"):
        place(ocr).set("0" * 39, FontUse())


def test_a_line_does_not_begin_with_a_closing_mark() -> None:
    found = lines(place().set("亜" * 19 + "。" + "亜" * 5, FontUse()))
    assert [line[4] for line in found] == [18, 7]


def test_alignment() -> None:
    right = replace(NAME, x=130, align="right")
    centre = replace(NAME, x=82, align="center")
    ((x, _, _, size, _),) = lines(place(right).set("￥12,300", FontUse()))
    width = load_text_face(REGULAR).width("￥12,300", size)
    assert x + width == pytest.approx(130 * MM, abs=0.01)
    ((x, _, _, _, _),) = lines(place(centre).set("￥12,300", FontUse()))
    assert x + width / 2 == pytest.approx(82 * MM, abs=0.01)


def test_faces_change_within_a_line() -> None:
    found = lines(place().set("高\U00020bb7橋\U00020bb7", FontUse()))
    assert [line[2] for line in found] == ["F1", "F2", "F1", "F2"]
    assert {line[1] for line in found} == {found[0][1]}
    assert [line[0] for line in found] == pytest.approx(
        [found[0][0] + 14 * n for n in range(4)], abs=0.01
    )


def test_two_texts_of_one_glyph_have_resources_of_their_own() -> None:
    use = FontUse()
    found = lines(place().set("葛\U000e0101葛", use))
    assert [line[2] for line in found] == ["F1a", "F1"]
    assert [*use.used["1", 1].values()] == ["葛\U000e0101"]
    assert use.characters("1") == {"葛"}


def test_a_repeating_text_is_set_once_and_noted_in_every_file() -> None:
    issuer = place(replace(NAME, field="issuer"))
    first, second = FontUse(), FontUse()
    assert issuer.set("みほん市", first) == issuer.set("みほん市", second)
    assert first.characters("1") == second.characters("1") == set("みほん市")
    second.settle()
    assert second.characters("1") == set("みほん市")
    rare = issuer.set("\U00020bb7市", first)
    assert issuer.set("\U00020bb7市", second) == rare
    assert ("2", 0) in second.used


def test_faces_know_what_they_have() -> None:
    face = load_text_face(BOLD)
    assert face.glyph("\n") is None
    assert face.glyph("\U00030000") is None
    with pytest.raises(Unusual):
        face.width("\U00030000", 10)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_field_of_a_full_slip_finds_its_place(name: str) -> None:
    plan = plan_of(slip_layout(name), FONT_FOLDERS)
    page = replace(slip_page(), layout=name, alternatives=("00",))
    composition = plan.compose(page, PrintProfile(), FontUse())
    assert composition.faults == []
    shown = "".join(operators for _, operators, _ in composition.groups)
    assert LINE.sub("", shown) == ""
    assert len({group.name for group, _, _ in composition.groups}) == len(composition.groups)

"""What may be believed: error correction once, bars only when rows agree."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from slips import slip_page

from qr.scan import search
from qr.scan.engines import Sighting
from qr.scan.images import Frame
from qr.scan.limits import Deadline
from qr.scan.search import find

if TYPE_CHECKING:
    from collections.abc import Callable

    from qr.scan.images import Corners

ONE, OTHER = slip_page(1), slip_page(2)
PAPER = Image.new("L", (900, 700), 255)
HERE: Corners = ((100, 100), (500, 100), (500, 200), (100, 200))
BESIDE: Corners = ((120, 110), (510, 110), (510, 190), (120, 190))
ELSEWHERE: Corners = ((100, 500), (500, 500), (500, 600), (100, 600))


@pytest.fixture
def see(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Engines that see what they are told to, once, in the whole picture."""
    monkeypatch.setattr(search, "by_zbar", lambda _: [])
    monkeypatch.setattr(search, "bars_by_zxing", lambda _: [])

    def tell(*sightings: Sighting) -> None:
        looks = iter([list(sightings)])
        monkeypatch.setattr(search, "by_zxing", lambda _: (next(looks, []), []))

    return tell


def bars(text: str | None, corners: Corners = HERE, rows: int = 1) -> Sighting:
    # Two neighbouring lines of a picture count as one row.
    return Sighting("konbini", text or "", corners, 1 if rows == 1 else 2 * rows)


def found() -> list[tuple[str, bool]]:
    return [(one.text, one.sure) for one in find(PAPER, Deadline(math.inf))]


def test_one_sighting_of_an_el_qr_is_enough(see: Callable[..., None]) -> None:
    see(Sighting("el_qr", ONE.el_qr or "", HERE))
    assert found() == [(ONE.el_qr, True)]


def test_bars_seen_in_one_row_only_are_not_even_said(see: Callable[..., None]) -> None:
    """Check digits of a misread row can hold by chance: about once in ten."""
    see(bars(ONE.konbini_barcode))
    assert found() == []


def test_bars_count_when_rows_agree(see: Callable[..., None]) -> None:
    see(bars(ONE.konbini_barcode, rows=3))
    assert found() == [(ONE.konbini_barcode, True)]


def test_rows_of_several_looks_add_up(see: Callable[..., None]) -> None:
    see(*(bars(ONE.konbini_barcode, corners) for corners in (HERE, BESIDE, HERE)))
    assert found() == [(ONE.konbini_barcode, True)]


def test_a_single_dissenting_row_is_outvoted(see: Callable[..., None]) -> None:
    see(bars(ONE.konbini_barcode, rows=3), bars(OTHER.konbini_barcode, BESIDE))
    assert found() == [(ONE.konbini_barcode, True)]


def test_two_texts_in_one_place_are_both_doubted(see: Callable[..., None]) -> None:
    see(bars(ONE.konbini_barcode, rows=4), bars(OTHER.konbini_barcode, BESIDE, rows=3))
    assert found() == [(ONE.konbini_barcode, False), (OTHER.konbini_barcode, False)]


def test_two_texts_in_two_places_are_two_barcodes(see: Callable[..., None]) -> None:
    see(bars(ONE.konbini_barcode, rows=4), bars(OTHER.konbini_barcode, ELSEWHERE, rows=3))
    assert found() == [(ONE.konbini_barcode, True), (OTHER.konbini_barcode, True)]


def test_what_holds_displaces_what_does_not(see: Callable[..., None]) -> None:
    broken = (ONE.konbini_barcode or "")[:-1] + "x"
    see(bars(broken, rows=5), bars(ONE.konbini_barcode, BESIDE, rows=3))
    assert found() == [(ONE.konbini_barcode, True)]
    see(bars(broken, rows=5))
    assert [text for text, _ in found()] == [broken]


def test_the_same_rows_are_not_counted_twice(
    see: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two frames around the same bars give the same misreading: still one look."""
    see(Sighting("el_qr", ONE.el_qr or "", ELSEWHERE))
    twice = [Frame.of(HERE), Frame.of(BESIDE)]
    monkeypatch.setattr(search, "bars_near", lambda *_: twice)
    misread = Sighting("konbini", OTHER.konbini_barcode or "", HERE)
    # Five strips of a frame, each looked at in three parts.
    looks = itertools.cycle([[misread]] * 2 + [[]] * 13)
    monkeypatch.setattr(search, "bars_by_zxing", lambda _: next(looks))
    assert found() == [(ONE.el_qr, True)]


def test_bars_without_height_are_left_alone(see: Callable[..., None]) -> None:
    see(bars(ONE.konbini_barcode, ((300, 100), (300, 100), (300, 400), (300, 400))))
    assert found() == []


def test_no_time_ends_the_search_after_the_cheap_steps(
    see: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    see(Sighting("el_qr", ONE.el_qr or "", HERE))
    monkeypatch.setattr(search, "strips", lambda *_: pytest.fail("dear step without time"))
    over = Deadline(-1, lambda: 0.0)
    assert [one.text for one in find(PAPER, over)] == [ONE.el_qr]

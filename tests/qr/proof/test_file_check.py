"""The check of one file as plain data, and the pages that are chosen for rendering."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING

import pytest
from altered import change_page
from slips import slip_page

from payments.domain.errors import InvalidValueError
from qr.draw.slip_pdf import draw_slips
from qr.proof.file_check import FULL_UP_TO, ReadBackChoice, check_slips

if TYPE_CHECKING:
    from pathlib import Path


def test_a_small_run_is_rendered_in_full() -> None:
    assert ReadBackChoice.for_run(FULL_UP_TO, seed=1).pages(7, 1) == (1, 2, 3, 4, 5, 6, 7)
    assert ReadBackChoice.for_run(FULL_UP_TO + 1, seed=1) == ReadBackChoice.sample(seed=1)


def test_a_sample_is_the_first_the_last_and_a_lot_that_the_seed_decides() -> None:
    choice = ReadBackChoice.sample(20, seed=44)
    pages = choice.pages(1_000, 3)
    assert (pages[0], pages[-1], len(pages)) == (1, 1_000, 22)
    assert list(pages) == sorted(set(pages))
    assert pages == ReadBackChoice.parse(choice.text).pages(1_000, 3)
    assert (
        len({pages, choice.pages(1_000, 4), ReadBackChoice.sample(20, seed=45).pages(1_000, 3)})
        == 3
    )


def test_every_page_of_a_file_may_be_drawn() -> None:
    choice = ReadBackChoice.sample(3, seed=1)
    assert {page for number in range(300) for page in choice.pages(12, number)} == {*range(1, 13)}


@pytest.mark.parametrize("pages", [0, 1, 2, 5])
def test_a_file_smaller_than_the_sample_is_rendered_in_full(pages: int) -> None:
    assert ReadBackChoice.sample(3, seed=1).pages(pages, 1) == tuple(range(1, pages + 1))


def test_a_choice_is_one_word() -> None:
    for choice in (ReadBackChoice.full(), ReadBackChoice.sample(5, seed=2**63)):
        assert ReadBackChoice.parse(choice.text) == choice
        assert len(choice.text) <= 60
    for text in ("", "full:1", "sample", "sample:x:1", "sample:1:2:3", "sample:-1:2"):
        with pytest.raises(InvalidValueError, match="read_back"):
            ReadBackChoice.parse(text)


def test_a_check_says_what_was_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "slips.pdf"
    draw_slips(map(slip_page, range(1, 13)), path)
    ticks: list[int] = []
    choice = ReadBackChoice.sample(3, seed=7)
    check = check_slips(path, map(slip_page, range(1, 13)), None, choice, 2, ticks.append)
    assert check.clean
    assert (check.file, check.pages, check.vector_pages) == ("slips.pdf", 12, 12)
    assert check.raster_pages == choice.pages(12, 2)
    assert sum(ticks) == 12
    assert json.loads(json.dumps(check.as_dict()))["differences"] == []
    assert pickle.loads(pickle.dumps(check)) == check  # noqa: S301 - our own bytes


def test_one_wrong_module_is_found_by_the_one_and_one_scaled_symbol_by_both(tmp_path: Path) -> None:
    path = tmp_path / "slips.pdf"
    draw_slips(map(slip_page, range(1, 6)), path)
    change_page(
        path, 3, lambda content: content.replace(b"1 re\nf Q", b"1 re\n20 20 01 1 re\nf Q", 1)
    )
    shrunk = b"q 1.3968 0 0 1.3968 "
    change_page(path, 4, lambda content: content.replace(b"q 1.44 0 0 1.44 ", shrunk))
    check = check_slips(path, map(slip_page, range(1, 6)))
    fields = {(difference.page, difference.field) for difference in check.differences}
    assert {(3, "el_qr"), (4, "el_qr.module_size"), (4, "el_qr.size")} <= fields
    assert {page for page, _ in fields} == {3, 4}
    assert not check.clean
    assert check.as_dict()["differences"][0]["file"] == "slips.pdf"


def test_a_tick_may_stop_the_check(tmp_path: Path) -> None:
    path = tmp_path / "slips.pdf"
    draw_slips([slip_page(1)], path)

    def stop(_: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        check_slips(path, [slip_page(1)], tick=stop)

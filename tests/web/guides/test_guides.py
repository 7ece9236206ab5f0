"""手引き: every task of the guides on the screen it names; `make guides` takes their pictures anew."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import guides
import pytest
from guides import BYTES_MAX, GUIDES, HEIGHT, PICTURES, PICTURES_MAX, WIDTH, screens
from PIL import Image

from web import clock

if TYPE_CHECKING:
    from playwright.sync_api import Page

PASSWORD = "kaikei-no-himitsu"
WRITE = "KOKIN_WRITE_GUIDES"
ALL = [screen for guide in GUIDES for screen in screens(guide)]


@pytest.mark.browser
@pytest.mark.parametrize("guide", GUIDES)
def test_every_word_of_a_guide_stands_on_its_screen(page, address, city, monkeypatch, guide):
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 6, 3, 5, 30, tzinfo=UTC))
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    known = guides.values(city.engine)
    user, gone = "", {}
    for screen in sorted(screens(guide), key=lambda each: (each.user, bool(each.steps))):
        if screen.user != user:
            user = screen.user
            guides.sign_in(page, address, user, PASSWORD)
        answer = page.goto(address + screen.path.format(**known))
        assert answer.status == 200, screen
        guides.walk(page, screen.steps, known)
        page.wait_for_load_state()
        if screen.picture and os.environ.get(WRITE):
            PICTURES.mkdir(exist_ok=True)
            guides.picture(page, PICTURES / screen.picture)
        if absent := guides.missing(page, screen):
            gone[screen.task] = absent
    assert gone == {}


def test_a_word_that_the_screen_has_not_is_missed():
    class Blank:
        def evaluate(self, _script):
            return "登録する"

    screen = ALL[0]._replace(words=("登録 する", "消す"))
    assert guides.missing(cast("Page", Blank()), screen) == ["消す"]


def test_every_picture_is_small_and_shown_once():
    shown = [screen.picture for screen in ALL if screen.picture]
    assert len(shown) == len({*shown}) <= PICTURES_MAX
    assert sorted(shown) == sorted(path.name for path in PICTURES.glob("*.png")), "make guides"
    for path in PICTURES.glob("*.png"):
        assert path.stat().st_size < BYTES_MAX, path.name
        with Image.open(path) as image:
            assert (image.mode, image.size) == ("P", (WIDTH, HEIGHT))


@pytest.mark.parametrize("guide", GUIDES)
def test_every_task_has_its_screen_or_its_command(guide):
    bare = [
        task
        for task, said in guides.tasks(guide)
        if "<!-- screen: " not in said and "```" not in said and said.strip()
    ]
    assert bare == []

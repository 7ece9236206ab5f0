"""画面の写し: every picture of README.md and docs/*.md on the screen that it shows.

`make guides` takes them anew.
"""

from __future__ import annotations

import os
import shutil
from datetime import timedelta

import guides
import pytest
import screenshots
from browser import served
from PIL import Image
from screenshots import BYTES_MAX, NOW, PICTURES, SHOTS, WIDTH, M

from web import clock
from web.app import create_app
from web.commands import demo
from web.commands.session import Session
from web.config import Settings
from web.jobs.runner import Runner
from web.jobs.table import LANES

WRITE = os.environ.get("KOKIN_WRITE_GUIDES")


@pytest.fixture
def sample(sqlite_template, tmp_path, monkeypatch):
    """The sample city on its last day, and the passwords of its staff."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(demo, "SLIPS_PRINTED", 1)
    monkeypatch.setattr(demo, "verify", lambda *_given: [])  # other tests ask for it
    monkeypatch.setattr("web.leases.holder_name", lambda: "kokin/1/1")
    database = tmp_path / "kokin.sqlite"
    shutil.copyfile(sqlite_template, database)
    settings = Settings(
        home=tmp_path, database_url=f"sqlite:///{database}", secret_key="s" * 40, municipality=M
    )
    session = Session(settings)
    passwords = screenshots.sample_city(session, tmp_path)
    runner = Runner(settings, session.engine, lambda _said: None)
    # A night of what runs by itself, for its picture; the page opens without it as well.
    for now in (NOW - timedelta(days=1), NOW) if WRITE else ():
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        for lane in LANES:
            runner.tick(M, lane)
            runner.lanes.hold(M, lane)
    yield session, passwords
    runner.lanes.release()
    session.close()


@pytest.mark.browser
def test_every_picture_is_of_a_screen_that_opens(page, sample):
    session, passwords = sample
    known = guides.values(session.engine, screenshots.VALUES)
    user = ""
    with served(create_app(session.settings, session.engine)) as address:
        for shot in sorted(SHOTS, key=lambda each: each.user):
            if shot.user != user:
                user = shot.user
                guides.sign_in(page, address, user, passwords[user])
            _open(page, address, shot, known)


def _open(page, address, shot, known):
    """Look at one screen, and take its picture when that is asked for."""
    path = shot.path.format(**known)
    if path.endswith(".png"):
        answer = page.request.get(address + path)
        assert (answer.status, answer.headers["content-type"]) == (200, "image/png"), shot
        if WRITE:
            guides.keep(answer.body(), PICTURES / shot.picture, width=745, colours=16)
        return
    page.set_viewport_size({"width": WIDTH, "height": shot.height})
    assert page.goto(address + path).status == 200, shot
    guides.walk(page, shot.steps, known)
    # The residents' form is sent by its script, once that has worked out a proof: it is waited for.
    page.locator("h1, h2").filter(has_text=shot.heading).first.wait_for()
    page.wait_for_load_state()
    if WRITE:
        if shot.top:
            page.get_by_role("heading", name=shot.top, exact=True).evaluate(
                "(each) => window.scrollTo(0, each.getBoundingClientRect().top + scrollY - 24)"
            )
        guides.picture(page, PICTURES / shot.picture)


def test_every_picture_is_taken_from_a_screen_small_and_shown():
    listed = [shot.picture for shot in SHOTS]
    assert len(listed) == len({*listed})
    assert {*screenshots.shown()} == {*listed}
    assert {path.name for path in PICTURES.glob("*")} == {*listed}, "make guides"
    for path in PICTURES.glob("*.png"):
        assert path.stat().st_size < BYTES_MAX, path.name
        with Image.open(path) as image:
            assert (image.format, image.mode) == ("PNG", "P")

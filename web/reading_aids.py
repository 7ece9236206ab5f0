"""見やすさの切替: furigana, large type and high contrast on the pages for residents.

Each is a button of a plain form that needs no script, and is remembered in a cookie. Furigana are
for Japanese alone and begin switched on in やさしい日本語.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flask import g, request

from web.furigana import with_furigana
from web.language import EASY_JAPANESE, is_japanese, language
from web.language import translate as _
from web.language_choice import REPEATED, SECONDS, for_residents, place
from web.services import services

if TYPE_CHECKING:
    from flask import Flask, Response

COOKIE = "kokin_reading"  # the names of what is on, and "-name" of what is off, with dots between
ON, OFF = "on", "off"
FURIGANA, LARGE, CONTRAST = "furigana", "large", "contrast"
AIDS = (FURIGANA, LARGE, CONTRAST)


class Aid(NamedTuple):
    """切替の一つ: its name, its words, whether it is on, and what a press asks for."""

    name: str
    label: str
    is_on: bool
    press: str


def listen_to_aids(app: Flask) -> None:
    """Put the readings on a page behind its making, and remember what was chosen."""
    app.after_request(_answered)


def reading_aids() -> list[Aid]:
    """The switches of this page, in their order."""
    labels = {FURIGANA: _("ふりがな"), LARGE: _("大きな文字"), CONTRAST: _("はっきりした色")}
    return [
        Aid(name, labels[name], is_on(name), OFF if is_on(name) else ON)
        for name in AIDS
        if name != FURIGANA or is_japanese()
    ]


def look() -> str:
    """The classes of the whole page."""
    return " ".join(name for name in (LARGE, CONTRAST) if is_on(name))


def repeated() -> list[tuple[str, str]]:
    """What of the address a switch sends along, so that the same page comes back."""
    return [(name, value) for name, value in request.args.items() if name in REPEATED]


def switched_here() -> str:
    """The page that a switch leads back to; an answer to a form leads to its form."""
    return place()


def is_on(name: str) -> bool:
    """Whether an aid is switched on, by this request or by one before it."""
    asked = request.args.get(name)
    if asked in {ON, OFF}:
        return asked == ON
    kept = request.cookies.get(COOKIE, "").split(".")
    if name in kept or f"-{name}" in kept:
        return name in kept
    return name == FURIGANA and language() == EASY_JAPANESE


def has_furigana() -> bool:
    """Whether this page is shown with readings."""
    return is_japanese() and is_on(FURIGANA)


def note_furigana() -> None:
    """The page that is being answered has its readings, if it is to have any."""
    g.furigana_noted = True


def _answered(response: Response) -> Response:
    if request.endpoint == "static" or not for_residents():
        return response
    if has_furigana() and response.mimetype == "text/html" and not g.get("furigana_noted"):
        response.set_data(with_furigana(response.get_data(as_text=True)))
    if any(request.args.get(name) in {ON, OFF} for name in AIDS):
        _remember(response)
    return response


def _remember(response: Response) -> None:
    kept = request.cookies.get(COOKIE, "").split(".")
    said = [
        name if is_on(name) else f"-{name}"
        for name in AIDS
        if request.args.get(name) in {ON, OFF} or name in kept or f"-{name}" in kept
    ]
    response.set_cookie(
        COOKIE,
        ".".join(said),
        max_age=SECONDS,
        httponly=True,
        samesite="Lax",
        secure=services().settings.https,
    )

"""言語の選択: which language a reader has chosen, by a link in the head, kept in a cookie.

The pages for residents come in seven languages, the first time in the one that the browser asks for
(``Accept-Language``): a telephone speaks its owner's. On the pages of staff Japanese comes first
and English is the other one, for the machines of an office are often set up in a language that
nobody there has chosen. Which aids for reading are switched on: ``web/reading_aids.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from flask import current_app, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_accept_header

from web.language import (
    EASY_JAPANESE,
    ENGLISH,
    JAPANESE,
    LANGUAGES,
    PUBLIC_LANGUAGES,
    choose,
    language,
    language_tag,
    nearest,
)
from web.services import services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask, Response

COOKIE = "kokin_language"
SECONDS = 365 * 24 * 3600
PAGES = frozenset({"api_documents.explain"})  # what people read below /api/
# What anybody may see and yet is not written for residents: Japanese and English.
TWO_LANGUAGES = frozenset({"api_documents", "entrance", "health", "open_data"})
NOT_FOR_RESIDENTS = ("/staff", "/api/", "/open-data", "/static")
# What of an address may be repeated in a link of a page for residents: their words to the help.
REPEATED = frozenset({"q"})


def listen(app: Flask) -> None:
    """Choose before each page, remember behind it; before any hook that may answer."""
    app.before_request(choose_for_reader)
    app.after_request(_remember)
    app.teardown_request(_forget)


def for_residents() -> bool:
    """住民の画面か: whether this page is written for residents, in all their languages."""
    if request.blueprint is None:  # nothing is found at this address, or it is a file
        return not request.path.startswith(NOT_FOR_RESIDENTS)
    rules = current_app.extensions.get("kokin_access", {})
    rule = rules.get(request.blueprint)
    of_theirs = rule is not None and rule.value in {"public", "resident"}
    return of_theirs and request.blueprint not in TWO_LANGUAGES


def for_everybody() -> bool:
    """Whether it is one of those, and shown to whoever comes, without a sign-in."""
    if request.blueprint is None or not for_residents():
        return False
    rule = current_app.extensions.get("kokin_access", {}).get(request.blueprint)
    return rule is not None and rule.value == "public"


def other_languages() -> list[tuple[str, str, str]]:
    """ほかの言語: language tag, name in itself, and the address of this page in it."""
    shown = PUBLIC_LANGUAGES if for_residents() else LANGUAGES
    return [
        (language_tag(code), name, here(lang=code))
        for code, name in shown.items()
        if code != language()
    ]


def of_program(accept_language: str) -> str:
    """The language that a program asks for (``Accept-Language``); Japanese unless English."""
    if not accept_language:
        return JAPANESE
    wanted = parse_accept_header(accept_language, LanguageAccept)
    return wanted.best_match([JAPANESE, ENGLISH]) or JAPANESE


def choose_for_program() -> None:
    """Before a request of a program: problems are told in the language it asks for."""
    choose(of_program(request.headers.get("Accept-Language", "")))


def of_browser(accept_language: str) -> str:
    """The language that a browser asks for, of those of the pages for residents."""
    if not accept_language:
        return JAPANESE
    offered = [code for code in PUBLIC_LANGUAGES if code != EASY_JAPANESE]
    wanted = parse_accept_header(accept_language, LanguageAccept)
    return wanted.best_match(offered) or JAPANESE


def here(**changed: str) -> str:
    """This page with something chosen; an answer to a form has no address, so its form is shown."""
    # A filter of the staff stays; on a page for residents a number in an address is none of ours
    # and is not repeated.
    staff = request.path.startswith("/staff")
    kept = [
        (name, value)
        for name, value in request.args.items(multi=True)
        if name not in changed and name != "lang" and (staff or name in REPEATED)
    ]
    return f"{place()}?{urlencode([*kept, *changed.items()])}"


def place() -> str:
    """この画面の場所 for a link: the address itself, or that of the form that was answered.

    Where a form is sent to an address of its own, the page above it is the nearest to its form.
    It is quoted and begins with one slash: two of them begin another site, and a browser reads a
    backslash as a slash.
    """
    rule = request.url_rule
    if rule is None or "GET" in (rule.methods or ()):
        return "/" + quote(request.path.lstrip("/"))
    return quote(next(filter(_is_a_page, _and_above(request.path)), "/"))


def _and_above(path: str) -> Iterator[str]:
    """An address and those above it, up to the first part."""
    parts = path.split("/")
    for count in range(len(parts), 1, -1):
        yield "/".join(parts[:count])


def _is_a_page(path: str) -> bool:
    """Whether something can be looked at there."""
    try:
        current_app.url_map.bind("").match(path, "GET")
    except HTTPException:
        return False
    return True


def choose_for_reader() -> None:
    """Before a page: the language that its reader chose, or the browser's."""
    asked = request.args.get("lang") or request.cookies.get(COOKIE, "")
    if not asked and request.path.startswith("/api/") and request.endpoint not in PAGES:
        choose_for_program()
    elif not for_residents():
        choose(nearest(asked))
    elif asked in PUBLIC_LANGUAGES:
        choose(asked)
    else:
        choose(of_browser(request.headers.get("Accept-Language", "")))


def _remember(response: Response) -> Response:
    asked = request.args.get("lang")
    if asked in PUBLIC_LANGUAGES and request.endpoint != "static":
        response.set_cookie(
            COOKIE,
            asked,
            max_age=SECONDS,
            httponly=True,
            samesite="Lax",
            secure=services().settings.https,
        )
    return response


def _forget(_error: BaseException | None) -> None:
    choose(JAPANESE)

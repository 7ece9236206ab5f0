"""言語の選択: which language a reader has chosen, by a link in the head, kept in a cookie.

Japanese comes first: what a browser asks for by itself (``Accept-Language``) changes no page, for
the machines of an office are often set up in a language that nobody there has chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from web.language import ENGLISH, JAPANESE, LANGUAGES, choose, language
from web.services import services

if TYPE_CHECKING:
    from flask import Flask, Response

COOKIE = "kokin_language"
SECONDS = 365 * 24 * 3600
PAGES = frozenset({"api_documents.explain"})  # what people read below /api/


def listen(app: Flask) -> None:
    """Choose before each page, remember behind it; before any hook that may answer."""
    app.before_request(_choose)
    app.after_request(_remember)
    app.teardown_request(_forget)


def other_languages() -> list[tuple[str, str, str]]:
    """ほかの言語: code, name in itself, and the address of this page in it."""
    return [(code, name, _here(code)) for code, name in LANGUAGES.items() if code != language()]


def of_program(accept_language: str) -> str:
    """The language that a program asks for (``Accept-Language``); Japanese unless English."""
    if not accept_language:
        return JAPANESE
    wanted = parse_accept_header(accept_language, LanguageAccept)
    return wanted.best_match([JAPANESE, ENGLISH]) or JAPANESE


def choose_for_program() -> None:
    """Before a request of a program: problems are told in the language it asks for."""
    choose(of_program(request.headers.get("Accept-Language", "")))


def _here(code: str) -> str:
    """This page in another language; an answer to a form has none, so its form is shown."""
    rule = request.url_rule
    path = request.path if rule is not None and "GET" in (rule.methods or ()) else "/"
    # A filter of the staff stays; on the page of the residents a number in an address is none of
    # ours and is not repeated.
    staff = request.path.startswith("/staff")
    kept = [
        (name, value) for name, value in request.args.items(multi=True) if staff and name != "lang"
    ]
    return f"{path}?{urlencode([*kept, ('lang', code)])}"


def _choose() -> None:
    asked = request.args.get("lang") or request.cookies.get(COOKIE, "")
    if not asked and request.path.startswith("/api/") and request.endpoint not in PAGES:
        choose_for_program()
    else:
        choose(asked)


def _remember(response: Response) -> Response:
    asked = request.args.get("lang")
    if asked in LANGUAGES and request.endpoint != "static":
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

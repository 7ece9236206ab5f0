"""静的ファイルの渡し方: style and scripts are sent once, packed, and then not asked for again.

The address of a file carries a digest of what is in it, so that a browser may keep the file for
good: a changed file has another address. Text is packed (gzip) for whoever takes it so.

Of pages only those for residents are packed that repeat nothing of the request: a first view over a
slow line is half a second earlier with it. A page that repeats what somebody typed, or words of its
address, never is: it carries the token of its forms, and the length of a packed page would tell the
token to whoever can have the page repeat a guess (BREACH, 2013). Nor is any page of a person's own.

Whoever comes for the first time is sent the style within the page, which the policy of its content
allows by its digest: one way over the line less before the first view. The file is fetched behind
it, for the pages that follow.
"""

from __future__ import annotations

import gzip
from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask, Response, current_app, g, request
from markupsafe import Markup
from werkzeug.security import safe_join

from web.language import PUBLIC_LANGUAGES
from web.language_choice import for_everybody, for_residents
from web.reading_aids import AIDS, OFF, ON
from web.security import HEADERS

PUBLIC_STYLE, POLICY = "public.css", "Content-Security-Policy"
PAGE_LEVEL = 6  # a page is packed for each who asks
# What an address may say and the page that it leads to does not repeat, unless it is one of these.
SWITCHES = {"lang": frozenset(PUBLIC_LANGUAGES), **dict.fromkeys(AIDS, frozenset({ON, OFF}))}
STATIC = "static"  # the endpoint by which Flask hands out the folder
KEPT = "public, max-age=31536000, immutable"
DIGITS = 12
_TEXT = frozenset({"text/css", "text/javascript", "application/javascript", "image/svg+xml"})


def deliver(app: Flask) -> None:
    """Have the files of the static folder kept and packed."""
    app.jinja_env.globals["first_style"] = first_style
    app.url_defaults(_with_version)
    app.after_request(_kept_and_packed)


def _with_version(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == STATIC and "v" not in values:
        file = _file(values["filename"])
        if file is not None:
            values["v"] = file.version


def _kept_and_packed(response: Response) -> Response:
    if "style_digest" in g:
        own = f"style-src 'self' 'sha256-{g.style_digest}'"
        response.headers[POLICY] = HEADERS[POLICY].replace("style-src 'self'", own)
    if response.status_code != HTTPStatus.OK:
        return response
    if request.endpoint != STATIC:
        return _packed_page(response)
    file = _file((request.view_args or {})["filename"])
    if file is None:
        return response
    if request.args.get("v") == file.version:
        response.headers["Cache-Control"] = KEPT
    if response.mimetype in _TEXT:
        response.vary.add("Accept-Encoding")
        if request.accept_encodings.quality("gzip") > 0:
            response.close()  # the file that would have been sent
            response.direct_passthrough = False
            response.set_data(file.packed)
            response.headers["Content-Encoding"] = "gzip"
            # The same file in other bytes: equal only in what it says (RFC 9110, 8.8.1).
            response.set_etag(str(response.get_etag()[0]), weak=True)
            del response.headers["Accept-Ranges"]
    return response


def first_style() -> Markup:
    """The style of the pages for residents, for whoever has none of our cookies yet; else ""."""
    if request.cookies or request.method != "GET" or not for_residents():
        return Markup()
    file = _file(PUBLIC_STYLE)
    if file is None:
        return Markup()
    g.style_digest = file.digest
    return Markup(file.plain)  # noqa: S704 - a file of ours


def _packed_page(response: Response) -> Response:
    """A page that is the same for everybody who asks so, but for its tokens."""
    if request.method != "GET" or response.mimetype != "text/html" or not for_everybody():
        return response
    if any(value not in SWITCHES.get(name, ()) for name, value in request.args.items(multi=True)):
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings.quality("gzip") > 0:
        response.set_data(gzip.compress(response.get_data(), PAGE_LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


class _File(NamedTuple):
    """A file as it is named and sent."""

    version: str
    packed: bytes
    plain: str  # of text
    digest: str  # as a policy names it


def _file(name: str) -> _File | None:
    """The file as it is now; None where there is none."""
    place = safe_join(str(current_app.static_folder), name)
    if place is None or not Path(place).is_file():
        return None
    return _read(place, Path(place).stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _read(place: str, _changed_at: int) -> _File:
    data = Path(place).read_bytes()
    digest = sha256(data)
    return _File(
        digest.hexdigest()[:DIGITS],
        gzip.compress(data, 9, mtime=0),
        data.decode("utf-8", "replace"),
        b64encode(digest.digest()).decode("ascii"),
    )

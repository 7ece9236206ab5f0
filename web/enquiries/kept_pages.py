"""作った画面: pages that say the same to many are made once (half of what a question costs).

What a page is made of is its key, so that it is the same page, to the letter, that would be made
anew. An answer about one slip says nothing but a state and days that thousands of slips share; one
about several slips names digits, and is never kept. What differs for everybody (the token of a form
and its task) is put in afterwards.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from flask import g, render_template, request
from flask_wtf.csrf import generate_csrf

from web.furigana import with_furigana
from web.language import language
from web.reading_aids import AIDS, COOKIE, has_furigana, is_on, note_furigana
from web.services import services
from web.static_files import first_style

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KEPT_MAX = 600  # of some ten kilobytes each
TASK = secrets.token_hex(16)  # stands in a kept page where the task of a form belongs
_TOKEN = secrets.token_hex(16)  # and where its token does
_PLACE = " at 0x"


class KeptPages:
    """作った画面 of one application, those that were asked for last."""

    def __init__(self, most: int = KEPT_MAX) -> None:
        """``most`` pages at once."""
        self._most = most
        self._pages: OrderedDict[tuple[object, ...], str] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._pages)

    def page(self, template: str, values: Mapping[str, Any], *, task: str = "") -> str:
        """The page that a template makes of these values, which say themselves (``repr``).

        With ``task`` it has forms. Whatever stands in the address of the page is not kept, nor is
        what is made of a thing that says only where it lies: another may lie there tomorrow.
        """
        said = repr(values)
        if request.query_string or _PLACE in said:
            return render_template(template, **values, task=task)
        sole = services().sole
        key = (
            template, said, request.path, request.endpoint, language(),
            *_aids(), sole.name if sole else None, bool(first_style()),
        )  # fmt: skip
        with self._lock:
            kept = self._pages.get(key)
            if kept is not None:
                self._pages.move_to_end(key)
        if kept is None:
            kept = _made(lambda: render_template(template, **values, task=task and TASK))
            with self._lock:
                self._pages[key] = kept
                if len(self._pages) > self._most:
                    self._pages.popitem(last=False)
        note_furigana()
        return kept.replace(TASK, task).replace(_TOKEN, generate_csrf()) if task else kept


def _aids() -> list[bool]:
    """What is switched on; who has switched nothing has what goes with the language."""
    return [is_on(name) for name in AIDS] if COOKIE in request.cookies else []


def _made(make: Callable[[], str]) -> str:
    """The page with what stands for the token of its forms, and with its readings."""
    g.csrf_token = _TOKEN  # what generate_csrf() says from here on
    try:
        page = make()
    finally:
        del g.csrf_token
    return with_furigana(page) if has_furigana() else page

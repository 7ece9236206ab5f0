"""本人の歩み: the small steps that every test of the residents' own pages takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from web.commands.setup import sample_profile

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

M = "99999"
ITEMS = tuple(item.item_code for item in sample_profile().items)  # every one of the sample city
BACK = "http://localhost/my/back"
PARTS = {
    "collecting_body_code": (0, 5),
    "case_key": (5, 25),
    "confirmation_no": (25, 31),
    "item_code": (31, 34),
}


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_given: Any, **_named: Any) -> None:
        """Follow nothing."""


def consent(address: str, **form: str) -> str:
    """Somebody presses the button at the provider: where the browser is sent back to."""
    asked = Request(address, urlencode(form).encode())  # noqa: S310 - the provider on this machine
    try:
        build_opener(_NoRedirect()).open(asked, timeout=120)
    except HTTPError as answer:
        return str(answer.headers["Location"])
    raise AssertionError(address)


def form_of(number: str) -> dict[str, str]:
    """An eL number as the four fields of a form."""
    return {name: number[begin:end] for name, (begin, end) in PARTS.items()}


def shown(answer: TestResponse) -> str:
    """The text of a page, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)).split())

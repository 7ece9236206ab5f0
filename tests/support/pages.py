"""画面の比較: pages without what differs from one second to the next."""

from __future__ import annotations

import re

TOKEN = re.compile(r'name="csrf_token" value="[^"]*"')


def without_token(page: str) -> str:
    """The page without its CSRF tokens, which carry the time."""
    return TOKEN.sub("", page)

"""頁の始まり: the key behind which a page of a list begins, as an address says it (``4-12``)."""

from __future__ import annotations

from flask import abort

DIGITS_MAX = 18  # of one number: none is more than a database holds


def page_start(value: str, beginning: tuple[int, ...]) -> tuple[int, ...]:
    """その鍵: as many numbers as ``beginning`` has, which "" stands for; anything else is a 404."""
    if not value:
        return beginning
    parts = value.split("-")
    known = all(part.isascii() and part.isdecimal() for part in parts)
    if len(parts) != len(beginning) or not known or max(map(len, parts)) > DIGITS_MAX:
        abort(404)
    return tuple(map(int, parts))

"""画面の版: a form says what its page had shown, so that nobody decides about what has changed.

A page puts :func:`shown` of everything that matters into the hidden field :data:`FIELD` of its
forms. The view that takes the form works it out again, in its own transaction, and refuses when it
is not the same: the page is shown again as things stand now, with what was typed still in the form.
"""

from __future__ import annotations

from hashlib import sha256

from flask import request

from payments.domain.errors import RefusedError

FIELD = "shown"
_DIGITS = 16


def shown(*values: object) -> str:
    """版: what a page showed, in a few digits; equal values give equal digits.

    Values say all that they are in their ``repr``: numbers, texts, dates, and tuples and frozen
    dataclasses of them.
    """
    return sha256(repr(values).encode()).hexdigest()[:_DIGITS]


def require_shown(now: str) -> None:
    """古い画面の拒否: the form of this request is about what stands now.

    A form without the field was made by no page of ours and promises nothing. Raises
    :class:`RefusedError` ``stale_form``.
    """
    said = request.form.get(FIELD, "")
    if said and said != now:
        raise RefusedError("stale_form")

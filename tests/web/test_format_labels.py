"""Every kind of file that may come in has a name that people read."""

from __future__ import annotations

from reconcile.formats import FORMATS
from reconcile.formats.signatures import CSV_HEADERS
from web import messages


def test_every_format_has_its_name():
    codes = {entry.code for entry in FORMATS} | set(CSV_HEADERS)
    assert {code for code in codes if messages.label("format", code) == code} == set()

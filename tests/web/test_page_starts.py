"""Where a page of a list begins, as its address says it."""

from __future__ import annotations

import pytest
from werkzeug.exceptions import NotFound

from web.page_starts import page_start


@pytest.mark.parametrize(
    ("value", "found"), [("", (0, 0)), ("4-12", (4, 12)), ("0-999999999999999999", (0, 10**18 - 1))]
)
def test_an_address_is_a_key(value, found):
    assert page_start(value, (0, 0)) == found


@pytest.mark.parametrize(
    "value", ["4", "4-12-1", "4-", "-", "a-1", "１-2", "4-1000000000000000000"]
)
def test_anything_else_is_not_found(value):
    with pytest.raises(NotFound):
        page_start(value, (0, 0))

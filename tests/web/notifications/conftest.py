"""What tests of notifications share."""

from __future__ import annotations

import pytest

from web.notifications import receive


@pytest.fixture
def _impatient(monkeypatch):
    """The books are held here on purpose: nobody waits long for them."""
    monkeypatch.setattr(receive, "LOCK_WAIT_MS", 200)

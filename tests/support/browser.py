"""A real Chromium for the tests: Debian's own, so that no browser has to be downloaded."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


def _program() -> str:
    found = shutil.which("chromium")
    if not found:
        raise RuntimeError(
            "Chromium is missing: the pages are tested in a real browser. "
            "`make test` installs it; by hand: apt-get install chromium"
        )
    return found


@contextlib.contextmanager
def launched() -> Iterator[Browser]:
    """A running browser without a window."""
    with sync_playwright() as playwright:
        # Neither root nor most containers can have Chromium's sandbox; it loads our own pages only.
        chromium = playwright.chromium.launch(executable_path=_program(), args=["--no-sandbox"])
        yield chromium
        chromium.close()

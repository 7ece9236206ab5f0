"""A real Chromium for the tests: Debian's own, so that no browser has to be downloaded."""

from __future__ import annotations

import contextlib
import os
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
    # Chromium refuses its sandbox to root; the pages it loads here are our own.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_program(), args=arguments)
        yield chromium
        chromium.close()

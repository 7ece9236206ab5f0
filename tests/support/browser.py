"""A real Chromium for the tests: Debian's own, so that no browser has to be downloaded.

And what every test of a page asks: which rules of accessibility it breaks, whether it fits.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from waitress.server import create_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from playwright.sync_api import Browser, Page


AXE = Axe().axe_script
# Every rule is asked, but only of those that are broken the places are brought here.
_VIOLATIONS = """async () => (await axe.run({resultTypes: ["violations"]})).violations.map(
    (broken) => [broken.id, broken.nodes.map((node) => node.target)])"""


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


@contextlib.contextmanager
def served(app: Flask) -> Iterator[str]:
    """The address of the service on a free port of this machine."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"

    def stop() -> None:
        # In the thread of the server's own loop: elsewhere it might be waiting for a connection
        # that is being closed under its hands. With nothing left to wait for, the loop ends.
        server.task_dispatcher.shutdown()
        for connection in list(server._map.values()):
            connection.close()

    server.trigger.pull_trigger(stop)
    thread.join(timeout=120)
    assert not thread.is_alive()


def violations(page: Page) -> list[tuple[str, list[object]]]:
    """The rules of accessibility (axe) that the page breaks, and where."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(_VIOLATIONS)
    return [(rule, places) for rule, places in found]


def fits(page: Page) -> bool:
    """No page scrolls sideways as a whole; wide tables scroll inside their frame."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))

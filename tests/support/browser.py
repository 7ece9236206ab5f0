"""A real Chromium for the tests: Debian's own, so that no browser has to be downloaded.

And what every test of a page asks: which rules of accessibility it breaks, whether it fits.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, sync_playwright
from waitress.server import create_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from flask import Flask
    from playwright.sync_api import BrowserContext


PATIENCE_MS = 120_000
AXE = Axe().axe_script
# 対比 is nearly all that axe takes time for, and it asks every cell of a table anew. Here each way
# that text looks on a page is asked about: the first, the middle and the last place with the same
# letters on the same ground. What lies on top of others has a ground of its own.
_LOOKS = """() => {
  const grounds = new Map(), numbers = new Map();
  const ground = (element) => {
    if (element === null) return 0;
    if (grounds.has(element)) return grounds.get(element);
    const below = ground(element.parentElement), style = getComputedStyle(element);
    const own = [style.backgroundColor, style.backgroundImage, style.opacity, style.filter,
      style.mixBlendMode, {absolute: grounds.size, fixed: grounds.size, sticky: "sticky"}[
        style.position] ?? ""].join();
    const key = own === "rgba(0, 0, 0, 0),none,1,none,normal," ? null : `${below},${own}`;
    if (key !== null && !numbers.has(key)) numbers.set(key, numbers.size + 1);
    grounds.set(element, key === null ? below : numbers.get(key));
    return grounds.get(element);
  };
  const looks = new Map();
  for (const element of document.querySelectorAll("body, body *")) {
    const said = element.matches("input, select, textarea") ? "typed" :
      [...element.childNodes].map((node) => node.nodeType === 3 ? node.data : "").join("").trim();
    if (!said || !element.checkVisibility({visibilityProperty: true})) continue;
    const style = getComputedStyle(element);
    // axe does not judge a single letter, nor what is out of use.
    const look = [ground(element), style.color, style.fontSize, style.fontWeight, style.textShadow,
      said.length > 1, element.closest(":disabled, [aria-disabled=true]") !== null].join();
    looks.set(look, [...looks.get(look) ?? [], element]);
  }
  return [...looks.values()].flatMap((same) =>
    [...new Set([same[0], same[same.length >> 1], same[same.length - 1]])]);
}"""
# Every rule is asked, but only of those that are broken the places are brought here.
_VIOLATIONS = f"""async ([colours, tags]) => {{
  const asked = {{resultTypes: ["violations"]}}, places = colours ? ({_LOOKS})() : [];
  const others = {{...asked, rules: {{"color-contrast": {{enabled: false}}}}}};
  const found = [await axe.run(tags.length ? {{...others, runOnly: tags}} : others)];
  if (places.length)
    found.push(await axe.run({{include: places}}, {{...asked, runOnly: ["color-contrast"]}}));
  return found.flatMap((each) => each.violations).map(
    (broken) => [broken.id, broken.nodes.map((node) => node.target)]);
}}"""
_ARGUMENTS = [
    # Neither root nor most containers can have Chromium's sandbox; it loads our own pages only.
    "--no-sandbox",
    # There is no graphics card to speak of, and one process draws the pages of all tests.
    "--disable-gpu",
    "--renderer-process-limit=1",
]


def _program() -> str:
    """Chromium without what draws windows where there is one: it does the same for less."""
    found = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if not found:
        raise RuntimeError(
            "Chromium is missing: the pages are tested in a real browser. `make test` installs it; "
            "by hand: apt-get install chromium-headless-shell (or chromium)"
        )
    return found


@contextlib.contextmanager
def launched() -> Iterator[Browser]:
    """A running browser without a window."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_program(), args=_ARGUMENTS)
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

    # The loop may wake up by itself and have stopped before it is told to look.
    with contextlib.suppress(OSError):
        server.trigger.pull_trigger(stop)
    thread.join(timeout=120)
    assert not thread.is_alive()


def forget(context: BrowserContext) -> None:
    """Close what was opened behind the first page, with all that it has been given to keep."""
    first, *others = context.pages
    addresses = {urlsplit(page.url) for page in others if page.url.startswith("http")}
    keeper = context.new_cdp_session(first)
    for origin in {f"{address.scheme}://{address.netloc}" for address in addresses}:
        keeper.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    keeper.detach()
    for page in others:
        page.close()
    context.clear_cookies()
    context.clear_permissions()


def settled(page: Page) -> Page:
    """The page, once what was last asked for has been read to its end."""
    page.wait_for_load_state()
    return page


def _settling(kind: type[Locator | Page], name: str) -> None:
    """Let what a person does to a page end when the page that it opens is there.

    By itself it ends as soon as the answer has begun, when there is not even a root element: what
    is asked of the page next, and does not wait by itself, would depend on who is quicker.
    """
    done = getattr(kind, name)

    @functools.wraps(done)
    def settling(self: Any, *given: Any, **named: Any) -> Any:
        result = done(self, *given, **named)
        page = getattr(self, "page", self)
        if not page.is_closed():
            settled(page)
        return result

    setattr(kind, name, settling)


def _patiently(made: Callable[..., BrowserContext]) -> Callable[..., BrowserContext]:
    """Contexts whose pages wait for what they are told to, however slow the machine."""

    @functools.wraps(made)
    def context(self: Browser, **options: Any) -> BrowserContext:
        one = made(self, **options)
        one.set_default_timeout(PATIENCE_MS)
        return one

    return context


Browser.new_context = _patiently(Browser.new_context)  # type: ignore[method-assign]
for _kind in (Locator, Page):
    for _name in ("check", "click", "press", "select_option", "set_input_files"):
        _settling(_kind, _name)


def bring_axe(page: Page) -> None:
    """Put axe into the page, unless it is there."""
    if not settled(page).evaluate("'axe' in window"):
        page.evaluate(AXE)


def violations(
    page: Page, *, colours: bool = True, tags: Sequence[str] = ()
) -> list[tuple[str, list[object]]]:
    """The rules of accessibility (axe) that the page breaks, and where.

    ``tags`` chooses among the rules; without any it is held to all of them.
    """
    bring_axe(page)
    found = page.evaluate(_VIOLATIONS, [colours, [*tags]])
    return [(rule, places) for rule, places in found]


def fits(page: Page) -> bool:
    """No page scrolls sideways as a whole; wide tables scroll inside their frame."""
    return bool(settled(page).evaluate("document.documentElement.scrollWidth <= window.innerWidth"))

"""キーボードだけの操作: what somebody does who has no mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from browser import settled

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

TABS_MAX = 120
_PARTS_MAX = 8  # more stops than controls: a day has its parts
# Everything that can be used, in the order of the page; what is folded away or hidden cannot.
# Of several radio buttons with one name Tab reaches one, so that pages with them need their own way.
_CONTROLS = (
    "[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, "
    'summary, [tabindex="0"]\')].filter((each) => each.checkVisibility())'
)
_WATCH = f"""() => {{
  window.kokinSeen = [];
  addEventListener("focusin", (event) => {{
    const each = event.target, style = getComputedStyle(each), box = each.getBoundingClientRect();
    window.kokinSeen.push([{_CONTROLS}.indexOf(each), style.outlineStyle !== "none"
      && parseFloat(style.outlineWidth) > 0 && box.bottom > 0 && box.top < innerHeight]);
  }});
  return {_CONTROLS}.length;
}}"""


def tab_to(control: Locator) -> None:
    """Press Tab until the control has the focus."""
    page = control.page
    for _ in range(TABS_MAX):
        if control.evaluate("(each) => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(control)


def type_into(control: Locator, text: str) -> None:
    """Go there by Tab, and type over what is there."""
    tab_to(control)
    control.page.keyboard.press("ControlOrMeta+a")
    control.page.keyboard.type(text)


def press(control: Locator) -> None:
    """Go there by Tab, and press Enter."""
    tab_to(control)
    control.press("Enter")  # by the key all the same, but it waits for the page that this opens


def out_of_reach(page: Page) -> list[Any]:
    """What is wrong with going through the page by Tab: nothing when every control comes once, in
    the order of the page, in sight, and with a mark that it is there.
    """
    number = settled(page).evaluate(_WATCH)
    seen: list[Any] = []
    for pressed in range(1, number + _PARTS_MAX):
        page.keyboard.press("Tab")
        if pressed >= number and len(seen := page.evaluate("window.kokinSeen")) >= number:
            break
    expected = [[place, True] for place in range(number)]
    return [] if seen == expected else [number, seen]

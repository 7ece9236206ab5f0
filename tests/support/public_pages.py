"""住民の画面: which there are, and what a browser finds wrong with one of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from browser import bring_axe, settled

from web.help.questions import questions
from web.language import EASY_JAPANESE, JAPANESE
from web.language_choice import TWO_LANGUAGES

if TYPE_CHECKING:
    from flask import Flask
    from playwright.sync_api import Page

WIDTHS = (320, 390, 1280)  # 1280 at 400 %, a telephone, an office screen
# The languages that try a page hardest: with a reading over each word, and with the longest words.
# The soak looks at every page in all of them.
HARDEST = (JAPANESE, EASY_JAPANESE, "vi", "pt")
BYTES_MAX = 150_000  # of a page with everything that its first view loads
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
STANDARDS = "WCAG 2.2 AA"
# The longest question stands for all of them where each costs time.
QUESTION = "late-charge"
# Not pages of their own: they lead to the identity provider, or need what a letter carries.
ELSEWHERE = re.compile(r"/my/(sign-in|back)|<token>")
# WCAG 1.4.12: nothing is lost when a reader spaces the text so.
SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }`);
  document.adoptedStyleSheets = [sheet];
}"""
# What reaches out of the page, and text that its box cuts off.
OUTSIDE = """() => {
  const found = [];
  if (document.documentElement.scrollWidth > window.innerWidth) found.push("page scrolls");
  for (const each of document.querySelectorAll("body *")) {
    if (each.closest(".hidden, .skip, .scroll, [hidden], rp")) continue;
    const box = each.getBoundingClientRect();
    const cut = getComputedStyle(each).overflowX === "hidden" && each.scrollWidth > each.clientWidth;
    if (box.width && (box.right > window.innerWidth + 1 || box.left < -1 || cut))
      found.push(each.tagName + " " + each.textContent.trim().slice(0, 30));
  }
  return found;
}"""
# As the page is, and with spaced text; it is as it was afterwards.
_BOTH = f"""() => {{
  const found = [({OUTSIDE})()], before = document.adoptedStyleSheets;
  ({SPACED})();
  found.push(({OUTSIDE})());
  document.adoptedStyleSheets = before;
  return found;
}}"""


def public_pages(app: Flask, *, every_question: bool = False) -> list[str]:
    """Address of each page for residents that anybody can open, and of one that is not there."""
    rules = app.extensions["kokin_access"]
    found = []
    for rule in app.url_map.iter_rules():
        blueprint = rule.endpoint.partition(".")[0]
        access = rules.get(blueprint)
        mine = access is not None and access.value == "public" and blueprint not in TWO_LANGUAGES
        if mine and "GET" in (rule.methods or ()) and not ELSEWHERE.search(rule.rule):
            found.append(rule.rule)
    slugs = [each.slug for each in questions()] if every_question else [QUESTION]
    shown = {each for each in found if "<slug>" not in each}
    shown |= {f"/help/{slug}" for slug in slugs}
    return sorted(shown | {"/nowhere"})


def signed_in_pages(app: Flask) -> list[str]:
    """Address of each page that a resident sees of their own."""
    rules = app.extensions["kokin_access"]
    return sorted(
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and (access := rules.get(rule.endpoint.partition(".")[0])) is not None
        and access.value == "resident"
    )


def widths_that_overflow(page: Page) -> list[tuple[int, list[str]]]:
    """Widths at which something reaches out of the page, as it is and with spaced text."""
    wrong = []
    settled(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        wrong += [(width, found) for found in page.evaluate(_BOTH) if found]
    return wrong


def broken_rules(page: Page) -> list[Any]:
    """The rules of axe that the page breaks, and where."""
    bring_axe(page)
    options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    found = page.evaluate("async (options) => (await axe.run(options)).violations", options)
    return [(each["id"], [node["target"] for node in each["nodes"]][:3]) for each in found]

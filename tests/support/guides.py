"""手引き: the guides of docs/guide as a list of screens, each with the words that must stand on it.

Under the picture of a task stands a comment that says who opens which page, and what is done there::

    ![再発行の画面](pictures/clerk-reissue.png)
    <!-- screen: nofu /staff/slips/{slip} | fill 再発行の理由=紛失のため | press 再発行する -->

``{slip}`` and the like are values of the sample city (:func:`values`). Steps: ``fill LABEL=TEXT``,
``choose LABEL=VALUE``, ``open SUMMARY``, ``press BUTTON``. A comment without a picture is looked
up as well. What the task quotes in 「」 must stand on that page.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, NamedTuple

from codebase import ROOT
from PIL import Image
from sqlalchemy import text

from payments.store.unit_of_work import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from playwright.sync_api import Page
    from sqlalchemy import Engine

GUIDE = ROOT / "docs" / "guide"
GUIDES = ("administrator", "treasurer", "clerk")
PICTURES = GUIDE / "pictures"
WIDTH, HEIGHT = 1000, 700
BYTES_MAX, PICTURES_MAX = 60_000, 30
COLOURS = 48

_TASK = re.compile(r"^#{2,3} (.+)$", re.MULTILINE)
_PICTURE = re.compile(r"!\[([^\]]+)\]\(pictures/([a-z-]+\.png)\)")
_SCREEN = re.compile(r"<!-- screen: (\S+) (\S+)((?: \| [^|]+?)*) -->")
_QUOTED = re.compile("「([^」]+)」")
# Every image of what is in sight is drawn.
_PICTURED = """() => [...document.images].every((image) => {
  const box = image.getBoundingClientRect();
  const seen = box.height > 0 && box.bottom > 0 && box.top < innerHeight;
  return !seen || (image.complete && image.naturalWidth > 0);
})"""
_WORDS = """() => {
  for (const each of document.querySelectorAll("details")) each.open = true;
  const said = [...document.querySelectorAll("input, button, [aria-label], option, img")].flatMap(
    (e) => [e.value, e.placeholder, e.getAttribute("aria-label"), e.text, e.alt]);
  return [document.body.innerText, ...said].filter(Boolean).join("\\n").replace(/\\s+/g, "");
}"""
_OF_CITY = {
    "case": "SELECT case_no FROM review_case WHERE kind = 'settlement_difference' ORDER BY 1",
    "bad": "SELECT file_id FROM source_file WHERE status = 'quarantined' ORDER BY 1",
    "line": "SELECT file_id || '/' || line_no FROM line_outcome WHERE outcome = 'matched' "
    "AND applied_yen > 10000 ORDER BY file_id, line_no",
    "slip": "SELECT s.slip_id FROM slip s JOIN instalment_account a ON a.notice_id = s.notice_id "
    "AND a.term = s.term WHERE s.state = 'new' AND a.term_yen + a.whole_yen = 0 "
    "AND a.amount_yen = s.amount_yen AND s.el_number IS NOT NULL ORDER BY s.slip_id",
    "slip_no": "SELECT s.slip_no FROM slip s JOIN instalment_account a "
    "ON a.notice_id = s.notice_id AND a.term = s.term WHERE s.state = 'new' "
    "AND a.term_yen + a.whole_yen = 0 AND a.amount_yen = s.amount_yen "
    "AND s.el_number IS NOT NULL ORDER BY s.slip_id",
}


class Screen(NamedTuple):
    """画面: one task of a guide, the page it is about and what it says stands there."""

    guide: str
    task: str
    picture: str  # "" where the words alone are looked up
    user: str
    path: str
    steps: tuple[str, ...]
    words: tuple[str, ...]


def text_of(guide: str) -> str:
    """A guide as it is written."""
    return (GUIDE / f"{guide}.md").read_text("utf-8")


def tasks(guide: str) -> list[tuple[str, str]]:
    """(heading, text below it) of a guide."""
    parts = _TASK.split(text_of(guide))
    return list(zip(parts[1::2], parts[2::2], strict=True))


def screens(guide: str) -> list[Screen]:
    """The pictured tasks of a guide, in their order."""
    found = []
    for task, said in tasks(guide):
        picture, screen = _PICTURE.search(said), _SCREEN.search(said)
        if screen is not None:
            steps = tuple(step.strip() for step in screen[3].split("|") if step.strip())
            words = tuple(dict.fromkeys(_QUOTED.findall(said)))
            name = picture[2] if picture else ""
            found.append(Screen(guide, task, name, screen[1], screen[2], steps, words))
    return found


def values(
    engine: Engine, queries: Mapping[str, str] = _OF_CITY, code: str = "99999"
) -> dict[str, str]:
    """What the addresses of the screens name."""
    with reading(engine, code) as connection:
        return {
            name: str(connection.execute(text(f"{query} LIMIT 1")).scalar_one())
            for name, query in queries.items()
        }


def sign_in(page: Page, address: str, name: str, password: str) -> None:
    """A screen of this person, whoever was signed in before."""
    page.context.clear_cookies()
    page.goto(f"{address}/staff/sign-in")
    page.fill("#user_name", name)
    page.fill("#password", password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: not url.endswith("/sign-in"))


def walk(page: Page, steps: Iterable[str], known: dict[str, str]) -> None:
    """Do what the guide does on this page."""
    for step in steps:
        kind, _, rest = step.format(**known).partition(" ")
        name, _, value = rest.partition("=")
        if kind == "fill":
            page.get_by_label(name, exact=True).first.fill(value)
        elif kind == "choose":
            page.get_by_label(name, exact=True).first.select_option(value)
        elif kind == "open":
            page.locator("summary").filter(has_text=rest).first.click()
        elif kind == "press":
            page.get_by_role("button", name=rest, exact=True).first.click()
        else:
            raise AssertionError(step)


def missing(page: Page, screen: Screen) -> list[str]:
    """Words that the guide quotes and the page does not have."""
    said = page.evaluate(_WORDS)
    return [word for word in screen.words if re.sub(r"\s+", "", word) not in said]


def picture(page: Page, target: Path) -> None:
    """Write the page as a small PNG with few colours."""
    page.wait_for_load_state("networkidle")
    # Idle is also a page that has not begun to fetch what was just opened.
    page.wait_for_function(_PICTURED)
    keep(page.screenshot(), target)


def keep(image: bytes, target: Path, width: int | None = None, colours: int = COLOURS) -> None:
    """Write an image as a small PNG with few colours, and of this width."""
    shot = Image.open(io.BytesIO(image)).convert("RGB")
    if width:
        height = shot.height * width // shot.width
        shot = shot.resize((width, height), Image.Resampling.LANCZOS)
    shot.quantize(colours, dither=Image.Dither.NONE).save(target, "PNG", optimize=True)

"""点検中の画面: one file in every language that a proxy serves while this service does not answer.

It needs nothing beside itself: no style, no picture, no address of ours. Whoever reads it has paid
or is about to, so it says first that the money is safe and that nobody is to pay twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from web import messages
from web.furigana import in_ruby
from web.language import (
    EASY_JAPANESE,
    JAPANESE,
    PUBLIC_LANGUAGES,
    language_tag,
    speaking,
    translated,
)
from web.texts.help import UNSHOWN

TEMPLATES = Path(__file__).parents[1] / "templates"
OUTAGE = Path(__file__).parents[1] / "static" / "outage.html"  # the page without a contact
TITLE = "点検中です / Under maintenance"
_STATUS = 503


def outage_page(contact: str = "") -> str:
    """点検中の画面 (HTML) with the body's 問い合わせ先, if it gives one."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    languages = [_section(code, name) for code, name in PUBLIC_LANGUAGES.items()]
    template = environment.get_template("help/outage.html")
    return template.render(title=TITLE, contact=contact, languages=languages) + "\n"


def _section(code: str, name: str) -> dict[str, Any]:
    tag = language_tag(code)
    with speaking(code):
        heading, *paragraphs = (_said(code, each) for each in UNSHOWN[_STATUS])
        draft = "" if tag.startswith(JAPANESE) else messages.label("public_note", "draft")
    return {"tag": tag, "name": name, "heading": heading, "paragraphs": paragraphs, "draft": draft}


def _said(code: str, sentence: str) -> Markup:
    said = escape(translated(sentence))
    return Markup(in_ruby(said)) if code == EASY_JAPANESE else said  # noqa: S704  # escaped above

"""点検中の画面: one file for a proxy, in every language, with nothing beside itself."""

from __future__ import annotations

import json
import re

from click.testing import CliRunner

from web import messages
from web.cli import main
from web.help.outage import OUTAGE, outage_page
from web.language import PUBLIC_LANGUAGES, language_tag, speaking


def test_the_page_that_is_kept_is_the_one_that_is_made():
    assert OUTAGE.read_text(encoding="utf-8") == outage_page(), "kokin outage-page --out it again"


def test_it_says_in_every_language_that_nobody_is_to_pay_twice():
    page = outage_page()
    assert page.count("<section lang=") == len(PUBLIC_LANGUAGES)
    for code, name in PUBLIC_LANGUAGES.items():
        assert f'<section lang="{language_tag(code)}">' in page
        assert f"<h2>{name} — " in page
    for said in ("二重に納めないでください", "do not pay twice", "请不要重复缴纳", "nộp hai lần",
                 "이중으로 납부하지", "não pague duas vezes"):  # fmt: skip
        assert said in page


def test_what_a_machine_translated_says_so_here_as_on_every_page():
    sections = re.findall(r'<section lang="([^"]*)">(.*?)</section>', outage_page(), re.DOTALL)
    for code, (tag, said) in zip(PUBLIC_LANGUAGES, sections, strict=True):
        with speaking(code):
            draft = messages.label("public_note", "draft")
        assert (draft in said) == (not tag.startswith("ja")), code


def test_it_needs_nothing_beside_itself():
    assert re.findall(r"\b(?:src|href|action|url|@import)\b", outage_page()) == []
    assert len(outage_page().encode()) < 10_000


def test_a_body_writes_it_with_its_own_contact(tmp_path):
    target = tmp_path / "outage.html"
    asked = ["outage-page", "--out", str(target), "--contact", "収納課 <0123>", "--json"]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 0
    page = target.read_text(encoding="utf-8")
    assert "<p>収納課 &lt;0123&gt;</p>" in page
    assert json.loads(result.output) == {"out": str(target), "bytes": len(page.encode())}


def test_it_can_be_written_to_the_terminal():
    assert CliRunner().invoke(main, ["outage-page"]).output == outage_page()

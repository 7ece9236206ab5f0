"""ウェブアクセシビリティの試験結果: what the browser tests wrote down, as the page shows it.

``accessibility.json`` is written by the tests (``make accessibility``) and kept with the code;
a test fails when the pages are no longer those that were tried.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from web.language import translated
from web.texts.help import CHECKS

RESULT = Path(__file__).with_name("accessibility.json")


@dataclass(frozen=True, slots=True)
class Statement:
    """試験の結果 over all pages for residents, in every language."""

    tested_on: date
    tool: str
    standards: str
    rules: tuple[str, ...]  # the rules of the tool that were asked
    violations: int
    pages: tuple[str, ...]
    languages: tuple[str, ...]
    widths: tuple[int, ...]  # CSS pixels
    checks: tuple[str, ...]  # codes of what else was tried


@functools.cache
def statement() -> Statement:
    """What was found when the pages were tried last."""
    plain: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8"))
    plain["tested_on"] = date.fromisoformat(plain["tested_on"])
    lists = ("rules", "pages", "languages", "widths", "checks")
    plain.update({name: tuple(plain[name]) for name in lists})
    return Statement(**plain)


def checks() -> list[str]:
    """What else was tried, in the reader's words."""
    return [translated(CHECKS[code]) for code in statement().checks]

"""住民の文言の収集: every Japanese sentence that a page for residents can say, and where it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codebase import ROOT
from sentences import JAPANESE, TEMPLATES, said_in, said_in_module

from payments.domain.identifiers import ElNumber
from web.help.places import PUBLIC_PLACES
from web.texts.errors import ERRORS
from web.texts.help import ANSWERS, CHECKS, GROUPS, NEEDS, NOT_SHOWN, UNSHOWN, UNTIL, USUALLY
from web.texts.labels import LABELS
from web.texts.residents import RESIDENT_ERRORS

if TYPE_CHECKING:
    from pathlib import Path

# The packages whose pages are for residents, and what all of them share.
PACKAGES = ("enquiries", "help", "residents")
SHARED_TEMPLATES = ("base.html", "public.html", "public_error.html")
OTHER_TEMPLATES = ("certificates/verify.html",)
SHARED_MODULES = ("reading_aids.py",)
# Errors that a resident can meet and that have no words of their own by their status.
STAFF_ERRORS = {"resident_link"}
ERROR_CODES = ("too_large", *sorted(RESIDENT_ERRORS.keys() - STAFF_ERRORS))
_GROUP = re.compile(r"""\b(?:label|_usual)\(\s*["'](\w+)["']""")
_STAFF = 'extends "staff.html"'
_COUNTED = ("秒", "分", "時間", "件")  # units of what is counted


def public_sentences() -> dict[str, str]:
    """Sentence → place, of everything a resident can be told."""
    found: dict[str, str] = {}
    for path in _templates():
        found |= said_in(path)
    for path in _modules():
        found |= said_in_module(path)
    found |= dict.fromkeys(_of_help(), "web/texts/help.py")
    for group in sorted(groups()):
        found |= dict.fromkeys(LABELS[group].values(), f"label {group}")
    found |= {ERRORS[code]: f"error {code}" for code in ERROR_CODES}
    found |= dict.fromkeys(ElNumber.LABELS_JA.values(), "identifiers")
    found |= dict.fromkeys(
        ["{amount}円", *(f"{{number}}{unit}" for unit in _COUNTED)], "formatting"
    )
    found |= {place.label: "web/help/places.py" for place in PUBLIC_PLACES}
    return {said: place for said, place in found.items() if JAPANESE.search(said)}


def groups() -> set[str]:
    """Which closed lists the pages for residents name values of."""
    sources = [path.read_text(encoding="utf-8") for path in (*_templates(), *_modules())]
    return {group for source in sources for group in _GROUP.findall(source)} & LABELS.keys()


def _of_help() -> list[str]:
    answers = [said for group in ANSWERS.values() for said in group.values()]
    several = [*answers, *UNSHOWN.values()]
    single = [NOT_SHOWN, *NEEDS.values(), *UNTIL.values(), *USUALLY.values(), *CHECKS.values()]
    names = [GROUPS.raw(code) for code in GROUPS]
    return [*(each for said in several for each in said), *single, *names]


def _templates() -> list[Path]:
    own = [path for each in PACKAGES for path in sorted((TEMPLATES / each).glob("*.html"))]
    shown = [path for path in own if _STAFF not in path.read_text(encoding="utf-8")]
    return shown + [TEMPLATES / each for each in (*SHARED_TEMPLATES, *OTHER_TEMPLATES)]


def _modules() -> list[Path]:
    own = [path for each in PACKAGES for path in sorted((ROOT / "web" / each).glob("*.py"))]
    shown = [path for path in own if path != ROOT / "web" / "residents" / "desk.py"]  # of staff
    return shown + [ROOT / "web" / each for each in SHARED_MODULES]

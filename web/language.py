"""言語: pages are written in Japanese; staff may switch to English, residents to six languages.

The Japanese sentence is its own key, as gettext has it: ``_('日計')``. A sentence that nobody has
translated is shown in Japanese. What is translated lies in ``web/translations/<language>/*.po`` and
is read when the first reader asks for it. Who has chosen what: ``web/language_choice.py``; why it
is so: docs/adr/0016.

Commands, logs, notices and everything that is stored are Japanese whatever the reader chose:
outside a page nobody has chosen, and documents are made within ``speaking(JAPANESE)``.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

JAPANESE, EASY_JAPANESE, ENGLISH = "ja", "ja-easy", "en"
LANGUAGES = {JAPANESE: "日本語", ENGLISH: "English"}  # of every page, each by its own name
# Of the pages for residents.
PUBLIC_LANGUAGES = {
    JAPANESE: "日本語",
    EASY_JAPANESE: "やさしい日本語",
    ENGLISH: "English",
    "zh": "中文",
    "ko": "한국어",
    "vi": "Tiếng Việt",
    "pt": "Português",
}
# How a browser and a screen reader know them (BCP 47), where that is another name than ours.
_TAGS = {EASY_JAPANESE: "ja", "zh": "zh-Hans"}
# What says a sentence that has not been translated, before Japanese does.
_SECOND = dict.fromkeys(PUBLIC_LANGUAGES.keys() - {JAPANESE, EASY_JAPANESE}, ENGLISH)
TRANSLATIONS = Path(__file__).parent / "translations"

_chosen: ContextVar[str] = ContextVar("language", default=JAPANESE)


def language() -> str:
    """言語 of the reader, by its code in :data:`PUBLIC_LANGUAGES`."""
    return _chosen.get()


def language_tag(code: str = "") -> str:
    """言語タグ (BCP 47) of a language, or of the reader's: やさしい日本語 is Japanese."""
    code = code or _chosen.get()
    return _TAGS.get(code, code)


def is_japanese() -> bool:
    """Whether the reader reads Japanese, easy or not: dates and amounts are written alike."""
    return language_tag() == JAPANESE


def choose(code: str) -> None:
    """The language from here on, in this thread; an unknown one is Japanese."""
    _chosen.set(code if code in PUBLIC_LANGUAGES else JAPANESE)


def nearest(code: str) -> str:
    """近い言語 among those of every page: who chose another language than Japanese gets English."""
    if not code or _TAGS.get(code, code) == JAPANESE or code not in PUBLIC_LANGUAGES:
        return JAPANESE
    return ENGLISH


@contextlib.contextmanager
def speaking(code: str) -> Iterator[None]:
    """The language within a block, as for a document that is Japanese for every reader."""
    before = _chosen.set(code)
    try:
        yield
    finally:
        _chosen.reset(before)


def translate(sentence: str, **values: object) -> str:
    """The sentence in the reader's language, with ``{name}`` filled in from ``values``."""
    said = translated(sentence)
    return said.format(**values) if values else said


def translated(sentence: str) -> str:
    """The sentence in the reader's language, its ``{name}`` as they stand."""
    code = _chosen.get()
    if code == JAPANESE:
        return sentence
    return catalogue(code).get(sentence) or catalogue(_SECOND.get(code, code)).get(
        sentence, sentence
    )


@functools.cache
def catalogue(code: str) -> dict[str, str]:
    """訳文: Japanese sentence → the same in that language, all topics together."""
    from babel.messages.pofile import read_po  # noqa: PLC0415  # only for who reads another language

    found: dict[str, str] = {}
    for path in sorted((TRANSLATIONS / code).glob("*.po")):
        with path.open("rb") as lines:
            entries = read_po(lines)
        found |= {str(each.id): str(each.string) for each in entries if each.id and each.string}
    return found


class Sentences(Mapping[str, str]):
    """文言の表: code → sentence, looked up in the language of whoever reads it.

    What it is made of is Japanese; ``raw`` gives a sentence as it was written.
    """

    def __init__(self, japanese: Mapping[str, str]) -> None:
        """Take the Japanese sentences by their codes."""
        self._japanese = dict(japanese)

    def __getitem__(self, code: str) -> str:
        """The sentence for the reader. Raises :class:`KeyError`."""
        return translated(self._japanese[code])

    def __iter__(self) -> Iterator[str]:
        """The codes, in the order in which they were written."""
        return iter(self._japanese)

    def __len__(self) -> int:
        """How many sentences there are."""
        return len(self._japanese)

    def raw(self, code: str) -> str:
        """The Japanese sentence, as for what is stored."""
        return self._japanese[code]

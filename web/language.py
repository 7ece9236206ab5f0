"""言語: pages are written in Japanese; a reader may switch to English.

The Japanese sentence is its own key, as gettext has it: ``_('日計')``. A sentence that nobody has
translated is shown in Japanese. The English of all topics lies in ``web/translations/en/*.po`` and
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

JAPANESE, ENGLISH = "ja", "en"
LANGUAGES = {JAPANESE: "日本語", ENGLISH: "English"}  # each by its own name
TRANSLATIONS = Path(__file__).parent / "translations"

_chosen: ContextVar[str] = ContextVar("language", default=JAPANESE)


def language() -> str:
    """言語 of the reader: ``ja`` or ``en``."""
    return _chosen.get()


def choose(code: str) -> None:
    """The language from here on, in this thread; an unknown one is Japanese."""
    _chosen.set(code if code in LANGUAGES else JAPANESE)


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
    if _chosen.get() == JAPANESE:
        return sentence
    return catalogue(_chosen.get()).get(sentence, sentence)


@functools.cache
def catalogue(code: str) -> dict[str, str]:
    """訳文: Japanese sentence → the same in that language, all topics together."""
    from babel.messages.pofile import read_po  # noqa: PLC0415  # only for who reads English

    found: dict[str, str] = {}
    for path in sorted((TRANSLATIONS / code).glob("*.po")):
        with path.open("rb") as lines:
            entries = read_po(lines, locale=code)
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

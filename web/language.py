"""言語: pages are written in Japanese; a reader may switch to English.

The Japanese sentence is its own key, as gettext has it: ``_('日計')``. A sentence that nobody has
translated is shown in Japanese.
"""

from __future__ import annotations


def translate(sentence: str, **values: object) -> str:
    """The sentence in the reader's language, with ``{name}`` filled in from ``values``."""
    return sentence.format(**values) if values else sentence

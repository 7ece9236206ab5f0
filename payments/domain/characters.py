"""氏名の文字: names with characters beyond the BMP and with variants, counted and printed.

In the books a name is what the register says, character by character: a variation selector (異体字
セレクタ) belongs to the character before it, and nothing is folded or replaced. Only a place that
cannot show a character may show another, by one stated order (:func:`fallback`), and must say so.

The public table from those of the resident register to JIS X 0213 (MJ縮退マップ) gives several
candidates for some characters and none for others, and leaves the choice to people; so it is no
part of this project, and a municipality writes down what it has decided (docs/formats.md).
Sources: a sequence is a base and one selector U+E0100–U+E01EF ([uts37]); the table ([mj-map]).
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What belongs to the character before it: selectors of variants, voicing marks, accents.
EXTENDING = "\ufe00-\ufe0f\U000e0100-\U000e01ef\u3099\u309a\u0300-\u036f"
EXTENDING_MAX = 3  # marks on one character; more are characters of their own
GETA = "〓"  # 下駄記号: here stands a character that cannot be shown

_RANGES = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF), (0x3099, 0x309A), (0x0300, 0x036F))
_JIS = "euc_jis_2004"  # JIS X 0213:2004 with its sequences such as か゚


class Shown(NamedTuple):
    """置換え: a character of a name, and what a place shows that cannot show it."""

    character: str  # with its selector
    instead: str

    @property
    def codes(self) -> str:
        """The code points, as a person looks them up: ``U+845B U+E0100``."""
        return " ".join(f"U+{ord(each):04X}" for each in self.character)


def graphemes(text: str) -> list[str]:
    """文字: characters as a person counts them, each with the marks that belong to it."""
    found: list[str] = []
    for each in text:
        if found and len(found[-1]) <= EXTENDING_MAX and _extends(ord(each)):
            found[-1] += each
        else:
            found.append(each)
    return found


def in_jis(text: str) -> bool:
    """Whether JIS X 0213 (第1〜第4水準) has every character of the text as it stands."""
    try:
        text.encode(_JIS)
    except UnicodeEncodeError:
        return False
    return True


def fallback(
    text: str, can: Callable[[str], bool], decided: Mapping[str, str]
) -> tuple[str, list[Shown]]:
    """代替表示: the text as a place shows it, and every character for which another stands.

    ``can`` says whether the place has a character (with its selector). In this order: the character
    itself; its base without the selector; what the municipality has ``decided``; the JIS X 0213
    character that Unicode says is the same (互換漢字); ``〓``.
    """
    shown: list[str] = []
    replaced: list[Shown] = []
    for character in graphemes(text):
        instead = character if can(character) else _instead(character, can, decided)
        shown.append(instead)
        if instead != character:
            replaced.append(Shown(character, instead))
    return "".join(shown), replaced


def _instead(character: str, can: Callable[[str], bool], decided: Mapping[str, str]) -> str:
    """The first of the candidates that the place has."""
    base = character[0]
    same = unicodedata.normalize("NFKC", base)
    candidates = (base, decided.get(character, ""), decided.get(base, ""), same)
    for number, each in enumerate(candidates):
        if each and can(each) and (number < len(candidates) - 1 or in_jis(each)):
            return each
    return GETA


@lru_cache(maxsize=4096)
def _extends(code: int) -> bool:
    return any(first <= code <= last for first, last in _RANGES)

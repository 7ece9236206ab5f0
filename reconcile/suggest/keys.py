"""書き誤りの候補: numbers and names one slip of the pen away, and numbers written in texts. Pure.

The candidates are made here and then looked up by their key, so that the books are never searched
for what is similar.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from reconcile.suggest.rules import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DIGITS = "0123456789"
KEY_LENGTHS = {"el": 34, "konbini": 21, "debit": 20}
# What a folded name is made of (payments.domain.kana): large katakana and the long mark.
KANA = (
    "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン"
    "ガギグゲゴザジズゼゾダヂヅデドバビブベボパピプペポヴ-"
)
NAME_MAX = 40
_RUN = re.compile(r"[0-9](?:[ -]?[0-9])*")
_TOKEN = re.compile(r"[0-9A-Z]+(?:-[0-9A-Z]+)*")
_NUMBER_MIN = 6  # shorter runs of digits are dates, terms and amounts


def near_keys(key: str, length: int) -> dict[str, Fact]:
    """番号の候補: every number of ``length`` digits one slip of the pen away from ``key``.

    One digit wrong (or unreadable), two neighbours exchanged, one digit missing or too many; with
    the fact that would be so. None when the key is further away from being a number.
    """
    wrong = [place for place, sign in enumerate(key) if sign not in DIGITS]
    if len(wrong) > 1 or abs(len(key) - length) > 1:
        return {}
    found: dict[str, Fact] = {}
    if len(key) < length:
        for place in range(len(key) + 1):
            for digit in DIGITS:
                found.setdefault(f"{key[:place]}{digit}{key[place:]}", Fact.KEY_LENGTH)
    elif len(key) > length:
        for place in wrong or range(len(key)):
            found.setdefault(key[:place] + key[place + 1 :], Fact.KEY_LENGTH)
    else:
        for place in wrong or range(length):
            for digit in DIGITS:
                found.setdefault(f"{key[:place]}{digit}{key[place + 1 :]}", Fact.KEY_ONE_DIGIT)
        for place in range(length - 1):
            exchanged = f"{key[:place]}{key[place + 1]}{key[place]}{key[place + 2 :]}"
            found.setdefault(exchanged, Fact.KEY_EXCHANGED)
    found.pop(key, None)
    return {near: fact for near, fact in found.items() if near.isascii() and near.isdigit()}


def near_names(name: str) -> list[str]:
    """名の候補: every folded name one sign away: another, missing, too many, two exchanged."""
    if not 2 < len(name) <= NAME_MAX:
        return []  # a name of two signs is near to everything
    found: dict[str, None] = {}
    for place in range(len(name) + 1):
        before, after = name[:place], name[place:]
        for sign in KANA:
            found[before + sign + after] = None
            if after:
                found[before + sign + after[1:]] = None
        if after:
            found[before + after[1:]] = None
        if len(after) > 1:
            found[before + after[1] + after[0] + after[2:]] = None
    found.pop(name, None)
    return list(found)


def written_numbers(texts: Sequence[str]) -> list[str]:
    """書かれた番号: runs of digits in the texts of a bank line, spaces and hyphens left out.

    A run with gaps is also read piece by piece, and words of letters and digits as they stand. Only
    six digits or more are a number.
    """
    found: dict[str, None] = {}
    for text in texts:
        narrow = re.sub("[‐‑‒–—―−ー－]", "-", unicodedata.normalize("NFKC", text).upper())
        words = _TOKEN.findall(narrow)
        for run in _RUN.findall(narrow):
            words += [re.sub("[ -]", "", run), *re.split("[ -]", run)]
        for word in words:
            if sum(sign in DIGITS for sign in word) >= _NUMBER_MIN:
                found[word] = None
    return list(found)


def names_in(texts: Sequence[str]) -> Iterator[str]:
    """書かれた名: the texts as they are, and without the digits that people put before a name."""
    for text in texts:
        yield text
        without = re.sub(r"[0-9]+", " ", unicodedata.normalize("NFKC", text))
        if without != text:
            yield without

"""ふりがな: readings above the kanji of a page for residents, from a reviewed list.

A page says a few hundred words, so their readings are kept as data that a person has read
(``readings.tsv``: a word, its reading) rather than guessed by a dictionary of the whole language.
A test holds every kanji of every public sentence to have its reading here.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

READINGS = Path(__file__).with_name("readings.tsv")
KANJI = "々〆ヶ㐀-䶿一-鿿豈-﫿"
_RUN = re.compile(f"[{KANJI}]+")
# A tag, an element whose text is no sentence of the page (a name in its own language is none), or
# the text between two tags.
_PIECE = re.compile(
    r"(<(script|style|title|textarea|option|ruby)\b.*?</\2>"
    r'|<(?!html\b)(\w+)\b[^>]*\slang="[^>]*>.*?</\3>'
    r"|<[^>]*>)|([^<]+)",
    re.DOTALL | re.IGNORECASE,
)
_DAY = re.compile(r"(?:(\d{1,2})月)?(?<!\d)(\d{1,2})日(?!本)")
_AFTER_DIGITS = "0"  # a counter, as 分 in 30分: an entry that begins with this
_DAYS = {
    1: "ついたち", 2: "ふつか", 3: "みっか", 4: "よっか", 5: "いつか", 6: "むいか", 7: "なのか",
    8: "ようか", 9: "ここのか", 10: "とおか", 14: "じゅうよっか", 20: "はつか",
    24: "にじゅうよっか",
}  # fmt: skip


def with_furigana(page: str) -> str:
    """The page (HTML) with ``<ruby>`` on every word whose reading is known."""
    body = page.find("<body")
    if body < 0:
        return page
    return page[:body] + _PIECE.sub(_marked, page[body:])


def in_ruby(text: str) -> str:
    """The text (already escaped) with its readings; a name that is half known stays without."""
    marked = _DAY.sub(_day, text)
    rest = _word_pattern().sub(lambda found: " " * len(found[0]), marked)
    spans = [found.span() for found in _RUN.finditer(marked)]
    half = [(start, end) for start, end in spans if _RUN.search(rest[start:end])]
    return _word_pattern().sub(lambda found: _read(found, half), marked)


def unread(text: str) -> list[str]:
    """読みのない漢字: what of a sentence no entry of the list covers."""
    return _RUN.findall(_word_pattern().sub(" ", _DAY.sub(" ", text)))


@functools.cache
def readings() -> dict[str, str]:
    """The list: word → reading in hiragana."""
    lines = READINGS.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines if line and not line.startswith("#"))


@functools.cache
def ruby(word: str, reading: str) -> str:
    """``受け取る`` and its reading → readings on its kanji, or on the whole where they differ."""
    runs = [(m.start(), m.end()) for m in _RUN.finditer(word)]
    shape, end = "", 0
    for start, stop in runs:
        shape += f"{re.escape(word[end:start])}(.+?)"
        end = stop
    found = re.fullmatch(shape + re.escape(word[end:]), reading)
    if found is None:
        return _above(word, reading)
    said, end = "", 0
    for (start, stop), above in zip(runs, found.groups(), strict=True):
        said += word[end:start] + _above(word[start:stop], above)
        end = stop
    return said + word[end:]


def _above(word: str, reading: str) -> str:
    # The brackets are for a browser that knows no ruby.
    return f"<ruby>{word}<rp>（</rp><rt>{reading}</rt><rp>）</rp></ruby>"


@functools.cache
def _word_pattern() -> re.Pattern[str]:
    """Counters, then every word, the longest first; what has its reading stays as it is."""
    words = sorted(readings(), key=lambda word: len(word.lstrip(_AFTER_DIGITS)), reverse=True)
    shapes = [
        r"(?<=[\d}])" + re.escape(word[1:]) if word.startswith(_AFTER_DIGITS) else re.escape(word)
        for word in sorted(words, key=lambda word: not word.startswith(_AFTER_DIGITS))
    ]
    return re.compile("<ruby>.*?</ruby>|" + "|".join(shapes))


def _marked(piece: re.Match[str]) -> str:
    return piece[1] or in_ruby(piece[4])


def _read(found: re.Match[str], half: list[tuple[int, int]]) -> str:
    word = found[0]
    inside = any(start < found.end() and found.start() < end for start, end in half)
    if word.startswith("<") or inside:
        return word
    before = found.string[found.start() - 1 : found.start()]
    counted = before.isdigit() and readings().get(_AFTER_DIGITS + word)
    return ruby(word, counted or readings()[word])


def _day(found: re.Match[str]) -> str:
    """``6月1日`` is ろくがつついたち, ``7日`` is なのか, ``1日`` alone is いちにち."""
    month, day = found[1], found[2]
    whole = _DAYS.get(int(day)) if month or day != "1" else None
    said = _above(f"{day}日", whole) if whole else day + _above("日", "にち")
    return month + _above("月", "がつ") + said if month else said

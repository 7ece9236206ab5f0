"""質問をさがす: which questions of the help answer what somebody typed, without any service.

Every question is a bag of character pairs and triples of its folded text (NFKC, katakana as
hiragana, no accents, no case); rare pieces weigh more. This needs no dictionary of words, so it
works alike in every language, and half a word or a wrong ending still finds its question.
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from web.help.questions import Question, questions
from web.language import EASY_JAPANESE, JAPANESE, language

WORDS = Path(__file__).with_name("words.tsv")  # 言い換え: slug, language, words people use instead
TITLE_WEIGHT, WORDS_WEIGHT, ANSWER_WEIGHT = 6, 4, 1
LEAST = 0.05  # below this likeness a question is no answer
_WORDS_OF = {EASY_JAPANESE: JAPANESE}
_KATAKANA = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}
_PARTS = re.compile(r"[\w]+")


class _Index(NamedTuple):
    weights: dict[str, float]  # piece → how rare it is
    vectors: tuple[dict[str, float], ...]  # one for each question, of length 1


def find(typed: str) -> list[Question]:
    """質問 that answer what was typed, the likeliest first; none where nothing is alike."""
    index = _index(language())
    asked = _vector(_pieces(typed), index.weights)
    scored = [
        (sum(weight * vector.get(piece, 0.0) for piece, weight in asked.items()), question)
        for question, vector in zip(questions(), index.vectors, strict=True)
    ]
    scored.sort(key=lambda pair: -pair[0])
    return [question for score, question in scored if score >= LEAST]


def folded(text: str) -> str:
    """かなの揃え: the same letters however they were typed."""
    text = unicodedata.normalize("NFKC", text).casefold().translate(_KATAKANA)
    # Accents go, but not the marks of the kana and the parts of Hangul.
    plain = "".join(
        each
        for each in unicodedata.normalize("NFD", text)
        if unicodedata.category(each) != "Mn" or each in "\u3099\u309a"
    )
    return unicodedata.normalize("NFC", plain).replace("đ", "d")


def _pieces(text: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for part in _PARTS.findall(folded(text)):
        marked = part if not part.isascii() else f" {part} "
        for size in (2, 3) if not part.isascii() else (3, 4):
            found.update(marked[i : i + size] for i in range(max(len(marked) - size + 1, 1)))
    return found


@functools.cache
def _index(code: str) -> _Index:
    """The index of one language; the words of every language help each of them."""
    counted = []
    for question in questions():
        pieces: Counter[str] = Counter()
        for text, weight in (
            (question.title, TITLE_WEIGHT),
            (_words().get((question.slug, _WORDS_OF.get(code, code)), ""), WORDS_WEIGHT),
            (" ".join(question.answer), ANSWER_WEIGHT),
        ):
            for piece, number in _pieces(text).items():
                pieces[piece] += number * weight
        counted.append(pieces)
    among = Counter(piece for pieces in counted for piece in pieces)
    weights = {piece: math.log(1 + len(counted) / number) for piece, number in among.items()}
    return _Index(weights, tuple(_vector(pieces, weights) for pieces in counted))


def _vector(pieces: Counter[str], weights: dict[str, float]) -> dict[str, float]:
    raw = {
        piece: (1 + math.log(number)) * weights[piece]
        for piece, number in pieces.items()
        if piece in weights
    }
    length = math.sqrt(sum(weight * weight for weight in raw.values())) or 1.0
    return {piece: weight / length for piece, weight in raw.items()}


@functools.cache
def _words() -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for line in WORDS.read_text(encoding="utf-8").splitlines():
        slug, code, words = line.split("\t")
        found[slug, code] = words
    return found

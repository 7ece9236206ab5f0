"""質問: the questions of the help, in their groups, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass

from web.language import translated
from web.texts.help import ANSWERS, GROUPS

__all__ = ["GROUPS", "Question", "questions"]


@dataclass(frozen=True, slots=True)
class Question:
    """質問の一つ: a stable address, its group, and its sentences (the question comes first)."""

    slug: str
    group: str
    sentences: tuple[str, ...]

    @property
    def title(self) -> str:
        """質問."""
        return translated(self.sentences[0])

    @property
    def answer(self) -> tuple[str, ...]:
        """答え, paragraph by paragraph."""
        return tuple(translated(each) for each in self.sentences[1:])


def questions() -> tuple[Question, ...]:
    """Every question, in the order in which the list shows them."""
    return _QUESTIONS


_QUESTIONS = tuple(
    Question(slug, group, sentences)
    for group, answered in ANSWERS.items()
    for slug, sentences in answered.items()
)

"""訳文: every sentence that a page can say has its English, and the English says the same values."""

from __future__ import annotations

import ast
import re

import pytest
from babel.messages.pofile import read_po
from codebase import ROOT, modules, name, tree
from public_sentences import public_sentences
from sentences import WORDS, in_python, in_rules, in_templates, in_texts, outside, templates

from web.language import ENGLISH, TRANSLATIONS, Sentences, catalogue, speaking, translate
from web.navigation import PLACES, Group

FILES = sorted((TRANSLATIONS / ENGLISH).glob("*.po"))
FIELD = re.compile(r"\{(?:\d|[a-z][a-z0-9_]*)(?::,)?\}")  # not the braces of an example
MADE = re.compile(r"\d{1,2}月|先頭の\d+件。.*|\{number\}(?:秒|分|時間)")  # put together
FOR_RESIDENTS = public_sentences()
TYPED = ("12,300円", "令和8年6月1日")  # what a person may type, in every language


def _places() -> dict[str, str]:
    labels = [place.label for place in PLACES] + [group.value for group in Group]
    return dict.fromkeys(labels, "web/navigation.py")


def _asked() -> dict[str, str]:
    return in_rules() | _places() | in_texts() | in_python() | in_templates()


def _constants() -> set[str]:
    """Every Japanese text of the pages' modules, with and without the kind of a column."""
    found = {
        node.value
        for path in modules("web")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return found | {text.partition(":")[0] for text in found}


def _fields(sentence: str) -> list[str]:
    return sorted(set(FIELD.findall(sentence)))


def test_every_sentence_has_its_english():
    english = catalogue(ENGLISH)
    missing = [f"{place} {said}" for said, place in _asked().items() if said not in english]
    assert missing == []


def test_no_translation_is_left_over():
    known = _asked().keys() | _constants()
    left = [said for said in catalogue(ENGLISH) if said not in known and not MADE.fullmatch(said)]
    assert sorted(left) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_translation_holds_the_same_values(path):
    with path.open("rb") as lines:
        entries = [entry for entry in read_po(lines) if entry.id]
    assert entries
    differing = [
        entry.id for entry in entries if _fields(str(entry.id)) != _fields(str(entry.string))
    ]
    assert differing == []
    # What a resident must recognise on paper stands in Japanese, and is held elsewhere.
    left = [str(entry.string) for entry in entries if entry.id not in FOR_RESIDENTS]
    for example in TYPED:
        left = [said.replace(example, "") for said in left]
    assert [said for said in left if WORDS.search(said)] == []


def test_no_sentence_is_translated_twice_in_different_words():
    seen: dict[str, tuple[str, str]] = {}
    clashes = []
    for path in FILES:
        with path.open("rb") as lines:
            for entry in read_po(lines):
                before = seen.setdefault(str(entry.id), (str(entry.string), path.stem))
                if entry.id and before[0] != entry.string:
                    clashes.append(f"{entry.id}: {before} / {entry.string} ({path.stem})")
    assert clashes == []


@pytest.mark.parametrize("path", templates(), ids=name)
def test_no_template_says_japanese_past_the_reader(path):
    assert outside(path) == []


def test_a_sentence_without_english_stays_japanese():
    with speaking(ENGLISH):
        assert translate("まだ誰も訳していない {number}件", number=3) == "まだ誰も訳していない 3件"
        assert translate("承認") == "Approvals"
    assert translate("承認") == "承認"


def test_a_table_of_sentences_speaks_to_its_reader():
    table = Sentences({"a": "承認", "b": "訳のない文"})
    assert (table["a"], table.get("c"), len(table)) == ("承認", None, 2)
    with speaking(ENGLISH):
        assert dict(table) == {"a": "Approvals", "b": "訳のない文"}
        assert table.raw("a") == "承認"


def test_nothing_but_babel_reads_the_files():
    assert all(re.fullmatch(r"[a-z_]+", path.stem) for path in FILES)
    assert (ROOT / "web" / "translations").is_dir()

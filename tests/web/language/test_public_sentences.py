"""住民の文言: every sentence for residents in every language, with the same values, and readings."""

from __future__ import annotations

import re

import pytest
from babel.messages.pofile import read_po
from public_sentences import groups, public_sentences

from web.furigana import KANJI, in_ruby, readings, ruby, unread, with_furigana
from web.language import EASY_JAPANESE, JAPANESE, PUBLIC_LANGUAGES, TRANSLATIONS, catalogue

SENTENCES = public_sentences()
OTHERS = [code for code in PUBLIC_LANGUAGES if code != JAPANESE]
FIELD = re.compile(r"\{[a-z][a-z0-9_]*(?::,)?\}")
KANA = re.compile("[ぁ-ゖァ-ヺ]")
# Japanese that a reader must recognise on paper or on a screen stands in brackets, or by itself.
QUOTED = re.compile("[（(“‘「][^（()）]*[）)”’」]")
PRINTED = {
    "スキャン", "請求書払い", "地方税お支払サイト", "マイナンバーカード", "データ基準日時",
}  # fmt: skip


def test_the_pages_are_looked_through():
    assert len(SENTENCES) > 400
    assert {"slip_status", "way", "own_state", "letter_kind"} <= groups()


@pytest.mark.parametrize("code", OTHERS)
def test_no_text_is_missing(code):
    said = catalogue(code)
    missing = [f"{place} {each}" for each, place in SENTENCES.items() if each not in said]
    assert missing == []


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_holds_the_same_values(code):
    said = catalogue(code)
    differing = [
        each
        for each in SENTENCES
        if set(FIELD.findall(each)) != set(FIELD.findall(said.get(each, "")))
    ]
    assert differing == []


@pytest.mark.parametrize("code", [code for code in OTHERS if code != EASY_JAPANESE])
def test_japanese_stands_only_where_paper_has_it(code):
    said = catalogue(code)
    left = []
    for each in SENTENCES:
        plain = QUOTED.sub("", said[each])
        for printed in PRINTED:
            plain = plain.replace(printed, "")
        if KANA.search(plain):
            left.append(said[each])
    assert left == []


@pytest.mark.parametrize("code", [code for code in OTHERS if code != "en"])
def test_no_public_translation_is_left_over(code):
    found: list[str] = []
    for path in sorted((TRANSLATIONS / code).glob("*.po")):
        with path.open("rb") as lines:
            found += [str(entry.id) for entry in read_po(lines) if entry.id]
    assert sorted(set(found) - SENTENCES.keys()) == []
    assert len(found) == len(set(found))


@pytest.mark.parametrize("code", OTHERS)
def test_several_sentences_stay_as_many(code):
    said = catalogue(code)
    assert [each for each in SENTENCES if each.count("\n") != said[each].count("\n")] == []


@pytest.mark.parametrize("code", [JAPANESE, EASY_JAPANESE])
def test_every_kanji_of_a_public_sentence_has_its_reading(code):
    said = SENTENCES if code == JAPANESE else [catalogue(code)[each] for each in SENTENCES]
    without = {kanji for each in said for kanji in unread(each)}
    assert sorted(without) == []


def test_a_reading_goes_with_the_kana_of_its_word():
    for word, reading in ((word.lstrip("0"), reading) for word, reading in readings().items()):
        assert re.search(f"[{KANJI}]", word), word
        assert re.fullmatch("[ぁ-ゖー3（）]+", reading), word
        whole = f"<ruby>{word}<rp>"
        assert not (ruby(word, reading).startswith(whole) and KANA.search(word)), word


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("納付書", "<ruby>納付書<rp>（</rp><rt>のうふしょ</rt><rp>）</rp></ruby>"),
        ("6月1日", "6[月:がつ][1日:ついたち]"),
        ("7日以内", "[7日:なのか][以内:いない]"),
        ("1日に", "1[日:にち]に"),
        ("2026年6月12日（金）", "2026[年:ねん]6[月:がつ]12[日:にち]（[金:きん]）"),
        ("30分ほど分けて", "30[分:ふん]ほど[分:わ]けて"),
        ("日本円と納付鑑", "日本円と納付鑑"),
        ("お金を受け取る", "お[金:かね]を[受:う]け[取:と]る"),
    ],
)
def test_readings_stand_above_the_kanji_alone(text, read):
    written = re.sub(r"\[(.+?):(.+?)\]", r"<ruby>\1<rp>（</rp><rt>\2</rt><rp>）</rp></ruby>", read)
    assert in_ruby(text) == written


def test_only_what_a_page_says_has_readings():
    page = (
        "<title>納付</title><body data-x='納付'><option>納付</option>"
        "<p title='納付'>納付 &lt;b&gt;</p>"
    )
    marked = with_furigana(page)
    assert marked.count("<ruby>") == 1
    assert re.sub("<ruby>(.+?)<rp>.*?</ruby>", r"\1", marked) == page
    other = '<body><a lang="zh-Hans">中文</a> <span class="x" lang="ja">納付市</span>'
    assert with_furigana(other) == other
    assert with_furigana("plain 納付") == "plain 納付"


def test_no_reading_is_left_over():
    # Of dates and of the contact of the sample city, which no sentence holds.
    others = {"令和", "会計課", *(f"（{day}）" for day in "月火水木金土日")}
    everything = "\n".join([*SENTENCES, *(catalogue(EASY_JAPANESE)[each] for each in SENTENCES)])
    assert [word for word in readings().keys() - others if word.lstrip("0") not in everything] == []

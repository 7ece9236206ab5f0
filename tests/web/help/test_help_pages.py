"""質問と答えの画面: each question at its address, ways of paying, and how far channels reported."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from web.help.questions import questions
from web.language import (
    EASY_JAPANESE,
    JAPANESE,
    PUBLIC_LANGUAGES,
    catalogue,
    speaking,
    translate,
)
from web.texts.enquiries import ENQUIRIES
from web.texts.help import ANSWERS


def _page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


@pytest.mark.parametrize("code", PUBLIC_LANGUAGES)
def test_every_question_has_its_page(client, code):
    client.get(f"/?lang={code}&furigana=off")
    index = _page(client, "/help/")
    with speaking(code):
        asked = [(question.slug, question.title, question.answer) for question in questions()]
    for slug, title, answer in asked:
        assert f'<a href="/help/{slug}">{title}</a>' in index
        page = _page(client, f"/help/{slug}")
        assert f"<h1>{title}</h1>" in page
        assert all(f"<p>{paragraph}</p>" in page for paragraph in answer)


def test_a_question_that_there_is_not_is_not_found(client):
    answer = client.get("/help/nowhere")
    assert answer.status_code == 404
    assert "ページが見つかりません" in answer.get_data(as_text=True)


def test_the_box_finds_an_answer_and_says_when_there_is_none(client):
    assert "/help/lost-slip" in _page(client, "/help/?q=納付書を捨てた").split("確認の結果")[0]
    nothing = _page(client, "/help/?q=zzzz")
    assert "近い質問は見つかりませんでした" in nothing
    assert 'href="/help/?q=zzzz&amp;lang=en"' in nothing  # the words go along into English
    typed = _page(client, "/help/?q=<b>")
    assert "<b>" not in typed


def test_the_ways_of_paying_are_those_of_the_settings(client):
    page = _page(client, "/help/ways")
    for said in ("地方税お支払サイト", "コンビニエンスストア", "一枚300,000円まで", "支払期限"):
        assert said in page


def test_a_channel_says_up_to_when_it_has_reported(client, monkeypatch):
    from web import clock  # noqa: PLC0415

    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 6, 3, 0, 0, tzinfo=UTC))
    before = _page(client, "/help/channels")
    assert "2026年6月2日（火）" in before
    assert "きょうは遅れています" not in before
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 6, 3, 9, 0, tzinfo=UTC))
    after = _page(client, "/help/channels")
    assert after.count("きょうは遅れています") == 2
    assert "銀行が開いている日の、12:00ごろまで" in after
    assert "¥" not in after
    assert "円" not in after


@pytest.mark.parametrize("code", PUBLIC_LANGUAGES)
def test_amounts_are_written_as_the_language_writes_them(code):
    from web.formatting import yen  # noqa: PLC0415

    with speaking(code):
        said = yen(300_000)
        assert translate("一枚{amount}まで", amount=said).count("300") == 1
    expected = {"ja": "300,000円", "ja-easy": "300,000円", "en": "¥300,000", "zh": "300,000日元",
                "ko": "300,000엔", "vi": "300.000 yên", "pt": "300.000 ienes"}  # fmt: skip
    assert said == expected[code]


def test_a_draft_of_a_machine_says_so_and_that_japanese_holds(client):
    said = {"en": "draft made by machine", "zh": "机器翻译的草稿", "ko": "기계로 번역한 초안",
            "vi": "bản nháp do máy dịch", "pt": "rascunho feito por máquina"}  # fmt: skip
    assert {*PUBLIC_LANGUAGES} == {*said, "ja", "ja-easy"}
    for code in PUBLIC_LANGUAGES:
        page = _page(client, f"/help/?lang={code}")
        assert ('class="draft"' in page) == (code in said)
        assert said.get(code, "") in page


@pytest.mark.parametrize("code", [each for each in PUBLIC_LANGUAGES if each != JAPANESE])
def test_a_state_that_is_explained_has_the_name_under_which_it_is_shown(code):
    said = catalogue(code)
    wrong = {}
    for sentence in (one for group in ANSWERS.values() for one in group.values()):
        for japanese in sentence:
            for state in ENQUIRIES["slip_status"].values():
                # What stands behind it in brackets only explains it.
                name = said[state].partition("（")[0] if code == EASY_JAPANESE else said[state]
                if f"「{state}」" in japanese and name not in said[japanese]:
                    wrong[state] = said[japanese]
    assert wrong == {}

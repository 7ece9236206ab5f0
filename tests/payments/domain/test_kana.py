"""氏名の照合補助: bank names and register names meet in one form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.kana import fold_name

# Half- and full-width kana, hiragana, capitals, brackets, spaces, long marks and hyphens.
LETTERS = st.text(
    st.one_of(
        st.characters(min_codepoint=0xFF66, max_codepoint=0xFF9F),
        st.characters(min_codepoint=0x3041, max_codepoint=0x3096),
        st.characters(min_codepoint=0x30A1, max_codepoint=0x30FC),
        st.sampled_from("AbＣｄ() （）　㈱株式会社カユド)-‐－ー・.\u3099\u309a\u309b"),
    ),
    max_size=30,
)


@pytest.mark.parametrize(
    ("in_bank_file", "in_register"),
    [
        ("ｾﾞｲﾓｸ ﾀﾛｳ", "ゼイモク　タロウ"),
        ("ｼﾖｳｼﾞ ｷﾖｳｺ", "ショウジ キョウコ"),
        ("ｻ-ﾊﾞ-", "サーバー"),
        ("ｶ)ﾐﾎﾝ", "株式会社みほん"),
        ("ﾐﾎﾝ(ｶ", "ミホン㈱"),
        ("ﾐﾎﾝ(ﾕ)ﾎﾝﾃﾝ", "ミホン（有）ホンテン"),
        ("ﾐﾎﾝ ABC", "みほんａｂｃ"),
        ("ﾐﾎﾝ.ﾄ", "ミホン・ト"),
        ("ｶｵﾘ", "カヲリ"),
    ],
)
def test_both_spellings_fold_to_one(in_bank_file: str, in_register: str) -> None:
    assert fold_name(in_bank_file) == fold_name(in_register) != ""


@pytest.mark.parametrize(
    ("one", "other"), [("ハナコ", "バナコ"), ("カトウ", "ユトウ"), ("ハハ", "パパ")]
)
def test_voicing_and_first_letters_are_kept(one: str, other: str) -> None:
    assert fold_name(one) != fold_name(other)


@pytest.mark.parametrize("text", ["", "　 ", "㈱", "カ)"])
def test_nothing_left_is_empty(text: str) -> None:
    assert fold_name(text) == ""


@given(text=LETTERS)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold_name(fold_name(text)) == fold_name(text)

"""氏名の照合補助: folding names into one form, for suggestions only.

**Money is never matched on a name** (design R6; 地方税法20条の6: anybody may pay for anybody). A
folded name only helps to *show* a person who is looking at an unidentified deposit whose it might
be; the link is made by two people.

Bank files carry half-width kana without small letters and with ``-`` for ー, and shorten legal
forms to ``ｶ)``; assessments carry full-width kana. Both sides meet in the folded form.
"""

from __future__ import annotations

import re
import unicodedata

# Zengin names have no small kana and no ヲ (files.md 1.8), so that the folded form has none either.
_LARGE = str.maketrans("ァィゥェォッャュョヮヵヶヲヰヱ", "アイウエオツヤユヨワカケオイエ")
_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_HYPHENS = dict.fromkeys(map(ord, "ー‐‑‒–—―−－"), "-")
_DROPPED = re.compile(r"[\s・.,]+")

# Abbreviations of legal forms in account names: ｶ)ﾐﾎﾝ, ﾐﾎﾝ(ｶ, ﾐﾎﾝ(ｶ)ﾎﾝﾃﾝ (Zengin practice).
_SHORT_FORMS = (
    "カ|ユ|メ|シ|ド|イ|ザイ|シヤ|シユウ|ガク|フク|ホゴ|ソ|トクヒ|ドク|チドク|ベン|ギヨ|シホウ|ゼイ|ダイ|ノウ"
    "|カンリ|ロウム|株|有|名|資|同|医|財|社|宗|学|福"
)
_LONG_FORMS = (
    "株式会社|有限会社|合名会社|合資会社|合同会社|医療法人|一般社団法人|一般財団法人|公益社団法人"
    "|公益財団法人|社会福祉法人|学校法人|宗教法人|カブシキガイシヤ|ユウゲンガイシヤ|ゴウドウガイシヤ"
)
_LEGAL_FORM = re.compile(
    rf"\((?:{_SHORT_FORMS})\)|^(?:{_SHORT_FORMS})\)|\((?:{_SHORT_FORMS})$"
    rf"|^(?:{_LONG_FORMS})|(?:{_LONG_FORMS})$"
)


def fold_name(text: str) -> str:
    """名寄せ用の表記: ``text`` as full-width large katakana and capitals, without spaces.

    NFKC, hiragana to katakana, small kana to large, every long mark or hyphen to ``-``, capitals;
    spaces, ``・``, ``.``, ``,`` and legal forms dropped. Folding twice changes nothing. An empty
    result means that nothing can be suggested. Source: files.md 1.8.
    """
    folded = unicodedata.normalize("NFKC", text)
    folded = folded.translate(_KATAKANA).translate(_LARGE).translate(_HYPHENS).upper()
    # A voicing mark that stood after a space composes only once the space is gone.
    folded = unicodedata.normalize("NFKC", _DROPPED.sub("", folded))
    while (shorter := _LEGAL_FORM.sub("", folded)) != folded:
        folded = shorter
    return folded

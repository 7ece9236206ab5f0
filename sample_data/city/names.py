"""見本の氏名・住所: invented people from short lists; no real person, no real place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from random import Random

# Family and given names are put together from these pieces; the result is a likeness of a name.
_FAMILY = (
    ("見本", "ミホン"), ("税目", "ゼイモク"), ("架空", "カクウ"), ("試野", "タメシノ"),
    ("例田", "タトエダ"), ("空見", "ソラミ"), ("紙山", "カミヤマ"), ("符川", "フカワ"),
    ("番場谷", "バンバヤ"), ("納谷", "ノウタニ"), ("照井戸", "テルイド"), ("合瀬", "アワセ"),
    ("札森", "フダモリ"), ("期島", "キジマ"), ("仮屋本", "カリヤモト"), ("写原", "ウツシハラ"),
    ("髙見本", "タカミホン"), ("﨑納", "サキノウ"), ("𠮷例", "ヨシタトエ"),
    ("邉\U000e0110試", "ベタメシ"),
)  # fmt: skip
_GIVEN = (
    ("太郎", "タロウ"), ("花子", "ハナコ"), ("一例", "カズレイ"), ("二見", "フタミ"),
    ("紙子", "カミコ"), ("照", "テル"), ("合太", "ゴウタ"), ("みほん", "ミホン"),
    ("ためし", "タメシ"), ("試作", "シサク"), ("例美", "レイミ"), ("架恵", "カエ"),
    ("空也", "ソラヤ"), ("納乃", "ノノ"), ("票吾", "ヒョウゴ"), ("証次郎", "ショウジロウ"),
)  # fmt: skip
_FIRMS = (
    ("株式会社みほん製作所", "カブシキガイシヤミホンセイサクシヨ"),
    ("有限会社架空商店", "ユウゲンガイシヤカクウシヨウテン"),
    ("合同会社ためし工房", "ゴウドウガイシヤタメシコウボウ"),
    (
        "一般社団法人みほん市架空紙漉き技術保存普及振興協議会連合会東部支部",
        "イツパンシヤダンホウジンミホンシカクウカミスキギジユツホゾンフキユウシンコウキヨウギカイ",
    ),
)
_TOWNS = ("架空町", "見本一丁目", "見本二丁目", "字例谷", "大字試原", "空見台", "紙漉町", "照合通")
_FIRM_SHARE = 0.03
_LONG_NAME_SHARE = 0.01


class Obligor(NamedTuple):
    """納付義務者 as the assessment file names them."""

    no: str
    name: str
    kana: str
    postal_code: str
    address: str


def obligor(number: int, rng: Random) -> Obligor:
    """The ``number``-th obligor (1-based) of the city."""
    draw = rng.random()
    if draw < _FIRM_SHARE:
        name, kana = rng.choice(_FIRMS)
    else:
        (family, family_kana), (given, given_kana) = rng.choice(_FAMILY), rng.choice(_GIVEN)
        if draw > 1 - _LONG_NAME_SHARE:
            given, given_kana = given * 6, given_kana * 6
        name, kana = f"{family} {given}", f"{family_kana} {given_kana}"
    town = rng.choice(_TOWNS)
    address = f"みほん市{town}{rng.randint(1, 40)}-{rng.randint(1, 30)}"
    return Obligor(f"{number:012d}", name, kana, f"000{rng.randint(1, 9999):04d}", address)

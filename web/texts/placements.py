"""充当先の文言: the words of the page on which a person asks for another place of the money."""

from __future__ import annotations

from web.language import Sentences, translated

# kind of approval → operation → (what it is called, what happens when the second person agrees)
_OPERATIONS: dict[str, dict[str, tuple[str, str]]] = {
    "placement": {
        "undo": (
            "消込取消",
            "承認すると、この納付の消込を取り消し、全額を仮受に戻します。同じ消込が自動で戻ることはありません。",
        ),
        "move": (
            "再消込・振替",
            "承認すると、この納付のお金を表の期別に充てます。充てない分は仮受に残ります。",
        ),
        "split": (
            "分割",
            "承認すると、この納付のお金を表の期別に分けて充てます。充てない分は仮受に残ります。",
        ),
    },
    "credit_placement": {
        "undo": (
            "入金照合の取消",
            "承認すると、この入金の結び付けを取り消し、全額を不明入金に戻します。同じ結び付けが自動で戻ることはありません。",
        ),
        "place": (
            "入金の充当",
            "承認すると、この入金を表の期別への納付として充てます。充てない分は仮受に残ります。",
        ),
        "settle": ("払込の指定", "承認すると、この入金を表の払込のお金とします。"),
    },
}
# A placement that the law asks for says what it is, whatever it does to the money.
_OPERATIONS["appropriation"] = {
    code: ("過誤納の充当", sentence) for code, (_, sentence) in _OPERATIONS["placement"].items()
}
SUSPENSE = "仮受"
UNIDENTIFIED = "不明入金（歳計外）"
GROUP = "払込"
PREVIEW = "下見"  # the reason of a decision that is never made
# What a person recognises a line by.
FACTS = Sentences(
    {
        "amount": "届いた額",
        "credit": "入金額",
        "paid_on": "領収日",
        "booked_on": "勘定日",
        "payer_name": "振込依頼人",
        "remarks": "摘要",
        "outcome": "結果",
    }
)
# What is compared with a candidate.
COMPARED = Sentences(
    {
        "number": "番号",
        "amount": "金額",
        "name": "名義",
        "day": "日付",
        "due_on": "納期限",
        "remitted_on": "資金化日",
    }
)
SENTENCES = Sentences(
    {
        "two_people": "依頼しただけでは何も変わりません。別の職員が承認すると、その場で帳簿に反映されます。",
        "nothing_found": "通知書番号か納付書番号を入れると、その期別が並びます。充てる額を期別ごとに書いてください。",
        "no_candidates": "番号や金額の合う候補はありません。番号から探してください。",
        "candidates": "候補は見つけやすくするためのものです。示すだけで、帳簿には何も反映しません。",
        "mistakes": "入力を確かめてください。直すところを、それぞれの欄に示しています。",
    }
)


def operation(kind: str, code: str) -> str:
    """操作の名: what a request of this kind does."""
    return translated(_OPERATIONS[kind][code][0])


def operation_sentence(kind: str, code: str) -> str:
    """操作の説明: what happens to the money when the second person agrees."""
    return translated(_OPERATIONS[kind][code][1])

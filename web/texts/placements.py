"""充当先の文言: the words of the page on which a person asks for another place of the money."""

from __future__ import annotations

OPERATIONS: dict[str, str] = {
    "undo": "消込取消",
    "move": "再消込・振替",
    "split": "分割",
}
# What happens to the money when the second person agrees.
OPERATION_SENTENCES: dict[str, str] = {
    "undo": "承認すると、この納付の消込を取り消し、全額を仮受に戻します。同じ消込が自動で戻ることはありません。",
    "move": "承認すると、この納付のお金を下の期別に充てます。充てない分は仮受に残ります。",
    "split": "承認すると、この納付のお金を下の期別に分けて充てます。充てない分は仮受に残ります。",
}
SUSPENSE = "仮受"
# What is compared with a candidate.
COMPARED: dict[str, str] = {
    "number": "番号",
    "amount": "金額",
    "name": "名義",
    "day": "日付",
    "due_on": "納期限",
}
SENTENCES: dict[str, str] = {
    "two_people": "依頼しただけでは何も変わりません。別の職員が承認すると、その場で帳簿に反映されます。",
    "nothing_found": "通知書番号か納付書番号を入れると、その期別が並びます。充てる額を期別ごとに書いてください。",
    "no_candidates": "番号や金額の合う候補はありません。番号から探してください。",
    "candidates": "候補は見つけやすくするためのものです。示すだけで、帳簿には何も反映しません。",
    "mistakes": "入力を確かめてください。直すところを、それぞれの欄に示しています。",
}

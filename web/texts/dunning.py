"""督促の文言: grounds, states and sentences of the dunning pages and commands."""

from __future__ import annotations

from web.language import Sentences

_GROUNDS = {
    "prescribed": "時効の完成",
    "held": "猶予・停止中",
    "plan": "履行中の分納",
    "provisional": "速報あり（確報待ち）",
    "debit_out": "口座振替の結果待ち",
    "case_open": "未処理の確認事項",
    "wrong_instalment": "期別取り違えの疑い",
    "alternative_paid": "全期・期別のもう一方で納付",
    "money_waiting": "充当・還付を待つお金",
    "transfer_waiting": "名義の合う未照合の入金",
    "other_list": "発送前の別の督促リスト",
    "charge": "延滞金・督促手数料",
    "channel_incomplete": "資料の未着",
    "too_early": "納期限から日が浅い",
    "below_minimum": "最低額未満",
}
DUNNING = {
    "dunning_ground": {"": "督促の対象", **_GROUNDS},
    "dunning_reason": {
        "paid": "納付済",
        "cancelled": "調定の取消",
        "amount_changed": "金額の変更",
        "too_soon": "発送から10日以内",
        **_GROUNDS,
    },
    "dunning_state": {
        "drawn": "抽出済",
        "approved": "承認済",
        "pull_drawn": "引抜き中",
        "pull_confirmed": "引抜き確認済",
        "dispatched": "発送済",
        "dropped": "取止め",
    },
    "dunning_event": {
        "drawn": "抽出",
        "approved": "承認",
        "printing": "印刷",
        "pull_drawn": "引抜きリストの抽出",
        "pull_confirmed": "引抜きの確認",
        "dispatched": "発送",
        "dropped": "取止め",
    },
    "dunning_recheck": {
        "nothing_came": "納付などは届いていません",
        "something_came": "届いたもの、または差押えを止める理由があります",
    },
    "dunning_evidence": {
        "receipt": "納付",
        "case": "確認事項",
        "hold": "猶予・停止",
        "plan": "分納",
        "list": "督促リスト",
        "batch": "口座振替の請求",
        "limitation": "時効の満了日",
    },
}

SENTENCES = Sentences(
    {
        "rests_on": "この一覧は、各資料の基準日までに届いたものだけを見ています。基準日より後の納付は、まだ分かりません。",
        "held_back": "ここにあるものには督促状を送りません。理由が一つでもなくなるまで、次の抽出でも同じです。",
        "pull_first": "発送の直前に引抜きリストを抽出し、その督促状をすべて抜き取ってから、枚数を確認してください。",
        "two_people": "別の職員が承認すると、督促状を印刷できるようになります。",
    }
)

"""納税証明の文言: what the paper says; a document is Japanese for every reader."""

from __future__ import annotations

TITLE = "納付状況証明の基礎資料"
SENTENCE = "データの基準日現在の、市税の納付の状況は次のとおりです。"
COLUMNS = (
    "税目",
    "年度",
    "納付すべき額",
    "納付済額",
    "未納額",
    "うち納期限を過ぎた額",
    "法定納期限",
)
TOTAL_UNPAID = "未納額の合計"
PROVISIONAL = "確認中の納付（納付済額に含みません）"
CUT_OFF = "データの基準日"
CHANNEL = "{channel} の基準日"
DESPITE = "資料が未着のままの証明（承認番号）"
SEEN = "{title}（データの基準日 {day}）"
NOTES = (
    "納付済額には、確定した納付だけを含みます。納付してから確定するまでに日数がかかります。",
    "不納欠損額は、納付済額にも未納額にも含みません。",
)

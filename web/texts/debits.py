"""口座振替の文言: states, grounds, results and events, by their codes."""

from __future__ import annotations

DEBITS: dict[str, dict[str, str]] = {
    "debit_state": {
        "built": "作成済",
        "released": "承認済（未送付）",
        "sent": "送付済（受付待ち）",
        "differs": "受付の相違",
        "acknowledged": "受付済",
        "replaced": "作り直し済",
        "withdrawn": "取消済",
    },
    "debit_plan": {
        "none": "未作成",
        "empty": "対象なし",
        "unchanged": "作成済",
        "different": "作成後に変わった",
    },
    "debit_round": {"1": "初回", "2": "再振替"},
    "debit_event": {
        "built": "作成",
        "released": "承認",
        "sent": "送付（ファイルの取出し）",
        "taken_again": "同じファイルの取出し",
        "acknowledged": "受付の記録",
        "replaced": "作り直し",
        "withdrawn": "取消",
    },
    "debit_ground": {
        "provisional": "納付を確認中（速報）",
        "paid": "納付済",
        "flag_off": "口座振替の対象でなくなった",
        "held": "徴収猶予・課税保留など",
        "planned": "分納中",
        "in_batch": "ほかの束で請求済",
        "number_missing": "顧客番号がない",
        "account_missing": "口座の登録がない",
        "account_ended": "口座の廃止",
        "bank_unknown": "取り扱わない銀行",
        "bank_changed": "銀行の変更",
        "not_again": "再振替をしない理由の振替不能",
    },
    # 振替結果コード (files.md 1.5)
    "debit_result": {
        "": "未着",
        "0": "振替済",
        "1": "資金不足",
        "2": "預金取引なし",
        "3": "預金者の都合による振替停止",
        "4": "預金口座振替依頼書なし",
        "8": "委託者の都合による振替停止",
        "9": "その他",
        "?": "金額の相違",
    },
    "debit_new": {"0": "その他", "1": "新規", "2": "変更"},
    "debit_account_event": {"set": "登録", "ended": "廃止"},
    "account_type": {"1": "普通", "2": "当座", "3": "納税準備", "9": "その他"},
}

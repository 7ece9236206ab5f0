"""形式不正の文言: why one line of a good file is malformed (outcomes.md 9)."""

from __future__ import annotations

FAULTS: dict[str, str] = {
    "agent": "収納代行会社の区分が定められた値ではありません。",
    "amount_zero": "金額が0円です。",
    "barcode": "バーコード情報が44桁の数字ではありません。",
    "body_code": "共通納税機関コードが数字5桁ではありません。",
    "cancel_code": "取消区分が定められた値ではありません。",
    "case_key": "案件特定キーが数字20桁ではありません。",
    "channel_list": "納付チャネルが定められた値ではありません。",
    "confirmation_no": "確認番号が数字6桁ではありません。",
    "created_on": "データ作成日がありえない日です。",
    "customer_no": "顧客番号が数字20桁ではありません。",
    "cvs_code": "コンビニ本部コードが定められた形ではありません。",
    "cvs_name": "コンビニ名が定められた形ではありません。",
    "date": "ありえない日付です。",
    "direction": "入払区分が1または2ではありません。",
    "item_code": "税目・料金番号が数字3桁ではありません。",
    "kind": "種別が定められた値ではありません。",
    "operator_code": "事業者コードが1〜10文字ではありません。",
    "operator_name": "事業者名が60文字を超えています。",
    "payment_count": "件数が数字ではありません。",
    "remittance": "払込日または払込番号が定められた形ではありません。",
    "result_code": "振替結果コードが定められた値ではありません。",
    "shop_code": "店舗コードが定められた形ではありません。",
    "stamp_flag": "印紙フラグが0または1ではありません。",
    "time": "ありえない時刻です。",
    "transaction": "取引区分が定められた値ではありません。",
    "transaction_id": "取引番号が定められた形ではありません。",
    "user_field": "ユーザー使用欄がバーコード情報と一致しません。",
}

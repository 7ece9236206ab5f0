"""管理の文言: what the settings of a body are called, and what is to be known about each."""

from __future__ import annotations

SECTIONS: dict[str, str] = {
    "body": "団体",
    "items": "科目",
    "agents": "収納機関・送付元",
    "accounts": "指定口座",
    "arrivals": "受領予定",
    "slip_layouts": "納付書の様式",
}
CHANGES: dict[str, str] = {"added": "追加", "removed": "削除", "changed": "変更"}
FIELDS: dict[str, str] = {
    "municipality_code": "団体コード",
    "name": "名称",
    "contact": "問い合わせ先",
    "collecting_body_code": "収納機関番号",
    "konbini_company_code": "請求書発行企業コード",
    "konbini_client_code": "自由使用欄の先頭5桁",
    "debit_consignor_code": "口座振替の委託者コード",
    "debit_prefix": "口座振替の顧客番号の先頭",
    "case_key_prefix": "案件特定キーの先頭4桁",
    "valid_until": "支払期限",
    "konbini_valid_until": "コンビニの支払期限",
    "late_valid_until": "期限後に発行した納付書の支払期限",
    "confirmation_days": "確報を待つ日数",
    "settlement_days": "入金を待つ日数",
    "alias_days": "振込名義を覚えておく日数",
    "cases_per_run_max": "一回に開く確認事項の上限",
    "cases_share_max": "一回に開く確認事項の割合の上限",
    "refund_return_patterns": "組戻しを表す摘要",
    "upload_registered_slips": "台帳から登録した納付書も納付書情報に載せる",
    "certificate_provisional": "速報も納税証明の納付済額に含める",
    "debit": "口座振替",
    "version": "版",
    "effective_on": "適用日",
    "layouts": "資料の独自様式",
    "slip_layouts": "納付書の様式",
    "item_code": "科目コード",
    "law": "根拠",
    "fund": "会計",
    "el_qr": "eL-QRを印字する",
    "konbini": "コンビニ用バーコードを印字する",
    "layout": "納付書の様式",
    "code": "資料の形式",
    "payer_code": "振込依頼人コード",
    "payer_name": "振込依頼人名",
    "fee": "手数料の扱い",
    "fee_each_yen": "一件の手数料（円）",
    "company_code": "企業コード",
    "client_code": "収納企業コード",
    "bank_code": "銀行コード",
    "bank_name": "銀行名",
    "branch_code": "支店コード",
    "branch_name": "支店名",
    "account_type": "預金種目",
    "account_no": "口座番号",
    "money_kind": "お金とみなす明細",
    "enquiries": "住民の照会",
}
HINTS: dict[str, str] = {
    "valid_until": "same_day（納期限の日）、days_after:日数、end_of_month_after:月数、next_fiscal_year:月-日 のいずれか。",
    "konbini_valid_until": "空欄なら支払期限と同じです。",
    "late_valid_until": "納期限から数えた支払期限が発行日より前になるときに使います。",
    "confirmation_days": "営業日。過ぎても確報が来ない速報は確認事項になります。",
    "settlement_days": "営業日。過ぎても入金のない払込は確認事項になります。",
    "cases_per_run_max": "これと次の割合の両方を超えると、照合は何も反映せずに止まります。",
    "cases_share_max": "0 から 1 まで。",
    "refund_return_patterns": "一行に一つ。半角カナで、通帳の摘要にあるとおりに。",
    "collecting_body_code": "eL番号の先頭5桁。ほかの団体と同じ番号は使えません。",
    "payer_name": "半角カナで、通帳の摘要にあるとおりに。",
    "fee": "別に請求される、払込明細のとおり差し引かれる、または一件ごとに決まった額を差し引かれる。",
    "money_kind": "03（入出金明細）か01（振込入金通知）のどちらをお金とみるか。もう一方は参考です。",
    "layout": "standard、vehicle、window、dunning、または団体の様式の名前。",
}
CHOICES: dict[str, dict[str, str]] = {
    "law": {"tax": "地方税", "public": "税外の公金"},
    "fee": {"gross": "別に請求", "advised": "払込明細のとおり差引", "agreed": "一件ごとに差引"},
    "money_kind": {"03": "03 入出金明細", "01": "01 振込入金通知"},
}
POLICIES: dict[str, str] = {
    "same_day": "納期限の日",
    "days_after": "{count}日後",
    "end_of_month_after": "{count}か月後の月末",
    "next_fiscal_year": "翌年度の{month}月{day}日",
}
TITLE = "団体設定"
CHANGES_ASKED = ("場所", "項目", "いま", "承認したあと")
CHANGES_DECIDED = ("場所", "項目", "依頼のとき", "承認したあと")
YES, NO = "はい", "いいえ"
EFFECT = (
    "承認すると、{day}から新しい設定になります。それまでは今の設定のままです。"
    "印刷済みの納付書と、記帳済みの内容は変わりません。"
)
EFFECT_TODAY = (
    "承認すると、すぐに新しい設定になります。印刷済みの納付書と、記帳済みの内容は変わりません。"
)

ADMIN_ERRORS: dict[str, str] = {
    "parameters_same": "いまの設定と変わるところがありません。",
    "parameters_day": "適用日「{found}」は使えません。{expected} の日付にしてください。",
    "parameters_code": "ほかの団体（{found}）の設定です。この団体は {expected} です。",
    "parameters_item_used": "科目 {found} は調定に使われているため、なくせません。",
    "parameters_account_used": "口座 {found} は明細が届いているため、なくせません。",
    "parameters_value": "「{field}」の値「{found}」は使えません（{expected}）。",
    "parameters_toml": "設定ファイルを読めません: {found}",
    "parameters_section": "その設定（{found}）はありません。",
    "parameters_unfit": "承認 {approval_id} の設定は、承認のあとに帳簿で使われた科目・口座を欠くため、適用できません。新しい変更を依頼してください。",
    "parameters_two_people": "この団体は本番か、設定を二人で決めたことがあります。設定の変更は二人で行います。画面の「団体設定」または kokin parameters ask で依頼してください。",
}

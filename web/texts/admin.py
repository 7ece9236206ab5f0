"""管理の文言: what the settings of a body are called, and what is to be known about each."""

from __future__ import annotations

SECTIONS: dict[str, str] = {
    "body": "団体",
    "items": "科目",
    "agents": "収納機関・送付元",
    "accounts": "指定口座",
    "debit": "口座振替",
    "debit.banks": "口座振替の取扱金融機関",
    "refunds": "還付・充当",
    "charges": "延滞金・分納",
    "charges.levies": "科目ごとの延滞金・督促手数料・時効",
    "charges.fees": "督促手数料の額",
    "dunning": "督促",
    "characters": "印字できない文字",
    "enquiries": "住民の照会",
    "enquiries.ways": "住民に示す納付の方法",
    "costs": "費用の単価",
    "open_data": "数字の公開",
    "retention": "保存年限",
    "arrivals": "受領予定",
    "slip_layouts": "納付書の様式",
}
NOTES: dict[str, str] = {
    "debit": "依頼する銀行がないときは、指定口座の銀行に依頼します。",
    "charges": "延滞金と督促手数料は、下の二つの表に科目があるときだけ調定します。",
    "charges.fees": "督促手数料をなくしたときは、なくした日からの0円の行を加えます。",
    "dunning": "画面とコマンドの初めの値です。リストを作る人は、そのリストだけの値を選べます。",
    "enquiries": "窓口と住民のページで納付書の状況を尋ねるときの定めです。",
    "costs": "単価は、団体の契約と実績から入力します。入力しなければ費用は計算しません。",
    "retention": "法律が許す最も短い年数より長く残すときに加えます。適用日から効き、前の定めも消さずに残します。",
    "open_data": "公開すると、個人の情報を含まない数字だけが、誰でも見られるページに出ます。",
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
    "version": "版",
    "effective_on": "適用日",
    "layouts": "資料の独自様式",
    "registers": "台帳の対応づけ",
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
    "fallback": "印字できない文字を置き換える",
    "decided": "置き換える文字",
    "consignor_name": "委託者名",
    "lead_days": "振替日の何営業日前までに依頼するか",
    "cut_off": "依頼の締切時刻",
    "result_days": "結果を待つ日数",
    "ahead_days_max": "振替日までの日数の上限",
    "second_codes": "再振替する振替結果コード",
    "consignor_code": "この銀行の委託者コード",
    "line_ends": "改行",
    "newest_first": "新しい納期限のものから充当する",
    "short_items": "2年で時効になる科目",
    "warn_days": "時効の何日前から知らせるか",
    "match_days": "振込の結果を待つ日数",
    "account": "仕向口座",
    "orderer_code": "総合振込の振込依頼人コード",
    "orderer_name": "総合振込の振込依頼人名",
    "booked": "延滞金を調定する時",
    "due_days": "延滞金の納期限までの日数",
    "plans_by_two": "分納を二人で決める",
    "plan_grace_days": "分納の遅れを待つ日数",
    "fee_slip": "督促手数料の納付書",
    "levy": "計算の定め",
    "charge_item": "延滞金の科目",
    "fee_item": "督促手数料の科目",
    "prescription_years": "時効の年数",
    "from_on": "いつから",
    "record": "記録",
    "years": "保存年数",
    "ground": "根拠（文書管理規程など）",
    "trigger": "どの日で決めるか",
    "fee_yen": "督促手数料（円）",
    "wait_days": "納期限のあと待つ日数",
    "minimum_yen": "督促する最少の額（円）",
    "limitation_days": "時効の何日前から知らせるか",
    "address": "照会のページのアドレス",
    "slips_max": "一度に尋ねられる納付書の数",
    "misses_guarded": "照会を重くする空振りの数",
    "misses_strict": "照会を制限する空振りの数",
    "needs": "納付書に要るもの",
    "limit_yen": "一件の上限（円）",
    "note": "住民への注意",
    "each_yen": "一件の手数料の単価",
    "sheets": "一件で減る紙の枚数",
    "sheet_yen": "紙一枚の費用（円）",
    "published": "数字を公開する",
    "licence": "利用条件",
    "licence_url": "利用条件のアドレス",
    # A name that means something else in its section.
    "charges.levies.item_code": "税目・料金の科目",
    "charges.fees.item_code": "税目・料金の科目",
    "enquiries.ways.code": "方法のコード",
    "enquiries.ways.name": "団体での呼び名",
    "enquiries.ways.fee": "住民が払う手数料",
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
    "fallback": "置き換えない場合、その納付書は印刷されず、印刷報告に理由が出ます。",
    "decided": "一行に一つ。文字=置き換え の形で、置き換えはJIS X 0213の文字で。",
    "collecting_body_code": "eL番号の先頭5桁。ほかの団体と同じ番号は使えません。",
    "payer_name": "半角カナで、通帳の摘要にあるとおりに。",
    "fee": "別に請求される、払込明細のとおり差し引かれる、または一件ごとに決まった額を差し引かれる。",
    "money_kind": "03（入出金明細）か01（振込入金通知）のどちらをお金とみるか。もう一方は参考です。",
    "layout": "standard、vehicle、window、dunning、または団体の様式の名前。",
    "consignor_name": "半角カナ。口座振替を使わなければ空欄のままにします。",
    "lead_days": "営業日。0 から 60 まで。",
    "result_days": "営業日。振替日の後、この日数のうちに結果が届くものとします。",
    "ahead_days_max": "これより先の振替日は、間違いとして断ります。",
    "second_codes": "一行に一つ。1（資金不足）、2（取引なし）、3（預金者の都合）、4（依頼書なし）、8（委託者の都合）、9（その他）。",
    "consignor_code": "10桁。空欄なら団体の委託者コードです。",
    "short_items": "科目コードを一行に一つ。国民健康保険料、介護保険料など。",
    "warn_days": "1 から 400 まで。",
    "match_days": "営業日。振込の指定日から数えます。",
    "account": "還付金を振り込む口座。選ばなければ、最初の指定口座です。",
    "orderer_code": "10桁。総合振込のファイルに書きます。",
    "orderer_name": "半角カナ。総合振込のファイルに書きます。",
    "due_days": "調定した日から数えます。0 から 60 まで。",
    "plan_grace_days": "まだ届いていない収納のために、不履行とする前に待つ日数。",
    "fee_slip": "同封するときは、印刷の前に調定し、手数料だけの納付書を督促状の順に作ります。抜き取った分は取り消します。",
    "charge_item": "一つの税目だけの科目です。選ばなければ、計算はしても調定しません。",
    "fee_item": "一つの税目だけの科目です。",
    "prescription_years": "地方税は5年、保険料は2年（1 から 10 まで）。",
    "fee_yen": "0 から 10,000 まで。条例でなくしたときは 0。",
    "wait_days": "途中にある収納のために待つ日数。0 から 60 まで。",
    "limitation_days": "時効がこの日数のうちに成り立つ未納を、督促のリストで先に示します。",
    "address": "https:// で始まるもの。納付書に、納付書ごとの符号とともに印字します。空欄なら印字しません。",
    "slips_max": "1 から 50 まで。",
    "misses_guarded": "一時間に見つからなかった照会がこの数になると、照会の手間を増やします。",
    "misses_strict": "一時間に見つからなかった照会がこの数になると、同じ所からは一時間に三回までにします。",
    "limit_yen": "0 なら上限なし。",
    "each_yen": "一行に一つ、「konbini_dsk=60」のように書きます。左は収納機関・送付元のコードです。",
    "sheets": "一行に一つ、「eltax=2」のように書きます。左は konbini、eltax、debit、notification、bank のいずれかです。",
    "licence": "公開するときは要ります。「CC BY 4.0」など。",
    "licence_url": "https:// で始まるもの。",
    "enquiries.ways.code": "app、site、konbini、bank には決まった説明があります。",
    "enquiries.ways.name": "空欄なら、いつもの呼び名です。",
    "enquiries.ways.fee": "団体の言葉のまま住民に示します。空欄なら、いつもの説明です。",
    "open_data.contact": "公開のページに出す問い合わせ先。",
}
CHOICES: dict[str, dict[str, str]] = {
    "record": {
        "enquiry_log": "照会の記録",
        "event_attempt": "外部通知の配信記録",
        "notice_event": "お知らせの送信記録",
        "notice_sent": "お知らせ",
        "account_view": "職員による閲覧の記録",
        "resident_view": "本人による閲覧の記録",
        "staff_event": "職員の操作記録",
    },
    "law": {"tax": "地方税", "public": "税外の公金"},
    "fee": {"gross": "別に請求", "advised": "払込明細のとおり差引", "agreed": "一件ごとに差引"},
    "money_kind": {"03": "03 入出金明細", "01": "01 振込入金通知"},
    "line_ends": {"crlf": "CRLF", "none": "なし"},
    "booked": {"on_full_payment": "本税が完納されたとき", "on_receipt": "本税が納められるたび"},
    "levy": {"tax": "市税（国民健康保険税を含む）", "national_health_fee": "国民健康保険料"},
    "fee_slip": {"after": "発送のあとに調定する", "enclosed": "督促状に同封する"},
    "trigger": {"letter": "督促状を発する日", "due": "納期限"},
    "needs": {
        "el_qr": "eL-QR・eL番号",
        "konbini": "コンビニ用バーコード",
        "paper": "納付書そのもの",
    },
}


def field_word(section: str, name: str) -> str:
    """What a field is called; the same name may mean another thing in another section."""
    return FIELDS.get(f"{section}.{name}") or FIELDS.get(name, name)


def hint(section: str, name: str) -> str:
    """What is to be known about a field, "" for nothing."""
    own = f"{section}.{name}"
    # A field with a word of its own is another field, whose hints would mislead.
    return HINTS.get(own) or ("" if own in FIELDS else HINTS.get(name, ""))


def choice_word(section: str, name: str, value: str) -> str:
    """What a value is called, or the value itself."""
    if f"{section}.{name}" in FIELDS:
        return value
    return CHOICES.get(name, {}).get(value, value)


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
    "proof_needed": "この操作には、直前10分以内の本人確認が必要です。別の画面で本人確認を済ませてから、もう一度送ってください。送った内容は下に残しています。",
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

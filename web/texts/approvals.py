"""承認の文言: what an approval does, in sentences and in the words of its tables."""

from __future__ import annotations

from web.language import Sentences

# kind of approval → what happens when the second person agrees
EFFECTS = Sentences(
    {
        "slips_release": "承認すると、印刷 {run_id} を引渡済とし、発送できるようになります。",
        "dunning_release": "承認すると、督促リスト {list_no} の督促状（{letters}）を印刷できるようになります。",
        "dunning_despite": "承認すると、{day}の督促の抽出を、上の資料が届かないまま行えるようになります。",
        "certificate_despite": "承認すると、{subject}に限り、上の資料が届いていないまま納税証明を行えます。証明には基準日を書きます。",
        "debit_release": "承認すると、{subject}の依頼ファイルを取り出し、銀行に送付できるようになります。",
        "debit_replace": "承認すると、{subject}を取り消し、上の内容で作り直します。新しい束の送付には、もう一度二人の承認が要ります。",
        "debit_withdraw": "承認すると、{subject}を取り消します。この束では引き落としません。",
        "appropriation": "承認すると、過誤納を上の未納に充てます（地方税法17条の2）。元に戻すときは、明細の充当先を決め直します。",
        "refund": "承認すると、{amount_yen:,}円の還付を決定します。還付加算金は、きょうまでで計算します。",
        "refund_cancel": "承認すると、還付 {refund_no} の決定を取り消し、お金を仮受に戻します。",
        "refund_batch": "承認すると、振込データ {batch_no}（{count:,}件、{total_yen:,}円）を銀行に渡せるようになります。同じ還付が別の振込データで出ることはありません。",
        "refund_batch_withdraw": "承認すると、振込データ {batch_no}（{count:,}件、{total_yen:,}円）を取り消します。この振込データでは振り込みません。還付は振込の前の状態に戻り、次の振込データに入れられます。",
        "charge_waiver": "承認すると、延滞金を上の内容で減免します。調定した額は、次の調定の処理で更正します。",
        "payment_plan": "承認すると、上の各回の分納を始め、回ごとの納付書を発行します。",
        "write_off": "承認すると、上の期別を不納欠損とし、その納付書を失効させます。そのあとの納付は収入とせず、返します。",
        "write_off_reversal": "承認すると、不納欠損を取り消し、未納に戻します。待っている納付があれば、この期別に充てます。",
        "retention_deletion": "承認すると、{day}より前の{table} {rows:,}件をデータベースから廃棄します。元には戻せません。保管したファイルは残ります。",
        "municipality_live": "承認すると、これから印刷する納付書に「見本」と印字しなくなります。",
        "resident_link": "承認すると、申出 {subject} の住民を宛名に結び付けます。その人は、本人のページで納付状況を見られるようになります。",
        "user_roles": "承認すると、職員 {subject} の役割を変えます。開いている画面は閉じられます。",
        "day_close": "承認すると、{subject}までの帳簿を締めます。締めたあとに届いたものは、次の営業日に記帳します。",
        "day_reopen": "承認すると、{subject}の締めを取り消し、この日に記帳できるようにします。締めた報告は記録に残ります。",
        "arrival_rules": "承認すると、書かれた日から、上の受領予定の定めで資料を待ちます。",
        "year_close": "承認すると、{subject}の帳簿を締め、収入未済を次の年度へ滞納繰越します。",
        "year_reopen": "承認すると、{subject}の締めと滞納繰越を取り消します。締めた報告は記録に残ります。",
    }
)
UNKNOWN_EFFECT = "承認すると、上の内容のとおりに行います。"

SENTENCES = Sentences(
    {
        "stale": "依頼のあとに内容が変わったため、承認しても行えません。却下して、もう一度依頼してください。",
        "own": "あなたが依頼したものなので、あなたは決定できません。{roles}の役割を持つ、別の職員が決めます。",
        "role": "この種類の承認は、{roles}の役割を持つ職員が決めます。",
        "despite": "未着の資料または不一致があるまま締める依頼です（{blockers}）。理由を確かめてください。",
        "checked_again": "承認するときに、台帳・共通納税の受付・フォルダのファイルをもう一度確かめます。",
    }
)

# state → what its decider did
ENDINGS = Sentences(
    {
        "approved": "承認し、上の内容を行いました。",
        "rejected": "却下しました。帳簿は何も変わっていません。",
        "recalled": "取り下げました。帳簿は何も変わっていません。",
    }
)

TITLES = Sentences(
    {
        "changes": "承認で変わること",
        "content": "依頼の内容",
        "files": "ファイル",
        "lacking": "届いていない資料",
        "pull": "発送の前に抜き取るページ",
    }
)
# Why a printed page must not be mailed.
PULLED = Sentences(
    {
        "superseded": "再発行済",
        "revoked": "失効",
        "amount_changed": "納める金額が変わった",
    }
)

# the words of the tables
CHANGES = ("項目", "いま", "承認したあと")
CHANGES_DECIDED = ("項目", "依頼のとき", "承認したあと")
PLACES = ("充当先", "いま", "承認したあと")
PLACES_DECIDED = ("充当先", "依頼のとき", "承認したあと")
WORDS = Sentences(
    {
        "obligor": "納付義務者",
        "operation": "行うこと",
        "line": "明細",
        "amount": "届いた額",
        "outcome": "依頼のときの結果",
        "alias": "覚える名義",
        "arrival_rules": "受領予定の定めと提案",
        "placement": "この明細の充当先",
        "explain": "この明細の説明",
        "case": "確認事項",
        "roles": "役割",
        "print_state": "印刷の状態",
        "sample": "納付書の「見本」",
        "sample_printed": "印字する",
        "sample_not_printed": "印字しない",
        "period_state": "{subject}の帳簿",
        "open": "未締め",
        "closed": "締め済",
        "late": "あとから届いたものの記帳",
        "arrears": "収入未済",
        "arrears_same_year": "{subject}の収入未済",
        "arrears_next_year": "次の年度へ滞納繰越",
        "late_same_day": "この日",
        "late_next_day": "次の営業日",
        "late_same_year": "{subject}",
        "late_next_year": "次の年度の滞納繰越分",
    }
)

"""説明の文言: the headings, values and conditions of an explanation (reconcile.explain.answer)."""

from __future__ import annotations

from web.language import Sentences

# What was asked about.
SUBJECTS = Sentences(
    {
        "line": "明細",
        "receipt": "収納",
        "credit": "入金",
        "slip": "納付書",
        "instalment": "期別",
        "notice": "通知書",
        "case": "確認事項",
    }
)

HEADINGS = Sentences(
    {
        "summary": "まとめ",
        "evidence": "届いたもの",
        "read": "読み取った内容",
        "decision": "判定",
        "facts": "そのときの値",
        "tests": "規則を上から順に当てた結果",
        "candidates": "比べた払込",
        "bookings": "仕訳",
        "claim": "請求（納付書・期別）",
        "versions": "納付書の版",
        "assessments": "調定の異動",
        "holds": "猶予・停止",
        "carried": "滞納繰越",
        "slip_events": "納付書の出来事",
        "settlement": "払込と入金",
        "others": "同じ納付・同じ記録の、ほかの報告",
        "people": "人の判断",
        "seals": "封印",
        "later": "その後",
        "claim_bookings": "調定の仕訳",
    }
)

# One condition of reconcile.rules in words, with what it means for the line.
CONDITIONS = Sentences(
    {
        "I1": "同じ記録をすでに受け取っている",
        "I2": "同じ記録が別の内容で届いている",
        "P01": "明細の項目が定められた形でない",
        "D1": "口座振替の結果が振替不能（1・2・3・4・8・9）である",
        "S2": "取消で、取り消す速報がある",
        "S3": "取消で、その納付はすでに確報になっている",
        "S4": "取消で、取り消す速報がない",
        "S1": "確報で、その速報がある",
        "S5": "速報で、同じ納付の報告がすでにある",
        "P02": "団体コード・企業コードがこの団体でない",
        "P03": "番号が台帳になく、検査数字も合わない",
        "P04": "番号が台帳にない",
        "P05": "対象の期別がすべて取消（0円）になっている",
        "P06": "未納がなく、全期・期別の別の納付もない",
        "P09": "eL番号による納付で、金額がその納付書の金額と異なる",
        "P07": "全期・期別の別の方で納付がある",
        "P08": "納付書が再発行済または失効である",
        "P10": "金額が納めるべき額より少ない",
        "P11": "金額が納めるべき額より多い",
        "P12": "領収日が支払期限より後である",
        "P13": "ほかの規則に当たらない（金額が納めるべき額と等しい）",
        "B8": "入金通知の取消である",
        "B1": "出金である",
        "B9": "この口座の入金の証拠は別の資料による",
        "B2": "払込元の一つの払込と金額が等しい（一通り）",
        "B3": "払込元のいくつかの払込の合計と金額が等しい（一通り）",
        "B3S": "払込元の他の入金と合わせて、一つの払込と金額が等しい（一通り）",
        "B4": "払込元は分かるが、一通りに決まらないか金額が合わない",
        "B5": "還付の組戻しの文言がある",
        "B6": "振込依頼人と同じ名の人に、金額の合う未納がある",
        "B7": "ほかの規則に当たらない",
        "V1": "確報の件数・金額が払込明細と等しい",
        "V2": "確報の件数または金額が払込明細と異なる",
    }
)

# The name of a value, and how it is shown: yen, day, moment, yes, count, stage, … or as it stands.
FACTS: dict[str, tuple[str, str]] = {
    "fixed": ("以前の報告との関係", "fixed"),
    "fault": ("形式不正", "fault"),
    "is_debit": ("口座振替の結果", "yes"),
    "kind": ("種別", ""),
    "stage": ("段階", "stage"),
    "partner": ("対になる報告", "there"),
    "confirmed_before": ("同じ納付の確報がすでにある", "yes"),
    "is_ours": ("この団体あて", "yes"),
    "known": ("番号が台帳にある", "yes"),
    "key_valid": ("検査数字が合う", "yes"),
    "live": ("取消でない期別がある", "yes"),
    "outstanding": ("未納の額", "yen"),
    "alternative_yen": ("全期・期別の別の方での納付", "yen"),
    "is_el": ("eL番号による納付", "yes"),
    "amount": ("納付・入金の金額", "yen"),
    "slip_yen": ("納付書の金額", "yen"),
    "due": ("納めるべき額（納付書の金額と未納の小さい方）", "yen"),
    "superseded": ("納付書が再発行済・失効", "yes"),
    "late": ("支払期限より後", "yes"),
    "slip_no": ("納付書番号", ""),
    "slip_version": ("納付書の版", ""),
    "version": ("版", ""),
    "term": ("期別", "term"),
    "valid_until": ("支払期限", "day"),
    "paid_on": ("領収日・勘定日", "day"),
    "instalment_yen": ("調定額", "yen"),
    "approval_id": ("承認", ""),
    "asked_by": ("依頼した人", ""),
    "decided_by": ("承認した人", ""),
    "decision_reason": ("理由", ""),
    "placed_before": ("それまでの充当先", ""),
    "placed_now": ("決めた充当先", ""),
    "applied_before_yen": ("すでに消し込んだ額", "yen"),
    "paid_by": ("先に消し込んだ報告（資料:行）", ""),
    "direction": ("入払", "direction"),
    "source": ("資料の種類（全銀）", ""),
    "is_money": ("この口座の入金の証拠", "yes"),
    "account_key": ("口座", ""),
    "booked_on": ("勘定日", "day"),
    "payer_code": ("振込依頼人コード", ""),
    "payer_name": ("振込依頼人", "wide"),
    "remarks": ("摘要", "wide"),
    "edi": ("EDI情報", ""),
    "agent": ("払込元", "agent"),
    "is_returned": ("組戻しの文言", "yes"),
    "suggested": ("金額の合う期別", ""),
    "single": ("金額の等しい払込", "count"),
    "combinations": ("合計の等しい組合せ", "combinations"),
    "disputed": ("同じ日の別の入金と、同じ払込を取り合う", "yes"),
    "split": ("合わせて一つの払込になる入金", "count"),
    "split_yen": ("その入金の合計", "yen"),
    "remittance_no": ("払込番号", ""),
    "remitted_on": ("資金化日", "day"),
    "part": ("チャネル/科目", ""),
    "count": ("払込明細の件数", "count"),
    "confirmed_count": ("確報の件数", "count"),
    "gross_yen": ("払込明細の金額", "yen"),
    "confirmed_yen": ("確報の金額", "yen"),
    "fee_yen": ("差引手数料", "yen"),
    "net_yen": ("差引後の額", "yen"),
    "key_kind": ("番号の種類", "key_kind"),
    "slip_key": ("照合キー", ""),
    "reissue": ("再発行区分", ""),
    "amount_yen": ("金額", "yen"),
    "paid_at": ("領収時刻", ""),
    "operator": ("取扱", ""),
    "remittance_ref": ("払込番号・払込日", "ref"),
    "occurrence": ("同じ行の何件目", ""),
    "item_code": ("科目", ""),
    "levy_year": ("賦課年度", ""),
    "notice_no": ("通知書番号", ""),
    "applied_yen": ("消し込んだ額", "yen"),
    "outstanding_yen": ("未納の額", "yen"),
    "due_on": ("納期限", "day"),
    "ref": ("払込番号・払込日", "ref"),
    "credited_yen": ("入金済の額", "yen"),
}
# Closed lists of values; what they say when there is none.
VALUES = {
    "key_kind": Sentences(
        {"el": "eL番号", "konbini": "コンビニの自由使用欄", "debit": "口座振替の顧客番号"}
    ),
    "fixed": Sentences({"repeat": "同じ内容", "conflict": "別の内容"}),
    "combinations": Sentences({"0": "なし", "1": "一通り", "2": "二通り以上"}),
}
ABSENT = Sentences({"there": "なし", "fixed": "なし", "fault": "なし"})
RELATIONS = Sentences(
    {
        "confirms": "この確報が確定した速報",
        "confirmed_by": "これを確定した確報",
        "withdraws": "この取消が取り消した報告",
        "withdrawn_by": "これを取り消した報告",
        "same_record": "同じ記録",
        "same_payment": "同じ納付",
        "same_number": "同じ番号",
    }
)
JOURNALS = Sentences(
    {
        "intake": "資料の取込",
        "reconcile": "再照合",
        "assessments": "調定の取込",
        "placement": "充当先の決定",
        "credit_placement": "入金の充当先の決定",
        "carry_over": "滞納繰越",
    }
)
REASONS = Sentences(
    {
        "assessment": "当初調定",
        "correction": "更正",
        "cancellation": "調定取消",
        "applied": "消込",
        "suspense": "仮受",
        "confirmed": "確報",
        "reversal": "取消（逆仕訳）",
        "placed": "手作業消込",
        "placed_reversal": "手作業消込の取消（逆仕訳）",
        "surplus": "過納の振替",
        "unidentified_deposit": "入金",
        "settled": "入金照合",
        "fee": "手数料",
        "outgoing": "出金",
    }
)
FLAGS = Sentences(
    {"collection_hold": "徴収猶予", "dunning_hold": "督促停止", "direct_debit": "口座振替"}
)
ASSESSMENT_KINDS = Sentences({"initial": "当初", "correction": "更正", "cancellation": "取消"})

UNKNOWN = Sentences(
    {
        "slip_state_undated": "この納付書は台帳の取込で状態が変わったため、再発行・失効の日時は分かりません。取込時に有効でなかったことは収納の記録によります。",
        "profile_today": "口座と払込元は、今の団体設定によって読み直しています。",
        "obligors_today": "氏名と未納は今の台帳で調べ直さず、当時の確認事項に残る候補を示しています。",
        "order_within_journal": "同じ取込でほかの入金も照合されており、その中での順序は記録されていません。",
        "entered_first": "比べる前に、いったん相違として記録したものです。同じ取込の次の判定で比べています。",
    }
)

SENTENCES = Sentences(
    {
        "came": "{received_on}に届いた{channel}の{stage}です。{paid_on}、{amount}。",
        "named": "納付書 {slip_no}（{term}、{amount}、支払期限 {valid_until}）の番号です。",
        "stood": "そのとき未納は {outstanding}、納めるべき額は {due} でした。",
        "now": "{number}回判定し、今の結果は「{outcome}」です。",
        "decided": "{booked_on}、{occasion}（{actor}）で、規則 {rule}「{label}」により「{outcome}」と判定しました。",
        "withdrawn": "{booked_on}、{occasion}（{actor}）で、後から届いた報告により「{outcome}」となりました（規則 {rule}）。",
        "decided_by_people": "{booked_on}、{asked_by} の依頼と {decided_by} の承認（承認 {approval_id}、理由: {reason}）により「{outcome}」としました（規則 {rule}）。",
        "money": "消込 {applied}、仮受 {suspense}。",
        "disagrees": "記録から復元した値では規則 {found} となり、記録の規則 {rule} と異なります。kokin verify で帳簿を確かめてください。",
        "proof_unproven": "資料全体（{size}）が大きいため、SHA-256による照合はまだしていません。",
        "proof_intact": "資料全体のSHA-256は、保管した証拠と一致しています。",
        "proof_altered": "保管した証拠のバイト列が、資料のSHA-256と一致しません。kokin verify で確かめてください。",
        "proof_missing": "この資料のバイト列は証拠にありません。",
        "no_bookings": "この明細による仕訳はありません。",
        "no_people": "この明細についての人の判断（確認事項・承認）はありません。",
        "sealed": "仕訳帳 {journal_id} は封印 {seal_no} に含まれます（{made_at}、SHA-256 {sha256}）。改めていないことは kokin verify で確かめられます。",
        "unsealed": "仕訳帳 {journal_id} は、まだ封印されていません。",
        "no_later": "その後の変化はありません。",
        "no_payments": "この番号に当たる納付の報告は、まだありません。",
        "left_off": "ほかに {number} の報告があります。",
        "unsettled": "この払込の入金は、まだ確かめられていません。",
        "no_group": "この納付の払込（資金化）は、まだ決まっていません。",
        "case": "確認事項 {case_no}「{kind}」（{state}、{amount}、{opened_on}発生）",
        "case_event": "　{on} {event}（{actor}）{note}",
        "approval": "承認 {approval_id}「{kind}」: {asked_by} が {asked_at} に依頼（{reason}）、{decision}",
        "approval_decided": "{decided_by} が {decided_at} に{decision}{note}",
        "approval_waiting": "判断を待っています",
        "decided_again": "{on} 改めて判定し、「{outcome}」となりました（規則 {rule}、消込 {applied}、仮受 {suspense}）。",
        "later_decided_by_people": "{on} 二人の決定により「{outcome}」となりました（規則 {rule}、消込 {applied}、仮受 {suspense}）。",
        "later_withdrawn": "{on} 取り消されました（{file}）。",
        "confirmed": "{on} 確報により確定しました（{amount}、{file}）。",
        "corrected": "{on} 調定が {amount} 変わりました（{place}、{file}）。",
        "surplus": "{on} 過納 {amount} を仮受金に移しました（{place}）。",
        "surplus_back": "{on} 過納として移した {amount} を戻しました（{place}）。",
        "slip_event": "{on} 納付書 {slip_no} を{event}しました（{actor}）{reason}。",
        "settled": "{on} 勘定の入金 {amount} で資金化しました（{file} {line_no}行目）。",
    }
)

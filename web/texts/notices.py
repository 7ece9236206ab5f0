"""お知らせの文言: what the treasury is told about files that come and do not come."""

from __future__ import annotations

from web.language import Sentences

# kind of notice → its subject; every notice names the municipality and the service first
SUBJECTS: dict[str, str] = {
    "arrival_red": "【{municipality} 収納照合】未着: {source}（{due_on}分）",
    "arrival_came": "【{municipality} 収納照合】未着の解消: {source}（{due_on}分）",
    "file_aside": "【{municipality} 収納照合】資料の{status}: {source}",
    "file_foreign": "【{municipality} 収納照合】他団体の資料: {source}",
    "test": "【{municipality} 収納照合】お知らせの試験",
    "arrival_summary": "【{municipality} 収納照合】{day}朝の受領状況: {result}",
}
RESULTS: dict[str, str] = {
    "good": "未着なし",
    "red": "未着 {red}件",
    "amber": "要確認 {amber}件",
}
LINES: dict[str, str] = {
    "red": "{source}の{due_on}分が、締切（{cut_off}）と猶予（{grace}分）を過ぎても届いていません。",
    "red_next": "送付元に確かめてください。届いていないまま、締めと督促の抽出はできません。資料がない日なら、該当なしを登録してください。",
    "came": "{source}の{due_on}分が、{arrived}に届きました（締切から{late}の遅れ）。",
    "came_partial": "ただし、取り込めなかった資料が残っています。受領予定の画面で確かめてください。",
    "nil": "{source}の{due_on}分は、職員が該当なしと登録しました。",
    "aside": "{source}の資料（資料番号 {file_id}）を{status}としました。帳簿には何も入っていません。",
    "aside_finding": "・{sentence}（{code}）",
    "foreign": "{source}の資料（資料番号 {file_id}）は、すべて他団体の明細でした。消込はしていません。",
    "foreign_next": "送付元に知らせ、この団体の資料を送るよう頼んでください。届くまでは未着のままです。",
    "aside_next": "資料の画面で箇所を確かめ、送付元に再送を頼んでください。",
    "summary_head": "{day}、{at}現在の受領状況です。",
    "summary_red": "■ 未着（赤） {number}件",
    "summary_amber": "▲ 要確認（黄） {number}件",
    "summary_due": "○ 本日の予定 {number}件",
    "summary_row": "  ・{due_on}分 {source}: {state}",
    "summary_due_row": "  ・{source}: 締切 {cut_off}（{state}）",
    "summary_none": "  なし",
    "test": "これは試験です。このお知らせが届けば、未着の資料もここに届きます。",
    "where": "画面: /staff/arrivals/{day}",
}
# Why a notice could not be sent (web.notices.channels).
ERRORS = Sentences(
    {
        "smtp_unset": "メールサーバー（KOKIN_SMTP_HOST）が設定されていません。",
        "smtp_login": "メールサーバーの認証または暗号化ができませんでした。",
        "smtp_refused": "メールサーバーが受け付けませんでした。",
        "smtp_unreachable": "メールサーバーにつながりませんでした。",
        "webhook_unsigned": "Webhook の署名の鍵が設定されていません。",
        "webhook_refused": "Webhook の送信先が受け付けませんでした。",
        "webhook_unreachable": "Webhook の送信先につながりませんでした（許可された送信先かどうかも確かめてください）。",
        "folder_unwritable": "お知らせのフォルダに書けませんでした。",
    }
)

"""受信の文言: what the findings sheet says, what to do about a finding, and what stays in a folder."""

from __future__ import annotations

from web.language import Sentences

SHEET = {
    "title": "資料の指摘",
    "name": "資料",
    "status": "状態",
    "arrived": "受付",
    "file_no": "資料番号",
    "sha256": "SHA-256",
    "line": "行",
    "byte": "バイト",
    "field": "項目",
    "code": "コード",
    "what": "内容",
    "found": "値",
    "expected": "正",
    "next": "すべきこと",
    "none": "指摘はありません。",
    "left_out": "（暗号化しているため省略）",
    "kept": "この資料は証拠として保管し、帳簿には何も反映していません。直った資料が届いたら、別の資料として取り込まれます。",
    "again": "この資料のまま取り込み直すときは、資料の画面の「もう一度取り込む」、または `kokin files retry {file_id}` を使ってください。",
}

# What a person does about a finding; where a code is not named, about the state of the file.
NEXT = Sentences(
    {
        "agent_error": "収納代行会社に再送を依頼してください。",
        "amount": "送付元に、金額の直った資料の再送を依頼してください。",
        "balance_mismatch": "取引のもれや重なりがないか銀行に確かめ、再送を依頼してください。",
        "debit_request": "依頼ファイルです。金融機関から返った結果ファイルを置いてください。",
        "ebcdic": "JISコードで送り直すよう、送付元に依頼してください。",
        "empty_file": "該当がない日なら、その旨を受領予定の画面に記録してください。そうでなければ再送を依頼してください。",
        "end_missing": "途中で切れています。送付元に再送を依頼してください。",
        "other_channel": "正しいフォルダに置き直すか、経路に誤りがないことを確かめて「もう一度取り込む」を選んでください。",
        "other_municipality_file": "誤って届いた他団体の資料です。開かずに送付元へ連絡し、正しい資料を受け取ってください。個人情報の誤送付として報告が要るか、担当課に確かめてください。",
        "several_formats": "一つの資料に一つの形式だけを入れて、送り直してもらってください。",
        "too_many_cases": "資料の取り違えや二重の送付を疑ってください。正しい資料なら、団体設定の上限を見直して取り込み直してください。",
        "total_mismatch": "明細の欠けや重なりがあります。送付元に再送を依頼してください。",
        "trailer_count": "明細の欠けや重なりがあります。送付元に件数を確かめ、再送を依頼してください。",
        "trailer_missing": "途中で切れています。送付元に再送を依頼してください。",
        "trailer_total": "明細の欠けや重なりがあります。送付元に金額を確かめ、再送を依頼してください。",
        "truncated": "途中で切れています。送付元に再送を依頼してください。",
        "unknown_account": "指定口座の資料かを確かめてください。新しい口座なら、団体設定に加えて取り込み直してください。",
        "unknown_consignor": "委託者コードを確かめてください。新しいコードなら、団体設定に加えて取り込み直してください。",
        "unknown_format": "正しい資料かを確かめ、送付元に再送を依頼してください。",
        "wrong_command": "台帳の取込の命令で取り込んでください。",
    }
)
NEXT_BY_STATUS = Sentences(
    {
        "quarantined": "送付元に、示した箇所の直った資料の再送を依頼してください。",
        "refused": "正しい資料かを送付元に確かめてください。",
        "stopped": "資料の取り違えを疑い、担当者と確かめてから取り込み直してください。",
    }
)

# What stays in a folder until a person does something about it, by its state.
STUCK = Sentences(
    {
        "link": "リンクは開きません。ファイルそのものを置いてください。",
        "no_file": "ファイルではありません。",
        "too_large": "大きすぎる資料です。KOKIN_FILE_BYTES_MAX を見直すか、分けて送ってもらってください。",
        "unreadable": "読む権利がありません。置き場の権利を確かめてください。",
        "archive": "控えの置き場に書けません。資料は取込済みです。",
    }
)

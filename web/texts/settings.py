"""設定の文言: what is wrong with settings and rights, and what a value should have been."""

from __future__ import annotations

SETTING_ERRORS = {
    "settings": "設定 {field} の値「{found}」は使えません。{expected}{more}",
    "settings_file": "設定ファイル {path} を読めません: {found}。KOKIN_SETTINGS_FILE と、読む利用者（kokin）の権利を確かめてください。",
    "settings_file_open": "設定ファイル {path} をほかの利用者も読めます。chmod 640 と chgrp kokin で、サービスだけが読めるようにしてください。",
    "settings_line": "設定ファイル {path} の {line}行目を読めません。「KOKIN_名前=値」と一行に書き、空白のある値は引用符で囲み、逆斜線は使わないでください。",
    "settings_name": "{found} は設定の名前ではありません。{expected} の書き間違いではありませんか。",
    "metrics_token": "KOKIN_METRICS_TOKEN が短すぎます（{found}文字、{expected}文字以上）。",
    "database_rights": "データベースの役割に権限が足りません（{number}件: {found}）。所有者で kokin db roles --apply を実行してください。",
    "doctor_before": "上の「{found}」の不備のため、確かめられません。先にそちらを直してください。",
}

SETTING_EXPECTED = {
    "bodies": '団体コードごとの設定を {"99999": {…}} の形（JSON）で書いてください。',
    "choice": "次のどれかを書いてください。",
    "clock": "時刻を 06:30 の形で書いてください。",
    "database": "sqlite:///ファイル または postgresql://利用者@ホスト/データベース の形で書いてください。",
    "extra": "この名前の項目はありません。消すか、名前を直してください。",
    "host": "サーバーの名前かアドレスだけを、空白なしで書いてください（例 mail.city.example.jp）。",
    "http": "http:// または https:// で始まるアドレスを書いてください。",
    "https": "https:// で始まるアドレスを書いてください。",
    "json": "JSONとして読めません。引用符・かっこ・カンマを確かめてください（行:文字）。",
    "missing": "この項目が足りません。書き加えてください。",
    "networks": "10.1.0.0/16 の形で、カンマで区切って書いてください。",
    "number": "数で書いてください。",
    "other": "docs/operations.md の「Settings」の表を確かめてください。",
    "range": "決められた範囲の数にしてください。",
    "several": '["…", "…"] の形で、一つ以上書いてください。',
    "truth": "true か false で書いてください。",
    "whole": "整数で書いてください。",
}

"""外部通知の文言: names of kinds and states, why a delivery failed, and what cannot be done."""

from __future__ import annotations

EVENT_LABELS: dict[str, dict[str, str]] = {
    "event_kind": {
        "slip.paid": "納付済",
        "slip.payment_withdrawn": "納付の取消",
        "slip.refunded": "還付済",
        "file.quarantined": "資料の保留",
        "file.released": "資料の保留解除",
        "day.closed": "日次締め",
        "day.reopened": "日次締めの解除",
        "year.closed": "年度締め",
        "year.reopened": "年度締めの解除",
    },
    "event_number": {
        "el_number": "eL番号",
        "slip_no": "納付書番号",
        "notice": "通知書番号・期別",
    },
    "subscriber_channel": {"webhook": "Webhook", "folder": "フォルダ"},
    "delivery_state": {"waiting": "送信待ち", "delivered": "送信済", "failed": "断念"},
    "delivery_reason": {
        "delivered": "受け取られました。",
        "refused": "受信側が成功以外の応答を返しました。",
        "redirected": "受信側が別の宛先を示しました（転送には従いません）。",
        "timeout": "時間内に応答がありませんでした。",
        "connection": "接続できないか、途中で切れました。",
        "tls": "TLSの証明書を確かめられませんでした。",
        "name_unknown": "宛先の名前を引けませんでした。",
        "private_address": "宛先が内部のネットワークのため送りません（KOKIN_WEBHOOK_NETWORKS）。",
        "host_not_allowed": "宛先が許可された一覧にありません（KOKIN_WEBHOOK_HOSTS）。",
        "https_required": "宛先が https ではありません（KOKIN_WEBHOOK_HTTP）。",
        "url_form": "宛先のURLの形が正しくありません。",
        "secret_unreadable": "秘密を開く暗号化の鍵がありません。",
    },
}

EVENT_ERRORS: dict[str, str] = {
    "event": "外部通知 {found} は見つかりません。",
    "event_kind": "通知の種類「{found}」はありません（使えるもの: {expected}）。",
    "event_number": "納付書の示し方「{found}」はありません（使えるもの: {expected}）。",
    "event_range": "通知の番号の範囲が正しくありません。1以上で、始まりを終わりより大きくしないでください。",
    "event_folder": "フォルダ「{found}」は使えません。/ で始まる場所を指定してください。",
    "event_folder_unwritable": "外部通知のフォルダ {path} に書けません: {found}",
    "event_file": "購読者 {name} の外部通知ファイル {found} は見つかりません。",
    "subscriber": "購読者 {name} は登録されていません。",
    "subscriber_name": "購読者の名前「{found}」は使えません。英数字と . _ - で40文字までにしてください。",
    "subscriber_exists": "購読者 {name} はすでに登録されています。",
    "subscriber_disabled": "購読者 {name} は停止中です。`kokin events enable` で再開してから送ってください。",
    "subscriber_is_folder": "購読者 {name} はフォルダです。ファイルの番号（--file）を指定してください。",
    "subscriber_has_no_secret": "購読者 {name} はフォルダのため、秘密がありません。",
    "subscriber_target": "宛先は --url か --folder のどちらか一つを指定してください。",
    "webhook_url": "このURLには送れません。{reason}",
    "webhook_secret": "Webhookの秘密の形が違います。`kokin events subscribe` と `kokin events rotate` が作るもの（whsec_ で始まるbase64、24バイト以上）をそのまま使ってください。",
    "secret_overlap": "前の秘密を残す期間は0時間から{expected}日までにしてください。",
    "nothing_to_replay": "購読者 {name} に送り直すものがありません。番号と、購読している種類を確かめてください。",
}

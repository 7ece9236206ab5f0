"""納付通知APIの文言: what the description of the interface says, by member, answer and status."""

from __future__ import annotations

from web.language import Sentences

TITLE = "納付通知API"
VERSION = "1"
ABOUT = (
    "納付があったこと（速報）、確定したこと（確報）、取り消されたこと（取消）を、収納事業者がHTTPで"
    "知らせるための、このサービス独自のAPIです。eLTAXの仕様ではありません。"
    "2xxで答えた通知は、停電があっても失われません。"
)

SIGNING = (
    "署名は、次の五つをこの順に並べたバイト列の HMAC-SHA256（鍵は秘密の文字列、16進64文字）です。"
    "初めの四つは、それぞれの後に改行（LF）を一つ付けます。\n"
    "1. X-Kokin-Timestamp の値\n"
    "2. X-Kokin-Nonce の値\n"
    "3. メソッド（POST または GET）\n"
    "4. パス（例 /api/v1/payment-notifications）。照会文字列があれば ? とともに、送るとおりに\n"
    "5. 本文のバイト列。送るとおりに、改行を付けずに。GET では何も付けません"
)

FIELDS = {
    "notification_id": "通知の識別子。同じ識別子の通知は一度だけ記帳します。"
    "Idempotency-Key と両方を書くときは同じ値にしてください。まとめて送るときは必須です。",
    "kind": "種類: paid 速報（納付された）、confirmed 確報（資金化が確定した）、cancelled 取消（納付が取り消された）",
    "amount_yen": "金額（円）",
    "paid_on": "領収日（日本の日付、YYYY-MM-DD）。未来の日付は受け付けません。",
    "paid_at": "領収時刻（日本時間、HH:MM）",
    "el_number": "eL番号34桁: 収納機関番号5桁、納付番号（案件特定キー）20桁、確認番号6桁、納付区分（税目・料金番号）3桁",
    "channel": "納付の方法",
    "operator_code": "収納事業者の番号",
    "operator_name": "収納事業者の名前",
    "transaction_id": "収納事業者の取引番号。速報・確報・取消で同じ番号にしてください。",
    "remittance_on": "資金化日（領収日から1年以内）",
    "remitted_konbini": "振込予定日（領収日から1年以内）。収納データ（ファイル）の確報と同じ日にしてください。",
    "remittance_no": "払込番号",
    "konbini_barcode": "払込票のバーコード44桁（GS1-128、91で始まる）",
    "agent": "収納代行会社",
    "cvs_code": "コンビニ本部の番号",
    "shop_code": "店舗の番号",
    "notifications": "通知の一覧。それぞれに結果を返します。一件の誤りは他の通知を妨げません。",
    "id": "通知の識別子",
    "status": "accepted 記帳した、received 保管した（記帳は後で行う）、quarantined 保留した",
    "outcome": "recorded 記帳した、repeated 同じ取引をすでに受け取っていて、新たには記帳していない、unknown_slip その番号の納付書が見つからないため仮受けとした、"
    "pending まだ記帳していない。納付書が支払われていたかどうかなどは、誰にも答えません。",
    "sha256": "受け取った通知のバイト列のSHA-256（16進）",
    "received_at": "受け取った時刻（日本時間）",
    "results": "結果（送った順）",
    "index": "送った一覧の中での位置（0から）",
    "result_status": "この一件のHTTPステータス",
    "receipt": "受け付けたときの答え",
    "problem": "受け付けなかったときの理由",
    "accepted_count": "受け付けた件数",
    "refused_count": "受け付けなかった件数",
    "found_notifications": "自分の通知のうち、この取引番号のもの",
    "type": "この問題の説明への参照",
    "title": "問題の種類",
    "problem_status": "HTTPステータス",
    "detail": "何が起き、どうすればよいか",
    "instance": "この一回の要求を表す番号。問い合わせのときにお知らせください。",
    "code": "変わることのない短い符号",
    "errors": "本文の誤り（本文の形が違うとき）",
    "pointer": "誤りのある場所（JSON Pointer）",
    "error_code": "誤りの符号",
    "error_detail": "何が違い、どうあるべきか",
    "found": "送られた値（長いものは先頭だけ）",
    "findings": "保留した理由（記帳のときに分かったもの）",
}

PARAMETERS = Sentences(
    {
        "X-Kokin-Key": "鍵ID",
        "X-Kokin-Timestamp": "UNIX時刻（秒）。サーバーの時計の前後5分まで受け付けます。",
        "X-Kokin-Nonce": "要求ごとに新しい、英数字と - _ の16〜64文字。一度使った値は使えません。",
        "X-Kokin-Signature": "署名（16進64文字）。作り方は「署名」の項を見てください。",
        "Idempotency-Key": "通知の識別子。なければ本文の notification_id を使います。"
        "まとめて送るときは使いません（それぞれの notification_id を使います）。",
        "id": "通知の識別子",
        "transaction_id": "自分の取引番号",
    }
)

HEADERS = Sentences(
    {
        "Idempotency-Replayed": "同じ通知をすでに受け付けていて、そのときの答えを返した",
        "Retry-After": "送り直すまで待つ秒数",
    }
)

OPERATIONS = Sentences(
    {
        "notify": "納付を知らせる（一件、または1,000件まで）",
        "find": "自分の取引番号から通知を探す",
        "show": "自分の通知がどうなったかを確かめる",
    }
)

ANSWERS = Sentences(
    {
        "201": "記帳した。同じ通知をもう一度送ると、同じ答えを返す（見出し Idempotency-Replayed: true）",
        "202": "保管した。outcome が unknown_slip なら、番号の納付書が見つからないため仮受けとして記帳した。"
        "pending なら記帳は後で行い、結果は GET で分かる",
        "207": "まとめて送った通知の、一件ごとの結果",
        "200": "見つかった",
        "401": "署名がない、正しくない、時刻が範囲の外、または使用済みのnonce",
        "404": "自分の通知の中に見つからない",
        "409": "同じ識別子で別の内容の通知がすでにある（両方を保管した）",
        "413": "本文が大きすぎる",
        "415": "本文が application/json ではない、または圧縮されている",
        "422": "本文の形か識別子が違う（本文は保管した。記帳はしていない）",
        "429": "回数が多すぎる。Retry-After の秒数だけ待って送り直す",
        "503": "いまは受け付けられない。同じ識別子で送り直す",
    }
)

TITLES = {
    400: "要求が正しくありません",
    401: "署名を確かめられません",
    403: "許可されていません",
    404: "見つかりません",
    405: "この方法では呼び出せません",
    409: "すでにある通知と食い違います",
    413: "本文が大きすぎます",
    415: "この形の本文は受け付けません",
    422: "通知の形が正しくありません",
    429: "回数が多すぎます",
    500: "処理できませんでした",
    503: "いまは受け付けられません",
}

# What is wrong with a member of a body: by the kind of the mistake.
BODY_ERRORS = {
    "member_missing": "この項目が必要です。",
    "member_unknown": "定められていない項目です。",
    "type_wrong": "値の型が違います（正 {expected}）。",
    "value_wrong": "値が定められた形ではありません（正 {expected}）。",
    "not_a_day": "この日付はありません。",
    "day_future": "未来の日付です（今日は {expected}）。",
    "remittance_range": "資金化日が領収日からの範囲の外です（正 {expected}）。",
    "day_range": "日付が範囲の外です（正 {expected}）。",
    "not_json": "JSON（UTF-8）として読めません。",
    "named_twice": "同じ名前の項目が二度あります。",
    "not_an_object": "通知はJSONのオブジェクト {{…}} にしてください。",
}
EXPECTED = {
    "string": "文字列",
    "integer": "整数",
    "array": "配列",
    "at_least": "{min_length}文字以上",
    "at_most": "{max_length}文字以内",
    "items": "{minimum}〜{maximum}件",
    "from": "{ge}以上",
    "until": "{le}以下",
    "pattern": "正規表現 {pattern}",
    "choice": "{expected}",
}

MODELS = Sentences(
    {
        "UnifiedPayment": "eL番号の納付・取消",
        "UnifiedConfirmation": "eL番号の納付の確定",
        "KonbiniPayment": "コンビニエンスストアの納付・取消",
        "KonbiniConfirmation": "コンビニエンスストアの納付の確定",
        "Batch": "まとめて送る通知",
        "Receipt": "受付の答え",
        "Results": "まとめて送った通知の結果",
        "Result": "一件の結果（receipt か problem のどちらか）",
        "Found": "取引番号の通知",
        "Problem": "問題（RFC 9457）",
        "BodyError": "本文の誤り",
        "Finding": "保留の理由",
    }
)

PAGE = Sentences(
    {
        "openapi": "この説明をデータで見る（OpenAPI 3.1、JSON）",
        "signing": "署名",
        "once": "一度だけ記帳するために",
        "example": "例",
        "parameters": "見出しと引数",
        "answers": "答え",
        "models": "本文と答えの形",
        "problems": "問題の符号",
        "problems_table": "符号の一覧",
        "about_problems": "2xx でない答えは application/problem+json です。符号（code）は変わりません。"
        "文（detail）は変わることがあります。",
        "name": "名前",
        "needed": "必須",
        "yes": "必須",
        "no": "任意",
        "form": "形",
        "meaning": "意味",
        "status": "ステータス",
        "codes": "符号",
        "string": "文字列",
        "integer": "整数",
        "array": "一覧",
        "footer": "このサービス独自のAPIです。eLTAXの仕様ではありません。",
    }
)

EXAMPLES = Sentences(
    {
        "curl": """KEY=pay-1
SECRET=（登録のときに一度だけ表示された秘密）
TIME=$(date +%s)
NONCE=$(openssl rand -hex 16)
SIGNATURE=$( { printf '%s\\n%s\\nPOST\\n{path}\\n' "$TIME" "$NONCE"; cat body.json; } |
  openssl dgst -sha256 -hmac "$SECRET" -r | cut -d' ' -f1)
curl -sS "$SERVER{path}" \\
  -H "X-Kokin-Key: $KEY" -H "X-Kokin-Timestamp: $TIME" \\
  -H "X-Kokin-Nonce: $NONCE" -H "X-Kokin-Signature: $SIGNATURE" \\
  -H "Idempotency-Key: n-0001" -H "Content-Type: application/json" \\
  --data-binary @body.json""",
        "once": "通知には識別子（Idempotency-Key か notification_id）が要ります。同じ識別子で同じ本文を送り直すと、"
        "二度は記帳せず、初めに成功したときの答えをそのまま返します。答えが届かなかったときは、新しい時刻とnonceで署名し直し、"
        "同じ識別子と本文で送り直してください。\n"
        "同じ識別子で別の本文を送ると 409 です。両方を保管し、初めの通知だけを記帳しています。\n"
        "202 で outcome が pending の答えは途中の答えです。結果は GET で分かり、送り直したときは確定した答えを返します。",
    }
)

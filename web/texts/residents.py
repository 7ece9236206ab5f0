"""本人のページの文言: what papers and letters say, and the words of closed lists.

Papers are Japanese for every reader. Letters are in the language in which somebody asked for them:
they stand here as tables that the reader's language translates.
"""

from __future__ import annotations

ISSUED_AT, AS_OF, CODE = "発行日時", "データ基準日時", "検証番号"
CHECK = (
    "この書面の内容は、{check_at} でこの番号を入力すると確かめられます（{expires_on}まで）。"
    "画面に出る内容と違うときは、書面が変えられています。"
)
CONFIRMATION_TITLE = "納付確認書"
CONFIRMATION_SENTENCE = "次のとおり納付を確認しました。"
CONFIRMATION_COLUMNS = ("科目", "年度", "通知書番号", "期別", "納付を確認した額", "納付日")
CONFIRMATION_NOTES = (
    "データ基準日時までに届いた資料で納付が確定したものを載せています。載っていないものもあります。",
    "この書面は、本人が納付の確認のために取り出したもので、納税証明書に代わるものではありません。",
)
WHOLE = "全期"
TERM = "第{term}期"
TOTAL = "合計"
CHANNEL = "{channel}の資料"

RESIDENTS: dict[str, dict[str, str]] = {
    "own_state": {
        "paid": "納付済",
        "provisional": "確認中（速報）",
        "checking": "確認中",
        "unconfirmed": "未確認",
        "expired": "取扱期限切れ",
        "nothing": "納める額はありません",
    },
    "own_state_sentence": {
        "paid": "納付を確認しました。",
        "provisional": "納付の速報が届いています。もう一度納める必要はありません。",
        "checking": "納付の報告が届き、内容を確かめています。もう一度納める必要はありません。",
        "unconfirmed": "納付はまだ確認できていません。納めたばかりのときは、数日お待ちください。",
        "expired": "お手元の納付書は取扱期限を過ぎています。納める場合は新しい納付書が必要です。",
        "nothing": "この期に納める額はありません。",
    },
    "refund_step": {
        "checking": "内容を確かめています",
        "account": "還付を受ける口座の届出をお待ちしています",
        "account_checking": "届け出た口座を確かめています",
        "paying": "振込の手続きをしています",
        "paid": "振り込みました",
        "returned": "振り込めませんでした。口座を届け出直してください",
    },
    "letter_kind": {
        "received": "納付の速報が届いたとき",
        "confirmed": "納付が確定したとき",
        "expires": "納付書の取扱期限の7日前になったとき",
    },
    "letter_subject": {
        "consent": "お知らせの受取の確認",
        "received": "納付の速報が届きました",
        "confirmed": "納付を確認しました",
        "expires": "納付書の取扱期限が近づいています",
    },
    "letter_body": {
        "consent": "このメールアドレスで納付のお知らせを受け取るには、24時間以内に次のページを開き、"
        "「受け取る」を押してください。",
        "received": "納付の速報が届きました。確定するまで数日かかります。もう一度納める必要はありません。",
        "confirmed": "納付を確認しました。",
        "expires": "お手元の納付書のうち、取扱期限が7日以内のものがあります。"
        "すでに納めた場合は、行き違いですのでご容赦ください。",
    },
    "letter_end": {
        "consent": "お心当たりがなければ、何もしないでください。お知らせは届きません。",
        "look": "くわしくは、次のページでサインインしてご覧ください。",
        "stop": "このお知らせを止めるには、次のページを開いてください。",
    },
    "resident_page": {
        "overview": "納付状況",
        "preview": "延滞金の試算",
        "confirmation": "納付確認書",
        "refund_account": "還付の口座",
    },
    "resident_how": {"slip": "納付書による", "desk": "職員の確認による", "resident": "本人による"},
    "request_state": {
        "waiting": "確認待ち",
        "linked": "結び付けた",
        "refused": "断った",
        "dropped": "取り下げられた",
    },
    "resident_link_event": {"linked": "結び付けた", "unlinked": "結び付きを解いた"},
}

RESIDENT_ERRORS: dict[str, str] = {
    "resident_slip": "この番号の納付書は確認できません。番号をもう一度お確かめください。",
    "resident_linked": "すでに納付状況と結び付いています。",
    "resident_unlinked": "結び付きはありません。",
    "resident_waiting": "職員が確かめています。結果が出るまでお待ちください。",
    "resident_claims": "サインインから時間がたちました。サインインし直して、もう一度入力してください。",
    "resident_link": "この結び付きはありません。",
    "resident_request": "この確認の依頼はありません。",
    "resident_decided": "この確認の依頼は、すでに決まっています。画面を開き直してください。",
    "confirmation_empty": "載せられる納付がまだありません。納付が確定してからお取りください。",
    "mail_address": "メールアドレスの形が正しくありません。もう一度お確かめください。",
    "mail_kinds": "受け取るお知らせを一つ以上選んでください。",
    "mail_link": "このリンクは使えません。期限が過ぎたか、すでに止めてあります。",
    "letters_off": "お知らせのメールは、ただいま使えません。",
}

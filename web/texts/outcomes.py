"""照合結果と確認事項の文言 (outcomes.md 3 to 7): label, explanation, and what to do next."""

from __future__ import annotations

# outcome → (label, one sentence that explains it)
OUTCOMES: dict[str, tuple[str, str]] = {
    "matched": ("消込", "納付書と金額が一致し、消し込みました。"),
    "confirms": ("確報", "先に届いた速報の納付が確定しました。"),
    "withdraws": ("取消", "先に届いた報告を取り消しました。"),
    "withdrawn": ("取消済", "後から届いた取消によって、この報告はなかったことになりました。"),
    "repeat": ("再受領", "すでに受け取った報告と同じ内容のため、何も変えていません。"),
    "conflict": ("内容相違", "同じ報告が別の内容で届いたため、記帳せずに確認待ちとしました。"),
    "malformed": ("形式不正", "明細の項目が定められた形ではないため、読める金額を仮受としました。"),
    "other_municipality": ("他団体", "他の団体あての納付のため、全額を仮受としました。"),
    "invalid_key": (
        "検査数字不一致",
        "番号が台帳になく検査数字も合わないため、全額を仮受としました。",
    ),
    "unknown_slip": ("納付書不明", "番号に合う納付書が台帳にないため、全額を仮受としました。"),
    "cancelled_assessment": ("調定取消", "調定が取り消されているため、全額を仮受としました。"),
    "duplicate": ("二重納付", "すでに完納の期別への納付のため、全額を仮受としました。"),
    "alternative_paid": (
        "全期・期別重複",
        "全期と期別の両方で納付されたため、残額だけを消し込み、残りを仮受としました。",
    ),
    "superseded_slip": (
        "旧納付書",
        "再発行または失効した納付書での納付です。未納額まで消し込み、残りを仮受としました。",
    ),
    "amount_mismatch": ("金額相違", "納付書の金額と異なるため、全額を仮受としました。"),
    "short": ("不足", "納めるべき額に足りない納付です。納付額を消し込みました。"),
    "over": ("過納", "納めるべき額を超える納付です。超えた額を仮受としました。"),
    "expired_slip": ("期限後納付", "支払期限を過ぎた納付書での納付です。消し込みました。"),
    "withdrawal_after_confirmation": (
        "確報後の取消",
        "確定した納付への取消のため、何も取り消していません。",
    ),
    "withdrawal_unmatched": ("取消対象なし", "取り消すべき報告が見つかりません。"),
    "debit_failed": ("振替不能", "口座振替ができませんでした。入金はありません。"),
    "outgoing": ("出金", "口座からの出金です。"),
    "settled": ("入金照合済", "確定した収納の合計と入金額が一致しました。"),
    "settlement_difference": (
        "入金差額",
        "入金額が、確定した収納の合計と一致しないか、一通りに決まりません。",
    ),
    "refund_returned": ("組戻し", "還付のための振込が戻ってきました。"),
    "direct_transfer": (
        "直接振込",
        "納付義務者からの直接の振込と思われます。候補を示すだけで、消し込んでいません。",
    ),
    "unidentified_deposit": (
        "不明入金",
        "どの収納にも結び付かない入金です。歳計外で預かりました。",
    ),
    "information": ("参考", "入金の証拠は別の資料によるため、参考として保管しました。"),
    "advised": ("払込明細一致", "払込明細と確定した収納の件数・金額が一致しました。"),
    "advice_difference": (
        "払込明細相違",
        "払込明細と確定した収納の件数または金額が一致しません。",
    ),
    "unlinked": (
        "消込取消",
        "二人の決定により結び付けを取り消し、仮受（入金は不明入金）としました。自動では戻りません。",
    ),
    "placed": (
        "手作業消込",
        "二人で決めた期別に充当しました。残りがあれば仮受としています。",
    ),
    "duplicate_file": ("同一資料", "同じ資料をすでに受け取っているため、何も変えていません。"),
}

# kind of case → what a person does next; the label is the outcome's where there is one
CASE_LABELS: dict[str, str] = {
    "confirmation_overdue": "確報遅延",
    "debit_acknowledgement_differs": "口座振替の受付の相違",
    "remittance_overdue": "入金遅延",
    "wrong_instalment_suspected": "期別誤りの疑い",
    "closed_year": "出納閉鎖後の納付",
    "overpaid_by_correction": "更正による過納",
    "confirmed_after_withdrawal": "取消後の確報",
    "late_confirmation": "入金後の確報",
    "plan_broken": "分納の不履行",
    "initial_twice": "当初調定の重複",
    "correction_without_initial": "当初調定のない異動",
}

CASE_NEXT: dict[str, str] = {
    "debit_acknowledgement_differs": "銀行に受付の件数・金額を照会し、正しい受付を記録してください。引落しの前に依頼を止められるかも確かめてください。",
    "malformed": "報告元に正しい内容を照会し、納付先が分かれば充当または還付を決めてください。",
    "conflict": "両方の報告を見比べ、どちらが正しいかを報告元に照会してください。",
    "other_municipality": "宛先の団体または報告元に連絡し、返戻または引継ぎを決めてください。",
    "invalid_key": "報告元に納付済通知書を照会し、どの納付書によるものかを確かめてください。",
    "unknown_slip": "納付書の台帳と報告元に照会し、どの納付書によるものかを確かめてください。",
    "cancelled_assessment": "還付または他の未納への充当を決めてください。",
    "duplicate": "還付または他の未納への充当を決めてください。",
    "alternative_paid": "仮受額の還付または充当を決めてください。",
    "superseded_slip": "仮受額があれば還付または充当を決め、旧納付書の案内方法を見直してください。",
    "amount_mismatch": "報告元に実際の納付額を照会し、消込または還付を決めてください。",
    "short": "不足額の納付書を送るか、報告元に金額を照会してください。",
    "over": "超過額の還付または充当を決めてください。",
    "expired_slip": "納付が遅れた理由を確かめ、延滞金の要否を判断してください。",
    "withdrawal_after_confirmation": "報告元に取消の理由を照会し、入金の有無を確かめてください。",
    "withdrawal_unmatched": "報告元にどの納付の取消かを照会してください。",
    "settlement_difference": "内訳と払込明細を見比べ、差額の理由を報告元に照会してください。",
    "refund_returned": "還付先の口座を確かめ、還付をやり直してください。",
    "direct_transfer": "候補を確かめ、二人で結び付けるか、振込人に照会してください。",
    "unidentified_deposit": "銀行に振込人を照会し、納付先を確かめてください。",
    "advice_difference": "払込明細の発行元に、件数と金額の内訳を照会してください。",
    "unlinked": "納付者や報告元に確かめ、「充当先を決める」（kokin cases place）または還付を決めてください。",
    "placed": "充当して残った仮受額の充当先（「充当先を決める」）または還付を決めてください。",
    "confirmation_overdue": "報告元に確報の予定を照会してください。確報まで収入には計上しません。",
    "remittance_overdue": "報告元に入金の予定を照会し、口座の入金と見比べてください。",
    "wrong_instalment_suspected": "納付者に、どの期の納付のつもりだったかを確かめてください。",
    "closed_year": "出納閉鎖後の収入として、どの年度に計上するかを決めてください。",
    "overpaid_by_correction": "更正で生じた過納額の還付または充当を決めてください。",
    "confirmed_after_withdrawal": "報告元に、取消と確報のどちらが正しいかを照会してください。",
    "late_confirmation": "入金額との差を、報告元に照会してください。",
    "plan_broken": "納付者に連絡し、滞納処分に進むか、新しい分納にするかを決めてください。",
    "initial_twice": "調定を作った部署に、当初の行か異動の行かを確かめ、正しい資料を取り込んでください。",
    "correction_without_initial": "当初調定を先に取り込み、この異動をもう一度取り込んでください。",
}

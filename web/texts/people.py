"""収納状況と納付書の窓口の文言: names of closed lists on the pages of accounts and slips."""

from __future__ import annotations

PEOPLE: dict[str, dict[str, str]] = {
    "assessment_kind": {
        "initial": "当初調定",
        "correction": "調定更正",
        "cancellation": "調定取消",
    },
    "view_purpose": {
        "counter": "窓口照会",
        "telephone": "電話照会",
        "payment": "納付確認",
        "dunning": "催告・督促事務",
        "refund": "還付事務",
        "audit": "監査",
        "other": "その他",
    },
    "person_number": {
        "any": "番号から判断する",
        "person": "宛名番号",
        "slip": "納付書・通知書の番号",
    },
    "account_entry": {
        "assessment": "調定",
        "slip": "納付書",
        "receipt": "収納",
        "hold": "猶予・停止",
        "carried": "滞納繰越",
        "case": "確認事項",
        "letter": "文書",
        "paper": "証明",
    },
    "issued_paper": {"tax": "納税証明の書面", "payment": "納付確認書"},
    "claim_state": {
        "paid": "納付済",
        "part": "一部納付",
        "overdue": "納期限経過",
        "open": "納期内",
        "cancelled": "調定なし",
        "surplus": "過納",
        "written_off": "不納欠損",
    },
    "slip_standing": {
        "valid": "有効",
        "expired": "支払期限切れ",
        "superseded": "再発行済（差替え）",
        "revoked": "失効",
        "settled": "納付済",
    },
}

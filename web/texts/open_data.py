"""公開データの文言: the columns and their values, in Japanese and English."""

from __future__ import annotations

# column → (Japanese, English, datatype of CSVW)
COLUMNS: dict[str, tuple[str, str, str]] = {
    "period": (
        "期間。月は2026-06の形、会計年度は2026の形（4月から翌年3月）。会計日による。",
        "Period: 2026-06 for a month, 2026 for a fiscal year (April to March), by booking date.",
        "string",
    ),
    "period_type": (
        "期間の種類。month（月）または year（会計年度）。",
        "month or year (fiscal year).",
        "string",
    ),
    "levy_code": (
        "税目・料金の番号。all は全体。",
        "Code of the levy or charge; all is the total.",
        "string",
    ),
    "levy_name": ("税目・料金の名。", "Name of the levy or charge.", "string"),
    "channel": ("納付の方法。all は全体。", "Way of payment; all is the total.", "string"),
    "channel_name": ("納付の方法の名。", "Name of the way of payment.", "string"),
    "count": (
        "収納した期別の数（取消を除く）。空欄は秘匿。",
        "Number of instalments settled, less reversals; empty where withheld.",
        "integer",
    ),
    "amount_yen": (
        "収納額（円、取消を除く）。空欄は秘匿。",
        "Amount collected in yen, less reversals; empty where withheld.",
        "integer",
    ),
    "withheld": (
        "秘匿した行は1。10未満の数と、それが合計から分かってしまう数を秘匿している。",
        "1 where withheld: numbers below 10, and those from which such a number could be worked out.",
        "integer",
    ),
}
# channel → (Japanese, English)
CHANNEL_NAMES: dict[str, tuple[str, str]] = {
    "konbini": ("コンビニ・スマートフォン決済", "Convenience store or smartphone payment"),
    "eltax": ("共通納税・金融機関（eL-QR）", "eLTAX or bank counter (eL-QR)"),
    "debit": ("口座振替", "Direct debit"),
    "notification": ("電子納付の通知", "Electronic payment notification"),
    "bank": ("振込", "Bank transfer"),
    "all": ("全体", "All"),
}
EVERYTHING = ("全体", "All")

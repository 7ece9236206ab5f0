"""公開データの文言: the columns and their values, in Japanese and English."""

from __future__ import annotations

from web.language import Sentences

Column = tuple[str, str, str]  # Japanese, English, datatype of CSVW
TABLES = Sentences(
    {
        "collections": "収納額",
        "rates": "収納率",
        "channels": "納付の方法の割合",
        "delays": "納付から消込までの日数",
    }
)
_COLLECTIONS: dict[str, Column] = {
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
_PERIOD = {name: _COLLECTIONS[name] for name in ("period", "period_type")}
_LEVY = {name: _COLLECTIONS[name] for name in ("levy_code", "levy_name")}
_CHANNEL = {name: _COLLECTIONS[name] for name in ("channel", "channel_name")}
_WITHHELD: dict[str, Column] = {
    "withheld": (
        "秘匿した行は1。10未満の数から求めるもの、収納額の秘匿した数が分かってしまうものを秘匿している。",
        "1 where withheld: what rests on numbers below 10, or would tell what the collections withhold.",
        "integer",
    ),
}
# table → column → what it means
COLUMNS: dict[str, dict[str, Column]] = {
    "collections": _COLLECTIONS,
    "rates": {
        "period": _COLLECTIONS["period"],
        **_LEVY,
        "rate_percent": (
            "収納率（％）。現年分の、年度のはじめからこの月の末までの収納額を調定額で割ったもの。小数第2位以下切捨て。",
            "Percent of the fiscal year's claims collected up to the end of this month, to one decimal.",
            "number",
        ),
        "last_year_percent": (
            "前年度の同じ月の収納率（％）。",
            "The same of the year before, at the end of the same month.",
            "number",
        ),
        **_WITHHELD,
    },
    "channels": {
        **_PERIOD,
        **_CHANNEL,
        "count_percent": (
            "収納した期別の数に占める割合（％）。小数第2位以下切捨て。",
            "Percent of the instalments settled, cut to one decimal.",
            "number",
        ),
        "amount_percent": (
            "収納額に占める割合（％）。小数第2位以下切捨て。",
            "Percent of the amount collected, cut to one decimal.",
            "number",
        ),
        **_WITHHELD,
    },
    "delays": {
        **_PERIOD,
        **_CHANNEL,
        "median_days": (
            "納付の日から消込の会計日までの日数の中央値。",
            "Median of the days from payment to booking.",
            "integer",
        ),
        "nine_in_ten_days": (
            "十件のうち九件が消し込まれるまでの日数。",
            "Days within which nine in ten were booked.",
            "integer",
        ),
        **_WITHHELD,
    },
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

"""受領予定の文言: states, days and reasons of the arrival calendar."""

from __future__ import annotations

from web.language import Sentences

# state of a source on a due day → word, and the shape that says the same without colour
STATES: dict[str, tuple[str, str]] = {
    "received": ("受領済", "●"),
    "late": ("遅れて受領", "●"),
    "nil": ("該当なし", "●"),
    "partial": ("一部受領", "▲"),
    "stopped": ("保留中", "▲"),
    "overdue": ("締切超過・猶予中", "▲"),
    "missing": ("未着", "■"),
    "awaited": ("締切前", "○"),
    "not_due": ("予定なし", "－"),
}
COLOURS = Sentences({"green": "緑", "amber": "黄", "red": "赤", "none": "—"})
BASES = Sentences(
    {
        "dated": "資料の作成日から",
        "oldest_open": "最も古い未着の日",
        "resent": "同じ内容の再送",
        "early": "次の予定日の分が早く到着",
        "extra": "予定より多い資料",
        "person": "職員が訂正",
        "": "届いた日",
    }
)
DAYS = Sentences(
    {
        "every_day": "毎日",
        "business_days": "銀行営業日",
        "on_demand": "随時（待たない）",
    }
)
LISTED = Sentences(
    {
        "weekdays": "毎週 {days}（休業日は翌営業日）",
        "monthly": "毎月 {days}",
        "dates": "{days}",
    }
)
WEEKDAYS = Sentences({
    "mon": "月", "tue": "火", "wed": "水", "thu": "木", "fri": "金", "sat": "土", "sun": "日",
})  # fmt: skip
FIELDS = Sentences(
    {
        "days": "受領予定日",
        "cut_off": "締切",
        "grace_minutes": "猶予",
        "files": "資料数",
        "nil_allowed": "該当なしの登録",
        "dated_days_before": "資料の作成日",
        "effective_on": "適用",
    }
)
WORDS = Sentences(
    {
        "nth": "第{n}営業日",
        "last": "月末営業日",
        "from_last": "月末から{n}営業日前",
        "grace": "{n}分",
        "files": "{n}件",
        "nil_yes": "できる",
        "nil_no": "できない",
        "dated_none": "使わない",
        "dated_same": "予定日と同じ日",
        "dated_before": "予定日の{n}営業日前",
        "from": "{day}から",
        "late_days": "{days}日{hours}時間{minutes}分",
        "late_hours": "{hours}時間{minutes}分",
        "late_minutes": "{minutes}分",
        "subject": "受領予定",
        "evidence": "{first}〜{last} に {files}件。提案の予定日 {due}日のうち {hits}日に到着、到着なし {misses}日、予定日の外 {others}日。",
        "evidence_unclear": "{first}〜{last} に {files}件（{days}日）。日数が少ないか、決まった日に届いていないため、提案できません。",
        "evidence_time": "時刻の分かる {timed}日では {earliest}〜{latest}。",
        "evidence_dated": "作成日の合う資料 {dated}件。",
        "evidence_none": "この期間に届いた資料がないため、提案できません。",
    }
)
# Spread into ERRORS.
ARRIVAL_ERRORS: dict[str, str] = {
    "nil_report_not_allowed": "「{agent}」は、該当なしを登録しない定めです。資料を待つか、受領予定の定めを変えてください。",
    "nil_report_agent": "「{agent}」は該当なしを登録できる資料ではありません。",
    "nil_report_none": "「{agent}」の {due_on} 分に、取り消す該当なしの登録はありません。",
    "nil_report_closed": "{due_on} の日計は締めてあります。「{agent}」の該当なしを取り消すときは、先に締めを取り消してください。",
    "nil_report_received": "「{agent}」の {due_on} 分はすでに届いています。",
}

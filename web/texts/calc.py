"""計算の文言: headings, steps, hints and the articles behind each step (kokin calc, /staff/calc)."""

from __future__ import annotations

from web.language import Sentences

CALCULATORS = Sentences(
    {
        "late-charge": "延滞金",
        "refund-interest": "還付加算金",
        "due-date": "納期限・営業日",
        "instalments": "期割",
    }
)

LEADS = Sentences(
    {
        "late-charge": "一つの期別の延滞金を、日割りの過程とともに示します。台帳は見ません。",
        "refund-interest": "過誤納金に加える還付加算金を、日割りの過程とともに示します。台帳は見ません。",
        "due-date": "期限の日が休みに当たるとき、いつに延びるかを示します。",
        "instalments": "年額を期別に分けます。",
    }
)

# A field of a form and of a command: its label and its hint.
FIELDS = {
    "amount_yen": ("金額（円）", "数字だけ、またはコンマ区切り"),
    "due": ("納期限", "休日に当たって延びたときは、延びた後の日"),
    "paid": ("納付の日", "将来の日を入れると見込みになります"),
    "shift": ("納期限が休日なら、次の開庁日に延ばして計算する", ""),
    "levy": ("税目・料金", ""),
    "low_tier_months": ("低い割合の期間", "条例の定めによります"),
    "floor_at": ("円未満の切捨て", ""),
    "parts": (
        "一部納付",
        "税額に充てた分だけ。一行に一つ、日付=金額（例 2025-08-20=30000）",
    ),
    "left_out": (
        "減免の期間",
        "一行に一つ、始まり/終わり（例 2025-09-01/2025-10-31）。一部だけなら =50 のように割合（%）を付けます",
    ),
    "reason": ("還付の理由", "加算の始まりの日がこれで決まります"),
    "start": ("加算の始まりの日", "理由を選ばないときに入れます"),
    "paid_on": ("納付された日", "理由から始まりの日を求めるときに入れます"),
    "event": ("請求・申告・通知の日", "更正の請求、所得税の更正・申告のとき"),
    "corrected": ("更正の日", "更正の請求のとき"),
    "decided": ("支出を決定した日", "充当なら充当した日。先に充当適状になったときはその日"),
    "notified": ("還付を通知した日", "請求が遅れたときだけ"),
    "claimed": ("還付を請求された日", "請求が遅れたときだけ"),
    "date": ("日付", ""),
    "calendar": ("暦", ""),
    "count": ("期別の数", "1から99まで"),
    "unit_yen": ("期別の端数の単位（円）", "税は1,000円"),
    "total_unit_yen": ("年額の端数の単位（円）", "税は100円"),
}

CHOICES = {
    "calendar": Sentences(
        {"tax": "税の納期限（地方税法20条の5）", "bank": "銀行の営業日（銀行法15条）"}
    ),
    "low_tier_months": Sentences(
        {
            "": "税目・料金の定めのとおり",
            "1": "1か月",
            "2": "2か月",
            "3": "3か月",
            "6": "6か月",
            "throughout": "全期間",
        }
    ),
    "floor_at": Sentences(
        {"": "税目・料金の定めのとおり", "segment": "区間ごと", "tier": "割合の区分ごと"}
    ),
    "reason": Sentences({"": "始まりの日を直接入れる"}),
}

# Steps of a calculation: what is done, and what it rests on.
STEPS = Sentences(
    {
        "shift": "{statutory}は休日のため、納期限は{due}に延びます。",
        "base": "計算の基礎: {amount}から{unit}未満を切り捨て、{base}。",
        "base_small": "計算の基礎: {amount}は{minimum}未満のため、0円。",
        "base_early": "計算の基礎: 納期限に未納だった{left}から{unit}未満を切り捨て、{base}。",
        "days": "日数: 納期限の翌日 {first}から{last}まで、{days}。",
        "days_refund": "日数: {first}から{last}まで、{days}。",
        "low_until": "低い割合の期間: 納期限の翌日から{months}を経過する{until}まで。月は暦に従って数えます。",
        "low_throughout": "低い割合の期間: すべての日。",
        "rates": "割合: 日ごとに、その年の割合。割合が変わる日で区切ります（変わらない年末では区切りません）。",
        "divisor": "日割り: 計算の基礎 × 割合 × 日数 ÷ 365。うるう年も365日で割ります。",
        "floor_segment": "円未満: 区間ごとに切り捨て、合計{sum}。",
        "floor_tier": "円未満: 低い割合と高い割合のそれぞれで合計してから切り捨て、合計{sum}。",
        "result": "確定: {sum}から{unit}未満を切り捨て、{result}。",
        "result_small": "確定: {sum}は{minimum}未満のため、0円。",
        "part": "一部納付: {on}に{amount}。翌日から残りの額で計算します。",
        "left_out": "減免の期間: {first}から{last}まで、{percent}%を除きます。",
        "unclaimed": "除算期間: 通知から30日を経過した日の翌日{first}から請求の日{last}まで、計算に入れません。",
        "start_reassessed": "加算の始まり: 納付の日{paid}の翌日、{start}。",
        "start_mispaid": "加算の始まり: 納付の日{paid}の翌日から1か月を経過した日の翌日、{start}。",
        "start_claimed": "加算の始まり: 請求の日{event}の翌日から3か月、更正の日{corrected}の翌日から1か月を経過した日の早い方の翌日、{start}（納付の翌日より前にはなりません）。",
        "start_income_tax": "加算の始まり: 申告・通知の日{event}の翌日から1か月を経過した日の翌日、{start}（納付の翌日より前にはなりません）。",
        "moved": "{date}は{closed}のため、次の開いている日の{moved}です。",
        "open": "{date}は開いている日です。",
        "year": "会計年度は、延びる前の{date}で決まります（{year}）。",
        "total_cut": "年額: {amount}から{unit}未満を切り捨て、{total}。",
        "split": "各期: {total} ÷ {count} から{unit}未満を切り捨て、{each}。",
        "first": "第1期: 残り{rest}を加えて{first}。",
        "no_slip": "0円の期別には納付書を作りません。",
    }
)

SOURCES = Sentences(
    {
        "shift": "地方税法20条の5②、施行令6条の18②",
        "base": "地方税法20条の4の2②",
        "base_small": "地方税法20条の4の2②",
        "base_refund": "高石市・大津市の公表例",
        "base_small_refund": "高石市・大津市の公表例",
        "base_early": "地方税法20条の4の2②、税目ごとの条（未納の額）",
        "days": "地方税法326条・369条・463条の24・723条",
        "days_refund": "地方税法17条の4①",
        "low_until": "民法143条、地方税法20条の5①、税目ごとの条例",
        "low_throughout": "税目ごとの条例",
        "rates": "地方税法附則3条の2",
        "rates_refund": "地方税法附則3条の2、広島市の公表する割合",
        "divisor": "各市の公表例（京都市・福岡市）",
        "floor_segment": "各市の公表例（宇都宮市・豊橋市）",
        "floor_segment_refund": "延滞金の公表例にならう",
        "floor_tier": "福岡市の公表例",
        "result": "地方税法20条の4の2⑤",
        "result_small": "地方税法20条の4の2⑤",
        "result_refund": "高石市・大津市の公表例",
        "result_small_refund": "高石市・大津市の公表例",
        "part": "国税通則法62条①の例による",
        "left_out": "減免の決定",
        "unclaimed": "地方税法17条の4②一",
        "start_reassessed": "地方税法17条の4①一",
        "start_mispaid": "地方税法17条の4①四、施行令6条の15",
        "start_claimed": "地方税法17条の4①二",
        "start_income_tax": "地方税法17条の4①三",
        "moved_tax": "地方税法20条の5②、施行令6条の18②",
        "moved_bank": "銀行法15条、施行令5条",
        "year": "地方自治法施行令142条①一",
        "total_cut": "地方税法20条の4の2③",
        "split": "地方税法20条の4の2⑥",
        "first": "地方税法20条の4の2⑥",
        "no_slip": "",
    }
)

# How certain a rate is (docs/sources.md).
MARKS = Sentences({"confirmed": "確認済", "inferred": "推定", "unknown": "不明"})

CLOSED = Sentences({"tax": "休日", "bank": "銀行の休業日"})

NOTHING_DUE = Sentences(
    {
        "in_time": "納期限までに納められているため、延滞金はありません。",
        "no_days": "加算する日がないため、還付加算金はありません。",
        "small_base": "計算の基礎となる額が{base_minimum}未満のため、0円です。",
        "small_result": "計算した額が{result_minimum}未満のため、0円です。",
        "left_out": "すべての日が計算から除かれているため、0円です。",
    }
)

NOTES = Sentences(
    {
        "closed": "納期限の{due}は休日です。税の納期限なら{moved}に延びます。延びた後の日で計算し直してください。",
        "inferred": "{year}年の割合は、告示の平均貸付割合から求めたもので、公表された割合でまだ確かめていません。",
        "small_remainder": "一部納付の残りが{minimum}未満でも、その額に計算しています。扱いは団体の定めによります。",
        "levy": "低い割合の期間と端数の扱いは、団体の条例で確かめてください。",
    }
)

HEADINGS = Sentences(
    {
        "result": "結果",
        "working": "計算の過程",
        "segments": "区間ごとの計算",
        "tiers": "割合の区分ごとの合計",
        "asked_on": "計算した日",
        "amounts": "期別の額",
        "rates": "割合の表",
        "charge": "延滞金",
        "sum": "計算した額",
        "interest": "還付加算金",
        "date": "期限の日",
        "total": "合計",
    }
)

# What an error says is wrong: the fields above, and the names that the rules themselves use.
FIELD_NAMES = {name: label for name, (label, _hint) in FIELDS.items()} | {
    "event_on": FIELDS["event"][0],
    "corrected_on": FIELDS["corrected"][0],
    "paid_on": FIELDS["paid_on"][0],
    "low": "低い割合",
    "high": "高い割合",
    "refund": "還付加算金の割合",
}

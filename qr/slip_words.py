"""納付書の文言: the fixed words of the printed slip, and dates and amounts as people read them.

These are labels of a printed form (data), not messages of the service.
"""

from __future__ import annotations

from datetime import date

from payments.domain.wareki import format_fiscal_year, format_wareki_year

NOTICE = "納入済通知書"
STUB = "原符"
RECEIPT = "領収証書"

SAMPLE = "見本"
SAMPLE_NOTE = "見本・検証用（お支払いには使えません）"
CUT_LINE = "切り取り線（窓口やお店でのお支払いまで、切り離さないでください）"
QR = "eL-QR"
BARCODE = "コンビニ用"
STAMP = "領収日付印"

NO_EL_QR = ("この納付書には", "eL-QR・eL番号が", "ありません")
NO_KONBINI = ("この納付書は", "コンビニエンスストアでは使えません")

RECEIVED = "上記の金額を領収しました。"
HOW_TO_PAY = "お支払いの方法（いずれか一つで、一度だけお支払いください）"
WAYS_TO_PAY = (
    ("QRコード", "決済アプリか「地方税お支払サイト」で読み取ります。カメラだけでは払えません。"),
    ("eL番号", "「地方税お支払サイト」に四つの番号を順に入力します。"),
    ("バーコード", "印刷されているときは、コンビニエンスストアで払えます（30万円まで）。"),
    ("窓口", "この用紙を切り離さずに、取扱金融機関の窓口へお出しください。"),
)

_WEEKDAYS = "月火水木金土日"
_HEISEI = date(1989, 1, 8)


def wareki(day: date) -> str:
    """和暦の日付 with the weekday, e.g. 令和8年6月1日（月）; older days in western years."""
    year = format_wareki_year(day) if day >= _HEISEI else f"{day.year}年"
    return f"{year}{day.month}月{day.day}日（{_WEEKDAYS[day.weekday()]}）"


def wareki_year(year: int) -> str:
    """年度 as printed: the era of most of the year, so that 2019 is 令和元年度."""
    return format_fiscal_year(year) if year >= _HEISEI.year else f"{year}年度"


def term_label(term: str) -> str:
    """期別: 00 is the whole-year slip."""
    return "全期" if term == "00" else f"第{int(term)}期"


def yen(amount: int) -> str:
    """金額 with the mark before and thousands separated, so that nothing can be written in."""
    return f"￥{amount:,}"


def grouped(digits: str, size: int = 4) -> str:
    """Digits in groups, easier to read and to type."""
    return " ".join(digits[place : place + size] for place in range(0, len(digits), size))

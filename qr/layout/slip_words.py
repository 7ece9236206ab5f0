"""納付書の文言: the fixed words of the printed slip, and dates and amounts as people read them.

These are labels of a printed form (data), not messages of the service.
"""

from __future__ import annotations

from datetime import date

from payments.domain.wareki import format_fiscal_year, format_wareki_year

SAMPLE = "見　本"

NO_EL_QR = "この納付書にはeL-QRとeL番号がありません"
NO_KONBINI = "この納付書は、コンビニエンスストアでは使えません。"
NO_KONBINI_ABOVE = "30万円を超えるため、コンビニエンスストアでは使えません。"
NO_EXPIRY = "期限なし"

CERTIFIED = "上のとおり、納税があったことを証明します。"
CERTIFICATE = "領収日付印のないものは、証明書として使えません。"
NO_CERTIFICATE = "＊＊＊　この納付書では証明できません　＊＊＊"
ARREARS = "＊＊＊　ほかに未納の税があるため、証明できません　＊＊＊"
NOTHING = "＊＊＊"  # where a certificate would say something

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


ENQUIRY = "納付を確認するページ（# の後の20文字が確認コード）"


def alternatives(term: str, others: tuple[str, ...]) -> str:
    """全期と期別: that only one of the two kinds may be used (symbols.md 6); empty for neither."""
    if not others:
        return ""
    if term != "00":
        return "全期の納付書とは、どちらか一方だけをお使いください（二重払いにご注意ください）。"
    first, last = term_label(others[0]), term_label(others[-1])
    covered = first if len(others) == 1 else f"{first}から{last}まで"
    return f"{covered}の全額です。期別の納付書とは、どちらか一方だけをお使いください。"


def yen(amount: int) -> str:
    """金額 with the mark before and thousands separated, so that nothing can be written in."""
    return f"￥{amount:,}"


def grouped(digits: str, size: int = 4) -> str:
    """Digits in groups, easier to read and to type."""
    return " ".join(digits[place : place + size] for place in range(0, len(digits), size))

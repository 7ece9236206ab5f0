"""表示: yen, dates with weekday and 令和, counts and file places as people read them.

In the language of the reader (:mod:`web.language`); everything that is printed or stored is made
in Japanese.
"""

from __future__ import annotations

import functools
import unicodedata
from datetime import date, datetime

from payments.domain.wareki import format_wareki_year
from web.clock import in_japan
from web.language import ENGLISH, is_japanese, language, translate, translated

WEEKDAYS = "月火水木金土日"
# What is counted, in English, for one and for several; 件 goes without a word.
_UNITS = {
    "件": ("", ""),
    "": ("", ""),
    "円": ("yen", "yen"),
    "千円": ("thousand yen", "thousand yen"),
    "百万円": ("million yen", "million yen"),
    "回": ("time", "times"),
    "回分": ("run", "runs"),
    "日": ("day", "days"),
    "年": ("year", "years"),
    "人": ("person", "people"),
    "枚": ("sheet", "sheets"),
    "秒": ("second", "seconds"),
    "分": ("minute", "minutes"),
    "時間": ("hour", "hours"),
    "バイト": ("byte", "bytes"),
    "ページ": ("page", "pages"),
    "メガバイト": ("megabyte", "megabytes"),
    "か所": ("place", "places"),
}
_FULL = "yMMMMEEEEd"
# How a day is written in English; elsewhere as the language has it (CLDR), by its skeleton.
_ENGLISH_DAYS = {
    "yMMMEd": "EEE d MMM y",
    _FULL: "EEEE d MMMM y",
    "MMMEd": "EEE d MMM",
    "yMMMM": "MMMM y",
    "yMMMd": "d MMM y",
    "E": "EEE",
}
_PLACES = {
    "行目": "line {number:,}",
    "バイト目": "byte {number:,}",
    "バイト目から": "from byte {number:,}",
}


def yen(amount_yen: int | None) -> str:
    """``12300`` → ``12,300円``; a negative amount has a real minus sign; None is a dash."""
    if amount_yen is None:
        return "—"
    sign = "−" if amount_yen < 0 else ""
    if is_japanese():
        return f"{sign}{abs(amount_yen):,}円"
    if language() == ENGLISH:
        return f"{sign}¥{abs(amount_yen):,}"
    return translate("{amount}円", amount=sign + _number(abs(amount_yen), language()))


def figure(number: int, unit: str) -> str:
    """``−1,234件``, or as money: one side of what must agree, in the unit of its check."""
    if unit == "円":
        return yen(number)
    return ("−" if number < 0 else "") + count(abs(number), unit)


def count(number: int, unit: str = "件") -> str:
    """``1234`` → ``1,234件``."""
    if is_japanese():
        return f"{number:,}{unit}"
    if unit in _PLACES:
        return _PLACES[unit].format(number=number)
    if language() != ENGLISH and (said := translated(f"{{number}}{unit}")) != f"{{number}}{unit}":
        return said.format(number=_number(number, language()))
    one, several = _UNITS.get(unit, (unit, unit))
    return f"{number:,} {one if number == 1 else several}".rstrip()


def unit_word(unit: str) -> str:
    """単位 on its own, as a table's heading or a chart's axis names it: ``件``, ``円``."""
    if is_japanese() or unit not in _UNITS:
        return unit
    return _UNITS[unit][1] or "number"


def long_day(day: date | str | None) -> str:
    """``2026年5月28日（木）``; None is a dash."""
    if day is None:
        return "—"
    if isinstance(day, str):
        day = date.fromisoformat(day)
    if not is_japanese():
        return _day(day, "yMMMEd")
    return f"{day.year}年{day.month}月{day.day}日（{weekday(day)}）"


def full_day(day: date) -> str:
    """``2026年（令和8年）5月28日（木）``."""
    if not is_japanese():
        return _day(day, _FULL)
    year = f"{day.year}年（{format_wareki_year(day)}）"
    return f"{year}{day.month}月{day.day}日（{weekday(day)}）"


def short_day(day: date | str | None) -> str:
    """``5/28（木）``; None is a dash."""
    if day is None:
        return "—"
    if isinstance(day, str):
        day = date.fromisoformat(day)
    if not is_japanese():
        return _day(day, "MMMEd")
    return f"{day.month}/{day.day}（{weekday(day)}）"


def month(day: date) -> str:
    """``2026年5月``."""
    if not is_japanese():
        return _day(day, "yMMMM")
    return f"{day.year}年{day.month}月"


def year(number: int | None) -> str:
    """``2026年``; None is nothing."""
    if number is None:
        return ""
    return f"{number}年" if is_japanese() else str(number)


def plain_day(day: date | None) -> str:
    """``2026年5月28日``, without its weekday; None is a dash."""
    if day is None:
        return "—"
    if not is_japanese():
        return _day(day, "yMMMd")
    return f"{day.year}年{day.month}月{day.day}日"


def weekday(day: date) -> str:
    """``木``."""
    return WEEKDAYS[day.weekday()] if is_japanese() else _day(day, "E")


def fiscal_year(year: int) -> str:
    """会計年度: ``令和8年度``; the year in which it begins."""
    if not is_japanese():
        return f"fiscal year {year}"
    return f"{format_wareki_year(date(year, 4, 1))}度"


def wide(text: str) -> str:
    """半角カナ of bank files as people read it: ``ﾐﾎﾝｼ`` → ``ミホンシ``."""
    return unicodedata.normalize("NFKC", text)


def moment(instant: datetime | None) -> str:
    """``2026-05-28 21:14`` in Japanese time; None is a dash."""
    return "—" if instant is None else in_japan(instant).strftime("%Y-%m-%d %H:%M")


def line_place(file_name: object, line_no: object) -> str:
    """資料の行: ``report.txt 3行目``."""
    return translate("{file_name} {line_no}行目", file_name=file_name, line_no=line_no)


def encryption(newest_key: str) -> str:
    """暗号化: with which key evidence and personal columns are sealed, or that they are not."""
    if not newest_key:
        return translate("暗号化なし（証拠も住所も平文のまま）")
    return translate("鍵「{key}」で暗号化", key=newest_key)


def waiting_notifications(number: int, oldest_seconds: int) -> str:
    """記帳待ち: how many notifications wait, and how long the oldest has."""
    if not number:
        return count(0)
    return translate(
        "{number:,}件（最も古いものは {minutes:,}分前に受付）",
        number=number,
        minutes=oldest_seconds // 60,
    )


def _day(day: date, skeleton: str) -> str:
    return _written_day(day, skeleton, language())


@functools.lru_cache(maxsize=4096)
def _written_day(day: date, skeleton: str, code: str) -> str:
    from babel.dates import format_date, format_skeleton  # noqa: PLC0415  # Japanese needs none

    if code == ENGLISH:
        return format_date(day, _ENGLISH_DAYS[skeleton], locale="en_GB")
    if skeleton == _FULL:
        return format_date(day, "full", locale=code)
    return format_skeleton(skeleton, day, locale=code)


def _number(number: int, code: str) -> str:
    from babel.numbers import format_decimal  # noqa: PLC0415  # Japanese needs none

    return format_decimal(number, locale=code)

"""印字値の読取: what a person reads on a slip, taken back to the value it stands for.

The page was written by turning values into words; here words become values again, by rules of
their own, so that an error in writing cannot hide behind the same error in checking. A text that
is not written as it must be reads as None.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

_ERAS = {"令和": date(2019, 5, 1), "平成": date(1989, 1, 8), "昭和": date(1926, 12, 25)}
_NUMBER = "元|[1-9][0-9]{0,3}"
_DAY = re.compile(
    rf"(令和|平成|昭和)?({_NUMBER})年([1-9][0-9]?)月([1-9][0-9]?)日（([月火水木金土日])）"
)
_YEAR = re.compile(rf"(令和|平成|昭和)?({_NUMBER})年度")
_YEN = re.compile(r"￥([1-9][0-9]{0,2}(?:,[0-9]{3})*)")
_ALTERNATIVES = re.compile(
    r"(全期|第[0-9]+期)(?:から(第[0-9]+期)まで)?の(?:全額です。期別の)?納付書とは、どちらか一方だけをお使いください。?.*"
)
_TERM = re.compile(r"第([1-9][0-9]?)期")


def squeezed(text: str) -> str:
    """A text without its spaces: how a long one was broken into lines says nothing."""
    return text.replace(" ", "").replace("\N{IDEOGRAPHIC SPACE}", "")


def yen(text: str) -> int | None:
    """``￥12,300`` → 12300."""
    match = _YEN.fullmatch(text)
    return int(match[1].replace(",", "")) if match else None


@lru_cache(maxsize=1024)
def day(text: str) -> date | None:
    """``令和8年6月1日（月）`` → the day, when its weekday is the right one."""
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    try:
        found = date(_year(match[1], match[2]), int(match[3]), int(match[4]))
    except ValueError:
        return None
    weekday = "月火水木金土日"[found.weekday()]
    return found if _within(match[1], found) and weekday == match[5] else None


@lru_cache(maxsize=128)
def fiscal_year(text: str) -> int | None:
    """``令和8年度`` → 2026."""
    match = _YEAR.fullmatch(text)
    if match is None:
        return None
    year = _year(match[1], match[2])
    return year if _within(match[1], date(year, 12, 31)) else None


@lru_cache(maxsize=128)
def term(text: str) -> str | None:
    """``第1期`` → ``01``, ``全期`` → ``00``."""
    match = _TERM.fullmatch(text)
    return f"{int(match[1]):02d}" if match else {"全期": "00"}.get(text)


@lru_cache(maxsize=1024)
def expiry(text: str) -> date | str | None:
    """``令和8年7月1日（水）まで`` → the day, ``期限なし`` → ``999999`` as in the barcode."""
    return "999999" if text == "期限なし" else day(text.removesuffix("まで") if text else text)


@lru_cache(maxsize=1024)
def certified_until(text: str) -> date | str | None:
    """The day to which a certificate is valid; the asterisks of none as they stand."""
    return text if text == "＊＊＊" else day(text)


@lru_cache(maxsize=128)
def alternatives(text: str) -> str:
    """全期と期別: the terms that a warning against paying twice names, as ``01-04`` or ``00``."""
    match = _ALTERNATIVES.fullmatch(text)
    if match is None:
        return text
    first, last = term(match[1]), term(match[2] or match[1])
    return first if first == "00" else f"{first}-{last}"


def _year(era: str | None, number: str) -> int:
    """A year of an era, or of the western calendar, as a western year."""
    years = 1 if number == "元" else int(number)
    return years + _ERAS[era].year - 1 if era else years


def _within(era: str | None, day: date) -> bool:
    """Whether a day belongs to the era it is written in; nobody prints 平成38年."""
    return era is None or era == next((name for name, first in _ERAS.items() if day >= first), "")

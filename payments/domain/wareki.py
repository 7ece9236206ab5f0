"""和暦: reading two-digit era years without an era mark, and writing dates as people read them.

Bank files (Zengin 01, 03) carry YYMMDD in the Japanese calendar and no era mark, so ``080601`` may
be 1996-06-01 (平成8年) or 2026-06-01 (令和8年). Such a date is read relative to a known day, the
day the file was received: the era in which it is not in the future and near (files.md 1.7).
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import NamedTuple

from payments.domain.errors import InvalidValueError
from payments.domain.identifiers import require_digits


class Era(NamedTuple):
    """元号: its name and its first day."""

    name: str
    first_on: date


# Newest first. 元号法 and 政令: 令和 平成31年政令143号, 平成 昭和64年政令1号, 昭和 大正15年詔書.
ERAS = (
    Era("令和", date(2019, 5, 1)),
    Era("平成", date(1989, 1, 8)),
    Era("昭和", date(1926, 12, 25)),
)


# 元号 as registers write them: a kanji name, a letter, or the digit of 年月日の元号コード.
_MARKS = {
    "令和": 0, "R": 0, "r": 0, "5": 0, "平成": 1, "H": 1, "h": 1, "4": 1, "昭和": 2, "S": 2, "s": 2,
    "3": 2,
}  # fmt: skip
_YEAR = "(令和|平成|昭和|[RrHhSs])\\s?(元|[0-9]{1,2})"
_WRITTEN = re.compile(f"{_YEAR}(?:年|[./-])([0-9]{{1,2}})(?:月|[./-])([0-9]{{1,2}})日?")
_WRITTEN_YEAR = re.compile(f"{_YEAR}(?:年度?)?")
_CODED = re.compile("([345])([0-9]{2})([0-9]{2})([0-9]{2})")
_CODED_YEAR = re.compile("([345])([0-9]{2})")


def era_of(day: date) -> tuple[Era, int]:
    """元号と年: the era of ``day`` and the year in it (1 = 元年).

    Raises :class:`InvalidValueError` ``era_unknown`` before 昭和.
    """
    for era in ERAS:
        if day >= era.first_on:
            return era, day.year - era.first_on.year + 1
    raise InvalidValueError(
        "era_unknown", field="day", found=day.isoformat(), expected=f">= {ERAS[-1].first_on}"
    )


def parse_yymmdd(
    text: str, field: str, *, received_on: date, days_ahead: int = 0, days_back: int = 3_650
) -> date:
    """和暦 YYMMDD: the date ``text`` means in a file received on ``received_on``.

    It lies at most ``days_ahead`` after that day (0 unless the field may lie ahead) and at most
    ``days_back`` before it. Eras are decades apart, so at most one reading fits; without the second
    bound, tomorrow's date would quietly be read as a day thirty years ago. Banks were slow to
    change eras, so a year number may run past the end of its era: ``310601`` is 2019-06-01 like
    ``010601``. It never begins before its era.

    Raises :class:`InvalidValueError` ``not_digits`` or ``wareki_date``.
    """
    require_digits(text, field, 6)
    era_year, month, day_no = int(text[:2]), int(text[2:4]), int(text[4:])
    earliest = received_on - timedelta(days=days_back)
    latest = received_on + timedelta(days=days_ahead)
    for era in ERAS:
        try:
            day = date(era.first_on.year + era_year - 1, month, day_no)
        except ValueError:  # no such day in that year; 29 February may exist in an older era
            continue
        if max(earliest, era.first_on) <= day <= latest:
            return day
    raise InvalidValueError(
        "wareki_date",
        field=field,
        found=text,
        expected=f"YYMMDD, {earliest.isoformat()}..{latest.isoformat()}",
    )


def parse_era_day(text: str, *, coded: bool = False) -> date | None:
    """元号つきの日: ``R8.6.1``, ``令和8年6月1日``, or ``coded`` as ``5080601``; None for no day.

    A year may run past the end of its era (平成31年6月1日 is 令和元年6月1日); none lies before it.
    """
    found = (_CODED if coded else _WRITTEN).fullmatch(text)
    if found is None:
        return None
    era, year = ERAS[_MARKS[found[1]]], 1 if found[2] == "元" else int(found[2])
    try:
        day = date(era.first_on.year + year - 1, int(found[3]), int(found[4]))
    except ValueError:
        return None
    return day if year and day >= era.first_on else None


def parse_era_year(text: str, *, coded: bool = False) -> int | None:
    """元号つきの年: ``R8``, ``令和8年度``, or ``coded`` as ``508``; None for no year."""
    found = (_CODED_YEAR if coded else _WRITTEN_YEAR).fullmatch(text)
    if found is None:
        return None
    year = 1 if found[2] == "元" else int(found[2])
    return ERAS[_MARKS[found[1]]].first_on.year + year - 1 if year else None


def format_yymmdd(day: date) -> str:
    """和暦 YYMMDD without an era mark, as bank files carry it."""
    _era, era_year = era_of(day)
    return f"{era_year:02d}{day:%m%d}"


def format_wareki(day: date) -> str:
    """和暦表記: ``令和8年6月1日``; the first year of an era is 元年."""
    return f"{format_wareki_year(day)}{day.month}月{day.day}日"


def format_wareki_year(day: date) -> str:
    """和暦の年: ``令和8年``, the year of the era that ``day`` lies in."""
    era, era_year = era_of(day)
    return f"{era.name}{'元' if era_year == 1 else era_year}年"


def format_fiscal_year(year: int) -> str:
    """会計年度の表記: ``令和8年度``, and ``令和元年度`` for 2019.

    After the change of era the whole national fiscal year bore the new name (改元に伴う元号による
    年表示の取扱いについて, 2019-04-01), and slips follow it. So the era of 1 May decides, which
    also suits the change of 1989.
    """
    return f"{format_wareki_year(date(year, 5, 1))}度"

"""和暦: reading two-digit era years without an era mark, and writing dates as people read them.

Bank files (Zengin 01, 03) carry YYMMDD in the Japanese calendar and no era mark, so ``080601`` may
be 1996-06-01 (平成8年) or 2026-06-01 (令和8年). Such a date is read relative to a known day, the
day the file was received: the era in which it is not in the future and near (files.md 1.7).
"""

from __future__ import annotations

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

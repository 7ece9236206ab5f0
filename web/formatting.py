"""表示: yen, dates with weekday and 令和, counts and file places as people read them."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime

from payments.domain.wareki import format_wareki_year
from web.clock import in_japan

WEEKDAYS = "月火水木金土日"


def yen(amount_yen: int | None) -> str:
    """``12300`` → ``12,300円``; a negative amount has a real minus sign; None is a dash."""
    if amount_yen is None:
        return "—"
    sign = "−" if amount_yen < 0 else ""
    return f"{sign}{abs(amount_yen):,}円"


def count(number: int, unit: str = "件") -> str:
    """``1234`` → ``1,234件``."""
    return f"{number:,}{unit}"


def long_day(day: date | str | None) -> str:
    """``2026年5月28日（木）``; None is a dash."""
    if day is None:
        return "—"
    if isinstance(day, str):
        day = date.fromisoformat(day)
    return f"{day.year}年{day.month}月{day.day}日（{WEEKDAYS[day.weekday()]}）"


def full_day(day: date) -> str:
    """``2026年（令和8年）5月28日（木）``."""
    year = f"{day.year}年（{format_wareki_year(day)}）"
    return f"{year}{day.month}月{day.day}日（{WEEKDAYS[day.weekday()]}）"


def fiscal_year(year: int) -> str:
    """会計年度: ``令和8年度``."""
    return f"{format_wareki_year(date(year, 4, 1))}度"


def short_day(day: date | str | None) -> str:
    """``5/28（木）``; None is a dash."""
    if day is None:
        return "—"
    if isinstance(day, str):
        day = date.fromisoformat(day)
    return f"{day.month}/{day.day}（{WEEKDAYS[day.weekday()]}）"


def wide(text: str) -> str:
    """半角カナ of bank files as people read it: ``ﾐﾎﾝｼ`` → ``ミホンシ``."""
    return unicodedata.normalize("NFKC", text)


def moment(instant: datetime | None) -> str:
    """``2026-05-28 21:14`` in Japanese time; None is a dash."""
    return "—" if instant is None else in_japan(instant).strftime("%Y-%m-%d %H:%M")


def encryption(newest_key: str) -> str:
    """暗号化: with which key evidence is sealed, or that it is not."""
    return f"鍵「{newest_key}」で暗号化" if newest_key else "暗号化なし"


def waiting_notifications(number: int, oldest_seconds: int) -> str:
    """記帳待ち: how many notifications wait, and how long the oldest has."""
    if not number:
        return "0件"
    return f"{number:,}件（最も古いものは {oldest_seconds // 60:,}分前に受付）"

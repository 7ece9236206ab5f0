"""時刻: the one place that asks for the time; days are Japanese days, instants are UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

# A fixed offset: Japan has had no daylight saving time since 1952, and it needs no tz database.
JST = timezone(timedelta(hours=9), "JST")


def now() -> datetime:
    """現在時刻, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """今日 in Japan."""
    return now().astimezone(JST).date()


def in_japan(instant: datetime) -> datetime:
    """日本時間: SQLite gives instants back without zone; they were written in UTC."""
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return aware.astimezone(JST)

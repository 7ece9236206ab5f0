"""日付の読取り: a day as an address or a form sends it, in the years that have calendars.

Days far outside of them could not be counted on from: a day before the first there is, an instant
in another time zone.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from flask import abort

from payments.domain.arrivals import JAPAN
from payments.domain.calendars import FIRST_YEAR, LAST_YEAR
from payments.domain.errors import InvalidValueError
from web import clock, formatting


def day_or_none(text: str) -> date | None:
    """日付; None of what is no day, or of no year that has a calendar."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_YEAR < day.year < LAST_YEAR else None


def day_of_address(text: str) -> date:
    """日付; anything else is a page that is not there."""
    return day_or_none(text) or abort(404)


def moment_of(typed: datetime) -> datetime:
    """日本時間の時点: as it was typed; midnight is the end of its day."""
    aware = typed.replace(tzinfo=JAPAN)
    return aware + timedelta(days=1) if typed.time() == time() else aware


def past_moment(at: datetime) -> datetime:
    """過去の時点: of what has not come yet nothing can be shown.

    Raises :class:`InvalidValueError` ``moment_ahead``.
    """
    now = clock.now()
    if at > now:
        found, latest = formatting.moment(at), formatting.moment(now)
        raise InvalidValueError("moment_ahead", found=found, expected=latest)
    return at


def moment_of_address(text: str) -> datetime:
    """時点 of an address, as a form sends it; anything else is a page that is not there.

    A day alone is its end; midnight that somebody wrote is the beginning of its day.
    """
    try:
        typed = datetime.fromisoformat(text)
    except ValueError:
        abort(404)
    if typed.tzinfo is not None or not FIRST_YEAR < typed.year < LAST_YEAR:
        abort(404)
    return moment_of(typed) if day_or_none(text) else typed.replace(tzinfo=JAPAN)

"""期間: calendar months as the law counts them (民法140条・143条, 地方税法20条の5①).

A month is a calendar month, never thirty days. A period that begins on the 5th ends on the 4th of
the last month; where that month has no such day, it ends on the month's last day.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from payments.domain.errors import InvalidValueError

ONE_DAY = timedelta(days=1)
MONTHS_MAX = 120


def period_end(first_on: date, months: int) -> date:
    """満了日: the last day of the ``months`` calendar months that begin on ``first_on``.

    1 February → the last day of February; 2 September → 1 October; 31 May → 30 June
    (``law.md 1.1``, rule 10).

    Raises :class:`InvalidValueError` ``months`` outside 1…``MONTHS_MAX``.
    """
    if not 1 <= months <= MONTHS_MAX:
        raise InvalidValueError("months", field="months", found=months, expected=f"1..{MONTHS_MAX}")
    years, month0 = divmod(first_on.month - 1 + months, 12)
    year, month = first_on.year + years, month0 + 1
    last_day = calendar.monthrange(year, month)[1]
    if first_on.day > last_day:
        return date(year, month, last_day)
    return date(year, month, first_on.day) - ONE_DAY

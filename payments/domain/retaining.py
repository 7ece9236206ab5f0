"""保存年限の設定: how long a body keeps its records, from a day on, as entries of the profile.

The laws leave room for shortest periods only (:data:`SHORTEST`); how long a record is kept, a
body's own rules for documents say (文書管理規程), and these change. So each entry names its day and
its ground, and what was in force on any day can be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable

YEARS_MAX = 100
GROUND_MAX = 200
# 個人情報保護法61条2項: no personal data beyond what the purpose needs (in force since 2023-04-01).
# Who looked and who did what stays as long as claims of and against the body: 地方自治法236条.
SHORTEST = {
    "enquiry_log": 1,
    "event_attempt": 1,
    "notice_event": 2,
    "notice_sent": 2,
    "account_view": 5,
    "resident_view": 5,
    "staff_event": 5,
}


@dataclass(frozen=True, slots=True)
class Retaining:
    """保存年限の定め: from a day on, ``record`` is kept for ``years``; ``ground`` in its words."""

    record: str
    from_on: str  # ISO date
    years: int
    ground: str


def in_force(rules: Iterable[Retaining], record: str, on: date) -> Retaining | None:
    """その日の定め of a record: the newest that had begun; None where the shortest period holds."""
    begun = [
        rule
        for rule in rules
        if rule.record == record and date.fromisoformat(rule.from_on) <= on
    ]  # fmt: skip
    return max(begun, key=lambda rule: rule.from_on, default=None)


def require_retention(rules: Iterable[Retaining]) -> None:
    """Refuse a period shorter than the laws leave room for, one without a ground, or two of a day.

    Raises :class:`InvalidValueError` ``profile_retention`` with the field and what was found.
    """
    seen = set()
    for rule in rules:
        years: object = rule.years  # of whatever kind the file says
        shortest = SHORTEST.get(rule.record)
        faults = {
            "record": shortest is None,
            "from_on": not _is_day(rule.from_on) or (rule.record, rule.from_on) in seen,
            "years": type(years) is not int or not (shortest or 0) <= years <= YEARS_MAX,
            "ground": not 0 < len(str(rule.ground).strip()) <= GROUND_MAX,
        }
        for name, wrong in faults.items():
            if wrong:
                expected = f"{shortest}–{YEARS_MAX}" if name == "years" else " / ".join(SHORTEST)
                raise InvalidValueError(
                    "profile_retention",
                    field=f"retention.{name}",
                    found=f"{rule.record} {getattr(rule, name)}",
                    expected=expected if name in {"years", "record"} else "",
                )
        seen.add((rule.record, rule.from_on))


def _is_day(value: object) -> bool:
    """A day as YYYY-MM-DD and in no other form."""
    try:
        return date.fromisoformat(str(value)).isoformat() == value
    except ValueError:
        return False

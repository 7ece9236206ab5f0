"""保存年限の定め: how long each record is kept, from which moment, and on what ground.

No national law sets one period for all records of a municipality: its own rules for documents do
(文書管理規程). What follows are the shortest periods that the laws on taxes and on personal data
leave room for. A body that keeps records for longer names an earlier day when it archives; nothing
goes by itself.

The books (claims, receipts, postings, evidence, decisions, seals) have no rule here: they are kept
whole. A tax may be assessed or refunded for five years, for seven after a fraud (地方税法17条の5、
18条、18条の3), and the chain of seals proves the books only as long as every row is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from payments.domain.errors import NotFoundError
from web import clock


@dataclass(frozen=True, slots=True)
class Rule:
    """定め: rows of ``table`` are kept for ``years`` from ``moment``; ``ground``: a label."""

    table: str
    moment: str
    years: int
    ground: str

    def before(self, as_of: date) -> datetime:
        """保存の満了: what happened before this moment may go; the beginning of a day in Japan."""
        leap_day = (as_of.month, as_of.day) == (2, 29)  # an anniversary of it is the day before
        day = 28 if leap_day else as_of.day
        return start_of(date(as_of.year - self.years, as_of.month, day))


# 個人情報保護法61条2項: no personal data beyond what the purpose needs (in force since 2023-04-01).
# Who looked and who did what stays as long as claims of and against the body: 地方自治法236条.
RULES = (
    Rule("enquiry_log", "asked_at", 1, "personal_data"),
    Rule("event_attempt", "made_at", 1, "operation"),
    Rule("notice_event", "happened_at", 2, "operation"),
    Rule("notice_sent", "made_at", 2, "operation"),
    Rule("account_view", "viewed_at", 5, "access"),
    Rule("resident_view", "viewed_at", 5, "access"),
    Rule("staff_event", "happened_at", 5, "access"),
)
_BY_TABLE = {rule.table: rule for rule in RULES}


def rule_of(table: str) -> Rule:
    """The rule of a table; :class:`NotFoundError` ``retention_rule``."""
    if table not in _BY_TABLE:
        raise NotFoundError("retention_rule", found=table, expected="、".join(_BY_TABLE))
    return _BY_TABLE[table]


def start_of(day: date) -> datetime:
    """The beginning of a day in Japan."""
    return datetime.combine(day, time(), clock.JST)

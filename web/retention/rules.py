"""保存年限の定め: how long each record is kept, from which moment, and on what ground.

No national law sets one period for all records of a municipality: its own rules for documents do
(文書管理規程). What follows are the shortest periods that the laws on taxes and on personal data
leave room for (:data:`payments.domain.retaining.SHORTEST`). A body that keeps records for longer
says so in its settings, with the day and the ground of each rule; nothing goes by itself.

The books (claims, receipts, postings, evidence, decisions, seals) have no rule here: they are kept
whole. A tax may be assessed or refunded for five years, for seven after a fraud (地方税法17条の5、
18条、18条の3), and the chain of seals proves the books only as long as every row is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from payments.domain.errors import NotFoundError
from payments.domain.retaining import SHORTEST, in_force
from web import clock

if TYPE_CHECKING:
    from payments.domain.profile import Profile


@dataclass(frozen=True, slots=True)
class Rule:
    """定め: rows of ``table`` are kept for ``years`` from ``moment``.

    ``ground``: a label; ``own_ground`` and ``from_on``: as the body's own settings say, or "".
    """

    table: str
    moment: str
    years: int
    ground: str
    own_ground: str = ""
    from_on: str = ""

    def before(self, as_of: date) -> datetime:
        """保存の満了: what happened before this moment may go; the beginning of a day in Japan."""
        leap_day = (as_of.month, as_of.day) == (2, 29)  # an anniversary of it is the day before
        day = 28 if leap_day else as_of.day
        return start_of(date(as_of.year - self.years, as_of.month, day))


_RECORDS = {  # table → its moment and the label of the ground of the shortest period
    "enquiry_log": ("asked_at", "personal_data"),
    "event_attempt": ("made_at", "operation"),
    "notice_event": ("happened_at", "operation"),
    "notice_sent": ("made_at", "operation"),
    "account_view": ("viewed_at", "access"),
    "resident_view": ("viewed_at", "access"),
    "staff_event": ("happened_at", "access"),
}
RULES = tuple(
    Rule(table, moment, SHORTEST[table], ground) for table, (moment, ground) in _RECORDS.items()
)
_BY_TABLE = {rule.table: rule for rule in RULES}


def rule_of(table: str) -> Rule:
    """The rule of a table; :class:`NotFoundError` ``retention_rule``."""
    if table not in _BY_TABLE:
        raise NotFoundError("retention_rule", found=table, expected="、".join(_BY_TABLE))
    return _BY_TABLE[table]


def rules_of(profile: Profile, on: date) -> list[Rule]:
    """その日の定め of a body for every table: its own where it has one, else the shortest."""
    return [rule_in_force(profile, rule.table, on) for rule in RULES]


def rule_in_force(profile: Profile, table: str, on: date) -> Rule:
    """その日の定め of a table; :class:`NotFoundError` ``retention_rule``."""
    rule, own = rule_of(table), in_force(profile.retention, table, on)
    if own is None:
        return rule
    return replace(rule, years=own.years, own_ground=own.ground, from_on=own.from_on)


def start_of(day: date) -> datetime:
    """The beginning of a day in Japan."""
    return datetime.combine(day, time(), clock.JST)

"""受領予定の定め: the rules in force on a day, and a new one by two people (R10).

A rule stands in the profile, or in the content of an approval that a second person gave: that
content is sealed, so there is no second place for it. On a day the latest rule of a source holds
whose day has come. A source without any has the usual days (:data:`.sources.DAILY`), and its files
belong to the day they came.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from payments import approve
from payments.domain.arrivals import BUSINESS_DAYS, ON_DEMAND, ArrivalRule
from payments.domain.errors import InvalidValueError, RefusedError
from reconcile.arrivals.sources import sources
from reconcile.journal import closed_books

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from reconcile.arrivals.sources import Source

KIND = "arrival_rules"
SUBJECT = "arrivals"
_DECIDED_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Calendar:
    """受領予定の暦: every source, and its rules from the weakest to the strongest."""

    sources: tuple[Source, ...]
    rules: Mapping[str, tuple[ArrivalRule, ...]]

    def written(self, source: Source, day: date) -> ArrivalRule | None:
        """The rule that somebody laid down and that holds on ``day``, or None."""
        began = [
            rule for rule in self.rules.get(source.code, ()) if rule.effective_on <= day.isoformat()
        ]
        # The latest day wins; of one day, what was decided last.
        return max(reversed(began), key=lambda rule: rule.effective_on) if began else None

    def rule(self, source: Source, day: date) -> ArrivalRule:
        """The rule that holds on ``day``: written, or the usual one."""
        usual = BUSINESS_DAYS if source.daily else ON_DEMAND
        return self.written(source, day) or ArrivalRule(source.code, usual)

    def source_of(self, format_code: str, agent: str) -> Source | None:
        """Whose file this is, or None."""
        return next((each for each in self.sources if each.sent(format_code, agent)), None)

    def source(self, code: str) -> Source | None:
        """The source of this code, or None."""
        return next((each for each in self.sources if each.code == code), None)


def calendar_of(
    connection: Connection, profile: Profile, *, without: int | None = None
) -> Calendar:
    """受領予定の暦 of a municipality: its profile, then what two people decided, in their order.

    ``without``: leave out the approval of this number, to see what it replaces.
    """
    found: dict[str, list[ArrivalRule]] = {}
    for rule in profile.arrivals:
        found.setdefault(rule.source, []).append(rule)
    decided = approve.approvals(
        connection, profile.municipality_code, state="approved", kind=KIND, limit=_DECIDED_MAX
    )
    for approval in (each for each in reversed(decided) if each.approval_id != without):
        for rule in rules_in(approval):
            found.setdefault(rule.source, []).append(rule)
    return Calendar(sources(profile), {code: tuple(rules) for code, rules in found.items()})


def waiting(connection: Connection, municipality_code: str) -> Approval | None:
    """承認待ち: the change of the calendar that a second person has not decided yet."""
    asked = approve.of_subject(connection, municipality_code, KIND, SUBJECT)
    return next((each for each in asked if not each.decision), None)


def rules_in(approval: Approval) -> tuple[ArrivalRule, ...]:
    """依頼の内容: the rules that an approval is about."""
    return tuple(ArrivalRule(**rule) for rule in approval.content["rules"])


def ask(
    connection: Connection,
    profile: Profile,
    rules: Sequence[ArrivalRule],
    *,
    asked_by: str,
    at: datetime,
    reason: str,
) -> Approval:
    """受領予定の変更の依頼: what a second person decides about.

    Raises :class:`InvalidValueError` ``arrival_rules_none`` or ``arrival_rule_source``,
    :class:`RefusedError` ``arrival_rule_closed`` for a day whose books are closed, and the errors
    of :func:`payments.approve.ask`.
    """
    return approve.ask(
        connection,
        profile.municipality_code,
        KIND,
        SUBJECT,
        content_of(connection, profile, rules),
        asked_by=asked_by,
        at=at,
        reason=reason,
    )


def content_of(
    connection: Connection,
    profile: Profile,
    rules: Sequence[ArrivalRule],
    approval_id: int | None = None,
) -> dict[str, Any]:
    """依頼の内容: the rules beside what they replace; raises what :func:`ask` raises.

    ``approval_id``: of the request itself, once there is one; it replaces what was before it.
    """
    if not rules:
        raise InvalidValueError("arrival_rules_none")
    calendar = calendar_of(connection, profile, without=approval_id)
    closed_until, _year = closed_books(connection, profile.municipality_code)
    replaced = []
    for rule in rules:
        source = calendar.source(rule.source)
        if source is None:
            raise InvalidValueError("arrival_rule_source", found=rule.source)
        begins = date.fromisoformat(rule.effective_on)
        if closed_until is not None and begins <= closed_until:
            raise RefusedError(
                "arrival_rule_closed", effective_on=rule.effective_on, closed_until=closed_until
            )
        replaced.append(asdict(calendar.rule(source, begins)))
    return {"rules": [asdict(rule) for rule in rules], "replaced": replaced}

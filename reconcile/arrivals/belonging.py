"""何日分か: which due day each file belongs to, and the record of it.

A file about another municipality belongs to no day. One that says nothing new belongs to the day
of the file it repeats. One whose date fits the rule of its source belongs to the day it was due.
Any other takes the oldest day that still waits; a day that two people closed does not. Where none
waits, it is early for the next due day, or one more of its own day. What was entered once stays,
unless a person says otherwise.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import insert, text

from payments.domain.arrivals import JAPAN, days_between, minutes_late
from payments.domain.errors import NotFoundError, RefusedError
from payments.domain.reason import require_reason
from reconcile.arrivals.files import REACH, files_between, first_day, foreign, nils_between, resent
from reconcile.arrivals.rules import calendar_of
from reconcile.journal import closed_books
from reconcile.store.arrival_tables import ArrivalRecordRow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.arrivals.files import Came, Nil
    from reconcile.arrivals.rules import Calendar
    from reconcile.arrivals.sources import Source

_AHEAD = timedelta(days=10)  # a file dated further into the future than this is misdated
table = ArrivalRecordRow.__table__  # type: ignore[attr-defined]


class Belonging(NamedTuple):
    """何日分か of one file; ``basis`` is "" for a source without a written rule."""

    file: Came
    source: Source
    due_on: date
    basis: str
    minutes_late: int


@dataclass(frozen=True, slots=True)
class Period:
    """受領の期間: all that is needed to say what was awaited and what came in some days."""

    calendar: Calendar
    belongings: tuple[Belonging, ...]
    nils: Mapping[tuple[str, date], Nil]
    began_on: date | None  # the day of the first file of all
    strangers: tuple[Came, ...]  # of another municipality, or aside and of nobody

    def has_begun(self, source: Source, day: date) -> bool:
        """待ち始めたか: without a written rule nothing is awaited before the first file of all."""
        written = self.calendar.written(source, day) is not None
        return written or (self.began_on is not None and day >= self.began_on)

    def of(self, source: Source, day: date, at: datetime | None = None) -> tuple[Belonging, ...]:
        """The files of one source and due day, as far as they had come ``at`` a moment."""
        return tuple(
            each
            for each in self.belongings
            if each.source.code == source.code
            and each.due_on == day
            and (at is None or each.file.arrived_at <= at)
        )


def period(connection: Connection, profile: Profile, first: date, last: date) -> Period:
    """受領の期間 of the due days ``first`` to ``last``."""
    code = profile.municipality_code
    calendar = calendar_of(connection, profile)
    # Without a written rule every file belongs to the day it came, and to no other.
    files = files_between(connection, code, first, last, REACH if calendar.rules else timedelta(0))
    nils = nils_between(connection, code, first, last + REACH)
    unsettled = [file for file in files if file.due_on is None]
    others = foreign(connection, code, unsettled)
    repeats = resent(connection, code, [file for file in unsettled if _written(calendar, file)])
    closed_until, _year = closed_books(connection, code)
    ours = tuple(file for file in files if file.file_id not in others)
    return Period(
        calendar,
        belong(calendar, ours, nils, repeats, closed_until),
        nils,
        first_day(connection, code),
        tuple(
            file
            for file in files
            if file.file_id in others
            or not (file.accepted or calendar.source_of(file.format_code, file.agent))
        ),
    )


def belong(
    calendar: Calendar,
    files: tuple[Came, ...],
    nils: Mapping[tuple[str, date], Nil],
    repeats: Mapping[int, int],
    closed_until: date | None = None,
) -> tuple[Belonging, ...]:
    """何日分か of each file, in the order they came; ``repeats``: a resent file → the first one."""
    found: dict[int, Belonging] = {}
    filled: Counter[tuple[str, date]] = Counter()
    first_on: dict[str, date] = {}
    for file in files:
        source = calendar.source_of(file.format_code, file.agent)
        if source is None:
            continue
        first_on.setdefault(source.code, file.received_on)
        if file.due_on is not None:
            due_on, basis = file.due_on, file.basis or ""
        elif calendar.written(source, file.received_on) is None:
            due_on, basis = file.received_on, ""
        elif repeats.get(file.file_id) in found:
            due_on, basis = found[repeats[file.file_id]].due_on, "resent"
        else:
            waits = _Waits(calendar, source, filled, nils, first_on[source.code], closed_until)
            due_on, basis = waits.place(file)
        late = file.minutes_late
        if late is None:
            rule = calendar.written(source, due_on)
            counts = rule is not None and basis not in {"", "resent"}
            late = minutes_late(rule, due_on, file.arrived_at) if rule and counts else 0
        found[file.file_id] = Belonging(file, source, due_on, basis, late)
        if file.accepted and basis != "resent":
            filled[source.code, due_on] += 1
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _Waits:
    """What one source still owes when a file of it comes."""

    calendar: Calendar
    source: Source
    filled: Counter[tuple[str, date]]
    nils: Mapping[tuple[str, date], Nil]
    first_on: date  # before its first file nothing is known of a source
    closed_until: date | None  # over a closed day two people have decided

    def place(self, file: Came) -> tuple[date, str]:
        """The due day of a file, and why."""
        received_on = file.received_on
        rule = self.calendar.rule(self.source, received_on)
        if file.created_on is not None and rule.dated_days_before >= 0:
            meant = rule.due_for(file.created_on)
            due_on = self._next(meant) if meant <= received_on + _AHEAD else None
            if due_on is not None:
                return due_on, "dated"
        began = max(received_on - REACH, self._began(received_on))
        for day in days_between(began, received_on):
            if self._waits(day):
                return day, "oldest_open"
        if not rule.is_due(received_on):
            due_on = self._next(received_on)
            if due_on is not None:
                return due_on, "early"
        return received_on, "extra"

    def _began(self, received_on: date) -> date:
        """Since when the source can owe a file: its rule began, or its first file came."""
        rule = self.calendar.written(self.source, received_on)
        begins = date.fromisoformat(rule.effective_on) if rule else received_on
        return begins if begins >= received_on - REACH else self.first_on

    def _waits(self, day: date) -> bool:
        rule = self.calendar.written(self.source, day)
        key = (self.source.code, day)
        return (
            rule is not None
            and rule.is_due(day)
            and key not in self.nils
            and (self.closed_until is None or day > self.closed_until)
            and self.filled[key] < rule.files
        )

    def _next(self, day: date) -> date | None:
        """The first due day on or after ``day``."""
        for each in days_between(day, day + REACH):
            if self.calendar.rule(self.source, each).is_due(each):
                return each
        return None


def _written(calendar: Calendar, file: Came) -> bool:
    source = calendar.source_of(file.format_code, file.agent)
    return source is not None and calendar.written(source, file.received_on) is not None


# ---- the record ----


def record_new(
    connection: Connection, profile: Profile, *, at: datetime, actor: str
) -> tuple[Belonging, ...]:
    """受領の記録: enter every accepted file that has no day yet; returns those."""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)  # as SQLite gives it back
    today = aware.astimezone(JAPAN).date()
    new = tuple(
        each
        for each in period(connection, profile, today - REACH, today).belongings
        if each.file.due_on is None and each.file.accepted and each.basis
    )
    for each in new:
        _write(connection, profile, each, 1, at=aware.astimezone(UTC), actor=actor)
    return new


def assign(
    connection: Connection,
    profile: Profile,
    file_id: int,
    due_on: date,
    *,
    actor: str,
    at: datetime,
    reason: str,
) -> Belonging:
    """受領日の訂正: a person says for which day a file came; the earlier record stays.

    Raises :class:`NotFoundError` ``arrival_file``, :class:`RefusedError` ``arrival_not_due`` and
    :class:`InvalidValueError` ``reason_missing`` or ``reason_long``.
    """
    reason = require_reason(reason)
    row = connection.execute(
        text(
            "SELECT received_on, (SELECT MAX(record_no) FROM arrival_record r "
            "WHERE r.municipality_code = :m AND r.file_id = :file_id) AS last_no "
            "FROM source_file WHERE municipality_code = :m AND file_id = :file_id"
        ),
        {"m": profile.municipality_code, "file_id": file_id},
    ).one_or_none()
    found = None
    if row is not None:
        received_on = date.fromisoformat(str(row.received_on))
        known = period(connection, profile, received_on, received_on).belongings
        found = next((each for each in known if each.file.file_id == file_id), None)
    if row is None or found is None or not (found.file.accepted and found.basis):
        raise NotFoundError("arrival_file", file_id=file_id)
    rule = calendar_of(connection, profile).written(found.source, due_on)
    if rule is None or not rule.is_due(due_on):
        raise RefusedError("arrival_not_due", agent=found.source.code, due_on=due_on)
    late = minutes_late(rule, due_on, found.file.arrived_at)
    moved = found._replace(due_on=due_on, basis="person", minutes_late=late)
    number = int(row.last_no or 0) + 1
    _write(connection, profile, moved, number, at=at, actor=actor, reason=reason)
    return moved


def _write(
    connection: Connection,
    profile: Profile,
    each: Belonging,
    record_no: int,
    *,
    at: datetime,
    actor: str,
    reason: str = "",
) -> None:
    connection.execute(
        insert(table).values(
            municipality_code=profile.municipality_code,
            file_id=each.file.file_id,
            record_no=record_no,
            source=each.source.code,
            due_on=each.due_on,
            received_on=each.file.received_on,
            arrived_at=each.file.arrived_at,
            minutes_late=each.minutes_late,
            basis=each.basis,
            actor=actor,
            reason=reason,
            made_at=at,
        )
    )

"""該当なし報告: a person turns a red source green, and the books remember who it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from payments.domain.errors import NotFoundError, RefusedError
from payments.store.former import written_at
from reconcile.arrivals.rules import calendar_of
from reconcile.report.arrivals import arrivals
from reconcile.store.tables import NilReportRow

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

NOTE_MAX = 200
nil_reports = NilReportRow.__table__  # type: ignore[attr-defined]


def enter_nil_report(
    connection: Connection,
    profile: Profile,
    agent: str,
    due_on: date,
    *,
    entered_by: str,
    note: str,
) -> None:
    """Enter that ``agent`` had nothing on ``due_on``.

    Raises :class:`NotFoundError` ``nil_report_agent`` for a source the profile does not know,
    :class:`RefusedError` ``nil_report_not_allowed`` where its rule says so, and
    ``nil_report_received`` when its file has come or a report is there.
    """
    known = {arrival.source.code: arrival for arrival in arrivals(connection, profile, due_on)}
    arrival = known.get(agent)
    if arrival is None:
        raise NotFoundError("nil_report_agent", agent=agent)
    rule = calendar_of(connection, profile).rule(arrival.source, due_on)
    if not rule.nil_allowed and arrival.state != "partial":
        raise RefusedError("nil_report_not_allowed", agent=arrival.source.name, due_on=due_on)
    if arrival.state in {"received", "nil"}:
        raise RefusedError("nil_report_received", agent=arrival.source.name, due_on=due_on)
    there = connection.execute(
        select(nil_reports.c.agent).where(
            nil_reports.c.municipality_code == profile.municipality_code,
            nil_reports.c.agent == agent,
            nil_reports.c.due_on == due_on,
        )
    ).first()
    if there is None:
        connection.execute(
            insert(nil_reports).values(
                municipality_code=profile.municipality_code,
                agent=agent,
                due_on=due_on,
                entered_by=entered_by,
                note=note.strip()[:NOTE_MAX],
                made_at=written_at(),
            )
        )

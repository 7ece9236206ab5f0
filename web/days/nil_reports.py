"""該当なし報告: a person turns a red source green, and the books remember who it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from payments.domain.errors import NotFoundError, RefusedError
from payments.domain.reason import require_reason
from payments.store.former import written_at
from reconcile.arrivals.files import nils_between
from reconcile.arrivals.rules import calendar_of
from reconcile.journal import closed_books
from reconcile.report.arrivals import arrivals
from reconcile.store.arrival_tables import NilReportChangeRow
from reconcile.store.tables import NilReportRow

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

NOTE_MAX = 200
ENTERED, WITHDRAWN = "entered", "withdrawn"
nil_reports = NilReportRow.__table__  # type: ignore[attr-defined]
changes = NilReportChangeRow.__table__  # type: ignore[attr-defined]


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
    code = profile.municipality_code
    if _there(connection, code, agent, due_on):  # it was taken back since
        _change(connection, code, (agent, due_on), ENTERED, entered_by, note.strip()[:NOTE_MAX])
        return
    connection.execute(
        insert(nil_reports).values(
            municipality_code=code,
            agent=agent,
            due_on=due_on,
            entered_by=entered_by,
            note=note.strip()[:NOTE_MAX],
            made_at=written_at(),
        )
    )


def withdraw_nil_report(
    connection: Connection,
    profile: Profile,
    agent: str,
    due_on: date,
    *,
    withdrawn_by: str,
    reason: str,
) -> None:
    """該当なし報告の取消: it was entered by mistake, and the source is awaited again.

    What was said stays beside who took it back and why. One person will do: the source turns red,
    and whoever closes the day or draws a list over it needs a second one (R10). A signed day says
    what it rested on, and is re-opened first.

    Raises :class:`NotFoundError` ``nil_report_none``, :class:`RefusedError` ``nil_report_closed``,
    :class:`InvalidValueError` ``reason_missing`` or ``reason_long``.
    """
    code = profile.municipality_code
    if (agent, due_on) not in nils_between(connection, code, due_on, due_on):
        raise NotFoundError("nil_report_none", agent=agent, due_on=due_on)
    closed_until, _year = closed_books(connection, code)
    if closed_until is not None and due_on <= closed_until:
        raise RefusedError("nil_report_closed", agent=agent, due_on=due_on)
    _change(connection, code, (agent, due_on), WITHDRAWN, withdrawn_by, require_reason(reason))


def _there(connection: Connection, code: str, agent: str, due_on: date) -> bool:
    found = select(nil_reports.c.agent).where(
        nil_reports.c.municipality_code == code,
        nil_reports.c.agent == agent,
        nil_reports.c.due_on == due_on,
    )
    return connection.execute(found).first() is not None


def _change(
    connection: Connection, code: str, key: tuple[str, date], event: str, by: str, note: str
) -> None:
    last = select(func.coalesce(func.max(changes.c.change_no), 0)).where(
        changes.c.municipality_code == code,
        changes.c.agent == key[0],
        changes.c.due_on == key[1],
    )
    connection.execute(
        insert(changes).values(
            municipality_code=code,
            agent=key[0],
            due_on=key[1],
            change_no=connection.execute(last).scalar_one() + 1,
            event=event,
            actor=by,
            note=note,
            made_at=written_at(),
        )
    )

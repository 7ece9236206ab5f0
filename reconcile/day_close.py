"""締め: a day or a fiscal year is closed, and re-opened, by two people (R10).

One person asks, seeing the figures; a second one decides about exactly those figures. What was
closed is kept append-only with its figures and their hash, and nothing books on it any more: what
comes late goes to the next open day (:func:`reconcile.journal.open_day_for`; the database refuses
anything else). A source that is red or a check that differs stops the close, unless both people
say otherwise with a reason.

Days are closed in their order, and re-opened from the last one back, so that what a closed report
carries forward can never change behind it. The first close may be of any day: with it the books of
everything before are closed, too. With a year, what is open in it is carried into the next one
(:mod:`reconcile.carry_over`), and taken back when the year is re-opened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from payments import approve
from payments.domain.errors import RefusedError
from payments.domain.fiscal import closing_on
from payments.store.municipalities import load_profile
from reconcile import carry_over, closures
from reconcile.arrivals.belonging import record_new
from reconcile.audit.seal import seal_now
from reconcile.closures import Closure
from reconcile.day_totals import first_booked, summarise_now, sums_now
from reconcile.journal import closed_books
from reconcile.report.data import canonical_json, report_as_data, sha256
from reconcile.report.period import DayReport, Signed, day_report, year_report

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from reconcile.day_totals import Sums

CLOSE, REOPEN = "day_close", "day_reopen"
YEAR_CLOSE, YEAR_REOPEN = "year_close", "year_reopen"
OF_DAYS, OF_YEARS = (CLOSE, REOPEN), (YEAR_CLOSE, YEAR_REOPEN)
KINDS = (*OF_DAYS, *OF_YEARS)
# What is of the period itself and stands still while the second person looks at it. The rest
# (cases that wait, groups that a later credit settles) is kept as it stood at the close.
_WAITING_MAX = 1_000
_FIGURES = ("revenue", "collected_before_yen", "collected_yen", "movements", "cash", "year_lines")


@dataclass(frozen=True, slots=True)
class State:
    """締めの状態 of a day or a year: what is in force, what waits, and what happened before."""

    closed: Closure | None
    asked: Approval | None
    history: tuple[Closure, ...]
    may_close: bool
    may_reopen: bool


# ---- what is shown ----


def shown_day(
    connection: Connection, profile: Profile, day: date
) -> tuple[DayReport, Closure | None]:
    """日計: as it was signed when the day is closed, else as the books stand now."""
    code = profile.municipality_code
    signed = closures.signed_report(connection, code, "day", day)
    if signed is not None:
        return signed
    return day_report(connection, profile, day, signed=last_signed(connection, code)), None


def shown_year(
    connection: Connection, profile: Profile, year: int
) -> tuple[DayReport, Closure | None]:
    """年度: as it was signed when the year is closed, else as the books stand now."""
    code = profile.municipality_code
    signed = closures.signed_report(connection, code, "year", closing_on(year))
    return signed or (year_report(connection, profile, year), None)


def last_signed(connection: Connection, municipality_code: str) -> Signed | None:
    """The last closed day and what it said of all revenue so far."""
    until, _year = closed_books(connection, municipality_code)
    signed = closures.signed_report(connection, municipality_code, "day", until) if until else None
    if signed is None:
        return None
    report, closure = signed
    collected_yen = report.collected_before_yen + report.collected_yen
    return Signed(closure.ends_on, collected_yen, closure.report_sha256)


def day_state(connection: Connection, municipality_code: str, day: date) -> State:
    """Whether the day is closed, what waits for a second person, and what may be asked for."""
    until, year = closed_books(connection, municipality_code)
    history = closures.history(connection, municipality_code, "day", day)
    closed = history[-1] if history and history[-1].event == "closed" else None
    earlier = first_booked(connection, municipality_code, until, day) if until else None
    return State(
        closed=closed,
        asked=_waiting(connection, municipality_code, OF_DAYS, day.isoformat()),
        history=history,
        may_close=(until is None or day > until) and earlier is None,
        may_reopen=closed is not None and day == until and not (year and day <= closing_on(year)),
    )


def year_state(connection: Connection, municipality_code: str, year: int) -> State:
    """The same of a fiscal year."""
    until, closed_year = closed_books(connection, municipality_code)
    history = closures.history(connection, municipality_code, "year", closing_on(year))
    closed = history[-1] if history and history[-1].event == "closed" else None
    return State(
        closed=closed,
        asked=_waiting(connection, municipality_code, OF_YEARS, str(year)),
        history=history,
        may_close=closed is None
        and until is not None
        and until >= closing_on(year)
        and closed_year in {0, year - 1},
        may_reopen=closed is not None and closed_year == year,
    )


# ---- asking and deciding ----


def ask(
    connection: Connection,
    municipality_code: str,
    kind: str,
    subject: str,
    *,
    asked_by: str,
    reason: str,
    at: datetime,
    despite: bool = False,
) -> Approval:
    """締め・締めの取消の依頼: what a second person decides about; ``kind`` is one of :data:`KINDS`.

    ``subject`` is the day as ISO text, or the year. ``despite``: close although a source is red or
    a check differs. Raises :class:`RefusedError` ``close_order`` (something else comes first),
    ``close_blocked``, and the errors of :func:`payments.approve.ask`.
    """
    sums = sums_now(connection, municipality_code)
    plan = _plan(connection, municipality_code, kind, subject, sums, despite=despite)
    return approve.ask(
        connection,
        municipality_code,
        kind,
        subject,
        plan.content,
        asked_by=asked_by,
        at=at,
        reason=reason,
    )


def content_now(
    connection: Connection, municipality_code: str, approval: Approval
) -> dict[str, Any]:
    """いまの内容: what would be asked for if it were asked now; raises what :func:`ask` raises."""
    sums = sums_now(connection, municipality_code)
    despite = bool(approval.content.get("despite"))
    return _plan(
        connection, municipality_code, approval.kind, approval.subject, sums, despite=despite
    ).content


def carry_out(connection: Connection, municipality_code: str, approval: Approval) -> Closure:
    """締め・取消の実行: write down what two people decided, in the transaction of the decision.

    Raises :class:`RefusedError` ``close_figures_changed`` when the figures, or what stops the
    close, are no longer what was asked about.
    """
    # Money is revenue of the year that was open when it was booked, so what was booked until now
    # is summed up before that changes.
    sums = summarise_now(connection, municipality_code)
    # A closed day does not wait any more, so what has come for it is entered first.
    record_new(
        connection,
        load_profile(connection, municipality_code),
        at=approval.decided_at or approval.asked_at,
        actor=str(approval.decided_by),
    )
    despite = bool(approval.content.get("despite"))
    plan = _plan(
        connection, municipality_code, approval.kind, approval.subject, sums, despite=despite
    )
    if plan.content != approval.content:
        raise RefusedError("close_figures_changed", subject=approval.subject)
    report = plan.report
    if report is not None:
        # The signed report names the last seal: an anchor of the chain outside the database.
        seal = seal_now(connection, municipality_code)
        report = replace(report, seal_no=seal.seal_no, seal_sha256=seal.sha256)
    stopped = bool(plan.content.get("blockers")) or plan.event == "reopened"
    closure = closures.record(
        connection,
        municipality_code,
        approval,
        Closure(
            closure_no=plan.content["closure_no"] + 1,
            period=plan.period,
            event=plan.event,
            ends_on=plan.ends_on,
            closed_until=plan.closed_until,
            closed_year=plan.closed_year,
            asked_by=approval.asked_by,
            decided_by=str(approval.decided_by),
            reason=approval.reason if stopped else "",
            made_at=approval.decided_at or approval.asked_at,
            report_sha256="",
        ),
        report,
    )
    if plan.period == "year":
        year = closure.ends_on.year - 1
        move = carry_over.carry if plan.event == "closed" else carry_over.take_back
        move(connection, municipality_code, year)
    return closure


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a decision would do: worked out when it is asked for, and again when it is done."""

    period: str
    event: str
    ends_on: date
    closed_until: date | None
    closed_year: int
    report: DayReport | None
    content: dict[str, Any]  # what the second person decides about


def _plan(
    connection: Connection, code: str, kind: str, subject: str, sums: Sums, *, despite: bool
) -> _Plan:
    """The plan of one kind; :class:`RefusedError` ``close_order`` or ``close_blocked``."""
    until, closed_year = closed_books(connection, code)
    last = closures.last_no(connection, code)
    if kind in OF_DAYS:
        day = date.fromisoformat(subject)
        state, period, ends_on = day_state(connection, code, day), "day", day
    else:
        year = int(subject)
        state, period, ends_on = year_state(connection, code, year), "year", closing_on(year)
    if not (state.may_close if kind in {CLOSE, YEAR_CLOSE} else state.may_reopen):
        raise RefusedError("close_order", subject=subject)
    if kind in {REOPEN, YEAR_REOPEN}:
        before = closures.before(connection, code, state.history[-1].closure_no)
        if kind == REOPEN:
            until = before.closed_until if before else None
        else:
            closed_year = before.closed_year if before else 0
        content: dict[str, Any] = {"closure_no": last}
        return _Plan(period, "reopened", ends_on, until, closed_year, None, content)
    profile = load_profile(connection, code)
    if kind == CLOSE:
        until = ends_on
        report = day_report(
            connection,
            profile,
            ends_on,
            signed=last_signed(connection, code),
            sums=sums,
        )
    else:
        closed_year = year
        report = year_report(connection, profile, year, sums=sums)
    if report.blockers and not despite:
        raise RefusedError("close_blocked", subject=subject, blockers=", ".join(report.blockers))
    content = {
        "closure_no": last,
        "figures": _figures(report),
        "blockers": list(report.blockers),
        "despite": despite,
    }
    return _Plan(period, "closed", ends_on, until, closed_year, report, content)


def _figures(report: DayReport) -> str:
    """The hash of what the second person signs."""
    data = report_as_data(report)
    return sha256(canonical_json({name: data[name] for name in _FIGURES}))


def _waiting(
    connection: Connection, code: str, kinds: tuple[str, str], subject: str
) -> Approval | None:
    """The request about this subject that waits for a second person."""
    waiting = approve.approvals(connection, code, state=approve.WAITING, limit=_WAITING_MAX)
    return next((a for a in waiting if a.kind in kinds and a.subject == subject), None)

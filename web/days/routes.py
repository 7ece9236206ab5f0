"""日計の画面: the treasury's page of one day, of a month and of a fiscal year."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for

from payments import approve
from payments.domain.calendars import FIRST_YEAR, LAST_YEAR
from payments.domain.errors import InvalidValueError, KokinError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import carry_over, closures, day_close, day_copies
from reconcile import day_lines as of_day
from reconcile.model import Channel
from reconcile.report.period import latest_day, month_report
from web import clock, messages
from web.accounts.record import record
from web.approval_desk import decide_as
from web.approval_roles import require_asker
from web.csv_download import csv_download
from web.days import lines as day_lines
from web.days.carried import carried_csv
from web.days.copies import keep_shown
from web.days.exports import MEDIA_TYPES, export, file_name
from web.days.nil_form import enter_from_form
from web.days.sheets import heading, sheets
from web.duties import Do
from web.errors import status_of
from web.notifications.outlook import require_booked
from web.page_starts import page_start
from web.security import may, source
from web.services import services
from web.texts.outcomes import OUTCOMES
from web.typed_days import day_of_address, moment_of_address, past_moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.wrappers import Response as BaseResponse

    from reconcile.carry_over import CarryRun
    from reconcile.closures import Closure
    from reconcile.report.period import DayReport

days = Blueprint("days", __name__, url_prefix="/staff")


@days.get("/days/latest")
def latest() -> BaseResponse | str:
    """The last day on which anything came, or a page that says what to do first."""
    with reading(services().engine, services().municipality) as connection:
        day = latest_day(connection, services().municipality)
    if day is None:
        return render_template("days/nothing.html")
    return redirect(url_for("days.show", day=day.isoformat()), 303)


@days.get("/days")
def choose() -> BaseResponse:
    """Go to the day of the date field."""
    day = day_of_address(request.args.get("day", ""))
    return redirect(url_for("days.show", day=day.isoformat()), 303)


@days.get("/days/<day>")
def show(day: str) -> str:
    """Everything about one day: as it was signed, or as the books stand now."""
    chosen = day_of_address(day)
    with reading(services().engine, services().municipality) as connection:
        report, closure = day_close.shown_day(connection, services().profile, chosen)
        state = day_close.day_state(connection, services().municipality, chosen)
    keep_shown(services().engine, report, closure, g.user.user_name)
    return render_template(
        "days/show.html",
        report=report,
        closure=closure,
        then=None,
        typed="",
        state=state,
        subject=chosen.isoformat(),
        heading=heading(report, closure),
        sheets={sheet.code: sheet for sheet in sheets(report)},
        unbooked=services().spool.waiting(services().municipality, chosen).number,
        messages=messages,
    )


@days.get("/days/<day>/then")
def show_then(day: str) -> BaseResponse | str | tuple[str, int]:
    """過去の日計: as it was shown or signed at a moment; without one, as it stands."""
    chosen = day_of_address(day)
    typed = request.args.get("at", "")
    if not typed:
        return redirect(url_for("days.show", day=chosen.isoformat()), 303)
    try:
        at = past_moment(moment_of_address(typed))
        with reading(services().engine, services().municipality) as connection:
            then = day_copies.as_of(connection, services().municipality, chosen, at)
    except KokinError as error:
        page = render_template(
            "days/no_moment.html", day=chosen, typed=typed, code=error.error_code,
            sentence=messages.error(error.error_code, error.details), status=status_of(error),
        )  # fmt: skip
        return page, status_of(error)
    return render_template(
        "days/show.html",
        report=then.report,
        closure=then.closure,
        then=then,
        typed=typed,
        state=None,
        subject=chosen.isoformat(),
        heading=heading(then.report, then.closure),
        sheets={sheet.code: sheet for sheet in sheets(then.report)},
        unbooked=0,
        messages=messages,
    )


@days.get("/days/<day>/lines")
@may(Do.READ_DETAILS)
def lines(day: str) -> str | Response:
    """照合結果の明細: the lines of a day, of one channel and outcome or of all."""
    chosen, engine, code = day_of_address(day), services().engine, services().municipality
    channel, outcome = (request.args.get(name, "") for name in ("channel", "outcome"))
    after = page_start(request.args.get("after", ""), of_day.START)
    if channel not in {"", *Channel} or outcome not in {"", *OUTCOMES}:
        abort(404)
    if request.args.get("form") == "csv":
        name = f"lines-{code}-{chosen}{'-' if outcome else ''}{outcome}.csv"
        cells = day_lines.line_cells(engine, code, chosen, channel, outcome)
        return csv_download(name, day_lines.COLUMNS, cells)
    with reading(engine, code) as connection:
        wanted = of_day.chosen(connection, code, chosen, channel=channel, outcome=outcome)
        found = of_day.lines_of_day(connection, code, wanted, after=after, limit=day_lines.PAGE + 1)
        signed = closures.signed_report(connection, code, "day", chosen)
    return render_template(
        "days/lines.html",
        day=chosen,
        channel=channel,
        outcome=outcome,
        total=wanted.total,
        signed=day_lines.figure_of(signed[0], channel, outcome) if signed else wanted.total,
        rows=found[: day_lines.PAGE],
        more=len(found) > day_lines.PAGE,
        begins=after == of_day.START,
        messages=messages,
    )


@days.get("/months/<month>")
def show_month(month: str) -> str:
    """月計: one calendar month."""
    report, closure = _month(month)
    return _period_page(report, closure, state=None, subject=month)


@days.get("/years/<int:year>")
def show_year(year: int) -> str:
    """年度: one fiscal year up to its 出納閉鎖."""
    report, closure = _year(year)
    with reading(services().engine, services().municipality) as connection:
        state = day_close.year_state(connection, services().municipality, year)
        carried = carry_over.run_of(connection, services().municipality, year)
    return _period_page(report, closure, state=state, subject=str(year), carried=carried)


@days.get("/days/<day>/report.<form>")
def download(day: str, form: str) -> Response:
    """The report of a day as a file."""
    chosen = day_of_address(day)
    closure_no, typed = request.args.get("closure", type=int), request.args.get("at", "")
    with reading(services().engine, services().municipality) as connection:
        if typed:
            at = past_moment(moment_of_address(typed))
            then = day_copies.as_of(connection, services().municipality, chosen, at)
            report, closure = then.report, then.closure
        elif closure_no is None:
            report, closure = day_close.shown_day(connection, services().profile, chosen)
        else:  # as it was signed, also when it was re-opened afterwards
            code = services().municipality
            report, closure = closures.kept_report(connection, code, closure_no, chosen)
    if not typed and closure_no is None:
        keep_shown(services().engine, report, closure, g.user.user_name)
    return _file(report, closure, form)


@days.get("/months/<month>/report.<form>")
def download_month(month: str, form: str) -> Response:
    """The report of a month as a file."""
    return _file(*_month(month), form)


@days.get("/years/<int:year>/report.<form>")
def download_year(year: int, form: str) -> Response:
    """The report of a fiscal year as a file."""
    return _file(*_year(year), form)


@days.get("/years/<int:year>/carried.csv")
@may(Do.READ_DETAILS)
def download_carried(year: int) -> Response:
    """滞納繰越の一覧: every instalment that passed into the next year."""
    engine, code = services().engine, services().municipality
    with unit_of_work(engine, code) as connection:
        run = carry_over.run_of(connection, code, year)
        if run is None:
            abort(404)
        record(connection, "carried_list", str(year))

    def pieces() -> Iterator[str]:
        with reading(engine, code) as connection:
            for _number, piece in carried_csv(connection, code, run):
                yield piece

    answer = Response(pieces(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="carried-{code}-{year}.csv"'
    return answer


@days.post("/closings/<kind>/<subject>")
@may(Do.APPROVE)
def ask(kind: str, subject: str) -> BaseResponse:
    """締め・締めの取消の依頼; a second person decides."""
    _known(kind, subject)
    require_asker(g.user, kind)
    despite = request.form.get("despite") == "yes"
    if not despite:
        require_booked(services().engine, services().municipality, kind, subject)
    with unit_of_work(services().engine, services().municipality) as connection:
        day_close.ask(
            connection,
            services().municipality,
            kind,
            subject,
            asked_by=g.user.user_name,
            reason=request.form.get("reason", "") or messages.written("close_reason", kind),
            at=clock.now(),
            despite=despite,
        )
        record(connection, kind, subject)
    return _back(kind, subject)


@days.post("/closings/<kind>/<subject>/<int:approval_id>")
@may(Do.APPROVE)
def decide(kind: str, subject: str, approval_id: int) -> BaseResponse:
    """承認・却下 by the second person."""
    _known(kind, subject)
    with reading(services().engine, services().municipality) as connection:
        if approve.show(connection, services().municipality, approval_id).kind != kind:
            abort(404)
    decide_as(
        services().engine,
        services().municipality,
        approval_id,
        request.form.get("decision", ""),
        person=g.user,
        note=request.form.get("note", ""),
        source=source(),
    )
    return _back(kind, subject)


@days.post("/days/<day>/nil-reports")
@may(Do.NIL_REPORT)
def nil_report(day: str) -> BaseResponse:
    """該当なし: a person says that a source had nothing on the day."""
    due_on = day_of_address(day)
    enter_from_form(due_on)
    return redirect(url_for("days.show", day=due_on.isoformat()) + "#arrivals", 303)


def _period_page(
    report: DayReport,
    closure: Closure | None,
    *,
    state: day_close.State | None,
    subject: str,
    carried: CarryRun | None = None,
) -> str:
    """A month or a year."""
    return render_template(
        "days/period.html",
        report=report,
        closure=closure,
        state=state,
        subject=subject,
        carried=carried,
        heading=heading(report, closure),
        sheets=sheets(report),
        messages=messages,
    )


def _month(value: str) -> tuple[DayReport, Closure | None]:
    first = day_of_address(f"{value}-01")
    with reading(services().engine, services().municipality) as connection:
        return month_report(connection, services().profile, first), None


def _year(year: int) -> tuple[DayReport, Closure | None]:
    if not FIRST_YEAR <= year < LAST_YEAR:
        abort(404)
    with reading(services().engine, services().municipality) as connection:
        return day_close.shown_year(connection, services().profile, year)


def _file(report: DayReport, closure: Closure | None, form: str) -> Response:
    if form not in MEDIA_TYPES:
        abort(404)
    answer = Response(export(report, closure, form), content_type=MEDIA_TYPES[form])
    name = file_name(report, form)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _known(kind: str, subject: str) -> None:
    """A kind of closing and a subject that can be; anything else is not found."""
    if kind not in day_close.KINDS:
        abort(404)
    if kind in day_close.OF_DAYS:
        if day_of_address(subject) > clock.today():
            raise InvalidValueError("close_future", subject=subject)
    elif not subject.isdecimal():
        abort(404)


def _back(kind: str, subject: str) -> BaseResponse:
    """The page of the day or year that the decision was about."""
    if kind in day_close.OF_DAYS:
        return redirect(url_for("days.show", day=subject) + "#closing", 303)
    return redirect(url_for("days.show_year", year=int(subject)) + "#closing", 303)

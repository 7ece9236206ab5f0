"""受領予定の画面: what was awaited on a day and in a month, and the calendar itself."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, g, redirect, render_template, request, url_for

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.arrivals import rules
from reconcile.arrivals.belonging import assign
from reconcile.arrivals.learning import propose
from web import clock, messages
from web.accounts.record import record
from web.approval_roles import require_asker
from web.arrivals import words
from web.arrivals.view import day_view, month_view
from web.days.nil_form import enter_from_form, withdraw_from_form
from web.duties import Do
from web.security import may
from web.services import services
from web.texts import arrivals as texts
from web.texts import notices as notice_texts
from web.typed_days import day_of_address

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

MONTHS = 6  # how far back a proposal looks unless a person says otherwise
_ONE_DAY = timedelta(days=1)

arriving = Blueprint("arrivals", __name__, url_prefix="/staff/arrivals")


@arriving.get("")
def today() -> Response:
    """The board of today, or of the day of the date field."""
    chosen = request.args.get("day", "") or clock.today().isoformat()
    return _to(day_of_address(chosen))


@arriving.get("/<day>")
def show(day: str) -> str:
    """受領状況 of one day."""
    chosen = day_of_address(day)
    with reading(services().engine, services().municipality) as connection:
        view = day_view(connection, services().profile, chosen, clock.now())
    return render_template(
        "arrivals/show.html",
        view=view,
        today=clock.today(),
        now=clock.now(),
        before=chosen - _ONE_DAY,
        after=chosen + _ONE_DAY,
        words=words,
        texts=texts,
        errors=notice_texts.ERRORS,
        messages=messages,
    )


@arriving.get("/months/<month>")
def show_month(month: str) -> str:
    """受領状況 of a month: sources × days."""
    first = day_of_address(f"{month}-01")
    with reading(services().engine, services().municipality) as connection:
        days = month_view(connection, services().profile, first, clock.now())
    last = max(days)
    return render_template(
        "arrivals/month.html",
        first=first,
        days=days,
        sources=[each.source for each in days[first]],
        late=[
            file
            for expected in days.values()
            for each in expected
            for file in each.files
            if file.minutes_late and file.file.accepted
        ],
        before=(first - _ONE_DAY).isoformat()[:7],
        after=(last + _ONE_DAY).isoformat()[:7],
        today=clock.today(),
        words=words,
        texts=texts,
    )


@arriving.get("/rules")
def show_rules() -> str:
    """受領予定の定め in force, and what history proposes."""
    months = request.args.get("months", MONTHS, type=int)
    now = clock.today()
    with reading(services().engine, services().municipality) as connection:
        proposals = propose(
            connection,
            services().profile,
            months=months,
            today=now,
            effective_on=now + _ONE_DAY,
        )
        waiting = rules.waiting(connection, services().municipality)
    return render_template(
        "arrivals/rules.html",
        proposals=proposals,
        waiting=waiting,
        months=months,
        effective_on=now + _ONE_DAY,
        words=words,
        texts=texts,
    )


@arriving.post("/rules")
@may(Do.MOVE_FILES)
def ask_rules() -> Response:
    """提案の採用の依頼: a person takes over what history proposes; a second one decides."""
    require_asker(g.user, rules.KIND)
    months = request.form.get("months", MONTHS, type=int)
    effective_on = day_of_address(request.form.get("effective_on", ""))
    chosen = set(request.form.getlist("source"))
    with unit_of_work(services().engine, services().municipality) as connection:
        proposals = propose(
            connection,
            services().profile,
            months=months,
            today=clock.today(),
            effective_on=effective_on,
        )
        asked = rules.ask(
            connection,
            services().profile,
            [p.proposed for p in proposals if p.proposed and p.source.code in chosen],
            asked_by=g.user.user_name,
            at=clock.now(),
            reason=request.form.get("reason", ""),
        )
        record(connection, rules.KIND, str(asked.approval_id))
    return redirect(url_for("approvals.show", approval_id=asked.approval_id), 303)


@arriving.post("/<day>/nil-reports")
@may(Do.NIL_REPORT)
def nil_report(day: str) -> Response:
    """該当なし: a person says that a source had nothing, or nothing more, on the day."""
    due_on = day_of_address(day)
    enter_from_form(due_on)
    return _to(due_on)


@arriving.post("/<day>/nil-reports/withdrawal")
@may(Do.NIL_REPORT)
def withdraw_nil_report(day: str) -> Response:
    """該当なしの取消: it was entered by mistake."""
    due_on = day_of_address(day)
    withdraw_from_form(due_on)
    return _to(due_on)


@arriving.post("/files/<int:file_id>/day")
@may(Do.MOVE_FILES)
def move(file_id: int) -> Response:
    """受領日の訂正: a person says for which day a file came."""
    due_on = day_of_address(request.form.get("due_on", ""))
    with unit_of_work(services().engine, services().municipality) as connection:
        assign(
            connection,
            services().profile,
            file_id,
            due_on,
            actor=g.user.user_name,
            at=clock.now(),
            reason=request.form.get("reason", ""),
        )
        record(connection, "arrival_moved", f"{file_id} {due_on}")
    return _to(due_on)


def _to(day: date) -> Response:
    return redirect(url_for("arrivals.show", day=day.isoformat()), 303)

"""定時処理の画面: what runs by itself, when it runs next, how it went, and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, redirect, render_template, request, url_for

from payments.domain.errors import InvalidValueError
from payments.store.unit_of_work import reading, unit_of_work
from web import clock, messages
from web.accounts import staff
from web.duties import Do, can
from web.jobs import history
from web.jobs.locks import is_hung, leases_of
from web.jobs.plans import set_plan
from web.jobs.shown import job_views, notes_text, timing_text, totals_text
from web.jobs.table import JOBS, LANES, entry_of
from web.jobs.timing import CatchUp, Days
from web.security import may, source
from web.services import services

if TYPE_CHECKING:
    from typing import Any

    from werkzeug.wrappers import Response

PAGE = 30
TIMING_MAX = 100
SILENT_BEATS = 4  # a runner that was not heard of for so many signs of life is not there

jobs = Blueprint("jobs", __name__, url_prefix="/staff/jobs")


@jobs.get("")
def listing() -> str:
    """Every job, who runs them, and the history."""
    job = request.args.get("job", "")
    job = job if job in {entry.code for entry in JOBS} else ""
    number = max(request.args.get("page", 1, type=int) or 1, 1)
    code = services().municipality
    with reading(services().engine, code) as connection:
        views = job_views(connection, code, services().settings)
        known = leases_of(connection, code)
        total = history.number_of_runs(connection, code, job)
        runs = history.history(connection, code, job=job, limit=PAGE, offset=(number - 1) * PAGE)
    leases = [known[lane] for lane in LANES if lane in known]
    silent = [lease for lease in leases if lease.released_at is None and not _is_alive(lease)]
    return render_template(
        "jobs/list.html",
        views=views,
        leases=leases,
        living=[lease for lease in leases if _is_alive(lease)],
        hung=[lease for lease in silent if is_hung(services().engine, code, lease.lane)],
        runs=runs,
        total=total,
        job=job,
        number=number,
        pages=max(-(-total // PAGE), 1),
        may_run=can(g.user, Do.RUN_JOBS),
        timing_text=timing_text,
        totals_text=totals_text,
        notes_text=notes_text,
    )


@jobs.get("/<job>")
def show(job: str, wrong: str = "", wanted: dict[str, Any] | None = None) -> str:
    """The schedule of one job, to be changed, and its last runs."""
    entry_of(job)
    code = services().municipality
    with reading(services().engine, code) as connection:
        views = job_views(connection, code, services().settings)
        runs = history.history(connection, code, job=job, limit=10)
    view = next(view for view in views if view.plan.code == job)
    return render_template(
        "jobs/show.html",
        view=view,
        runs=runs,
        wrong=wrong,
        wanted=wanted or {"timing": view.plan.timing.text, "days": view.plan.timing.days.value,
                          "catch_up": view.plan.catch_up.value, "enabled": view.plan.enabled},
        days=list(Days),
        rules=list(CatchUp),
        may_run=can(g.user, Do.RUN_JOBS),
        timing_text=timing_text,
        totals_text=totals_text,
        notes_text=notes_text,
    )  # fmt: skip


@jobs.post("/<job>/run")
@may(Do.RUN_JOBS)
def run(job: str) -> Response:
    """今すぐ実行: ask for it; the scheduler runs it at its next look."""
    entry_of(job)
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        history.ask(connection, code, job, actor=g.user.user_name)
        staff.record(connection, code, g.user.user_name, "job_asked", job, source())
    return redirect(url_for("jobs.listing"), 303)


@jobs.post("/runs/<int:run_id>/retry")
@may(Do.RUN_JOBS)
def retry(run_id: int) -> Response:
    """やり直し: the same slot, as of the same day."""
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        again = history.run_of(connection, code, run_id)
        history.ask(connection, code, again.job, actor=g.user.user_name, again=again)
        staff.record(connection, code, g.user.user_name, "job_retried", str(run_id), source())
    return redirect(url_for("jobs.listing"), 303)


@jobs.post("/<job>/schedule")
@may(Do.RUN_JOBS)
def change(job: str) -> Response | tuple[str, int]:
    """予定の変更: one person suffices, and it is on record who."""
    code, settings = services().municipality, services().settings
    changes: dict[str, Any] = {
        "timing": request.form.get("timing", "").strip()[:TIMING_MAX],
        "days": request.form.get("days", ""),
        "catch_up": request.form.get("catch_up", ""),
        "enabled": request.form.get("enabled") == "yes",
    }
    if request.form.get("default") == "yes":
        changes = {"timing": "", "days": "", "catch_up": "", "enabled": True}
    try:
        with unit_of_work(services().engine, code) as connection:
            set_plan(
                connection, code, settings, job, changes,
                actor=g.user.user_name, source=source(),
            )  # fmt: skip
    except InvalidValueError as error:
        wrong = messages.error(error.error_code, error.details)
        return show(job, wrong, changes), 422
    return redirect(url_for("jobs.show", job=job), 303)


def _is_alive(lease: Any) -> bool:
    """Whether a runner has been heard of lately; not if it was by a clock that went ahead."""
    silence = abs((clock.now() - lease.heartbeat_at).total_seconds())
    beats = services().settings.schedule_heartbeat_seconds
    return lease.released_at is None and silence < SILENT_BEATS * beats

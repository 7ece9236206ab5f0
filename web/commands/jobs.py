"""``kokin jobs``: what runs by itself: when, how it went, now, and once more (定時処理)."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from payments.store.unit_of_work import reading, unit_of_work
from web import formatting, messages
from web.accounts import staff
from web.commands.intake import DATE
from web.commands.session import MUNICIPALITY, Session, fail_unless, say_json, say_list, session_of
from web.jobs import history
from web.jobs.plans import Plan, set_plan
from web.jobs.runner import Runner
from web.jobs.shown import JobView, job_views, notes_text, timing_text, totals_text
from web.jobs.table import JOBS, entry_of
from web.jobs.timing import CatchUp, Days

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from web.jobs.history import Run

JOB = click.argument("job", metavar="JOB", type=click.Choice([entry.code for entry in JOBS]))
JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
NO_WAIT = click.option("--no-wait", is_flag=True, help="終わるのを待たずに戻ります。")
LOOK_SECONDS = 0.5


@click.group()
def jobs() -> None:
    """定時処理: 予定、最後の結果、今すぐの実行、やり直し、履歴。"""


@jobs.command("list")
@JSON
@MUNICIPALITY
@session_of
def list_(session: Session, *, as_json: bool) -> None:
    """すべての定時処理と、次回、最後の結果を表示します。"""
    with reading(session.engine, session.municipality) as connection:
        found = job_views(connection, session.municipality, session.settings)
    say_list(session, found, _line, as_json=as_json, data=_view_data)


@jobs.command()
@JOB
@JSON
@MUNICIPALITY
@session_of
def show(session: Session, job: str, *, as_json: bool) -> None:
    """一つの定時処理の予定と、最近の実行を表示します。"""
    with reading(session.engine, session.municipality) as connection:
        found = job_views(connection, session.municipality, session.settings)
        runs = history.history(connection, session.municipality, job=job, limit=10)
    view = next(view for view in found if view.plan.code == job)
    if as_json:
        say_json({**_view_data(view), "runs": [_run_data(run) for run in runs]})
        return
    plan = view.plan
    say = session.out.print
    say(f"{messages.label('job', job)}（{job}）", markup=False)
    say(f"  予定: {plan.timing.text}  対象日: {messages.label('job_days', plan.timing.days)}")
    say(f"  逃した回: {messages.label('job_catch_up', plan.catch_up)}")
    say(f"  次回: {_next(view)}")
    if plan.own:
        say(f"  この団体の設定です（{plan.changed_by}）。", markup=False)
    for run in runs:
        say(_run_line(run), markup=False)


@jobs.command()
@JOB
@click.option("--as-of", type=DATE, help="この日のものとして実行します（既定: 今日）。")
@NO_WAIT
@MUNICIPALITY
@session_of
def run(session: Session, job: str, as_of: datetime | None, *, no_wait: bool) -> None:
    """今すぐ実行します。同じ系統を kokin schedule が実行中なら、それが続けて実行します。"""
    day = as_of.date() if as_of else None
    run_id = _ask(session, job, "job_asked", job, as_of_on=day)
    _finish(session, job, run_id, no_wait=no_wait)


@jobs.command()
@click.argument("run_id", type=int)
@NO_WAIT
@MUNICIPALITY
@session_of
def retry(session: Session, run_id: int, *, no_wait: bool) -> None:
    """終わった実行を、同じ回・同じ日のものとしてやり直します。"""
    with reading(session.engine, session.municipality) as connection:
        again = history.run_of(connection, session.municipality, run_id)
    new = _ask(session, again.job, "job_retried", str(run_id), again=again)
    _finish(session, again.job, new, no_wait=no_wait)


@jobs.command("set")
@JOB
@click.option(
    "--at", "timing", help="予定: cron の5項目（日本時間）か @every 秒数。空で既定に戻します。"
)
@click.option(
    "--days",
    type=click.Choice(["", *(rule.value for rule in Days)]),
    help="対象日。空で既定に戻します。",
)
@click.option(
    "--catch-up",
    type=click.Choice(["", *(rule.value for rule in CatchUp)]),
    help="逃した回の扱い。空で既定に。",
)
@click.option("--on/--off", "enabled", default=None, help="動かすか、止めるか。")
@MUNICIPALITY
@session_of
def set_(session: Session, /, job: str, **wanted: Any) -> None:
    """この団体での予定を変えます。変える前に過ぎた回は実行しません。"""
    changes = {name: value for name, value in wanted.items() if value is not None}
    with unit_of_work(session.engine, session.municipality) as connection:
        plan = set_plan(
            connection, session.municipality, session.settings, job, changes, actor=session.actor
        )
    session.out.print(f"{messages.label('job', job)}: {_timing(plan)}", markup=False)


@jobs.command("history")
@click.option("--job", default="", help="この定時処理だけ。")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="件数。")
@JSON
@MUNICIPALITY
@session_of
def history_(session: Session, job: str, limit: int, *, as_json: bool) -> None:
    """実行履歴を新しい順に表示します。"""
    if job:
        entry_of(job)
    with reading(session.engine, session.municipality) as connection:
        found = history.history(connection, session.municipality, job=job, limit=limit)
    say_list(
        session, found, _run_line, as_json=as_json, data=_run_data,
        empty="実行はまだありません。",
    )  # fmt: skip


def _ask(session: Session, job: str, event: str, subject: str, **wish: Any) -> int:
    """Note the wish, and who has it."""
    with unit_of_work(session.engine, session.municipality) as connection:
        run_id = history.ask(connection, session.municipality, job, actor=session.actor, **wish)
        staff.record(connection, session.municipality, session.actor, event, subject)
    return run_id


def _finish(session: Session, job: str, run_id: int, *, no_wait: bool) -> None:
    """Run it here when nobody else can, wait for it otherwise; exit code 1 unless it is OK."""
    with _here(session, job) as runner:
        if runner is not None:
            done = runner.run_asked(session.municipality, run_id)
        elif no_wait:
            session.out.print(f"実行 {run_id} を依頼しました。")
            return
        else:
            done = _awaited(session, job, run_id)
    session.out.print(_run_line(done), markup=False)
    fail_unless(done.state == "OK")


@contextmanager
def _here(session: Session, job: str) -> Iterator[Runner | None]:
    """A runner that holds the lane of the job, or None while another process does."""
    runner = Runner(
        session.settings, session.engine, lambda line: session.err.print(line, markup=False)
    )
    try:
        yield runner if runner.lanes.hold(session.municipality, entry_of(job).lane) else None
    finally:
        runner.lanes.release()


def _awaited(session: Session, job: str, run_id: int) -> Run:
    """The run when it has ended; a scheduler that dies meanwhile is followed by this command."""
    with session.progress(messages.label("job", job)) as progress:
        while True:
            with reading(session.engine, session.municipality) as connection:
                found = history.run_of(connection, session.municipality, run_id)
            if found.state in history.ENDED:
                return found
            if found.state == history.ASKED:
                with _here(session, job) as runner:
                    if runner is not None:
                        return runner.run_asked(session.municipality, run_id)
            progress(0)
            time.sleep(LOOK_SECONDS)


def _line(view: JobView) -> str:
    """One job in one line."""
    last = view.last
    state = (
        f"{messages.label('job_state', last.state)} {formatting.moment(_at(last))}" if last else "—"
    )
    name = messages.label("job", view.plan.code)
    return f"{view.plan.code:<16} {name}  {_timing(view.plan)}  次回 {_next(view)}  最後 {state}"


def _timing(plan: Plan) -> str:
    """When, on which days, and whether at all."""
    if not plan.enabled:
        return "停止中"
    return timing_text(plan)


def _next(view: JobView) -> str:
    return formatting.moment(view.next_at) if view.next_at else "—"


def _at(run: Run) -> datetime:
    return run.ended_at or run.started_at or run.asked_at or run.due_at


def _run_line(run: Run) -> str:
    """One run in one line."""
    words = [
        f"{run.run_id:>6}",
        formatting.moment(_at(run)),
        messages.label("job", run.job),
        f"{run.slot}" + (f"（{run.covers}回分）" if run.covers > 1 else ""),
        f"{run.attempt}回目",
        messages.label("job_state", run.state),
        "" if run.seconds is None else f"{run.seconds:,}秒",
        totals_text(run),
        notes_text(run),
    ]
    return "  ".join(filter(None, words))


def _run_data(run: Run) -> dict[str, Any]:
    return {**asdict(run), "seconds": run.seconds}


def _view_data(view: JobView) -> dict[str, Any]:
    plan = view.plan
    return {
        "job": plan.code,
        "name": messages.label("job", plan.code),
        "timing": plan.timing.text,
        "days": plan.timing.days.value,
        "catch_up": plan.catch_up.value,
        "enabled": plan.enabled,
        "own": plan.own,
        "next_at": view.next_at,
        "last": _run_data(view.last) if view.last else None,
    }

"""受信フォルダの取込: files that have arrived, then the reconciliation of what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from web import clock, messages
from web.inbox.archive import prune
from web.inbox.watch import Watch
from web.jobs.contract import JobResult, JobState
from web.jobs.reconcile import reconcile
from web.texts.inbox import STUCK as WHY

if TYPE_CHECKING:
    from reconcile.model import FileReport
    from web.inbox.watch import Stuck
    from web.jobs.contract import JobContext

# What a process has seen of the folders so far: a file has arrived when nothing about it changes.
_watches: dict[tuple[str, str], Watch] = {}


def watch_of(context: JobContext) -> Watch:
    """The watch of this process over the folders of a municipality."""
    key = (str(context.engine.url), context.municipality_code)
    watch = _watches.get(key)
    if watch is None or (watch.engine, watch.settings) != (context.engine, context.settings):
        watch = Watch(context.settings, context.engine, context.municipality_code)
        _watches[key] = watch
    return watch


def anything_in_inbox(context: JobContext) -> bool:
    """Whether a file has arrived, or something new lies there that a person must look at."""
    watch = watch_of(context)
    return watch.is_news(watch.look(clock.now()))


def inbox(context: JobContext) -> JobResult:
    """取込 of every file that has arrived; reconciled behind it.

    INCOMPLETE when something stays in a folder that nobody but a person can move. A file that is
    set aside with its findings is done with: its totals say so.
    """
    watch = watch_of(context)
    left: list[Stuck] = []
    found = watch.look(clock.now())
    reports: list[FileReport] = []
    for report in watch.take_in(found, context.as_of, left):
        context.beat()
        context.say(_line(report))
        reports.append(report)
    if reports:
        reconcile(context)
    for each in left:
        context.say(f"[残] {each.name} {WHY[each.why]}")
    good = [report for report in reports if report.status.is_good]
    totals = {
        "files": len(reports),
        "accepted": len(good),
        "amount_yen": sum(report.amount_yen for report in good),
        "set_aside": len(reports) - len(good),
        "left": len(left),
    }
    notes = tuple(sorted({f"inbox_{each.why}" for each in left}))
    return JobResult(JobState.INCOMPLETE if left else JobState.OK, totals, notes)


def prune_archive(context: JobContext) -> JobResult:
    """控えの整理: copies that have been kept long enough go; the evidence stays."""
    return JobResult(
        totals={"days": prune(context.settings, context.municipality_code, context.as_of)}
    )


def _line(report: FileReport) -> str:
    """One file in the words of a log: nothing out of it. The sum of one line is what one paid."""
    status = messages.label("file_status", report.status.value)
    return f"[{status}] {report.name} {report.count:,}件"

"""定時処理の実行: what is due in one lane of one municipality is run, and written down.

Whoever holds the lane (:mod:`web.jobs.locks`) decides from the books alone: what people asked for,
then what was cut off or failed, then the slots of the schedules, oldest first, then the rounds.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from payments.domain.errors import KokinError
from payments.store.engine import is_busy
from payments.store.municipalities import load_profile, municipality_codes
from payments.store.phases import phase
from payments.store.unit_of_work import reading
from web import clock, leases, messages
from web.formatting import moment
from web.jobs import history
from web.jobs.contract import JobContext, JobResult, JobState
from web.jobs.locks import Lanes, noting
from web.jobs.plans import Plan, plans, watch
from web.jobs.table import codes_of, entry_of
from web.jobs.timing import Slot, due_slot
from web.notices.send import send_notice
from web.texts.jobs import FAILED_SUBJECT, FAILED_WHERE

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

    from web.config import Settings
    from web.jobs.history import Run

LAST_MINUTE = time(23, 59)
ENDS_TRIED = 20  # how often the end of a run is tried to be written while the books are busy

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Books:
    """What the decision rests on."""

    plans: list[Plan]
    asked: list[Run]
    last: dict[str, Run]
    slots: dict[str, datetime]


class Runner:
    """実行者: one process that runs jobs; its lanes may be asked for from several threads."""

    def __init__(self, settings: Settings, engine: Engine, say: Callable[[str], None]) -> None:
        """``say`` gets one line per thing that happened, without personal data."""
        self.settings = settings
        self.engine = engine
        self.say = say
        self.holder = leases.holder_name()
        self.lanes = Lanes(
            engine,
            self.holder,
            beat_seconds=settings.schedule_heartbeat_seconds,
            stale_seconds=settings.schedule_stale_seconds,
        )
        self.stopping = threading.Event()
        self._rounds: dict[tuple[str, str], datetime] = {}

    def tick(self, municipality_code: str, lane: str) -> int:
        """一巡: run all that is due in a lane, unless another process has it; how many runs.

        Whatever kills the process leaves the lane to its end, so that nobody comes before it.
        """
        try:
            if not self.lanes.hold(municipality_code, lane):
                return 0
            number = self._run_due(municipality_code, lane)
        except Exception as error:
            self.lanes.let_go(municipality_code, lane)
            if not (isinstance(error, OperationalError) and is_busy(error)):
                raise
            log.info("the books are busy: %s %s waits", municipality_code, lane)
            return 0
        self.lanes.let_go(municipality_code, lane)
        return number

    def _run_due(self, municipality_code: str, lane: str) -> int:
        """All that is due in a lane that this process holds; how many runs."""
        self._begin(municipality_code, lane)
        number = 0
        while not self.stopping.is_set() and self._step(municipality_code, lane):
            number += 1
        return number + self._look_round(municipality_code, lane)

    def run_asked(self, municipality_code: str, run_id: int) -> Run:
        """依頼の実行: carry out one request; its lane must be held."""
        with reading(self.engine, municipality_code) as connection:
            run = history.run_of(connection, municipality_code, run_id)
        with noting(self.engine, municipality_code) as connection:
            history.cut_off(connection, municipality_code, codes_of(entry_of(run.job).lane))
            run = history.begin_asked(connection, municipality_code, run, self.holder)
        self._carry_out(municipality_code, run, clock.now())
        with reading(self.engine, municipality_code) as connection:
            return history.run_of(connection, municipality_code, run_id)

    def _begin(self, municipality_code: str, lane: str) -> None:
        """What a dead process has left is said to be cut off; new jobs are watched from now on."""
        jobs = codes_of(lane)
        with reading(self.engine, municipality_code) as connection:
            found = self._plans(connection, municipality_code, lane)
            unwatched = [plan.code for plan in found if plan.since_at is None]
            left = history.running(connection, municipality_code, jobs)
        if not unwatched and not left:
            return
        with noting(self.engine, municipality_code) as connection:
            watch(connection, municipality_code, unwatched)
            for run in history.cut_off(connection, municipality_code, jobs):
                name = messages.label("job", run.job)
                self._say(
                    municipality_code,
                    f"{name}（{moment(run.due_at)}）は途中で止まっていました。やり直します。",
                )

    def _plans(self, connection: Connection, municipality_code: str, lane: str) -> list[Plan]:
        """The jobs of a lane; those of the whole installation stand under its first body."""
        found = plans(connection, municipality_code, self.settings, lane=lane)
        if not any(plan.entry.whole for plan in found):
            return found
        first = municipality_code == municipality_codes(connection)[0]
        return [plan for plan in found if first or not plan.entry.whole]

    def _step(self, municipality_code: str, lane: str) -> bool:
        """Run the one thing that is due first; whether there was one."""
        jobs = codes_of(lane)
        with reading(self.engine, municipality_code) as connection:
            books = _Books(
                self._plans(connection, municipality_code, lane),
                history.asked(connection, municipality_code, jobs),
                history.last_runs(connection, municipality_code, jobs),
                history.last_slots(connection, municipality_code, jobs),
            )
        now = clock.now()
        if books.asked:
            self._begin_and_run(municipality_code, books.asked[0], now)
            return True
        again = next((run for run in books.last.values() if self._is_due_again(run, now)), None)
        if again is not None:
            self._begin_and_run(municipality_code, again, now)
            return True
        due = sorted(self._due(books, now), key=lambda found: found[1].due_at)
        if due:
            self._run_slot(municipality_code, *due[0], now)
        return bool(due)

    def _due(self, books: _Books, now: datetime) -> list[tuple[Plan, Slot]]:
        """The next slot of each job that has one; behind a run that is to be repeated, none."""
        found = []
        for plan in books.plans:
            last = books.last.get(plan.code)
            if (
                not plan.enabled
                or plan.timing.seconds is not None
                or plan.since_at is None
                or (last is not None and self._will_repeat(last))
            ):
                continue
            after = max(plan.since_at, books.slots.get(plan.code, plan.since_at))
            grace = timedelta(minutes=self.settings.schedule_late_minutes)
            slot = due_slot(plan.timing, plan.catch_up, after, now, grace)
            if slot is not None:
                found.append((plan, slot))
        return found

    def _will_repeat(self, run: Run) -> bool:
        """Whether a run is to be repeated by itself, now or later."""
        cut_off = run.state == JobState.INCOMPLETE and run.was_cut_off
        failed = run.state == JobState.FAILED and run.cause == history.BY_SCHEDULE
        if entry_of(run.job).waits is not None and failed:
            return False  # The next round is its repetition.
        return (cut_off or failed) and run.attempt < self.settings.schedule_attempts

    def _is_due_again(self, run: Run, now: datetime) -> bool:
        """What was cut off is repeated at once, what failed after a pause."""
        return self._will_repeat(run) and (run.was_cut_off or self._has_paused(run, now))

    def _has_paused(self, run: Run, now: datetime) -> bool:
        pause = timedelta(minutes=self.settings.schedule_retry_minutes)
        # An end that is still to come was written before the clock was put back.
        return run.ended_at is None or not run.ended_at <= now < run.ended_at + pause

    def _begin_and_run(self, municipality_code: str, run: Run, now: datetime) -> None:
        """A request, or the next attempt at a run."""
        with noting(self.engine, municipality_code) as connection:
            begin = history.begin_asked if run.state == history.ASKED else history.begin_again
            begun = begin(connection, municipality_code, run, self.holder)
        self._carry_out(municipality_code, begun, now)

    def _run_slot(self, municipality_code: str, plan: Plan, slot: Slot, now: datetime) -> None:
        """A slot of a schedule; one that is left out is only written down."""
        moment = slot.due_at if slot.late else now
        with noting(self.engine, municipality_code) as connection:
            run = history.begin(
                connection, municipality_code, plan.code, slot, self.holder,
                as_of_on=clock.in_japan(moment).date(),
            )  # fmt: skip
            if plan.timing.seconds is None:
                age = timedelta(days=self.settings.schedule_keep_days)
                history.forget_old(connection, municipality_code, age)
        if slot.skipped:
            name = messages.label("job", plan.code)
            self._say(municipality_code, f"{name}: {slot.covers}回分を見送りました。")
            return
        self._carry_out(municipality_code, run, now)

    def _look_round(self, municipality_code: str, lane: str) -> int:
        """巡回: the rounds that are due; one that finds nothing to do leaves no trace."""
        number = 0
        with reading(self.engine, municipality_code) as connection:
            found = self._plans(connection, municipality_code, lane)
            last = history.last_runs(connection, municipality_code, codes_of(lane))
        for plan in found:
            now, key = clock.now(), (municipality_code, plan.code)
            seconds = plan.timing.seconds
            if seconds is None or not plan.enabled or self.stopping.is_set():
                continue
            last_at = self._rounds.get(key, now - timedelta(seconds=seconds))
            if last_at <= now < last_at + timedelta(seconds=seconds):
                continue  # Not after the clock was put back: what came in between waits for it.
            self._rounds[key] = now
            run = last.get(plan.code)
            if run is not None and run.state == JobState.FAILED and not self._has_paused(run, now):
                continue
            waits = plan.entry.waits
            if waits is None or waits(self._context(municipality_code, now, history.BY_SCHEDULE)):
                self._run_slot(municipality_code, plan, Slot(now), now)
                number += 1
        return number

    def _context(self, municipality_code: str, moment: datetime, actor: str) -> JobContext:
        say = partial(self._say, municipality_code)
        return JobContext(
            self.settings, self.engine, municipality_code, moment, actor, say, self.lanes.beat
        )

    def _say(self, municipality_code: str, line: str) -> None:
        """A line for the log; several municipalities share it."""
        self.say(f"{municipality_code} {line}")

    def _carry_out(self, municipality_code: str, run: Run, now: datetime) -> None:
        """Run it and write down how it ended, whatever happens."""
        context = self._context(municipality_code, _moment(run, now), run.actor)
        with contextlib.suppress(OperationalError):  # While the books are busy, the sign waits.
            self.lanes.show(municipality_code, entry_of(run.job).lane)
        try:
            with phase("job", job=run.job, body=municipality_code) as say:
                result = entry_of(run.job).run(context)
                say(state=str(result.state))
        except Exception as error:
            log.exception("job %s, run %s of %s", run.job, run.run_id, municipality_code)
            code = error.error_code if isinstance(error, KokinError) else "job_raised"
            result = JobResult(JobState.FAILED, notes=(code,))
        kept = self._write_end(municipality_code, run, result)
        name, state = messages.label("job", run.job), messages.label("job_state", result.state)
        ended = f"{name}（{moment(run.due_at)}）: {state}"
        self._say(municipality_code, ended if kept else f"{name}: 他の処理が引き継ぎました。")
        if kept and result.state is JobState.FAILED:
            self._tell(context, run, result)

    def _write_end(self, municipality_code: str, run: Run, result: JobResult) -> bool:
        """The end of a run is not given up because a long import holds the books."""
        for _time in range(ENDS_TRIED - 1):
            try:
                with noting(self.engine, municipality_code) as connection:
                    return history.end(connection, municipality_code, run, result)
            except OperationalError as error:
                if not is_busy(error):
                    raise
        with noting(self.engine, municipality_code) as connection:
            return history.end(connection, municipality_code, run, result)

    def _tell(self, context: JobContext, run: Run, result: JobResult) -> None:
        """お知らせ that a job has failed; once for each slot and day."""
        job = messages.label("job", run.job)
        notes = [messages.job_note(note) for note in result.notes]
        day = clock.in_japan(clock.now()).date().isoformat()
        try:
            with reading(self.engine, context.municipality_code) as connection:
                municipality = load_profile(connection, context.municipality_code).name
            subject = FAILED_SUBJECT.format(municipality=municipality, job=job)
            lines = [*notes, FAILED_WHERE.format(run_id=run.run_id, job=run.job)]
            send_notice(context, "job_failed", subject, lines, key=f"job_failed:{run.job}:{day}")
        except Exception:
            log.exception("no notice about job %s, run %s", run.job, run.run_id)


def _moment(run: Run, now: datetime) -> datetime:
    """The moment a run is for: now, or one of its own day: a missed slot, or a person's wish."""
    if run.as_of_on == clock.in_japan(now).date():
        return now
    if run.as_of_on == run.due_at.date():
        return run.due_at
    return datetime.combine(run.as_of_on, LAST_MINUTE, clock.JST)

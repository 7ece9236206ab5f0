"""画面からの印刷: runs that were planned on a page are printed and read back."""

from __future__ import annotations

import contextlib
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from payments.domain.errors import KokinError
from payments.store.unit_of_work import reading
from web.jobs.contract import JobResult, JobState
from web.printing.asked import waiting
from web.printing.folder import held
from web.printing.run import Shop, carry_out, take_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from payments.print_runs import PrintRun
    from web.jobs.contract import JobContext
    from web.printing.run import Phase
    from web.printing.status import RunStatus

REST = timedelta(minutes=10)  # after which a run that could not go on is tried again
# Somebody prints it by command, or has discarded it meanwhile.
NOT_OURS = frozenset({"print_folder_busy", "print_run_state"})
# Runs of this process that could not go on, and since when; a person must do something first.
_stuck: dict[tuple[str, str, int], datetime] = {}


def anything_to_print(context: JobContext) -> bool:
    """Whether a run waits that is not at rest."""
    return bool(_due(context))


def printing(context: JobContext) -> JobResult:
    """印刷と読み戻し of every run that waits; FAILED when one could not go on."""
    totals = {"print_runs": 0, "pages": 0}
    notes: list[str] = []
    state = JobState.OK
    for run in _due(context):
        try:
            status = _print(context, run)
        except KokinError as error:
            if error.error_code in NOT_OURS:
                continue
            _stuck[_key(context, run)] = context.now
            notes.append(error.error_code)
            state = JobState.FAILED
            continue
        totals["print_runs"] += 1
        totals["pages"] += status.pages
        context.say(f"印刷 {run.run_id}: {status.pages:,}枚を印刷し、読み戻しました")
        if status.differences:
            notes.append("print_differs")
            state = JobState.FAILED
    return JobResult(state, totals, tuple(dict.fromkeys(notes)))


def _due(context: JobContext) -> list[PrintRun]:
    with reading(context.engine, context.municipality_code) as connection:
        found = waiting(connection, context.municipality_code, context.settings.home)
    return [
        run
        for run in found
        if (since := _stuck.get(_key(context, run))) is None or since + REST <= context.now
    ]


def _print(context: JobContext, run: PrintRun) -> RunStatus:
    """One run, from wherever it stood to its report."""
    shop = Shop(
        context.engine, context.municipality_code, run.actor, _beating(context),
        workers=max((os.cpu_count() or 1) - 1, 1),  # the pages need the other one
        code_key=context.settings.secret().encode(),
    )  # fmt: skip
    with held(Path(run.folder)) as folder:
        return carry_out(shop, folder, take_up(shop, folder, run.run_id, ended=False))


def _key(context: JobContext, run: PrintRun) -> tuple[str, str, int]:
    return str(context.engine.url), context.municipality_code, run.run_id


def _beating(context: JobContext) -> Phase:
    """進捗: every step says that this process still lives; people see how far it is on its page."""

    @contextlib.contextmanager
    def phase(
        label: str,  # noqa: ARG001 - the names are those of the protocol
        total: int | None = None,  # noqa: ARG001
        *,
        begun: int = 0,  # noqa: ARG001
    ) -> Iterator[Callable[[int], None]]:
        context.beat()
        yield lambda _done: context.beat()

    return phase

"""印刷の流れ: the story of a print run; read it top to bottom.

plan → number → per file: draw, read back, record → finish → manifest and report. Every step stands
in the books before the next begins, so a run that was killed goes on where it stopped: numbers are
kept, files that are recorded and whole are kept, all others are drawn again with the same bytes.
The parent alone writes to the database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from payments import print_runs
from payments.domain.errors import ConfigurationError, ConflictError, NotFoundError, RefusedError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from web import clock, messages
from web.printing.folder import REPORT_HTML, Owner, free_bytes, sha256_of
from web.printing.layouts import name_of, require_unchanged
from web.printing.plan import choice_of
from web.printing.pool import in_workers
from web.printing.report import write_papers
from web.printing.workers import (
    BYTES_PER_FILE,
    BYTES_PER_PAGE,
    FileResult,
    FileTask,
    WorkOrder,
    print_file,
)
from web.slip_forms import own_layouts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Engine

    from payments.domain.profile import Profile
    from payments.print_runs import PrintRun, RunPlan, Selection
    from web.printing.folder import RunFolder
    from web.printing.status import RunStatus

GOING_ON = {"planned", "printing"}
ENDED = {"printed", "released", "stopped"}


class Phase(Protocol):
    """進捗の段階: opens the progress of one phase; see ``Session.progress``."""

    def __call__(  # noqa: D102 - said above
        self, label: str, total: int | None = None, *, begun: int = 0
    ) -> AbstractContextManager[Callable[[int], None]]: ...


@dataclass(frozen=True, slots=True)
class Shop:
    """印刷所: whose books a run prints, who asked for it, and who looks on."""

    engine: Engine
    municipality_code: str
    actor: str
    phase: Phase
    workers: int = 1
    code_key: bytes = field(default=b"", repr=False)  # 確認コード; without one none is printed

    def profile(self) -> Profile:
        """The profile in force."""
        with reading(self.engine, self.municipality_code) as connection:
            return load_profile(connection, self.municipality_code)

    def run(self, run_id: int) -> PrintRun:
        """How far a run is; :class:`NotFoundError` ``print_run``."""
        with reading(self.engine, self.municipality_code) as connection:
            return print_runs.run_of(connection, self.municipality_code, run_id)


def begin(shop: Shop, folder: RunFolder, selection: Selection, plan: RunPlan) -> PrintRun:
    """印刷を計画する: freeze what is printed and in which order.

    The unfinished run of the same selection that lies in the folder is taken up instead; its
    plan stays as it was.

    Raises:
        NotFoundError: ``slips_none``, or ``slips_in_run`` when an unfinished run may hold them.
        ConflictError: the folder belongs to another run, or its run has been printed.
    """
    run = _left_here(shop, folder)
    if run is None:
        folder.refuse_strangers()
        run = shop.run(_plan(shop, selection, plan))
    elif run.selection != print_runs.recorded(selection):
        raise ConflictError("print_folder_other", path=str(folder.path), found=run.run_id)
    folder.claim(Owner(shop.municipality_code, run.run_id))
    return run


def take_up(shop: Shop, folder: RunFolder, run_id: int, *, ended: bool) -> PrintRun:
    """続きから、または再び: an unfinished run, or (``ended``) one whose files are needed again.

    A run that goes on in another folder is released from there; files that are drawn again are a
    copy. Raises :class:`ConflictError` ``print_run_ended`` or ``print_run_going_on`` when it is the
    other kind, and when the folder belongs to another run.
    """
    run = shop.run(run_id)
    if run.state not in GOING_ON | ENDED:
        raise RefusedError("print_run_state", run_id=run_id, state=run.state)
    if ended and run.state in GOING_ON:
        raise ConflictError("print_run_going_on", run_id=run_id)
    if not ended and run.state in ENDED and (folder.path / REPORT_HTML).exists():
        raise ConflictError("print_run_ended", run_id=run_id)
    folder.claim(Owner(shop.municipality_code, run_id))
    if run.state in GOING_ON and run.folder != str(folder.path):
        with unit_of_work(shop.engine, shop.municipality_code) as connection:
            print_runs.move(connection, shop.municipality_code, run_id, str(folder.path))
    return shop.run(run_id)


def nothing_to_print(shop: Shop) -> NotFoundError:
    """印刷対象なし: why nothing is left to print; an unfinished run may hold it."""
    with reading(shop.engine, shop.municipality_code) as connection:
        open_runs = print_runs.unfinished(connection, shop.municipality_code)
    if not open_runs:
        return NotFoundError("slips_none")
    return NotFoundError("slips_in_run", run_id=open_runs[0].run_id, path=open_runs[0].folder)


def carry_out(
    shop: Shop, folder: RunFolder, run: PrintRun, *, expired_too: bool = False
) -> RunStatus:
    """印刷する: from the plan, or from wherever the run stopped, to the report.

    Raises:
        RefusedError: ``print_run_expired``, a slip that was numbered before has passed its 支払期限
            and ``expired_too`` does not say that it is wanted all the same.
        ConfigurationError: ``disk_full``, ``output_unwritable``, ``print_worker_died``; the run
            can be taken up again.
        ConflictError: ``print_file_recorded``, another process prints the same run;
            ``print_layout_changed``, a layout is no longer what it was planned with.
    """
    folder.clear_unfinished()
    require_unchanged(shop.profile(), run)
    if run.state in GOING_ON and not expired_too:
        _require_payable(shop, run)
    _require_space(folder, run, _tasks(shop, folder, run))
    if run.state in GOING_ON:
        _number(shop, run)
    _print(shop, folder, run)
    if run.state in GOING_ON:
        with unit_of_work(shop.engine, shop.municipality_code) as connection:
            print_runs.finish(connection, shop.municipality_code, run.run_id, at=clock.now())
    with shop.phase(messages.label("print_phase", "papers"), run.slips) as show:
        return write_papers(shop.engine, shop.municipality_code, run.run_id, folder.path, show)


def _require_payable(shop: Shop, run: PrintRun) -> None:
    """No slip that waits for its page has passed its 支払期限; a run may have rested for weeks."""
    today = clock.today()
    with reading(shop.engine, shop.municipality_code) as connection:
        expired = print_runs.expired(connection, shop.municipality_code, run.run_id, today)
    if expired:
        raise RefusedError("print_run_expired", run_id=run.run_id, found=f"{expired:,}")


def _left_here(shop: Shop, folder: RunFolder) -> PrintRun | None:
    """The unfinished run of this folder; one may have been killed before it claimed the folder."""
    owner = folder.owner
    if owner is not None:
        ours = owner.municipality_code == shop.municipality_code
        run = shop.run(owner.run_id) if ours else None
        if run is None or run.state not in GOING_ON | ENDED:
            raise ConflictError("print_folder_other", path=str(folder.path), found=owner.run_id)
        if run.state not in GOING_ON and (folder.path / REPORT_HTML).exists():
            raise ConflictError("print_folder_done", path=str(folder.path), found=owner.run_id)
        return run
    with reading(shop.engine, shop.municipality_code) as connection:
        open_runs = print_runs.unfinished(connection, shop.municipality_code)
    return next((run for run in open_runs if run.folder == str(folder.path)), None)


def _plan(shop: Shop, selection: Selection, plan: RunPlan) -> int:
    """A new run in the books."""
    try:
        with unit_of_work(shop.engine, shop.municipality_code) as connection:
            profile = load_profile(connection, shop.municipality_code)
            return print_runs.plan_run(
                connection,
                profile,
                selection,
                plan,
                actor=shop.actor,
                at=clock.now(),
                on=clock.today(),
            )
    except NotFoundError as error:
        if error.error_code == "slips_none":
            raise nothing_to_print(shop) from error
        raise


def _number(shop: Shop, run: PrintRun) -> None:
    """採番: chunk by chunk, each a transaction."""
    profile = shop.profile()
    label = messages.label("print_phase", "numbering")
    with shop.phase(label, run.slips, begun=run.numbered_seq) as show:
        left = run.slips - run.numbered_seq
        while left:
            left = print_runs.number_chunk(
                shop.engine,
                profile,
                run.run_id,
                actor=shop.actor,
                at=clock.now(),
                issued_on=clock.today(),
            )
            show(run.slips - left)


def _print(shop: Shop, folder: RunFolder, run: PrintRun) -> None:
    """印刷と読み戻し: every file that is not there yet, recorded as soon as it is finished."""
    tasks = _tasks(shop, folder, run)
    order = WorkOrder(
        database_url=shop.engine.url.render_as_string(hide_password=False),
        municipality_code=shop.municipality_code,
        run_id=run.run_id,
        folder=str(folder.path),
        sample=run.sample,
        made_at=clock.in_japan(run.made_at),
        read_back=choice_of(run).text,
        layouts=own_layouts(shop.profile()),
        code_key=shop.code_key,
    )
    new = {task.file_no for task in tasks if not task.sha256}
    kept = run.slips - _slips_in(run, tasks)
    with shop.phase(messages.label("print_phase", "printing"), run.slips, begun=kept) as show:
        work = partial(print_file, order)
        for result in in_workers(work, tasks, shop.workers, lambda done: show(kept + done)):
            if result.file.file_no in new:
                _record(shop, run, result)


def _tasks(shop: Shop, folder: RunFolder, run: PrintRun) -> list[FileTask]:
    """Files not recorded yet, and recorded ones that are no longer there as they were."""
    with reading(shop.engine, shop.municipality_code) as connection:
        recorded = print_runs.files_of_run(connection, shop.municipality_code, run.run_id)
    known = {file.file_no for file in recorded}
    lost = {
        file.file_no: file.sha256
        for file in recorded
        if file.name and sha256_of(folder.path / file.name) != file.sha256
    }
    new = dict.fromkeys(number for number in range(1, run.files + 1) if number not in known)
    return [
        FileTask(number, name_of(run.layout_of(number)), sha256 or "")
        for number, sha256 in (lost | new).items()
    ]


def _slips_in(run: PrintRun, tasks: Sequence[FileTask]) -> int:
    """How many slips of the run these files hold."""
    places = (run.places_in(task.file_no) for task in tasks)
    return sum(last - first + 1 for first, last in places)


def _require_space(folder: RunFolder, run: PrintRun, tasks: Sequence[FileTask]) -> None:
    """Say before an overnight run, not in the middle of it, that the disk is too small."""
    needed = _slips_in(run, tasks) * BYTES_PER_PAGE + len(tasks) * BYTES_PER_FILE
    free = free_bytes(folder.path)
    if free < needed:
        path = str(folder.path)
        raise ConfigurationError("disk_full", path=path, needed=f"{needed:,}", free=f"{free:,}")


def _record(shop: Shop, run: PrintRun, result: FileResult) -> None:
    """A finished file in the books."""
    with unit_of_work(shop.engine, shop.municipality_code) as connection:
        print_runs.record_file(
            connection,
            shop.municipality_code,
            run.run_id,
            result.file,
            result.refused,
            result.differences,
            at=clock.now(),
        )

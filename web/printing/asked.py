"""画面からの印刷: runs that somebody planned on a page, printed by the scheduler.

A page freezes the plan; a process that may take hours does the rest, in a folder of its own below
the home of the service, from which the finished files are handed over.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from payments import print_runs
from payments.domain.errors import NotFoundError, RefusedError
from payments.print_files import files_of_run
from web.printing.folder import sha256_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.print_runs import PrintRun, RunFile

FOLDER = "print-runs"
RELEASED = "released"


def new_place(home: Path, municipality_code: str) -> Path:
    """置き場: the folder of a run that is planned now; nothing is made yet."""
    return home / FOLDER / f"{municipality_code}-{secrets.token_hex(8)}"


def is_ours(run: PrintRun, home: Path) -> bool:
    """Whether the scheduler prints this run."""
    return Path(run.folder).parent == home / FOLDER


def waiting(connection: Connection, municipality_code: str, home: Path) -> list[PrintRun]:
    """印刷待ち: runs of pages that are planned or were cut off, oldest first."""
    found = print_runs.unfinished(connection, municipality_code)
    return [run for run in found if is_ours(run, home)]


def file_to_take(
    connection: Connection, municipality_code: str, run: PrintRun, file_no: int
) -> tuple[Path, RunFile]:
    """引き渡したファイル: where it lies, as it was read back.

    Raises :class:`RefusedError` ``print_run_state`` before the release, ``release_files`` when the
    bytes are no longer those that were recorded, :class:`NotFoundError` ``print_file_missing``.
    """
    if run.state != RELEASED:
        raise RefusedError("print_run_state", run_id=run.run_id, state=run.state)
    files = files_of_run(connection, municipality_code, run.run_id)
    file = next((each for each in files if each.file_no == file_no and each.name), None)
    if file is None:
        raise NotFoundError("print_file_missing", file=f"{run.run_id}/{file_no}")
    path = Path(run.folder) / file.name
    if sha256_of(path) != file.sha256:
        raise RefusedError("release_files", run_id=run.run_id, found=file.name)
    return path, file

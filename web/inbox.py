"""受信フォルダ: files that appear are taken in once, in order of name, and moved when it is done.

A sender writes under a name that begins with ``.`` or ends with ``.part`` or ``.tmp`` and renames
the finished file. A file leaves the inbox only after its transaction is committed: to
``done/DATE`` when it was accepted, to ``failed/DATE`` otherwise. A crash in between loses nothing:
the file is still there, and taking it in again changes nothing.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

from reconcile.model import Delivery, FileReport
from reconcile.pipeline import take_in
from web import clock, leases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from sqlalchemy import Engine

JOB = "intake"
DONE, FAILED = "done", "failed"
UNFINISHED = (".part", ".tmp")

log = logging.getLogger(__name__)


def waiting_files(inbox: Path) -> list[Path]:
    """Complete files in the inbox, by name."""
    if not inbox.is_dir():
        return []
    return sorted(
        path
        for path in inbox.iterdir()
        if path.is_file() and not path.name.startswith(".") and path.suffix not in UNFINISHED
    )


def take_in_waiting(
    engine: Engine, municipality_code: str, inbox: Path, *, holder: str, received_on: date
) -> Iterator[FileReport]:
    """Take in what is waiting; one report per file that this process has handled."""
    for path in waiting_files(inbox):
        report = _take_in_one(engine, municipality_code, path, holder=holder, on=received_on)
        if report is not None:
            yield report


def _take_in_one(
    engine: Engine, municipality_code: str, path: Path, *, holder: str, on: date
) -> FileReport | None:
    """One file, unless another process has it; None when there was nothing to do here."""
    try:
        data = path.read_bytes()
        modified = path.stat().st_mtime_ns
    except FileNotFoundError:
        return None  # Another process has moved it meanwhile.
    except OSError as error:
        log.warning("cannot be read: %s (%s)", path.name, error.strerror)
        return None  # It stays where it is, and the files behind it go on.
    # The same bytes may come again on another day (a nil report): that is another delivery.
    key = f"{path.name}|{modified}|{hashlib.sha256(data).hexdigest()}"
    slot = hashlib.sha256(key.encode()).hexdigest()
    if not leases.take(engine, municipality_code, JOB, slot, holder, clock.now()):
        if leases.is_done(engine, municipality_code, JOB, slot):
            _move(path, DONE, on)  # Done, but the process died before it could move the file.
        return None
    result = FAILED
    try:
        report = take_in(
            engine,
            municipality_code,
            Delivery(path.name, data),
            received_on=on,
            actor="schedule",
        )
        # Put back from failed/, the same file may be tried again: its cause may be gone.
        result = DONE if report.status.is_good else FAILED
    finally:
        leases.finish(engine, municipality_code, JOB, slot, holder, result=result, at=clock.now())
    _move(path, DONE if report.status.is_good else FAILED, on)
    return report


def _move(path: Path, where: str, on: date) -> None:
    """Move a file out of the inbox; nothing that lies there is overwritten."""
    folder = path.parent / where / on.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / path.name
    number = 1
    while target.exists():
        number += 1
        target = folder / f"{path.stem}-{number}{path.suffix}"
    try:
        path.rename(target)
    except FileNotFoundError:
        log.info("already moved: %s", path.name)

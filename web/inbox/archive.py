"""控え: a copy of every file that came, read-only, by day; sheets beside what was set aside.

``archive/CODE/DATE/`` holds what was accepted, ``quarantine/CODE/DATE/`` the rest. The evidence is
in the database: a copy is a convenience, and goes after :attr:`Settings.archive_days`. Where the
evidence is sealed no copy is written, for it would lie in clear; the sheet then tells no values.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from datetime import date, timedelta
from typing import TYPE_CHECKING

from web.inbox.names import safe_name
from web.inbox.sheets import as_csv, as_text

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from reconcile.model import FileReport
    from web.config import Settings

GOOD, SET_ASIDE = "archive", "quarantine"
READ_ONLY = 0o440
SHEETS = (".findings.csv", ".findings.txt")


def keep_copy(
    settings: Settings,
    municipality_code: str,
    report: FileReport,
    data: bytes,
    at: datetime,
    on: date,
    *,
    sealed: bool,
) -> str:
    """控えを置く; where it lies below the data folder, "" when there is none.

    Nothing that lies there is ever overwritten. Raises :class:`OSError`.
    """
    good = report.status.is_good
    folder = settings.home / (GOOD if good else SET_ASIDE) / municipality_code / on.isoformat()
    copied = settings.archive_days > 0 and not sealed
    if good and not copied:
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    texts = (
        () if good else (as_csv(report, values=not sealed), as_text(report, at, values=not sealed))
    )
    name = _free_name(folder, safe_name(report.name))
    if copied:
        name = _write(folder, name, data)
    for ending, text in zip(SHEETS, texts, strict=False):
        _write(folder, f"{name}{ending}", text)
    return str((folder / name).relative_to(settings.home))


def remove_copy(settings: Settings, kept_as: str) -> None:
    """控えを除く: a quarantined copy and its sheets, when the file was accepted after all."""
    if not kept_as.startswith(f"{SET_ASIDE}/"):
        return
    for ending in ("", *SHEETS):
        (settings.home / f"{kept_as}{ending}").unlink(missing_ok=True)


def prune(settings: Settings, municipality_code: str, today: date) -> int:
    """保存期間の過ぎた控えを除く; how many days went."""
    oldest = today - timedelta(days=settings.archive_days)
    gone = 0
    for kind in (GOOD, SET_ASIDE):
        folder = settings.home / kind / municipality_code
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            with contextlib.suppress(ValueError):
                if date.fromisoformat(path.name) < oldest and not path.is_symlink():
                    shutil.rmtree(path)
                    gone += 1
    return gone


def _free_name(folder: Path, name: str) -> str:
    """A name under which neither a file nor a sheet lies."""
    stem, ending = os.path.splitext(name)  # noqa: PTH122 - a name, not a path
    number, free = 1, name
    while any((folder / f"{free}{more}").exists() for more in ("", *SHEETS)):
        number += 1
        free = f"{stem}-{number}{ending}"
    return free


def _write(folder: Path, name: str, data: bytes) -> str:
    """A read-only file that is whole or absent; the name under which it now lies.

    The link is made only where nothing lies, also when two processes write at the same time.
    """
    draft = folder / f".{secrets.token_hex(8)}.writing"
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, READ_ONLY)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
            os.fchmod(handle, READ_ONLY)
        while True:
            try:
                os.link(draft, folder / name)
            except FileExistsError:
                name = _free_name(folder, name)
            else:
                return name
    finally:
        draft.unlink(missing_ok=True)

"""診断（機械）: room on the disks, clocks, names of settings, folders that are written to."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.domain.errors import ConfigurationError
from web.backups.sqlite import database_files
from web.config import SECRET_LENGTH_MIN
from web.database import open_books
from web.settings_file import require_private, settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from web.config import Settings

CLOCK_SECONDS_MAX = 30  # codes of the second factor change that often
_ALIKE = 0.8  # a name that is so much like a setting is one that was mistyped
_OTHERS = {"KOKIN_PASSWORD"}  # what commands ask for, and no setting
_GB = 10**9


def names(settings: Settings, environment: Mapping[str, str] = os.environ) -> None:
    """設定の名前: no variable looks like a setting and is none; tokens are long enough.

    In the settings file no name of ours is anything else.

    Raises :class:`ConfigurationError` ``settings_name``, ``settings_file_open`` or
    ``metrics_token``.
    """
    known = [f"KOKIN_{name.upper()}" for name in type(settings).model_fields]
    file = settings.settings_file
    of_file = settings_of(file) if file else {}
    for name in sorted({*environment, *of_file} - _OTHERS):
        if name.startswith("KOKIN_") and name.upper() not in known:
            alike = get_close_matches(name, known, 1, 0 if name in of_file else _ALIKE)
            if alike:
                raise ConfigurationError("settings_name", found=name, expected=alike[0])
    if file:
        require_private(file)
    require_token(settings)


def require_token(settings: Settings) -> None:
    """計測値の合言葉: none, or one that nobody guesses.

    Raises :class:`ConfigurationError` ``metrics_token``.
    """
    length = len(settings.metrics_token)
    if 0 < length < SECRET_LENGTH_MIN:
        raise ConfigurationError("metrics_token", found=length, expected=SECRET_LENGTH_MIN)


def folders(settings: Settings) -> None:
    """書出し先: reports, backups and notices can be written.

    Raises :class:`ConfigurationError` ``folder_unwritable``, which names the first that cannot.
    """
    for folder in (settings.report_folder, settings.backup_folder, settings.home / "notices"):
        there = _nearest(folder)
        if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
            raise ConfigurationError("folder_unwritable", path=str(folder))


def disk(settings: Settings) -> str:
    """空き容量: room for the largest file and for a copy of the books, wherever either is written.

    Raises :class:`ConfigurationError` ``disk_low``.
    """
    file = settings.sqlite_file
    books = sum(path.stat().st_size for path in database_files(file)) if file else 0
    least = max(settings.file_bytes_max, books)
    places = {
        _nearest(settings.home),
        _nearest(settings.backup_folder),
        Path(tempfile.gettempdir()),
    }
    free = {place: shutil.disk_usage(place).free for place in places}
    place, bytes_free = min(free.items(), key=lambda each: each[1])
    if bytes_free < least:
        raise ConfigurationError(
            "disk_low", path=str(place), found=_gigabytes(bytes_free), expected=_gigabytes(least)
        )
    return f"空き {_gigabytes(bytes_free)} GB"


def machine_clock(settings: Settings) -> None:
    """時計: of this machine, of its file system and of the database go alike.

    Raises :class:`ConfigurationError` ``clock_differs``.
    """
    before = time.time()
    with tempfile.NamedTemporaryFile(dir=_nearest(settings.home), prefix=".doctor-") as file:
        file.write(b"now")
        file.flush()
        written = os.fstat(file.fileno()).st_mtime
    _require_between(before, written, time.time(), str(settings.home))
    if settings.sqlite_file is not None:
        return  # It has no clock of its own.
    engine = open_books(settings)
    try:
        with engine.connect() as connection:
            before = time.time()
            found = connection.execute(text("SELECT EXTRACT(EPOCH FROM clock_timestamp())"))
            _require_between(before, float(found.scalar_one()), time.time(), "PostgreSQL")
    finally:
        engine.dispose()


def _require_between(before: float, found: float, after: float, where: str) -> None:
    """What another clock said lies between two looks at ours, give or take the allowance.

    So it does not matter how long the asking took.
    """
    off = max(before - found, found - after)
    if off > CLOCK_SECONDS_MAX:
        raise ConfigurationError("clock_differs", path=where, found=round(off))


def _nearest(folder: Path) -> Path:
    """The folder itself or, before it is made, the one that it will be made in."""
    found = folder.absolute()
    while not found.exists() and found != found.parent:
        found = found.parent
    return found


def _gigabytes(number: int) -> str:
    return f"{number / _GB:,.1f}"

"""バックアップ: a folder with everything, complete as soon as it has its name."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from alembic.runtime.migration import MigrationContext

from payments.domain.errors import ConfigurationError
from payments.store.engine import open_engine
from payments.store.unit_of_work import reading
from web import clock
from web.backups import postgresql, sqlite
from web.backups.files import copy_files
from web.backups.manifest import VERSION, Manifest, kept_files, rows_of, secret_digest, size_of
from web.backups.scratch import PREFIX, scratch
from web.backups.sealed import seal_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from web.config import Settings

DUMP = "kokin.dump"
_STAMP = "%Y%m%dT%H%M%S"


def back_up(
    settings: Settings,
    engine: Engine,
    folder: Path,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    *,
    clear: bool = False,
) -> Path:
    """バックアップをとる: a new folder ``kokin-DATE`` in ``folder``; beside the running service.

    Where there are keys it is sealed, unless it shall be ``clear``. Nothing is overwritten, and
    what an earlier try has left unfinished is removed. ``progress`` gets bytes copied and bytes in
    all, on SQLite. Raises :class:`ConfigurationError` ``backup_folder``, ``backup_exists`` or what
    the tools raise.
    """
    made_at = clock.in_japan(clock.now())
    target = folder / f"{PREFIX}{made_at.strftime(_STAMP)}"
    keys = settings.key_ring()
    if clear or not keys:
        with _draft(folder, target) as draft:
            _write_all(settings, engine, draft, made_at, progress, clear=True)
        return target
    # In clear it lies beside the books themselves only, and not where backups are taken to.
    beside = scratch(settings.home, f"{target.name}.clear")
    with _draft(folder, target) as sealed, beside as draft:
        _write_all(settings, engine, draft, made_at, progress, clear=False)
        whole = size_of(draft)
        seal_folder(keys, draft, sealed, lambda done: progress(done, whole))
    return target


def _write_all(
    settings: Settings,
    engine: Engine,
    draft: Path,
    made_at: datetime,
    progress: Callable[[int, int], None],
    *,
    clear: bool,
) -> None:
    """Everything, and the manifest last; ``clear``: it stays as it is written here."""
    # Before the books: what is taken in meanwhile is then in both, and never in neither.
    copy_files(settings, draft, clear=clear)
    if settings.sqlite_file is not None:
        counts, revision = _copy_sqlite(settings.sqlite_file, draft, progress)
    else:
        counts, revision = _dump_postgresql(settings, engine, draft)
    Manifest(
        VERSION, made_at.isoformat(timespec="seconds"), version("kokin"), engine.dialect.name,
        revision, secret_digest(settings), counts, kept_files(draft),
    ).write(draft)  # fmt: skip


def backups_in(folder: Path) -> list[Path]:
    """バックアップの一覧: complete ones, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.glob(f"{PREFIX}*") if path.is_dir())


def drop_old(folder: Path, kept: int) -> list[Path]:
    """古いものを消す: all but the newest ``kept``; those that were removed."""
    old = backups_in(folder)[:-kept]
    for path in old:
        shutil.rmtree(path)
    return old


@contextmanager
def _draft(folder: Path, target: Path) -> Iterator[Path]:
    """A folder under another name, renamed when all is in it and gone when it is not."""
    if target.exists():
        raise ConfigurationError("backup_exists", path=str(target))
    with scratch(folder, target.name) as draft:
        yield draft
        draft.rename(target)


def _copy_sqlite(
    database: Path, draft: Path, progress: Callable[[int, int], None]
) -> tuple[dict[str, dict[str, int]], str]:
    """Every file; counts and revision are those of the copy."""
    sizes = {path: path.stat().st_size for path in sqlite.database_files(database)}
    before, whole = 0, sum(sizes.values())

    def show(done: int, total: int) -> None:
        progress(before + size * done // max(total, 1), whole)

    for source, size in sizes.items():
        sqlite.copy_file(source, draft / source.name, show)
        before += size
    copied = open_engine(f"sqlite:///{draft / database.name}")
    try:
        with reading(copied) as connection:
            found = rows_of(connection), _revision(connection)
    finally:
        copied.dispose()
    for rest in [*draft.glob("*-wal"), *draft.glob("*-shm")]:
        rest.unlink(missing_ok=True)
    return found


def _dump_postgresql(
    settings: Settings, engine: Engine, draft: Path
) -> tuple[dict[str, dict[str, int]], str]:
    """The dump, by the owner of the tables; counts and revision are of the same snapshot."""
    url = settings.backup_database_url
    owner = open_engine(url) if url else engine
    try:
        with reading(owner) as connection:
            postgresql.dump(connection, url or settings.database, draft / DUMP)
            return rows_of(connection), _revision(connection)
    finally:
        if url:
            owner.dispose()


def _revision(connection: Connection) -> str:
    """The revision of a database; "" when it has none."""
    return MigrationContext.configure(connection).get_current_revision() or ""

"""復元: a backup becomes a database again, never over another one; and a try of it elsewhere."""

from __future__ import annotations

import shutil
import uuid
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from payments.domain.errors import ConfigurationError
from payments.store.engine import open_engine
from payments.store.municipalities import bodies
from payments.store.unit_of_work import reading
from web.backups import postgresql, sqlite
from web.backups.files import FOLDER
from web.backups.make import DUMP
from web.backups.manifest import rows_of, secret_digest
from web.backups.scratch import PREFIX, scratch
from web.backups.sealed import opened
from web.database import current_revision, is_known, upgrade
from web.notifications.checking import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from web.backups.manifest import Manifest
    from web.config import Settings


def restore(settings: Settings, folder: Path) -> Manifest:
    """復元: the database of the settings from a backup, brought to this release.

    The files beside it are put back by :func:`web.backups.files.put_back`.
    Nothing is there before, and all of it or nothing afterwards. Raises
    :class:`ConfigurationError` ``backup_manifest``, ``backup_damaged``, ``backup_kind``,
    ``backup_revision``, ``restore_target``, ``backup_counts``, or what the tools
    or :func:`opened` raise.
    """
    with opened(settings, folder) as (clear, manifest):
        restore_from(settings, clear, manifest)
    return manifest


def restore_from(settings: Settings, folder: Path, manifest: Manifest) -> None:
    """復元 from a backup that is open (:func:`web.backups.sealed.opened`); raises as above."""
    kind = "postgresql" if settings.sqlite_file is None else "sqlite"
    if manifest.database != kind:
        raise ConfigurationError("backup_kind", found=manifest.database, expected=kind)
    if not is_known(manifest.revision):
        raise ConfigurationError("backup_revision", found=manifest.revision)
    if settings.sqlite_file is not None:
        _restore_sqlite(manifest, folder, settings.sqlite_file)
    else:
        _restore_postgresql(folder, settings.database)
    _require_counts(settings.database, manifest)
    upgrade(settings.database)


def same_secret(settings: Settings, manifest: Manifest) -> bool:
    """Whether the secret of this installation is the one that the backup was made under."""
    return secret_digest(settings) == manifest.secret_sha256


def try_out(
    settings: Settings, folder: Path, progress: Callable[[int], None] | None = None
) -> dict[str, int]:
    """復元の試し: restore somewhere else and verify there; differences by municipality.

    Raises what :func:`restore` raises, and :class:`ConfigurationError` ``backup_scratch`` when the
    role may not create a database to try it in.
    """
    with elsewhere(settings) as scratch:
        return verify_all(scratch, restore(scratch, folder), progress)


def verify_all(
    settings: Settings, manifest: Manifest, progress: Callable[[int], None] | None = None
) -> dict[str, int]:
    """検算 of every municipality as it was restored: how many differences each has."""
    as_of = datetime.fromisoformat(manifest.made_at)
    engine = open_engine(settings.database, keys=settings.key_ring())
    try:
        with reading(engine) as connection:
            codes = [body.code for body in bodies(connection)]
        return {code: len(verify(engine, code, progress, as_of=as_of)) for code in codes}
    finally:
        engine.dispose()


def _restore_sqlite(manifest: Manifest, folder: Path, database: Path) -> None:
    """Copies beside their places, then renamed; the books last, for they make it a database.

    Raises :class:`ConfigurationError` ``restore_target`` when one of the places is taken.
    """
    # The books have the shortest name: the others are it with something behind.
    kept = (file.name for file in manifest.files if not file.name.startswith(f"{FOLDER}/"))
    names = sorted(kept, key=len, reverse=True)
    books = Path(names[-1]).stem
    places = {
        name: database.with_stem(database.stem + Path(name).stem.removeprefix(books))
        for name in names
    }
    # A log that was left behind would be taken for the log of what is restored.
    logs = [place.with_name(f"{place.name}-wal") for place in places.values()]
    for place in [*places.values(), *logs, *sqlite.database_files(database)]:
        if place.exists():
            raise ConfigurationError("restore_target", path=str(place))
    database.parent.mkdir(parents=True, exist_ok=True)
    drafts = {name: place.with_name(f".{place.name}.part") for name, place in places.items()}
    try:
        for name, draft in drafts.items():
            shutil.copyfile(folder / name, draft)
            draft.chmod(0o600)
        for name, draft in drafts.items():
            draft.rename(places[name])
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _restore_postgresql(folder: Path, url: str) -> None:
    """Into an empty database; :class:`ConfigurationError` ``restore_target`` into any other."""
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            if inspect(connection).get_table_names():
                raise ConfigurationError("restore_target", path=str(make_url(url).database))
    finally:
        engine.dispose()
    postgresql.restore(folder / DUMP, url)


def _require_counts(url: str, manifest: Manifest) -> None:
    """What was restored is what was backed up; :class:`ConfigurationError` ``backup_counts``."""
    engine = open_engine(url)
    try:
        revision = current_revision(engine)
        with reading(engine) as connection:
            found = rows_of(connection)
    finally:
        engine.dispose()
    if (found, revision) != (manifest.counts, manifest.revision):
        raise ConfigurationError("backup_counts", found=found, expected=manifest.counts)


@contextmanager
def elsewhere(settings: Settings) -> Iterator[Settings]:
    """Settings of an empty place that is gone afterwards.

    On PostgreSQL the owner makes it, as the owner takes backups: the service may have a role that
    makes no databases (``KOKIN_BACKUP_DATABASE_URL``).
    """
    if settings.sqlite_file is not None:
        with scratch(settings.home, f"{PREFIX}restore-{uuid.uuid4().hex}") as folder:
            name = settings.sqlite_file.name
            yield settings.model_copy(update={"database_url": f"sqlite:///{folder}/{name}"})
        return
    name = f"kokin_restore_{uuid.uuid4().hex[:12]}"
    owner = settings.backup_database_url or settings.database
    engine = open_engine(owner).execution_options(isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            try:
                connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE template0'))
            except DBAPIError as error:
                raise ConfigurationError("backup_scratch", found=str(error.orig)) from error
            try:
                url = make_url(owner).set(database=name)
                address = url.render_as_string(hide_password=False)
                yield settings.model_copy(update={"database_url": address})
            finally:
                connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    finally:
        engine.dispose()

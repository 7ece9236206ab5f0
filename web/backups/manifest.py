"""目録: what a backup consists of, so that it can be checked before anything is restored from it.

A backup is one folder with its files and ``manifest.json``. The folder has its name only when all
of it is there. Secrets are not in it: the manifest names the one that was in force by a digest.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.errors import ConfigurationError
from payments.store.municipalities import bodies
from payments.store.unit_of_work import enter_municipality

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from web.config import Settings

NAME = "manifest.json"
VERSION = 2  # 1 had nothing but the database
_READABLE = (1, VERSION)
COUNTED = ("source_file", "evidence", "source_line", "journal", "posting", "receipt", "approval")
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """一つのファイル: its name below the folder of the backup, size and digest."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """目録: ``counts`` are rows of the tables that matter, by municipality."""

    version: int
    made_at: str
    program: str
    database: str  # sqlite or postgresql
    revision: str
    secret_sha256: str
    counts: dict[str, dict[str, int]]
    files: tuple[Kept, ...]

    def write(self, folder: Path) -> None:
        """Put it into the folder, on the disk before the folder gets its name."""
        data = json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n"
        with (folder / NAME).open("w", encoding="utf-8") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())


def read_manifest(folder: Path, *, whole: bool = True) -> Manifest:
    """The manifest of a backup, every file held against its digest (of a ``whole`` one).

    Raises :class:`ConfigurationError` ``backup_manifest`` (no backup, or of another version) or
    ``backup_damaged``, which names the file.
    """
    try:
        data: dict[str, Any] = json.loads((folder / NAME).read_text("utf-8"))
        kept = tuple(Kept(**file) for file in data.pop("files"))
        manifest = Manifest(**data, files=kept)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConfigurationError("backup_manifest", path=str(folder), found=str(error)) from error
    if manifest.version not in _READABLE:
        raise ConfigurationError("backup_manifest", path=str(folder), found=manifest.version)
    for file in manifest.files:
        if ".." in PurePosixPath(file.name).parts or file.name.startswith("/"):
            raise ConfigurationError("backup_manifest", path=str(folder), found=file.name)
    for file in manifest.files if whole else ():
        try:
            found = kept_file(folder, file.name)
        except OSError as error:
            raise ConfigurationError(
                "backup_damaged", path=file.name, expected=file.sha256, found=str(error)
            ) from error
        if found != file:
            raise ConfigurationError(
                "backup_damaged", path=file.name, expected=file.sha256, found=found.sha256
            )
    return manifest


def kept_files(folder: Path) -> tuple[Kept, ...]:
    """Every file of a backup, whose manifest is not written yet, by name."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return tuple(
        kept_file(folder, name) for name in sorted(p.relative_to(folder).as_posix() for p in paths)
    )


def size_of(folder: Path) -> int:
    """大きさ of a whole backup in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def kept_file(folder: Path, name: str) -> Kept:
    """Size and digest of a file of a backup."""
    digest = hashlib.sha256()
    size = 0
    with (folder / name).open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return Kept(name, size, digest.hexdigest())


def secret_digest(settings: Settings) -> str:
    """秘密の控え: tells whether it is the same secret, and nothing else about it."""
    return hashlib.sha256(b"kokin-backup:" + settings.secret().encode()).hexdigest()


def rows_of(connection: Connection) -> dict[str, dict[str, int]]:
    """件数 by municipality and table, in the transaction of the caller."""
    found = {}
    for body in bodies(connection):
        enter_municipality(connection, body.code)
        found[body.code] = {
            table: int(
                connection.execute(
                    text(f"SELECT COUNT(*) FROM {table} WHERE municipality_code = :m"),
                    {"m": body.code},
                ).scalar_one()
            )
            for table in COUNTED
        }
    return found

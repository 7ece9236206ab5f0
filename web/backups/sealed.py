"""封をしたバックアップ: the files of a backup, each encrypted piece by piece, and opened again.

The folder holds ``sealed.json`` and one file ``NNNNNN.sealed`` for each file of the backup, in the
order of the manifest, which is the first of them; so not even their names can be read. Every piece
is sealed by the key ring (AES-256-GCM) together with its place: the backup, the file, the number of
the piece and whether it is the last. A piece that was moved, left out or cut off does not open.
"""

from __future__ import annotations

import json
import os
import secrets
import uuid
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from payments.domain.errors import ConfigurationError
from payments.store.sealed_bytes import OVERHEAD_BYTES
from web.backups.manifest import NAME, Kept, kept_file, kept_files, read_manifest
from web.backups.scratch import PREFIX, scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from payments.store.sealed_bytes import KeyRing
    from web.backups.manifest import Manifest
    from web.config import Settings

ENVELOPE = "sealed.json"
VERSION = 1
PIECE = 1 << 20  # bytes of clear text that are sealed at once
_LENGTH_BYTES = 4
_SEALED_MAX = PIECE + OVERHEAD_BYTES + 255  # a key id is short


class _Place(NamedTuple):
    """封をした場所: what is authenticated with every piece of a file."""

    backup_id: str
    file_no: int

    def of(self, piece_no: int, *, last: bool) -> bytes:
        """The context of one piece."""
        end = "end" if last else "more"
        return f"kokin-backup:{self.backup_id}:{self.file_no}:{piece_no}:{end}".encode()


def seal_folder(
    keys: KeyRing, clear: Path, target: Path, progress: Callable[[int], None] = lambda _done: None
) -> None:
    """封をする: a finished backup, file by file, into an empty folder; never a whole file at once.

    ``progress`` gets the bytes that were sealed.
    """
    backup_id, done = secrets.token_hex(16), 0
    names = [NAME, *(file.name for file in read_manifest(clear).files)]
    for number, name in enumerate(names):
        with (clear / name).open("rb") as source, (target / _name(number)).open("wb") as sealed:
            for size in _seal(keys, source, sealed, _Place(backup_id, number)):
                done += size
                progress(done)
            sealed.flush()
            os.fsync(sealed.fileno())
    envelope = {
        "version": VERSION, "backup_id": backup_id, "key_id": keys.newest,
        "files": [asdict(file) for file in kept_files(target)],
    }  # fmt: skip
    with (target / ENVELOPE).open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(envelope, indent=2) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def is_sealed(folder: Path) -> bool:
    """Whether the backup in a folder has to be opened first."""
    return (folder / ENVELOPE).is_file()


@contextmanager
def opened(settings: Settings, folder: Path) -> Iterator[tuple[Path, Manifest]]:
    """開く: the backup in clear with its manifest, every digest checked; what was opened is gone.

    Raises :class:`ConfigurationError` ``backup_manifest``, ``backup_damaged``, and of a sealed one
    ``encryption_key_missing``, ``encryption_key_wrong`` or ``backup_folder``.
    """
    if not is_sealed(folder):
        yield folder, read_manifest(folder)
        return
    with scratch(settings.home, f"{PREFIX}open-{uuid.uuid4().hex}") as clear:
        _open_into(settings.key_ring(), folder, clear)
        yield clear, read_manifest(clear)


def key_of(folder: Path) -> str:
    """鍵の名 under which a backup was sealed; "" of one in clear."""
    return str(_envelope(folder)["key_id"]) if is_sealed(folder) else ""


def _open_into(keys: KeyRing, folder: Path, clear: Path) -> None:
    """Every file of a sealed backup under its own name."""
    envelope = _envelope(folder)
    for file in envelope["files"]:
        _require_whole(folder, file)
    _open_file(keys, folder, clear / NAME, _Place(envelope["backup_id"], 0))
    # The manifest has just been authenticated; its names may be followed, and lead nowhere else.
    for number, file in enumerate(read_manifest(clear, whole=False).files, start=1):
        target = clear / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        _open_file(keys, folder, target, _Place(envelope["backup_id"], number))


def _envelope(folder: Path) -> dict[str, Any]:
    """``sealed.json``; :class:`ConfigurationError` ``backup_manifest`` when it is not one."""
    try:
        found: dict[str, Any] = json.loads((folder / ENVELOPE).read_text("utf-8"))
        if found["version"] != VERSION:
            raise ConfigurationError("backup_manifest", path=str(folder), found=found["version"])
        found["files"] = [Kept(**file) for file in found["files"]]
        found["backup_id"], found["key_id"] = str(found["backup_id"]), str(found["key_id"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConfigurationError("backup_manifest", path=str(folder), found=str(error)) from error
    return found


def _require_whole(folder: Path, file: Kept) -> None:
    """What was copied badly is named as such before a key is tried."""
    try:
        found = kept_file(folder, Path(file.name).name).sha256
    except OSError as error:
        found = str(error)
    if found != file.sha256:
        raise ConfigurationError(
            "backup_damaged", path=file.name, expected=file.sha256, found=found
        )


def _open_file(keys: KeyRing, folder: Path, target: Path, place: _Place) -> None:
    name = _name(place.file_no)
    try:
        with (folder / name).open("rb") as sealed, target.open("wb") as clear:
            _open(keys, sealed, clear, place)
    except (FileNotFoundError, EOFError) as error:
        raise ConfigurationError(
            "backup_damaged", path=name, expected="", found=str(error)
        ) from error


def _seal(keys: KeyRing, source: BinaryIO, sealed: BinaryIO, place: _Place) -> Iterator[int]:
    """Each piece with its length before it; an empty file is one empty piece."""
    piece, number = source.read(PIECE), 0
    while True:
        following = source.read(PIECE)
        closed = keys.seal(piece, place.of(number, last=not following))
        sealed.write(len(closed).to_bytes(_LENGTH_BYTES, "big") + closed)
        yield len(piece)
        if not following:
            return
        piece, number = following, number + 1


def _open(keys: KeyRing, sealed: BinaryIO, clear: BinaryIO, place: _Place) -> None:
    """Raises :class:`EOFError` where a piece is cut off; a missing last one does not open."""
    piece, number = _piece(sealed), 0
    while True:
        following = _piece(sealed)
        clear.write(keys.open(piece, place.of(number, last=not following)))
        if not following:
            return
        piece, number = following, number + 1


def _piece(sealed: BinaryIO) -> bytes:
    """The next sealed piece, b"" behind the last."""
    length = int.from_bytes(sealed.read(_LENGTH_BYTES), "big")
    found = sealed.read(min(length, _SEALED_MAX))
    if len(found) != length:
        raise EOFError(length)
    return found


def _name(number: int) -> str:
    return f"{number:06}.sealed"

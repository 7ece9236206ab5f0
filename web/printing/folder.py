"""出力フォルダ: who is at work in the folder of a print run, and files that are whole or absent."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
from dataclasses import asdict, dataclass
from hashlib import file_digest
from typing import IO, TYPE_CHECKING

from payments.domain.errors import ConfigurationError, ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedWriter
    from pathlib import Path

MARK = "print-run.json"
MANIFEST = "manifest.csv"
READ_BACK = "read-back.csv"
REPORT_JSON = "report.json"
REPORT_HTML = "report.html"
UNFINISHED = ".unfinished"
# What only a print run writes: any of it in a folder without a mark belongs to somebody else.
OURS = ("slips-*.pdf", MANIFEST, READ_BACK, REPORT_JSON, REPORT_HTML)
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Owner:
    """印刷の持ち主: whose files lie in a folder."""

    municipality_code: str
    run_id: int


def file_name(file_no: int) -> str:
    """The name of a run's PDF; names sort in the order of the pages up to 9,999 files."""
    return f"slips-{file_no:04d}.pdf"


class RunFolder:
    """出力フォルダ while one process holds it."""

    def __init__(self, path: Path, mark: IO[str]) -> None:
        """``mark`` is the open, locked file that says whose folder this is."""
        self.path = path
        self._mark = mark

    @property
    def owner(self) -> Owner | None:
        """The run whose files lie here; None in a folder that no run has claimed."""
        self._mark.seek(0)
        written = self._mark.read()
        try:
            return Owner(**json.loads(written)) if written.strip() else None
        except (ValueError, TypeError) as error:
            raise ConflictError("print_folder_taken", path=str(self.path), found=MARK) from error

    def claim(self, owner: Owner) -> None:
        """The folder belongs to this run from now on.

        Raises :class:`ConflictError` ``print_folder_other`` when it belongs to another one and
        ``print_folder_taken`` when printed files without a mark lie in it.
        """
        before = self.owner
        if before == owner:
            return
        if before is not None:
            raise ConflictError("print_folder_other", path=str(self.path), found=before.run_id)
        self.refuse_strangers()
        with unwritable(self.path):
            self._mark.truncate(0)
            self._mark.write(json.dumps(asdict(owner)) + "\n")
            self._mark.flush()
            os.fsync(self._mark.fileno())

    def refuse_strangers(self) -> None:
        """:class:`ConflictError` ``print_folder_taken`` when unmarked printed files lie here."""
        found = sorted(path.name for pattern in OURS for path in self.path.glob(pattern))
        if found:
            raise ConflictError("print_folder_taken", path=str(self.path), found=found[0])

    def clear_unfinished(self) -> None:
        """Remove what a killed process had begun."""
        for path in self.path.glob(f"*{UNFINISHED}"):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def held(path: Path) -> Iterator[RunFolder]:
    """The folder, made when it is missing, for this process alone.

    The lock ends with the process, however it ends. A folder that was not claimed is left as it
    was found. Raises :class:`ConflictError` ``print_folder_busy`` and :class:`ConfigurationError`
    ``output_unwritable``.
    """
    made = not path.exists()
    with unwritable(path):
        path.mkdir(parents=True, exist_ok=True)
        mark = (path / MARK).open("a+", encoding="utf-8")
    with mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConflictError("print_folder_busy", path=str(path)) from error
        if not os.fstat(mark.fileno()).st_nlink:  # Its last holder has just taken it away.
            raise ConflictError("print_folder_busy", path=str(path))
        try:
            yield RunFolder(path, mark)
        finally:
            if not os.fstat(mark.fileno()).st_size:
                (path / MARK).unlink(missing_ok=True)
                if made:
                    path.rmdir()


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BufferedWriter]:
    """A file that stands under its name only when all of it has reached the disk.

    Until then it is called ``NAME.PROCESS.unfinished``, so that no two processes write into one
    another; when anything goes wrong it is removed.
    """
    unfinished = path.with_name(f"{path.name}.{os.getpid()}{UNFINISHED}")
    try:
        with unfinished.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(path)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def unwritable(path: Path, needed: int = 0) -> Iterator[None]:
    """Turn what the disk says into a sentence.

    Raises :class:`ConfigurationError` ``disk_full`` with the bytes ``needed`` (about) and free,
    or ``output_unwritable``.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise ConfigurationError(
                "disk_full", path=str(path), needed=f"{needed:,}", free=f"{free_bytes(path):,}"
            ) from error
        found = error.strerror or str(error)
        raise ConfigurationError("output_unwritable", path=str(path), found=found) from error


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal; empty when there is none."""
    try:
        with path.open("rb") as stream:
            return file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def free_bytes(path: Path) -> int:
    """Bytes that may still be written where ``path`` is or will be."""
    place = path
    while not place.exists():
        place = place.parent
    status = os.statvfs(place)
    return status.f_bavail * status.f_frsize

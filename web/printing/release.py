"""引渡し前の検査: the files in the folder are still those that were printed and read back.

Hashes are computed again from the disk, the manifest is compared with the books byte for byte.
What two people decide about it is the business of :mod:`payments.release`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.store.unit_of_work import reading
from web.printing.folder import MANIFEST, sha256_of
from web.printing.manifest import manifest_agrees
from web.printing.status import status_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from web.printing.status import RunStatus


@dataclass(frozen=True, slots=True)
class ReleaseFinding:
    """引き渡せない理由: one file that must not leave the building, and why (a stable code)."""

    code: str
    file: str
    found: str = ""
    expected: str = ""


def release_check(
    engine: Engine, municipality_code: str, run_id: int, folder: Path
) -> list[ReleaseFinding]:
    """引渡し前の検査: every reason in the folder why a run must not be released; empty when none.

    Differences on pages are reasons of the run itself: it is ``stopped`` then.
    """
    with reading(engine, municipality_code) as connection:
        return list(folder_findings(connection, municipality_code, run_id, folder))


def folder_findings(
    connection: Connection, municipality_code: str, run_id: int, folder: Path
) -> Iterator[ReleaseFinding]:
    """The same within a transaction that is open already."""
    status = status_of(connection, municipality_code, run_id)
    yield from _files(status, folder)
    yield from unread_files(status)
    if not manifest_agrees(folder / MANIFEST, connection, municipality_code, status):
        yield ReleaseFinding("print_manifest_differs", MANIFEST)


def _files(status: RunStatus, folder: Path) -> Iterator[ReleaseFinding]:
    """Files that are missing, altered, or none of this run's."""
    recorded = {file.name: file.sha256 for file in status.files if file.name}
    for name, expected in recorded.items():
        found = sha256_of(folder / name)
        if found != expected:
            code = "print_file_altered" if found else "print_file_missing"
            yield ReleaseFinding(code, name, found, expected)
    for path in sorted(folder.glob("slips-*.pdf")):
        if path.name not in recorded:
            yield ReleaseFinding("print_file_extra", path.name)


def unread_files(status: RunStatus) -> Iterator[ReleaseFinding]:
    """読み戻しの不足: files of which fewer pages were read back than the run asks for."""
    for file in status.files:
        chosen = len(status.raster_pages(file)) if file.pages else 0
        read, wanted = (file.vector_pages, file.raster_pages), (file.pages, chosen)
        if read[0] < wanted[0] or read[1] < wanted[1]:
            yield ReleaseFinding("print_file_unread", file.name, str(read), str(wanted))

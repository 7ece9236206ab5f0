"""その他のファイル: what lies in the data folder beside the books, copied with them and put back.

The books can make most of it again; what waits in the inbox and the added rates they cannot. Where
the evidence is sealed, nothing is copied that would bring what it says into a backup in clear.
"""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from web.calc.tables import FILE as RATES
from web.inbox.archive import GOOD, SET_ASIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web.backups.manifest import Manifest
    from web.config import Settings

FOLDER = "files"
SLIP_DESK = "slip-desk"  # slips that were printed one by one
_DRAFTS = (".part", ".writing")


def places(settings: Settings) -> dict[str, Path]:
    """置き場所 by name: files and folders of the installation, whether they are there or not."""
    home = settings.home
    return {
        RATES: home / RATES,
        "reports": settings.report_folder,
        "notices": home / "notices",
        "inbox": settings.inbox_folder,
        GOOD: home / GOOD,
        SET_ASIDE: home / SET_ASIDE,
        SLIP_DESK: home / SLIP_DESK,
    }


_IN_CLEAR = ("inbox", GOOD, SET_ASIDE, SLIP_DESK)


def copy_files(settings: Settings, draft: Path, *, clear: bool) -> None:
    """写す what is there now into the draft of a backup; what goes meanwhile is left out.

    ``clear``: the backup will not be sealed although there are keys.
    """
    for name, place in places(settings).items():
        if clear and settings.key_ring() and name in _IN_CLEAR:
            continue
        for path in _files_in(place):
            target = draft / FOLDER / name / path.relative_to(place)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copy2(path, target, follow_symlinks=False)
            except FileNotFoundError:
                target.unlink(missing_ok=True)


def put_back(settings: Settings, folder: Path, manifest: Manifest) -> tuple[int, int]:
    """戻す: how many files were put back, and how many were left because one is there already."""
    there = places(settings)
    put = left = 0
    for file in manifest.files:
        parts = PurePosixPath(file.name).parts
        if parts[0] != FOLDER or parts[1] not in there:
            continue
        target = there[parts[1]].joinpath(*parts[2:])
        if target.exists():
            left += 1
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        shutil.copy2(folder / file.name, part)
        part.replace(target)
        put += 1
    return put, left


def _files_in(place: Path) -> Iterator[Path]:
    """The regular files of a place; no link is followed, and nobody's draft is taken."""
    found = [place] if place.is_file() else sorted(place.rglob("*"))
    for path in found:
        if path.is_file() and not path.is_symlink() and path.suffix not in _DRAFTS:
            yield path

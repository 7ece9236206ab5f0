"""復元訓練: a backup restored into a place of its own and verified there, with the time it took."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING

from payments.domain.errors import ConfigurationError
from web import clock
from web.backups.make import backups_in
from web.backups.manifest import size_of
from web.backups.restore import elsewhere, restore_from, verify_all
from web.backups.sealed import key_of, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from web.config import Settings


@dataclass(frozen=True, slots=True)
class Drill:
    """復元訓練の結果: seconds of each step, and how many differences each municipality has."""

    backup: Path
    made_at: str
    key_id: str  # "" of a backup in clear
    size_bytes: int
    age_hours: int
    lines: int
    open_seconds: float  # opened, and every digest checked
    restore_seconds: float
    verify_seconds: float
    differences: Mapping[str, int]

    @property
    def seconds(self) -> float:
        """From the files to verified books."""
        return self.open_seconds + self.restore_seconds + self.verify_seconds


def drill(settings: Settings, folder: Path, progress: Callable[[int], None] | None = None) -> Drill:
    """復元訓練 of one backup; nothing of it is left, and the books are not touched.

    ``progress`` gets the lines that are verified. Raises what restoring raises, and
    :class:`ConfigurationError` ``backup_scratch``.
    """
    began = perf_counter()
    with opened(settings, folder) as (clear, manifest), elsewhere(settings) as scratch:
        is_open = perf_counter()
        restore_from(scratch, clear, manifest)
        restored = perf_counter()
        differences = verify_all(scratch, manifest, progress)
        verified = perf_counter()
    age = clock.now() - datetime.fromisoformat(manifest.made_at)
    return Drill(
        folder, manifest.made_at, key_of(folder), size_of(folder),
        int(age.total_seconds() // 3_600),
        sum(counts["source_line"] for counts in manifest.counts.values()),
        is_open - began, restored - is_open, verified - restored, differences,
    )  # fmt: skip


def newest(folder: Path) -> Path:
    """最新のバックアップ; :class:`ConfigurationError` ``backup_none``."""
    found = backups_in(folder)
    if not found:
        raise ConfigurationError("backup_none", path=str(folder))
    return found[-1]

"""見本市のフォルダ: what ``sample_data.city.make`` wrote, for tests that read it back."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Ending(NamedTuple):
    """正解 of one line, as in ``truth.csv``."""

    file_name: str
    line_no: int
    outcome: str
    applied_yen: int
    suspense_yen: int


@dataclass(frozen=True)
class SampleFolder:
    """見本市のフォルダ."""

    path: Path

    @property
    def truth(self) -> list[Ending]:
        """Every line of ``truth.csv``, in its order."""
        return [
            Ending(row[0], int(row[1]), row[2], int(row[3]), int(row[4]))
            for row in _rows(self.path / "truth.csv")
        ]

    @property
    def statuses(self) -> dict[str, str]:
        """Expected status by file name."""
        return {row[0]: row[1] for row in _rows(self.path / "expected_files.csv")}

    @property
    def days(self) -> list[tuple[date, list[Path]]]:
        """The day folders in order, each with its files in name order."""
        return [
            (date.fromisoformat(folder.name), sorted(folder.iterdir()))
            for folder in sorted((self.path / "inbox").iterdir())
        ]

    @property
    def contents(self) -> dict[str, bytes]:
        """Every file of the folder by its path."""
        return {
            str(path.relative_to(self.path)): path.read_bytes()
            for path in sorted(self.path.rglob("*"))
            if path.is_file()
        }


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))[1:]

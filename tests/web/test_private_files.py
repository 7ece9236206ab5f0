"""Tax data are secret: what the command writes is for its own user alone, whatever the umask."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING

from sample_data.city import make
from web.commands.setup import create
from web.config import Settings

if TYPE_CHECKING:
    from pathlib import Path


def kokin(home: Path, *words: object) -> None:
    """A command in a process that would let everybody read and write."""
    environment = os.environ | {
        "KOKIN_HOME": str(home),
        "KOKIN_DATABASE_URL": "",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    command = [sys.executable, "-m", "web", *map(str, words)]
    subprocess.run(command, env=environment, umask=0, check=True, capture_output=True)


def open_to_others(folder: Path) -> list[str]:
    """Whatever below a folder, and the folder itself, others may touch."""
    return [
        f"{path.name} {path.stat().st_mode & 0o777:o}"
        for path in (folder, *folder.rglob("*"))
        if path.stat().st_mode & 0o077
    ]


def test_the_database_and_a_print_run_are_for_their_owner_alone(tmp_path: Path) -> None:
    home, city, out = tmp_path / "home", tmp_path / "city", tmp_path / "out"
    kokin(home, "init", "--sample")
    make(city, obligors=14, days=1, seed=3, start=date(2026, 6, 1))
    kokin(home, "assessments", "import", city / "assessments.csv")
    kokin(home, "slips", "issue", "--out", out, "--limit", 2, "--workers", 1)
    assert (home / "kokin.sqlite3").exists()
    assert (out / "slips-0001.pdf").exists()
    assert [*open_to_others(home), *open_to_others(out)] == []


def test_the_rights_of_others_to_an_older_database_end(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    create(settings)
    (tmp_path / "kokin.sqlite3").chmod(0o644)
    create(settings)
    assert (tmp_path / "kokin.sqlite3").stat().st_mode & 0o777 == 0o600

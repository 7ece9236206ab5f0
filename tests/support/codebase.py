"""The project as text: which modules there are, and which files are tracked."""

from __future__ import annotations

import ast
import shutil
import subprocess
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("payments", "qr", "reconcile", "sample_data", "web")


def modules(*folders: str) -> list[Path]:
    """Every Python file below these folders (default: our packages), sorted."""
    return sorted(
        path
        for folder in folders or PACKAGES
        for path in (ROOT / folder).rglob("*.py")
        if "__pycache__" not in path.parts
    )


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of one module."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name(path: Path) -> str:
    """A path as it is read in a failure: relative to the project."""
    return path.relative_to(ROOT).as_posix()


def tracked_files() -> list[Path]:
    """Every file of the checkout; in a copy without git, every file that git would not ignore."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.split("\0")
    else:
        rules = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
        ignored = [rule.rstrip("/") for rule in rules]
        listed = [
            name(path)
            for path in ROOT.rglob("*")
            if not any(fnmatch(part, rule) for part in path.parts for rule in ignored)
        ]
    return [ROOT / entry for entry in listed if entry and (ROOT / entry).is_file()]

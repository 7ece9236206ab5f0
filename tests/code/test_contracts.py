"""The dependency rule is a test: import-linter over the contracts of pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from codebase import ROOT

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT_IMPORTS, "--no-cache"], cwd=folder, check=False, capture_output=True, text=True
    )


def test_every_contract_is_kept():
    linted = _lint_imports(ROOT)
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("payments/domain/intruder.py", "import sqlalchemy"),
        ("payments/intruder.py", "import reconcile.model"),
        ("qr/intruder.py", "import reconcile.model"),
        ("reconcile/intruder.py", "import web"),
        ("reconcile/formats/intruder.py", "import PIL.Image"),
    ],
)
def test_a_violation_would_be_seen(tmp_path, module, line):
    """Each rule is seen broken once: on a copy of the package skeleton with one wrong import."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for package in config["tool"]["importlinter"]["root_packages"]:
        for path in (ROOT / package).rglob("*.py"):
            copy = tmp_path / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (tmp_path / module).write_text(f"{line}\n", encoding="utf-8")
    linted = _lint_imports(tmp_path)
    assert linted.returncode == 1, linted.stdout + linted.stderr
    assert module.removesuffix(".py").replace("/", ".") in linted.stdout

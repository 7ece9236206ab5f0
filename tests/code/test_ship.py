"""What is shipped works: a wheel, in an empty environment, started from another folder.

Nothing is downloaded: the wheel is built with the locked build tools, and the empty environment
sees the dependencies, but not the checkout and not its editable installation.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest
from codebase import PACKAGES, ROOT

if TYPE_CHECKING:
    from pathlib import Path


def _run(*command, cwd, **environment):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("KOKIN_", "PYTHON"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=inherited | environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """An environment with our wheel; its folder of commands."""
    base = tmp_path_factory.mktemp("ship")
    source = base / "source"
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, source / package, ignore=ignored)
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, source)
    _run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "-o", base, source, cwd=base)
    (wheel,) = base.glob("kokin-*.whl")
    environment = base / "environment"
    _run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=base)
    (site_packages,) = environment.glob("lib/python*/site-packages")
    # Python reads no further .pth files in a folder that a .pth file names, so the editable
    # installation of the checkout stays invisible.
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = (sys.executable, "-m", "pip", "--python", environment / "bin" / "python")
    _run(*pip, "install", "--no-index", "--no-deps", "--ignore-installed", wheel, cwd=base)
    return environment / "bin"


def test_all_our_packages_come_from_the_wheel(installed, tmp_path):
    code = f"import {', '.join(PACKAGES)}\nfor m in ({', '.join(PACKAGES)}): print(m.__file__)"
    files = _run(installed / "python", "-c", code, cwd=tmp_path).split()
    assert len(files) == len(PACKAGES)
    assert [file for file in files if not file.startswith(str(installed.parent))] == []


def test_the_command_explains_itself(installed, tmp_path):
    assert "intake" in _run(installed / "kokin", "--help", cwd=tmp_path)


def test_the_sample_city_is_made_from_the_wheel(installed, tmp_path):
    command = (installed / "kokin", "sample", "make", "city")
    _run(*command, "--obligors", "40", "--days", "2", "--seed", "1", cwd=tmp_path)
    with (tmp_path / "city" / "truth.csv").open(encoding="utf-8-sig", newline="") as truth:
        assert len(list(csv.DictReader(truth))) > 0


def test_the_migrations_and_the_sample_profile_are_in_the_wheel(installed, tmp_path):
    home = tmp_path / "home"
    _run(installed / "kokin", "init", "--sample", cwd=tmp_path, KOKIN_HOME=str(home))
    assert any(home.iterdir())

"""The units of deploy/ are well formed, closed, and start commands that there are."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from codebase import ROOT

from web.cli import main

UNITS = ROOT / "deploy" / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
TIMERS = sorted(path.name for path in UNITS.glob("*.timer"))
PROGRAM = "/opt/kokin/bin/kokin"
EXPOSURE_MAX = 15  # of 100; what is left open is the network and the database's socket
WAIT_SECONDS = 60

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine"
)


@pytest.fixture
def units(tmp_path):
    """The units, with a program that is there, and the dates of a calendar as they are."""
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder)
    for path in folder.glob("*.service"):
        path.write_text(path.read_text("utf-8").replace(PROGRAM, sys.executable), "utf-8")
    return folder


def _analyse(units: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *words],
        cwd=units,
        env={"SYSTEMD_UNIT_PATH": f"{units}:", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        check=False,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
    )


@needs_systemd
def test_systemd_finds_nothing_wrong_in_them(units):
    found = _analyse(units, "verify", "--man=no", *SERVICES, *TIMERS)
    assert (found.returncode, found.stderr) == (0, "")


@needs_systemd
def test_it_would_say_what_is_wrong(units):
    path = units / "kokin-serve.service"
    path.write_text(path.read_text("utf-8").replace("Restart=", "Restarts="), "utf-8")
    assert "Restarts" in _analyse(units, "verify", "--man=no", path.name).stderr


@needs_systemd
@pytest.mark.parametrize("service", SERVICES)
def test_little_is_left_open_to_them(units, service):
    words = ("security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", "--no-pager", service)
    found = _analyse(units, *words)
    assert found.returncode == 0, found.stdout + found.stderr
    (units / "kokin-.service.d" / "sandbox.conf").unlink()
    assert _analyse(units, *words).returncode != 0


@pytest.mark.parametrize("service", SERVICES)
def test_what_they_start_is_a_command_with_these_options(service):
    started = re.findall(
        r"^ExecStart=(\S+) (.+)$", (UNITS / service).read_text("utf-8"), re.MULTILINE
    )
    assert len(started) == 1
    program, words = started[0]
    assert program == PROGRAM
    command: click.Command = main
    rest = words.split()
    while isinstance(command, click.Group) and rest:
        found = command.get_command(click.Context(command), rest[0])
        assert found is not None, rest
        command = found
        rest.pop(0)
    assert not isinstance(command, click.Group)
    with command.make_context("kokin", rest) as context:
        assert context.command is command


def test_every_timer_starts_a_service():
    assert {Path(timer).stem for timer in TIMERS} <= {Path(service).stem for service in SERVICES}

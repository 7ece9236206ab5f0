"""長い試験の記録: the seed of a run, what long tests say while they run, and the tables at its end.

A plugin of pytest, loaded by tests/conftest.py.
"""

from __future__ import annotations

import os
import secrets
import sys
from typing import TYPE_CHECKING

import pytest
from fault_table import PROPERTY, SEED, summary, table

if TYPE_CHECKING:
    from collections.abc import Callable


def pytest_configure(config: pytest.Config) -> None:
    """Every run draws a seed, which its workers share, unless it was given one."""
    if not hasattr(config, "workerinput"):
        os.environ.setdefault(SEED, str(secrets.randbelow(10**9)))


def pytest_report_header(config: pytest.Config) -> str | None:
    """What repeats a soak stands before anything that takes long."""
    return f"{SEED}={os.environ[SEED]}" if _is_soak(config) else None


@pytest.fixture
def said(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """進み具合: a line of a long test for the terminal, at once and whatever is captured."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    name, soak = request.node.name, _is_soak(request.config)

    def say(line: str) -> None:
        if not soak:
            print(line)  # noqa: T201 - shown when the test fails
            return
        with capture.global_and_fixture_disabled():
            print(f"{name}: {line}", file=sys.stderr, flush=True)  # noqa: T201 - for who waits

    return say


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """How many faults were survived; of a soak also by kind, what was done, and how long it took."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    reports = sorted((each for each in reports if each.when == "call"), key=lambda r: r.nodeid)
    rounds = [
        each for report in reports for name, each in report.user_properties if name == PROPERTY
    ]
    for line in summary(rounds):
        terminalreporter.line(line)
    if not _is_soak(config):
        return
    if rounds:
        terminalreporter.section(f"災い（{SEED}={os.environ[SEED]}）")
        for line in table(rounds):
            terminalreporter.line(line)
    terminalreporter.section(f"長い試験（{SEED}={os.environ[SEED]}）")
    for report in reports:
        done = [f"{name}={value}" for name, value in report.user_properties if name != PROPERTY]
        name = report.nodeid.rpartition("/")[2]
        terminalreporter.line(
            f"{report.outcome} {report.duration:7.1f} s  {name}  {' '.join(done)}"
        )


def _is_soak(config: pytest.Config) -> bool:
    return bool(config.getoption("markexpr") == "soak")

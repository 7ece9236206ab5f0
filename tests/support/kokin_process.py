"""kokin as processes: the real command line, to be killed at any moment or run twice at once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from web.cli import main
from web.commands.session import Session
from web.config import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).parents[2]
PATIENCE = 600  # seconds after which a command that has not ended is taken for stuck
LOOK_EVERY = 0.001


@dataclass(frozen=True)
class Kokin:
    """命令: the command ``kokin`` on one database."""

    url: str
    home: Path
    begin: Callable[..., Any] = subprocess.Popen  # or :meth:`loaded.Loaded.start`

    def environment(self) -> dict[str, str]:
        """Where it finds its database."""
        return {"KOKIN_HOME": str(self.home), "KOKIN_DATABASE_URL": self.url}

    def start(
        self, *words: str | Path, program: Sequence[str] = ("-m", "web")
    ) -> subprocess.Popen[bytes]:
        """A process that runs the command, or another ``program`` with its words."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("KOKIN_")}
        return self.begin(  # type: ignore[no-any-return] # whichever begins it
            [sys.executable, *program, *map(str, words)],
            cwd=ROOT,
            env=inherited | self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *words: str | Path) -> bytes:
        """The same command without a process of its own; its answer, for it must end well."""
        session = Session(Settings(home=self.home, database_url=self.url))
        done = CliRunner().invoke(main, [*map(str, words)], obj=session)
        assert done.exit_code == 0, done.output
        return done.stdout_bytes

    def export(self) -> bytes:
        """照合結果の書出し of the whole municipality."""
        return self.run("outcomes", "export", "--out", "-")


def answer_of(process: subprocess.Popen[bytes]) -> bytes:
    """What a process says, once it has ended well."""
    try:
        said, wrong = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 0, (said + wrong).decode()
    return said


def killed(process: subprocess.Popen[bytes], due: Callable[[], bool]) -> bool:
    """Send SIGKILL as soon as ``due``; False when the process had ended by itself before."""
    try:
        while process.poll() is None and not due():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_EVERY)
    finally:
        process.kill()
    process.communicate(timeout=PATIENCE)
    return process.returncode == -signal.SIGKILL

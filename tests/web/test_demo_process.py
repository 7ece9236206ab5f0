"""The demo as a process: it refuses a taken port at once, and ends with all that it started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest
from ending import PATIENCE, ending

WHOLE = ("-m", "web")
# The demo of an empty city: what it starts behind that, and how it ends, are the same.
EMPTY = """
import os, shutil
from web.cli import main
from web.commands import demo
from web.commands.setup import enter, sample_profile

def prepare(session, *_others):
    session.settings.inbox_folder.mkdir()
    shutil.copyfile(os.environ["EMPTY_BOOKS"], session.settings.sqlite_file)
    enter(session, sample_profile())
    return [], ""

demo._prepare, demo._tell = prepare, lambda *_others: None
main()
"""


def _start(tmp_path, *options, program=WHOLE, start=subprocess.Popen, **own):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("KOKIN_")}
    words = ("demo", "--data", tmp_path / "demo", "--obligors", "5", "--days", "1")
    return ending(
        [sys.executable, *program, *map(str, words), *options],
        start=start,
        env=inherited | {"KOKIN_HOME": str(tmp_path)} | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_taken_port_is_named_before_the_work(tmp_path, kokin_loaded):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with _start(tmp_path, "--port", port, start=kokin_loaded.start) as demo:
            _, errors = demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 1
    assert "port_in_use" in errors
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize(
    ("sent", "program", "quick"),
    [
        (signal.SIGTERM, WHOLE, False),  # all of it as delivered, the start of each process too
        (signal.SIGINT, ("-c", EMPTY), True),
        (signal.SIGKILL, ("-c", EMPTY), True),
    ],
    ids=["SIGTERM", "SIGINT", "SIGKILL"],
)
def test_nothing_outlives_the_demo(tmp_path, sqlite_template, kokin_loaded, sent, program, quick):
    own = {"EMPTY_BOOKS": str(sqlite_template)}
    start = kokin_loaded.start if quick else subprocess.Popen
    with _start(tmp_path, "--port", "0", program=program, start=start, **own) as demo:
        heard = ""
        # The scheduler has begun its work, and the server answers: both know how to end.
        while "受信フォルダ" not in heard or "で動いています" not in heard:
            line = demo.stderr.readline()
            assert line, "the demo ended by itself"
            heard += line
        demo.send_signal(sent)
        # Server and scheduler write to the same pipe: it closes when all processes are gone.
        rest = demo.stderr.read()
        demo.wait(PATIENCE)
    assert "Traceback" not in rest
    assert demo.returncode in {0, 128 + signal.SIGTERM, -signal.SIGKILL}

"""Processes of :mod:`bodies`: started, ended, asked what they have used, and sent to."""

from __future__ import annotations

import http.client
import os
import secrets
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PATH = "/api/v1/payment-notifications"
READY = {"serve": "http://", "schedule": "受信フォルダ"}
PUT_OFF = 503
TICKS = os.sysconf("SC_CLK_TCK")


class Process(NamedTuple):
    """A process of ours, and what it said when it was ready."""

    popen: subprocess.Popen[str]
    said: str


@contextmanager
def started(command: str, environment: dict[str, str], *words: str) -> Iterator[Process]:
    """``kokin COMMAND`` from the moment it is ready; ended at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "web", command, *words],
        env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        said = _ready(process, READY[command])
        threading.Thread(target=_forget, args=(process.stdout,), daemon=True).start()
        yield Process(process, said)
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(process: subprocess.Popen[str], word: str) -> str:
    """The line with which it says that it is ready; ends the script when it never does."""
    said = []
    for line in process.stdout or ():
        said.append(line)
        if word in line:
            return line
    sys.exit("".join(said[-20:]))


def _forget(stream: IO[str]) -> None:
    """What a process says must go somewhere."""
    for _line in stream:
        pass


def send(port: int, requests: list[tuple[str, str, bytes]]) -> None:
    """Signed requests to one server, one after the other; what is put off is sent again."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    for request in requests:
        while _post(connection, *request) == PUT_OFF:
            time.sleep(1)
    connection.close()


def _post(connection: http.client.HTTPConnection, key: str, secret: str, body: bytes) -> int:
    """One request, signed anew; what it was answered."""
    from web.notifications.signing import signed_headers  # noqa: PLC0415

    timestamp, nonce = str(int(time.time())), secrets.token_hex(8)
    headers = signed_headers(key, secret, timestamp, nonce, "POST", PATH, body)
    connection.request("POST", PATH, body, headers | {"Content-Type": "application/json"})
    answer = connection.getresponse()
    said = answer.read()
    if answer.status not in range(200, 300):
        print(f"answered {answer.status}: {said[:300]!r}", file=sys.stderr)
    return answer.status


def tree(pid: int) -> set[int]:
    """A process and its descendants."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # ended meanwhile
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def spent(pids: set[int]) -> float:
    """Seconds of processor, those of ended children included."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(each) for each in fields[11:15])
    return total / TICKS

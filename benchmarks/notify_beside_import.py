"""通知の速さ: signed notifications over HTTP while a large file is taken in, on SQLite.

``python benchmarks/notify_beside_import.py [--lines 100000 1000000] [--instalments 1000000]
[--every-ms 10] [--quiet-seconds 10] [--city FILE] [--folder DIR]``

A city is prepared once (not counted; ``--city`` takes a copy of a finished one). Then per size, on
fresh copies, each program in a process of its own:

floor   one bare durable insert (WAL, ``synchronous = FULL``) into a file of its own
kokin   ``POST /api/v1/payment-notifications`` over loopback against ``kokin serve``: signature,
        idempotency, the spool's commit, the answer

One is sent every 10 ms, whatever became of the one before (eight senders), and its time counts from
the moment at which it was due. ``alone``: nothing else runs. ``beside``: from the begin to the end
of ``take_in`` of the file in another process on the same books. ``booked`` is when the last of the
notifications stood in the books, from the end of the import; at the end each 2xx must be in the
books exactly once, or the script fails.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

CODE, RECEIVED = "99999", date(2026, 6, 2)
KEY, SECRET = "bench", "a-secret-of-the-benchmark-and-of-nothing-else"
SENDERS = 8
DRAIN_SECONDS = 600
BAD = 300


class Sent(NamedTuple):
    """One attempt: when it was due (seconds of the machine's clock), how long, which answer."""

    due: float
    seconds: float
    status: int


def main() -> None:
    """Prepare, measure, print one row per size and program."""
    parser = argparse.ArgumentParser(description="notifications beside an import")
    parser.add_argument("--lines", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--instalments", type=int, default=1_000_000)
    parser.add_argument("--every-ms", type=float, default=10)
    parser.add_argument("--quiet-seconds", type=float, default=10)
    parser.add_argument("--city", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--measure", choices=sorted(MEASURED), help=argparse.SUPPRESS)
    parser.add_argument("--place", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        MEASURED[options.measure](options)
        return
    print(
        f"{'lines':>9} {'program':<7} {'import s':>8} {'alone':>6} {'p50 ms':>7} {'p99':>7} "
        f"{'max':>7} {'beside':>6} {'p50 ms':>7} {'p99':>7} {'max':>7} {'booked s':>8}  answers"
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        city = folder / "city.sqlite"
        if options.city:
            _copy(options.city, city)
        _call("build", options, city)
        for lines in options.lines:
            options.lines = [lines]
            file = folder / f"{lines}.csv"
            _call("file", options, file)
            for program in ("floor", "kokin"):
                print(_row(program, options, city, file), flush=True)


def _row(program: str, options: argparse.Namespace, city: Path, file: Path) -> str:
    """One program: alone for a while, then beside the import."""
    home = city.parent / program
    home.mkdir(exist_ok=True)
    books = home / "kokin.sqlite3"
    for old in home.iterdir():
        old.unlink()
    _copy(city, books)
    with _sending(program, options, home) as sender:
        begun = time.monotonic()
        time.sleep(options.quiet_seconds)
        first = time.monotonic()
        import_seconds = float(_call("take_in", options, books, file))
        last = time.monotonic()
        sent = sender()
        if program == "kokin":
            _wait_until_booked(books)
    # The process of the import starts and ends outside of what it measures.
    first = max(first, last - import_seconds)
    alone = [s for s in sent if begun <= s.due < begun + options.quiet_seconds]
    beside = [s for s in sent if first <= s.due < last]
    answers = dict(sorted(Counter(s.status for s in sent).items()))
    booked = _booked(books, sent) - last if program == "kokin" else 0.0
    return (
        f"{options.lines[0]:>9,} {program:<7} {import_seconds:>8.1f} {_times(alone)} "
        f"{_times(beside)} {booked:>8.1f}  {answers}"
    )


def _times(sent: list[Sent]) -> str:
    """How many, p50, p99 and the worst in milliseconds."""
    found = sorted(s.seconds * 1000 for s in sent)
    p50, p99 = (found[min(int(len(found) * share), len(found) - 1)] for share in (0.5, 0.99))
    return f"{len(found):>6,} {p50:>7.1f} {p99:>7.1f} {found[-1]:>7.1f}"


@contextmanager
def _sending(
    program: str, options: argparse.Namespace, home: Path
) -> Iterator[Callable[[], list[Sent]]]:
    """The load runs inside; the value ends it and returns what it saw."""
    with _server(home) if program == "kokin" else _nothing(home) as place:
        load = subprocess.Popen(
            _command(program, options, place),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        _read_line(load.stdout)  # it sends

        def end() -> list[Sent]:
            found, _ = load.communicate("end\n")
            return [Sent(*each) for each in json.loads(found)]

        try:
            yield end
        finally:
            if load.poll() is None:
                load.kill()


@contextmanager
def _nothing(home: Path) -> Iterator[str]:
    """The floor needs a file and no server."""
    yield str(home / "floor.sqlite3")


@contextmanager
def _server(home: Path) -> Iterator[str]:
    """``kokin serve`` over the books; its port. Killed at the end, so that nothing is tidied."""
    environment = os.environ | {
        "KOKIN_HOME": str(home),
        "KOKIN_NOTIFICATION_KEYS": f"{KEY}:{SECRET}",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "web", "serve", "--port", "0"]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        said = _read_line(server.stderr)
        yield said.partition("127.0.0.1:")[2].partition("/")[0]
    finally:
        server.kill()
        server.communicate()


def _read_line(stream: IO[str] | None) -> str:
    """One line of a process of ours; fails when it has ended."""
    line = stream.readline() if stream is not None else ""
    return line or sys.exit("a process has ended by itself")


# ---- what runs in a process of its own ----


def _build(options: argparse.Namespace) -> None:
    """The city, or the newest schema for a copy of one."""
    from benchmarks._reconcile_city import build  # noqa: PLC0415
    from web.database import upgrade  # noqa: PLC0415

    path = Path(options.place)
    if path.exists():
        upgrade(f"sqlite:///{path}")
    else:
        build(f"sqlite:///{path}", options.instalments)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _file(options: argparse.Namespace) -> None:
    """The payment file."""
    from benchmarks._reconcile_city import payments  # noqa: PLC0415

    Path(options.place).write_bytes(payments(options.lines[0], options.instalments))


def _take_in(options: argparse.Namespace) -> None:
    """The import; prints its seconds."""
    from payments.store.engine import open_engine  # noqa: PLC0415
    from reconcile.model import Delivery  # noqa: PLC0415
    from reconcile.pipeline import take_in  # noqa: PLC0415

    books, _, file = options.place.partition("|")
    engine = open_engine(f"sqlite:///{books}")
    delivery = Delivery(Path(file).name, Path(file).read_bytes())
    begun = time.monotonic()
    report = take_in(engine, CODE, delivery, received_on=RECEIVED)
    print(time.monotonic() - begun)
    if report.count != options.lines[0]:
        sys.exit(f"taken in: {report.count}")


def _floor(options: argparse.Namespace) -> None:
    """Bare durable inserts of the same bytes."""
    body = json.dumps(_payment(1)).encode()
    connection = sqlite3.connect(options.place, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB)")
    one = threading.Lock()

    def insert(number: int) -> int:
        with one:
            connection.execute("INSERT INTO t VALUES (?, ?)", (number, body))
        return 0

    _load(options, lambda: insert)


def _kokin(options: argparse.Namespace) -> None:
    """Signed notifications."""
    from web.notifications.signing import signed_headers  # noqa: PLC0415

    def connect() -> Callable[[int], int]:
        connection = http.client.HTTPConnection("127.0.0.1", int(options.place))

        def post(number: int) -> int:
            body = json.dumps(_payment(number)).encode()
            timestamp = str(int(time.time()))
            nonce, path = secrets.token_hex(16), "/api/v1/payment-notifications"
            headers = signed_headers(KEY, SECRET, timestamp, nonce, "POST", path, body) | {
                "Idempotency-Key": f"n-{number}", "Content-Type": "application/json",
            }  # fmt: skip
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status

        return post

    _load(options, connect)


def _load(options: argparse.Namespace, connect: Callable[[], Callable[[int], int]]) -> None:
    """Send one every so often until told to end; print what became of each."""
    every = options.every_ms / 1000
    sent: list[Sent] = []
    ended = threading.Event()
    senders = [connect() for _ in range(SENDERS)]
    if senders[0](0) >= BAD:  # the first opens what later ones find open
        sys.exit("the first notification was refused")
    begun = time.monotonic() + 0.1

    def run(place: int) -> None:
        for number in range(1 + place, sys.maxsize, SENDERS):
            due = begun + number * every
            if ended.wait(max(due - time.monotonic(), 0)):
                return
            status = senders[place](number)
            sent.append(Sent(due, time.monotonic() - due, status))

    threads = [threading.Thread(target=run, args=(place,)) for place in range(SENDERS)]
    for thread in threads:
        thread.start()
    print("sending", flush=True)
    sys.stdin.readline()
    ended.set()
    for thread in threads:
        thread.join()
    print(json.dumps(sent))


def _payment(number: int) -> dict[str, Any]:
    """A payment by barcode that no file reports."""
    from benchmarks._reconcile_city import amount, free_area  # noqa: PLC0415
    from payments.domain.identifiers import konbini_check_digit  # noqa: PLC0415

    body = f"91912345{free_area(number + 1)}0260731{0}{amount(number + 1):06d}"
    return {
        "konbini_barcode": f"{body}{konbini_check_digit(body)}", "agent": "konbini_dsk",
        "cvs_code": "031", "shop_code": f"{number % 1_000_000:06d}",
        "amount_yen": amount(number + 1), "paid_on": "2026-06-02", "paid_at": "10:15",
    }  # fmt: skip


MEASURED: dict[str, Callable[[argparse.Namespace], None]] = {
    "build": _build, "file": _file, "take_in": _take_in, "floor": _floor, "kokin": _kokin,
}  # fmt: skip


# ---- around it ----


def _command(name: str, options: argparse.Namespace, place: str) -> list[str]:
    return [
        sys.executable, __file__, "--measure", name, "--place", place,
        "--instalments", str(options.instalments), "--lines", str(options.lines[0]),
        "--every-ms", str(options.every_ms),
    ]  # fmt: skip


def _call(name: str, options: argparse.Namespace, *places: Path) -> str:
    """This script again, for one step in a process of its own."""
    command = _command(name, options, "|".join(map(str, places)))
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _copy(source: Path, target: Path) -> None:
    """A copy that is on the disk, so that writing it back later disturbs no measurement."""
    shutil.copyfile(source, target)
    with target.open("rb+") as handle:
        os.fsync(handle.fileno())


def _spool(books: Path) -> Path:
    return books.with_name(f"{books.stem}-notifications{books.suffix}")


def _wait_until_booked(books: Path) -> None:
    """Until nothing waits in the spool any more."""
    until = time.monotonic() + DRAIN_SECONDS
    with closing(sqlite3.connect(_spool(books))) as spool:
        query = "SELECT COUNT(*) FROM notification_spool WHERE state = 'waiting'"
        while spool.execute(query).fetchone()[0]:
            if time.monotonic() > until:
                sys.exit("notifications are still waiting")
            time.sleep(0.05)


def _booked(books: Path, sent: list[Sent]) -> float:
    """When the last was booked (clock of the machine); fails unless each 2xx is there once."""
    with closing(sqlite3.connect(books)) as connection:
        files, payments = connection.execute(
            "SELECT (SELECT COUNT(*) FROM source_file WHERE channel = 'notification' "
            "AND status = 'accepted'), "
            "(SELECT COUNT(*) FROM payment_notification WHERE file_id IS NOT NULL)"
        ).fetchone()
    good = 1 + sum(each.status < BAD for each in sent)  # the first was not timed
    if not files == payments == good:
        sys.exit(f"sent {good}, files {files}, notifications {payments}")
    with closing(sqlite3.connect(_spool(books))) as connection:
        last = connection.execute(
            "SELECT (julianday(MAX(booked_at)) - 2440587.5) * 86400 FROM notification_spool"
        ).fetchone()[0]
    return float(last) - (time.time() - time.monotonic())


if __name__ == "__main__":
    main()

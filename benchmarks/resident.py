"""住民の照会の速さ: answers at a steady rate, with millions of slips and photographs beside.

``python benchmarks/resident.py [--slips 50000 500000 5000000] [--rate 200] [--seconds 20]
[--database sqlite|postgresql] [--photos 4] [--folder DIR] [--kept DIR] [--fill-only]``

A database with so many slips is filled by bulk statements (not counted): half of them paid, each
with its notice, instalment, keys and receipt; with ``--kept`` it stays there and is used again by
the next run. PostgreSQL writes to the disk as it is delivered (fsync, synchronous_commit). The
files are read once, so that what fits into memory is there as in a service that has been used. Then
``kokin serve`` runs as it is run in service, all limits on, and a process of its own asks at a
fixed rate from many addresses (``X-Forwarded-For``), three of four questions about a slip that is
there. A question counts from the moment at which it was to be asked, so that a server that stands
still is not spared what it missed.

Printed: p50, p95, p99 and the slowest in milliseconds beside the floor of the same run, a page that
asks nothing (``/healthz``) at the same rate; what a question costs the server's processor and that
of whoever asks, and what the host of the machine took away meanwhile (steal); the same again while
``--photos`` clients keep sending photographs; what was refused; the server's peak memory; the
weight of the first page. Whoever asks, the server and the database share the processors.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import random
import re
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from benchmarks._kept_cluster import kept_database  # noqa: E402 - the path above leads to it
from benchmarks._resident_place import (  # noqa: E402 - the same
    environment,
    fill_once,
    folder_of,
    free_port,
    number_of,
    read_once,
    wait_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_MS = 100
CONNECTIONS = 64
WARM_SECONDS = 3


class Measured(NamedTuple):
    """Latencies in milliseconds, sorted, and how the questions were answered."""

    times: list[float]
    statuses: dict[int, int]

    def at(self, share: float) -> float:
        """So many of the answers came within this time."""
        return self.times[min(len(self.times) - 1, int(len(self.times) * share))]


def main() -> None:
    """Fill, serve, ask, print."""
    parser = argparse.ArgumentParser(description="residents' questions at a steady rate")
    parser.add_argument("--slips", type=int, nargs="+", default=[50_000, 500_000, 5_000_000])
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--photos", type=int, default=4)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--fill-only", action="store_true")
    options = parser.parse_args()
    for slips in options.slips:
        named = (options.database, slips, options.kept, options.folder)
        with (
            folder_of(*named) as folder,
            kept_database(folder, options.database, "resident") as url,
        ):
            begun = time.monotonic()
            filled = fill_once(folder, url, slips)
            took = f"filled in {time.monotonic() - begun:.0f} s" if filled else "filled before"
            print(f"\n{options.database}, {slips:,} slips ({took})", flush=True)
            if not options.fill_only:
                read_once(folder)
                _measure(folder, url, slips, options)


# ---- serving and asking ----


def _measure(folder: Path, url: str, slips: int, options: argparse.Namespace) -> None:
    port = free_port()
    command = [sys.executable, "-m", "web", "serve", "--port", str(port)]
    with subprocess.Popen(
        command, env=environment(folder, url), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as server:
        try:
            wait_for(port)
            asyncio.run(_ask_all(port, slips, options, partial(_cpu_seconds, server.pid)))
            print(f"  server's peak memory: {_peak_mib(server.pid):,.0f} MiB")
        finally:
            server.terminate()


def _processes(pid: int) -> list[str]:
    """The server and its worker."""
    return [str(pid), *Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def _cpu_seconds(pid: int) -> float:
    """What both have used of a processor."""
    ticks = 0
    for each in _processes(pid):
        fields = Path(f"/proc/{each}/stat").read_text("utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _stolen_seconds() -> float:
    """What of its processors the machine was not given (steal)."""
    fields = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()
    return int(fields[8]) / os.sysconf("SC_CLK_TCK")


def _peak_mib(pid: int) -> float:
    """The largest of the two."""
    found = []
    for each in _processes(pid):
        with contextlib.suppress(OSError):
            said = Path(f"/proc/{each}/status").read_text("ascii")
            found += [int(kib) / 1024 for kib in re.findall(r"VmHWM:\s+(\d+)", said)]
    return max(found, default=0.0)


async def _ask_all(
    port: int, slips: int, options: argparse.Namespace, cpu: Callable[[], float]
) -> None:
    weight, head, body = await _first_page(port)
    print(f"  first page with its files: {weight / 1000:.0f} KB")

    def question(chance: random.Random) -> bytes:
        known = chance.random() < 0.75
        number = number_of(
            chance.randint(1, slips) if known else chance.randint(slips + 1, 10**8 - 1)
        )
        cut = (number[:5], number[5:25], number[25:31], number[31:])
        names = ("collecting_body_code", "case_key", "confirmation_no", "item_code")
        form = urlencode(dict(zip(names, cut, strict=True)) | body).encode()
        where = ".".join(str(chance.randint(1, 254)) for _ in range(4))
        return _post("/", form, f"{head}X-Forwarded-For: {where}\r\n")

    def floor(_chance: random.Random) -> bytes:
        return b"GET /healthz HTTP/1.1\r\nHost: k\r\n\r\n"

    await _steadily(port, question, options.rate, WARM_SECONDS)
    floored = await _steadily(port, floor, options.rate, options.seconds)
    _print("floor (/healthz)", floored, None)
    used, mine, stolen = cpu(), time.process_time(), _stolen_seconds()
    told = await _steadily(port, question, options.rate, options.seconds)
    each_ms = (cpu() - used) * 1000 / len(told.times)
    my_ms = (time.process_time() - mine) * 1000 / len(told.times)
    _print("status", told, floored)
    print(
        f"    processor of the server: {each_ms:.2f} ms for each question, "
        f"of who asks {my_ms:.2f}; taken away by the host: {_stolen_seconds() - stolen:.2f} s"
    )
    if options.photos:
        done = asyncio.Event()
        senders = [
            asyncio.create_task(_send_photos(port, head, body, done)) for _ in range(options.photos)
        ]
        beside = await _steadily(port, question, options.rate, options.seconds)
        done.set()
        sent = [status for each in senders for status in await each]
        _print("status beside photographs", beside, floored)
        read, full = sum(s in {200, 422} for s in sent), sum(s == 503 for s in sent)
        print(f"    photographs: {read} read, {full} told to come back, {len(sent)} in all")


async def _first_page(port: int) -> tuple[int, str, dict[str, str]]:
    """Bytes of the page and all it loads; the cookie and the token of its form."""
    answer = (await _once(port, b"GET / HTTP/1.1\r\nHost: k\r\n\r\n")).decode("utf-8", "replace")
    cookies = re.findall(r"(?im)^set-cookie: ([^;\r]+)", answer)
    token = re.search(r'name="csrf_token" value="([^"]+)"', answer)
    if token is None:
        sys.exit("the first page has no form")
    weight = len(answer.encode())
    for path in set(re.findall(r'(?:href|src)="(/static/[^"]+)"', answer)):
        weight += len(await _once(port, f"GET {path} HTTP/1.1\r\nHost: k\r\n\r\n".encode()))
    return weight, f"Cookie: {'; '.join(cookies)}\r\n", {"csrf_token": token.group(1)}


def _post(
    path: str, form: bytes, head: str, kind: str = "application/x-www-form-urlencoded"
) -> bytes:
    lines = f"POST {path} HTTP/1.1\r\nHost: k\r\nContent-Type: {kind}\r\n{head}"
    return f"{lines}Content-Length: {len(form)}\r\n\r\n".encode() + form


async def _once(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    _status, body = await _answer(reader)
    writer.close()
    return body


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: (\d+)", head)
    if length is not None:
        body = await reader.readexactly(int(length.group(1)))
    else:
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    return int(head.split(b" ", 2)[1]), head + body


async def _steadily(
    port: int, ask: Callable[[random.Random], bytes], rate: int, seconds: int
) -> Measured:
    """Questions at fixed moments, each counted from its own moment.

    They are made beforehand, and nothing is tidied up meanwhile: what whoever asks needs for itself
    would be counted as the server's.
    """
    chance = random.Random()  # noqa: S311 - no secret; other slips each time, none of them at hand
    requests = [ask(chance) for _ in range(rate * seconds)]
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    times: list[float] = []
    statuses: dict[int, int] = {}

    async def one(moment: float, request: bytes) -> None:
        reader, writer = await free.get()
        writer.write(request)
        status, _body = await _answer(reader)
        times.append((time.monotonic() - moment) * 1000)
        statuses[status] = statuses.get(status, 0) + 1
        free.put_nowait((reader, writer))

    gc.collect()
    gc.disable()
    begun, tasks = time.monotonic() + 0.1, []
    for number, request in enumerate(requests):
        moment = begun + number / rate
        wait = moment - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(one(moment, request)))
    await asyncio.gather(*tasks)
    gc.enable()
    while not free.empty():
        free.get_nowait()[1].close()
    return Measured(sorted(times), statuses)


async def _send_photos(
    port: int, head: str, body: dict[str, str], done: asyncio.Event
) -> list[int]:
    """One client that sends a photograph as soon as the last one was answered."""
    photo = _photo()
    edge = "edge7319"
    parts = b"".join(
        f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in body.items()
    )
    form = (
        parts
        + f'--{edge}\r\nContent-Disposition: form-data; name="photo"; filename="p.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n".encode() + photo + f"\r\n--{edge}--\r\n".encode()
    )  # fmt: skip
    chance, statuses = random.Random(), []  # noqa: S311 - no secret
    while not done.is_set():
        where = ".".join(str(chance.randint(1, 254)) for _ in range(4))
        kind = f"multipart/form-data; boundary={edge}"
        request = _post("/photo", form, f"{head}X-Forwarded-For: {where}\r\n", kind)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            writer.write(request)
            statuses.append((await _answer(reader))[0])
        writer.close()
        if statuses and statuses[-1] == 503:
            await asyncio.sleep(0.5)
    return statuses


def _photo() -> bytes:
    """A telephone's picture of twelve million pixels without a slip: the longest search."""
    import io  # noqa: PLC0415

    from PIL import Image  # noqa: PLC0415

    picture = Image.effect_noise((4000, 3000), 60)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=60)
    return out.getvalue()


def _print(name: str, found: Measured, floor: Measured | None) -> None:
    p99 = found.at(0.99)
    beside = f", {p99 / floor.at(0.99):.1f} of the floor's p99" if floor else ""
    kept = "" if floor is None else (" (kept)" if p99 < LIMIT_MS else f" (over {LIMIT_MS} ms)")
    print(
        f"  {name}: p50 {found.at(0.5):.1f}, p95 {found.at(0.95):.1f}, p99 {p99:.1f} ms{kept}, "
        f"slowest {found.times[-1]:.1f} ms; {found.statuses}{beside}"
    )


if __name__ == "__main__":
    main()

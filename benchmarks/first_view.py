"""住民の画面の最初の表示: how soon somebody on a slow line sees it, and what the line carries.

``python benchmarks/first_view.py [--times 5]``

``kokin serve`` with the sample municipality, and Chromium with nothing kept, behind a line of
400 kbit/s on which a way there and back takes 200 ms, and 400 ms. The browser's own emulation
(``Network.emulateNetworkConditions``) holds back each answer and hands its bytes on at that pace;
it connects at once, so a relay before the server holds every new connection back by three ways:
name, TCP and TLS 1.3, as for somebody who has never been there; the answer comes a fourth later.
The window in which TCP begins (14 KB) holds more than such a line has under way in 200 ms (10 KB),
so its slow start is left out.

Printed for each page and language: the median and the slowest first contentful paint in
milliseconds, the same without the three ways, the bytes that came over the line before the load
event, and the bytes of the same files without compression.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from browser import launched  # noqa: E402 - the path above leads to it

from benchmarks._resident_place import environment, free_port, wait_for  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Response

BYTES_PER_SECOND, LATENCIES_MS = 50_000, (200, 400)
WAYS_BEFORE = 3  # name, TCP, TLS 1.3
FIRST_VIEW_MS, BYTES_MAX = 1_000, 150_000
PAGES = ("/", "/several", "/help/", "/help/late-charge", "/my")
LANGUAGES = ("ja", "ja-easy", "vi")  # easy Japanese is the longest: every word has its reading
PAINTED = """async () => [
  await new Promise((found) => new PerformanceObserver((list) =>
    list.getEntriesByName("first-contentful-paint").forEach((each) => found(each.startTime))
  ).observe({ type: "paint", buffered: true })),
  [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .reduce((sum, each) => sum + each.transferSize, 0)]"""


def main() -> None:
    """Serve, look, print."""
    parser = argparse.ArgumentParser(description="the first view over a slow line")
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        _served(Path(name)) as address,
        launched() as chromium,
    ):
        for latency_ms in LATENCIES_MS:
            with _far_away(address, WAYS_BEFORE * latency_ms / 1000) as far:
                _look(chromium, f"{far}/", "ja", latency_ms)  # makes what is made once
                print(f"\n{BYTES_PER_SECOND * 8 // 1000} kbit/s, {latency_ms} ms there and back")
                for path, code in itertools.product(PAGES, LANGUAGES):
                    _print(chromium, far, path, code, latency_ms, options.times)


@contextlib.contextmanager
def _served(home: Path) -> Iterator[str]:
    url = f"sqlite:///{home / 'kokin.sqlite'}"
    port = free_port()
    command = [sys.executable, "-m", "web"]
    made = environment(home, url)
    subprocess.run([*command, "init", "--sample"], check=True, env=made, stdout=subprocess.DEVNULL)
    with subprocess.Popen(
        [*command, "serve", "--port", str(port)], env=made, stdout=subprocess.DEVNULL
    ) as server:
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@contextlib.contextmanager
def _far_away(address: str, seconds: float) -> Iterator[str]:
    """The same server, where a new connection is there only after so long."""
    port = int(address.rpartition(":")[2])

    class Line(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            time.sleep(seconds)
            with socket.create_connection(("127.0.0.1", port)) as there:
                back = threading.Thread(target=_carry, args=(there, self.request), daemon=True)
                back.start()
                _carry(self.request, there)
                back.join()

    class Relay(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Relay(("127.0.0.1", 0), Line) as relay:
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{relay.server_address[1]}"
        relay.shutdown()


def _carry(one: socket.socket, other: socket.socket) -> None:
    """What one says to the other, until it says no more."""
    with contextlib.suppress(OSError):
        while said := one.recv(65_536):
            other.sendall(said)
        other.shutdown(socket.SHUT_WR)


def _look(chromium: Browser, address: str, code: str, latency_ms: int) -> tuple[float, int, int]:
    """First paint in milliseconds, bytes over the line, bytes unpacked: by somebody who is new."""
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    plain: dict[str, int] = {}

    def weigh(answer: Response) -> None:
        plain[answer.url] = len(answer.body())

    page.on("response", weigh)
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            # It is counted from the beginning of the connection: by itself it would have passed
            # before the connection stands. Only the first answer matters here.
            "latency": (WAYS_BEFORE + 1) * latency_ms,
            "downloadThroughput": BYTES_PER_SECOND,
            "uploadThroughput": BYTES_PER_SECOND,
        },
    )
    page.goto(f"{address}?lang={code}", wait_until="load")
    painted, carried = page.evaluate(PAINTED)
    context.close()
    return painted, carried, sum(plain.values())


def _print(
    chromium: Browser, address: str, path: str, code: str, latency_ms: int, times: int
) -> None:
    found = [_look(chromium, address + path, code, latency_ms) for _ in range(times)]
    painted = sorted(each[0] for each in found)
    without = median(painted) - WAYS_BEFORE * latency_ms
    _, carried, plain = found[-1]
    kept = median(painted) < FIRST_VIEW_MS and plain < BYTES_MAX
    print(
        f"  {path:<18} {code:<8} first view {median(painted):5.0f} ms, slowest {painted[-1]:5.0f}, "
        f"without the ways before {without:4.0f}; "
        f"{carried / 1000:.0f} KB carried, {plain / 1000:.0f} KB unpacked "
        f"({'kept' if kept else 'OVER'})",
        flush=True,
    )


if __name__ == "__main__":
    main()

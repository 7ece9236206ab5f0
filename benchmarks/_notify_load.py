"""The load of :mod:`notify`, in a process of its own: one thread, many connections.

Reads a JSON object from standard input (:class:`Order`), prepares its requests, says "ready", sends
them, says "half" when half of them are answered, and prints what became of them (:class:`Seen`).
Requests are made beforehand, so that the machine is left to the server.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import selectors
import socket
import sys
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field

from benchmarks import _notify_floor
from benchmarks._reconcile_city import amount, free_area

KEY, SECRET = "bench", "a-secret-of-the-benchmark-and-of-nothing-else"
PATH = "/api/v1/payment-notifications"
CITY = 20_000  # instalments of the city: payments name its slips in turn
PATIENCE = 30  # seconds without any answer
GOOD = range(200, 300)
GONE = 0  # instead of a status: the server has closed the connection


@dataclass(frozen=True, slots=True)
class Order:
    """What to send: ``size`` notifications a request, for so long, as fast or as often."""

    kind: str  # "floor" or "kokin"
    port: int
    first: int = 0  # number of the first notification
    requests: int = 0  # at most
    size: int = 1
    seconds: float = 2.0
    rate: float = 0.0  # requests per second; 0: each connection sends as soon as it is answered
    connections: int = 16
    numbers: list[int] = field(default_factory=list)  # these notifications instead, one a request


@dataclass(slots=True)
class Seen:
    """What became of it."""

    seconds: float = 0.0
    times_ms: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    kept: list[int] = field(default_factory=list)  # places of requests that were answered 2xx


def request_bytes(order: Order, place: int) -> bytes:
    """One request, ready to be sent."""
    first = order.first + place * order.size
    numbers = [order.numbers[place]] if order.numbers else range(first, first + order.size)
    if order.kind == "floor":
        body = json.dumps(payment(numbers[0])).encode()
        headers = {"X-Signature": _notify_floor.sign(body), "Idempotency-Key": f"n-{numbers[0]}"}
        return _http("/notify", headers, body)
    if order.size == 1:
        body = json.dumps(payment(numbers[0])).encode()
        return _http(PATH, signed(body) | {"Idempotency-Key": f"n-{numbers[0]}"}, body)
    each = [payment(one) | {"notification_id": f"n-{one}"} for one in numbers]
    body = json.dumps({"notifications": each}).encode()
    return _http(PATH, signed(body), body)


def signed(body: bytes) -> dict[str, str]:
    """The headers of a signed request: the only place that knows how."""
    from web.notifications.signing import signed_headers  # noqa: PLC0415

    timestamp, nonce = str(int(time.time())), secrets.token_hex(8)
    return signed_headers(KEY, SECRET, timestamp, nonce, "POST", PATH, body)


def payment(number: int) -> dict[str, object]:
    """A payment of one of the city's slips by barcode that no file reports."""
    from payments.domain.identifiers import konbini_check_digit  # noqa: PLC0415

    slip = number % CITY + 1
    body = f"91912345{free_area(slip)}0260731{0}{amount(slip):06d}"
    return {
        "konbini_barcode": f"{body}{konbini_check_digit(body)}", "agent": "konbini_dsk",
        "cvs_code": "031", "shop_code": f"{number % 1_000_000:06d}", "amount_yen": amount(slip),
        "paid_on": "2026-06-02", "paid_at": f"{number % 24:02d}:{number // 24 % 60:02d}",
    }  # fmt: skip


def _http(path: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{''.join(lines)}\r\n"
    )
    return head.encode() + body


class Connection:
    """One connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.place = -1
        self.due = 0.0
        self._heard = b""

    def send(self, place: int, due: float, data: bytes) -> None:
        """Put a request on its way."""
        self.place, self.due, self._heard = place, due, b""
        with contextlib.suppress(OSError):  # A server that has gone is met when it is heard.
            self.socket.sendall(data)

    def answer(self) -> int | None:
        """The status, once the whole answer is there, or :data:`GONE`."""
        try:
            data = self.socket.recv(1 << 18)
        except OSError:
            return GONE
        self._heard += data
        head, separator, rest = self._heard.partition(b"\r\n\r\n")
        if not data:
            return GONE
        if not separator:
            return None
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        return int(head[9:12]) if len(rest) >= int(length or 0) else None


class Load:
    """An order, under way."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._requests = [
            request_bytes(order, place) for place in range(len(order.numbers) or order.requests)
        ]
        self._next = 0  # place of the request that is sent next
        self._idle: deque[Connection] = deque()
        self._selector = selectors.DefaultSelector()
        for _ in range(order.connections):
            connection = Connection(order.port)
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)
            self._idle.append(connection)
        self._begun = 0.0
        self.seen = Seen()
        self.statuses: Counter[int] = Counter()

    def run(self) -> Seen:
        """Send, and see what becomes of it; ends early when the server goes."""
        self._begun = time.perf_counter()
        while self._send() or len(self._idle) < self._order.connections:
            if not self._hear():
                break
        self.seen.seconds = time.perf_counter() - self._begun
        self.seen.statuses = dict(self.statuses)
        return self.seen

    def _due(self, now: float) -> float:
        """When the next request is to be sent."""
        rate = self._order.rate
        return self._begun + self._next / rate if rate else now

    def _send(self) -> bool:
        """Send what is due; whether more will be."""
        while True:
            now = time.perf_counter()
            if now >= self._begun + self._order.seconds or self._next == len(self._requests):
                return False
            due = self._due(now)
            if due > now or not self._idle:
                return True
            self._idle.popleft().send(self._next, due, self._requests[self._next])
            self._next += 1

    def _hear(self) -> bool:
        """Wait for answers, or for the next request to be due; False when the server has gone."""
        wait = float(PATIENCE)
        if self._order.rate and self._idle and self._next < len(self._requests):
            now = time.perf_counter()
            wait = max(self._due(now) - now, 0.0)
        found = self._selector.select(wait)
        if not found and wait == PATIENCE:
            sys.exit("no answer")
        answers = [(key.data, key.data.answer()) for key, _events in found]
        for connection, status in answers:
            if status:
                self._answered(connection, status)
        return all(status != GONE for _connection, status in answers)

    def _answered(self, connection: Connection, status: int) -> None:
        """Note one answer."""
        self.seen.times_ms.append((time.perf_counter() - connection.due) * 1000)
        self.statuses[status] += 1
        self._idle.append(connection)
        if status in GOOD:
            self.seen.kept.append(connection.place)
            if len(self.seen.kept) == (len(self._requests) + 1) // 2:
                print("half", flush=True)


def _main() -> None:
    load = Load(Order(**json.load(sys.stdin)))
    print("ready", flush=True)
    print(json.dumps(asdict(load.run())))


if __name__ == "__main__":
    _main()

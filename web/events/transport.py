"""署名付き送信: one signed POST, strict about where it goes and how long and how much it takes.

No redirect is followed, no proxy of the environment used, no compressed answer asked for; of the
answer only the status counts, and no more than a little of the rest is read. One deadline holds
for all of it, so that a receiver that answers a byte a minute holds nobody up.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from payments.store.phases import onward, phase
from web.events.addresses import UnreachableError, find_place
from web.events.signature import signatures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from web.events.addresses import Place, Reach

DELIVERED = "delivered"
SECONDS = 10.0  # for all of a request: connecting, sending and the answer
ANSWER_BYTES_MAX = 64 * 1024


class Answer(NamedTuple):
    """送信の結果: ``reason`` is :data:`DELIVERED`, or a stable code that says why not."""

    reason: str
    status: int | None
    duration_ms: int

    @property
    def was_heard(self) -> bool:
        """Whether something answered at all."""
        return self.status is not None


def post_signed(
    reach: Reach,
    url: str,
    secrets: Sequence[str],
    body: bytes,
    *,
    message_id: str,
    at: datetime,
    seconds: float = SECONDS,
    lines: Lines | None = None,
) -> Answer:
    """署名付きPOST of a JSON body; never raises for what is wrong out there.

    ``secrets``: those in force, the newest first. ``at`` is signed with the body, so that a
    receiver refuses what was recorded and sent again later. ``lines``: connections that stay open
    for what follows; without them there is one for this request only.
    """
    with phase("webhook") as say:
        answer = _post(reach, url, secrets, body, message_id, int(at.timestamp()), seconds, lines)
        say(reason=answer.reason, status=answer.status or 0)
    return answer


def _post(
    reach: Reach,
    url: str,
    secrets: Sequence[str],
    body: bytes,
    message_id: str,
    timestamp: int,
    seconds: float,
    lines: Lines | None,
) -> Answer:
    """The same within its phase, which whoever is asked can go on with (W3C Trace Context)."""
    begun = time.monotonic()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "kokin",
        "Accept-Encoding": "identity",
        "Connection": "close" if lines is None else "keep-alive",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signatures(secrets, message_id, timestamp, body),
        **onward(),
    }
    status = None
    try:
        status = None if lines is None else _ask_again(lines, url, body, headers, seconds)
        if status is None:
            left = seconds - (time.monotonic() - begun)
            connection = _Connection(
                find_place(reach, url), left, None if lines is None else lines.tls
            )
            status = _ask(connection, body, headers, left, lines, url)
        reason = _reason(status)
    except UnreachableError as error:
        reason = error.reason
    except TimeoutError:
        reason = "timeout"
    except ssl.SSLError:
        reason = "tls"
    except (OSError, http.client.HTTPException):
        is_late = time.monotonic() - begun >= seconds
        reason = "timeout" if is_late else "connection"
    return Answer(reason, status, round((time.monotonic() - begun) * 1000))


def _reason(status: int) -> str:
    if 200 <= status < 300:
        return DELIVERED
    return "redirected" if 300 <= status < 400 else "refused"


class Lines:
    """開いたままの接続 to receivers, for one round of sending; safe to ask from several threads."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        """Nothing is open yet; ``tls`` replaces the usual authorities."""
        self.tls = tls
        self._idle: dict[str, list[_Connection]] = {}
        self._guard = threading.Lock()

    def take(self, url: str) -> _Connection | None:
        """One that nobody uses; whoever takes it gives it back or closes it."""
        with self._guard:
            idle = self._idle.get(url)
            return idle.pop() if idle else None

    def give_back(self, url: str, connection: _Connection) -> None:
        """It may be used for the next request."""
        with self._guard:
            self._idle.setdefault(url, []).append(connection)

    def close(self) -> None:
        """The round is over."""
        with self._guard:
            for connection in (each for idle in self._idle.values() for each in idle):
                connection.close()
            self._idle.clear()


def _ask_again(
    lines: Lines, url: str, body: bytes, headers: Mapping[str, str], seconds: float
) -> int | None:
    """The status of the answer over a line that is open; None when there is none any more.

    A receiver may hang up between two requests. What it then has not answered is sent once more:
    it knows a repeat by the message's id.
    """
    connection = lines.take(url)
    if connection is None:
        return None
    try:
        return _ask(connection, body, headers, seconds, lines, url)
    except (ConnectionResetError, BrokenPipeError):
        if connection.is_cut:
            raise TimeoutError from None
        return None


def _ask(
    connection: _Connection,
    body: bytes,
    headers: Mapping[str, str],
    seconds: float,
    lines: Lines | None,
    url: str,
) -> int:
    """The status of the answer; the connection is closed, or given back to the lines."""
    connection.is_cut = keep = False
    deadline = threading.Timer(seconds, connection.cut)
    deadline.daemon = True
    deadline.start()
    try:
        connection.request("POST", connection.place.target, body, dict(headers))
        answer = connection.getresponse()
        if connection.is_cut:
            raise TimeoutError  # What looks like the end of the headers is where it was cut.
        with contextlib.suppress(OSError, http.client.HTTPException):
            answer.read(ANSWER_BYTES_MAX)  # The status has come; the rest is courtesy.
            keep = answer.isclosed() and not answer.will_close
        return answer.status
    finally:
        deadline.cancel()
        if lines is not None and keep and not connection.is_cut:
            lines.give_back(url, connection)
        else:
            connection.close()


@lru_cache(maxsize=1)
def _authorities() -> ssl.SSLContext:
    """The authorities of this machine, read once: that takes longer than a request."""
    return ssl.create_default_context()


class _Connection(http.client.HTTPConnection):
    """A connection to the address that was looked at, whatever the name means by now."""

    def __init__(self, place: Place, seconds: float, tls: ssl.SSLContext | None) -> None:
        super().__init__(place.host, place.port, timeout=seconds)
        self.default_port = 443 if place.secure else 80  # left out of the header Host
        self.place = place
        self.tls = tls
        self.is_cut = False

    def connect(self) -> None:
        """Connect to the address; the certificate must be that of the name."""
        self.sock = socket.create_connection((self.place.address, self.place.port), self.timeout)
        if self.place.secure:
            # Shaking hands is begun only when the deadline can reach the socket.
            self.sock = secured = (self.tls or _authorities()).wrap_socket(
                self.sock, server_hostname=self.place.host, do_handshake_on_connect=False
            )
            secured.do_handshake()

    def cut(self) -> None:
        """期限: end what is going on from beside it."""
        self.is_cut = True
        sock = self.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                # Not that of the secured socket, which would let go of the encryption first.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

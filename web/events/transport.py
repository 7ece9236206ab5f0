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
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """署名付きPOST of a JSON body; never raises for what is wrong out there.

    ``secrets``: those in force, the newest first. ``at`` is signed with the body, so that a
    receiver refuses what was recorded and sent again later. ``tls`` replaces the usual authorities.
    """
    begun = time.monotonic()
    timestamp = int(at.timestamp())
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "kokin",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signatures(secrets, message_id, timestamp, body),
    }
    status = None
    try:
        status = _ask(find_place(reach, url), body, headers, seconds, tls)
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


def _ask(
    place: Place,
    body: bytes,
    headers: Mapping[str, str],
    seconds: float,
    tls: ssl.SSLContext | None,
) -> int:
    """The status of the answer."""
    connection = _Connection(place, seconds, tls)
    deadline = threading.Timer(seconds, connection.cut)
    deadline.daemon = True
    deadline.start()
    try:
        connection.request("POST", place.target, body, dict(headers))
        answer = connection.getresponse()
        if connection.is_cut:
            raise TimeoutError  # What looks like the end of the headers is where it was cut.
        with contextlib.suppress(OSError, http.client.HTTPException):
            answer.read(ANSWER_BYTES_MAX)  # The status has come; the rest is courtesy.
        return answer.status
    finally:
        deadline.cancel()
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

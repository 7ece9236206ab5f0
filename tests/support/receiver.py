"""受信側: a small HTTP server of this machine that hears webhooks and answers as it is told."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator


@dataclass
class Heard:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What has been heard, and what is answered: statuses or functions, the last one for ever."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers: list[int | Callable[[BaseHTTPRequestHandler], None]] = field(
        default_factory=lambda: [200]
    )
    refuse_once: bytes = b""  # whatever holds this is refused, the first time
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, handler: BaseHTTPRequestHandler, body: bytes) -> Any:
        """Write down what came; what is to be answered."""
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self.lock:
            self.heard.append(Heard(handler.path, headers, body))
            if self.refuse_once and self.refuse_once in body:
                self.refuse_once = b""
                return 500
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def hang(self, _handler: BaseHTTPRequestHandler) -> None:
        """Answer nothing until the test is over."""
        self.over.wait(120)


@contextlib.contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        """Hears POST requests."""

        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            """One connection."""
            super().setup()
            with receiver.lock:
                receiver.connections += 1

        def do_POST(self) -> None:
            """One request."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = receiver.take(self, body)
            with contextlib.suppress(OSError):
                if callable(answer):
                    answer(self)
                    self.close_connection = True
                    return
                self.send_response(answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        """Its threads end with it."""

        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Whoever calls may hang up."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    scheme = "http" if tls is None else "https"
    receiver.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=120)


def told(receiver: Receiver) -> list[tuple[str, str]]:
    """Kind and slip of the events that were heard, in the order in which they came."""
    bodies = [json.loads(heard.body) for heard in receiver.heard]
    return [(body["type"], body["data"].get("slip", {}).get("slip_no", "")) for body in bodies]


def signed_with(heard: Heard, secret: str) -> bool:
    """署名の確認: a receiver's own check, written from the published convention alone."""
    content = ".".join((heard.headers["webhook-id"], heard.headers["webhook-timestamp"], ""))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, content.encode() + heard.body, hashlib.sha256).digest()
    expected = f"v1,{base64.b64encode(digest).decode()}"
    return expected in heard.headers["webhook-signature"].split()

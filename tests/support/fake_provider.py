"""見本の認証基盤: an OpenID provider on this machine that says what a test wants it to say."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from web import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Provider:
    """認証基盤: what it was asked, and how its next token differs from a right one."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})
        self.other = RSAKey.generate_key(2048, {"kid": "1"})
        self.issuer = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.claims: dict[str, Any] = {}  # instead of, or besides, the right ones; None: left out
        self.signs = self.key
        self.algorithm = "RS256"

    def sign_in(self, address: str, **claims: Any) -> str:
        """Somebody signs in there: the query with which the browser comes back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        self.claims = claims
        return f"code={code}&state={asked['state']}"

    def tokens(self, form: dict[str, str]) -> dict[str, str]:
        """The answer for a code, once, to whoever knows the verifier."""
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge:
            return {"error": "invalid_grant"}
        now = int(clock.now().timestamp())
        claims = {
            "iss": self.issuer, "aud": asked["client_id"], "sub": "1", "iat": now,
            "exp": now + 300, "nonce": asked["nonce"], "preferred_username": "kaikei",
        } | self.claims  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": "1"}
        return {"id_token": jwt.encode(header, claims, self.signs), "token_type": "Bearer"}

    def describe(self) -> dict[str, Any]:
        """Its own description."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }


@contextlib.contextmanager
def provider() -> Iterator[Provider]:
    """A provider on a free port of this machine."""
    found = Provider()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages: dict[str, Callable[[], dict[str, Any]]] = {
                "/.well-known/openid-configuration": found.describe,
                "/keys": lambda: {"keys": [found.key.as_dict(private=False)]},
            }
            self._say(pages[self.path]())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._say(found.tokens({name: each[0] for name, each in parse_qs(body).items()}))

        def _say(self, told: dict[str, Any]) -> None:
            data = json.dumps(told).encode()
            self.send_response(400 if "error" in told else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_given: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    found.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=120)

"""署名した要求: what a payment operator sends, for tests of the notification interface."""

from __future__ import annotations

import secrets
import time

from web.notifications.signing import signed_headers

URL = "/api/v1/payment-notifications"


def headers(
    key_id: str,
    secret: str,
    body: bytes = b"",
    *,
    method: str = "POST",
    path: str = URL,
    at: float | None = None,
    nonce: str = "",
    **more: str,
) -> dict[str, str]:
    """The headers of a request that is signed now, with a nonce of its own."""
    timestamp = str(int(time.time() if at is None else at))
    nonce = nonce or secrets.token_hex(16)
    return signed_headers(key_id, secret, timestamp, nonce, method, path, body) | more

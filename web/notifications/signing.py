"""署名: what an operator signs, and whether a signature holds.

The signature is the hexadecimal HMAC-SHA256, keyed with the secret, of five parts, each of the
first four ended by one line feed (U+000A), then the body as it is sent::

    timestamp   seconds since 1970-01-01T00:00:00Z, decimal
    nonce       16 to 64 characters of A-Z a-z 0-9 _ -, new for every request
    method      POST or GET
    path        as in the request line, from the first slash, with "?" and query where there is one;
                in the path all but A-Z a-z 0-9 - . _ ~ / is percent-encoded, in capitals
    body        the bytes of the body; nothing for GET
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY_HEADER = "X-Kokin-Key"
TIMESTAMP_HEADER = "X-Kokin-Timestamp"
NONCE_HEADER = "X-Kokin-Nonce"
SIGNATURE_HEADER = "X-Kokin-Signature"

TIMESTAMP = re.compile(r"[0-9]{1,12}")
NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


def canonical(timestamp: str, nonce: str, method: str, path: str, body: bytes) -> bytes:
    """署名対象: the bytes that are signed; see the head of this module."""
    return f"{timestamp}\n{nonce}\n{method}\n{path}\n".encode() + body


def sign(secret: str, timestamp: str, nonce: str, method: str, path: str, body: bytes = b"") -> str:
    """署名: 64 hexadecimal digits in small letters."""
    message = canonical(timestamp, nonce, method, path, body)
    return hmac.new(secret.encode(), message, sha256).hexdigest()


def signed_headers(
    key_id: str, secret: str, timestamp: str, nonce: str, method: str, path: str, body: bytes = b""
) -> dict[str, str]:
    """The four headers of a signed request."""
    return {
        KEY_HEADER: key_id,
        TIMESTAMP_HEADER: timestamp,
        NONCE_HEADER: nonce,
        SIGNATURE_HEADER: sign(secret, timestamp, nonce, method, path, body),
    }


def which_signed(secrets: Iterable[str], message: bytes, signature: str) -> int | None:
    """The place of the secret that made the signature, or None.

    Every secret is tried, each in the same time, so that how long it takes tells nothing.
    """
    found = None
    given = signature.lower().encode("utf-8", "replace")
    for place, secret in enumerate(secrets):
        expected = hmac.digest(secret.encode(), message, "sha256").hex().encode()
        if hmac.compare_digest(expected, given) and found is None:
            found = place
    return found

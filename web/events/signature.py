"""署名: what proves to a receiver that a request comes from here, after the Standard Webhooks.

https://www.standardwebhooks.com: the header ``webhook-signature`` holds, for each secret in force,
``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``; a receiver that knows one of them
is content, so that secrets are changed without a gap. A secret is written ``whsec_`` + base64.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING

from payments.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

PREFIX = "whsec_"
SECRET_BYTES = 32
SECRET_BYTES_MIN = 24  # as the Standard Webhooks ask for


def new_secret() -> str:
    """A secret nobody has chosen."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")


def key_of(secret: str) -> bytes:
    """The bytes to sign with; :class:`ConfigurationError` ``webhook_secret`` when it is none."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < SECRET_BYTES_MIN:
        raise ConfigurationError("webhook_secret")
    return key


def signatures(secrets_: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature``: one signature per secret, between spaces."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.new(key_of(one), content, sha256).digest()).decode("ascii")
        for one in secrets_
    )

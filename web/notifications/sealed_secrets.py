"""秘密の保管: secrets of payment operators as they lie in the database, sealed.

With the installation's key ring where there is one (``KOKIN_ENCRYPTION_KEYS``), otherwise with a
key derived from the installation's secret, so that a copy of the database alone signs nothing.
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from payments.store.sealed_bytes import KEY_BYTES, Key, KeyRing, key_id_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from web.config import Settings

INSTALLATION = "installation"  # id of the derived key


def seal(settings: Settings, place: str, secret: str, *, derived: bool = False) -> bytes:
    """封をする: ``place`` says where it will lie, and it opens nowhere else.

    ``derived``: with the derived key, although there is a ring.
    """
    ring = settings.key_ring()
    if derived or not ring:
        ring = _derived(settings.secret())
    return ring.seal(secret.encode(), place.encode())


def unseal(settings: Settings, place: str, sealed: bytes) -> str:
    """開く; raises :class:`ConfigurationError` ``encryption_key_missing`` or ``…_wrong``."""
    derived = key_id_of(sealed) == INSTALLATION
    ring = _derived(settings.secret()) if derived else settings.key_ring()
    return ring.open(sealed, place.encode()).decode()


@lru_cache(maxsize=4)
def _derived(secret: str) -> KeyRing:
    """The key ring that follows from the installation's secret (HKDF, RFC 5869)."""
    key = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"kokin api secrets").derive(secret.encode())
    return KeyRing([Key(INSTALLATION, key)])


def pending(settings: Settings, sealed: Iterable[bytes | None], *, clear: bool = False) -> int:
    """未更新: how many of these lie under another key than :func:`seal` would use now.

    ``clear``: than the derived one.
    """
    target = (not clear and settings.key_ring().newest) or INSTALLATION
    return sum(1 for each in sealed if each and key_id_of(bytes(each)) != target)


def digest(settings: Settings, text: str) -> bytes:
    """名の代わり: 32 bytes that only this installation makes of a text, always the same."""
    key = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"kokin names").derive(
        settings.secret().encode()
    )
    return hmac.digest(key, text.encode(), "sha256")

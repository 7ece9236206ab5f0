"""暗号化: bytes that only the holder of a key reads, and the key ring that opens them.

AES-256-GCM (NIST SP 800-38D) with a random nonce. What is sealed carries the id of its key, so that
several keys read while the newest one writes (鍵の更新). The ``context`` is authenticated with it
and is not stored: bytes that were moved to another place do not open there.

Sealed bytes: version (1 byte), length of the key id (1), key id (ASCII), nonce (12), ciphertext,
tag (16). Nothing here reads a file or the environment.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from payments.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY_BYTES = 32
KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,40}")
_VERSION = 1
_NONCE_BYTES = 12
_TAG_BYTES = 16
OVERHEAD_BYTES = 2 + _NONCE_BYTES + _TAG_BYTES  # and the length of the key id


class Key(NamedTuple):
    """鍵: its id, which is no secret, and its 32 bytes, which are."""

    key_id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Key({self.key_id!r})"

    @property
    def is_well_formed(self) -> bool:
        """Whether it has a name and the length of a key."""
        return KEY_ID.fullmatch(self.key_id) is not None and len(self.secret) == KEY_BYTES


class KeyRing:
    """鍵束: the newest key seals, every key opens. An empty ring seals nothing."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        """``keys`` from the oldest to the newest.

        Raises :class:`ConfigurationError` ``encryption_key_form`` or ``encryption_key_twice``.
        """
        self._keys = tuple(keys)
        self._ciphers: dict[str, AESGCM] = {}
        self.newest = ""  # "" where nothing is sealed
        for key in self._keys:
            if not key.is_well_formed:
                raise ConfigurationError("encryption_key_form", found=key.key_id[:40])
            if key.key_id in self._ciphers:
                raise ConfigurationError("encryption_key_twice", found=key.key_id)
            self._ciphers[key.key_id] = AESGCM(key.secret)
            self.newest = key.key_id

    def __reduce__(self) -> tuple[type[KeyRing], tuple[tuple[Key, ...]]]:
        """To a worker process goes what the ring is made of."""
        return KeyRing, (self._keys,)

    def __bool__(self) -> bool:
        return bool(self._ciphers)

    def __contains__(self, key_id: object) -> bool:
        return key_id in self._ciphers

    def seal(self, plain: bytes, context: bytes = b"") -> bytes:
        """封をする with the newest key; a ring without keys cannot.

        Raises :class:`ConfigurationError` ``encryption_key_none``.
        """
        if not self.newest:
            raise ConfigurationError("encryption_key_none")
        head = _head(self.newest)
        nonce = os.urandom(_NONCE_BYTES)
        cipher = self._ciphers[self.newest]
        return head + nonce + cipher.encrypt(nonce, plain, head + context)

    def open(self, sealed: bytes, context: bytes = b"") -> bytes:
        """開く with the key that the bytes name.

        Raises :class:`ConfigurationError` ``encryption_key_missing`` when the ring lacks it, and
        ``encryption_key_wrong`` when it does not fit: another key under that id, or changed bytes.
        """
        key_id = key_id_of(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise ConfigurationError("encryption_key_missing", found=key_id)
        start = 2 + len(key_id)
        nonce = sealed[start : start + _NONCE_BYTES]
        try:
            return cipher.decrypt(nonce, sealed[start + _NONCE_BYTES :], sealed[:start] + context)
        except (InvalidTag, ValueError):
            raise ConfigurationError("encryption_key_wrong", found=key_id) from None


NO_KEYS = KeyRing()


def key_id_of(sealed: bytes) -> str:
    """鍵の名: the id of the key that sealed these bytes, "" when they cannot have been sealed."""
    if len(sealed) < OVERHEAD_BYTES or sealed[0] != _VERSION:
        return ""
    return bytes(sealed[2 : 2 + sealed[1]]).decode("ascii", "replace")


def key_ring_from(text: str) -> KeyRing:
    """鍵束 from its text: ``key-id:base64`` each, oldest first, between spaces, commas or lines.

    What follows a ``#`` on a line is a remark. Raises :class:`ConfigurationError`
    ``encryption_key_form`` or ``encryption_key_twice``; neither tells the secret.
    """
    lines = (line.partition("#")[0] for line in text.splitlines())
    parts = (part for line in lines for part in line.replace(",", " ").split())
    return KeyRing(_key(number, part) for number, part in enumerate(parts, 1))


def _key(number: int, text: str) -> Key:
    key_id, _, encoded = text.partition(":")
    # Where the colon is missing, or both are the wrong way round, the secret stands before it: a
    # key that is none is named by its place alone.
    refused = ConfigurationError("encryption_key_form", found=f"#{number}")
    try:
        key = Key(key_id, base64.b64decode(encoded, validate=True))
    except binascii.Error:
        raise refused from None
    if not key.is_well_formed:
        raise refused
    return key


def new_key_text(key_id: str) -> str:
    """A key nobody has chosen, as one line of a key file."""
    if KEY_ID.fullmatch(key_id) is None:
        raise ConfigurationError("encryption_key_form", found=key_id[:40])
    return f"{key_id}:{base64.b64encode(os.urandom(KEY_BYTES)).decode('ascii')}"


def _head(key_id: str) -> bytes:
    return bytes((_VERSION, len(key_id))) + key_id.encode("ascii")

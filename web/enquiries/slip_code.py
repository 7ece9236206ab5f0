"""確認コード: twenty characters on a slip that stand for it, and that nobody can make up.

Five groups of four: 団体 (17 bits), the slip's number in the books (38 bits) and a keyed MAC over
both (45 bits). The alphabet is Crockford's base 32, without I, L, O and U, so that what is read
from paper is typed right; small letters and the usual mistakes are taken. Guessing one costs 2^44
tries against the limits of the page. The code stands behind the ``#`` of a printed address, which
no browser sends to a server: it is in no log. Changing the key makes every printed code worthless,
so it comes from the installation's secret and from nothing else. Pure.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import NamedTuple

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 20
_GROUP = 4
_BODY_BITS, _SLIP_BITS, _MAC_BITS = 17, 38, 45
_MISREAD = str.maketrans("OILoil", "011011", "- \u3000\t\r\nー－‐―")
_WIDE = {0xFF10 + n: ord("0") + n for n in range(10)}
_WIDE |= {first + n: ord("A") + n for first in (0xFF21, 0xFF41) for n in range(26)}


class Named(NamedTuple):
    """名指された納付書: whose body, and its number in the books."""

    municipality_code: str
    slip_id: int


def code_of(key: bytes, municipality_code: str, slip_id: int) -> str:
    """確認コード of a slip, in groups: ``4F7K-…``.

    Raises :class:`ValueError` for a number beyond what a code can hold.
    """
    if not 0 <= slip_id < 1 << _SLIP_BITS:
        raise ValueError(slip_id)
    named = Named(municipality_code, slip_id)
    value = (int(municipality_code) << _SLIP_BITS | slip_id) << _MAC_BITS | _mac(key, named)
    digits = "".join(ALPHABET[value >> 5 * place & 31] for place in reversed(range(LENGTH)))
    return "-".join(digits[n : n + _GROUP] for n in range(0, LENGTH, _GROUP))


def typed_code(text: str) -> str:
    """The twenty characters of what was typed or stood in an address; "" where it is no code."""
    plain = text.translate(_WIDE).translate(_MISREAD).upper()
    right = len(plain) == LENGTH and all(each in ALPHABET for each in plain)
    return plain if right else ""


def slip_of(key: bytes, code: str) -> Named | None:
    """What a code of :func:`typed_code` names; None when it was not made with this key."""
    value = 0
    for each in code:
        value = value << 5 | ALPHABET.index(each)
    mac, rest = value & (1 << _MAC_BITS) - 1, value >> _MAC_BITS
    named = Named(f"{rest >> _SLIP_BITS:05d}", rest & (1 << _SLIP_BITS) - 1)
    same = hmac.compare_digest(f"{mac:x}", f"{_mac(key, named):x}")
    return named if same and rest >> _SLIP_BITS < 1 << _BODY_BITS else None


def nobodys(code: str) -> Named:
    """What a code of :func:`typed_code` stands for that names no slip: itself, and no body."""
    return Named("", int(code, 36))


def _mac(key: bytes, named: Named) -> int:
    said = f"slip code|{named.municipality_code}|{named.slip_id}".encode()
    return int.from_bytes(hmac.new(key, said, sha256).digest()[:8]) >> (64 - _MAC_BITS)

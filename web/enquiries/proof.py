"""計算による確認: a small task that the page solves while somebody types, instead of a captcha.

The task is to find a number with which the SHA-256 of the task begins with so many zero bits
(Hashcash, Back 2002). One question costs a telephone a fraction of a second, a million questions
cost days. Nothing is sent anywhere else, nobody has to read pictures, and who has no JavaScript may
ask all the same, only less often (:mod:`web.enquiries.limits`). Pure.
"""

from __future__ import annotations

import hmac
import re
import secrets
from hashlib import sha256
from typing import NamedTuple

BITS, GUARDED_BITS = 15, 19  # as a rule, and while somebody seems to try numbers
LASTS_SECONDS = 2 * 3_600
_TASK = re.compile(r"(\d{10,12})\.([0-9a-f]{16})\.(\d{1,2})\.([0-9a-f]{32})")
_SOLUTION_MAX = 12  # digits


class Proof(NamedTuple):
    """解いた課題: its name and when it was set (seconds since 1970)."""

    name: str
    set_at: int


def task(key: bytes, now: float, *, guarded: bool) -> str:
    """課題: its moment, its name, its bits, and the seal that it was set here."""
    said = f"{int(now)}.{secrets.token_hex(8)}.{GUARDED_BITS if guarded else BITS}"
    return f"{said}.{_seal(key, said)}"


def bits_of(given: str) -> int:
    """How many zero bits a task asks for."""
    return int(given.split(".")[2])


def check(key: bytes, given: str, solution: str, now: float, *, guarded: bool) -> Proof | None:
    """The proof, when the task was set here lately and is solved; else None.

    A task set before the site was on its guard is too easy while it is.
    """
    found = _TASK.fullmatch(given)
    if found is None or not (solution.isascii() and solution.isdigit()):
        return None
    if len(solution) > _SOLUTION_MAX:
        return None
    set_at, name, bits, seal = found.groups()
    genuine = hmac.compare_digest(seal, _seal(key, given.rpartition(".")[0]))
    age = now - int(set_at)
    wanted = GUARDED_BITS if guarded else BITS
    if not genuine or not 0 <= age <= LASTS_SECONDS or int(bits) < wanted:
        return None
    return Proof(name, int(set_at)) if is_solved(given, solution, int(bits)) else None


def is_solved(given: str, solution: str, bits: int) -> bool:
    """Whether the digest begins with so many zero bits."""
    digest = sha256(f"{given}:{solution}".encode()).digest()
    return int.from_bytes(digest[:8]) >> (64 - bits) == 0


def solve(given: str) -> str:
    """解く: what the page does, for tests and measurements."""
    bits, number = bits_of(given), 0
    while not is_solved(given, str(number), bits):
        number += 1
    return str(number)


def _seal(key: bytes, said: str) -> str:
    return hmac.new(key, f"enquiry task|{said}".encode(), sha256).hexdigest()[:32]

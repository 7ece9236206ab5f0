"""乱数試験の道具: inputs made from real ones by accidents, and what no parser may do with them.

Input ``number`` of a run depends on the seed and its number alone, so that what a report names can
be made again. What counts as a failure: an exception that nobody has declared, more processor time
than :data:`SECONDS_MAX`, memory that is not given back, and memory out of proportion to the input.
"""

from __future__ import annotations

import base64
import copy
import gc
import math
import random
import re
import signal
import sys
import tracemalloc
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from payments.domain.errors import KokinError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

SIZE_MAX = 16_384  # bytes of one input
SECONDS_MAX = 5.0  # processor time for one input: what else the machine does is not counted
# Objects that may be more at the end than after the first tenth: caches that are not full yet.
BLOCKS_MAX = 60_000
RSS_MAX = 48 << 20
PEAK_MAX, PEAK_PER_BYTE = 4 << 20, 400
PEAK_EVERY = 1_000

_TOKENS = (
    b"", b"0", b"-1", b"+1", b"1e9", b"0x10", b"1_000", b" ", b"\t", b",", b'"', b'""', b"\r\n",
    b"\n", b"\r", b"\x1a", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe", b"T,", b"91", b"03", b"20260230",
    b"00000000", b"99999999", b"9" * 40, b"0" * 40, b"9" * 5_000, b"[" * 3_000, b'{"a":' * 1_000,
    b"NaN", b"Infinity", b"null", b"true", b'"\\ud800"', "１２３".encode("cp932"),
    "髙﨑".encode("cp932"), "髙﨑".encode(), "𠮷󠄀野".encode(), "\u202e".encode(), "ｶﾞ".encode("cp932"),
    "é\u0301".encode(), b"\x8f\xa2\xaf", b"\x80\xa0\xfd", b"=cmd|'/C'!A0", b"%s%n", b"../../etc",
)  # fmt: skip
_DIGITS = re.compile(rb"[0-9]+")
_ENCODINGS = ("utf-8", "cp932", "euc_jp", "utf-16", "utf-16-le", "iso2022_jp", "cp037")


class TooLongError(BaseException):
    """時間切れ: no ``Exception``, so that no parser can take it for one of its own."""


@dataclass(frozen=True)
class Parser:
    """試す相手: real inputs, and what reads them; ``read`` raises what must not happen."""

    name: str
    seeds: tuple[bytes, ...]
    read: Callable[[bytes], None]


@dataclass
class Run:
    """乱数試験の結果: what was thrown, what was refused, and every different failure once."""

    parser: str
    seed: int
    inputs: int = 0
    refused: int = 0
    failures: dict[str, str] = field(default_factory=dict)  # what happened → the input, base64
    blocks: int = 0  # objects more than after the first tenth
    rss: int = 0  # bytes more than after the first tenth


def mutated(seeds: Sequence[bytes], seed: int, number: int) -> bytes:
    """One input: a real one after one to eight accidents, at most :data:`SIZE_MAX` bytes."""
    rng = random.Random(seed * 1_000_000_007 + number)
    data = rng.choice(seeds)
    for _ in range(1 << rng.randrange(4)):
        data = _ACCIDENTS[rng.randrange(len(_ACCIDENTS))](data, rng, seeds)[:SIZE_MAX]
    return data


def throw(
    parser: Parser, count: int, seed: int, *, watch: bool = False, seconds: float = SECONDS_MAX
) -> Run:
    """Throw ``count`` inputs at a parser; ``watch`` also looks at its memory."""
    run = Run(parser.name, seed)
    blocks = rss = 0
    with _watching():
        for number in range(count):
            data = mutated(parser.seeds, seed, number)
            peak = watch and number % PEAK_EVERY == PEAK_EVERY - 1
            _one(parser, data, run, seconds, peak=peak)
            if watch and number == count // 10:
                blocks, rss = _held()
    if watch and count >= 10:
        now_blocks, now_rss = _held()
        run.blocks, run.rss = now_blocks - blocks, now_rss - rss
        if run.blocks > BLOCKS_MAX or run.rss > RSS_MAX:
            run.failures[f"grows: {run.blocks} objects, {run.rss} bytes"] = ""
    return run


def _one(parser: Parser, data: bytes, run: Run, seconds: float, *, peak: bool) -> None:
    """One input; whatever comes of it is written down, and the run goes on."""
    run.inputs += 1
    if peak:
        tracemalloc.start()
    try:
        with _at_most(seconds):
            parser.read(data)
    except KokinError as error:
        run.refused += 1
        if not re.fullmatch("[a-z][a-z0-9_]*", error.error_code):
            run.failures.setdefault(f"code {error.error_code!r}", _shown(data))
    except Exception as error:  # noqa: BLE001 - whatever nobody declared is what we look for
        run.failures.setdefault(_where(error), _shown(data))
    except TooLongError as error:
        run.failures.setdefault(f"too long: {_where(error)}", _shown(data))
    finally:
        if peak:
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            if most > PEAK_MAX + PEAK_PER_BYTE * len(data):
                run.failures.setdefault("takes too much memory", f"{most} {_shown(data)}")


@contextmanager
def _watching() -> Iterator[None]:
    """見張り: from here on :func:`_at_most` ends what takes too long."""
    before = signal.signal(signal.SIGVTALRM, _ring)
    try:
        yield
    finally:
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise :class:`TooLongError` after this much processor time, wherever Python is."""
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _ring(_signum: int, _frame: FrameType | None) -> None:
    raise TooLongError


def _where(error: BaseException) -> str:
    """The kind of a failure and the last line of our own that it came from."""
    place, trace = "", error.__traceback__
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if path.name != "fuzzing.py" and "site-packages" not in path.parts:
            place = f"{path.name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {place}"


def _shown(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _held() -> tuple[int, int]:
    """Objects that are alive, and bytes of this process that are in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return sys.getallocatedblocks(), pages * 4_096


# -- accidents ------------------------------------------------------------------------------------


def _span(data: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + 1 + int(rng.random() ** 3 * 200))


def _flip(data: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    if not data:
        return data
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << rng.randrange(8))]) + data[place + 1 :]


def _byte(data: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    start, _end = _span(data, rng)
    return data[:start] + bytes([rng.randrange(256)]) + data[start + 1 :]


def _cut(data: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    place = rng.randrange(len(data) + 1)
    return data[:place] if rng.random() < 0.7 else data[place:]


def _remove(data: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    start, end = _span(data, rng)
    return data[:start] + data[end:]


def _repeat(data: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    start, end = _span(data, rng)
    return data[:end] + data[start:end] * rng.choice((1, 2, 7, 100)) + data[end:]


def _insert(data: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    start, end = _span(data, rng)
    return data[:start] + rng.choice(_TOKENS) + data[start if rng.random() < 0.5 else end :]


def _splice(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    other = rng.choice(seeds)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _lines(data: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    rows = data.splitlines(keepends=True)
    if not rows:
        return data
    one, other = rng.randrange(len(rows)), rng.randrange(len(rows))
    if rng.random() < 0.5:
        rows[one], rows[other] = rows[other], rows[one]
    else:
        rows[one:one] = rows[other : other + 3]
    return b"".join(rows)


def _number(data: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    """Another number where one stands: of the same width, huge, negative or none."""
    places = [match.span() for match in _DIGITS.finditer(data)]
    if not places:
        return data
    start, end = rng.choice(places)
    width = end - start
    value = rng.choice((b"9" * width, b"0" * width, b"9" * 18, b"9" * 400, b"-" + b"9" * width,
                        b"", b"%d" % rng.getrandbits(64), bytes(rng.choices(b"0123456789", k=width))))  # fmt: skip
    return data[:start] + value + data[end:]


def _encode(data: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    text = data.decode(rng.choice(_ENCODINGS[:2]), "replace")
    return text.encode(rng.choice(_ENCODINGS), "replace")


def _newline(data: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    return data.replace(b"\r\n", rng.choice((b"\n", b"\r", b"", b"\r\n\r\n", b"\n\r")))


# -- accidents of values, for what is read from TOML or JSON ---------------------------------------

_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 10**6, 10**30, -(10**30), 0.5, math.nan, math.inf, "", " ", "0", "-1",
    "99999", "9" * 400, "１２３", "ﾃｽﾄ", "髙", "\ud800", "\x00", "2026-02-30", "2026-06-30", "25:00",
    "../a", [], [1], [[]], {}, {"": 1}, [{}], date(1, 1, 1), date(9999, 12, 31),
)  # fmt: skip


def shaken(value: Any, data: bytes) -> Any:
    """A tree of tables, lists and values with one to four accidents that ``data`` decides.

    Without any data none happens.
    Accidents of the text would nearly all end at the reader of TOML; these come behind it.
    """
    found = copy.deepcopy(value)
    rng = random.Random(data)
    for _ in range(rng.randrange(1, 5) if data else 0):
        _shake(found, rng)
    return found


def _shake(value: Any, rng: random.Random) -> None:
    """One accident somewhere in the tree."""
    key: Any
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = rng.choice(keys)
        if not isinstance(value[key], dict | list) or not value[key] or rng.random() < 0.1:
            break
        value = value[key]
    match rng.randrange(8):
        case 0:
            del value[key]
        case 1:
            value[key] = [value[key]]
        case 2 if isinstance(value, dict):
            value["another"] = value[key]
        case 3 if isinstance(value, list):
            value.append(copy.deepcopy(value[key]))
        case _:
            value[key] = copy.deepcopy(rng.choice(_VALUES))


_ACCIDENTS = (
    _flip, _byte, _byte, _cut, _remove, _repeat, _insert, _insert, _splice, _lines, _number, _number,
    _encode, _newline,
)  # fmt: skip

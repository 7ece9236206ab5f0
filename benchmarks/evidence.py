"""証拠の速さ: keeping and reading evidence in clear and sealed, in turns, on one database.

``python benchmarks/evidence.py [--sizes 1 16 64] [--small 5000] [--rounds 3] [--url postgresql://…]``

copy      the bytes hashed and written to a file and to the disk (fsync), read back: the floor
clear     ``write_evidence`` with its commit, ``read_evidence``, without a key ring
sealed    the same with one key
rekey     every piece opened with one key and sealed with the next

In MB (10⁶ bytes) per second, the best round of each. ``--small``: so many notifications of 300
bytes, one evidence each, a hundred to a commit, as the booker writes them; per second.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

CODE = "99999"
MEGABYTE = 1_000_000
NOTE_BYTES, NOTES_PER_COMMIT = 300, 100


def main() -> None:
    """Measure in turns, print one line per size."""
    parser = argparse.ArgumentParser(description="evidence in clear and sealed")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--small", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--url")
    options = parser.parse_args()
    from payments.store.engine import open_engine  # noqa: PLC0415
    from payments.store.sealed_bytes import Key, KeyRing  # noqa: PLC0415
    from web.database import upgrade  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{folder}/books.sqlite"
        upgrade(url)
        keys = [Key(f"bench-{uuid.uuid4().hex[:8]}", os.urandom(32)) for _ in range(2)]
        clear, sealed = open_engine(url), open_engine(url, keys=KeyRing(keys[:1]))
        turned = open_engine(url, keys=KeyRing(keys))
        for size in options.sizes:
            found: dict[str, tuple[float, float]] = {}
            for _ in range(options.rounds):
                _best(found, "copy", _copy(Path(folder), size * MEGABYTE))
                _best(found, "clear", _evidence(clear, size * MEGABYTE))
                _best(found, "sealed", _evidence(sealed, size * MEGABYTE))
            for name, (write, read) in found.items():
                speed = f"write {size / write:8,.0f} MB/s   read {size / read:8,.0f} MB/s"
                print(f"{size:>4} MB  {name:<7} {speed}", flush=True)
        for name, engine in (("clear", clear), ("sealed", sealed)):
            best = min(_notes(engine, options.small) for _ in range(options.rounds))
            print(
                f"{options.small:,} of {NOTE_BYTES} bytes  {name:<7} {options.small / best:,.0f}/s"
            )
        _rekey(turned)
        for engine in (clear, sealed, turned):
            engine.dispose()


def _best(found: dict[str, tuple[float, float]], name: str, took: tuple[float, float]) -> None:
    before = found.get(name, took)
    found[name] = (min(before[0], took[0]), min(before[1], took[1]))


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _copy(folder: Path, size: int) -> tuple[float, float]:
    data, path = os.urandom(size), folder / "copy"

    def write() -> None:
        hashlib.sha256(data).hexdigest()
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    return _timed(write), _timed(path.read_bytes)


def _evidence(engine: Engine, size: int) -> tuple[float, float]:
    from payments.store.unit_of_work import reading, unit_of_work  # noqa: PLC0415
    from reconcile.store.evidence import read_evidence, write_evidence  # noqa: PLC0415

    data, sha256 = os.urandom(size), ""

    def write() -> None:
        nonlocal sha256
        sha256 = hashlib.sha256(data).hexdigest()
        with unit_of_work(engine, CODE) as connection:
            write_evidence(connection, CODE, sha256, data)

    def read() -> None:
        with reading(engine, CODE) as connection:
            if read_evidence(connection, CODE, sha256) != data:
                message = "the evidence came out otherwise"
                raise RuntimeError(message)

    return _timed(write), _timed(read)


def _notes(engine: Engine, number: int) -> float:
    from payments.store.unit_of_work import unit_of_work  # noqa: PLC0415
    from reconcile.store.evidence import write_evidence  # noqa: PLC0415

    notes = [os.urandom(NOTE_BYTES) for _ in range(number)]

    def write() -> None:
        for start in range(0, number, NOTES_PER_COMMIT):
            with unit_of_work(engine, CODE) as connection:
                for note in notes[start : start + NOTES_PER_COMMIT]:
                    write_evidence(connection, CODE, hashlib.sha256(note).hexdigest(), note)

    return _timed(write)


def _rekey(engine: Engine) -> None:
    from reconcile.store.rekey import rekey  # noqa: PLC0415

    begun = time.perf_counter()
    done = rekey(engine, CODE, actor="benchmark", at=datetime.now(UTC))
    seconds = time.perf_counter() - begun
    speed = f"{done.size_bytes / MEGABYTE / seconds:,.0f} MB/s"
    print(f"rekey {done.pieces:,} pieces, {done.size_bytes / MEGABYTE:,.0f} MB  {speed}")


if __name__ == "__main__":
    main()

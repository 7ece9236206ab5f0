"""Parquet: rows as lines of JSON become a file that only its owner reads, in their order."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING

import duckdb

from payments.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A place beside ``target`` to write to; what is still there at the end is removed.

    Raises :class:`ConfigurationError` ``output_unwritable`` for what the disk refuses.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield part
    except (OSError, duckdb.IOException) as error:
        raise ConfigurationError(
            "output_unwritable", path=str(target), found=type(error).__name__
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_rows(target: Path, columns: Mapping[str, str], lines: Iterable[str]) -> None:
    """Objects of JSON with these columns (name → type of DuckDB), a line each, as Parquet."""
    told = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    source = f"read_json(?, format = 'newline_delimited', columns = {{{told}}})"
    plain = target.with_name(f"{target.name}.jsonl")
    try:
        with os.fdopen(os.open(plain, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as stream:
            stream.writelines(f"{line}\n" for line in lines)
        with duckdb.connect(":memory:", config={"threads": "1"}) as books:
            books.sql(f"SELECT * FROM {source}", params=[str(plain)]).write_parquet(
                str(target), compression="zstd"
            )
        target.chmod(0o600)
    finally:
        plain.unlink(missing_ok=True)


def read_rows(path: Path, columns: Iterable[str]) -> Iterator[dict[str, object]]:
    """The rows of a file in their order."""
    names = list(columns)
    with duckdb.connect(":memory:", config={"threads": "1"}) as books:
        found = books.execute(f"SELECT {', '.join(names)} FROM read_parquet(?)", [str(path)])
        while portion := found.fetchmany(5_000):
            for row in portion:
                yield dict(zip(names, row, strict=True))


def file_sha256(path: Path) -> str:
    """The SHA-256 of the bytes of a file."""
    with path.open("rb") as stream:
        digest = sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()

"""統計のファイル (Parquet): one file for each body and month, beside the books, never in them.

Whoever asks about many bodies reads these files and asks no database of the service. A day that is
written again replaces what the file had of it; everything else of the month stays as it is.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import duckdb

from payments.domain.errors import ConfigurationError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from web.statistics.cells import StatisticsRow

FILES = "collections-*.parquet"
_COLUMNS = (
    "municipality_code VARCHAR, booked_on DATE, levy_code VARCHAR, channel VARCHAR, "
    "number BIGINT, amount_yen BIGINT, withheld BOOLEAN, closed BOOLEAN"
)
# 照会: what is asked of the files of many bodies; `collections` is all of them.
_TOLD = "levy_code <> 'all' AND channel <> 'all'"
QUERIES = {
    "months": (
        "SELECT strftime(booked_on, '%Y-%m') AS month, SUM(number) AS number, "
        "SUM(amount_yen) AS amount_yen, COUNT(DISTINCT municipality_code) AS bodies, "
        "COUNT(*) FILTER (WHERE withheld) AS withheld_days FROM collections "
        "WHERE levy_code = 'all' AND channel = 'all' GROUP BY 1 ORDER BY 1"
    ),
    "bodies": (
        "SELECT municipality_code, MIN(booked_on) AS first_day, MAX(booked_on) AS last_day, "
        "SUM(number) AS number, SUM(amount_yen) AS amount_yen, "
        "COUNT(*) FILTER (WHERE NOT closed) AS open_days FROM collections "
        "WHERE levy_code = 'all' AND channel = 'all' GROUP BY 1 ORDER BY 1"
    ),
    "channels": (
        "SELECT strftime(booked_on, '%Y-%m') AS month, channel, SUM(number) AS number, "
        "SUM(amount_yen) AS amount_yen, COUNT(*) FILTER (WHERE withheld) AS withheld_cells "
        f"FROM collections WHERE {_TOLD} GROUP BY ALL ORDER BY ALL"
    ),
    "levies": (
        "SELECT strftime(booked_on, '%Y-%m') AS month, levy_code, SUM(number) AS number, "
        "SUM(amount_yen) AS amount_yen, COUNT(*) FILTER (WHERE withheld) AS withheld_cells "
        f"FROM collections WHERE {_TOLD} GROUP BY ALL ORDER BY ALL"
    ),
}


def file_of(folder: Path, municipality_code: str, day: date) -> Path:
    """The file that holds a day."""
    return folder / f"collections-{municipality_code}-{day:%Y-%m}.parquet"


def write_day(
    folder: Path, municipality_code: str, day: date, rows: Sequence[StatisticsRow]
) -> Path:
    """一日の書出し: the rows of one day take the place of those of the day in its month's file.

    Written beside its place and renamed. Raises :class:`ConfigurationError`
    ``output_unwritable``.
    """
    target = file_of(folder, municipality_code, day)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(":memory:", config={"threads": "1"}) as books:
            books.execute(f"CREATE TABLE day ({_COLUMNS})")
            if target.exists():
                books.execute(
                    "INSERT INTO day SELECT * FROM read_parquet(?) WHERE booked_on <> ?",
                    [str(target), day],
                )
            books.executemany("INSERT INTO day VALUES (?, ?, ?, ?, ?, ?, ?, ?)", list(rows))
            books.table("day").order("booked_on, levy_code, channel").write_parquet(
                str(part), compression="zstd"
            )
        part.replace(target)
    except (OSError, duckdb.IOException) as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise ConfigurationError(
            "output_unwritable", path=str(target), found=type(error).__name__
        ) from error
    return target


def ask(folder: Path, question: str) -> tuple[list[str], list[tuple[object, ...]]]:
    """照会: column names and rows of one statement over the files of a folder.

    ``question`` is a name of :data:`QUERIES` or SQL over ``collections``. It sees these files and
    nothing else of the machine. Raises :class:`InvalidValueError` ``statistics_none`` without any
    file and ``statistics_query`` when the statement is wrong.
    """
    if not any(folder.glob(FILES)):
        raise InvalidValueError("statistics_none", path=str(folder))
    with duckdb.connect(":memory:", config={"threads": "2"}) as books:
        books.execute("SET TimeZone = 'Asia/Tokyo'")
        books.execute(f"SET allowed_directories = ['{_quoted(folder.resolve())}/']")
        books.execute("SET enable_external_access = false")
        books.execute("SET lock_configuration = true")
        try:
            files = _quoted(folder.resolve() / FILES)
            books.execute(f"CREATE VIEW collections AS SELECT * FROM read_parquet('{files}')")
            found = books.execute(QUERIES.get(question, question))
            names = [column[0] for column in found.description or []]
            return names, found.fetchall()
        except duckdb.Error as error:
            raise InvalidValueError("statistics_query", found=str(error)) from error


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")

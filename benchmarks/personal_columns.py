"""What sealed addresses cost: texts sealed and opened a second, and bytes, against clear ones.

``.venv/bin/python benchmarks/personal_columns.py [--people 200000]`` on a new SQLite database.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from sqlalchemy import text  # noqa: E402

from payments.store.engine import open_engine  # noqa: E402
from payments.store.municipalities import save_profile  # noqa: E402
from payments.store.personal import open_address, reseal_columns  # noqa: E402
from payments.store.sealed_bytes import Key, KeyRing  # noqa: E402
from payments.store.unit_of_work import reading, unit_of_work  # noqa: E402
from web.commands.setup import sample_profile  # noqa: E402
from web.database import upgrade  # noqa: E402

if TYPE_CHECKING:
    from sqlalchemy import Engine

M = "99999"
ADDRESS = "見本県みほん市見本一丁目17番9号 みほんハイツ201"


def main() -> None:
    """Seal all, open all, say how long it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=200_000)
    people = parser.parse_args().people
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/kokin.sqlite3"
        upgrade(url)
        engine = open_engine(url, keys=KeyRing([Key("2026", os.urandom(32))]))
        with unit_of_work(engine, M) as connection:
            save_profile(connection, sample_profile())
            connection.execute(
                text(
                    "INSERT INTO obligor (municipality_code, obligor_no, name, kana, kana_folded, "
                    "postal_code, address) "
                    "VALUES (:m, :no, '見本', 'ミホン', 'ミホン', '1000001', :a)"
                ),
                [{"m": M, "no": f"{n:012d}", "a": ADDRESS} for n in range(people)],
            )
        print(f"read in clear: {read(engine, people):.2f} s for {people:,}")
        begun = time.perf_counter()
        reseal_columns(engine, M)
        print(f"sealed:        {time.perf_counter() - begun:.2f} s")
        print(f"read sealed:   {read(engine, people):.2f} s")
        engine.dispose()


def read(engine: Engine, people: int) -> float:
    """Seconds to read every address."""
    begun = time.perf_counter()
    with reading(engine, M) as connection:
        rows = connection.execute(text("SELECT obligor_no, address FROM obligor")).all()
        found = [open_address(connection, M, row.obligor_no, row.address) for row in rows]
    assert found == [ADDRESS] * people  # noqa: S101 - a benchmark of something wrong says nothing
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()

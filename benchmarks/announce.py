"""外部通知の費用: intake with nobody listening beside intake with a subscriber, in the same run.

``python benchmarks/announce.py [--lines 100000] [--instalments 200000]
[--databases sqlite postgresql] [--runs 3] [--folder DIR]``

The file and the city are those of ``reconcile.py``; every line of the file pays an instalment, so
that a subscriber means one event per line. ``silent`` is the floor: the same intake of the same
file before anybody has subscribed. ``drop`` is what the job takes afterwards to write all events
into files, which is also what reading and encoding them costs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from benchmarks.reconcile import CODE, Place, cities, kokin  # noqa: E402


def main() -> None:
    """Prepare, measure, print one row per database and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=[100_000])
    parser.add_argument("--instalments", type=int, default=200_000)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--measure", choices=["silent", "told"])
    parser.add_argument("--url")
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, Place(options.url, options.folder))))
        return
    print(
        f"{'database':<10} {'lines':>9} {'silent s':>8} {'told s':>8} {'ratio':>6} "
        f"{'us/event':>8} {'drop s':>8}"
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        folder.chmod(0o711)
        for database in options.databases:
            with cities(database, folder) as made:
                city = made.make(options.instalments)
                for lines in options.lines:
                    file = made.folder / f"payments-{lines}.csv"
                    _write_file(file, lines, options.instalments)
                    found: dict[str, list[dict[str, float]]] = {"silent": [], "told": []}
                    for _ in range(options.runs):
                        for kind, results in found.items():
                            results.append(_run(kind, made.copy(city), file))
                    _print(made.name, lines, found)


def _print(database: str, lines: int, found: dict[str, list[dict[str, float]]]) -> None:
    """One row of medians."""
    silent, told = (
        statistics.median(one["seconds"] for one in found[kind]) for kind in ("silent", "told")
    )
    events = found["told"][0]["events"]
    drop = statistics.median(one["drop"] for one in found["told"])
    print(
        f"{database:<10} {lines:>9,} {silent:>8.2f} {told:>8.2f} {told / silent:>6.2f} "
        f"{(told - silent) / events * 1e6:>8.1f} {drop:>8.2f}",
        flush=True,
    )


def _write_file(file: Path, lines: int, instalments: int) -> None:
    from benchmarks._reconcile_city import payments  # noqa: PLC0415

    file.write_bytes(payments(lines, instalments))


def _run(kind: str, url: str, file: Path) -> dict[str, float]:
    """This script again, for one measurement in a process of its own."""
    command = [
        sys.executable, __file__, "--measure", kind, "--url", url, "--folder", str(file),
    ]  # fmt: skip
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, float] = json.loads(said.splitlines()[-1])
    return result


def measure(kind: str, place: Place) -> dict[str, float]:
    """One intake, in this process; with a subscriber also the events as files."""
    from sqlalchemy import text  # noqa: PLC0415

    from payments.store.engine import open_engine  # noqa: PLC0415
    from payments.store.unit_of_work import unit_of_work  # noqa: PLC0415
    from web.config import Settings  # noqa: PLC0415
    from web.events.drop import drop  # noqa: PLC0415
    from web.events.kinds import require_kinds, require_numbers  # noqa: PLC0415
    from web.events.subscribers import FOLDER, Wish, named, subscribe  # noqa: PLC0415

    if kind == "silent":
        return {"seconds": kokin(place)}
    engine = open_engine(place.url)
    with tempfile.TemporaryDirectory() as folder:
        wish = Wish("files", FOLDER, folder, require_kinds(()), require_numbers(()))
        with unit_of_work(engine, CODE) as connection:
            subscribe(connection, Settings(), CODE, wish, actor="benchmark")
        seconds = kokin(place)
        with unit_of_work(engine, CODE) as connection:
            events = connection.execute(text("SELECT COUNT(*) FROM event")).scalar_one()
            subscriber = named(connection, CODE, "files")
        begun = time.perf_counter()
        drop(engine, CODE, subscriber)
        dropped = time.perf_counter() - begun
    engine.dispose()
    return {"seconds": seconds, "events": events, "drop": dropped}


if __name__ == "__main__":
    print(f"# {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    main()

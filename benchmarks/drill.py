"""復元訓練: a database of a million receipts saved, restored elsewhere and verified, with the time.

``python benchmarks/drill.py [--receipts 1000000] [--databases sqlite postgresql] [--sealed]
[--folder DIR]``

A city with one register of claims, one of slips and one payment file with so many lines each (those
of ``verify.py``), taken in the ordinary way and sealed, is made once, not counted. Then, each in a
process of its own as an operator starts it:

backup   ``kokin backup``: everything, while the service could run
drill    ``kokin backup drill``: the digests, the restore into a place of its own, every figure
         recomputed from the evidence, and all of it thrown away; the command says how long each
         step took, and ends with an error on any difference

The floor of the restore is a copy of the database's bytes that reaches the disk. ``--sealed`` seals
the backup (AES-256-GCM). Memory is the high-water mark of the largest process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from benchmarks._reconcile_city import CODE, payments, profile  # noqa: E402
from benchmarks.reconcile import Cities, cities  # noqa: E402
from benchmarks.verify import assessment_file, intake, slip_file  # noqa: E402
from payments.store.engine import open_engine  # noqa: E402
from payments.store.municipalities import save_profile  # noqa: E402
from payments.store.sealed_bytes import new_key_text  # noqa: E402
from payments.store.unit_of_work import reading, unit_of_work  # noqa: E402
from reconcile.audit.seal import seal_pending  # noqa: E402
from reconcile.day_totals import summarise  # noqa: E402
from reconcile.pipeline import take_in  # noqa: E402
from reconcile.registers import import_assessments, import_slips  # noqa: E402
from web.database import upgrade  # noqa: E402


def main() -> None:
    """Prepare, save, drill; one row per database."""
    parser = argparse.ArgumentParser(description="restore drill")
    parser.add_argument("--receipts", type=int, default=1_000_000)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--sealed", action="store_true")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    print(
        f"{'database':<10} {'receipts':>9} {'books MB':>8} {'copy s':>7} {'backup s':>8} "
        f"{'MB':>6} {'open s':>7} {'restore s':>9} {'verify s':>8} {'drill s':>8} {'peak MB':>7} "
        "found"
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        folder.chmod(0o711)
        for database in options.databases:
            with cities(database, folder) as made:
                print(_row(made, options), flush=True)


def _row(made: Cities, options: argparse.Namespace) -> str:
    """Everything about one database."""
    url = made.empty("drill")
    _fill(url, options.receipts)
    home = made.folder / "home"
    environment = _environment(home, url, sealed=options.sealed)
    size, receipts = _size(url)
    seconds, _said = _kokin(environment, "backup", str(home / "backups"))
    (backup,) = (home / "backups").iterdir()
    saved = sum(part.stat().st_size for part in backup.rglob("*") if part.is_file())
    total, said = _kokin(environment, "backup", "drill", "--json")
    found = json.loads(said)
    wrong = sum(found["differences"].values())
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return (
        f"{made.name:<10} {receipts:>9,} {size / 1e6:>8,.0f} {_copied(home, size):>7.1f} "
        f"{seconds:>8.1f} {saved / 1e6:>6,.0f} {found['open_seconds']:>7.1f} "
        f"{found['restore_seconds']:>9.1f} {found['verify_seconds']:>8.1f} {total:>8.1f} "
        f"{peak:>7,} {wrong or 'all agree'}"
    )


def _fill(url: str, lines: int) -> None:
    """Books with a claim, a slip and a payment for each line."""
    upgrade(url)
    engine = open_engine(url)
    with unit_of_work(engine, CODE) as connection:
        save_profile(connection, profile())
    intake(engine, import_assessments, assessment_file(lines))
    intake(engine, import_slips, slip_file(lines))
    intake(engine, take_in, payments(lines, lines))
    seal_pending(engine, CODE)
    summarise(engine, CODE)
    engine.dispose()


def _environment(home: Path, url: str, *, sealed: bool) -> dict[str, str]:
    """Settings as an operator gives them."""
    home.mkdir()
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("KOKIN_")}
    found = inherited | {
        "KOKIN_HOME": str(home),
        "KOKIN_DATABASE_URL": url,
        "KOKIN_BACKUPS": str(home / "backups"),
        "TMPDIR": str(home),
        "PYTHONPATH": str(ROOT),
    }
    return found | ({"KOKIN_ENCRYPTION_KEYS": new_key_text("drill")} if sealed else {})


def _kokin(environment: dict[str, str], *words: str) -> tuple[float, str]:
    """A command and its seconds; ends the script when it fails."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "web", *words],
        env=environment, cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{words}: {done.stdout}{done.stderr}")
    return time.perf_counter() - begun, done.stdout


def _size(url: str) -> tuple[int, int]:
    """Bytes of the books, and how many receipts they hold."""
    engine = open_engine(url)
    with reading(engine, CODE) as connection:
        receipts = connection.exec_driver_sql(
            "SELECT COUNT(*) FROM receipt WHERE municipality_code = '99999'"
        ).scalar_one()
        if engine.dialect.name == "sqlite":
            path = Path(str(engine.url.database))
            size = sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*"))
        else:
            size = connection.exec_driver_sql(
                "SELECT pg_database_size(current_database())"
            ).scalar_one()
    engine.dispose()
    return int(size), int(receipts)


def _copied(home: Path, size: int) -> float:
    """The seconds in which as many bytes are copied onto the disk."""
    source, target = home / "source", home / "target"
    piece = os.urandom(1 << 20)
    with source.open("wb") as stream:
        for _ in range(size >> 20):
            stream.write(piece)
    begun = time.perf_counter()
    shutil.copyfile(source, target)
    with target.open("rb+") as stream:
        os.fsync(stream.fileno())
    seconds = time.perf_counter() - begun
    source.unlink()
    target.unlink()
    return seconds


if __name__ == "__main__":
    main()

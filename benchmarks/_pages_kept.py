"""A large city that stays in its folder, filled step by step; what is done is not done again.

Each step leaves a mark beside the data when it has ended; who goes on after an interruption begins
with the first step that has none. Every command books a whole file or nothing, so that a step may
be asked for twice. PostgreSQL is a cluster of the folder's own that keeps what it is told.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECONCILED_ON = "2026-06-10"
_DECIDED = {"accepted", "quarantined", "refused"}  # of a file: nothing is left to be done
# The sample spoils a copy of many files, and a large one is read to its end before it is refused:
# two thirds of the bytes of a large city, of which no page shows more than of a small one.
_REFUSED, _REFUSED_MAX = "_x_", 10_000_000
# What the staff would have done by now: charges, accounts and batches of debits, refunds, letters.
_DESK = """
from web.commands.demo_desk import work
from web.commands.session import Session
from payments.store.unit_of_work import unit_of_work
from reconcile.day_totals import summarise
from web.accounts import staff
session = Session()
with unit_of_work(session.engine, session.municipality) as connection:
    known = {each.user_name for each in staff.everybody(connection, session.municipality)}
    for name, role in (("shuno", "collection"), ("shonin", "approver")):
        if name not in known:
            staff.add(connection, session.municipality, name, roles=(role,), display_name=name,
                      password="kaikei-no-himitsu")
work(session)
summarise(session.engine, session.municipality)  # as the nightly run does
"""


def city_files(folder: Path, obligors: int, days: int) -> Path:
    """The registers and files of the city, made once; their folder."""
    city = folder / "city"
    _step(folder, "city", "", "sample", "make", city, "--obligors", obligors, "--days", days,
          "--seed", 3)  # fmt: skip
    return city


def fill_kept(folder: Path, name: str, url: str, city: Path) -> None:
    """The whole city into the database, and what people do with it."""
    _step(folder, f"{name}.init", url, "init", "--sample")
    _step(folder, f"{name}.assessments", url, "assessments", "import", city / "assessments.csv")
    _step(folder, f"{name}.slips", url, "slips", "import", city / "slips.csv")
    for day in sorted((city / "inbox").iterdir()):
        for file in sorted(day.iterdir()):
            if _REFUSED in file.name and file.stat().st_size > _REFUSED_MAX:
                continue
            _step(folder, f"{name}.{day.name}.{file.name}", url, "intake", "--json",
                  "--received-on", day.name, file)  # fmt: skip
    _step(folder, f"{name}.reconcile", url, "reconcile", "--as-of", RECONCILED_ON)
    _step(folder, f"{name}.desk", url, code=_DESK)


def _step(folder: Path, name: str, url: str, *words: object, code: str = "") -> None:
    """One step in a process of its own, marked when it is over; its seconds are told."""
    marks = folder / "done"
    marks.mkdir(parents=True, exist_ok=True)
    mark = marks / name
    if mark.exists():
        return
    environment = os.environ | {
        "KOKIN_HOME": str(folder / f"home-{name.partition('.')[0]}"), "KOKIN_DATABASE_URL": url,
        "PYTHONPATH": str(ROOT), "KOKIN_MUNICIPALITY": "99999",
    }  # fmt: skip
    command = [sys.executable, *(("-c", code) if code else ("-m", "web", *map(str, words)))]
    began = time.perf_counter()
    ended = subprocess.run(command, check=False, env=environment, capture_output=True)
    said = ended.stderr.decode(errors="replace").strip().splitlines()[-3:]
    seconds = time.perf_counter() - began
    print(f"  {name}: {seconds:.0f} s, ended with {ended.returncode}", file=sys.stderr, flush=True)
    if ended.returncode and not (ended.returncode == 1 and _is_decided(ended.stdout)):
        sys.exit("\n".join([f"{name} failed", *said]))
    mark.write_text(f"{seconds:.1f}\n{ended.returncode}\n" + "\n".join(said))


def _is_decided(answer: bytes) -> bool:
    """Whether a file was answered with an end of its own.

    The sample holds files that are refused, and their command does not end well (1), just as a full
    disk does: only the answer tells them apart.
    """
    try:
        return all(one["status"] in _DECIDED for one in json.loads(answer))
    except (ValueError, TypeError, KeyError):
        return False

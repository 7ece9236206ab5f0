"""督促リストの抽出の速さ: who is dunned and who is held back, beside the least it must do.

``python benchmarks/dunning.py [--instalments 1000000 5000000] [--url URL] [--folder DIR]``

A city with four instalments a notice and two notices a person is written straight into the tables
(not counted): three quarters are past their due date, of these eight in a hundred are open; one in
a hundred is paid by a 速報 only, some money waits, some cases are open, some people are held. Then,
in one process each, with a warm page cache:

floor     a count of the same join: open instalments past their due date with their notices
extract   the list with every ground, its evidence, files, fees and digests, frozen
explain   the slowest of a hundred people, each told from the list (in milliseconds)

``--url`` names an empty PostgreSQL database to be used instead of SQLite, for one size.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from payments.domain.profile import Profile

CODE = "99999"
STEPS = ("floor", "extract", "explain")
AS_OF = date(2026, 11, 20)
AT = datetime(2026, 11, 20, 3, tzinfo=UTC)
PEOPLE = 100
_NUMBERS = "WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < {number}) "
_EACH = "FROM notice k CROSS JOIN (SELECT 1 AS t UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) q"
_DUE = (
    "CASE t WHEN 1 THEN '2026-06-30' WHEN 2 THEN '2026-08-31' WHEN 3 THEN '2026-11-02' "
    "ELSE '2027-02-01' END"
)
_YEN = "(4000 + k.notice_id % 97 * 100)"
_PAID = "t < 4 AND (k.notice_id * 7 + t * 13) % 100 >= 8"
_LEAST = """
SELECT COUNT(*) FROM instalment_account a
CROSS JOIN instalment i JOIN notice n ON n.municipality_code = :m AND n.notice_id = i.notice_id
WHERE a.municipality_code = :m AND a.amount_yen > a.term_yen + a.whole_yen - a.surplus_yen
  AND i.municipality_code = :m AND i.notice_id = a.notice_id AND i.term = a.term
  AND i.due_on < :as_of"""


def main() -> None:
    """Prepare, measure, print one line per step."""
    parser = argparse.ArgumentParser(description="dunning list of a city")
    parser.add_argument("--instalments", type=int, nargs="+", default=[1_000_000, 5_000_000])
    parser.add_argument("--url")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        _measure(options.url, options.step)
        return
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
    for number in options.instalments:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            url = options.url or f"sqlite:///{folder}/kokin.sqlite"
            _build(url, number)
            print(f"{number:,} instalments, {url.partition(':')[0]}")
            floor = 0.0
            for step in STEPS:
                command = [sys.executable, __file__, "--url", url, "--step", step]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                seconds, rows, peak = done.stdout.split()
                floor = floor or float(seconds)
                told = (
                    f"{float(seconds) * 1000:8.1f} ms the slowest of {rows} people"
                    if step == "explain"
                    else f"{float(seconds):8.2f} s {float(seconds) / floor:6.1f} × floor  "
                    f"{int(rows):>9,} rows"
                )
                print(f"  {step:8} {told}  {peak} MiB")


def _profile() -> Profile:
    """The sample body, of which no channel owes a file."""
    from benchmarks._reconcile_city import profile  # noqa: PLC0415
    from payments.domain.arrivals import ArrivalRule  # noqa: PLC0415
    from reconcile.arrivals.sources import sources  # noqa: PLC0415

    body = profile()
    quiet = tuple(ArrivalRule(source.code, days="on_demand") for source in sources(body))
    return replace(body, arrivals=quiet)


def _build(url: str, number: int) -> None:
    """The city as it stands in autumn."""
    from sqlalchemy import text  # noqa: PLC0415

    from payments.store.engine import open_engine  # noqa: PLC0415
    from payments.store.municipalities import save_profile  # noqa: PLC0415
    from payments.store.unit_of_work import unit_of_work  # noqa: PLC0415
    from web.database import upgrade  # noqa: PLC0415

    upgrade(url)
    engine = open_engine(url)
    with unit_of_work(engine, CODE) as connection:
        save_profile(connection, _profile())
        # SQLite keeps days as text and takes a CAST to DATE for a number.
        day = "TEXT" if connection.dialect.name == "sqlite" else "DATE"
        for statement in _city(number // 4):
            connection.execute(text(statement.format(day=day)), {"m": CODE})
    engine.dispose()


def _city(notices: int) -> list[str]:
    """People, notices, claims, payments, and what holds some of them back."""
    return [
        (
            "INSERT INTO obligor (municipality_code, obligor_no, name, kana, kana_folded, "
            f"postal_code, address) {_NUMBERS.format(number=max(notices // 2, 1))}"
            "SELECT :m, CAST(n AS VARCHAR(15)), '見本', 'ミホン' || CAST(n AS VARCHAR(15)), "
            "'ミホン' || CAST(n AS VARCHAR(15)), '1000001', '見本市' FROM k"
        ),
        (
            "INSERT INTO notice (municipality_code, notice_id, item_code, levy_year, notice_no, "
            f"whole_year_group, obligor_no) {_NUMBERS.format(number=notices)}"
            "SELECT :m, n, '901', 2026, CAST(n AS VARCHAR(20)), '', "
            "CAST((n + 1) / 2 AS VARCHAR(15)) "
            "FROM k"
        ),
        (
            "INSERT INTO instalment (municipality_code, notice_id, term, fiscal_year, "
            "due_on_statutory, due_on, collection_hold, dunning_hold, direct_debit, debit_no) "
            "SELECT :m, k.notice_id, '0' || CAST(t AS VARCHAR(1)), 2026, "
            f"CAST({_DUE} AS {{day}}), CAST({_DUE} AS {{day}}), FALSE, "
            "k.notice_id % 500 = 1, FALSE, "
            f"'' {_EACH}"
        ),
        (
            "INSERT INTO instalment_account (municipality_code, notice_id, term, in_group, "
            "amount_yen, term_yen, whole_yen, surplus_yen) SELECT :m, k.notice_id, "
            f"'0' || CAST(t AS VARCHAR(1)), FALSE, {_YEN}, "
            f"CASE WHEN {_PAID} THEN {_YEN} ELSE 0 END, "
            f"0, 0 {_EACH}"
        ),
        (
            "INSERT INTO journal (municipality_code, journal_id, kind, booked_on, made_at, actor, "
            "reason) VALUES (:m, 1, 'x', '2026-11-02', '2026-11-02 00:00:00.000000', 'a', '')"
        ),
        (
            "INSERT INTO receipt (municipality_code, file_id, line_no, stage, seen, amount_yen, "
            "paid_on, notice_id, term, superseded, applied_yen, suspense_yen, journal_id, leg) "
            "SELECT :m, 1, k.notice_id * 4 + t, CASE WHEN k.notice_id % 100 = 2 THEN 'provisional' "
            f"ELSE 'confirmed' END, 1, {_YEN}, CAST({_DUE} AS {{day}}), k.notice_id, "
            f"'0' || CAST(t AS VARCHAR(1)), FALSE, {_YEN}, 0, 1, 0 {_EACH} WHERE {_PAID}"
        ),
        (
            "INSERT INTO receipt (municipality_code, file_id, line_no, stage, seen, amount_yen, "
            "paid_on, notice_id, term, superseded, applied_yen, suspense_yen, journal_id, leg) "
            "SELECT :m, 2, k.notice_id, 'confirmed', 4, 500, CAST('2026-11-02' AS {day}), "
            "k.notice_id, '00', FALSE, 0, 500, 1, 0 FROM notice k WHERE k.notice_id % 300 = 3"
        ),
        (
            "INSERT INTO review_case (municipality_code, case_no, kind, subject, state, "
            "amount_yen, "
            "opened_on, owner, file_id, line_no, details) SELECT :m, k.notice_id, 'over', "
            "'2:' || CAST(k.notice_id AS VARCHAR(20)), 'open', 500, "
            "CAST('2026-11-02' AS {day}), '', "
            "2, k.notice_id, '' FROM notice k WHERE k.notice_id % 600 = 3"
        ),
    ]


def _measure(url: str, step: str) -> None:
    """One step: seconds, rows, peak memory in MiB."""
    from payments.store.engine import open_engine  # noqa: PLC0415
    from payments.store.unit_of_work import unit_of_work  # noqa: PLC0415

    engine = open_engine(url)
    _warm(engine)
    with unit_of_work(engine, CODE) as connection:
        begun = time.perf_counter()
        rows, slowest = _step(connection, step)
        seconds = slowest or time.perf_counter() - begun
    engine.dispose()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{seconds:.4f} {rows} {peak}")


def _step(connection: Connection, step: str) -> tuple[int, float]:
    """Do one step; the rows it is about, and the slowest of several where one is asked for."""
    from sqlalchemy import text  # noqa: PLC0415

    from payments.store.municipalities import load_profile  # noqa: PLC0415
    from reconcile.dunning.draw import draw  # noqa: PLC0415
    from reconcile.dunning.explain import of_person  # noqa: PLC0415
    from reconcile.dunning.rules import Terms  # noqa: PLC0415

    if step == "floor":
        values = {"m": CODE, "as_of": AS_OF.isoformat()}
        return int(connection.execute(text(_LEAST), values).scalar_one()), 0.0
    if step == "extract":
        profile = load_profile(connection, CODE)
        return draw(connection, profile, Terms(AS_OF), actor="abe", at=AT).row_count, 0.0
    found = connection.execute(
        text(
            "SELECT DISTINCT obligor_no FROM dunning_row WHERE municipality_code = :m "
            "AND list_no = 1 ORDER BY obligor_no LIMIT :most"
        ),
        {"m": CODE, "most": PEOPLE},
    )
    slowest = 0.0
    people = list(found.scalars())
    for obligor_no in people:
        begun = time.perf_counter()
        of_person(connection, CODE, 1, obligor_no)
        slowest = max(slowest, time.perf_counter() - begun)
    return len(people), slowest


def _warm(engine: Engine) -> None:
    """Read the tables once."""
    from sqlalchemy import text  # noqa: PLC0415

    from payments.store.unit_of_work import reading  # noqa: PLC0415

    with reading(engine, CODE) as connection:
        for table in ("instalment_account", "instalment", "notice", "receipt"):
            connection.execute(text(f"SELECT COUNT(*) FROM {table}"))


if __name__ == "__main__":
    main()

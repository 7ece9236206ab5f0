"""一年の事務: a fiscal year of a synthetic city in accelerated time, from 調定 to 滞納繰越.

``python benchmarks/year.py [--people 2000|20000|200000] [--days N] [--database sqlite|postgresql]
[--folder DIR] [--seed 1] [--verify-days 7] [--minutes M]``

From 1 April to 30 June of the year after, every calendar day at its own hours: the jobs of the
night, registers, files and the statement of the bank in the inbox, notifications by HTTP (in this
process), direct debits and their results, refunds and transfers that come back, letters of dunning,
cases looked at, days closed by two people, at the end the year and its carry-over. Everything goes
through the jobs and functions that pages and commands use; the clock stands wherever the day is.

What the folder holds is gone on with, so that a long year can be run in pieces (``--days``,
``--minutes``, or SIGTERM, which lets the day come to its end). A day that was killed is taken back
and played again (:mod:`_year_days`; only SQLite can). With PostgreSQL a cluster of its own lives in
the folder.

Printed: a row for every month (seconds of a day, mean and worst, and how many of them with the
processor, which says more beside other work; receipts in the books, size of the database, per
receipt, and added in a day; reports on the disk; cases open, days closed), every day that did not
close and why, what ``verify`` found every so many days and at the end, and at the end what each
part of a day took of the processor, month by month. The script ends with an error when a day stays
open, a check differs or verify finds anything.
"""

from __future__ import annotations

import argparse
import json
import logging
import pickle
import shutil
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import time_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from benchmarks import _year_desk as desk  # noqa: E402
from benchmarks._year_city import FIRST, LAST, make  # noqa: E402
from benchmarks._year_days import book_files, take_back, whole_day  # noqa: E402
from benchmarks._year_desk import Year  # noqa: E402
from payments.domain.calendars import is_bank_business_day  # noqa: E402
from payments.store.unit_of_work import reading, unit_of_work  # noqa: E402
from reconcile.verify.everything import verify  # noqa: E402
from web import clock  # noqa: E402
from web.accounts import staff  # noqa: E402
from web.app import create_app  # noqa: E402
from web.calc.tables import FILE as RATES_FILE  # noqa: E402
from web.commands.demo import STAFF  # noqa: E402
from web.commands.session import Session  # noqa: E402
from web.commands.setup import create, enter, sample_profile  # noqa: E402
from web.config import load_settings  # noqa: E402
from web.inbox.folders import inbox_of  # noqa: E402
from web.jobs.history import last_runs  # noqa: E402
from web.jobs.plans import set_plan  # noqa: E402
from web.jobs.runner import Runner  # noqa: E402
from web.jobs.table import LANES, codes_of  # noqa: E402
from web.notifications import keys  # noqa: E402
from web.notifications.signing import signed_headers  # noqa: E402
from web.notifications.spool import Spool  # noqa: E402

PATH = "/api/v1/payment-notifications"
KEY = "year-operator"
YEAR = FIRST.year
# Backups are measured elsewhere and verify runs by itself; the guard of the spool looks at the
# clock of the database, which knows nothing of accelerated time.
NOT_EVERY_NIGHT = ("backup", "verify", "spool")
RATES_ON = date(YEAR, 12, 1)  # announced at the end of November for the year to come
RATES = """\
from_year,to_year,regime,low_percent,high_percent,refund_percent,late_mark,refund_mark,source
{year},{year},延滞金特例基準割合,2.8,9.1,1.3,confirmed,confirmed,[見本]
"""
_ACROSS = """SELECT
    (SELECT COUNT(*) FROM receipt WHERE municipality_code = '99999'),
    (SELECT COUNT(*) FROM review_case WHERE municipality_code = '99999'
        AND state IN ('open', 'acknowledged')),
    (SELECT COUNT(*) FROM deposit WHERE municipality_code = '99999' AND state = 'open')"""


@dataclass
class State:
    """What is kept between two pieces of a year."""

    next_day: str = FIRST.isoformat()
    begun: bool = False  # whether the day was begun, and is not over
    secret: str = ""
    seconds: dict[str, list[float]] = field(default_factory=dict)  # month → seconds of each day
    processor: dict[str, float] = field(
        default_factory=dict
    )  # month → of these, with the processor
    sizes: list[int] = field(default_factory=list)  # bytes of the books at the end of each month
    troubles: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)  # what was refused and came right later
    parts: dict[str, dict[str, float]] = field(default_factory=dict)  # month → what took how long


def main() -> None:
    """Prepare or go on, day by day, and say what was seen."""
    parser = argparse.ArgumentParser(description="a fiscal year of a synthetic city")
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--days", type=int, default=0, help="calendar days of this piece; 0: all")
    parser.add_argument("--minutes", type=float, default=0, help="end this piece after so long")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/kokin-year"))  # noqa: S108
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verify-days", type=int, default=7, help="0: once, when the year is over")
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "city" / "credits.csv").exists():
        _make_city(folder, options.people, options.seed)
    with _database(options.database, folder) as url:
        _Run(folder, url, options).go()


def _make_city(folder: Path, people: int, seed: int) -> None:
    begun = time.perf_counter()
    shutil.rmtree(folder / "city", ignore_errors=True)  # half of one
    made = make(folder / "city", people, seed, lambda _done: None)
    seconds = time.perf_counter() - begun
    print(f"{people:,} people {made} made in {seconds:.1f} s", flush=True)


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    """The address of the database of this folder."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'kokin.sqlite3'}"
        return
    from benchmarks._kept_cluster import kept_cluster  # noqa: PLC0415

    with kept_cluster(folder) as cluster:
        yield cluster.database("year")


class _Run:
    """One piece of a year."""

    def __init__(self, folder: Path, url: str, options: argparse.Namespace) -> None:
        self.folder, self.url, self.options = folder, url, options
        self.ending = False
        self.settings = load_settings(
            home=folder, database_url=url, inbox=None, municipality="", inbox_settle_seconds=0
        )
        self.session = Session(self.settings)
        kept = folder / "state.pickle"
        if kept.exists():
            state, year = pickle.loads(kept.read_bytes())  # noqa: S301 - written by itself
            self.state = State(**state)
            if self.state.begun:
                day = date.fromisoformat(self.state.next_day)
                take_back(url, folder, sample_profile().municipality_code, day)
                print(f"  {day} was cut off and is played again", flush=True)
            self.year = Year(self.session, folder / "city", **year)
        else:
            self.state = State()
            with self.at(date.fromisoformat(self.state.next_day), 0):
                self._begin()
            credits_ = desk.read_credits(folder / "city")
            self.year = Year(self.session, folder / "city", Random(1), lines=credits_)  # noqa: S311
            self.year.closed_until = (FIRST - timedelta(1)).isoformat()
            self._keep()
        self.runner = Runner(self.settings, self.session.engine, lambda _line: None)
        self.client: FlaskClient = create_app(self.settings, self.session.engine).test_client()

    def _begin(self) -> None:
        """An installation with its people."""
        for file in book_files(self.url):
            file.unlink(missing_ok=True)  # half of one
        create(self.settings)
        enter(self.session, sample_profile())
        code = self.session.municipality
        with unit_of_work(self.session.engine, code) as connection:
            for name, display_name, roles in STAFF:
                staff.add(
                    connection, code, name, roles=roles, display_name=display_name,
                    password=staff.random_password(),
                )  # fmt: skip
            self.state.secret = keys.add(
                connection, self.settings, code, KEY, operator_name="見本決済"
            )
            for job in NOT_EVERY_NIGHT:
                set_plan(connection, code, self.settings, job, {"enabled": False}, actor="year")
        spool = Spool(self.session.engine)
        _ = spool._engine  # noqa: SLF001 - its file is there before the first day
        spool.close()

    @contextmanager
    def at(self, day: date, hour: int, minute: int = 0) -> Iterator[None]:
        """The clock of everything stands here."""
        moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=clock.JST)
        with time_machine.travel(moment, tick=False):
            yield

    def go(self) -> None:
        """Day by day until the year, the days or the minutes are over."""
        begun, number = time.perf_counter(), 0
        signal.signal(signal.SIGTERM, self._end_soon)
        print(
            f"{'month':<8} {'days':>4} {'s/day':>7} {'worst':>7} {'cpu/day':>7} {'receipts':>9} "
            f"{'MB':>8} {'KB/day':>7} {'B/receipt':>9} {'reports':>7} {'cases':>6} "
            f"{'open credits':>12} closed until",
            flush=True,
        )
        day = date.fromisoformat(self.state.next_day)
        while day <= LAST:
            if self.options.days and number == self.options.days:
                break
            if self.options.minutes and time.perf_counter() - begun > self.options.minutes * 60:
                break
            if self.ending:
                break
            self._whole(day)
            number += 1
            day += timedelta(1)
        self._end(day)

    def _end_soon(self, *_: object) -> None:
        """SIGTERM: this day is the last of the piece."""
        self.ending = True

    def _whole(self, day: date) -> None:
        """One day with what is said at its end; all of it, or nothing."""
        with whole_day(self.url):
            self.state.begun = True
            self._keep()
            self._day(day)
            if (day + timedelta(1)).day == 1 or day == LAST:
                print(self._row(day), flush=True)
            if self.options.verify_days and not (day - FIRST).days % self.options.verify_days:
                self._verify(day)
            self.state.next_day, self.state.begun = (day + timedelta(1)).isoformat(), False
            self._keep()

    def _day(self, day: date) -> None:
        """One calendar day at its hours."""
        seconds, processor = time.perf_counter(), time.process_time()
        if day == RATES_ON:
            (self.folder / RATES_FILE).write_text(RATES.format(year=YEAR + 1), "utf-8")
        self._part("night", self._tick, day, 5, 0)
        if is_bank_business_day(day):
            with self.at(day, 9):
                self._part("registers", desk.registers, self.year, day)
                self._part("send", desk.inbox, self.year, day, self._inbox())
            self._part("files", self._tick, day, 9, 5)
            with self.at(day, 10):
                self._note(day, self._part("close", desk.close_days, self.year, day))
                for name, work in (
                    ("debits", desk.debits), ("dunning", desk.dunning),
                ):  # fmt: skip
                    self._say(day, self._part(name, work, self.year, day))
                self._part("cases", desk.look_at_cases, self.year)
                if day.weekday() == 4:
                    self._say(day, self._part("refunds", desk.refunds, self.year, day))
                if self.year.closed_until >= f"{YEAR + 1}-05-31" and not self._year_closed():
                    self._close_year(day)
            with self.at(day, 16):
                self._part("notifications", self._notify, day)
        self._part("evening", self._tick, day, 20, 5)
        month = f"{day:%Y-%m}"
        self.state.seconds.setdefault(month, []).append(time.perf_counter() - seconds)
        worked = self.state.processor.get(month, 0.0) + time.process_time() - processor
        self.state.processor[month] = worked

    def _part(self, name: str, work: Any, *arguments: Any) -> Any:
        """What a part of the day took of the processor, summed up over the month."""
        begun = time.process_time()
        found = work(*arguments)
        self._took(name, time.process_time() - begun)
        return found

    def _took(self, name: str, seconds: float) -> None:
        month = self.state.parts.setdefault(self.state.next_day[:7], {})
        month[name] = month.get(name, 0.0) + seconds

    def _tick(self, day: date, hour: int, minute: int) -> None:
        """What is due of the jobs."""
        with self.at(day, hour, minute):
            for lane in LANES:
                self.runner.tick(self.session.municipality, lane)
                self._note_failed(day, lane)
            left = [path.name for path in self._inbox().rglob("*") if path.is_file()]
            if left:
                self.state.troubles.append(f"{day} left in the inbox: {left}")

    def _note_failed(self, day: date, lane: str) -> None:
        """A job that has failed and was not repeated since."""
        with reading(self.session.engine, self.session.municipality) as connection:
            last = last_runs(connection, self.session.municipality, codes_of(lane))
        for run in last.values():
            if run.state == "FAILED":
                self.state.troubles.append(f"{day} {run.job} failed: {', '.join(run.notes)}")

    def _inbox(self) -> Path:
        return inbox_of(self.settings, self.session.municipality)

    def _notify(self, day: date) -> None:
        """Notifications as operators send them, one by one."""
        for told in desk.notifications(self.folder / "city", day):
            body = json.dumps(told).encode()
            number = str(told["transaction_id"])
            headers = signed_headers(
                KEY, self.state.secret, str(int(time.time())), f"{number}-{day}", "POST", PATH, body
            )
            answer = self.client.post(
                PATH, data=body,
                headers=headers | {"Idempotency-Key": number, "Content-Type": "application/json"},
            )  # fmt: skip
            if answer.status_code not in range(200, 300):
                self.state.troubles.append(f"{day} notification {answer.status_code}")

    def _note(self, day: date, said: list[str]) -> None:
        for line in said:
            kept = self.state.told if " open: " in line else self.state.troubles
            kept.append(f"{day} {line}")
            print(f"  {day} {line}", flush=True)

    def _say(self, day: date, said: str) -> None:
        if said:
            print(f"  {day} {said}", flush=True)

    def _close_year(self, day: date) -> None:
        why = desk.close_year(self.year, YEAR)
        print(f"  {day} year {YEAR}: {why or 'closed'}", flush=True)
        if why:
            self.state.told.append(f"{day} year {YEAR} open: {why}")

    def _year_closed(self) -> bool:
        from reconcile.journal import closed_books  # noqa: PLC0415

        with reading(self.session.engine, self.session.municipality) as connection:
            return closed_books(connection, self.session.municipality)[1] >= YEAR

    def _verify(self, day: date) -> None:
        """Everything recomputed; what differs is a trouble."""
        begun = time.process_time()
        with self.at(day, 23):
            differences = verify(self.session.engine, self.session.municipality)
        took = time.process_time() - begun
        self._took("verify", took)
        if differences:
            self.state.troubles.append(f"{day} verify: {differences[:5]}")
            print(f"  {day} verify in {took:.1f} s: {differences[:5]}", flush=True)

    def _row(self, day: date) -> str:
        """The month as it stands."""
        with reading(self.session.engine, self.session.municipality) as connection:
            receipts, cases, open_credits = connection.exec_driver_sql(_ACROSS).one()
            size = _size(connection)
        seconds = self.state.seconds[f"{day:%Y-%m}"]
        added = size - (self.state.sizes or [0])[-1]
        self.state.sizes.append(size)
        return (
            f"{day:%Y-%m}  {len(seconds):>4} {sum(seconds) / len(seconds):>7.2f} "
            f"{max(seconds):>7.2f} {self.state.processor[f'{day:%Y-%m}'] / len(seconds):>7.2f} "
            f"{receipts:>9,} {size / 1e6:>8.1f} "
            f"{added / 1e3 / len(seconds):>7,.0f} {size / max(receipts, 1):>9,.0f} "
            f"{_below(self.folder / 'reports') / 1e6:>7.1f} {cases:>6,} {open_credits:>12,} "
            f"{self.year.closed_until}"
        )

    def _keep(self) -> None:
        """The state of the folder, whole or as it was before."""
        year = {name: getattr(self.year, name) for name in
                ("rng", "balance_yen", "lines", "results", "dispatches", "closed_until",
                 "transfers")}  # fmt: skip
        part = self.folder / "state.part"
        part.write_bytes(pickle.dumps((vars(self.state), year)))
        part.replace(self.folder / "state.pickle")

    def _end(self, day: date) -> None:
        """Verified once more; what went wrong."""
        if day > LAST or self.options.verify_days:
            self._verify(day - timedelta(1))
        self.runner.lanes.release()
        self.session.engine.dispose()
        for month, parts in self.state.parts.items():
            took = sorted(parts.items(), key=lambda each: -each[1])
            print(f"{month} " + " ".join(f"{name} {seconds:.1f}" for name, seconds in took))
        print(f"days that waited: {len(self.state.told)}")
        if day > LAST and not self._year_closed():
            self.state.troubles.append(f"the year {YEAR} was not closed")
        if self.state.troubles:
            sys.exit("\n".join(self.state.troubles))
        print("every check holds")


def _below(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _size(connection: Any) -> int:
    """Bytes of the database; without SQLite's log, which is as large as its limit in between."""
    if connection.dialect.name == "sqlite":
        pages, each = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("page_count", "page_size")
        )
        return int(pages * each)
    return int(
        connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
    )


if __name__ == "__main__":
    main()

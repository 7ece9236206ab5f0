"""過去の時点: a stretch of the simulated year, every moment of it told again at its end (as-of).

``python benchmarks/past_year.py [--people 300] [--days 60] [--database sqlite|postgresql]
[--folder DIR] [--seed 1] [--every 1]``

The year of :mod:`benchmarks.year` is played; after every part of a day (the jobs of the night,
registers, files, closing, debits, dunning, cases, refunds, notifications, the evening) the reports
of that day and of some before it are written down as text, JSON and CSV, with the accounts of some
people, and what the dunning lists said when they were drawn. When the stretch is over all of it is
asked for again by its moment alone, and must be the same to the byte. Printed: how many reports,
accounts and lists, how many of the reports differ from the ones of today, seconds of telling one
again, and whatever is not the same; the script ends with an error then.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
import zlib
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from benchmarks import year  # noqa: E402
from payments.domain.errors import NotFoundError  # noqa: E402
from payments.store.municipalities import load_profile  # noqa: E402
from payments.store.unit_of_work import reading  # noqa: E402
from reconcile import day_close, day_copies  # noqa: E402
from reconcile.person_account import person_account  # noqa: E402
from reconcile.person_as_of import account_as_of, journal_at  # noqa: E402
from web import clock  # noqa: E402
from web.days.exports import export  # noqa: E402
from web.days.text import as_text  # noqa: E402

BACK = (0, 1, 4, 12)  # days before the day that is played
PEOPLE = 12
TICKS = {"night": (5, 0), "files": (9, 5), "evening": (20, 5)}  # these stand at their own hours
LISTS = "SELECT * FROM dunning_row WHERE municipality_code = '{m}' AND list_no = {list_no}"


class Seen(NamedTuple):
    """見たもの: a report as it was shown at a moment."""

    at: datetime
    part: str
    day: date
    shown: tuple[bytes, ...]


class _Watched(year._Run):  # noqa: SLF001 - the year itself, with somebody who looks on
    """The year, and everything that could be seen in it."""

    def __init__(self, folder: Path, url: str, options: argparse.Namespace) -> None:
        self.every = options.every
        self.number = 0
        self.reports: dict[tuple[datetime, date], Seen] = {}
        self.accounts: dict[tuple[datetime, str], Any] = {}
        self.lists: dict[int, Any] = {}
        self.people: list[str] = []
        super().__init__(folder, url, options)

    def _some_people(self) -> list[str]:
        with reading(self.session.engine, self.session.municipality) as connection:
            found = connection.exec_driver_sql(
                f"SELECT DISTINCT obligor_no FROM notice WHERE municipality_code = "
                f"'{self.session.municipality}' ORDER BY obligor_no LIMIT {PEOPLE}"
            )
            return [str(number) for number in found.scalars()]

    def _part(self, name: str, work: Any, *arguments: Any) -> Any:
        found = super()._part(name, work, *arguments)
        self.number += 1
        if not self.number % self.every:
            self._look(name)
        return found

    def _look(self, part: str) -> None:
        """Everything as it is shown now; of several parts at one instant the last one counts."""
        today = date.fromisoformat(self.state.next_day)
        if part in TICKS:
            with self.at(today, *TICKS[part]):
                self._write_down(part, today)
        else:
            self._write_down(part, today)

    def _write_down(self, part: str, today: date) -> None:
        at, code = clock.now(), self.session.municipality
        with reading(self.session.engine, code) as connection:
            profile = load_profile(connection, code)
            for back in BACK:
                day = today - timedelta(days=back)
                forms = _forms(*day_close.shown_day(connection, profile, day))
                self.reports[at, day] = Seen(at, part, day, forms)
            self.people = self.people or self._some_people()
            for person in self.people:
                account = person_account(connection, code, person).instalments
                self.accounts[at, person] = {
                    (i.notice_id, i.term): (i.amount_yen, i.open_yen) for i in account
                }
            for number in connection.exec_driver_sql(
                f"SELECT list_no FROM dunning_list WHERE municipality_code = '{code}'"
            ).scalars():
                self.lists.setdefault(number, self._list(connection, number))

    def _list(self, connection: Any, number: int) -> list[tuple[Any, ...]]:
        statement = LISTS.format(m=self.session.municipality, list_no=number)
        return sorted(map(tuple, connection.exec_driver_sql(statement)))

    def compare(self) -> None:
        """All of it again, by its moment alone."""
        code, began = self.session.municipality, time.perf_counter()
        wrong = changed = before = 0
        for seen in self.reports.values():
            with reading(self.session.engine, code) as connection:
                try:
                    then = day_copies.as_of(connection, code, seen.day, seen.at)
                except NotFoundError:  # nothing was in the books yet
                    before += 1
                    continue
                profile = load_profile(connection, code)
                now = _forms(*day_close.shown_day(connection, profile, seen.day))
            changed += now != seen.shown
            if _forms(then.report, then.closure) != seen.shown or not then.exact:
                wrong += 1
                print(f"{seen.at} {seen.part}: the report of {seen.day} differs", flush=True)
                if wrong < 6:
                    _print_difference(seen.shown[0], _forms(then.report, then.closure)[0])
        took = time.perf_counter() - began
        print(
            f"{len(self.reports)} reports of {len({at for at, _day in self.reports})} moments, "
            f"{before} of them before the books began, "
            f"{changed} of them other ones today, {took / max(len(self.reports), 1):.3f} s each "
            f"(with the one of today); not the same: {wrong}",
            flush=True,
        )
        others = 0
        with reading(self.session.engine, code) as connection:
            for (at, person), said in self.accounts.items():
                stood = account_as_of(connection, code, person, journal_at(connection, code, at))
                others += {(s.notice_id, s.term): (s.amount_yen, s.open_yen) for s in stood} != said
            lists = sum(self._list(connection, no) != said for no, said in self.lists.items())
        print(f"{len(self.accounts)} accounts, not the same: {others}")
        print(f"{len(self.lists)} dunning lists, not the same: {lists}", flush=True)
        if wrong or others or lists:
            sys.exit(1)


def _forms(report: Any, closure: Any) -> tuple[bytes, ...]:
    """Everything that it says, and of every twentieth what is printed of it."""
    said = export(report, closure, "json")
    if zlib.crc32(f"{report.day} {report.sums_journal_id}".encode()) % 20:
        return (said,)
    return said, as_text(report, closure), export(report, closure, "csv")


def _print_difference(then: bytes, again: bytes) -> None:
    before, after = (text.decode().replace("}, {", "},\n{").splitlines() for text in (then, again))
    for line in [f"  - {x}" for x in before if x not in after] + [
        f"  + {x}" for x in after if x not in before
    ]:
        print(line[:200])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="every moment of a stretch of a year, told again")
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/kokin-past-year"))  # noqa: S108
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="look after every so many parts")
    options = parser.parse_args()
    options.minutes, options.verify_days = 0, 0
    logging.basicConfig(level=logging.ERROR)
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        sys.exit(f"{folder} is not empty: what was seen in it is not known any more")
    year._make_city(folder, options.people, options.seed)  # noqa: SLF001
    with year._database(options.database, folder) as url:  # noqa: SLF001
        run = _Watched(folder, url, options)
        day = year.FIRST
        for _ in range(options.days):
            run._day(day)  # noqa: SLF001
            day += timedelta(days=1)
            run.state.next_day = day.isoformat()
        run.compare()
        run.runner.lanes.release()
        run.session.engine.dispose()
        print("\n".join(run.state.told))
        if run.state.troubles:
            sys.exit("\n".join(run.state.troubles))


if __name__ == "__main__":
    main()

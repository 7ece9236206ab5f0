"""画面の速さ: every page of the staff over a large city, on SQLite and on PostgreSQL.

``python benchmarks/pages.py [--obligors 50000 1200000] [--days 2] [--databases sqlite postgresql]
[--requests 30] [--folder DIR] [--url URL --home DIR] [--keep DIR [--fill-only]]``

A sample city is made, its 調定 and slips are imported and its files are taken in, all by commands
(not counted: 1,200,000 people are some 5 million instalments and take half an hour). Then every
page that somebody who is signed in may ask for is asked for ``--requests`` times in one process,
with numbers spread over the whole city, and so is every search. Beside them stands the floor: a
page of the same frame that reads nothing but who is signed in.

Accounts of people are opened for a purpose first, as a person would; a page with arguments is asked
for with each of them (``CHOICES``: every report, every list of rows, lines of a rare outcome).

Printed per page: p50, p95 and the slowest in milliseconds, what this process worked (median; on
SQLite that is all of the work, however busy the machine is with other things), the heaviest answer
in kilobytes, the ratio of p95 to the floor's, and whether it keeps to 300 ms and 300 KB. Downloads
are told apart: their seconds to the first and to the last byte. ``--url`` and ``--home`` name a
city that is there already. ``--keep`` fills a city step by step in a folder where it stays, with
debits, refunds and letters by the staff; after an interruption it goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from benchmarks._kept_cluster import kept_database  # noqa: E402
from benchmarks._pages_asked import CHOICES, CODE, FIXED, UNSAID, VALUES  # noqa: E402
from benchmarks._pages_kept import city_files, fill_kept  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flask import Flask
    from flask.testing import FlaskClient
    from sqlalchemy import Connection, Engine

LIMIT_MS, LIMIT_KB = 300, 300
PEOPLE = {
    "kaikei": ("slips", "collection", "treasury"), "kansa": ("auditor",), "joho": ("admin",),
}  # fmt: skip
PASSWORD = "kaikei-no-himitsu"  # noqa: S105 - of an invented person
PURPOSES = 20  # accounts that are opened
DOWNLOADS = 3  # of a file
ADDRESSES = 400  # numbers that are spread over the requests


class Measured(NamedTuple):
    """One page: milliseconds, the heaviest answer, and how it was answered."""

    name: str
    times: list[float]
    first: list[float]
    worked: list[float]
    kilobytes: float
    statuses: set[int]
    download: bool

    @property
    def p95(self) -> float:
        """95 % of the requests were answered within so many milliseconds."""
        return (
            statistics.quantiles(self.times, n=20, method="inclusive")[-1]
            if len(self.times) > 1
            else self.times[0]
        )


def main() -> None:
    """Prepare, measure, print."""
    parser = argparse.ArgumentParser(description="pages over a large city")
    parser.add_argument("--obligors", type=int, nargs="+", default=[50_000])
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--requests", type=int, default=30)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--url")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--fill-only", action="store_true")
    options = parser.parse_args()
    if options.keep:
        _kept(options)
        return
    if options.url:
        measure(options.url, options.home, options.requests)
        return
    for obligors in options.obligors:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            folder = Path(name)
            folder.chmod(0o711)
            _kokin(folder, "", "sample", "make", folder / "city", "--obligors", obligors,
                   "--days", options.days, "--seed", 3)  # fmt: skip
            for database in options.databases:
                with _database(database, folder) as url:
                    _fill(folder, url)
                    print(f"\n{database}, {obligors:,} people, {options.days} days")
                    measure(url, folder / "home", options.requests)


def _kept(options: argparse.Namespace) -> None:
    """Fill what is not filled yet, database by database, and measure each."""
    options.keep.mkdir(parents=True, exist_ok=True)
    city = city_files(options.keep, options.obligors[0], options.days)
    for name in options.databases:
        with kept_database(options.keep, name, "pages") as url:
            fill_kept(options.keep, name, url, city)
            if not options.fill_only:
                print(f"\n{name}, {options.obligors[0]:,} people, {options.days} days")
                measure(url, options.keep / f"home-{name}", options.requests)


def _kokin(folder: Path, url: str, *words: object) -> None:
    """A command, in a process of its own."""
    environment = os.environ | {
        "KOKIN_HOME": str(folder / "home"), "KOKIN_DATABASE_URL": url, "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    command = [sys.executable, "-m", "web", *map(str, words)]
    subprocess.run(command, check=False, env=environment, stdout=subprocess.DEVNULL)


def _fill(folder: Path, url: str) -> None:
    """The whole city into the database."""
    city = folder / "city"
    _kokin(folder, url, "init", "--sample")
    _kokin(folder, url, "assessments", "import", city / "assessments.csv")
    _kokin(folder, url, "slips", "import", city / "slips.csv")
    for day in sorted((city / "inbox").iterdir()):
        # The sample holds files that are refused, so the command does not end well.
        _kokin(folder, url, "intake", "--received-on", day.name, *sorted(day.iterdir()))
    _kokin(folder, url, "reconcile", "--as-of", "2026-06-10")


@contextmanager
def _database(name: str, folder: Path) -> Iterator[str]:
    """A SQLite file, or a PostgreSQL cluster that is thrown away at the end."""
    if name == "sqlite":
        yield f"sqlite:///{folder / 'pages.sqlite'}"
        return
    import postgres  # noqa: PLC0415

    place = folder / "server"
    place.mkdir()
    place.chmod(0o711)
    try:
        yield str(postgres.run_cluster(place).create_database("pages"))
    finally:
        postgres.remove_run_dir(place)


def measure(url: str, home: Path, requests: int) -> None:
    """Ask for everything, and print a line for each page."""
    from payments.store.engine import open_engine  # noqa: PLC0415
    from payments.store.unit_of_work import reading, unit_of_work  # noqa: PLC0415
    from web.accounts import staff  # noqa: PLC0415
    from web.app import create_app  # noqa: PLC0415
    from web.config import Settings  # noqa: PLC0415

    engine = open_engine(url)
    settings = Settings(home=home, database_url=url, secret_key="k" * 32, municipality=CODE)
    with unit_of_work(engine, CODE) as connection:
        known = {each.user_name for each in staff.everybody(connection, CODE)}
        for name, roles in PEOPLE.items():
            if name not in known:
                staff.add(connection, CODE, name, roles=roles, display_name=name,
                          password=PASSWORD)  # fmt: skip
    with reading(engine, CODE) as connection:
        _say_size(connection)
    app = create_app(
        settings, engine, TESTING=True, WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False
    )
    clients = {name: _signed_in(app, name) for name in PEOPLE}
    _worked(clients["kaikei"], engine)
    with reading(engine, CODE) as connection:
        values = {name: _spread(connection, query) for name, query in VALUES.items()}
    values["view_id"] = _opened(clients["kaikei"], values["slip_no"][:PURPOSES])
    values["late"] = _late_charges(clients["kaikei"], values["view_id"])
    floor = _floor(clients["kaikei"], requests)
    found, skipped = [], []
    for rule in sorted(app.url_map.iter_rules(), key=str):
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        for choice in CHOICES.get(rule.endpoint, [{}]):
            paths = _paths(rule, values, requests, choice)
            if not paths:
                skipped.append(rule.endpoint)
                break
            said = ",".join(value for name, value in choice.items() if name not in UNSAID)
            found.append(_page(clients, f"{rule.endpoint} {said}".rstrip(), paths))
    found += _searches(app, clients["kaikei"], engine, values, requests)
    _print(floor, found, skipped)
    app.extensions["kokin"].close()
    engine.dispose()


def _say_size(connection: Connection) -> None:
    from sqlalchemy import text  # noqa: PLC0415

    for table in ("instalment", "slip", "receipt", "source_line", "review_case"):
        query = text(f"SELECT COUNT(*) FROM {table} WHERE municipality_code = :m")
        print(f"  {table} {connection.execute(query, {'m': CODE}).scalar_one():,}", end="")
    print()


def _spread(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    """Values from the first to the last, evenly."""
    from sqlalchemy import text  # noqa: PLC0415

    rows = [tuple(row) for row in connection.execute(text(query), {"m": CODE})]
    return rows[:: max(len(rows) // ADDRESSES, 1)]


def _signed_in(app: Flask, name: str) -> FlaskClient:
    client = app.test_client()
    answer = client.post("/staff/sign-in", data={"user_name": name, "password": PASSWORD})
    if answer.status_code != 303:
        sys.exit(f"{name} cannot sign in: {answer.status_code}")
    return client


def _worked(client: FlaskClient, engine: Engine) -> None:
    """What people do first, so that its pages are there: a slip printed, an approval asked for."""
    from sqlalchemy import text  # noqa: PLC0415

    from payments import approve  # noqa: PLC0415
    from payments.store.municipalities import load_profile  # noqa: PLC0415
    from payments.store.unit_of_work import reading, unit_of_work  # noqa: PLC0415
    from web import clock  # noqa: PLC0415
    from web.approval_effects import LIVE, live_content  # noqa: PLC0415

    with reading(engine, CODE) as connection:
        known = connection.execute(
            text("SELECT COUNT(*) FROM print_run WHERE municipality_code = :m"), {"m": CODE}
        ).scalar_one()
        slips = connection.execute(
            text(
                "SELECT slip_id FROM slip WHERE municipality_code = :m AND state = 'new' "
                "AND slip_id % 1009 = 1 LIMIT 50"
            ),
            {"m": CODE},
        ).scalars()
        numbers = [] if known else list(slips)
    for number in numbers:
        if client.post(f"/staff/slips/{number}/print").status_code == 303:
            break
    with unit_of_work(engine, CODE) as connection:
        if not approve.approvals(connection, CODE, state=approve.WAITING, limit=1):
            content = live_content(load_profile(connection, CODE))
            approve.ask(
                connection, CODE, LIVE, f"municipality:{CODE}", content, asked_by="joho",
                at=clock.now(), reason="-",
            )  # fmt: skip


def _opened(client: FlaskClient, slips: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Handles of accounts that were opened by the number of a slip, for a purpose."""
    found = []
    for (slip_no,) in slips:
        answer = client.post("/staff/people", data={"number": slip_no, "purpose": "counter"})
        if answer.status_code == 303:
            found.append((answer.headers["Location"].rsplit("/", 1)[-1],))
    return found


def _late_charges(client: FlaskClient, views: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """An instalment of each account, as its page names it."""
    found = []
    for (view_id,) in views:
        page = client.get(f"/staff/people/{view_id}").get_data(as_text=True)
        named = re.search(rf"/{view_id}/late-charge/(\d+)/(\d+)", page)
        if named:
            found.append((view_id, named[1], named[2]))
    return found


def _paths(
    rule: Any,
    values: dict[str, list[tuple[Any, ...]]],
    requests: int,
    choice: Mapping[str, str],
) -> list[str]:
    """So many addresses of a page, with other numbers each; none when it cannot be asked for."""
    arguments = set(rule.arguments) - choice.keys()
    if arguments == {"view_id", "notice_id", "term"}:
        return [
            rule.build(dict(zip(("view_id", "notice_id", "term"), row, strict=True)))[1]
            for row in (values["late"] * requests)[:requests]
        ]
    if not arguments <= {*values, *FIXED, "line_no"} or (
        "line_no" in arguments and "file_id" not in arguments
    ):
        return []
    found = []
    for number in range(requests):
        chosen = dict(choice) | {name: FIXED[name] for name in arguments & FIXED.keys()}
        if "line_no" in arguments:
            line = values["file_line"][number % len(values["file_line"])]
            chosen |= {"file_id": line[0], "line_no": line[1]}
        for name in (arguments & values.keys()) - chosen.keys():
            rows = values[name]
            if not rows:
                return []
            chosen[name] = str(rows[number % len(rows)][0])
        found.append(rule.build(chosen)[1])
    return found


class Try(NamedTuple):
    """One request: milliseconds to the first and to the last byte, and of work; its answer."""

    first: float
    last: float
    worked: float
    size: int
    status: int
    download: bool


def _ask(client: FlaskClient, path: str, **more: Any) -> Try:
    """Ask for a page, or post to it."""
    method = client.post if "data" in more else client.get
    began, worked = time.perf_counter(), time.process_time()
    answer = method(path, buffered=False, **more)
    first, size = None, 0
    for piece in answer.response:
        first = first or time.perf_counter()
        size += len(piece)
    ended, worked = time.perf_counter(), time.process_time() - worked
    answer.close()
    download = "attachment" in answer.headers.get("Content-Disposition", "")
    download = download or answer.mimetype not in {"text/html", "image/png", "image/svg+xml"}
    return Try(
        ((first or ended) - began) * 1_000, (ended - began) * 1_000, worked * 1_000, size,
        answer.status_code, download,
    )  # fmt: skip


def _page(clients: dict[str, FlaskClient], name: str, paths: list[str]) -> Measured:
    """One page, by whoever may ask for it; the first request is not counted.

    A download is asked for three times: some are files of half a million rows.
    """
    client = next(
        (c for c in clients.values() if c.get(paths[0]).status_code not in {403, 303}),
        clients["kaikei"],
    )
    tries: list[Try] = []
    for path in paths:
        tries.append(_ask(client, path))
        if tries[-1].download and len(tries) == DOWNLOADS:
            break
    return _measured(name, tries)


def _measured(name: str, tries: list[Try]) -> Measured:
    print(f"  {name}", file=sys.stderr)
    return Measured(
        name,
        [one.last for one in tries],
        [one.first for one in tries],
        [one.worked for one in tries],
        max(one.size for one in tries) / 1_000,
        {one.status for one in tries},
        any(one.download for one in tries),
    )


def _floor(client: FlaskClient, requests: int) -> Measured:
    """A page of the same frame that says that there is no such case."""
    client.get("/staff/cases/999999999")
    return _measured("(floor)", [_ask(client, "/staff/cases/999999999") for _ in range(requests)])


def _searches(
    app: Flask,
    client: FlaskClient,
    engine: Engine,
    values: dict[str, list[tuple[Any, ...]]],
    requests: int,
) -> list[Measured]:
    """What people type: numbers that are known and unknown, amounts, names."""
    from sqlalchemy import text  # noqa: PLC0415

    from payments.store.unit_of_work import reading  # noqa: PLC0415

    asked: dict[str, list[str]] = {
        "slip": [str(row[0]) for row in values["slip_no"]],
        "unknown": ["0000000000", "S9999999999", "99999" + "0" * 29],
        "amount": ["12,300", "5000円", "1,000"],
    }
    with reading(engine, CODE) as connection:
        for name, column, table in (
            ("el number", "el_number", "slip"), ("barcode", "konbini_barcode", "slip"),
            ("notice", "notice_no", "notice"), ("kana", "kana", "obligor"),
        ):  # fmt: skip
            query = text(
                f"SELECT {column} FROM {table} WHERE municipality_code = :m "
                f"AND {column} IS NOT NULL LIMIT 4000"
            )
            rows = connection.execute(query, {"m": CODE}).scalars().all()
            asked[name] = [str(row) for row in rows[::100]]
    if "search.find" not in app.view_functions:
        return []
    found = []
    for name, numbers in asked.items():
        tries = [
            _ask(client, "/staff/search", data={"number": numbers[n % len(numbers)]})
            for n in range(requests)
        ]
        found.append(_measured(f"search: {name}", tries))
    return found


def _print(floor: Measured, found: list[Measured], skipped: list[str]) -> None:
    heads = "".join(f"{name:>8}" for name in ("p50", "p95", "max", "work", "KB"))
    print(f"{'page':<34}{heads} {'x floor':>8}  answered")
    pages = [floor, *(one for one in found if not one.download)]
    for one in sorted(pages, key=lambda one: -one.p95):
        slow = "" if one.p95 <= LIMIT_MS and one.kilobytes <= LIMIT_KB else "  OVER"
        print(
            f"{one.name:<34} {statistics.median(one.times):>7.1f} {one.p95:>7.1f} "
            f"{max(one.times):>7.1f} {statistics.median(one.worked):>7.1f} "
            f"{one.kilobytes:>7.1f} {one.p95 / floor.p95:>8.1f}  "
            f"{sorted(one.statuses)}{slow}"
        )
    print("\ndownloads: seconds to the first byte and to the last (median), MB")
    for one in found:
        if one.download:
            print(
                f"{one.name:<34} {statistics.median(one.first) / 1e3:>7.3f} "
                f"{statistics.median(one.times) / 1e3:>7.3f} {one.kilobytes / 1e3:>9.2f}  "
                f"{sorted(one.statuses)}"
            )
    over = [one for one in pages if one.p95 > LIMIT_MS or one.kilobytes > LIMIT_KB]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"\n{len(pages)} pages, {len(over)} over {LIMIT_MS} ms or {LIMIT_KB} KB; "
        f"peak memory {peak} MB; not measured: {', '.join(skipped) or 'none'}"
    )


if __name__ == "__main__":
    main()

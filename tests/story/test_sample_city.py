"""見本市を最後まで: files of every channel go in, and every line ends as the truth says."""

from __future__ import annotations

import io
import random
from collections import defaultdict
from datetime import date

import pytest
from reference_rows import sample_profile
from sample_folder import Ending, SampleFolder

from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.export import COLUMNS, outcome_rows, write_outcomes
from reconcile.model import Delivery, FileStatus
from reconcile.pipeline import take_in
from reconcile.registers import import_assessments, import_slips, import_vehicles
from reconcile.waiting import reconcile_waiting
from sample_data.city import make

MUNICIPALITY = "99999"
OBLIGORS, DAYS = 150, 5
# Three seeds at the usual start, and a city whose days lie around a new year.
CITIES = {1: date(2026, 6, 1), 2: date(2026, 6, 1), 3: date(2026, 6, 1), 4: date(2025, 12, 26)}


SOAKED = (2, 3)  # seeds of the usual start that `make soak` alone takes to the end
SEEDS = [
    pytest.param(seed, id=f"seed {seed}", marks=[pytest.mark.soak] if seed in SOAKED else [])
    for seed in CITIES
]


@pytest.fixture(scope="module", params=SEEDS)
def city(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("city") / "city"
    make(out, obligors=OBLIGORS, days=DAYS, seed=request.param, start=CITIES[request.param])
    return SampleFolder(out)


@pytest.fixture
def town(database_url):
    town = Town(database_url)
    yield town
    town.engine.dispose()


class Town:
    """The sample municipality in a database."""

    def __init__(self, url):
        self.engine = open_engine(url)
        with unit_of_work(self.engine, MUNICIPALITY) as connection:
            save_profile(connection, sample_profile())

    def issue(self, city):
        """調定と納付書."""
        first = city.days[0][0]
        for name, import_file in (
            ("assessments.csv", import_assessments),
            ("slips.csv", import_slips),
            ("vehicles.csv", import_vehicles),
        ):
            delivery = Delivery(name, (city.path / name).read_bytes())
            report = import_file(self.engine, MUNICIPALITY, delivery, received_on=first)
            assert report.status is FileStatus.ACCEPTED, report.findings

    def take_in(self, city, order=lambda paths: paths):
        """Every file of every day; the status each of them got."""
        statuses = {}
        for received_on, paths in city.days:
            for path in order(paths):
                delivery = Delivery(path.name, path.read_bytes())
                report = take_in(self.engine, MUNICIPALITY, delivery, received_on=received_on)
                statuses[path.name] = report.status.value
        return statuses

    def reconcile(self, city):
        """The last evening."""
        return reconcile_waiting(self.engine, MUNICIPALITY, as_of=city.days[-1][0])

    def endings(self):
        """The outcomes export, reduced to what the truth says."""
        with reading(self.engine, MUNICIPALITY) as connection:
            rows = [
                dict(zip(COLUMNS, row, strict=True))
                for row in outcome_rows(connection, MUNICIPALITY)
            ]
        return [Ending(**{name: row[name] for name in Ending._fields}) for row in rows]

    def export(self):
        """The bytes of the export."""
        stream = io.StringIO(newline="")
        with reading(self.engine, MUNICIPALITY) as connection:
            write_outcomes(connection, MUNICIPALITY, stream)
        return stream.getvalue()


def totals(endings):
    """Count, applied and suspense per outcome and kind of file."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for ending in endings:
        kind = ending.file_name.partition("_20")[0]
        for place, value in enumerate((1, ending.applied_yen, ending.suspense_yen)):
            sums[kind, ending.outcome][place] += value
    return dict(sums)


def test_every_line_ends_as_the_truth_says(city, town):
    town.issue(city)
    assert town.take_in(city) == city.statuses
    town.reconcile(city)
    assert town.endings() == city.truth

    # Everything a second time: all bytes are known (nil reports and files that were set aside are
    # looked at again), and nothing moves.
    before = town.export()
    again = town.take_in(city)
    accepted = {name for name, status in city.statuses.items() if status == "accepted"}
    nil = {name for name in accepted if name.endswith("gaito_nashi.csv")}
    assert {again[name] for name in accepted - nil} == {"duplicate_file"}
    assert {again[name] for name in nil} == {"accepted"}
    town.reconcile(city)
    assert town.export() == before


def test_files_of_a_day_in_another_order_change_no_total(city, sqlite_url):
    # On either database every line ends as the truth says (above); here only the order is new.
    town, rng = Town(sqlite_url), random.Random("another order")
    town.issue(city)
    town.take_in(city, order=lambda paths: rng.sample(paths, len(paths)))
    town.reconcile(city)
    assert totals(town.endings()) == totals(city.truth)
    town.engine.dispose()

"""全結果: the sample city and what two people do in it end in every outcome by every rule.

A rule or an outcome that is added and that nothing brings about fails here. Codes that no line
ends in (errors, findings, cases, checks, differences) are watched over the whole run of the tests,
by :mod:`fired`.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from credit_town import DSK, CreditTown
from placing_town import PlacingTown, row
from sample_folder import SampleFolder
from sealed_city import M, take_in_city
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.unit_of_work import reading
from reconcile.model import Delivery, FileStatus
from reconcile.pipeline import take_in
from reconcile.rules import RULES, SETTLEMENT_OUTCOMES
from sample_data.city import make
from web.texts.explain import CONDITIONS
from web.texts.outcomes import OUTCOMES

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

Endings = set[tuple[str, str]]  # (outcome, rule)


def _endings(engine: Engine) -> Endings:
    with reading(engine, M) as connection:
        found = connection.execute(text("SELECT DISTINCT outcome, rule FROM line_outcome"))
        return {(str(outcome), str(rule)) for outcome, rule in found}


def _of_the_city(database_url: str, folder: Path) -> Endings:
    """What the engine decides by itself."""
    make(folder / "city", obligors=60, days=4, seed=2, start=date(2026, 6, 1))
    city = SampleFolder(folder / "city")
    engine = open_engine(database_url)
    take_in_city(engine, city)
    received_on, paths = city.days[0]
    again = take_in(
        engine, M, Delivery(paths[0].name, paths[0].read_bytes()), received_on=received_on
    )
    found = _endings(engine)
    if again.status is FileStatus.DUPLICATE:
        found.add((again.status.value, ""))
    engine.dispose()
    return found


def _of_people(url: str) -> Endings:
    """What only two people decide about a payment."""
    town = PlacingTown(url)
    town.shop("a.csv", row(1))
    town.place(town.line("a.csv"))
    town.place(town.line("a.csv"), town.part(2, "01", 10_000))
    found = _endings(town.engine)
    town.close()
    return found


def _of_split_money(url: str) -> Endings:
    """One group whose money came in two credits."""
    town = CreditTown(url)
    town.pay("01", "02", remitted_on="2026-06-24")
    town.credited(4_000, "", payer_code=DSK)
    town.credited(6_000, "", payer_code=DSK)
    found = _endings(town.engine)
    town.engine.dispose()
    return found


def test_every_outcome_and_every_rule_happens(
    database_url: str, sqlite_template: Path, tmp_path: Path
) -> None:
    """By the engine's own hand, on both databases."""
    found = _of_the_city(database_url, tmp_path)
    for name, make_endings in (("people", _of_people), ("money", _of_split_money)):
        path = tmp_path / f"{name}.sqlite"
        path.write_bytes(sqlite_template.read_bytes())
        found |= make_endings(f"sqlite:///{path}")
    assert {(rule.outcome, rule.code) for rule in RULES} - found == set()
    outcomes, rules = ({ending[part] for ending in found} for part in (0, 1))
    assert SETTLEMENT_OUTCOMES.keys() - outcomes == set()
    assert OUTCOMES.keys() - outcomes == set()
    assert CONDITIONS.keys() - rules == set()

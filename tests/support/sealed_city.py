"""A small city taken in and sealed, for tests of the seals and of what auditors are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_rows import sample_profile

from payments.store.municipalities import save_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.model import Delivery
from reconcile.pipeline import take_in
from reconcile.registers import import_assessments, import_slips
from reconcile.waiting import reconcile_waiting

if TYPE_CHECKING:
    from sample_folder import SampleFolder
    from sqlalchemy import Engine

M = "99999"


def take_in_city(engine: Engine, city: SampleFolder) -> None:
    """Everything of a sample city, to the last evening."""
    with unit_of_work(engine, M) as connection:
        save_profile(connection, sample_profile())
    first, last = city.days[0][0], city.days[-1][0]
    for name, import_file in (("assessments.csv", import_assessments), ("slips.csv", import_slips)):
        delivery = Delivery(name, (city.path / name).read_bytes())
        import_file(engine, M, delivery, received_on=first)
    for received_on, paths in city.days:
        for path in paths:
            delivery = Delivery(path.name, path.read_bytes())
            take_in(engine, M, delivery, received_on=received_on)
    reconcile_waiting(engine, M, as_of=last)

"""同額の請求の帳簿: the bills of :mod:`equal_bills` in the books of a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from reference_rows import sample_profile

from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.model import Delivery, FileStatus
from reconcile.registers import import_assessments, import_slips

if TYPE_CHECKING:
    from equal_bills import EqualBills
    from sqlalchemy import Engine

M = "99999"
ASSESSED_ON = date(2026, 6, 1)


def open_bills(url: str, bills: EqualBills) -> Engine:
    """The bills assessed and printed; so many cases at once are the point, not an accident."""
    engine = open_engine(url)
    with unit_of_work(engine, M) as connection:
        save_profile(connection, replace(sample_profile(), cases_per_run_max=10**9))
    for name, data, importer in (
        ("assessments.csv", bills.assessments(), import_assessments),
        ("slips.csv", bills.slips(), import_slips),
    ):
        report = importer(engine, M, Delivery(name, data), received_on=ASSESSED_ON)
        assert report.status is FileStatus.ACCEPTED, report.findings[:3]
    return engine

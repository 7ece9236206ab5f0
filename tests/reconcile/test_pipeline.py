"""One file from bytes to report: what the story itself promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from reference_rows import barcode, sample_profile
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.formats import konbini_dsk
from reconcile.model import Delivery, FileStatus
from reconcile.pipeline import take_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

RECEIVED = date(2026, 6, 2)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A municipality whose runs stop when they would open more than two cases."""
    engine = open_engine(database_url)
    with unit_of_work(engine, "99999") as connection:
        save_profile(
            connection, replace(sample_profile(), cases_per_run_max=2, cases_share_max=0.5)
        )
    yield engine
    engine.dispose()


def unknown_payments(number: int) -> bytes:
    """A file of payments whose slips nobody knows."""
    return konbini_dsk.write(
        konbini_dsk.DskRow(
            kind="01",
            paid_on="20260601",
            paid_at="1234",
            barcode=barcode(f"{777_000 + place}", "0", 1_000),
            amount_yen=1_000,
            cvs_code="030",
            cvs_name="ファミリーマート",
            shop_code="001234",
            remitted_on="0",
            created_on="20260602",
        )
        for place in range(number)
    )


def test_a_run_that_would_open_absurdly_many_cases_stops_and_says_so(engine: Engine) -> None:
    """Nothing is booked, the file says why, and it goes in once a person has raised the limit."""
    delivery = Delivery("konbini.csv", unknown_payments(3))

    stopped = take_in(engine, "99999", delivery, received_on=RECEIVED)

    assert stopped.status is FileStatus.STOPPED
    assert [(f.code, f.found, f.expected) for f in stopped.findings] == [
        ("too_many_cases", "3", "2")
    ]
    assert not stopped.status.is_good
    assert counts(engine) == {"source_line": 0, "receipt": 0, "posting": 0, "review_case": 0}
    assert status_of(engine, stopped.sha256) == "stopped"

    with unit_of_work(engine, "99999") as connection:
        save_profile(connection, sample_profile())
    again = take_in(engine, "99999", delivery, received_on=RECEIVED)

    assert again.status is FileStatus.ACCEPTED
    assert again.outcomes["unknown_slip"].suspense_yen == 3_000
    assert counts(engine) == {"source_line": 3, "receipt": 3, "posting": 3, "review_case": 3}


def test_few_cases_never_stop_a_run(engine: Engine) -> None:
    """Two unknown slips are two cases, however large their share is."""
    report = take_in(
        engine, "99999", Delivery("konbini.csv", unknown_payments(2)), received_on=RECEIVED
    )
    assert report.status is FileStatus.ACCEPTED
    assert report.cases_opened == 2
    assert report.label_ja == konbini_dsk.FORMAT.label_ja


def counts(engine: Engine) -> dict[str, int]:
    """Rows of the tables that a file fills."""
    tables = ("source_line", "receipt", "posting", "review_case")
    with reading(engine, "99999") as connection:
        return {
            table: connection.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one()
            for table in tables
        }


def status_of(engine: Engine, sha256: str) -> str:
    """What the books say of a file."""
    with reading(engine, "99999") as connection:
        found = connection.execute(
            text("SELECT status FROM source_file WHERE sha256 = :sha256"), {"sha256": sha256}
        )
        return str(found.scalar_one())


def test_a_file_accepted_late_under_its_old_number_repeats_what_came_meanwhile(
    engine: Engine,
) -> None:
    """A file that stopped keeps its lower number; what a later file brought came before it."""
    payments = unknown_payments(3)
    stopped = take_in(engine, "99999", Delivery("a.csv", payments), received_on=RECEIVED)
    assert stopped.status is FileStatus.STOPPED
    with unit_of_work(engine, "99999") as connection:
        save_profile(connection, sample_profile())

    # The same payments in a file made a day later, then the first file after all.
    later = take_in(
        engine, "99999", Delivery("b.csv", payments.replace(b"20260602", b"20260603")),
        received_on=RECEIVED,
    )  # fmt: skip
    again = take_in(engine, "99999", Delivery("a.csv", payments), received_on=RECEIVED)

    assert (later.file_id or 0) > (again.file_id or 0)
    assert later.outcomes["unknown_slip"].count == 3
    assert again.outcomes["repeat"].count == 3
    assert counts(engine)["receipt"] == 3

"""検算・延滞金と不納欠損: whoever alters a charge or a write-off past the guards is named."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from charge_town import ON, ChargeTown
from placing_town import NOTICES, M
from tampering import altered_copy, difference_names

from payments import approve
from payments.domain.write_off import Ground
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.charges import waiving, write_offs
from reconcile.report.period import day_report

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def books(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A town with a charge, a waiver and a write-off, all of them as they should be."""
    path = tmp_path_factory.mktemp("charged") / "books.sqlite"
    shutil.copyfile(sqlite_template, path)
    town = ChargeTown(f"sqlite:///{path}")
    town.pay(1)
    with unit_of_work(town.engine, M) as connection:
        profile = load_profile(connection, M)
        first, second = ((town.notice[number], "01") for number in NOTICES[:2])
        common: dict[str, Any] = {"asked_by": "hanako", "at": town.moment, "reason": "申請による"}
        waiver = waiving.ask_waiver(connection, M, waiving.Waiving(first, "part", 300), **common)
        wish = write_offs.GivingUp((second,), Ground.AT_ONCE, ON)
        given_up = write_offs.ask_write_off(connection, profile, wish, on=ON, **common)
        for asked in (waiver, given_up):
            decided = approve.decide(
                connection, M, asked.approval_id, "approved", decided_by="jiro",
                at=town.moment + timedelta(minutes=1),
            )  # fmt: skip
            if asked is waiver:
                waiving.carry_out(connection, M, decided)
            else:
                write_offs.carry_out(connection, profile, decided, on=ON)
    town.book()
    town.check()
    with reading(town.engine, M) as connection:
        report = day_report(connection, load_profile(connection, M), date(2026, 6, 22))
    named = {check.code: check for check in report.checks}
    assert (named["written_off"].left, named["written_off"].right) == (10_000, 10_000)
    assert named["T7"].left == named["T7"].right
    town.close()
    return path


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE late_charge_booking SET amount_yen = amount_yen + 100", "late_charge"),
        (
            "UPDATE late_charge_booking SET basis_json = REPLACE(basis_json, '10000', '20000')",
            "late_charge_yen",
        ),
        ("UPDATE write_off SET amount_yen = amount_yen - 1", "write_off"),
        ("UPDATE write_off SET amount_yen = amount_yen - 1", "write_off_approval"),
        ("UPDATE write_off SET approval_id = 99", "write_off_approval"),
        ("UPDATE write_off SET approval_id = NULL", "write_off_approval"),
        ("UPDATE instalment_account SET written_off_yen = 1", "written_off_balance"),
        ("UPDATE charge_waiver SET approval_id = 99", "charge_waiver"),
        ("UPDATE charge_waiver SET amount_yen = 900", "seal_row"),
        ("UPDATE write_off SET ground = 'claim_waived'", "seal_row"),
    ],
)
def test_what_somebody_altered_is_named(
    books: Path, tmp_path: Path, statement: str, name: str
) -> None:
    assert name in difference_names(altered_copy(books, tmp_path, statement), M)

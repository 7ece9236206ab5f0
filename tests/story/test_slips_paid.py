"""B-04 and B-05: slips issued here are paid, old ones, both ways, by eL number and by barcode."""

from __future__ import annotations

from datetime import date

import pytest
from slip_town import SlipTown

from payments.issue import correct, reissue
from reconcile.formats import eltax_payment, konbini_dsk
from reconcile.model import Delivery
from reconcile.pipeline import take_in
from reconcile.verify.everything import verify


@pytest.fixture
def town(database_url):
    made = SlipTown(database_url)
    yield made
    made.close()


def _paid_by_app(town, name, *slips):
    """Payments reported by the hub; the outcome of each and what was applied."""
    rows = [
        eltax_payment.PaymentRow(
            "2", slip.el_number[:5], slip.el_number[31:], slip.el_number[5:25],
            slip.el_number[25:31], slip.amount_yen, "2026-05-20", "", "app", "0820", "テスト決済",
            f"TX-{name}-{number}", "2026-05-22", f"R-{name}",
        )
        for number, slip in enumerate(slips, start=1)
    ]  # fmt: skip
    return _outcomes(town, f"{name}.csv", eltax_payment.write(rows))


def _paid_at_a_shop(town, name, *slips):
    """Payments reported by a collecting company."""
    rows = [
        konbini_dsk.DskRow(
            "02", "20260520", f"12{number:02d}", slip.konbini_barcode, slip.amount_yen, "010",
            "テスト", "000001", "20260525", "20260521",
        )
        for number, slip in enumerate(slips, start=1)
    ]  # fmt: skip
    return _outcomes(town, f"{name}.csv", konbini_dsk.write(rows))


def _outcomes(town, name, data):
    report = take_in(
        town.engine, town.code, Delivery(name, data), received_on=date(2026, 5, 22), actor="test"
    )
    assert report.status == "accepted", report
    rows = town.rows(
        "SELECT outcome, applied_yen FROM line_outcome "
        "WHERE municipality_code = :m AND file_id = :f ORDER BY line_no",
        f=report.file_id,
    )
    return [tuple(row) for row in rows]


def test_a_new_version_is_paid_and_a_payment_on_the_old_one_is_recognised(town):
    for number in (1, 2, 3, 4):
        town.notice(number, (1_000,), grouped=False)
    town.issue()
    old = town.slips()
    with town.write() as connection:
        for number in (1, 2, 3, 4):
            slip_no = old[number, "01"].slip_no
            reissue(connection, town.profile, slip_no, town.act(), reason="紛失")
    new = town.slips()
    assert _paid_by_app(town, "a", new[1, "01"], old[2, "01"]) == [
        ("matched", 1_000), ("superseded_slip", 1_000),
    ]  # fmt: skip
    assert _paid_at_a_shop(town, "b", new[3, "01"], old[4, "01"]) == [
        ("matched", 1_000), ("superseded_slip", 1_000),
    ]  # fmt: skip
    # The second slip of somebody who has paid the first already: money that goes back.
    assert _paid_by_app(town, "c", new[2, "01"]) == [("duplicate", 0)]
    assert verify(town.engine, town.code) == []


def test_whole_year_and_instalment_slips_know_of_each_other(town):
    town.notice(1, (1_000, 2_000))
    town.notice(2, (1_000, 2_000))
    town.issue()
    slips = town.slips()
    assert _paid_by_app(town, "a", slips[1, "00"]) == [("matched", 3_000)]
    assert _paid_by_app(town, "b", slips[1, "02"]) == [("alternative_paid", 0)]
    assert _paid_by_app(town, "c", slips[2, "01"]) == [("matched", 1_000)]
    # Before anybody pays twice, both 期別 slips of the first and the 全期 slip of the second end.
    with town.write() as connection:
        assert correct(connection, town.profile, town.act()).unusable == 3
    assert _paid_at_a_shop(town, "d", slips[2, "00"]) == [("alternative_paid", 2_000)]
    assert verify(town.engine, town.code) == []


def test_a_corrected_amount_is_what_the_new_slip_asks_for(town):
    town.notice(1, (1_000,), grouped=False)
    town.issue()
    old = town.slips()
    town.change(1, 1, 1_200)
    with town.write() as connection:
        assert correct(connection, town.profile, town.act()).replaced == 1
    assert _paid_by_app(town, "a", town.slips()[1, "01"]) == [("matched", 1_200)]
    assert _paid_by_app(town, "b", old[1, "01"]) == [("duplicate", 0)]

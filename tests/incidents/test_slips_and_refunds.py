"""I12, I13, I15, I16, I22: wrong amounts, slips paid three times, refunds not made, records gone.

What was published stands in law.md 9.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from charge_town import ChargeTown
from incident_city import YEN, M
from placing_town import DAY, NOTICES
from reference_rows import barcode, csv_bytes, sample_profile
from reference_town import slip
from refund_town import RefundTown
from slips import check_page, slip_page
from sqlalchemy.exc import DatabaseError
from tampering import altered_copy, difference_names

from payments import approve
from payments.domain.errors import RefusedError
from payments.domain.holds import HoldKind
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.audit.seal import seal_pending
from reconcile.charges.waiving import Waiving, ask_waiver
from reconcile.formats import eltax_payment
from reconcile.model import Delivery, FileStatus
from reconcile.refunds import decide
from reconcile.refunds.ageing import ageing
from reconcile.registers import import_slips
from reconcile.verify.everything import verify

if TYPE_CHECKING:
    from pathlib import Path


def test_i12_a_barcode_with_another_amount_than_the_print_is_refused(city):
    """I12 柏市 2020: on 29 slips the barcode said another amount than the print."""
    page = slip_page(1, 12_300)
    assert check_page(replace(page, konbini_barcode=slip_page(1, 12_000).konbini_barcode))
    # Nor does a slip that somebody else has printed come into the register like that.
    row = slip("01", 12_300, konbini_barcode=barcode("101", "0", 12_000))
    delivery = Delivery("slips.csv", csv_bytes([row]))
    report = import_slips(city.engine, M, delivery, received_on=DAY)
    assert report.status is not FileStatus.ACCEPTED
    assert "barcode_amount" in {finding.code for finding in report.findings}


def test_i12_what_is_paid_by_such_a_slip_is_asked_about_the_same_day(city):
    """… and it was found only when the cash was compared with the slips."""
    city.shop(1, dated=date(2026, 7, 17), read_yen=YEN - 300)
    assert city.cases() == ["short"]


def _card(paid_at: str, transaction: str) -> eltax_payment.PaymentRow:
    """A payment by card of the first slip of the first notice, on 10 June."""
    return eltax_payment.PaymentRow(
        "1", "99999", "901", f"{NOTICES[0]}01".rjust(20, "0"), "000001", YEN, "2026-06-10", paid_at,
        "credit", "0001", "ﾐﾎﾝｶｰﾄﾞ", transaction, "", "",
    )  # fmt: skip


def test_i13_a_slip_paid_three_times_is_one_payment_and_two_that_go_back(sqlite_url):
    """I13 地方税お支払サイト 2023: a slip stayed payable, and people paid it several times by card."""
    town = RefundTown(sqlite_url)
    rows = [_card("12:00", "T1"), _card("12:03", "T2"), _card("12:07", "T3"), _card("12:00", "T1")]
    town.take(Delivery("hub.csv", eltax_payment.write(rows)))
    assert town.open_yen(1, "01") == 0
    assert [kind for kind, _ in town.cases()] == ["duplicate", "duplicate"]  # T1 again is no other
    back = town.listed()
    assert [(each.waiting_yen, each.paid_on) for each in back] == [(YEN, date(2026, 6, 10))] * 2
    town.check()
    town.close()


def test_i15_refunds_that_nobody_makes_do_not_go_out_of_sight(sqlite_url):
    """I15 鯖江市 2023: 154 refunds were not made; one clerk, and nobody else looked."""
    town = RefundTown(sqlite_url)
    subject = town.twice()
    for days, warned in ((1, 0), (40, 1), (400, 1)):
        with reading(town.engine, M) as connection:
            aged = ageing(connection, sample_profile(), DAY + timedelta(days=days))
        assert [row.overpayment.subject for row in aged.rows] == [subject]
        assert len(aged.warnings) == warned
    town.ready(subject)
    approval = town.asked(decide.ask_refund, subject, as_of=DAY)
    with (
        pytest.raises(RefusedError, match="approval_same_person"),
        unit_of_work(town.engine, M) as connection,
    ):
        approve.decide(
            connection, M, approval.approval_id, "approved", decided_by="hanako", at=town.moment
        )
    town.check()
    town.close()


def test_i15_who_holds_a_letter_back_stands_on_the_list(city):
    """… and it was hidden by keeping letters back."""
    city.hold("901/2026/0000000001", HoldKind.DUNNING, "2026-07-01")
    list_no = city.draw()
    assert city.why_not(list_no) == {"held": {1}}
    (hold,) = city.rows("SELECT actor, reason FROM hold_event WHERE municipality_code = :m")
    assert tuple(hold) == ("abe", "試験")
    with pytest.raises(DatabaseError):
        city.run("DELETE FROM hold_event WHERE municipality_code = :m")


@pytest.mark.parametrize("table", ["posting", "line_outcome"])
def test_i16_a_record_of_a_payment_does_not_vanish(
    city, books: Path, tmp_path: Path, table: str
) -> None:
    """I16 奈良市 2007–2011: 延滞金 was embezzled, and the records of it were gone."""
    city.shop(1, 2, dated=date(2026, 7, 17))
    seal_pending(city.engine, M)
    assert verify(city.engine, M) == []
    with pytest.raises(DatabaseError):
        city.run(f"DELETE FROM {table} WHERE municipality_code = :m")
    city.close()
    # Whoever gets past the guards of the database is found by the books themselves.
    last = f"(SELECT MAX(journal_id) FROM {table})"
    altered = altered_copy(books, tmp_path, f"DELETE FROM {table} WHERE journal_id = {last}")
    assert "seal_coverage" in difference_names(altered, M)


def test_i16_a_late_charge_is_claimed_and_given_up_only_by_two(sqlite_url):
    """… a late charge is a claim of its own: cash for it leaves it open, or stands on a receipt."""
    town = ChargeTown(sqlite_url)
    town.pay(1)
    town.book()
    assert town.charge_yen(1)
    place = (town.notice[NOTICES[0]], "01")
    with unit_of_work(town.engine, M) as connection:
        asked = ask_waiver(
            connection, M, Waiving(place, "whole"), asked_by="hanako", at=town.moment,
            reason="現金で受け取った",
        )  # fmt: skip
        with pytest.raises(RefusedError, match="approval_same_person"):
            approve.decide(
                connection, M, asked.approval_id, "approved", decided_by="hanako", at=town.moment
            )
    town.check()
    town.close()


@pytest.mark.parametrize(
    ("reason", "first_day"),
    [("reassessed", date(2026, 6, 11)), ("paid_twice", date(2026, 7, 11))],
)
def test_i22_interest_runs_from_the_day_that_the_reason_names(sqlite_url, reason, first_day):
    """I22 歌志内市: interest was not paid since 2008, because it was begun on a wrong day."""
    town = RefundTown(sqlite_url)
    subject = town.lowered() if reason == "reassessed" else town.twice()
    town.ready(subject, reason)
    assert town.found(subject).interest_from_on == first_day  # paid on 10 June
    town.close()

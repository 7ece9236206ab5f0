"""I1–I11b, I20b: letters and a seizure that reached people who had paid, or owed nothing.

What was published stands in law.md 9 (the sources are named in its chapter 12). The city is dunned
on 20 July 2026 for what was due on 30 June.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from incident_city import AT, ON, PEOPLE, SENT, YEN, M
from slips import slip_page
from years_town import claim

from payments.domain.errors import RefusedError
from payments.store.unit_of_work import unit_of_work
from qr.draw.slip_pdf import draw_slips
from qr.proof.slip_check import check_file
from reconcile.dunning import recheck
from reconcile.model import FileStatus

if TYPE_CHECKING:
    from pathlib import Path

EVERYONE = set(PEOPLE)
FRIDAY, MONDAY = date(2026, 7, 17), date(2026, 7, 20)
WEEK = [date(2026, 7, day) for day in range(13, 18)]
WHOLE_WEEK = "dates:" + ",".join(map(str, WEEK))
AUGUST = date(2026, 8, 6)


def test_i1_a_barcode_that_says_something_else_is_not_printed(tmp_path: Path) -> None:
    """I1 静岡市: after a change of systems barcodes said something else, and payers were dunned."""
    page, path = slip_page(1), tmp_path / "slips.pdf"
    draw_slips([replace(page, konbini_barcode=slip_page(2).konbini_barcode)], path)
    wrong = {found.field for found in check_file(path, [page])}
    assert wrong == {"konbini.free_area", "konbini_text_1", "konbini_text_2"}


def test_i1_payments_by_such_a_barcode_are_asked_about_the_same_day(city):
    """… and where others have printed it: the money waits for a person, and the day says so."""
    city.shop(1, dated=FRIDAY, number="990000000001")
    assert city.cases() == ["unknown_slip"]
    # Nobody knows yet whose it is, so that nothing holds the letter back: docs/incidents.md.
    assert 1 in city.letters(city.draw())


def test_i2_no_letters_over_barcode_data_that_are_late(any_city):
    """I2 青森市 2023: the shops' data came late, and letters were made before they were posted."""
    city = any_city
    city.await_files(konbini_dsk="dates:2026-07-17")
    assert city.signals(FRIDAY) == {"konbini_dsk": "red"}
    assert city.lacking() == "konbini_dsk 2026-07-17"
    city.shop(1, 2, 3, dated=FRIDAY, on=MONDAY)
    assert city.letters(city.draw()) == EVERYONE - {1, 2, 3}


def test_i2_letters_that_exist_are_taken_out_when_the_data_come(any_city):
    """… and the letters were made before the payments were posted."""
    city = any_city
    list_no = city.draw()
    city.approve(list_no)
    city.shop(1, 2, 3, dated=date(2026, 7, 23))
    with pytest.raises(RefusedError, match="dunning_state"):
        city.send(list_no, 0, 10)
    assert city.pull(list_no) == {1: "paid", 2: "paid", 3: "paid"}
    with pytest.raises(RefusedError, match="dunning_pull_count"):
        city.send(list_no, 2, 8)
    city.send(list_no, 3, 7)


def test_i3_slips_of_a_day_that_were_misread_hold_their_letters(city):
    """I3 吉岡町 2025: a day's slips were processed wrongly, and their correction was lost."""
    city.shop(1, 2, 3, dated=FRIDAY, read_yen=1_000)
    assert city.cases() == ["short"] * 3
    city.credited(3 * YEN, FRIDAY)
    assert "T3" in city.differing(FRIDAY)
    # The correction never comes: weeks later the questions are open, and hold the letters still.
    list_no = city.draw(AUGUST, at=datetime(2026, 8, 6, 3, tzinfo=UTC))
    assert city.why_not(list_no) == {"case_open": {1, 2, 3}}


def test_i4_no_letters_without_the_data_of_qr_payments(city):
    """I4 いわき市 2024: payments by QR were not reflected."""
    city.await_files(eltax="dates:2026-07-17", konbini_dsk="dates:2026-07-17")
    city.shop(1, dated=FRIDAY)
    assert city.signals(FRIDAY) == {"konbini_dsk": "green", "eltax": "red"}
    assert city.lacking() == "eltax 2026-07-17"


def test_i5_what_a_contractor_missed_shows_against_the_credit(city):
    """I5 いわき市 2025: a contractor missed 45 payments at counters among 6,387."""
    city.shop(1, 2, 3, dated=FRIDAY)
    city.credited(4 * YEN, FRIDAY)
    assert city.cases() == ["settlement_difference"]
    assert "T3" in city.differing(FRIDAY)
    # 10,000 yen too many were credited, and nobody is named by that: docs/incidents.md.
    assert 4 in city.letters(city.draw())


def test_i6_a_part_of_a_file_is_no_file(any_city):
    """I6 真庭市: a part of a file of receipts was not imported; some who were dunned paid twice."""
    city = any_city
    city.await_files(konbini_muf120="dates:2026-07-17")
    whole = city.other_shop(1, 2, 3, on=FRIDAY)
    assert city.take("part.dat", whole[:-250], FRIDAY).status is FileStatus.QUARANTINED
    assert city.signals(FRIDAY) == {"konbini_muf120": "amber"}
    assert city.lacking() == "konbini_muf120 2026-07-17"
    assert city.take("whole.dat", whole, FRIDAY).status is FileStatus.ACCEPTED
    assert city.take("again.dat", whole, FRIDAY).status is FileStatus.DUPLICATE
    # Who pays a second time is not lost among the others: the money waits to go back.
    city.shop(1, dated=MONDAY)
    assert "duplicate" in city.cases()


def test_i7_a_payment_system_that_is_not_linked_is_red(city):
    """I7 伊達市: the system of smartphone payments was not linked."""
    city.await_files(konbini_mizuho120=WHOLE_WEEK)
    assert [city.signals(day) for day in WEEK] == [{"konbini_mizuho120": "red"}] * 5
    assert city.lacking() == ", ".join(f"konbini_mizuho120 {day}" for day in WEEK)
    # Its money says so, too: a credit about which nobody has reported anything.
    city.credited(3 * YEN, FRIDAY, "9000000003")
    assert city.cases() == ["settlement_difference"]


def test_i8_a_week_that_was_not_posted_stops_the_list(city):
    """I8 平塚市 2008: a week's data of the shops were not posted before the list was made."""
    city.await_files(konbini_dsk=WHOLE_WEEK)
    for person, day in enumerate(WEEK[:4], start=1):
        city.shop(person, dated=day, on=FRIDAY)
    assert city.lacking() == "konbini_dsk 2026-07-17"
    city.shop(5, dated=FRIDAY)
    assert city.letters(city.draw()) == EVERYONE - {1, 2, 3, 4, 5}


def test_i10_a_channel_slower_than_the_banks_is_waited_for(city):
    """I10 鳥取県 2017: the new channel of shops was slower than the banks."""
    city.await_files(konbini_muf120="dates:2026-07-23")
    list_no = city.draw()  # nothing lacks on the 20th, but person 4 has paid in June
    assert 4 in city.letters(list_no)
    city.approve(list_no)
    with pytest.raises(RefusedError, match="dunning_blocked"):
        city.pull(list_no)
    city.take("slow.dat", city.other_shop(4, on=date(2026, 7, 23)), date(2026, 7, 23))
    assert city.pull(list_no) == {4: "paid"}


def test_i10_what_is_only_announced_holds_the_letter(city):
    """… and what shops announce within a day (速報) holds a letter weeks before the money."""
    city.shop(4, dated=MONDAY, kind="01")
    assert city.why_not(city.draw()) == {"provisional": {4}}


def test_i11_a_held_assessment_gets_no_letter(city):
    """I11 鉾田市 2026: assessments that were on hold (課税保留) were not left out."""
    city.assess(
        claim(2, 2026, YEN, kind="correction", flags="collection_hold"),
        claim(3, 2026, YEN, kind="correction", flags="dunning_hold"),
        on="2026-07-01",
    )
    assert city.why_not(city.draw()) == {"held": {2, 3}}


def test_i11b_who_has_left_the_insurance_is_taken_out(city):
    """I11b 名取市 2025: people who had left 国保 were dunned; an update had been missed."""
    city.shop(6, dated=date(2026, 7, 1))
    list_no = city.draw()
    city.approve(list_no)
    left = [claim(person, 2026, 0, kind="cancellation") for person in (5, 6)]
    city.assess(*left, on="2026-07-22")
    assert city.pull(list_no) == {5: "cancelled"}
    assert city.cases() == ["overpaid_by_correction"]  # 6 had paid, and gets it back


def _recheck(city, person: int, on: date) -> recheck.Recheck:
    with unit_of_work(city.engine, M) as connection:
        return recheck.recheck(
            connection, city.profile, f"{person:012d}", on=on, actor="abe", at=AT
        )


def test_i20b_before_a_seizure_everything_since_the_letter_is_looked_at(city):
    """I20b 室戸市: accounts of two who had paid since their letter were seized."""
    list_no = city.draw(ON)
    city.approve(list_no)
    city.pull(list_no)
    city.send(list_no, 0, 10)
    city.shop(2, dated=date(2026, 8, 3))
    city.shop(3, dated=date(2026, 8, 4), kind="01")
    assert _recheck(city, 1, AUGUST).result == recheck.NOTHING
    found = {person: _recheck(city, person, AUGUST) for person in (2, 3)}
    assert {each.result for each in found.values()} == {recheck.CAME}
    assert [found[person].rows[0].findings[0] for person in (2, 3)] == ["paid", "paid"]
    assert SENT < AUGUST
    # And nothing is answered while a file lacks in which the payment could be.
    city.await_files(konbini_dsk="dates:2026-08-05")
    with pytest.raises(RefusedError, match="dunning_blocked"):
        _recheck(city, 1, AUGUST)

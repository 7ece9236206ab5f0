"""車両: what a register says of a notice stays, the latest counts, and arrears end a certificate."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest
from slip_town import SlipTown
from sqlalchemy.exc import DatabaseError

from payments.print_runs import Selection, slips_of_file
from payments.vehicles import vehicles_of
from reconcile.formats.vehicle_register import VehicleRow, write
from reconcile.model import Delivery, FileStatus
from reconcile.registers import import_vehicles
from reconcile.verify.everything import verify
from web.texts.findings import FINDINGS

DAY = date(2026, 5, 1)
UNTIL = "2027-05-31"


@pytest.fixture
def town(database_url):
    with closing(SlipTown(database_url)) as made:
        for number in (1, 2, 3):
            made.notice(number, (7_200,), item_code="903", grouped=False)
        yield made


def row(number: int, vehicle_no: str, until: str = UNTIL, year: int = 2026) -> VehicleRow:
    return VehicleRow("99999", "903", year, f"{number:010d}", vehicle_no, until)


def take_in(town, *rows, name="vehicles.csv"):
    delivery = Delivery(name, write(rows))
    return import_vehicles(town.engine, town.code, delivery, received_on=DAY)


def outcomes(report):
    return {name: total.count for name, total in report.outcomes.items()}


def entries(town):
    return [
        tuple(map(str, found))
        for found in town.rows(
            "SELECT n.notice_no, v.entry_no, v.vehicle_no, v.certificate_until, v.line_no "
            "FROM vehicle_entry v JOIN notice n ON n.municipality_code = v.municipality_code "
            "AND n.notice_id = v.notice_id WHERE v.municipality_code = :m ORDER BY 1, 2"
        )
    ]


def vehicles(town):
    """By notice number: 標識番号, 有効期限, arrears."""
    numbers = {found.notice_id: int(found.notice_no) for found in town.rows(
        "SELECT notice_id, notice_no FROM notice WHERE municipality_code = :m AND levy_year = 2026"
    )}  # fmt: skip
    with town.read() as connection:
        found = vehicles_of(connection, town.code, sorted(numbers))
    return {numbers[notice_id]: tuple(vehicle) for notice_id, vehicle in found.items()}


def earlier(town, number: int, *, obligor: int, amount: int = 5_000) -> None:
    """A notice of the levy year before."""
    town.notice(number, (amount,), item_code="903", grouped=False, obligor=obligor)
    town.run_sql(
        "UPDATE notice SET levy_year = 2025 WHERE municipality_code = :m AND notice_no = :no",
        no=f"{number:010d}",
    )


def test_what_changed_is_added_and_the_rest_repeats(town):
    first = take_in(town, row(1, "み 1"), row(2, "み 2", ""))
    assert (first.status, outcomes(first)) == (FileStatus.ACCEPTED, {"applied": 2})
    assert take_in(town, row(1, "み 1"), row(2, "み 2", "")).status is FileStatus.DUPLICATE
    again = take_in(town, row(2, "み 2", ""), row(1, "み 9"), row(3, "み 3"))
    assert outcomes(again) == {"applied": 1, "changed": 1, "repeat": 1}
    assert entries(town) == [
        ("0000000001", "1", "み 1", UNTIL, "2"),
        ("0000000001", "2", "み 9", UNTIL, "3"),
        ("0000000002", "1", "み 2", "None", "3"),
        ("0000000003", "1", "み 3", UNTIL, "4"),
    ]
    assert vehicles(town) == {
        1: ("み 9", date(2027, 5, 31), False),
        2: ("み 2", None, False),
        3: ("み 3", date(2027, 5, 31), False),
    }
    assert list(verify(town.engine, town.code)) == []


def test_one_wrong_line_and_nothing_is_taken_in(town):
    report = take_in(
        town, row(1, "み 1"), row(4, "み 4"), row(1, "み 5"), row(2, "み 2", year=2020)
    )
    found = [(f.code, f.line_no, f.field, f.found, f.expected) for f in report.findings]
    assert found == [
        ("unknown_notice", 3, "notice_no", "0000000004", "調定のある通知書"),
        ("notice_twice", 4, "notice_no", "0000000001", "一つの通知書に一行"),
        ("unknown_notice", 5, "notice_no", "0000000002", "調定のある通知書"),
    ]
    assert {code for code, *_ in found} <= FINDINGS.keys()
    assert report.status is FileStatus.QUARANTINED
    assert entries(town) == []
    assert take_in(town, row(1, "み 1"), row(2, "み 2")).status is FileStatus.ACCEPTED


@pytest.mark.parametrize("statement", ["UPDATE vehicle_entry SET vehicle_no = 'x'", "DELETE FROM vehicle_entry"])  # fmt: skip
def test_an_entry_stays_as_it_was_written(town, statement):
    take_in(town, row(1, "み 1"))
    with pytest.raises(DatabaseError, match="append_only"):
        town.run_sql(f"{statement} WHERE municipality_code = :m")


def test_an_entry_that_is_not_what_came_is_found(town):
    take_in(town, row(1, "み 1"))
    town.run_sql(
        "INSERT INTO vehicle_entry (municipality_code, notice_id, entry_no, vehicle_no, file_id, "
        "line_no) SELECT municipality_code, notice_id, 2, 'み 7', file_id, 2 FROM vehicle_entry "
        "WHERE municipality_code = :m"
    )
    (difference,) = verify(town.engine, town.code)
    assert difference.name == "vehicle"
    assert "み 1" in difference.expected
    assert "み 7" in difference.found


def test_an_earlier_year_of_the_vehicle_is_outstanding(town):
    earlier(town, 11, obligor=8)  # of somebody else, but the same vehicle
    take_in(town, row(1, "み 1"), row(2, "み 2"), row(11, "み 1", year=2025))
    assert [vehicles(town)[number][2] for number in (1, 2)] == [True, False]
    town.pay(11, 1, 5_000)
    assert [vehicles(town)[number][2] for number in (1, 2)] == [False, False]


def test_an_earlier_vehicle_that_is_not_known_may_be_any_of_its_obligor(town):
    earlier(town, 12, obligor=2)
    take_in(town, row(1, "み 1"), row(2, "み 2"))
    assert [vehicles(town)[number][2] for number in (1, 2)] == [False, True]
    take_in(town, row(12, "み 99", year=2025))  # now it is known, and another one
    assert [vehicles(town)[number][2] for number in (1, 2)] == [False, False]


def test_the_vehicle_of_before_does_not_count_any_more(town):
    earlier(town, 11, obligor=8)
    take_in(town, row(1, "み 1"), row(11, "み 1", year=2025))
    take_in(town, row(11, "み 4", year=2025))
    assert not vehicles(town)[1][2]


def test_the_pages_of_a_file_know_their_vehicles(town):
    town.notice(4, (3_000, 4_000), item_code="903", grouped=False)
    take_in(town, row(1, "み 1"), row(4, "み 4"))
    run_id = town.issue(Selection(item_code="903", order="notice"))
    with town.read() as connection:
        slips = [
            slip for file_no in (1, 2) for slip in slips_of_file(connection, town.code, run_id, file_no)
        ]  # fmt: skip
    found = {(int(slip.notice_no), slip.term): slip.vehicle for slip in slips}
    assert found[1, "01"] == ("み 1", date(2027, 5, 31), False)
    assert found[2, "01"] is None
    # Paying one of two instalments leaves the other outstanding.
    assert found[4, "01"] == found[4, "02"] == ("み 4", date(2027, 5, 31), True)


def test_one_municipality_never_sees_another(database_url):
    with closing(SlipTown(database_url)) as ours:
        ours.notice(1, (7_200,), item_code="903", grouped=False)
        take_in(ours, row(1, "み 1"))
        other = replace(ours.profile, municipality_code="99998", name="別の市")
        with closing(SlipTown(database_url, other)) as theirs:
            theirs.notice(1, (7_200,), item_code="903", grouped=False)
            assert vehicles(theirs) == {}

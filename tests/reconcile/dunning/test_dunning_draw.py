"""Nobody who has paid, or may have paid, stands on a dunning list; the list says why (L-01, L-02)."""

from __future__ import annotations

from datetime import date

import pytest
from dunning_town import AT, DunningTown, M
from years_town import claim

from payments import approve
from payments.domain.errors import InvalidValueError, RefusedError
from payments.domain.holds import HoldKind
from payments.store.unit_of_work import unit_of_work


@pytest.fixture
def town(database_url):
    made = DunningTown(database_url)
    yield made
    made.close()


def test_each_claim_past_its_due_date_is_listed_or_has_its_ground(town):
    town.assess(
        claim(1, 2026, 10_000),
        claim(2, 2026, 10_000),  # paid
        claim(3, 2026, 10_000),  # 速報 only
        claim(4, 2026, 10_000),  # short: a case is open
        claim(5, 2026, 10_000, flags="dunning_hold"),
        claim(6, 2026, 10_000),  # held by a person
        claim(7, 2026, 10_000, due="2026-07-15"),  # too early
        claim(8, 2026, 10_000, due="2026-08-31"),  # not due
        claim(9, 2026, 0),
        on="2026-04-10",
    )
    town.pay(2, 10_000, "2026-06-30", on="2026-07-03")
    town.pay(3, 10_000, "2026-07-16", on="2026-07-17", kind="01")
    town.pay(4, 9_000, "2026-06-30", on="2026-07-03")
    town.hold("901/2026/0000000006", HoldKind.COLLECTION, "2026-07-01")
    list_no = town.draw()
    assert town.grounds(list_no) == {
        (1, "01"): "",
        (3, "01"): "provisional",
        (4, "01"): "case_open",
        (5, "01"): "held",
        (6, "01"): "held",
        (7, "01"): "too_early",
    }
    found = town.list(list_no)
    assert (found.row_count, found.listed_count, found.listed_yen) == (6, 1, 10_000)
    assert found.state == "drawn"
    evidence = town.rows(
        "SELECT ground, subject FROM dunning_evidence WHERE municipality_code = :m ORDER BY 1, 2"
    )
    assert {row.ground for row in evidence} == {"case_open", "held", "provisional"}
    files = town.rows(
        "SELECT COUNT(*) AS n FROM dunning_file d JOIN source_file f ON f.municipality_code = :m "
        "AND f.file_id = d.file_id AND f.sha256 = d.sha256 WHERE d.municipality_code = :m"
    )
    assert files[0].n == 3 + 2  # the claims and their slips came as files, too


def test_nothing_is_drawn_over_a_missing_file_unless_two_people_decided_it(database_url):
    town = DunningTown(database_url, konbini_dsk="dates:2026-07-17")
    town.assess(claim(1, 2026, 10_000), claim(2, 2026, 10_000, due="2026-07-17"), on="2026-04-10")
    with pytest.raises(RefusedError, match="dunning_blocked") as refused:
        town.draw(wait_days=0)
    assert refused.value.details["lacking"] == "konbini_dsk 2026-07-17"
    with pytest.raises(RefusedError, match="approval_same_person"):
        town.despite(decided_by="abe")
    town.despite(decided_by="ito")
    list_no = town.draw(wait_days=0)
    # What was due after the last complete day stays back all the same.
    assert town.grounds(list_no) == {(1, "01"): "", (2, "01"): "channel_incomplete"}
    found = town.list(list_no)
    assert found.despite_id is not None
    assert found.cut_off_on.isoformat() == "2026-07-16"
    town.close()


def test_a_decision_covers_only_the_files_that_it_names(database_url):
    town = DunningTown(database_url, konbini_dsk="dates:2026-07-17", eltax="dates:2026-07-20")
    town.assess(claim(1, 2026, 10_000), on="2026-04-10")
    with unit_of_work(town.engine, M) as connection:
        asked = approve.ask(
            connection, M, "dunning_despite", "2026-07-20",
            {"as_of": "2026-07-20", "lacking": ["konbini_dsk 2026-07-17"]},
            asked_by="abe", at=AT, reason="試験",
        )  # fmt: skip
        approve.decide(connection, M, asked.approval_id, "approved", decided_by="ito", at=AT)
    with pytest.raises(RefusedError, match="dunning_blocked"):
        town.draw()
    town.close()


def test_terms_out_of_their_range_and_an_empty_town_are_refused(town):
    with pytest.raises(InvalidValueError, match="dunning_terms"):
        town.draw(wait_days=-1)
    with pytest.raises(InvalidValueError, match="dunning_terms"):
        town.draw(due_from=date(2026, 7, 2), due_to=date(2026, 7, 1))
    with pytest.raises(RefusedError, match="dunning_none"):
        town.draw()


def test_small_sums_other_lists_and_the_narrowing_terms(town):
    town.assess(
        claim(1, 2026, 900), claim(2, 2026, 5_000), claim(3, 2026, 5_000, item="902"),
        claim(4, 2026, 5_000, due="2026-06-01"),
        on="2026-04-10",
    )  # fmt: skip
    first = town.draw(minimum_yen=1_000, item_code="901", due_from=date(2026, 6, 10))
    assert town.grounds(first) == {(1, "01"): "below_minimum", (2, "01"): ""}
    second = town.draw()
    assert town.grounds(second)[2, "01"] == "other_list"
    assert town.grounds(second)[3, "01"] == ""


def test_the_same_person_is_refused_as_the_second_one(town):
    town.assess(claim(1, 2026, 5_000), on="2026-04-10")
    list_no = town.draw()
    with pytest.raises(RefusedError, match="approval_same_person"):
        town.approve(list_no, decided_by="abe")
    assert town.list(list_no).state == "drawn"


def test_a_list_that_lists_nobody_needs_no_letters(town):
    town.assess(claim(1, 2026, 5_000, flags="dunning_hold"), on="2026-04-10")
    list_no = town.draw()
    with pytest.raises(RefusedError, match="dunning_empty"):
        town.approve(list_no)

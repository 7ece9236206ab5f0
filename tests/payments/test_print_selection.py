"""印刷の対象: what was printed as 見本 is no slip once the municipality is live."""

from __future__ import annotations

from datetime import timedelta

import pytest
from slip_town import AT, TODAY, SlipTown

from payments.domain.errors import NotFoundError
from payments.domain.holds import HoldKind, Span
from payments.holds import lift_hold, set_hold, target_of
from payments.print_plan import plan_totals
from payments.print_runs import (
    PrintedFile,
    Selection,
    finish,
    record_file,
    run_of,
    slips_of_file,
)
from payments.store.municipalities import set_live


@pytest.fixture
def town(database_url):
    made = SlipTown(database_url)
    made.notice(1, (1_000, 2_000))
    yield made
    made.close()


def _print(town, *, sample):
    run_id = town.plan(sample=sample)
    town.number(run_id)
    with town.write() as connection:
        pages = len(slips_of_file(connection, town.code, run_id, 1))
        file = PrintedFile(1, "slips-0001.pdf", pages, 1_000, "ab" * 32, pages, pages)
        record_file(connection, town.code, run_id, file, at=AT)
        finish(connection, town.code, run_id, at=AT)


def test_what_was_printed_as_a_sample_is_printed_again_when_live(town):
    _print(town, sample=True)
    with pytest.raises(NotFoundError, match="slips_none"):
        town.plan(sample=True)
    numbers = {key: slip.slip_no for key, slip in town.slips().items()}
    with town.write() as connection:
        set_live(connection, town.code, live=True)
    _print(town, sample=False)
    assert {key: slip.slip_no for key, slip in town.slips().items()} == numbers
    with pytest.raises(NotFoundError, match="slips_none"):
        town.plan(sample=False)


def test_an_unfinished_sample_run_keeps_its_slips_to_itself(town):
    run_id = town.issue()
    with town.write() as connection:
        set_live(connection, town.code, live=True)
    with pytest.raises(NotFoundError, match="slips_none"):
        town.plan(sample=False)
    with town.read() as connection:
        assert run_of(connection, town.code, run_id).sample


def test_what_people_hold_back_gets_no_slip_unless_asked_for(town):
    town.notice(2, (3_000,))
    with town.write() as connection:
        target = target_of(connection, town.code, "901/2026/0000000001/01")
        span = Span(TODAY, TODAY + timedelta(days=30))
        number = set_hold(
            connection, town.code, target, HoldKind.COLLECTION, span, reason="申請", actor="abe",
            at=AT,
        )  # fmt: skip

    def named(on=TODAY, *, held=False):
        selection = Selection(kinds="term", with_collection_hold=held)
        with town.read() as connection:
            return sum(t.slips for t in plan_totals(connection, town.code, selection, on=on))

    assert (named(), named(held=True)) == (2, 3)
    assert named(TODAY - timedelta(days=1)) == 3  # not yet in force
    assert named(TODAY + timedelta(days=31)) == 3  # over
    with town.write() as connection:
        lift_hold(connection, town.code, number, on=TODAY, reason="取下げ", actor="ito", at=AT)
    assert named() == 3
    with town.write() as connection:
        target = target_of(connection, town.code, "901/2026/0000000001")
        for kind in (HoldKind.DUNNING, HoldKind.COLLECTION):
            set_hold(connection, town.code, target, kind, Span(TODAY), reason="申請", actor="abe",
                     at=AT)  # fmt: skip
    assert named() == 1  # the whole notice is held

"""Undo, move and split: what two people decide about a payment, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from placing_town import DAY, NOTICES, M, PlacingTown, row
from reference_rows import sample_profile
from reference_town import assessment
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payments import approve
from payments.domain.errors import NotFoundError, RefusedError
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close
from reconcile.audit.scope import case_scope, day_scope
from reconcile.explain.answer import explain_line, explain_number
from reconcile.formats import konbini_dsk
from reconcile.model import Delivery, FileStatus
from reconcile.pipeline import reconcile_waiting
from reconcile.placement.named import line_of_case, parts_named
from reconcile.placement_model import PARTS_MAX
from reconcile.report.period import day_report
from reconcile.status import slip_status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placing_town import Line

REASON = "納付者に確かめた"


@pytest.fixture
def town(database_url: str) -> Iterator[PlacingTown]:
    """The town; whatever a test does, the books must hold together in the end."""
    town = PlacingTown(database_url)
    yield town
    town.check()
    town.close()


@pytest.fixture
def paid(town: PlacingTown) -> Line:
    """10,000 yen for the first instalment of the first notice, matched."""
    town.shop("a.csv", row(1))
    return town.line("a.csv")


# ---- the operations ----


def test_an_undo_takes_the_link_back_and_leaves_the_money_in_suspense(town, paid):
    town.place(paid)
    assert town.outcome(paid) == ("unlinked", "M1", 0, 10_000)
    assert town.open_yen(1, "01") == 10_000
    assert town.cases() == {("unlinked", f"{paid[0]}:{paid[1]}")}
    journal = town.rows("SELECT * FROM journal WHERE kind = 'placement'")[0]
    assert (journal.actor, journal.reason, str(journal.booked_on)) == ("jiro", REASON, str(DAY))
    moved = town.rows(
        "SELECT debit_account, credit_account, amount_yen, reason FROM posting "
        "WHERE journal_id = :journal ORDER BY leg",
        journal=journal.journal_id,
    )
    assert [tuple(posting) for posting in moved] == [
        ("reported", "suspense", 10_000, "suspense"),
        ("receivable", "reported", 10_000, "reversal"),
    ]


def test_a_payment_moves_to_another_instalment_of_another_notice(town, paid):
    town.place(paid, town.part(2, "01", 10_000))
    assert town.outcome(paid) == ("placed", "M2", 10_000, 0)
    assert (town.open_yen(1, "01"), town.open_yen(2, "01")) == (10_000, 0)
    assert town.cases() == set()


def test_a_payment_is_split_and_its_rest_waits_for_somebody(town, paid):
    town.place(paid, town.part(2, "02", 4_000), town.part(1, "01", 3_000))
    assert town.outcome(paid) == ("placed", "M2", 7_000, 3_000)
    assert (town.open_yen(2, "02"), town.open_yen(1, "01")) == (4_000, 7_000)
    case = town.rows("SELECT kind, amount_yen FROM review_case WHERE state = 'open'")
    assert [tuple(found) for found in case] == [("placed", 3_000)]
    town.place(paid, town.part(2, "02", 4_000), town.part(1, "01", 6_000))
    assert town.cases() == set()


def test_an_undo_is_undone_by_placing_again(town, paid):
    town.place(paid)
    town.place(paid, town.part(1, "01", 10_000))
    assert town.outcome(paid) == ("placed", "M2", 10_000, 0)
    assert town.open_yen(1, "01") == 0
    assert town.cases() == set()
    subject = f"{paid[0]}:{paid[1]}"
    assert town.cases("resolved") == {("unlinked", subject)}
    notes = town.rows("SELECT actor, event, note FROM case_event ORDER BY event_no")
    assert [tuple(note) for note in notes] == [
        ("jiro", "opened", ""),
        ("jiro", "resolved", REASON),
    ]


@pytest.mark.parametrize(
    ("payment", "outcome"),
    [
        (row(9), "unknown_slip"),
        (row(9, paid_on="20261399"), "malformed"),
        (row(1, yen=12_000), "over"),
    ],
)
def test_money_that_waits_for_whatever_reason_can_be_placed(town, payment, outcome):
    town.shop("a.csv", payment)
    line = town.line("a.csv")
    assert town.outcome(line)[0] == outcome
    town.place(line, town.part(3, "02", 8_000))
    assert town.outcome(line) == ("placed", "M2", 8_000, payment.amount_yen - 8_000)
    assert town.open_yen(1, "01") == 10_000


def test_a_whole_year_payment_is_taken_apart_and_put_together_again(town):
    town.shop("a.csv", row(1, "00"))
    line = town.line("a.csv")
    assert (town.open_yen(1, "01"), town.open_yen(1, "02")) == (0, 0)
    town.place(line, town.part(1, "02", 8_000), town.part(2, "01", 10_000))
    assert (town.open_yen(1, "01"), town.open_yen(2, "01")) == (10_000, 0)
    with reading(town.engine, M) as connection:
        whole = parts_named(connection, M, town.view(line), [(f"S{NOTICES[0]}-00-1", None)])
    assert whole == (town.part(1, "01", 10_000), town.part(1, "02", 8_000))
    town.place(line, *whole)
    ways = town.rows("SELECT SUM(term_yen), SUM(whole_yen) FROM instalment_account")[0]
    assert tuple(ways) == (18_000, 0)  # what people placed is the instalments' own
    town.place(line)
    assert (town.open_yen(1, "01"), town.open_yen(1, "02")) == (10_000, 8_000)


# ---- what opens again lets others in ----


def test_who_waits_for_a_reopened_instalment_is_decided_again_in_order(town, paid):
    town.shop("late.csv", row(1, paid_on="20260612"))
    town.shop("early.csv", row(1, paid_on="20260611"))
    early, late = town.line("early.csv"), town.line("late.csv")
    assert town.outcome(early)[0] == town.outcome(late)[0] == "duplicate"
    town.place(paid, town.part(2, "01", 10_000))
    assert town.outcome(early) == ("matched", "P13", 10_000, 0)
    assert town.outcome(late) == ("duplicate", "P06", 0, 10_000)
    assert town.cases() == {("duplicate", f"{late[0]}:2")}
    # Nothing comes to whoever waits when the instalment is filled by people again.
    town.place(early, town.part(2, "02", 8_000))
    assert town.outcome(late) == ("matched", "P13", 10_000, 0)


def test_of_two_who_paid_on_one_day_the_one_taken_in_first_comes_first(town, paid):
    """A file that stopped keeps its lower number, but its payment came into the books later."""
    strict = replace(sample_profile(), cases_per_run_max=0, cases_share_max=0.0)
    with unit_of_work(town.engine, M) as connection:
        save_profile(connection, strict)
    stopped = town.shop("b.csv", row(1, paid_on="20260612", paid_at="0800"))
    assert stopped.status is FileStatus.STOPPED
    with unit_of_work(town.engine, M) as connection:
        save_profile(connection, sample_profile())
    town.shop("c.csv", row(1, paid_on="20260612", paid_at="1800"))
    town.shop("b.csv", row(1, paid_on="20260612", paid_at="0800"))
    assert town.files["b.csv"] < town.files["c.csv"]
    town.place(paid)
    assert town.outcome(town.line("c.csv"))[0] == "matched"
    assert town.outcome(town.line("b.csv"))[0] == "duplicate"


def test_a_part_that_stays_lets_nobody_in(town):
    town.shop("a.csv", row(1, yen=12_000))
    town.shop("b.csv", row(1, paid_at="1201"))
    first, second = town.line("a.csv"), town.line("b.csv")
    town.place(first, town.part(1, "01", 10_000), town.part(2, "02", 2_000))
    revisions = town.rows(
        "SELECT COUNT(*) FROM line_outcome WHERE file_id = :file_id", file_id=second[0]
    )
    assert town.outcome(second) == ("duplicate", "P06", 0, 10_000)
    assert revisions[0][0] == 1


# ---- the same link never comes back by itself ----


def test_nothing_brings_an_undone_link_back(town, paid):
    town.place(paid)
    before = town.outcome(paid)
    same = konbini_dsk.write([row(1)])
    assert town.take(Delivery("a.csv", same)).status is FileStatus.DUPLICATE
    resent = konbini_dsk.write([row(1, created_on="20260621")])
    town.take(Delivery("other-name.csv", resent))
    assert town.outcome(town.line("other-name.csv"))[0] == "repeat"
    reconcile_waiting(town.engine, M, as_of=date(2026, 6, 22))
    town.assess(assessment("01", 12_000, "correction", notice_no=NOTICES[0]), name="more.csv")
    town.assess(assessment("01", 10_000, "correction", notice_no=NOTICES[0]), name="less.csv")
    # Even when the instalment opens once more beside it.
    town.shop("b.csv", row(1, paid_on="20260612"))
    town.shop("c.csv", row(1, "01", "03", paid_on="20260612"))
    assert town.outcome(town.line("b.csv"))[0] == "withdrawn"
    assert town.outcome(paid) == before
    assert town.open_yen(1, "01") == 10_000
    blocks = town.rows("SELECT file_id, line_no, notice_id, term FROM link_block")
    assert [tuple(b) for b in blocks] == [(*paid, town.notice[NOTICES[0]], "01")]


def test_a_payment_that_waited_and_was_placed_is_never_decided_again(town, paid):
    town.shop("b.csv", row(1, paid_on="20260611"))
    second = town.line("b.csv")
    town.place(second, town.part(2, "02", 3_000))
    town.place(paid)
    assert town.outcome(second) == ("placed", "M2", 3_000, 7_000)
    assert town.open_yen(1, "01") == 10_000


# ---- the payment itself goes on ----


def test_a_confirmation_confirms_a_placed_payment(town, paid):
    town.place(paid, town.part(2, "01", 6_000))
    town.shop("b.csv", row(1, kind="02"))
    assert town.outcome(town.line("b.csv"))[0] == "confirms"
    assert town.outcome(paid) == ("placed", "M2", 6_000, 4_000)
    town.check()
    # Named by the 確報 it is the same receipt, and it moves as confirmed money.
    town.place(town.line("b.csv"), town.part(3, "01", 9_000))
    assert town.outcome(paid) == ("placed", "M2", 9_000, 1_000)
    assert town.view(paid).stage == "confirmed"


def test_a_withdrawal_takes_a_placed_payment_back_from_where_it_is(town, paid):
    town.shop("wait.csv", row(2, paid_on="20260609"))
    town.place(town.line("wait.csv"))
    town.place(paid, town.part(2, "01", 6_000), town.part(1, "02", 1_000))
    town.shop("b.csv", row(1, kind="03"))
    assert town.outcome(town.line("b.csv"))[0] == "withdraws"
    assert town.outcome(paid) == ("withdrawn", "S2", 0, 0)
    assert (town.open_yen(2, "01"), town.open_yen(1, "02")) == (10_000, 8_000)
    assert town.cases() == {("unlinked", f"{town.line('wait.csv')[0]}:2")}
    with pytest.raises(RefusedError, match="placement_withdrawn"):
        town.ask(paid)


def test_a_whole_year_payment_is_withdrawn_from_where_people_placed_it(town):
    town.shop("a.csv", row(1, "00"))
    town.place(town.line("a.csv"), town.part(1, "01", 5_000), town.part(2, "01", 5_000))
    town.shop("b.csv", row(1, "00", "03"))
    assert town.outcome(town.line("a.csv"))[0] == "withdrawn"
    assert (town.open_yen(1, "01"), town.open_yen(2, "01")) == (10_000, 10_000)


def test_a_corrected_postal_payment_replaces_a_placed_one(town):
    town.shop("a.csv", row(1, kind="12"))
    town.place(town.line("a.csv"), town.part(2, "01", 10_000))
    town.shop("b.csv", row(1, kind="22", yen=9_000))
    assert town.outcome(town.line("a.csv"))[0] == "withdrawn"
    assert town.outcome(town.line("b.csv")) == ("short", "P10", 9_000, 0)
    assert town.open_yen(2, "01") == 10_000


def test_a_correction_of_the_claim_and_its_surplus_move_with_the_payment(town, paid):
    town.assess(assessment("01", 6_000, "correction", notice_no=NOTICES[0]), name="less.csv")
    assert ("overpaid_by_correction", f"{town.notice[NOTICES[0]]}/01") in town.cases()
    town.place(paid, town.part(1, "01", 6_000), town.part(2, "01", 4_000))
    assert (town.open_yen(1, "01"), town.open_yen(2, "01")) == (0, 6_000)
    assert town.cases() == set()


def test_as_many_surpluses_as_there_may_be_parts_go_back_at_once(town):
    numbers = [f"00000002{place:02d}" for place in range(PARTS_MAX)]
    group = {"whole_year_group": ""}
    town.assess(
        *(assessment("01", 1_000, notice_no=number, **group) for number in numbers),
        name="many.csv",
    )
    town.shop("a.csv", row(9, yen=1_000 * PARTS_MAX))
    line = town.line("a.csv")
    with reading(town.engine, M) as connection:
        wanted = [(f"901/2026/{number}/01", 1_000) for number in numbers]
        parts = parts_named(connection, M, town.view(line), wanted)
    town.place(line, *parts)
    town.assess(
        *(assessment("01", 400, "correction", notice_no=number, **group) for number in numbers),
        name="less.csv",
    )
    town.check()
    town.place(line)
    assert town.outcome(line) == ("unlinked", "M1", 0, 1_000 * PARTS_MAX)
    assert {kind for kind, _subject in town.cases()} == {"unlinked"}


# ---- two people, and nothing else ----


def test_what_is_not_approved_changes_nothing(town, paid):
    approval = town.ask(paid)
    assert town.view(paid).waiting.approval_id == approval.approval_id
    with pytest.raises(RefusedError, match="approval_waiting"):
        town.ask(paid, town.part(2, "01", 1))
    town.decide(approval, "rejected")
    assert town.outcome(paid)[0] == "matched"
    assert town.rows("SELECT COUNT(*) FROM placement")[0][0] == 0


def test_what_has_changed_since_it_was_asked_for_is_asked_again(town, paid):
    town.shop("b.csv", row(1, paid_on="20260611"))
    second = town.line("b.csv")
    approval = town.ask(second, town.part(2, "01", 10_000))
    town.place(paid)  # the second payment takes its place
    with pytest.raises(RefusedError, match="approval_stale"):
        town.decide(approval)
    assert town.outcome(second)[0] == "matched"


def test_a_confirmation_in_between_changes_nothing_of_what_was_asked_for(town, paid):
    approval = town.ask(paid, town.part(2, "01", 10_000))
    town.shop("b.csv", row(1, kind="02"))
    town.decide(approval)
    assert town.outcome(paid)[:2] == ("placed", "M2")
    due = town.rows(
        "SELECT SUM(CASE WHEN debit_account = 'confirmed_due' THEN amount_yen "
        "WHEN credit_account = 'confirmed_due' THEN -amount_yen ELSE 0 END) FROM posting"
    )
    assert due[0][0] == 10_000


def test_no_part_is_more_than_what_is_open(town, paid):
    town.shop("b.csv", row(2, yen=4_000))
    with pytest.raises(RefusedError, match="placement_outstanding"):
        town.ask(paid, town.part(2, "01", 6_001))
    approval = town.ask(paid, town.part(2, "01", 6_000))
    town.shop("c.csv", row(2, yen=1_000, paid_on="20260611"))
    with pytest.raises(RefusedError, match="placement_outstanding"):
        town.decide(approval)
    assert town.outcome(paid)[0] == "matched"


def test_what_stands_already_or_is_nowhere_is_refused(town, paid):
    with pytest.raises(RefusedError, match="placement_same"):
        town.ask(paid, town.part(1, "01", 10_000))
    town.shop("b.csv", row(1, kind="03", shop_code="000009"))
    with pytest.raises(RefusedError, match="placement_no_receipt"):
        town.ask(town.line("b.csv"))
    with pytest.raises(NotFoundError, match="placement_line"):
        town.ask((paid[0], 99))
    with pytest.raises(NotFoundError, match="placement_instalment"):
        town.ask(paid, town.part(1, "07", 5))
    with pytest.raises(NotFoundError, match="case"):
        town.ask(paid, case_no=99)
    town.place(paid)
    with pytest.raises(RefusedError, match="placement_same"):
        town.ask(paid)


def test_numbers_as_people_read_them_name_the_parts(town, paid):
    with reading(town.engine, M) as connection:

        def named(*wanted: tuple[str, int | None]) -> tuple[Any, ...]:
            return parts_named(connection, M, town.view(paid), wanted)

        first = f"901/2026/{NOTICES[1]}/02"
        assert named((first, 500)) == (town.part(2, "02", 500),)
        assert named((first, None), (f"S{NOTICES[1]}-01-1", None)) == (
            town.part(2, "02", 8_000),
            town.part(2, "01", 2_000),
        )
        with pytest.raises(RefusedError, match="placement_notice"):
            named((f"901/2026/{NOTICES[1]}", 500))
        with pytest.raises(RefusedError, match="placement_outstanding"):
            named((f"S{NOTICES[1]}-00-1", 18_001))
        with pytest.raises(NotFoundError, match="explain_number"):
            named(("901/2026/9/01", 500))


# ---- what others see of it ----


def test_the_case_it_answers_ends_with_the_reason(town):
    town.shop("a.csv", row(9))
    line = town.line("a.csv")
    case_no = town.rows("SELECT case_no FROM review_case")[0][0]
    town.place(line, town.part(1, "01", 10_000), case_no=case_no)
    events = town.rows("SELECT actor, event, note FROM case_event ORDER BY event_no")
    assert tuple(events[-1]) == ("jiro", "resolved", REASON)


def test_the_day_ties_and_revenue_follows_the_money(town, paid):
    town.place(paid, town.part(2, "01", 6_000))
    with reading(town.engine, M) as connection:
        report = day_report(connection, sample_profile(), DAY)
    assert [check.code for check in report.checks if not check.ok] == []
    assert report.collected_yen == 6_000
    flow = next(flow for flow in report.flows if flow.channel == "konbini")
    assert (flow.received_count, flow.applied_yen, flow.suspense_yen) == (1, 6_000, 4_000)


def test_a_resident_is_told_what_people_decided(town, paid):
    def state(notice: int) -> str:
        number = town.rows(
            "SELECT el_number FROM slip WHERE slip_no = :no", no=f"S{NOTICES[notice - 1]}-01-1"
        )[0][0]
        with reading(town.engine, M) as connection:
            return slip_status(connection, sample_profile(), number, today=DAY).state

    assert (state(1), state(2)) == ("provisional", "unconfirmed")
    town.place(paid, town.part(2, "01", 10_000))
    assert (state(1), state(2)) == ("checking", "provisional")
    town.shop("b.csv", row(1, kind="02"))
    assert (state(1), state(2)) == ("checking", "paid")


def test_the_explanation_says_who_asked_who_decided_and_why(town, paid):
    town.place(paid, town.part(2, "01", 10_000))
    with reading(town.engine, M) as connection:
        story = explain_line(connection, M, *paid).stories[0]
        other = explain_number(connection, M, f"901/2026/{NOTICES[1]}/01")
    first, second = story.decisions
    assert (first.rule, first.agrees) == ("P13", True)
    assert (second.rule, second.agrees) == ("M2", None)
    assert {name: second.facts[name] for name in ("asked_by", "decided_by", "decision_reason")} == {
        "asked_by": "hanako",
        "decided_by": "jiro",
        "decision_reason": REASON,
    }
    assert second.facts["placed_now"] == f"901/2026/{NOTICES[1]}/01 10,000円"
    assert [(b.reason, b.place[-2:], b.reversed_in is not None) for b in story.bookings] == [
        ("applied", "01", True),
        ("reversal", "01", False),
        ("placed", "01", False),
    ]
    assert [s.evidence.file_id for s in other.stories] == [paid[0]]
    assert [a.kind for a in story.approvals] == ["placement"]


def test_a_later_payment_sees_what_people_placed(town, paid):
    town.place(paid, town.part(2, "01", 10_000))
    town.shop("b.csv", row(2))
    second = town.line("b.csv")
    assert town.outcome(second)[0] == "duplicate"
    with reading(town.engine, M) as connection:
        story = explain_line(connection, M, *second).stories[0]
    assert story.decisions[0].agrees
    assert story.decisions[0].facts["paid_by"] == f"{paid[0]}:{paid[1]}"


# ---- days, years and what rests on them ----


def test_what_is_decided_about_a_closed_day_is_booked_on_the_next_open_one(town, paid):
    with unit_of_work(town.engine, M) as connection:
        asked = day_close.ask(
            connection, M, day_close.CLOSE, DAY.isoformat(), asked_by="hanako", reason="締め",
            at=town.moment, despite=True,
        )  # fmt: skip
        decided = approve.decide(
            connection, M, asked.approval_id, "approved", decided_by="jiro", at=town.moment
        )
        day_close.carry_out(connection, M, decided)
    town.place(paid, town.part(2, "01", 10_000), on=DAY)
    booked = town.rows("SELECT booked_on FROM journal WHERE kind = 'placement'")[0].booked_on
    assert str(booked) == "2026-06-22"  # a Monday; the 20th is a Saturday


def test_a_payment_for_the_wrong_instalment_is_moved_by_its_case(town):
    town.shop("a.csv", row(1, "02"))
    later = date(2026, 7, 6)
    reconcile_waiting(town.engine, M, as_of=later)
    suspected = ("wrong_instalment_suspected", f"{town.notice[NOTICES[0]]}/02")
    assert suspected in town.cases()
    found = town.rows("SELECT case_no FROM review_case WHERE kind = :kind", kind=suspected[0])
    case_no = found[0][0]
    with reading(town.engine, M) as connection:
        line = line_of_case(connection, M, case_no)
    assert line == town.line("a.csv")
    town.place(line, town.part(1, "01", 8_000), case_no=case_no)
    assert suspected not in town.cases()
    # What people placed there is no mistake any more.
    town.place(line, town.part(1, "02", 8_000))
    reconcile_waiting(town.engine, M, as_of=later)
    assert suspected not in town.cases()


def test_a_case_about_an_instalment_that_several_payments_settle_names_them(town):
    town.shop("a.csv", row(1, yen=4_000))
    town.shop("b.csv", row(1, yen=6_000, paid_at="1201"))
    town.assess(assessment("01", 3_000, "correction", notice_no=NOTICES[0]), name="less.csv")
    case_no = town.rows("SELECT case_no FROM review_case WHERE kind = 'overpaid_by_correction'")[0][
        0
    ]
    with (
        reading(town.engine, M) as connection,
        pytest.raises(RefusedError, match="placement_lines") as refused,
    ):
        line_of_case(connection, M, case_no)
    assert refused.value.details["expected"] == "a.csv:2、b.csv:2"


@pytest.mark.parametrize("table", ["placement", "placement_part", "link_block"])
def test_what_people_decided_cannot_be_changed(town, paid, table):
    town.place(paid, town.part(2, "01", 10_000))
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET municipality_code = '99999'"):
        with (
            pytest.raises(DBAPIError, match="append_only"),
            unit_of_work(town.engine, M) as connection,
        ):
            connection.execute(text(statement))


def test_an_audit_pack_of_the_case_or_the_day_holds_the_decision(town):
    town.shop("a.csv", row(9))
    line = town.line("a.csv")
    case_no = town.rows("SELECT case_no FROM review_case")[0][0]
    town.place(line, town.part(1, "01", 6_000), case_no=case_no)
    town.check()
    with reading(town.engine, M) as connection:
        scopes = [case_scope(connection, M, case_no), day_scope(connection, M, DAY)]
        kinds = {"placement", "placement_part", "link_block", "approval_asked", "approval_decided"}
        for scope in scopes:
            held = connection.execute(
                text("SELECT entry_no, kind FROM seal_entry WHERE municipality_code = :m"),
                {"m": M},
            ).all()
            assert kinds <= {row.kind for row in held if row.entry_no in scope.entries}
        assert town.notice[NOTICES[0]] in scopes[0].notices


def test_payments_placed_on_one_instalment_leave_it_at_once_with_what_a_correction_left(town):
    for name, notice in (("a.csv", 2), ("b.csv", 3)):
        town.shop(name, row(notice))
        town.place(town.line(name), town.part(1, "01", 5_000))
    lowered = assessment("01", 4_000, kind="correction", notice_no=NOTICES[0],
                         whole_year_group=f"G{NOTICES[0]}")  # fmt: skip
    town.assess(lowered, name="lowered.csv")
    report = town.shop("withdrawn.csv", row(2, kind="03"), row(3, kind="03"))
    assert report.status is FileStatus.ACCEPTED
    account = town.rows(
        "SELECT amount_yen, term_yen, whole_yen, surplus_yen FROM instalment_account "
        "WHERE notice_id = :notice_id AND term = '01'",
        notice_id=town.notice[NOTICES[0]],
    )
    assert [tuple(each) for each in account] == [(4_000, 0, 0, 0)]
    given_back = town.rows(
        "SELECT amount_yen FROM posting WHERE reason = 'surplus' AND debit_account = 'suspense' "
        "ORDER BY amount_yen"
    )
    assert [yen for (yen,) in given_back] == [1_000, 5_000]

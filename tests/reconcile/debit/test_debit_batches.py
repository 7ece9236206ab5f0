"""口座振替の束: built once, released by two, sent once, acknowledged, and what came back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256

import pytest
from debit_town import ACT, AT, DEBIT_ON, OTHER, SECOND_ON, TODAY, DebitTown
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from payments import approve
from payments.domain.debiting import Debiting
from payments.domain.errors import KokinError, RefusedError
from payments.store.unit_of_work import enter_municipality
from reconcile.debit import batches as books
from reconcile.debit import build, counts, release
from reconcile.debit.acknowledge import red_banks
from reconcile.debit.build import Act
from reconcile.debit.results import outcome_of
from reconcile.debit.story import debits_of
from reconcile.formats import debit_request
from reconcile.formats.assessments import AssessmentRow
from reconcile.model import Delivery, FileStatus
from reconcile.pipeline import take_in
from reconcile.report.checks import _t8
from reconcile.verify.everything import verify
from web.debits.view import batch_page

COUNT = 6


@pytest.fixture
def town(database_url):
    found = DebitTown(database_url)
    found.settle(COUNT)
    yield found
    found.close()


def refused(code, what, *given, **named):
    with pytest.raises(KokinError) as stopped:
        what(*given, **named)
    assert stopped.value.error_code == code


def test_a_batch_per_bank_is_built_once(town):
    first = town.build()
    assert [(b.bank_code, b.count, b.amount_yen, b.state) for b in first] == [
        ("9998", 3, 30_012, "built"),
        ("9999", 3, 30_009, "built"),
    ]
    assert town.build() == []  # a second build makes nothing
    with town.read() as connection:
        run = build.run_of(connection, town.profile, DEBIT_ON)
    assert [plan.state for plan in run.banks] == ["unchanged", "unchanged"]
    town.pay(2, 1, 10_002)
    with town.read() as connection:
        run = build.run_of(connection, town.profile, DEBIT_ON)
    (change,) = run.banks[0].changes
    assert (run.banks[0].state, change.before_yen, change.after_yen) == ("different", 10_002, 0)
    assert run.banks[0].choice.left == {"paid": [1, 0]}


def test_its_file_is_made_from_frozen_rows_and_reads_back(town):
    (batch, *_) = town.build()
    batch = town.released(batch)
    sent, data = town.send(batch)
    assert sha256(data).hexdigest() == sent.file_sha256
    (back,) = debit_request.read(data, DEBIT_ON)
    assert (len(back.debits), sum(d.amount_yen for d in back.debits)) == (3, sent.amount_yen)
    assert {d.new_code for d in back.debits} == {"1"}
    assert back.debits[0].account_no == "0000002"
    town.account(2, account_no="9999999")  # the register goes on; the file does not
    with town.read() as connection:
        assert books.bytes_of(connection, town.code, sent) == data


def test_two_people_release_and_it_is_sent_once(town):
    batch, _ = town.build()
    refused("debit_state", town.send, batch)
    approval = town.ask(release.RELEASE, batch.batch_no)
    with town.write() as connection, pytest.raises(RefusedError) as same:
        approve.decide(
            connection, town.code, approval.approval_id, "approved", decided_by="abe", at=ACT.at
        )
    assert same.value.error_code == "approval_same_person"
    town.decide(approval)
    refused("debit_state", town.ask, release.RELEASE, batch.batch_no)
    sent, data = town.send(batch)
    assert sent.state == "sent"
    refused("reason_missing", town.send, batch)  # again only with a reason
    again, same_bytes = town.send(batch, OTHER, reason="銀行の画面でエラー")
    assert same_bytes == data
    assert [event.event for event in again.events] == ["built", "released", "sent", "taken_again"]


def test_who_pays_before_the_file_goes_out_stops_it(town):
    batch, _ = town.build()
    approval = town.ask(release.RELEASE, batch.batch_no)
    town.pay(2, 1, 10_002)
    with pytest.raises(KokinError):
        town.decide(approval)
    refused("debit_batch_changed", town.ask, release.RELEASE, batch.batch_no)


def test_a_page_does_not_choose_a_large_batch_again_but_the_decision_does(town, monkeypatch):
    batch, _ = town.build()
    approval = town.ask(release.RELEASE, batch.batch_no)

    def glance():
        with town.read() as connection:
            return release.content_at_a_glance(connection, town.profile, approval, today=TODAY)

    assert glance() == approval.content
    town.pay(2, 1, 10_002)
    refused("debit_batch_changed", glance)
    monkeypatch.setattr(release, "LOOKED_THROUGH", 1)
    monkeypatch.setattr(release, "choice_again", lambda *_given: pytest.fail("chosen again"))
    assert glance() == approval.content
    monkeypatch.undo()
    with pytest.raises(KokinError):
        town.decide(approval)


def test_an_entry_that_says_the_same_account_again_changes_nothing(town):
    """新規コード and the release go by the account, not by how often it was registered."""
    (batch, other) = town.build()
    town.account(2, account_no="7777777")  # there and back: the newest entry says what was debited
    refused("debit_batch_changed", town.ask, release.RELEASE, batch.batch_no)
    town.account(2)
    sent, _ = town.send(town.released(batch))
    town.account(4, account_no="7777777")
    assert sent.state == "sent"
    later = Act("abe", AT, date(2026, 7, 10))
    with town.write() as connection:
        run, _ = build.build(connection, town.profile, date(2026, 7, 28), later)
    codes = [row.new_code for row in run.banks[0].choice.rows]
    assert (run.banks[0].bank_code, codes) == (batch.bank_code, ["0", "2", "0"])
    assert other.bank_code != batch.bank_code


def test_another_batch_takes_the_place_of_one_only_by_two_people(town):
    batch, _ = town.build()
    refused("debit_batch_same", town.ask, release.REPLACE, batch.batch_no)
    town.pay(2, 1, 10_002)
    approval = town.ask(release.REPLACE, batch.batch_no)
    assert approval.content["removed"] == 1
    new = town.decide(approval)
    assert (new.count, new.replaces_no, new.state) == (2, batch.batch_no, "built")
    assert town.batch(batch.batch_no).state == "replaced"
    refused("debit_state", town.send, batch)
    town.send(town.released(new))
    town.pay(4, 1, 10_004)
    refused("debit_stopped_missing", town.ask, release.REPLACE, new.batch_no)
    third = town.decide(town.ask(release.REPLACE, new.batch_no, "見本信用金庫 田中氏"))
    assert third.count == 1


def test_a_batch_that_was_withdrawn_frees_its_instalments(town):
    batch, _ = town.build()
    ended = town.decide(town.ask(release.WITHDRAW, batch.batch_no))
    assert ended.state == "withdrawn"
    (again,) = town.build()
    assert (again.bank_code, again.count) == (batch.bank_code, 3)


@pytest.mark.parametrize(
    ("ground", "statement"),
    [
        ("held", "UPDATE instalment SET collection_hold = TRUE WHERE municipality_code = :m"),
        ("number_missing", "UPDATE instalment SET debit_no = '' WHERE municipality_code = :m"),
    ],
)
def test_who_is_left_out_is_counted_with_the_ground(town, ground, statement):
    town.run_sql(statement)
    with town.read() as connection:
        run = build.run_of(connection, town.profile, DEBIT_ON)
    assert {plan.state for plan in run.banks} == {"empty"}
    assert sum(plan.choice.left[ground][0] for plan in run.banks) == COUNT


def test_without_an_account_or_at_another_bank_nobody_is_debited(town):
    town.notice(7, (5_000,), flags="direct_debit", grouped=False)
    town.notice(8, (5_000,), flags="direct_debit", grouped=False)
    town.account(8, bank_code="0001")
    town.account(2, event="ended", from_on=date(2026, 5, 2))
    town.notice(10, (5_000,), grouped=False)  # without the flag
    with town.write() as connection:
        run, built = build.build(connection, town.profile, DEBIT_ON, ACT)
    assert run.nowhere == {
        "account_ended": [1, 10_002], "account_missing": [1, 5_000], "bank_unknown": [1, 5_000],
    }  # fmt: skip
    assert [batch.count for batch in built] == [2, 3]


@pytest.mark.parametrize(
    ("day", "code"),
    [
        (date(2026, 5, 30), "debit_day"),  # a Saturday
        (TODAY, "debit_day_past"),
        (date(2027, 5, 28), "debit_day_far"),  # I17: another year
    ],
)
def test_a_batch_for_the_wrong_day_is_not_built(town, day, code):
    refused(code, town.build, day)


def test_nobody_is_debited_before_the_due_date(town):
    """I18: whatever day is asked for, only what is due on it, or on the days said before it."""
    assert town.build(DEBIT_ON - timedelta(days=1)) == []
    refused("debit_due_from", town.build, due_from_on=DEBIT_ON + timedelta(days=1))
    refused("debit_bank", town.build, banks=["1234"])
    late = town.build(DEBIT_ON + timedelta(days=1), due_from_on=DEBIT_ON)
    assert sum(batch.count for batch in late) == COUNT


def test_an_instalment_of_another_fiscal_year_is_debited_when_it_is_due(town):
    """随時: levied for the year before, due now; without a batch it would get no slip either."""
    late = AssessmentRow(
        town.code, "901", 2025, 2025, f"{9:010d}", "01", f"{1:012d}", "見本 1", "ミホン",
        "1000001", "見本市", 7_777, DEBIT_ON.isoformat(), "initial", "", "direct_debit",
    )  # fmt: skip
    town.assess([late])
    (year,) = town.rows("SELECT i.fiscal_year FROM instalment i JOIN notice n "
                        "ON n.notice_id = i.notice_id WHERE n.notice_no = '0000000009'")  # fmt: skip
    _, batch = town.build()
    assert (tuple(year), batch.count, batch.amount_yen) == ((2025,), 4, 30_009 + 7_777)
    with town.read() as connection:
        run = build.run_of(connection, town.profile, DEBIT_ON)
    assert [plan.state for plan in run.banks] == ["unchanged", "unchanged"]
    assert run.nowhere == {}


def test_a_bank_that_says_something_else_is_a_case(town):
    batch = town.build()[0]
    refused("debit_state", town.acknowledge, batch)
    batch, _ = town.send(town.released(batch))
    with town.read() as connection:
        assert red_banks(connection, town.code, DEBIT_ON) == ["9998", "9999"]
    assert town.acknowledge(batch, batch.count - 1).state == "differs"
    refused("debit_acknowledged_count", town.acknowledge, batch, -1)
    query = "SELECT kind, state FROM review_case WHERE municipality_code = :m"
    (case,) = town.rows(query)
    assert tuple(case) == ("debit_acknowledgement_differs", "open")
    assert town.acknowledge(batch).state == "acknowledged"
    assert [row.state for row in town.rows(query)] == ["resolved"]
    with town.read() as connection:  # I19: the other bank got no file
        assert red_banks(connection, town.code, DEBIT_ON) == ["9999"]


def test_results_are_matched_row_by_row(town):
    sent = town.whole_way()
    batch, data = sent["9998"]
    assert town.results(data, "013").status is FileStatus.ACCEPTED
    with town.read() as connection:
        outcome = outcome_of(connection, town.code, batch)
        other = outcome_of(connection, town.code, sent["9999"][0])
        told = debits_of(connection, town.code, *_place(town, 4))
    assert (outcome.paid, outcome.failed) == ((1, 10_002), (2, 20_010))
    assert outcome.agrees
    assert other.missing == other.requested
    assert [(each.result, each.amount_yen, each.new_code) for each in told] == [("1", 10_004, "1")]


def test_results_that_nobody_asked_for_are_strange(town):
    batch, data = town.whole_way()["9999"]
    (asked,) = debit_request.read(data, DEBIT_ON)
    more = asked.debits[0]._replace(customer_no="20269010000000000202")
    other = asked.debits[1]._replace(amount_yen=1)
    changed = debit_request.write([asked._replace(debits=(asked.debits[0], other, more))])
    town.results(changed, "000")
    with town.read() as connection:
        outcome = outcome_of(connection, town.code, batch)
    assert outcome.strange[0] == 1
    assert outcome.missing[0] == 2  # one that did not come, one with another amount
    assert not outcome.agrees


def test_a_request_that_comes_back_is_no_result(town):
    _, data = town.whole_way()["9999"]
    back = take_in(town.engine, town.code, Delivery("back.dat", data), received_on=date(2026, 6, 4))
    assert back.status is FileStatus.REFUSED
    assert [finding.code for finding in back.findings] == ["debit_request"]
    assert (
        town.rows("SELECT 1 FROM posting WHERE municipality_code = :m AND reason = 'applied'") == []
    )


def test_the_second_debit_holds_only_what_failed(town):
    """I14: a second debit of some must not become one of all."""
    sent = town.whole_way()
    refused("debit_results_missing", second, town)
    town.results(sent["9998"][1], "012")
    town.results(sent["9999"][1], "000")
    with town.write() as connection:
        found, built = build.build_second(connection, town.profile, DEBIT_ON, SECOND_ON, ACT)
    (batch,) = built
    assert (batch.round, batch.count, batch.amount_yen) == (2, 1, 10_004)
    assert [each.choice.left for each in found] == [{"not_again": [1, 10_006]}, {}]
    assert [each.outcome.paid[0] for each in found] == [1, 3]
    refused("debit_batch_exists", second, town)
    refused("debit_second_day", second, town, DEBIT_ON)
    batch, data = town.send(town.released(batch))
    (asked,) = debit_request.read(data, SECOND_ON)
    assert [debit.new_code for debit in asked.debits] == ["0"]
    town.results(data, "0", SECOND_ON)
    with town.read() as connection:
        assert outcome_of(connection, town.code, batch).paid == (1, 10_004)
        told = debits_of(connection, town.code, *_place(town, 4))
    assert [(each.batch.round, each.result) for each in told] == [(1, "1"), (2, "0")]
    refused("debit_results_came", town.ask, release.WITHDRAW, batch.batch_no, "田中氏")
    assert [d for d in verify(town.engine, town.code) if d.name.startswith("debit")] == []
    with town.read() as connection:
        checks = _t8(connection, town.code, date(2026, 6, 30))
    assert [(check.code, check.left, check.right) for check in checks] == [
        ("T8", 70_025, 70_025),
        ("debit_banks", 3, 3),
    ]


def test_a_late_answer_about_the_first_shows_in_the_second_and_stops_it(town):
    """Its pages are there all the same: what could not be built any more differs as a whole."""
    sent = town.whole_way()
    town.results(sent["9998"][1], "011")
    town.results(sent["9999"][1], "000")
    _, (batch,) = second(town)
    town.acknowledge(sent["9998"][0], 5)
    with town.read() as connection:
        found = counts.counts_of(connection, town.profile, SECOND_ON)
        page = batch_page(connection, town.profile, batch, 0, TODAY)
    assert (batch.count, found.changed) == (2, {batch.batch_no: 2})
    assert [(change.before_yen, change.after_yen) for change in page.changes] == [
        (10_004, 0), (10_006, 0),
    ]  # fmt: skip
    refused("debit_acknowledgement", town.ask, release.RELEASE, batch.batch_no)
    town.acknowledge(sent["9998"][0])
    with town.read() as connection:
        assert counts.counts_of(connection, town.profile, SECOND_ON).changed == {batch.batch_no: 0}


def test_an_acknowledgement_that_differs_stops_the_second_debit(town):
    sent = town.whole_way()
    for batch, data in sent.values():
        town.acknowledge(batch, batch.count - 1)
        town.results(data, "011")
    refused("debit_acknowledgement", second, town)


def second(town, day=SECOND_ON):
    with town.write() as connection:
        return build.build_second(connection, town.profile, DEBIT_ON, day, ACT)


@pytest.mark.parametrize(
    "statement",
    [
        # a second batch in force for the same day, bank and round
        (
            "INSERT INTO debit_batch SELECT municipality_code, batch_no + 100, debit_on, bank_code, "
            "round, first_batch_no, replaces_no, due_from_on, head_json, left_json, count, amount_yen, "
            "file_sha256, size_bytes, built_at, actor, approval_id, reason, in_force FROM debit_batch "
            "WHERE municipality_code = :m"
        ),
        # a row more
        (
            "INSERT INTO debit_row SELECT municipality_code, batch_no, row_no + 100, notice_id, term, "
            "amount_yen, '1' || customer_no, entry_no, new_code FROM debit_row "
            "WHERE municipality_code = :m"
        ),
        "UPDATE debit_row SET amount_yen = 1 WHERE municipality_code = :m",
        "DELETE FROM debit_row WHERE municipality_code = :m",
        "UPDATE debit_batch SET amount_yen = 1 WHERE municipality_code = :m",
        "UPDATE debit_batch SET in_force = FALSE, count = 9 WHERE municipality_code = :m",
        "DELETE FROM debit_batch WHERE municipality_code = :m",
        "UPDATE debit_event SET actor = 'x' WHERE municipality_code = :m",
        "DELETE FROM debit_event WHERE municipality_code = :m",
        # sent without two people
        (
            "INSERT INTO debit_event SELECT municipality_code, batch_no, 9, 'sent', made_at, actor, "
            "reason, approval_id, file_sha256, count, amount_yen FROM debit_event "
            "WHERE municipality_code = :m"
        ),
        # released without an approval
        (
            "INSERT INTO debit_event SELECT municipality_code, batch_no, 9, 'released', made_at, "
            "actor, reason, approval_id, file_sha256, count, amount_yen FROM debit_event "
            "WHERE municipality_code = :m"
        ),
    ],
)
def test_the_database_itself_refuses(town, statement):
    town.build()
    with pytest.raises(DatabaseError):
        town.run_sql(statement)


def test_the_database_refuses_a_second_sending_and_an_instalment_twice(town):
    batch = town.build()[0]
    town.send(town.released(batch))
    with pytest.raises(DatabaseError):
        town.run_sql(
            "INSERT INTO debit_event SELECT municipality_code, batch_no, 9, event, made_at, "
            "actor, reason, approval_id, file_sha256, count, amount_yen FROM debit_event "
            "WHERE municipality_code = :m AND event = 'sent'"
        )
    copy = (
        "INSERT INTO debit_batch SELECT municipality_code, 99, debit_on, '0001', {round}, {first}, "
        "replaces_no, due_from_on, head_json, left_json, count, amount_yen, file_sha256, "
        "size_bytes, built_at, actor, approval_id, reason, in_force FROM debit_batch "
        "WHERE municipality_code = :m AND batch_no = :no"
    )
    row = (
        "INSERT INTO debit_row SELECT municipality_code, 99, row_no, notice_id, term, amount_yen, "
        "customer_no, entry_no, new_code FROM debit_row WHERE municipality_code = :m "
        "AND batch_no = :no"
    )
    other = next(b for b in _all(town) if b.batch_no != batch.batch_no)
    for round_, first, source in ((1, "NULL", batch), (2, batch.batch_no, other)):
        scope = {"m": town.code, "no": batch.batch_no}
        with town.engine.connect() as connection, connection.begin() as begun:
            enter_municipality(connection, town.code)
            connection.execute(text(copy.format(round=round_, first=first)), scope)
            with pytest.raises(DatabaseError):
                connection.execute(text(row), {**scope, "no": source.batch_no})
            begun.rollback()


def _all(town):
    with town.read() as connection:
        return books.batches(connection, town.code)


def _place(town, number):
    (row,) = town.rows(
        "SELECT notice_id FROM notice WHERE municipality_code = :m AND notice_no = :no",
        no=f"{number:010d}",
    )
    return row.notice_id, "01"


def test_a_body_without_banks_builds_nothing(town):
    town.profile = replace(town.profile, debit=Debiting())
    refused("debit_unconfigured", town.build)


def test_what_there_is_not(town):
    refused("debit_batch", town.batch, 99)
    refused("debit_run", second, town)

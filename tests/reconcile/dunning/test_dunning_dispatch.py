"""From the list to the post: the second draw, what is taken out, and what can be told later."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from charge_town import CHARGES, FEE_ITEM, charging_profile
from dunning_town import AT, ON, DunningTown, M, quiet
from years_town import claim

from payments.domain.charging import FeeRule
from payments.domain.errors import NotFoundError, RefusedError
from payments.domain.holds import HoldKind
from payments.limitation import limitations_of
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.audit.seal import seal_pending
from reconcile.charges import booking
from reconcile.dunning import explain, pull, recheck, record, sent
from reconcile.verify.everything import verify

SENT = date(2026, 7, 24)


@pytest.fixture
def town(database_url):
    made = DunningTown(database_url)
    made.assess(*(claim(number, 2026, 10_000) for number in range(1, 7)), on="2026-04-10")
    yield made
    made.close()


def _second_draw(town, list_no, on=SENT):
    with unit_of_work(town.engine, M) as connection:
        return pull.second_draw(
            connection, town.profile, list_no, on=on, actor="abe", at=AT + timedelta(days=3)
        )


def _confirm(town, list_no, count):
    with unit_of_work(town.engine, M) as connection:
        pull.confirm(connection, M, list_no, on=SENT, actor="ito", at=AT, count=count)


def _dispatch(town, list_no, count, on=SENT):
    with unit_of_work(town.engine, M) as connection:
        return pull.dispatch(
            connection, town.profile, list_no, on=on, actor="ito", at=AT, count=count
        )


def _sent(town):
    """A list of six, of which notice 1 was paid before dispatch; five letters went out."""
    list_no = town.draw()
    town.approve(list_no)
    town.pay(1, 10_000, "2026-07-21", on="2026-07-23")
    _second_draw(town, list_no)
    _confirm(town, list_no, 1)
    _dispatch(town, list_no, 5)
    return list_no


def test_whoever_paid_since_the_list_is_taken_out_before_dispatch(town):
    list_no = town.draw()
    with pytest.raises(RefusedError, match="dunning_state"):
        _second_draw(town, list_no)
    town.approve(list_no)
    town.pay(1, 10_000, "2026-07-21", on="2026-07-23")
    town.pay(2, 10_000, "2026-07-22", on="2026-07-23", kind="01")
    town.hold("901/2026/0000000003", HoldKind.DUNNING, "2026-07-22")
    town.assess(claim(4, 2026, 8_000, kind="correction"), on="2026-07-22")
    town.assess(claim(5, 2026, 0, kind="cancellation"), on="2026-07-22")
    pulled = _second_draw(town, list_no)
    assert [(p.seq, p.reason, p.open_yen) for p in pulled] == [
        (1, "paid", 0),
        (2, "provisional", 0),
        (3, "held", 10_000),
        (4, "amount_changed", 8_000),
        (5, "cancelled", 0),
    ]
    with reading(town.engine, M) as connection:
        lines = pull.pull_lines(connection, M, town.list(list_no), 1)
    assert [(line.notice_no[-1], line.then_yen) for line in lines] == [
        (str(number), 10_000) for number in range(1, 6)
    ]
    with pytest.raises(RefusedError, match="dunning_state"):
        _dispatch(town, list_no, 1)
    with pytest.raises(RefusedError, match="dunning_pull_count"):
        _confirm(town, list_no, 4)
    _confirm(town, list_no, 5)
    with pytest.raises(RefusedError, match="dunning_dispatch_count"):
        _dispatch(town, list_no, 6)
    assert _dispatch(town, list_no, 1) == 5
    assert town.list(list_no).state == "dispatched"
    # Who was taken out may stand on the next list; whose letter went out may not.
    assert town.grounds(town.draw(SENT + timedelta(days=1))) == {
        (2, "01"): "provisional", (3, "01"): "held", (4, "01"): "",
    }  # fmt: skip


def test_what_comes_after_the_second_draw_asks_for_another_one(town):
    list_no = town.draw()
    town.approve(list_no)
    assert _second_draw(town, list_no) == []
    _confirm(town, list_no, 0)
    town.pay(6, 10_000, "2026-07-23", on="2026-07-24")
    with pytest.raises(RefusedError, match="dunning_pull_again"):
        _dispatch(town, list_no, 6)
    assert [p.seq for p in _second_draw(town, list_no)] == [6]
    _confirm(town, list_no, 1)
    assert _dispatch(town, list_no, 5) == 1
    with pytest.raises(RefusedError, match="dunning_state"):
        _dispatch(town, list_no, 5)


def test_a_dropped_list_sends_nothing_and_lets_go_of_its_people(town):
    list_no = town.draw()
    town.approve(list_no)
    with unit_of_work(town.engine, M) as connection:
        record.drop(connection, M, list_no, on=ON, actor="abe", at=AT, reason="条件の誤り")
    with pytest.raises(RefusedError, match="dunning_state"):
        _second_draw(town, list_no)
    assert set(town.grounds(town.draw()).values()) == {""}


def test_a_letter_is_told_as_it_was_known_whatever_comes_later(town):
    list_no = _sent(town)

    def told():
        with reading(town.engine, M) as connection:
            (row,) = explain.of_person(connection, M, list_no, f"{2:012d}").rows
            (taken,) = explain.of_person(connection, M, list_no, f"{1:012d}").rows
            return row, taken

    row, taken = told()
    assert (row.open_yen, row.is_listed, row.seq, row.pulled) == (10_000, True, 2, "")
    assert (taken.seq, taken.pulled, taken.pulled_open_yen) == (1, "paid", 0)
    town.pay(2, 10_000, "2026-07-28", on="2026-07-30")
    town.assess(claim(3, 2026, 0, kind="cancellation"), on="2026-07-30")
    assert told() == (row, taken)
    with reading(town.engine, M) as connection:
        story = explain.of_instalment(connection, M, list_no, row.notice_id, "01")
        assert story.rows == (row,)
        assert story.files > 0
        assert explain.days_over(story.found, row) == (SENT - date(2026, 6, 30)).days - 20
        with pytest.raises(NotFoundError, match="dunning_row"):
            explain.of_person(connection, M, list_no, "000000000099")
        with pytest.raises(NotFoundError, match="dunning_list"):
            explain.of_person(connection, M, 99, "000000000001")


def _recheck(town, number, on):
    with unit_of_work(town.engine, M) as connection:
        return recheck.recheck(
            connection, town.profile, f"{number:012d}", on=on, actor="abe", at=AT
        )


def test_before_a_seizure_everything_that_came_since_is_found(town):
    _sent(town)
    assert [row.findings for row in _recheck(town, 2, date(2026, 8, 3)).rows] == [("too_soon",)]
    clean = _recheck(town, 2, date(2026, 8, 4))
    assert (clean.result, clean.payments) == ("nothing_came", 0)
    town.pay(2, 4_000, "2026-08-03", on="2026-08-05")
    found = _recheck(town, 2, date(2026, 8, 6))
    assert (found.result, found.payments) == ("something_came", 1)
    assert set(found.rows[0].findings) == {"case_open", "amount_changed"}
    with pytest.raises(NotFoundError, match="dunning_letter"):
        _recheck(town, 1, date(2026, 8, 6))
    kept = town.rows("SELECT result FROM dunning_recheck ORDER BY recheck_no")
    assert [row.result for row in kept] == ["something_came", "nothing_came", "something_came"]


def test_over_a_missing_file_there_is_no_answer_before_a_seizure(database_url):
    town = DunningTown(database_url, konbini_dsk="dates:2026-08-05")
    town.assess(*(claim(number, 2026, 10_000) for number in range(1, 7)), on="2026-04-10")
    _sent(town)
    with pytest.raises(RefusedError, match="dunning_blocked"):
        _recheck(town, 2, date(2026, 8, 6))
    town.close()


def test_the_books_with_lists_of_every_kind_hold(town):
    _sent(town)
    seal_pending(town.engine, M)
    assert verify(town.engine, M) == []


# ---- what follows from a letter ----


def _charging(town, *fees):
    town.profile = quiet(charging_profile(fees=fees or CHARGES.fees[:1]))
    with unit_of_work(town.engine, M) as connection:
        save_profile(connection, town.profile)


def _fees(town):
    """(通知書, 期別) → 督促手数料, of which a claim was made."""
    rows = town.rows(
        "SELECT n.notice_no, a.term, a.amount_yen FROM notice n JOIN instalment_account a "
        "ON a.municipality_code = :m AND a.notice_id = n.notice_id "
        "WHERE n.municipality_code = :m AND n.item_code = :item ORDER BY n.notice_no",
        item=FEE_ITEM,
    )
    return {(int(row.notice_no), row.term): row.amount_yen for row in rows}


def test_each_letter_that_left_bears_its_fee_once_and_renews_the_limitation(town):
    _charging(town)
    list_no = _sent(town)
    ids = {row.notice_no[-1]: row.notice_id for row in town.rows("SELECT * FROM notice")}
    with reading(town.engine, M) as connection:
        found = limitations_of(connection, town.profile, [ids["2"]])[ids["2"], "01"].limitation
    assert (found.began_on, found.last_on) == (date(2026, 8, 3), date(2031, 8, 3))
    renewed = town.rows("SELECT notice_id, from_on, reason FROM limitation_event")
    assert {row.notice_id for row in renewed} == {ids[number] for number in "23456"}
    assert {(str(row.from_on), row.reason) for row in renewed} == {
        ("2026-07-24", f"dunning:{list_no}")
    }
    booked = sent.book_sent_fees(town.engine, M, on=SENT, actor="ito")
    assert (booked.count, booked.yen) == (5, 500)
    assert _fees(town) == {(number, "01"): 100 for number in range(2, 7)}
    again = sent.book_sent_fees(town.engine, M, on=SENT, actor="ito")
    assert (again.count, again.looked_at) == (0, 0)
    # A fee is no claim that is dunned by itself.
    listed = town.draw(date(2026, 9, 20))
    assert {town.grounds(listed)[place] for place in [(2, "01"), (6, "01")]} == {"charge"}
    seal_pending(town.engine, M)
    assert verify(town.engine, M) == []


def test_fees_that_a_kill_left_behind_are_booked_by_the_next_run(town, monkeypatch):
    _charging(town)
    _sent(town)

    class Killed(BaseException):
        pass

    def die(*_given, **_named):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(booking, "_write_down", die)
        with pytest.raises(Killed):
            sent.book_sent_fees(town.engine, M, on=SENT, actor="ito")
    assert _fees(town) == {}
    seal_pending(town.engine, M)
    # Until a run after the dispatch the fee may still come; then each letter without it is named.
    assert verify(town.engine, M) == []
    booking.book_charges(town.engine, M, on=SENT + timedelta(days=1), actor="schedule")
    missing = verify(town.engine, M)
    assert [(found.name, found.expected) for found in missing] == [("dunning_fees", "100")] * 5
    sent.book_sent_fees(town.engine, M, on=SENT, actor="schedule")
    seal_pending(town.engine, M)
    assert verify(town.engine, M) == []
    assert _fees(town) == {(number, "01"): 100 for number in range(2, 7)}


def test_letters_made_with_another_fee_than_that_of_the_day_do_not_leave(town):
    _charging(town, *CHARGES.fees[:1], FeeRule("901", "2026-07-22", 0))
    with pytest.raises(RefusedError, match="dunning_fee_changed"):
        _sent(town)
    assert town.list(1).state == "pull_confirmed"
    assert town.rows("SELECT * FROM limitation_event") == []


def test_fees_of_enclosed_slips_are_taken_back_with_letters_that_do_not_leave(town):
    _charging(town)
    first = town.draw()
    town.approve(first)
    booked = sent.book_list_fees(town.engine, M, first, on=ON, actor="abe")
    assert (booked.count, booked.yen) == (6, 600)
    assert sent.book_list_fees(town.engine, M, first, on=ON, actor="abe").count == 0
    town.pay(1, 10_000, "2026-07-21", on="2026-07-22")
    pulled = _second_draw(town, first)
    assert len(pulled) == 1
    _confirm(town, first, 1)
    _dispatch(town, first, 5)
    assert sent.book_sent_fees(town.engine, M, on=SENT, actor="abe").count == 0
    assert _fees(town) == {(1, "01"): 0} | {(number, "01"): 100 for number in range(2, 7)}
    seal_pending(town.engine, M)
    assert verify(town.engine, M) == []


def test_a_list_that_is_dropped_lets_its_fees_go_and_the_next_letter_bears_them(town):
    _charging(town)
    first = town.draw()
    town.approve(first)
    sent.book_list_fees(town.engine, M, first, on=ON, actor="abe")
    with unit_of_work(town.engine, M) as connection:
        record.drop(connection, M, first, on=ON, actor="abe", at=AT, reason="試験")
    sent.book_sent_fees(town.engine, M, on=ON, actor="abe")
    assert set(_fees(town).values()) == {0}
    second = town.draw()
    town.approve(second)
    assert sent.book_list_fees(town.engine, M, second, on=ON, actor="abe").count == 6
    assert set(_fees(town).values()) == {100}
    # While that list is under way nothing is taken back by what became of the first.
    sent.book_sent_fees(town.engine, M, on=ON, actor="abe")
    assert set(_fees(town).values()) == {100}
    seal_pending(town.engine, M)
    assert verify(town.engine, M) == []

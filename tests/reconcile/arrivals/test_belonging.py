"""何日分か: which due day a file belongs to, by the date in it or by what still waits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import hypothesis.strategies as st
from hypothesis import given

from payments.domain.arrivals import ArrivalRule
from reconcile.arrivals.belonging import belong
from reconcile.arrivals.files import Came, Nil
from reconcile.arrivals.rules import Calendar
from reconcile.arrivals.sources import Source

A = Source("a", "form_a", "", "A", daily=True)
MON, TUE, WED, THU, FRI, SAT = (date(2026, 6, number) for number in range(1, 7))
NEXT_MON = date(2026, 6, 8)


def _calendar(*rules):
    return Calendar((A,), {"a": rules or (_rule(),)})


def _rule(days="business_days", **more):
    return ArrivalRule("a", days, **{"cut_off": "09:00", "effective_on": "2026-06-01", **more})


def _file(number, on, *, dated=None, hour=8, status="accepted", due_on=None):
    at = datetime(on.year, on.month, on.day, hour, tzinfo=UTC) - timedelta(hours=9)
    basis, late = ("person", 0) if due_on else (None, None)
    return Came(
        number, f"file {number}", "form_a", "", status, on, at, dated, 1, 100, "a" if due_on else None,
        due_on, basis, late,
    )  # fmt: skip


def _days(files, calendar=None, nils=None, repeats=None, closed=None):
    found = belong(calendar or _calendar(), tuple(files), nils or {}, repeats or {}, closed)
    return [(each.due_on, each.basis) for each in found]


def test_two_due_days_and_one_file_that_names_its_day():
    rule = _calendar()
    assert _days([_file(1, TUE, dated=MON)], rule) == [(MON, "dated")]
    assert _days([_file(1, TUE, dated=TUE)], rule) == [(TUE, "dated")]
    # The same week after week: who comes late does not push the others.
    files = [_file(1, MON, dated=MON), _file(2, WED, dated=WED), _file(3, WED, dated=TUE)]
    assert _days(files) == [(MON, "dated"), (WED, "dated"), (TUE, "dated")]


def test_two_due_days_and_one_file_that_names_none_takes_the_oldest():
    assert _days([_file(1, MON), _file(2, WED)]) == [(MON, "oldest_open"), (TUE, "oldest_open")]
    # … unless somebody says that there was nothing, or two people closed the day without it.
    nil = {("a", TUE): Nil("kaikei", "")}
    assert _days([_file(1, MON), _file(2, WED)], nils=nil)[1] == (WED, "oldest_open")
    assert _days([_file(1, MON), _file(2, WED)], closed=TUE)[1] == (WED, "oldest_open")


def test_a_source_whose_rule_is_old_owes_nothing_from_before_its_first_file():
    old = _calendar(_rule(effective_on="2020-01-01"))
    assert _days([_file(1, WED)], old) == [(WED, "oldest_open")]


def test_a_date_in_the_file_counts_as_the_rule_says():
    before = _calendar(_rule(dated_days_before=1))
    assert _days([_file(1, TUE, dated=MON)], before) == [(TUE, "dated")]
    assert _days([_file(1, NEXT_MON, dated=FRI)], before) == [(NEXT_MON, "dated")]
    ignored = _calendar(_rule(dated_days_before=-1))
    assert _days([_file(1, TUE, dated=TUE)], ignored) == [(MON, "oldest_open")]
    # Last year's file does not stand for today's (I17); a date far ahead says nothing at all.
    assert _days([_file(1, TUE, dated=date(2025, 6, 2))])[0][0] < MON
    assert _days([_file(1, TUE, dated=date(2026, 9, 1))]) == [(MON, "oldest_open")]


def test_a_file_resent_in_other_bytes_fills_no_other_day():
    files = [_file(1, MON), _file(2, TUE), _file(3, TUE)]
    assert _days(files, repeats={2: 1}) == [
        (MON, "oldest_open"), (MON, "resent"), (TUE, "oldest_open"),
    ]  # fmt: skip
    # A file whose first one is not known any more is judged like any other.
    assert _days([_file(2, TUE)], repeats={2: 1}) == [(MON, "oldest_open")]


def test_a_file_that_stands_aside_fills_nothing():
    files = [_file(1, MON, status="quarantined"), _file(2, MON)]
    assert _days(files) == [(MON, "oldest_open"), (MON, "oldest_open")]


def test_several_files_of_a_day_and_one_too_many():
    two = _calendar(_rule(files=2))
    files = [_file(number, MON) for number in (1, 2, 3)]
    assert _days(files, two) == [(MON, "oldest_open"), (MON, "oldest_open"), (MON, "extra")]


def test_a_file_between_due_days_is_early_for_the_next():
    assert _days([_file(1, MON), _file(2, TUE), _file(3, WED), _file(4, THU), _file(5, FRI),
                  _file(6, SAT)])[-1] == (NEXT_MON, "early")  # fmt: skip


def test_what_a_person_said_stays_and_counts():
    files = [_file(1, TUE, due_on=TUE), _file(2, WED)]
    assert _days(files) == [(TUE, "person"), (MON, "oldest_open")]


def test_before_the_rule_files_belong_to_the_day_they_came():
    late_rule = _calendar(_rule(effective_on="2026-06-03"))
    files = [_file(1, TUE), _file(2, THU)]
    assert _days(files, late_rule) == [(TUE, ""), (WED, "oldest_open")]


def test_the_last_rule_whose_day_has_come_holds():
    first = _rule(effective_on="2026-06-01")
    second = _rule("weekdays:fri", effective_on="2026-06-03")
    corrected = _rule("weekdays:thu", effective_on="2026-06-03")
    calendar = _calendar(first, second, corrected)
    assert calendar.rule(A, TUE) == first
    assert calendar.rule(A, WED) == corrected
    assert calendar.written(A, date(2026, 5, 31)) is None
    assert calendar.rule(A, date(2026, 5, 31)).days == "business_days"


_DAYS = st.sampled_from([MON, TUE, WED, THU, FRI, SAT, NEXT_MON])


@given(
    st.lists(st.tuples(_DAYS, st.none() | _DAYS, st.booleans()), max_size=12),
    st.sets(_DAYS),
    st.integers(1, 3),
)
def test_every_file_has_one_day_and_no_day_is_overfilled_by_what_waits(given_, nil_days, number):
    given_ = sorted(given_, key=lambda each: each[0])
    files = [
        _file(n, on, dated=dated, status="accepted" if good else "quarantined")
        for n, (on, dated, good) in enumerate(given_, start=1)
    ]
    nils = {("a", day): Nil("k", "") for day in nil_days}
    rule = _rule(files=number)
    found = belong(_calendar(rule), tuple(files), nils, {})
    assert [each.file for each in found] == files
    taken = {}
    for each in found:
        assert each.basis == "extra" or rule.is_due(each.due_on)
        if each.basis == "oldest_open":
            assert taken.get(each.due_on, 0) < number
            assert each.due_on not in nil_days
            assert each.due_on <= each.file.received_on
        assert (each.minutes_late == 0) or each.file.received_on > each.due_on
        if each.file.accepted:
            taken[each.due_on] = taken.get(each.due_on, 0) + 1

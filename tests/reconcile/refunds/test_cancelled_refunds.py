"""還付の取消: money that does not go back after all waits again like any other payment."""

from __future__ import annotations

import pytest
from placing_town import NOTICES, row
from reference_town import assessment
from refund_town import RefundTown

from reconcile.refunds import decide


@pytest.fixture
def town(database_url):
    town = RefundTown(database_url)
    yield town
    town.close()


def cancel(town, number):
    """Two people take a refund back."""
    town.approve(town.asked(decide.ask_cancel, number))


def second_paid(town):
    """A first instalment paid twice: the refund of the second payment, its line and the first's."""
    number = town.refunded(town.twice())
    return number, town.line("second.csv"), town.line("first1.csv")


def test_what_was_undone_meanwhile_is_paid_by_it(town):
    number, second, first = second_paid(town)
    town.place(first)
    assert (town.outcome(second)[0], town.open_yen(1, "01")) == ("duplicate", 10_000)
    cancel(town, number)
    assert town.outcome(second) == ("matched", "P13", 10_000, 0)
    assert town.open_yen(1, "01") == 0
    assert town.cases() == {("unlinked", "{}:{}".format(*first))}
    town.check()


def test_what_is_undone_later_is_paid_by_it(town):
    number, second, first = second_paid(town)
    cancel(town, number)
    assert town.outcome(second) == ("duplicate", "P06", 0, 10_000)
    assert ("duplicate", "{}:{}".format(*second)) in town.cases()
    town.place(first)
    assert town.outcome(second) == ("matched", "P13", 10_000, 0)
    town.check()


def test_as_long_as_another_refund_of_it_stands_it_waits(town):
    subject = town.twice()
    town.refunded(subject, 1_000)
    number = town.refunded(subject)
    town.place(town.line("first1.csv"))
    cancel(town, number)
    assert town.outcome(town.line("second.csv")) == ("duplicate", "P06", 0, 10_000)
    assert [each.waiting_yen for each in town.listed() if each.subject == subject] == [9_000]
    town.check()


def test_a_payment_that_waited_because_of_the_surplus_is_decided_again(town):
    town.shop("other.csv", row(2, term="02", kind="02"))
    town.place(town.line("other.csv"), town.part(1, "02", 8_000))
    town.shop("whole.csv", row(1, term="00", kind="02"))
    line = assessment("01", 4_000, kind="correction", notice_no=NOTICES[0],
                      whole_year_group=f"G{NOTICES[0]}")  # fmt: skip
    town.assess(line, name="lowered.csv")
    number = town.refunded(f"claim:{town.notice[NOTICES[0]]}/01")
    town.place(town.line("other.csv"))
    assert (town.open_yen(1, "01"), town.open_yen(1, "02")) == (0, 8_000)
    cancel(town, number)
    assert (town.open_yen(1, "01"), town.open_yen(1, "02")) == (0, 0)
    assert town.outcome(town.line("whole.csv"))[2:] == (12_000, 6_000)
    waits = {f"line:{town.files[name]}:2" for name in ("whole.csv", "other.csv")}
    assert {each.subject for each in town.listed()} == waits
    town.check()

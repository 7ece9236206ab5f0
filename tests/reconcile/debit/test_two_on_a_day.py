"""初回と再振替が同じ日に: each result counts for the batch that asked for it, and for no other."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from debit_town import DEBIT_ON, DebitTown

from payments import approve
from reconcile.debit import build, release
from reconcile.debit.build import Act
from reconcile.debit.results import answered, outcome_of
from reconcile.formats import debit_request, debit_result
from reconcile.model import Delivery, FileStatus
from reconcile.pipeline import take_in
from reconcile.report.checks import _t8

DAY = date(2026, 7, 28)  # the next instalments are due, and what failed in May is tried again
LATER = Act("abe", datetime(2026, 7, 10, 3, tzinfo=UTC), date(2026, 7, 10))
FIRST_YEN, SECOND_YEN = 12_000, 10_001


@pytest.fixture
def town(database_url):
    made = DebitTown(database_url)
    made.settle(1)
    ((_, request),) = made.whole_way().values()
    made.results(request, "1")
    yield made
    made.close()


def _both(town):
    """再振替 of May and 初回 of July on one day at one bank, sent."""
    with town.write() as connection:
        _, (second,) = build.build_second(connection, town.profile, DEBIT_ON, DAY, LATER)
        _, (first,) = build.build(connection, town.profile, DAY, LATER)
    return _sent(town, first), _sent(town, second)


def _sent(town, batch):
    with town.write() as connection:
        content = release.release_content(
            connection, town.profile, batch.batch_no, today=LATER.today
        )
        asked = approve.ask(
            connection, town.code, release.RELEASE, release.subject_of(batch.batch_no), content,
            asked_by="abe", at=LATER.at, reason="確認済",
        )  # fmt: skip
        decided = approve.decide(
            connection, town.code, asked.approval_id, "approved", decided_by="baba", at=LATER.at
        )
        release.carry_out(connection, town.profile, decided, LATER)
        return release.send(connection, town.profile, batch.batch_no, LATER)


def _come_back(town, data, code, *more):
    (asked,) = debit_request.read(data, DAY)
    debits = [debit._replace(result_code=code) for debit in asked.debits]
    debits += [debits[0]._replace(customer_no=number) for number in more]
    file = Delivery(f"{code}{len(more)}.dat", debit_result.write([asked._replace(debits=debits)]))
    return take_in(town.engine, town.code, file, received_on=date(2026, 8, 3)).status


def test_two_batches_of_a_bank_on_one_day_have_their_own_results(town):
    (first, first_data), (second, second_data) = _both(town)
    assert (first.amount_yen, second.amount_yen) == (FIRST_YEN, SECOND_YEN)
    assert _come_back(town, second_data, "0") is FileStatus.ACCEPTED
    with town.read() as connection:
        run = build.run_of(connection, town.profile, DAY)
        assert outcome_of(connection, town.code, first).came is False
        assert answered(connection, town.code, first) == (0, 0)
        assert answered(connection, town.code, second) == (1, SECOND_YEN)
    town.pay(1, 2, FIRST_YEN)  # what changes in the one is not hidden by the results of the other
    with town.read() as connection:
        assert [len(plan.changes) for plan in run.banks] == [0, 0]
        run = build.run_of(connection, town.profile, DAY)
        assert [len(plan.changes) for plan in run.banks if plan.batch] == [1]
    assert _come_back(town, first_data, "1") is FileStatus.ACCEPTED
    with town.read() as connection:
        one, two = (outcome_of(connection, town.code, batch) for batch in (first, second))
        checks = _t8(connection, town.code, date(2026, 8, 10))
    assert (one.agrees, one.failed, one.strange) == (True, (1, FIRST_YEN), (0, 0))
    assert (two.agrees, two.paid, two.strange) == (True, (1, SECOND_YEN), (0, 0))
    requested_yen = SECOND_YEN + FIRST_YEN + SECOND_YEN  # the first debit of May, then these two
    assert (checks[0].left, checks[0].right) == (requested_yen, requested_yen)
    with town.write() as connection:  # what failed in the first may be debited again
        built = build.build_second(connection, town.profile, DAY, date(2026, 8, 17), LATER)[0]
    assert [each.outcome.failed for each in built] == [(1, FIRST_YEN)]


def test_what_nobody_asked_for_is_told_once_with_the_first_of_them(town):
    (first, first_data), (second, second_data) = _both(town)
    _come_back(town, second_data, "0", "20269010000000000909")
    _come_back(town, first_data, "0")
    with town.read() as connection:
        one, two = (outcome_of(connection, town.code, batch) for batch in (first, second))
        sums = [answered(connection, town.code, batch) for batch in (first, second)]
    assert (one.strange, one.agrees) == ((1, SECOND_YEN), False)
    assert (two.strange, two.agrees) == ((0, 0), True)
    assert sums == [(2, FIRST_YEN + SECOND_YEN), (1, SECOND_YEN)]

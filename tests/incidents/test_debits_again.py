"""I9, I14–I14b, I17–I19: debits twice, too early, of another year, of no bank, or lost on return.

What was published stands in law.md 9. Six people are debited at two banks on 28 May 2026.
"""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from debit_town import DEBIT_ON, SECOND_ON, TODAY, DebitTown
from dunning_town import quiet

from payments import approve
from payments.domain.errors import KokinError
from reconcile.debit import build, release
from reconcile.debit.acknowledge import red_banks
from reconcile.debit.build import Act
from reconcile.debit.results import outcome_of
from reconcile.dunning.draw import draw
from reconcile.dunning.rules import Terms
from reconcile.formats import debit_request
from reconcile.model import Delivery, FileStatus
from reconcile.pipeline import take_in
from reconcile.report.period import day_report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNT = 6
ACT = Act("abe", datetime(2026, 5, 11, 3, tzinfo=UTC), TODAY)
LETTERS_ON = date(2026, 6, 20)


@pytest.fixture(scope="session")
def debits_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SQLite file of the settled town; to be copied."""
    path = tmp_path_factory.mktemp("debits") / "kokin.sqlite"
    shutil.copyfile(sqlite_template, path)
    town = DebitTown(f"sqlite:///{path}")
    town.settle(COUNT)
    town.close()
    return path


@pytest.fixture
def town(debits_file: Path, tmp_path: Path) -> Iterator[DebitTown]:
    """Six people, three at each bank."""
    made = DebitTown(f"sqlite:///{shutil.copyfile(debits_file, tmp_path / 'kokin.sqlite')}")
    yield made
    made.close()


@pytest.fixture
def any_town(database_url: str) -> Iterator[DebitTown]:
    """The same, on SQLite and on PostgreSQL."""
    made = DebitTown(database_url)
    made.settle(COUNT)
    yield made
    made.close()


def refused(what, *given, **named) -> str:
    """The code with which something is refused."""
    with pytest.raises(KokinError) as stopped:
        what(*given, **named)
    return stopped.value.error_code


def differing(town: DebitTown, day: date) -> set[str]:
    """突合 of the day that do not agree."""
    with town.read() as connection:
        return {c.code for c in day_report(connection, town.profile, day).checks if not c.ok}


def not_dunned(town: DebitTown) -> dict[int, str]:
    """留保: people → ground, on a list over what was due on the day of the debit."""
    with town.write() as connection:
        terms = Terms(LETTERS_ON, due_to=DEBIT_ON)
        at = datetime(2026, 6, 20, 3, tzinfo=UTC)
        drawn = draw(connection, quiet(town.profile), terms, actor="abe", at=at)
    rows = town.rows(
        "SELECT n.notice_no, w.ground FROM dunning_row w JOIN notice n "
        "ON n.municipality_code = :m AND n.notice_id = w.notice_id "
        "WHERE w.municipality_code = :m AND w.list_no = :list_no",
        list_no=drawn.list_no,
    )
    return {int(row.notice_no): row.ground for row in rows}


def test_i9_debits_of_which_no_result_was_posted_are_missed_and_not_dunned(town):
    """I9 秦野市: a bank's result was loaded, and 217 debits stayed unpaid in the books."""
    batch, data = town.whole_way()["9999"]
    (asked,) = debit_request.read(data, DEBIT_ON)
    lost = asked._replace(debits=asked.debits[:2])  # whole by its own totals, and one too few
    assert town.results(debit_request.write([lost]), "00").status is FileStatus.ACCEPTED
    with town.read() as connection:
        outcome = outcome_of(connection, town.code, batch)
    assert (outcome.paid[0], outcome.missing[0], outcome.agrees) == (2, 1, False)
    assert "T8" in differing(town, date(2026, 6, 4))
    # 2, 4 and 6 are with the bank that has not answered yet, 5 is the one of whom nothing came.
    assert not_dunned(town) == {2: "debit_out", 4: "debit_out", 5: "debit_out", 6: "debit_out"}


def test_i14_the_second_debit_of_one_does_not_become_one_of_all(town):
    """I14 小矢部市 2026: the re-debit of 45 sent all 3,942 again; one person did it alone."""
    sent = town.whole_way()
    town.results(sent["9998"][1], "011")
    town.results(sent["9999"][1], "000")
    with town.write() as connection:
        _, (batch,) = build.build_second(connection, town.profile, DEBIT_ON, SECOND_ON, ACT)
    assert (batch.count, batch.amount_yen) == (2, 10_004 + 10_006)
    assert refused(town.send, batch) == "debit_state"  # two people release it first
    asked = town.ask(release.RELEASE, batch.batch_no)
    with town.write() as connection:
        alone = refused(
            approve.decide, connection, town.code, asked.approval_id, "approved",
            decided_by="abe", at=ACT.at,
        )  # fmt: skip
    assert alone == "approval_same_person"
    # Nor does a first debit of the same instalments come into being on another day.
    assert town.build(SECOND_ON, due_from_on=DEBIT_ON) == []


def test_i14b_after_an_error_message_the_same_file_is_not_sent_again(any_town):
    """I14b 沖縄: after an error message the file was sent a second time."""
    town = any_town
    sent, data = town.send(town.released(town.build()[0]))
    assert refused(town.send, sent) == "reason_missing"
    assert town.build() == []
    assert refused(town.ask, release.RELEASE, sent.batch_no) == "debit_state"
    # Who needs it again says why; it is the same file to the byte, and is written down as such.
    again, same = town.send(sent, reason="銀行の画面でエラー")
    assert (same, again.events[-1].event) == (data, "taken_again")


def test_i17_a_file_of_last_year_cannot_go_out(town):
    """I17 三笠市 2021: last year's file of debits was sent."""
    assert refused(town.build, date(2025, 5, 28)) == "debit_day_past"
    assert refused(town.build, date(2027, 5, 28)) == "debit_day_far"
    first, second = town.build()
    approval = town.ask(release.RELEASE, first.batch_no)
    town.pay(2, 1, 10_002)  # since then the books say something else than the batch
    assert refused(town.decide, approval) == "debit_batch_changed"
    # The bytes are made from the rows that two people released, never taken from a folder.
    sent, data = town.send(town.released(second))
    assert sha256(data).hexdigest() == sent.file_sha256
    back = take_in(town.engine, town.code, Delivery("old.dat", data), received_on=TODAY)
    assert back.status is FileStatus.REFUSED  # and a request is never taken for a result


def test_i18_nobody_is_debited_before_the_due_date(town):
    """I18 松浦市: the wrong file was sent, and people were debited 18 days early."""
    early = DEBIT_ON - timedelta(days=16)  # the first business day within those 18
    assert town.build(early) == []
    late = town.build(DEBIT_ON + timedelta(days=1), due_from_on=DEBIT_ON)
    assert sum(batch.count for batch in late) == COUNT


def test_i19_a_bank_without_its_file_is_red_at_once(town):
    """I19 つくば市: one of 17 banks got no file."""
    first, second = town.build()
    taken, _ = town.send(town.released(first))
    town.acknowledge(taken)
    with town.read() as connection:
        assert red_banks(connection, town.code, DEBIT_ON) == [second.bank_code]
    sent, _ = town.send(town.released(second))  # handed over, and it says nothing
    with town.read() as connection:
        assert red_banks(connection, town.code, DEBIT_ON) == [sent.bank_code]
    assert "debit_banks" in differing(town, DEBIT_ON)

"""No yen is lost on its way back, whatever happens in whatever order; nothing goes out twice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from placing_town import DAY, M, row
from refund_town import TRANSFER, RefundTown
from sqlalchemy.exc import DBAPIError

from payments import approve
from payments.domain.errors import InvalidValueError, KokinError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.refunds import another_account, appropriate, batches, decide, release, withdraw

LONG = 120  # seconds for what takes none, however slow the machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from reconcile.refunds.batches import Batch

    FreshDatabase = Callable[[], AbstractContextManager[str]]

LATER = date(2026, 9, 1)


@pytest.fixture
def town(database_url: str) -> Iterator[RefundTown]:
    town = RefundTown(database_url)
    yield town
    town.close()


ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ("twice", "lowered", "refund", "part", "appropriate", "build", "release", "pay",
             "back", "again", "cancel", "place", "withdraw")
        ),
        st.integers(1, 3),
    ),
    min_size=4,
    max_size=12,
)  # fmt: skip


@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(acts=ACTS)
def test_received_is_applied_held_or_paid_back(fresh_database, acts):
    _live(fresh_database, acts)


@pytest.mark.soak
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts=ACTS)
def test_so_it_is_in_many_lives(fresh_database, acts):
    _live(fresh_database, acts)


def _live(fresh_database: FreshDatabase, acts: list[tuple[str, int]]) -> None:
    with fresh_database() as url:
        town = RefundTown(url)
        life = _Life(town)
        try:
            for act, notice in acts:
                life.step(act, notice)
                town.conserve()
            town.check()
        finally:
            town.close()


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)],
)
def fresh_database(request: pytest.FixtureRequest, tmp_path: Path) -> FreshDatabase:
    """A new database for every example, of both kinds."""
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")

        @contextmanager
        def opened() -> Iterator[str]:
            path = tmp_path / "example.sqlite"
            shutil.copyfile(template, path)
            try:
                yield f"sqlite:///{path}"
            finally:
                for each in tmp_path.glob("example.sqlite*"):
                    each.unlink()

    else:
        spare = request.getfixturevalue("spare_databases")

        @contextmanager
        def opened() -> Iterator[str]:
            name = spare.take()
            try:
                yield spare.cluster.url(name)
            finally:
                spare.give_back(name)

    return opened


class _Life:
    """What may happen; what a rule forbids does nothing."""

    def __init__(self, town: RefundTown) -> None:
        self.town = town
        self.number = 0
        self.day = TRANSFER
        self.known: list[str] = []

    def step(self, act: str, notice: int) -> None:
        self.number += 1
        try:
            getattr(self, f"_{act}")(notice)
        except KokinError:
            return

    def _twice(self, notice: int) -> None:
        self.known.append(self.town.twice(notice, name=f"again{self.number}.csv"))

    def _lowered(self, notice: int) -> None:
        if not self.town.files.get(f"paid{notice}.csv"):
            self.known.append(self.town.lowered(notice, 1_000 * notice))

    def _subject(self, notice: int) -> str:
        waiting = self.town.listed()
        return waiting[notice % len(waiting)].subject if waiting else "line:0:0"

    def _refund(self, notice: int) -> None:
        self.town.refunded(self._subject(notice))

    def _part(self, notice: int) -> None:
        self.town.refunded(self._subject(notice), 1_000 * notice)

    def _appropriate(self, notice: int) -> None:
        subject = self._subject(notice)
        self.town.ready(subject)
        for approval in self.town.asked(appropriate.ask_appropriation, subject, as_of=LATER):
            self.town.approve(approval, LATER)

    def _place(self, notice: int) -> None:
        if self.known and self.known[-1].startswith("line"):
            file_id, line_no = (int(number) for number in self.known[-1].split(":")[1:])
            self.town.place((file_id, line_no), self.town.part(notice, "02", 1_000))

    def _build(self, _notice: int) -> None:
        self.town.built(self.day, reason="もう一度" if self._batches() else "")

    def _batches(self) -> list[Any]:
        with reading(self.town.engine, M) as connection:
            return batches.batches(connection, M)

    def _release(self, _notice: int) -> None:
        for found in self._batches():
            if found.state == "built":
                self.town.released(found)

    def _withdraw(self, _notice: int) -> None:
        for found in self._batches():
            if found.state in {"built", "released", "handed_out"}:
                asked = {"stopped": "みほん銀行 田中氏"}
                self.town.approve(self.town.asked(withdraw.ask_withdraw, found.batch_no, **asked))

    def _pay(self, _notice: int) -> None:
        total = next((b.total_yen for b in self._batches() if b.state == "handed_out"), 0)
        if total:
            self.town.statement(f"out{self.number}.txt", ("out", total, "ﾌﾘｺﾐ"), on=self.day)
            self.town.matched(self.day)
            self.day += timedelta(days=7)

    def _back(self, notice: int) -> None:
        paid = [n for (n,) in self.town.rows("SELECT refund_no FROM refund")]
        found = [self.town.refund(n) for n in paid]
        mine = next((each for each in found if each.state == "paid"), None)
        if mine is not None:
            words = "ｸﾐﾓﾄﾞｼ ﾐﾎﾝ ﾀﾛｳ" if notice == 1 else "ｸﾐﾓﾄﾞｼ"
            name = f"back{self.number}.txt"
            self.town.statement(name, ("in", mine.total_yen, words), on=self.day)
            self.town.matched(self.day)
            self.day += timedelta(days=7)

    def _again(self, notice: int) -> None:
        """What came back goes to another account of the same person."""
        for (number,) in self.town.rows("SELECT refund_no FROM refund"):
            found = self.town.refund(number)
            if found.state == "returned":
                self.town.account(found.obligor_no, f"{2222220 + notice}")
                with unit_of_work(self.town.engine, M) as connection:
                    another_account.change_payee(
                        connection, load_profile(connection, M), number, by="hanako",
                        at=self.town.moment, on=self.day,
                    )  # fmt: skip
                return

    def _cancel(self, _notice: int) -> None:
        for (number,) in self.town.rows("SELECT refund_no FROM refund"):
            if self.town.refund(number).state in {"decided", "returned"}:
                self.town.approve(self.town.asked(decide.ask_cancel, number))
                return


def test_two_who_release_at_once_send_it_once(town):
    town.refunded(town.twice())
    first = town.built()
    asked = [
        town.asked(release.ask_release, first.batch_no),
    ]
    done, refused = [], []
    gate = threading.Barrier(4, timeout=LONG)

    def agree(name: str) -> None:
        gate.wait()
        try:
            with unit_of_work(town.engine, M) as connection:
                decided = approve.decide(
                    connection, M, asked[0].approval_id, "approved", decided_by=name,
                    at=town.moment,
                )  # fmt: skip
                release.release(connection, load_profile(connection, M), decided, on=DAY)
            done.append(name)
        except (KokinError, DBAPIError) as error:
            refused.append(error)

    people = [threading.Thread(target=agree, args=(f"jiro{n}",), daemon=True) for n in range(4)]
    for each in people:
        each.start()
    for each in people:
        each.join(LONG)
    assert (len(done), len(refused)) == (1, 3)
    sent = town.rows("SELECT refund_no, attempt, batch_no FROM refund_sent")
    assert [tuple(each) for each in sent] == [(1, 1, first.batch_no)]
    events = town.rows("SELECT event FROM refund_event ORDER BY event_no")
    assert [event for (event,) in events] == ["decided", "sent"]
    town.check()


def test_two_who_build_at_once_build_one(town):
    town.refunded(town.twice())
    made, refused = [], []
    gate = threading.Barrier(3, timeout=LONG)

    def build() -> None:
        gate.wait()
        try:
            made.append(town.built())
        except KokinError as error:
            refused.append(error.error_code)

    people = [threading.Thread(target=build, daemon=True) for _ in range(3)]
    for each in people:
        each.start()
    for each in people:
        each.join(LONG)
    assert (len(made), refused) == (1, ["batch_reason"] * 2)
    town.check()


def test_two_who_take_the_file_at_once_take_it_once(town):
    town.refunded(town.twice())
    found = town.built()
    town.approve(town.asked(release.ask_release, found.batch_no))
    taken, refused = [], []
    gate = threading.Barrier(3, timeout=LONG)

    def take() -> None:
        gate.wait()
        try:
            taken.append(town.taken(found))
        except KokinError as error:
            refused.append(error.error_code)

    people = [threading.Thread(target=take, daemon=True) for _ in range(3)]
    for each in people:
        each.start()
    for each in people:
        each.join(LONG)
    assert (len(taken), refused) == (1, ["reason_missing"] * 2)
    events = town.rows("SELECT event FROM refund_batch_event ORDER BY event_no")
    assert [event for (event,) in events] == ["released", "handed_out"]


KILLED = """
import os, signal, sys
sys.path[:0] = {paths!r}
from refund_town import RefundTown
from payments.store.engine import open_engine
from payments.store.unit_of_work import unit_of_work
from payments.store.municipalities import load_profile
from payments import approve
from reconcile.refunds import release
engine = open_engine({url!r})
moment = {step!r}
with unit_of_work(engine, "99999") as connection:
    if moment == "release":
        decided = approve.decide(connection, "99999", {approval}, "approved", decided_by="jiro",
            at=__import__("datetime").datetime(2026, 6, 20, 2))
        release.release(connection, load_profile(connection, "99999"), decided,
            on=__import__("datetime").date(2026, 6, 20))
    else:
        release.hand_out(connection, "99999", {batch_no}, by="hanako",
            at=__import__("datetime").datetime(2026, 6, 20, 2))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(town: RefundTown, step: str, found: Batch, approval_id: int = 0) -> None:
    """A process that does one thing with a batch and is killed before its commit."""
    code = KILLED.format(
        paths=[str(Path(__file__).parents[2] / "support"), str(Path(__file__).parents[3])],
        url=town.url, step=step, approval=approval_id, batch_no=found.batch_no,
    )  # fmt: skip
    ended = subprocess.run([sys.executable, "-c", code], check=False, env=os.environ.copy())
    assert ended.returncode == -signal.SIGKILL


def test_killed_while_it_is_released_it_is_not_sent_and_goes_out_once_afterwards(town):
    town.refunded(town.twice())
    found = town.built()
    approval = town.asked(release.ask_release, found.batch_no)
    killed(town, "release", found, approval.approval_id)
    assert town.rows("SELECT * FROM refund_sent") == []
    with reading(town.engine, M) as connection:
        assert batches.batch(connection, M, found.batch_no).state == "built"
    town.approve(approval)
    # Killed before the commit nobody has taken it: no reason is asked for.
    killed(town, "take", found)
    data = town.taken(found)
    with pytest.raises(InvalidValueError, match="reason_missing"):
        town.taken(found)
    assert town.taken(found, "途中で止まった") == data
    events = town.rows("SELECT event FROM refund_batch_event ORDER BY event_no")
    assert [event for (event,) in events] == ["released", "handed_out", "handed_out"]
    town.check()


def test_what_is_paid_on_a_bill_is_no_overpayment(town):
    town.shop("a.csv", row(1, kind="02"))
    assert town.listed() == []

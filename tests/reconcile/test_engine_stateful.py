"""照合エンジンの全操作: whatever happens to a city, in whatever order, engine and model agree.

After every step the outcomes, balances, suspense, groups and cases are those of the reference
model, and no yen is lost: assessed = applied + outstanding, received = applied + suspense. Nothing
is refunded by this service yet. What was signed at a close stays as it was signed.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from emptied import emptied
from engine_city import EngineCity
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from reference_author import play
from reference_rows import sample_profile
from reference_strategies import Reporter
from sqlalchemy import text

from payments.store.unit_of_work import reading
from reconcile.closures import signed_report
from reconcile.report_data import canonical_json, report_as_data
from reconcile.verify import books
from reconcile.verify_walk import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from reference_books import Instalment, Place, Receipt

QUIET = list(HealthCheck)
# These cities are made without files, so nothing of the evidence itself can be verified.
NO_EVIDENCE = {"instalment_amount", "claim_posting", "hold_flag"}


class AnyCity(RuleBasedStateMachine):
    """市: the model lives in the author of the steps; the engine follows it."""

    def __init__(self, url: str) -> None:
        """An empty city in the database at ``url``."""
        super().__init__()
        self.engine = EngineCity(url, sample_profile())
        self.author = Reporter(lambda _strategy: None)
        self.followed = 0
        self.closed: dict[date, str] = {}  # day → the report as it was signed, in order
        self.booked_before: int = 0  # the last journal before the last close

    def follow(self) -> None:
        """Let the engine do what the model has done."""
        steps = self.author.steps[self.followed :]
        self.followed = len(self.author.steps)
        play(self.engine, steps)  # type: ignore[arg-type]  # it is asked in the model's way

    def asked(self, data: Any) -> Reporter:
        """The author, who draws from this step's choices."""
        self.author.draw = data.draw
        return self.author

    # -- what happens ---------------------------------------------------------------------------

    @initialize(data=st.data())
    def found(self, data: Any) -> None:
        """調定 and 納付書."""
        self.asked(data).found()
        self.follow()

    @rule(data=st.data())
    def report(self, data: Any) -> None:
        """A file of any channel, or an earlier one again."""
        author = self.asked(data)
        author.one(
            *[author.konbini] * 4,
            *[author.eltax] * 3,
            author.debit,
            author.notification,
            author.again,
        )()
        self.follow()

    @rule(data=st.data())
    def money(self, data: Any) -> None:
        """A statement of the bank, or a remittance advice."""
        author = self.asked(data)
        author.one(author.bank, author.bank, author.advice)()
        self.follow()

    @rule(data=st.data())
    def claim(self, data: Any) -> None:
        """更正, 取消, 再発行."""
        author = self.asked(data)
        author.one(author.correction, author.reissue)()
        self.follow()

    @rule(data=st.data())
    def wait(self, data: Any) -> None:
        """`kokin reconcile`."""
        self.asked(data).reconcile()
        self.follow()

    @precondition(lambda self: self.author.city.books.receipts)
    @rule(data=st.data(), wish=st.sampled_from(["undo", "move", "split", "anything"]))
    def place(self, data: Any, wish: str) -> None:
        """消込取消, 再消込・振替, 分割: what is refused by the one is refused by the other."""
        city = self.author.city
        receipt = data.draw(st.sampled_from(city.books.receipts))
        parts = [] if wish == "undo" else self._parts(data, receipt, wish)
        done = city.place(receipt.ref, parts)
        assert self.engine.place(receipt.ref, parts, self.author.day) is done

    def _parts(self, data: Any, receipt: Receipt, wish: str) -> list[tuple[Place, int]]:
        """Instalments for the money: nearly always with room for it."""
        city = self.author.city.books
        room = [i for i in city.instalments.values() if city.room_yen(receipt, i) > 0]
        some: list[Instalment] = (
            room if room and wish != "anything" else [*city.instalments.values()]
        )
        most = {"move": 1, "split": 3, "anything": 2}[wish]
        chosen = data.draw(st.lists(st.sampled_from(some), min_size=1, max_size=most, unique=True))
        left, parts = receipt.line.amount_yen or 0, []
        for instalment in chosen:
            yen = min(left, city.room_yen(receipt, instalment))
            if wish == "anything" or data.draw(st.booleans()):
                yen = data.draw(st.sampled_from([yen, 1, 500, 1000]))
            parts.append((instalment.place, yen))
            left -= yen
        return parts

    @rule(days=st.integers(0, 2))
    def close_day(self, days: int) -> None:
        """締め of a day that is over, or of today."""
        day = self.author.day - timedelta(days=days)
        if self.engine.close_day(day):
            self.closed[day] = self._signed(day)
            self.booked_before = self._last_journal()

    @precondition(lambda self: self.closed)
    @rule(first=st.booleans())
    def reopen_day(self, first: bool) -> None:  # drawn by Hypothesis
        """締めの取消: the last closed day and no other."""
        day = min(self.closed) if first else max(self.closed)
        assert self.engine.reopen_day(day) is (day == max(self.closed))
        if day == max(self.closed):
            del self.closed[day]

    # -- what always holds ----------------------------------------------------------------------

    @invariant()
    def agrees_with_the_model(self) -> None:
        """Outcomes, balances, suspense, groups, cases."""
        engine, model = self.engine, self.author.city
        expected = {ref: outcome[:3] for ref, outcome in model.outcomes.items()}
        assert _unlike(engine.outcomes, expected) == {}
        assert _unlike(engine.balances, model.balances) == {}
        assert engine.suspense_yen == model.suspense_yen
        groups = {key: sums for key, sums in model.groups.items() if any(sums)}
        found = {key: sums for key, sums in engine.groups.items() if any(sums)}
        assert _unlike(found, groups) == {}
        # The model keeps `closed_year` for payments that are withdrawn in the same file.
        kinds = {"closed_year"}
        cases = {case for case in model.cases if case[0] not in kinds}
        assert {case for case in engine.cases if case[0] not in kinds} ^ cases == set()

    @invariant()
    def no_yen_is_lost(self) -> None:
        """By the ledger, by the balances and by the receipts: the same sums."""
        account = self._one(_ACCOUNTS)
        receipts = self._one(_RECEIPTS)
        assert account.assessed_yen == account.applied_yen + account.outstanding_yen
        assert account.assessed_yen == self._balance("receivable") + account.applied_yen
        assert account.assessed_yen == -self._balance("assessed")
        assert receipts.received_yen == receipts.applied_yen + receipts.suspense_yen
        assert account.applied_yen + account.surplus_yen == receipts.applied_yen
        assert self.engine.suspense_yen == receipts.suspense_yen + account.surplus_yen
        paid_out = self._one(_SETTLED).yen
        owed = self._balance("reported") + self._balance("confirmed_due")
        assert receipts.received_yen == owed + paid_out
        assert self._balance("bank") == (
            paid_out
            - self._balance("fee")
            - self._balance("unidentified")
            - self._balance("outgoing")
        )

    @invariant()
    def what_was_signed_stays(self) -> None:
        """Nothing is booked on a closed day any more, and its report is the one that was signed."""
        if self.closed:
            last = max(self.closed)
            late = self._one(_BOOKED, last=last.isoformat(), journal_id=self.booked_before)
            assert late.number == 0
            assert self._signed(last) == self.closed[last]

    def teardown(self) -> None:
        """検算 of everything but the evidence; then the database goes."""
        with reading(self.engine.engine, self.engine.code) as connection:
            found = list(books(Store(connection, sample_profile())))
        self.engine.close()
        assert [difference for difference in found if difference.name not in NO_EVIDENCE] == []

    # -- looking --------------------------------------------------------------------------------

    def _one(self, statement: str, **values: object) -> Any:
        with reading(self.engine.engine, self.engine.code) as connection:
            return connection.execute(text(statement), values).one()

    def _balance(self, account: str) -> int:
        return int(self._one(_BALANCE, account=account).yen)

    def _last_journal(self) -> int:
        return int(self._one("SELECT COALESCE(MAX(journal_id), 0) AS last FROM journal").last)

    def _signed(self, day: date) -> str:
        with reading(self.engine.engine, self.engine.code) as connection:
            signed = signed_report(connection, self.engine.code, "day", day)
        assert signed is not None
        return canonical_json(report_as_data(signed[0]))


def _unlike(found: dict[Any, Any], expected: dict[Any, Any]) -> dict[Any, tuple[Any, Any]]:
    """What the engine says and what the model says, where it is not the same."""
    return {
        key: (found.get(key), expected.get(key))
        for key in found.keys() | expected.keys()
        if found.get(key) != expected.get(key)
    }


_ACCOUNTS = """SELECT COALESCE(SUM(amount_yen), 0) AS assessed_yen,
    COALESCE(SUM(term_yen + whole_yen - surplus_yen), 0) AS applied_yen,
    COALESCE(SUM(surplus_yen), 0) AS surplus_yen,
    COALESCE(SUM(amount_yen - term_yen - whole_yen + surplus_yen), 0) AS outstanding_yen
    FROM instalment_account"""
_RECEIPTS = """SELECT COALESCE(SUM(amount_yen), 0) AS received_yen,
    COALESCE(SUM(applied_yen), 0) AS applied_yen, COALESCE(SUM(suspense_yen), 0) AS suspense_yen
    FROM receipt WHERE stage <> 'withdrawn'"""
_SETTLED = "SELECT COALESCE(SUM(amount_yen + fee_yen), 0) AS yen FROM settlement"
_BALANCE = """SELECT COALESCE(SUM(CASE WHEN debit_account = :account THEN amount_yen ELSE 0 END)
    - SUM(CASE WHEN credit_account = :account THEN amount_yen ELSE 0 END), 0) AS yen FROM posting"""
_BOOKED = """SELECT COUNT(*) AS number FROM journal
    WHERE journal_id > :journal_id AND booked_on <= :last"""


def _run(fresh: Callable[[], str], cities: int, steps: int) -> None:
    """So many cities, in each of which so much happens at most."""
    run_state_machine_as_test(
        lambda: AnyCity(fresh()),
        settings=settings(
            max_examples=cities, stateful_step_count=steps, suppress_health_check=QUIET
        ),
    )


def _copies(template: Path, folder: Path) -> Callable[[], str]:
    """A new empty SQLite database every time; the one before it goes."""
    number = count()

    def fresh() -> str:
        path = folder / f"city-{next(number)}.sqlite"
        for old in folder.glob("city-*"):
            old.unlink()
        shutil.copy(template, path)
        return f"sqlite:///{path}"

    return fresh


def test_whatever_happens_on_sqlite(sqlite_template: Path, tmp_path: Path) -> None:
    """Repeatable: the same cities every time."""
    _run(_copies(sqlite_template, tmp_path), cities=30, steps=14)


@pytest.mark.postgres
def test_whatever_happens_on_postgresql(postgres_url: str) -> None:
    """The same statements on PostgreSQL; the database is emptied between the cities."""
    _run(lambda: emptied(postgres_url), cities=6, steps=12)


@pytest.mark.soak
def test_whatever_happens_for_long(sqlite_template: Path, tmp_path: Path) -> None:
    """Other cities every time, and longer lives."""
    _run(_copies(sqlite_template, tmp_path), cities=1_500, steps=40)


@pytest.mark.soak
@pytest.mark.postgres
def test_whatever_happens_for_long_on_postgresql(postgres_url: str) -> None:
    """The same on PostgreSQL."""
    _run(lambda: emptied(postgres_url), cities=100, steps=30)

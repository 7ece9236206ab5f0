"""照合エンジンの全操作: whatever happens to a city, in whatever order, engine and model agree.

After every step the outcomes, balances, suspense, groups and cases are those of the reference
model, and no yen is lost: assessed = applied + outstanding, received = applied + suspense. Nothing
is refunded by this service yet. What was signed at a close stays as it was signed.
"""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import timedelta
from itertools import count
from random import Random
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
from reconcile.report.data import canonical_json, report_as_data
from reconcile.verify.everything import books
from reconcile.verify.walk import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from reference_books import Place, Receipt

QUIET = list(HealthCheck)
SEEDS = st.integers(0, 9_999)
STEPS = {
    *("Assess", "Register", "MadeFile", "Reconcile", "closed", "reopened"),
    *("undo placed", "move placed", "split placed"),
}
STEPS_MAX = 400  # in a life in which each of them has to be taken once
ABOUT_DAYS = 0.2  # of these steps are about closing a day
# These cities are made without files, so nothing of the evidence itself can be verified.
NO_EVIDENCE = {"instalment_amount", "claim_posting", "hold_flag"}


class Chance(Reporter):
    """偶然: an author whose choices come from a seed, so that a step is one small number.

    Hypothesis then has room for long lives, and makes a failing one shorter by leaving steps out.
    """

    random = Random(0)

    def one(self, *choices: Any) -> Any:
        """One of these."""
        return self.random.choice(choices)

    def number(self, first: int, last: int) -> int:
        """A whole number from here to there."""
        return self.random.randint(first, last)


class AnyCity(RuleBasedStateMachine):
    """市: the model lives in the author of the steps; the engine follows it."""

    def __init__(self, url: str) -> None:
        """An empty city in the database at ``url``."""
        super().__init__()
        self.engine = EngineCity(url, sample_profile())
        self.author = Chance(lambda _strategy: None)
        self.followed = 0
        self.closed: dict[date, str] = {}  # day → the report as it was signed, in order
        self.booked_before: int = 0  # the last journal before the last close
        self.done: Counter[str] = Counter()

    def follow(self) -> None:
        """Let the engine do what the model has done."""
        steps = self.author.steps[self.followed :]
        self.followed = len(self.author.steps)
        self.done.update(type(step).__name__ for step in steps)
        play(self.engine, steps)  # type: ignore[arg-type]  # it is asked in the model's way

    def asked(self, seed: int) -> Chance:
        """The author, whose choices in this step are those of the seed."""
        self.author.random = Random(seed)
        return self.author

    # -- what happens ---------------------------------------------------------------------------

    @initialize(seed=SEEDS)
    def found(self, seed: int) -> None:
        """調定 and 納付書."""
        self.asked(seed).found()
        self.follow()

    @rule(seed=SEEDS)
    def report(self, seed: int) -> None:
        """A file of any channel, or an earlier one again."""
        author = self.asked(seed)
        author.one(
            *[author.konbini] * 4,
            *[author.eltax] * 3,
            author.debit,
            author.notification,
            author.again,
        )()
        self.follow()

    @rule(seed=SEEDS)
    def money(self, seed: int) -> None:
        """A statement of the bank, or a remittance advice."""
        author = self.asked(seed)
        author.one(author.bank, author.bank, author.advice)()
        self.follow()

    @rule(seed=SEEDS)
    def claim(self, seed: int) -> None:
        """更正, 取消, 再発行."""
        author = self.asked(seed)
        author.one(author.correction, author.reissue)()
        self.follow()

    @rule(seed=SEEDS)
    def wait(self, seed: int) -> None:
        """`kokin reconcile`."""
        self.asked(seed).reconcile()
        self.follow()

    @precondition(lambda self: self.author.city.books.receipts)
    @rule(seed=SEEDS)
    def undo(self, seed: int) -> None:
        """消込取消."""
        self._place(seed, "undo")

    @precondition(lambda self: self.author.city.books.receipts)
    @rule(seed=SEEDS)
    def move(self, seed: int) -> None:
        """再消込・振替."""
        self._place(seed, "move")

    @precondition(lambda self: self.author.city.books.receipts)
    @rule(seed=SEEDS)
    def split(self, seed: int) -> None:
        """分割."""
        self._place(seed, "split")

    @precondition(lambda self: self.author.city.books.receipts)
    @rule(seed=SEEDS)
    def place_anywhere(self, seed: int) -> None:
        """Whatever may be refused."""
        self._place(seed, "anything")

    def _place(self, seed: int, wish: str) -> None:
        """What is refused by the one is refused by the other."""
        city = self.asked(seed).city
        receipt = self.author.one(*city.books.receipts)
        parts = [] if wish == "undo" else self._parts(receipt, wish)
        done = city.place(receipt.ref, parts)
        assert self.engine.place(receipt.ref, parts, self.author.day) is done
        self.done[f"{wish} {'placed' if done else 'refused'}"] += 1

    def _parts(self, receipt: Receipt, wish: str) -> list[tuple[Place, int]]:
        """Instalments for the money: nearly always with room for it."""
        books, author = self.author.city.books, self.author
        room = [i for i in books.instalments.values() if books.room_yen(receipt, i) > 0]
        some = room if room and wish != "anything" else [*books.instalments.values()]
        most = {"move": 1, "split": 3, "anything": 2}[wish]
        left, parts = receipt.line.amount_yen or 0, []
        for instalment in author.random.sample(some, min(most, len(some))):
            yen = min(left, books.room_yen(receipt, instalment))
            if wish == "anything" or author.one(True, False):
                yen = author.one(yen, 1, 500, 1000)
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
            self.done["closed"] += 1

    @precondition(lambda self: self.closed)
    @rule(first=st.booleans())
    def reopen_day(self, first: bool) -> None:  # drawn by Hypothesis
        """締めの取消: the last closed day and no other."""
        day = min(self.closed) if first else max(self.closed)
        assert self.engine.reopen_day(day) is (day == max(self.closed))
        if day == max(self.closed):
            del self.closed[day]
            self.done["reopened"] += 1

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


def _run(fresh: Callable[[], str], cities: int, steps: int) -> Counter[str]:
    """So many cities, in each of which so much happens at most; how often what was done."""
    done: Counter[str] = Counter()

    def founded() -> AnyCity:
        city = AnyCity(fresh())
        city.done = done
        return city

    run_state_machine_as_test(
        founded,  # type: ignore[arg-type]  # a function that makes one will do
        settings=settings(
            max_examples=cities, stateful_step_count=steps, suppress_health_check=QUIET
        ),
    )
    return done


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


def test_every_kind_of_step_is_taken(sqlite_template: Path, tmp_path: Path) -> None:
    """One life by plain chance, so that no change of Hypothesis leaves out what may happen."""
    chance = Random(1)
    city = AnyCity(_copies(sqlite_template, tmp_path)())
    city.found(seed=chance.randrange(10_000))
    for _step in range(STEPS_MAX):
        if city.done.keys() >= STEPS:
            break
        by_seed = [city.report, city.money, city.claim, city.wait]
        if city.author.city.books.receipts:
            by_seed += [city.undo, city.move, city.split, city.place_anywhere]
        if chance.random() < ABOUT_DAYS:
            city.close_day(days=chance.randrange(3))
            if city.closed:
                city.reopen_day(first=chance.random() < ABOUT_DAYS)
        else:
            chance.choice(by_seed)(seed=chance.randrange(10_000))
        city.agrees_with_the_model()
        city.no_yen_is_lost()
        city.what_was_signed_stays()
    assert STEPS - city.done.keys() == set()
    city.teardown()


def test_whatever_happens_on_sqlite(sqlite_template: Path, tmp_path: Path) -> None:
    """Repeatable: the same cities every time."""
    _run(_copies(sqlite_template, tmp_path), cities=12, steps=30)


@pytest.mark.postgres
def test_whatever_happens_on_postgresql(postgres_url: str) -> None:
    """The same statements on PostgreSQL; the database is emptied between the cities."""
    _run(lambda: emptied(postgres_url), cities=4, steps=30)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_whatever_happens_for_long(
    sqlite_template: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Other cities every time, and longer lives."""
    done = _run(_copies(sqlite_template, tmp_path), cities=1_500, steps=40)
    record_property("steps", dict(done))


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.postgres
def test_whatever_happens_for_long_on_postgresql(
    postgres_url: str, record_property: Callable[[str, object], None]
) -> None:
    """The same on PostgreSQL."""
    record_property("steps", dict(_run(lambda: emptied(postgres_url), cities=100, steps=30)))

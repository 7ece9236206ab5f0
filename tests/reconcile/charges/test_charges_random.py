"""延滞金: whatever is paid, taken away, given up and booked, in whatever order, nothing is lost."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from charge_town import CHARGE_ITEM, ChargeTown, charging_profile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from placing_town import NOTICES, M

from payments import approve
from payments.domain.late_charge import PartPayment, late_charge
from payments.domain.write_off import Ground
from payments.store.engine import open_engine
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.charges.due import Claim, charges_due
from reconcile.charges.waived import Waived
from reconcile.charges.write_offs import GivingUp, ask_write_off, carry_out

if TYPE_CHECKING:
    from pathlib import Path

ON = date(2026, 6, 20)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "pay", "undo", "give_up", "book", "fee"]),
        st.integers(1, 3),
        st.integers(1, 12).map(lambda thousands: thousands * 1_000),
    ),
    max_size=8,
)
CLAIMS = st.lists(
    st.tuples(
        st.integers(1, 400_000),
        st.dates(date(2015, 4, 1), date(2026, 6, 1)),
        st.lists(st.tuples(st.integers(0, 900), st.integers(1, 400_000)), min_size=1, max_size=3),
    ),
    max_size=20,
)


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """The town as every story finds it."""
    path = tmp_path_factory.mktemp("late") / "late.sqlite"
    shutil.copyfile(sqlite_template, path)
    ChargeTown(f"sqlite:///{path}").close()
    return path


class _Again(ChargeTown):
    """The town from its copy."""

    def __init__(self, path: Path, late: Path) -> None:
        shutil.copyfile(late, path)
        self.engine = open_engine(f"sqlite:///{path}")
        self.files, self.moment = {}, datetime(2026, 6, 20, 1, tzinfo=UTC)
        self.notice = {
            str(row.notice_no): int(row.notice_id)
            for row in self.rows("SELECT notice_no, notice_id FROM notice")
        }

    def give_up(self, notice: int) -> None:
        """Two people write off what is open."""
        if self.open_yen(notice, "01") <= 0:
            return
        self.moment += timedelta(minutes=1)
        wish = GivingUp(((self.notice[NOTICES[notice - 1]], "01"),), Ground.AT_ONCE, ON)
        with unit_of_work(self.engine, M) as connection:
            profile = load_profile(connection, M)
            asked = ask_write_off(
                connection, profile, wish, on=ON, asked_by="hanako", at=self.moment, reason="なし"
            )
            decided = approve.decide(
                connection, M, asked.approval_id, "approved", decided_by="jiro", at=self.moment
            )
            carry_out(connection, profile, decided, on=ON)

    def undo(self) -> None:
        """Two people take a payment off its instalment."""
        placed = self.rows("SELECT file_id, line_no FROM receipt WHERE applied_yen > 0 LIMIT 1")
        if placed:
            self.place((placed[0].file_id, placed[0].line_no))


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_nothing_is_lost_and_a_charge_is_booked_once(
    late: Path, tmp_path: Path, steps: list[tuple[str, int, int]]
) -> None:
    town = _Again(tmp_path / "again.sqlite", late)
    try:
        for deed, notice, yen in steps:
            if deed == "pay":
                town.pay(notice, yen=yen)
            elif deed == "undo":
                town.undo()
            elif deed == "give_up":
                town.give_up(notice)
            elif deed == "book":
                town.book()
            else:
                town.letter(notice)
        town.book()
        assert town.book(afresh=True).count == 0  # what came in between changed nothing
        claims = town.rows("SELECT COUNT(*) FROM notice WHERE item_code = :item", item=CHARGE_ITEM)
        links = town.rows(
            "SELECT COUNT(DISTINCT principal_notice_id) FROM late_charge_booking "
            "WHERE kind = 'late_charge'"
        )
        assert claims[0][0] == links[0][0]
        town.check()
    finally:
        town.close()


@settings(max_examples=60, deadline=None)
@given(CLAIMS)
def test_many_at_once_are_as_the_law_says_one_by_one(
    drawn: list[tuple[int, date, list[tuple[int, int]]]],
) -> None:
    claims = []
    for number, (amount, due_on, paid) in enumerate(drawn):
        left, payments = amount, []
        for place, (days, yen) in enumerate(paid, start=1):
            part = min(yen, left) if place < len(paid) else left
            day = min(due_on + timedelta(days=days), ON)
            if part:
                payments.append(PartPayment(day, part))
                left -= part
        payments.sort()
        claims.append(
            Claim(number, "01", "901", amount, 0, 0, due_on, tuple(payments), False, Waived())
        )
    found = charges_due(charging_profile(), claims)
    for claim in claims:
        last_on = claim.payments[-1].paid_on
        one = late_charge(claim.amount_yen, claim.due_on, last_on, payments=claim.payments)
        assert found.yen[claim.place] == one.charge_yen

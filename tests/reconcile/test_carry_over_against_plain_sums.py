"""滞納繰越 over invented years: what is carried is what plain sums leave open, event by event."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from years_town import M, YearsTown, claim, lines

from payments.domain.fiscal import fiscal_year, revenue_year
from reconcile.audit.seal import seal_pending
from reconcile.verify.everything import verify

if TYPE_CHECKING:
    from pathlib import Path

QUIET = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
ITEMS = ("901", "904")


@dataclass
class Ledger:
    """The plainest second reading: every claim and payment with the year it belongs to."""

    moved: list[tuple[int, int, int]] = field(default_factory=list)  # notice, year, yen
    closed: int = 0  # the last closed year

    def move(self, notice: int, claim_year: int, day: date, yen: int) -> None:
        """A claim or (below zero) money of a day."""
        year = max(revenue_year(claim_year, day), self.closed + 1 if self.closed else 0)
        self.moved.append((notice, year, yen))

    def open_of(self, year: int) -> dict[int, int]:
        """What the year and those before leave open, notice by notice."""
        sums: dict[int, int] = {}
        for notice, belongs, yen in self.moved:
            if belongs <= year:
                sums[notice] = sums.get(notice, 0) + yen
        return {notice: yen for notice, yen in sums.items() if yen}


@dataclass
class Claim:
    """A notice of one instalment."""

    notice: int
    year: int
    item: str
    asked_yen: int
    paid_yen: int = 0
    slip_yen: int = 0


class Story:
    """Draws what happens in one year after the other, and tells it to the town and to the sums."""

    def __init__(self, town: YearsTown, draw) -> None:
        self.town, self.draw, self.sums = town, draw, Ledger()
        self.claims: list[Claim] = []
        self.today = date(2024, 4, 1)

    def pass_time(self) -> str:
        """A later day; most things happen around 出納閉鎖."""
        self.today += timedelta(days=self.draw(st.integers(1, 70)))
        return self.today.isoformat()

    def assess(self) -> None:
        """調定 of the year that is running."""
        on, notice = self.pass_time(), len(self.claims) + 1
        made = Claim(
            notice, fiscal_year(self.today), self.draw(st.sampled_from(ITEMS)),
            self.draw(st.integers(1, 20)) * 1_000,
        )  # fmt: skip
        made.slip_yen = made.asked_yen
        self.claims.append(made)
        self.town.assess(claim(notice, made.year, made.asked_yen, item=made.item), on=on)
        self.sums.move(notice, made.year, self.today, made.asked_yen)

    def correct(self) -> None:
        """更正, never below what was paid."""
        on, made = self.pass_time(), self.draw(st.sampled_from(self.claims))
        yen = made.paid_yen + self.draw(st.integers(0, 9)) * 1_000
        kind = "correction" if yen else "cancellation"
        row = claim(made.notice, made.year, yen, item=made.item, kind=kind)
        self.town.assess(row, on=on)
        self.sums.move(made.notice, made.year, self.today, yen - made.asked_yen)
        made.asked_yen = yen

    def pay(self) -> None:
        """収納 of a part or all, reported some days after it was paid."""
        on, made = self.pass_time(), self.draw(st.sampled_from(self.claims))
        open_yen = made.asked_yen - made.paid_yen
        if not open_yen:
            return
        # A payment up to what the slip and the claim both ask; anything beyond is suspense.
        yen = self.draw(st.integers(1, min(open_yen, made.slip_yen) // 1_000 or 1)) * 1_000
        paid_on = self.today - timedelta(days=self.draw(st.integers(0, 20)))
        self.town.pay(made.notice, min(yen, open_yen), paid_on.isoformat(), on=on)
        self.sums.move(made.notice, made.year, paid_on, -min(yen, open_yen))
        made.paid_yen += min(yen, open_yen)

    def close_year(self, year: int) -> None:
        """出納閉鎖: every day up to it, then the year."""
        closing = date(year + 1, 5, 31)
        self.today = max(self.today, closing)
        for row in self.town.rows(
            "SELECT DISTINCT CAST(j.booked_on AS VARCHAR(10)) AS day FROM journal j "
            "WHERE j.booked_on < :day AND j.booked_on > COALESCE((SELECT closed_until "
            "FROM day_closure ORDER BY closure_no DESC LIMIT 1), '2000-01-01') "
            "AND EXISTS (SELECT 1 FROM posting p WHERE p.journal_id = j.journal_id) ORDER BY 1",
            day=closing.isoformat(),
        ):
            self.town.close_day(row.day)
        self.town.close_day(closing.isoformat())
        self.town.close_year(year)
        self.sums.closed = year


@settings(max_examples=15, suppress_health_check=QUIET)
@given(data=st.data())
def test_what_is_carried_is_what_plain_sums_leave_open(
    sqlite_template: Path, tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "years.sqlite"
    shutil.copyfile(sqlite_template, path)
    for leftover in ("-wal", "-shm"):
        path.with_name(path.name + leftover).unlink(missing_ok=True)
    town = YearsTown(f"sqlite:///{path}")
    story = Story(town, data.draw)
    try:
        for year in (2024, 2025):
            story.assess()
            acts = data.draw(st.lists(st.sampled_from(["assess", "correct", "pay"]), max_size=6))
            for act in acts:
                getattr(story, act)()
            story.close_year(year)
            expected = {(str(n), "01"): yen for n, yen in story.sums.open_of(year).items()}
            assert town.carried(year) == expected
            ends, begins = town.year(year), town.year(year + 1)
            carried = sum(expected.values())
            assert sum(line[3] for line in lines(ends).values()) == carried
            assert sum(line[1] for line in lines(begins).values()) == carried
            assert "carry_over" not in {check.code for check in begins.differing}
            if data.draw(st.booleans()):  # re-opened and closed again: the same
                town.reopen_year(year)
                town.close_year(year)
                assert town.carried(year) == expected
        seal_pending(town.engine, M)
        assert verify(town.engine, M) == []
    finally:
        town.close()


@pytest.mark.parametrize("year", [2024, 2025])
@given(day=st.dates(date(2020, 1, 1), date(2030, 12, 31)))
def test_the_year_of_money_never_goes_back_as_days_go_on(year: int, day: date) -> None:
    assert revenue_year(year, day) <= revenue_year(year, day + timedelta(days=1))

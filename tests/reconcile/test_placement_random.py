"""Whatever people, shops and registers do, in any order: no yen is lost, and the books verify."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from placing_town import NOTICES, M, PlacingTown, row
from reference_town import assessment

from payments.domain.errors import InvalidValueError, RefusedError
from payments.store.unit_of_work import reading
from reconcile.placement import room_yen

if TYPE_CHECKING:
    from placing_town import Line

    from reconcile.placement_model import Part

PLACES = [(notice, term) for notice in (1, 2, 3) for term in ("01", "02")]
STEPS = st.one_of(
    st.tuples(
        st.just("pay"),
        st.sampled_from([(notice, term) for notice in (1, 2, 9) for term in ("01", "02", "00")]),
        st.sampled_from(["01", "02"]),
        st.sampled_from([None, None, 3_000, 20_000]),
    ),
    st.tuples(st.sampled_from(["confirm", "withdraw"]), st.integers(0, 9)),
    st.tuples(
        st.just("place"),
        st.integers(0, 9),
        st.lists(
            st.tuples(st.sampled_from(PLACES), st.sampled_from([1, 2_500, 99_999])), max_size=3
        ),
    ),
    st.tuples(
        st.just("correct"), st.sampled_from(PLACES), st.sampled_from([0, 4_000, 8_000, 12_000])
    ),
)
REFUSALS = {
    "placement_same", "placement_withdrawn", "placement_twice", "placement_outstanding",
    "placement_sum",
}  # fmt: skip


class Walk:
    """A town in which one thing after another happens."""

    def __init__(self, url: str) -> None:
        """Nobody has paid yet."""
        self.town = PlacingTown(url)
        self.paid: list[tuple[Line, Any]] = []
        self.files = 0

    def step(self, what: str, *values: Any) -> None:
        """One of :data:`STEPS`."""
        self.files += 1
        getattr(self, what)(*values)

    def pay(self, place: tuple[int, str], kind: str, yen: int | None) -> None:
        """A payment of its own, at a time of its own."""
        at = f"12{self.files:02d}"
        payment = row(*place, kind=kind, yen=yen, paid_at=at)
        name = f"{self.files}.csv"
        self.town.shop(name, payment)
        self.paid.append((self.town.line(name), payment))

    def confirm(self, number: int) -> None:
        """A 確報 of a payment that is there, of whatever stage."""
        self._report(number, kind="02", remitted_on="20260625")

    def withdraw(self, number: int) -> None:
        """A 取消, which may come too late."""
        self._report(number, kind="03", remitted_on="0")

    def _report(self, number: int, **other: str) -> None:
        if self.paid:
            _line, payment = self.paid[number % len(self.paid)]
            again = payment._replace(**other, created_on=f"202607{self.files:02d}")
            self.town.shop(f"{self.files}.csv", again)

    def place(self, number: int, wanted: list[tuple[tuple[int, str], int]]) -> None:
        """Two people try; where they may not, nothing changes."""
        if not self.paid:
            return
        line, _payment = self.paid[number % len(self.paid)]
        before, refused = self.town.outcome(line), ""
        try:
            self.town.place(line, *self._parts(line, wanted))
        except (InvalidValueError, RefusedError) as error:
            refused = error.error_code
        assert not refused or refused in REFUSALS
        after = self.town.outcome(line)
        assert after == before if refused else after[1] in {"M1", "M2"}

    def _parts(self, line: Line, wanted: list[tuple[tuple[int, str], int]]) -> list[Part]:
        """What was wished for, where there is room for it: else some would never be tried."""
        view = self.town.view(line)
        parts = []
        left = view.amount_yen
        for place, yen in wanted:
            notice_id = self.town.notice[NOTICES[place[0] - 1]]
            with reading(self.town.engine, M) as connection:
                room = room_yen(connection, M, view, notice_id, place[1])
            taken = min(yen, room, left)
            left -= taken
            if taken:
                parts.append(self.town.part(*place, taken))
        return parts

    def correct(self, place: tuple[int, str], yen: int) -> None:
        """調定の更正・取消."""
        kind = "correction" if yen else "cancellation"
        notice = NOTICES[place[0] - 1]
        line = assessment(
            place[1], yen, kind, notice_no=notice, whole_year_group=f"G{notice}",
            obligor_name=f"税目 {self.files}",
        )  # fmt: skip
        self.town.assess(line, name=f"{self.files}.csv")


@settings(max_examples=20)
@given(st.lists(STEPS, min_size=3, max_size=12))
def test_money_is_conserved_and_everything_verifies(sqlite_template, tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("walk") / "kokin.sqlite"
    shutil.copyfile(sqlite_template, path)
    walk = Walk(f"sqlite:///{path}")
    try:
        for step in steps:
            walk.step(*step)
            walk.town.conserve()
        walk.town.check()
    finally:
        walk.town.close()

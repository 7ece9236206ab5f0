"""Whatever people, shops and registers do, in any order: no yen is lost, and the books verify."""

from __future__ import annotations

import random
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from placing_town import NOTICES, M, PlacingTown, row
from reference_rows import sample_profile
from reference_town import assessment
from sqlalchemy import text

from payments import approve
from payments.domain.errors import InvalidValueError, RefusedError
from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.explain.answer import explain_line
from reconcile.model import Delivery
from reconcile.pipeline import reconcile_waiting, take_in
from reconcile.placement.ask import ask_placement, placement_view, room_yen
from reconcile.placement.placing import carry_out
from reconcile.placement_model import Part, Placement
from reconcile.registers import import_assessments, import_slips
from reconcile.verify.everything import verify

if TYPE_CHECKING:
    from placing_town import Line
    from sqlalchemy import Engine

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


def _place_at_random(engine: Engine, chance: random.Random, at: datetime) -> bool:
    """Two people place any payment on up to three open instalments; whether that was possible."""
    with reading(engine, M) as connection:
        lines = connection.execute(
            text(
                "SELECT file_id, line_no FROM receipt WHERE stage <> 'withdrawn' "
                "ORDER BY file_id, line_no"
            )
        ).all()
        places = connection.execute(
            text(
                "SELECT notice_id, term FROM instalment_account "
                "WHERE amount_yen - term_yen - whole_yen + surplus_yen > 0 "
                "ORDER BY notice_id, term"
            )
        ).all()
        view = placement_view(connection, M, *chance.choice(lines))
        parts = []
        left = view.amount_yen
        for place in chance.sample(places, chance.randrange(4)):
            taken = min(left, room_yen(connection, M, view, *place), chance.choice([1, 10**9]))
            left -= taken
            parts += [Part(place.notice_id, place.term, taken)] if taken else []
    placement = Placement(view.file_id, view.line_no, tuple(parts))
    try:
        with unit_of_work(engine, M) as connection:
            profile = sample_profile()
            asked = ask_placement(
                connection, profile, placement, asked_by="hanako", at=at, reason="くじ"
            )
            decided = approve.decide(
                connection, M, asked.approval_id, "approved", decided_by="jiro", at=at
            )
            carry_out(connection, profile, decided, on=at.date())
    except RefusedError as refused:
        if refused.error_code != "placement_same":
            raise
        return False
    return True


def test_a_city_whose_payments_are_placed_at_random_verifies_every_day(sealed_folder, sqlite_url):
    """All channels, with 取消, 確報 and credits that come to what people have placed."""
    engine = open_engine(sqlite_url)
    chance = random.Random(4)
    with unit_of_work(engine, M) as connection:
        save_profile(connection, sample_profile())
    for name, importer in (("assessments.csv", import_assessments), ("slips.csv", import_slips)):
        delivery = Delivery(name, (sealed_folder.path / name).read_bytes())
        importer(engine, M, delivery, received_on=sealed_folder.days[0][0])
    placed = 0
    for day, paths in sealed_folder.days:
        for path in paths:
            take_in(engine, M, Delivery(path.name, path.read_bytes()), received_on=day)
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        placed += sum(_place_at_random(engine, chance, at) for _ in range(15))
        reconcile_waiting(engine, M, as_of=day)
        assert verify(engine, M) == []
    assert placed >= 20
    with reading(engine, M) as connection:
        lines = connection.execute(text("SELECT file_id, line_no FROM receipt")).all()
        for line in lines:
            for decision in explain_line(connection, M, *line).stories[0].decisions:
                assert decision.agrees is not False, (line, decision)
    engine.dispose()


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

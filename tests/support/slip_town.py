"""A small town for the life of its slips: assessments in, payments by posting, nothing else."""

from __future__ import annotations

import contextlib
from dataclasses import make_dataclass, replace
from datetime import UTC, date, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from engine_city import EngineCity
from sqlalchemy import text

from payments.domain.errors import NotFoundError
from payments.domain.slip import slip_keys
from payments.print_runs import RunPlan, Selection, number_chunk, plan_run
from payments.store.unit_of_work import reading, unit_of_work
from payments.versions import Act
from reconcile.formats.assessments import AssessmentRow
from reconcile.formats.slip_register import SlipRow
from web.commands.setup import sample_profile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from payments.domain.slip import SlipKeys

AT = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
TODAY = date(2026, 5, 1)
PLAN = RunPlan(
    pages_per_file=3,
    read_back="full",
    sample=True,
    folder="out",
    layouts={item.item_code: "test-1-0123456789ab" for item in sample_profile().items},
)


_Line = make_dataclass("_Line", AssessmentRow._fields)
_SlipLine = make_dataclass("_SlipLine", SlipRow._fields)


def register_line(
    number: int,
    term: str,
    version: int,
    amount: int,
    *,
    slip_no: str = "",
    el_number: str = "",
    barcode: str = "",
    state: str = "new",
) -> Any:
    """納付書台帳 of a slip issued elsewhere."""
    row = SlipRow(
        "99999", "901", 2026, f"{number:010d}", term, slip_no or f"R{number}-{term}-{version}",
        version, el_number[:5], el_number[5:25], el_number[25:31], barcode, amount, "2026-05-28",
        "2027-04-30", "2026-04-15", state,
    )  # fmt: skip
    return _SlipLine(**row._asdict())


class SlipTown(EngineCity):
    """One municipality with as many notices as a test asks for."""

    def __init__(self, url: str, profile: Profile | None = None) -> None:
        """An empty town with the sample profile, or another."""
        super().__init__(url, profile or sample_profile())
        self._confirmations = count(1)

    def act(self, actor: str = "abe", issued_on: date = TODAY) -> Act:
        """Who issues; 確認番号 count up, so that a run is the same every time."""
        return Act(actor, AT, issued_on, self.confirmation)

    def confirmation(self) -> str:
        """The next 確認番号."""
        return f"{next(self._confirmations) % 1_000_000:06d}"

    def write(self) -> AbstractContextManager[Connection]:
        """A write transaction."""
        return unit_of_work(self.engine, self.code)

    def read(self) -> AbstractContextManager[Connection]:
        """A read transaction."""
        return reading(self.engine, self.code)

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """What a SELECT finds."""
        with self.read() as connection:
            return list(connection.execute(text(statement), {"m": self.code, **values}))

    def run_sql(self, statement: str, **values: Any) -> None:
        """One statement in a transaction of its own."""
        with self.write() as connection:
            connection.execute(text(statement), {"m": self.code, **values})

    def assess(self, rows: Iterable[Any]) -> None:
        """調定 from rows of the file format."""
        super().assess(_Line(**row._asdict()) for row in rows)

    def notice(
        self,
        number: int,
        amounts: tuple[int, ...],
        *,
        item_code: str = "901",
        kind: str = "initial",
        flags: str = "",
        grouped: bool = True,
        obligor: int | None = None,
    ) -> None:
        """調定 of one notice: an instalment per amount, due at the end of May, July, …."""
        obligor_no = obligor or number
        rows = [
            AssessmentRow(
                self.code, item_code, 2026, 2026, f"{number:010d}", f"{term:02d}",
                f"{obligor_no:012d}", f"見本 {obligor_no}", "ミホン",
                f"{1000000 + obligor_no % 7:07d}", "未来市一丁目1-1", amount,
                f"2026-{3 + 2 * term:02d}-28", kind,
                f"G{number:010d}" if grouped else "", flags,
            )
            for term, amount in enumerate(amounts, start=1)
        ]  # fmt: skip
        self.assess(rows)

    def change(self, number: int, term: int, amount: int, item_code: str = "901") -> None:
        """更正・取消: the new full amount of one instalment."""
        row = AssessmentRow(
            self.code, item_code, 2026, 2026, f"{number:010d}", f"{term:02d}", f"{number:012d}",
            f"見本 {number}", "ミホン", f"{1000000 + number % 7:07d}", "未来市一丁目1-1", amount,
            f"2026-{3 + 2 * term:02d}-28", "correction" if amount else "cancellation",
            f"G{number:010d}", "",
        )  # fmt: skip
        self.assess([row])

    def pay(self, number: int, term: int, amount: int, *, by_whole: bool = False) -> None:
        """Money on an instalment, as a receipt would leave it in the balance."""
        column = "whole_yen" if by_whole else "term_yen"
        self.run_sql(
            f"UPDATE instalment_account SET {column} = {column} + :yen WHERE "
            "municipality_code = :m AND term = :term AND notice_id = (SELECT notice_id "
            "FROM notice WHERE municipality_code = :m AND notice_no = :no)",
            yen=amount, term=f"{term:02d}", no=f"{number:010d}",
        )  # fmt: skip

    def pay_open(self, number: int, term: int, *, by_whole: bool) -> None:
        """All that is open: of one instalment, or of the whole notice by its 全期 slip."""
        for part in (1, 2) if by_whole else (term,):
            self.pay(number, part, self.open_yen(number, f"{part:02d}"), by_whole=by_whole)

    def open_yen(self, number: int, term: str) -> int:
        """What is left to pay on an instalment, or on the whole notice (00)."""
        rows = self.rows(
            "SELECT a.term, a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen AS yen "
            "FROM instalment_account a JOIN notice n ON n.municipality_code = a.municipality_code "
            "AND n.notice_id = a.notice_id WHERE a.municipality_code = :m AND n.notice_no = :no",
            no=f"{number:010d}",
        )
        return sum(row.yen for row in rows if term in {row.term, "00"})

    def next_keys(self, number: int, levy_year: int) -> SlipKeys:
        """The keys that a slip with this running number would get."""
        return slip_keys(
            self.profile, self.profile.item("901"), levy_year=levy_year, number=number,
            confirmation_no="000000", version=1, amount_yen=100, konbini_until=TODAY,
        )  # fmt: skip

    def issue_if_any(self) -> None:
        """A run, unless nothing needs a slip."""
        with contextlib.suppress(NotFoundError):
            self.issue()

    def plan(self, selection: Selection | None = None, **changes: Any) -> int:
        """A planned run."""
        with self.write() as connection:
            return plan_run(
                connection,
                self.profile,
                selection or Selection(),
                replace(PLAN, **changes),
                actor="abe",
                at=AT,
                on=TODAY,
            )

    def number(self, run_id: int, *, size: int = 4, issued_on: date = TODAY) -> None:
        """Every chunk of a run."""
        while number_chunk(
            self.engine, self.profile, run_id, actor="abe", at=AT, issued_on=issued_on,
            size=size, confirmation=self.confirmation,
        ):  # fmt: skip
            pass

    def issue(self, selection: Selection | None = None, *, issued_on: date = TODAY) -> int:
        """A run, planned and numbered."""
        run_id = self.plan(selection)
        self.number(run_id, issued_on=issued_on)
        return run_id

    def slips(self, state: str = "new") -> dict[tuple[int, str], Any]:
        """The slips in this state, by notice number and term; two of one place are an error."""
        rows = self.rows(
            "SELECT s.*, n.notice_no FROM slip s JOIN notice n ON "
            "n.municipality_code = s.municipality_code AND n.notice_id = s.notice_id "
            "WHERE s.municipality_code = :m AND s.state = :state ORDER BY s.slip_id",
            state=state,
        )
        found: dict[tuple[int, str], Any] = {}
        for row in rows:
            key = (int(row.notice_no), row.term)
            assert key not in found or state != "new", f"two current slips of {key}"
            found[key] = row
        return found

"""試験用の町の作者: draws a small city, its corrections and its slips, one step after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from reference_lines import Made, MadeFile, file_of
from reference_model import ReferenceCity
from reference_rows import AssessmentRow, SlipRow, barcode, sample_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from reconcile.model import Channel

FIRST_DAY = date(2026, 6, 20)
KANA = ("ゼイモク タロウ", "ゼイモク ハナコ", "")


@dataclass(frozen=True)
class Assess:
    """調定 come in."""

    rows: tuple[AssessmentRow, ...]


@dataclass(frozen=True)
class Register:
    """Slips come in."""

    rows: tuple[SlipRow, ...]


@dataclass(frozen=True)
class Reconcile:
    """Somebody runs `kokin reconcile`."""

    as_of: date


Step = Assess | Register | Reconcile | MadeFile


def play(city: ReferenceCity, steps: Iterable[Step]) -> ReferenceCity:
    """Everything that happened, in order."""
    for step in steps:
        if isinstance(step, Assess):
            city.assess(step.rows)
        elif isinstance(step, Register):
            city.register_slips(step.rows)
        elif isinstance(step, Reconcile):
            city.reconcile(step.as_of)
        else:
            city.intake(**step.arguments)
    return city


class Author:
    """作者: draws one step after the other and remembers what there is to collide with."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        """Start with an empty page."""
        self.draw = draw
        self.city = ReferenceCity(sample_profile())
        self.steps: list[Step] = []
        self.day = FIRST_DAY
        self.assessed: dict[tuple[str, str], AssessmentRow] = {}
        self.slips: list[SlipRow] = []
        self.focus = ""  # the notice that something has just happened to
        self.shop_lines: list[dict[str, Any]] = []
        self.hub_lines: list[dict[str, Any]] = []
        self.bank_lines: list[dict[str, Any]] = []

    def one(self, *choices: Any) -> Any:
        """One of these."""
        return self.draw(st.sampled_from(choices))

    def seldom(self, one_in: int = 8) -> bool:
        """True once in a while."""
        return self.number(0, one_in - 1) == one_in - 1

    def number(self, first: int, last: int) -> int:
        """A whole number from here to there."""
        return int(self.draw(st.integers(first, last)))

    def add(self, step: Step) -> None:
        """The next step; the city that lives along takes it at once."""
        self.steps.append(step)
        play(self.city, [step])
        self.day += timedelta(days=self.one(0, 1, 3))

    def add_file(self, channel: Channel, records: Sequence[Made], agent: str = "") -> None:
        """A file of today."""
        name = f"{channel.value}-{len(self.steps)}.dat"
        self.add(file_of(channel, records, self.day, agent=agent, name=name))

    def near(self, rows: Sequence[Any]) -> Any:
        """One of these, rather of the notice that something has just happened to."""
        close = [row for row in rows if row.notice_no == self.focus]
        return self.one(*close) if close and self.one(True, False) else self.one(*rows)

    def several(self, make: Callable[[], Made]) -> list[Made]:
        """One to five records."""
        return [make() for _ in range(self.one(1, 2, 3, 5))]

    # -- the city -------------------------------------------------------------------------------

    def found(self) -> None:
        """Notices of one to four terms, with their slips."""
        rows = []
        for number in range(1, self.one(2, 2, 3, 6) + 1):
            grouped = self.one(True, True, False)
            rows += [
                self.assessment(f"{number:010d}", f"{term:02d}", grouped=grouped)
                for term in range(1, self.one(1, 2, 2, 4) + 1)
            ]
        self.assessed = {(row.notice_no, row.term): row for row in rows}
        self.add(Assess(tuple(rows)))
        slips = []
        for notice in {row.notice_no: row for row in rows}.values():
            mine = [row for row in rows if row.notice_no == notice.notice_no]
            slips += [self.slip(row.notice_no, row.term, row.amount_yen, 1) for row in mine]
            if self.seldom(3):
                slips.append(self.slip(mine[0].notice_no, mine[0].term, mine[0].amount_yen, 2))
            if notice.whole_year_group:
                whole_yen = sum(row.amount_yen for row in mine)
                slips.append(self.slip(notice.notice_no, "00", whole_yen, 1))
        self.slips = slips
        self.add(Register(tuple(slips)))

    def assessment(self, notice_no: str, term: str, *, grouped: bool) -> AssessmentRow:
        """A new instalment."""
        person = int(notice_no) % len(KANA)
        return AssessmentRow(
            municipality_code="99999",
            item_code="901",
            fiscal_year="2026",
            levy_year="2026",
            notice_no=notice_no,
            term=term,
            obligor_no=f"{person:012d}",
            obligor_name="税目 何某",
            obligor_kana=KANA[person],
            postal_code="",
            address="",
            amount_yen=self.one(1000, 2000, 3000),
            due_on_statutory="2026-06-30" if term == "01" else "2026-07-31",
            kind="initial",
            whole_year_group=f"G{notice_no}" if grouped else "",
            flags="",
        )

    def slip(self, notice_no: str, term: str, amount_yen: int, version: int) -> SlipRow:
        """A slip; later versions share the free area of the first, or have one of their own."""
        own = "" if version == 1 or self.one(True, False) else str(version)
        channels = self.one("both", "both", "both", "el", "konbini")
        el = channels != "konbini"
        code = barcode(f"{own}{notice_no}{term}", str(version - 1), amount_yen)
        return SlipRow(
            municipality_code="99999",
            item_code="901",
            levy_year="2026",
            notice_no=notice_no,
            term=term,
            slip_no=f"S{notice_no}-{term}-{version}",
            version=version,
            collecting_body_code="99999" if el else "",
            case_key=f"{notice_no}{term}".rjust(20, "0") if el else "",
            confirmation_no=f"{version:06d}" if el else "",
            konbini_barcode=code if channels != "el" else "",
            amount_yen=amount_yen,
            due_on="2026-06-30",
            valid_until="2026-07-31",
            issued_on="2026-06-01",
            state=self.one("new", "new", "new", "revoked") if version > 1 else "new",
        )

    def correction(self) -> None:
        """更正 or 取消 of an instalment."""
        row = self.one(*self.assessed.values())
        self.focus = row.notice_no
        amount_yen = self.one(0, 0, 500, 1000, 2000, 3000)
        kind = "correction" if amount_yen else "cancellation"
        self.add(Assess((replace(row, amount_yen=amount_yen, kind=kind),)))

    def reissue(self) -> None:
        """Another version over the current amounts, or another state of an old one."""
        old = self.one(*self.slips)
        self.focus = old.notice_no
        if self.seldom(3):
            self.add(Register((replace(old, state=self.one("superseded", "revoked")),)))
            return
        place = ("901", "2026", old.notice_no, old.term)
        instalments = self.city.books.instalments
        covered = [
            i
            for p, i in instalments.items()
            if p == place or (old.term == "00" and p[2] == old.notice_no)
        ]
        version = 1 + max(
            slip.version
            for slip in self.slips
            if (slip.notice_no, slip.term) == (old.notice_no, old.term)
        )
        if version > 9:  # 再発行区分 has one digit
            return
        amount_yen = sum(i.amount_yen for i in covered) or old.amount_yen
        self.slips.append(self.slip(old.notice_no, old.term, amount_yen, version))
        self.add(Register((self.slips[-1],)))

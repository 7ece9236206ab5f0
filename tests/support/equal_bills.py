"""同額の請求: a city in which every bill asks for the same sum, and what its residents do with it.

Nothing but the number tells one bill from the next, so a wrong link cannot hide behind an amount.
:class:`Truth` is told what was paid by the one who makes it up; it follows ``outcomes.md`` for the
few situations that occur here with dictionaries and lists, and knows neither engine nor model.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from reference_rows import AssessmentRow, SlipRow, barcode, csv_bytes

from reconcile.formats import eltax_payment, konbini_dsk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

YEN = 10_800
FIRST = 2_026_000_000  # the notice number before the first bill's
# The same people as registers and banks write them: full width, half width, wide blanks.
NAMES = ("ゼイモク タロウ", "ｾﾞｲﾓｸ ﾀﾛｳ", "ゼイモク　ハナコ", "ｾﾞｲﾓｸ ﾊﾅｺ", "ケンシヨウ ジロウ")
STAGES = {"01": "provisional", "1": "provisional", "02": "confirmed", "2": "confirmed"}


class Report(NamedTuple):
    """報告の一件: one line of a shop (kinds 01, 02, 03) or of the hub (kinds 1, 2, 3).

    ``bill`` is the number as it was keyed in, right or wrong; ``place`` the shop or the
    transaction; ``broken`` a check digit that does not hold.
    """

    kind: str
    bill: int
    paid_on: str
    paid_at: str
    place: str
    remitted: str = ""
    broken: bool = False

    @property
    def is_shop(self) -> bool:
        """Whether a shop reports it."""
        return len(self.kind) == 2

    @property
    def payment(self) -> tuple[str, ...]:
        """What makes two reports speak of one payment (outcomes.md 5)."""
        if self.is_shop:
            return (self.paid_on, self.paid_at, str(self.bill), self.place)
        return (self.place,)


@dataclass(frozen=True)
class EqualBills:
    """同額の請求: ``count`` bills of 10,800 yen with numbers in a row."""

    count: int

    def assessments(self) -> bytes:
        """調定 as a file."""
        return csv_bytes([self._assessment(number) for number in range(1, self.count + 1)])

    def slips(self) -> bytes:
        """納付書台帳 as a file."""
        return csv_bytes([self._slip(number) for number in range(1, self.count + 1)])

    def exists(self, number: int) -> bool:
        """Whether there is a bill of this number."""
        return 1 <= number <= self.count

    def shop_file(self, reports: Iterable[Report], created_on: str) -> bytes:
        """コンビニ収納データ（DSK）."""
        return konbini_dsk.write(self._shop_row(report, created_on) for report in reports)

    def hub_file(self, reports: Iterable[Report]) -> bytes:
        """納付情報."""
        return eltax_payment.write([self._hub_row(report) for report in reports])

    def _assessment(self, number: int) -> AssessmentRow:
        return AssessmentRow(
            municipality_code="99999",
            item_code="901",
            fiscal_year="2026",
            levy_year="2026",
            notice_no=str(FIRST + number),
            term="01",
            obligor_no=f"{number:012d}",
            obligor_name="税目 太郎" if number % 2 else "税目　太郎",
            obligor_kana=NAMES[number % len(NAMES)],
            postal_code="",
            address="",
            amount_yen=YEN,
            due_on_statutory="2026-06-30",
            kind="initial",
            whole_year_group="",
            flags="",
        )

    def _slip(self, number: int) -> SlipRow:
        return SlipRow(
            municipality_code="99999",
            item_code="901",
            levy_year="2026",
            notice_no=str(FIRST + number),
            term="01",
            slip_no=f"S{number:07d}",
            version=1,
            collecting_body_code="99999",
            case_key=_case_key(number),
            confirmation_no="000001",
            konbini_barcode=_code(number),
            amount_yen=YEN,
            due_on="2026-06-30",
            valid_until="2026-07-31",
            issued_on="2026-06-01",
            state="new",
        )

    def _shop_row(self, report: Report, created_on: str) -> konbini_dsk.DskRow:
        code = _code(report.bill)
        if report.broken:
            code = code[:43] + str((int(code[43]) + 1) % 10)
        return konbini_dsk.DskRow(
            kind=report.kind,
            paid_on=report.paid_on.replace("-", ""),
            paid_at=report.paid_at,
            barcode=code,
            amount_yen=YEN,
            cvs_code="030",
            cvs_name="ﾐﾎﾝﾏｰﾄ",
            shop_code=report.place,
            remitted_on=report.remitted.replace("-", "") or "0",
            created_on=created_on,
        )

    def _hub_row(self, report: Report) -> eltax_payment.PaymentRow:
        return eltax_payment.PaymentRow(
            record_kind=report.kind,
            collecting_body_code="99999",
            item_code="901",
            case_key=_case_key(report.bill),
            confirmation_no="000001",
            amount_yen=YEN,
            paid_on=report.paid_on,
            paid_at="",
            channel="app",
            operator_code="0820",
            operator_name="みほん決済" if report.bill % 2 else "ﾐﾎﾝｹﾂｻｲ",
            transaction_id=report.place,
            remittance_on=report.remitted,
            remittance_no=f"R{report.remitted}" if report.remitted else "",
        )


def _code(number: int) -> str:
    return barcode(f"{FIRST + number}01", "0", YEN)


def _case_key(number: int) -> str:
    return f"{FIRST + number}01".rjust(20, "0")


Line = tuple[str, int]  # file name, line number


@dataclass(eq=False)
class Paid:
    """支払: money that somebody brought for the bill of this number."""

    line: Line
    report: Report
    order: tuple[int, int]
    stage: str
    remitted: str  # the day of its money, once a 確報 has named it


@dataclass
class Truth:
    """正解: what must become of every line, and of every bill."""

    bills: EqualBills
    said: dict[Line, str] = field(default_factory=dict)  # outcomes that book nothing
    paid: list[Paid] = field(default_factory=list)
    pays: dict[int, Paid] = field(default_factory=dict)  # bill → the payment that settles it
    files: int = 0
    _seen: Counter[Report] = field(default_factory=Counter)
    _by_payment: dict[tuple[str, ...], list[Paid]] = field(default_factory=dict)
    _by_bill: dict[int, list[Paid]] = field(default_factory=dict)

    def take(self, name: str, reports: Sequence[Report]) -> None:
        """A file came: 速報, then 取消, then 確報, each in line order (outcomes.md 2)."""
        self.files += 1
        here: Counter[Report] = Counter()
        placed = []
        for line_no, report in enumerate(reports, start=2):
            here[report] += 1
            # Equal lines of a shop are counted; a transaction of the hub is there once.
            number = here[report] if report.is_shop else 1
            if number <= self._seen[report] or here[report] > number:
                self.said[name, line_no] = "repeat"
            else:
                placed.append(((name, line_no), report))
        self._seen |= here
        for kinds in ({"01", "1"}, {"03", "3"}, {"02", "2"}):
            for line, report in placed:
                if report.kind in kinds:
                    self._report(line, report)

    def _report(self, line: Line, report: Report) -> None:
        """One line that has not come before."""
        same = self._by_payment.setdefault(report.payment, [])
        early = [paid for paid in same if paid.stage == "provisional"]
        if report.kind in {"03", "3"}:
            if early:
                self.said[line] = "withdraws"
                self._withdraw(early[0])
            elif any(paid.stage == "confirmed" for paid in same):
                self.said[line] = "withdrawal_after_confirmation"
            else:
                self.said[line] = "withdrawal_unmatched"
        elif report.kind in {"02", "2"} and early:
            early[0].stage, early[0].remitted = "confirmed", report.remitted
            self.said[line] = "confirms"
        else:
            order = (self.files, len(self.paid))
            paid = Paid(line, report, order, STAGES[report.kind], report.remitted)
            self.paid.append(paid)
            same.append(paid)
            if self.bills.exists(report.bill):
                self._by_bill.setdefault(report.bill, []).append(paid)
                self.pays.setdefault(report.bill, paid)

    def _withdraw(self, gone: Paid) -> None:
        """A payment is void; the oldest of those that wait for the same bill takes its place."""
        gone.stage = "withdrawn"
        bill = gone.report.bill
        if self.pays.get(bill) is gone:
            del self.pays[bill]
            waiting = [paid for paid in self._by_bill[bill] if paid.stage != "withdrawn"]
            if waiting:
                self.pays[bill] = min(waiting, key=lambda p: (p.report.paid_on, p.order))

    @property
    def settling(self) -> list[Paid]:
        """The payments that settle bills, as it stands now."""
        return [*self.pays.values()]

    def waiting(self, paid: Paid) -> int:
        """How many payments wait behind the one that settles a bill."""
        others = self._by_bill[paid.report.bill]
        return sum(other.stage != "withdrawn" for other in others) - 1

    @property
    def endings(self) -> dict[Line, tuple[str, int, int]]:
        """Per line: outcome, applied and suspense yen."""
        found = {line: (outcome, 0, 0) for line, outcome in self.said.items()}
        for paid in self.paid:
            found[paid.line] = self._ending(paid)
        return found

    def _ending(self, paid: Paid) -> tuple[str, int, int]:
        if paid.stage == "withdrawn":
            return ("withdrawn", 0, 0)
        if not self.bills.exists(paid.report.bill):
            return ("invalid_key" if paid.report.broken else "unknown_slip", 0, YEN)
        if self.pays[paid.report.bill] is paid:
            return ("matched", YEN, 0)
        return ("duplicate", 0, YEN)

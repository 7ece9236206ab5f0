"""試験用の小さな町: one notice of two instalments, and short words to tell a story about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from reference_lines import debit_line, eltax_line, file_of, konbini_line
from reference_model import ReferenceCity
from reference_rows import AssessmentRow, SlipRow, barcode, sample_profile

from reconcile.model import Channel

if TYPE_CHECKING:
    from reference_lines import Made, MadeFile

    from payments.domain.profile import Profile

NOTICE = "0000000001"
FIRST, SECOND = ("901", "2026", NOTICE, "01"), ("901", "2026", NOTICE, "02")
DUE_ON = {"00": "2026-06-30", "01": "2026-06-30", "02": "2026-08-31"}
VALID_UNTIL = {"00": "2026-07-31", "01": "2026-07-31", "02": "2026-09-30"}
MONEY_DAY = "2026-06-25"  # when the shops' money arrives


def assessment(term: str, amount_yen: int, kind: str = "initial", **other: Any) -> AssessmentRow:
    """A line of 調定 for the notice."""
    row = AssessmentRow(
        municipality_code="99999",
        item_code="901",
        fiscal_year="2026",
        levy_year="2026",
        notice_no=NOTICE,
        term=term,
        obligor_no="000000000123",
        obligor_name="税目 太郎",
        obligor_kana="ゼイモク タロウ",
        postal_code="",
        address="",
        amount_yen=amount_yen,
        due_on_statutory=DUE_ON[term],
        kind=kind,
        whole_year_group=f"G{NOTICE}",
        flags="",
    )
    return replace(row, **other)


def slip(term: str, amount_yen: int, version: int = 1, **other: Any) -> SlipRow:
    """A slip; the versions of one term share their free area and differ in 再発行区分."""
    row = SlipRow(
        municipality_code="99999",
        item_code="901",
        levy_year="2026",
        notice_no=NOTICE,
        term=term,
        slip_no=f"S{NOTICE}-{term}-{version}",
        version=version,
        collecting_body_code="99999",
        case_key=f"{NOTICE}{term}".rjust(20, "0"),
        confirmation_no=f"{version:06d}",
        konbini_barcode=barcode(f"{NOTICE}{term}", str(version - 1), amount_yen),
        amount_yen=amount_yen,
        due_on=DUE_ON[term],
        valid_until=VALID_UNTIL[term],
        issued_on="2026-06-01",
        state="new",
    )
    return replace(row, **other)


class Town:
    """町: 10,000 yen in term 01, 8,000 in term 02, slips for both and for the whole year."""

    def __init__(self, profile: Profile | None = None, city: Any = None) -> None:
        """Assess, and print the first slips; ``city`` is the reference model, or the engine."""
        self.city: Any = city or ReferenceCity(profile or sample_profile())
        self.city.assess([assessment("01", 10_000), assessment("02", 8_000)])
        self.slips = {term: slip(term, yen) for term, yen in TERMS.items()}
        self.city.register_slips(self.slips.values())
        self.files = 0

    def take(self, channel: Channel, *records: Made, received: str = "2026-06-20") -> list[str]:
        """Take the records in as one file; their outcomes as they stand after it."""
        file = file_of(channel, records, date.fromisoformat(received))
        return self.take_file(file)

    def take_file(self, file: MadeFile) -> list[str]:
        """Take a file in; the outcomes of its lines."""
        self.city.intake(**file.arguments)
        self.last = file
        return [self.city.outcomes[ref][0] for ref in self.refs(file)]

    def status(self, file: MadeFile) -> str:
        """Take a file in; what became of it as a whole."""
        found = self.city.intake(**file.arguments)
        return str(getattr(found, "status", found))

    def refs(self, file: MadeFile) -> list[tuple[str, int]]:
        """The lines of a file, as keys of ``outcomes``."""
        return [(file.sha256, record.report.line_no) for record in file.records]

    def shop(
        self, term: str = "01", kind: str = "01", yen: int | None = None, **other: Any
    ) -> Made:
        """A konbini line for the current slip of a term; 確報 name their money day."""
        row = other.pop("slip", self.slips[term])
        if kind in {"02", "12", "22"}:
            other.setdefault("remitted_on", MONEY_DAY)
        if kind in {"12", "22"}:
            other.setdefault("paid_at", "0000")
        values: dict[str, Any] = {"kind": kind, "paid_on": "2026-06-10"}
        values |= {"amount_yen": row.amount_yen if yen is None else yen}
        values |= {"code": row.konbini_barcode}
        return konbini_line(**values | other)

    def hub(self, term: str = "01", kind: str = "1", yen: int | None = None, **other: Any) -> Made:
        """An eLTAX line for the current slip of a term; kind 2 names its remittance."""
        row = other.pop("slip", self.slips[term])
        if kind == "2":
            other = {"remittance_no": "R1", "remitted_on": MONEY_DAY} | other
        values: dict[str, Any] = {"kind": kind, "el_key": row.el_key, "paid_on": "2026-06-10"}
        values |= {"amount_yen": row.amount_yen if yen is None else yen, "transaction_id": "TX-1"}
        return eltax_line(**values | other)

    def debit(self, term: str = "01", yen: int = 10_000, code: str = "0", **other: Any) -> Made:
        """A debit result for an instalment."""
        customer_no = f"2026901{NOTICE.rjust(11, '0')}{term}"
        values: dict[str, Any] = {"customer_no": customer_no, "amount_yen": yen, "code": code}
        return debit_line(**values | {"debit_on": "2026-06-30"} | other)

    # Short names for single records, each a file of its own: the outcome of the one line.

    def pay(self, term: str = "01", kind: str = "01", yen: int | None = None, **other: Any) -> str:
        """One konbini line."""
        return self.take(Channel.KONBINI, self.shop(term, kind, yen, **other))[0]

    def pay_el(
        self, term: str = "01", kind: str = "1", yen: int | None = None, **other: Any
    ) -> str:
        """One eLTAX line."""
        return self.take(Channel.ELTAX, self.hub(term, kind, yen, **other))[0]

    @property
    def line(self) -> tuple[str, int, int, int]:
        """The last file's first line: outcome, applied, suspense, row."""
        return self.decided(self.last)

    def decided(self, file: MadeFile) -> tuple[str, int, int, int]:
        """A file's first line: outcome, applied, suspense, row of outcomes.md 4 (0: of none)."""
        place = self.refs(file)[0]
        outcome, applied, suspense, *row = self.city.outcomes[place]
        return outcome, applied, suspense, row[0] if row else self.city.decided_by[place]

    def case(self, kind: str) -> bool:
        """Is there a case of this kind now?"""
        return any(found == kind for found, _ in self.city.cases)

    def correct(self, term: str, amount_yen: int) -> None:
        """更正 or, with 0, 取消."""
        kind = "correction" if amount_yen else "cancellation"
        self.city.assess([assessment(term, amount_yen, kind)])

    def reissue(self, term: str, amount_yen: int) -> None:
        """A second version of a slip; it becomes the current one."""
        self.slips[term] = slip(term, amount_yen, 2)
        self.city.register_slips([self.slips[term]])


TERMS = {"01": 10_000, "02": 8_000, "00": 18_000}

"""見本市の組立て: the days of the city, and everything that its files will be written from."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from payments.domain.calendars import add_business_days, bank_business_day
from payments.domain.fiscal import fiscal_year
from sample_data.city import sample

if TYPE_CHECKING:
    from random import Random

    from sample_data.city.model import Advice, Entry, Instalment, Line, Notice
    from sample_data.city.register import Register

DAYS_BEYOND = 15  # bank business days after the last folder that a 振込予定日 may name
_REISSUED_BEFORE = timedelta(days=10)
_ISSUED_BEFORE = timedelta(days=40)


class City:
    """見本市: everything that will be written."""

    def __init__(
        self,
        *,
        start: date,
        days: int,
        seed: int,
        assessments: Register,
        slips: Register,
        vehicles: Register,
    ) -> None:
        """Lay out ``days`` bank business days from ``start``."""
        self.seed = seed
        self.days = days
        first = bank_business_day(start)
        self.dates = [add_business_days(first, n) for n in range(days + DAYS_BEYOND)]
        self.levy_year = fiscal_year(first)
        self.issued_on = first - _ISSUED_BEFORE
        self.reissued_on = first - _REISSUED_BEFORE
        # As one city does, a slip stays payable until the end of April after its fiscal year.
        self.valid_until = max(
            date(self.levy_year + 1, 4, 30), self.dates[days - 1] + timedelta(days=30)
        )
        self.assessments = assessments
        self.slips = slips
        self.vehicles = vehicles
        self.files: dict[tuple[int, str, str], list[Line]] = {}
        self.entries: list[Entry] = []
        self.advice: list[Advice] = []
        self.instalments = 0
        self.wrong_advice: dict[str, int] = {}  # remittance number → payments the advice leaves out
        self._collected = [self._collection_days(day) for day in range(days)]
        self._serial = 0

    def _collection_days(self, day: int) -> list[str]:
        """The 収納日 that the files of a day report: from the file day before to yesterday."""
        last = self.dates[day] - timedelta(days=1)
        first = self.dates[day - 1] if day else last - timedelta(days=2)
        return [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]

    def collected_on(self, day: int, rng: Random) -> str:
        """A day on which a payment in the files of ``day`` may have been made."""
        choices = self._collected[min(day, self.days - 1)]
        return choices[int(rng.random() * len(choices))]

    def next_serial(self) -> int:
        """The running number of the next notice."""
        self._serial += 1
        return self._serial

    def add(self, line: Line) -> None:
        """Put a line into its file, unless its day lies beyond the city's days."""
        if line.day < self.days:
            self.files.setdefault((line.day, line.stream, line.part), []).append(line)

    def statutory_due(self, month: int, day: int) -> date:
        """The statutory 納期限 of this month in the levy year."""
        year = self.levy_year if month >= 4 else self.levy_year + 1
        return date(year, month, day)

    def assess(self, notice: Notice, part: Instalment, kind: str, flags: str = "") -> None:
        """One line of the assessment file."""
        obligor = notice.obligor
        self.instalments += kind == "initial"
        self.assessments.add(
            (
                sample.MUNICIPALITY_CODE, notice.item_code, fiscal_year(part.due_on_statutory),
                notice.levy_year, notice.notice_no, part.term, obligor.no, obligor.name,
                obligor.kana, obligor.postal_code, obligor.address, part.amount_yen,
                part.due_on_statutory.isoformat(), kind,
                f"G{notice.notice_no}" if notice.whole_year else "", flags,
            )
        )  # fmt: skip

    def register(self, notice: Notice) -> None:
        """The lines of the slip and vehicle registers, once all of the notice is known."""
        for slip in notice.slips:
            self.slips.add(
                (
                    sample.MUNICIPALITY_CODE, slip.item_code, notice.levy_year, slip.notice_no,
                    slip.term, slip.slip_no, slip.version, sample.COLLECTING_BODY_CODE,
                    slip.case_key, slip.confirmation_no,
                    slip.barcode if slip.has_barcode else "", slip.amount_yen,
                    slip.due_on.isoformat(), slip.valid_until.isoformat(),
                    slip.issued_on.isoformat(), slip.state,
                )
            )  # fmt: skip
        if notice.item_code == sample.VEHICLE_ITEM:
            plate = int(notice.notice_no) % 10_000
            self.vehicles.add(
                (
                    sample.MUNICIPALITY_CODE, notice.item_code, notice.levy_year, notice.notice_no,
                    f"みほん 580 あ {plate // 100:02d}-{plate % 100:02d}",
                    date(notice.levy_year + 1, 5, 31).isoformat(),
                )
            )  # fmt: skip

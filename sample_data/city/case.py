"""筋書の筆: what one scenario writes with — notices of one obligor and the reports about them.

What a scenario says about a line is the truth: nothing here looks at the engine or its rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from payments.domain.calendars import tax_due_on
from payments.domain.instalments import split
from payments.domain.slip import WHOLE_YEAR
from qr.digits import konbini_barcode
from sample_data.city import sample
from sample_data.city.model import Instalment, Line, Notice, Slip

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from random import Random

    from sample_data.city.names import Obligor
    from sample_data.city.plan import City


@dataclass(slots=True, eq=False)
class Case:
    """一つの筋書: notices of one obligor and what is reported about them."""

    city: City
    obligor: Obligor
    rng: Random
    notices: list[Notice] = field(default_factory=list)
    minute: int = 0

    def close(self) -> None:
        """Write the slips of the notices; no slip may change afterwards."""
        for notice in self.notices:
            self.city.register(notice)

    # --- what is owed ---------------------------------------------------------------------------

    def notice(
        self,
        item_code: str = "901",
        *,
        total_yen: int | None = None,
        due_dates: Sequence[date] | None = None,
        whole_year: bool = False,
        debit: bool = False,
        slips: bool = True,
        amounts: Sequence[int] | None = None,
    ) -> Notice:
        """調定 of a notice, with version 1 of every slip."""
        city, levy = self.city, sample.LEVY[item_code]
        statutory = due_dates or [city.statutory_due(*due) for due in levy.due_dates]
        if amounts is None:
            if total_yen is None:
                total_yen = self.rng.randrange(levy.total_yen[0], levy.total_yen[1], 100)
            amounts = split(total_yen, len(statutory))
        parts = [
            Instalment(f"{n:02d}", amount, day, tax_due_on(day))
            for n, (amount, day) in enumerate(zip(amounts, statutory, strict=True), 1)
        ]
        notice = Notice(
            city.next_serial(), item_code, city.levy_year, self.obligor, parts, whole_year, debit
        )
        self.notices.append(notice)
        for part in parts:
            city.assess(notice, part, "initial", "direct_debit" if debit else "")
            if slips and part.amount_yen:
                self.print_slip(notice, part.term, part.amount_yen)
        if whole_year:
            self.print_slip(notice, WHOLE_YEAR, notice.total_yen)
        return notice

    def print_slip(
        self,
        notice: Notice,
        term: str,
        amount_yen: int,
        *,
        version: int = 1,
        free_area: str | None = None,
        reissue: int = 0,
        valid_until: date | None = None,
    ) -> Slip:
        """納付書: one more slip of the notice."""
        levy = sample.LEVY[notice.item_code]
        takes_barcode = levy.konbini and amount_yen <= konbini_barcode.AMOUNT_YEN_MAX
        if free_area is None:
            free_area = notice.free_area(term, version)
        due_on = notice.term(max(int(term), 1)).due_on
        slip = Slip(
            notice.item_code,
            notice.notice_no,
            term,
            version,
            amount_yen,
            due_on,
            valid_until or self.city.valid_until,
            self.city.issued_on if version == 1 else self.city.reissued_on,
            notice.case_key(term, version),
            f"{int(self.rng.random() * 1_000_000):06d}",
            free_area if takes_barcode else "",
            reissue,
        )
        notice.slips.append(slip)
        return slip

    def correct(self, notice: Notice, number: int, amount_yen: int) -> None:
        """更正: a new full amount for the ``number``-th instalment; 0 cancels it."""
        part = notice.term(number)
        part.amount_yen = amount_yen
        self.city.assess(notice, part, "correction" if amount_yen else "cancellation")

    def reissue(
        self, notice: Notice, number: int, *, same_free_area: bool, old_state: str = "superseded"
    ) -> Slip:
        """再発行: version 2 over the current amount; the old slip stays in the payer's hand."""
        old = notice.slip(number)
        old.state = old_state
        amount = notice.total_yen if number == 0 else notice.term(number).amount_yen
        return self.print_slip(
            notice,
            old.term,
            amount,
            version=2,
            free_area=old.free_area if same_free_area else None,
            reissue=1,
        )

    # --- what is reported -----------------------------------------------------------------------

    def clock(self) -> str:
        """The time of the next payment; it never runs backwards within a case."""
        if not self.minute:
            self.minute = self.rng.randrange(6 * 60, 20 * 60)
        self.minute = min(self.minute + self.rng.randrange(1, 20), 24 * 60 - 1)
        return f"{self.minute // 60:02d}{self.minute % 60:02d}"

    def konbini(
        self,
        slip: Slip | str,
        day: int,
        outcome: str = "matched",
        *,
        agent: str = sample.DSK,
        kind: str = "01",
        amount_yen: int | None = None,
        applied_yen: int | None = None,
        funds: int | None = None,
    ) -> Line:
        """コンビニ収納: a payment at a shop (or post office), first reported on ``day``.

        ``slip`` may be the 44 digits themselves; ``funds`` is the day of the 振込予定日 of a 確報.
        """
        code = slip if isinstance(slip, str) else slip.barcode
        postal = kind in {"12", "22"}
        if kind == "12":  # the echo's 支払期限 is forced, its C/D stays as it was (files.md 2.4)
            code = f"{code[:30]}{konbini_barcode.NO_EXPIRY}{code[36:]}"
        elif kind == "22" and amount_yen is not None:  # and this one echoes the corrected amount
            code = f"{code[:37]}{amount_yen:06d}{code[43:]}"
        shops = sample.SHOPS[agent]
        shop = sample.POSTAL if postal else shops[int(self.rng.random() * len(shops))]
        width = 6 if agent == sample.DSK else 7
        place = "0" * width
        if not (postal or shop.is_app):
            place = f"{int(self.rng.random() * 9_000) + 1:0{width}d}"
        confirmed = kind in {"02", "12", "22"}
        line = Line(
            agent,
            day,
            kind,
            self.city.collected_on(day, self.rng),
            "0000" if postal else self.clock(),
            code,
            int(code[37:43]) if amount_yen is None else amount_yen,
            shop.code,
            place,
            self.city.dates[day],
            part=_part(agent, confirmed=confirmed),
        )
        if confirmed:
            line.funds_on = self.city.dates[day + 1 if funds is None else funds]
            line.funds_ref = line.funds_on.isoformat()
        line.ends_as(outcome, applied_yen)
        self.city.add(line)
        return line

    def eltax(
        self,
        slip: Slip | str,
        day: int,
        outcome: str = "matched",
        *,
        kind: str = "2",
        amount_yen: int | None = None,
        applied_yen: int | None = None,
        number: str = "",
    ) -> Line:
        """eL-QR 納付: a payment over the unified channel; ``number`` ends the 払込 number."""
        key = slip if isinstance(slip, str) else slip.el_number
        if amount_yen is None:
            if isinstance(slip, str):
                raise ValueError(slip)
            amount_yen = slip.amount_yen
        operators = sample.OPERATORS
        channel, operator, _ = operators[int(self.rng.random() * len(operators))]
        line = Line(
            sample.ELTAX,
            day,
            kind,
            self.city.collected_on(day, self.rng),
            "" if channel == "counter" else self.clock(),
            key,
            amount_yen,
            f"{channel}:{operator}",
            f"TX-{key[5:25].lstrip('0')}-{self.rng.randrange(16**6):06X}",
            self.city.dates[day],
        )
        if kind == "2":
            self._remit(line, day + 1, number)
        line.ends_as(outcome, applied_yen)
        self.city.add(line)
        return line

    def debit(
        self,
        notice: Notice,
        number: int,
        batch: int,
        outcome: str = "matched",
        *,
        code: str = "0",
        amount_yen: int | None = None,
        applied_yen: int | None = None,
        customer_no: str = "",
    ) -> Line:
        """口座振替結果 of an instalment in the ``batch``-th debit of the city."""
        debit_day, result_day = debit_batches(self.city.days)[batch]
        debit_on = self.city.dates[debit_day]
        line = Line(
            sample.DEBIT,
            result_day,
            code,
            debit_on.isoformat(),
            "",
            customer_no or notice.customer_no(number),
            notice.term(number).amount_yen if amount_yen is None else amount_yen,
            "9999",
            notice.obligor.kana,
            debit_on,
            debit_on,
            debit_on.isoformat(),
            part=debit_on.strftime("%Y%m%d"),
        )
        line.ends_as(outcome, applied_yen)
        self.city.add(line)
        return line

    def confirm(
        self,
        line: Line,
        day: int,
        outcome: str = "confirms",
        *,
        applied_yen: int | None = None,
        funds: int | None = None,
        **changes: object,
    ) -> Line:
        """確報 of a payment reported before; the money comes on the next bank business day."""
        confirmation = line.copy(day=day, kind="2" if line.stream == sample.ELTAX else "02")
        for name, value in changes.items():
            setattr(confirmation, name, value)
        if line.stream == sample.ELTAX:
            self._remit(confirmation, day + 1, "")
        else:
            confirmation.part = _part(line.stream, confirmed=True)
            confirmation.funds_on = self.city.dates[day + 1 if funds is None else funds]
            confirmation.funds_ref = confirmation.funds_on.isoformat()
        confirmation.ends_as(outcome, applied_yen)
        self.city.add(confirmation)
        return confirmation

    def withdraw(self, line: Line, day: int, outcome: str = "withdraws") -> Line:
        """取消 of a payment reported before."""
        kind = "3" if line.stream == sample.ELTAX else "03"
        part = _part(line.stream, confirmed=False)
        withdrawal = line.copy(day=day, kind=kind, part=part, funds_on=None, funds_ref="")
        withdrawal.ends_as(outcome)
        if outcome == "withdraws":
            line.ends_as("withdrawn")
        self.city.add(withdrawal)
        return withdrawal

    def again(self, line: Line, day: int, outcome: str = "repeat", **changes: object) -> Line:
        """The same record in a later file (or once more in the same one)."""
        copy = line.copy(day=day, **changes)
        copy.ends_as(outcome)
        self.city.add(copy)
        return copy

    def _remit(self, line: Line, funds: int, number: str) -> None:
        """Name the 払込 a confirmed eLTAX payment is part of."""
        line.funds_on = self.city.dates[funds]
        if not number:
            number = "01" if line.operator.partition(":")[0] in sample.ADVISED_FEE_YEN else "02"
        line.funds_ref = f"R{line.funds_on:%Y%m%d}-{number}"


def _part(agent: str, *, confirmed: bool) -> str:
    """DSK sends everything in one file, the other two a file per stage."""
    if agent in {sample.DSK, sample.ELTAX}:
        return ""
    return "kakuho" if confirmed else "sokuho"


def debit_batches(days: int) -> list[tuple[int, int]]:
    """口座振替: (day of the debit, day its result arrives); every second result is a day late."""
    batches = [(day, day if turn % 2 else day + 1) for turn, day in enumerate(range(1, days, 2))]
    return [batch for batch in batches if batch[1] < days] or [(0, 0)]

"""A fiscal year of a synthetic city for :mod:`year`: registers, reports, credits, notifications.

Notices go out before their first due date, most people pay within the weeks around each due date,
some late, a few never; some pay twice, some notices are corrected. What depends on the state of the
books (debits, refunds, the statement) is not made here.
"""

from __future__ import annotations

import csv
import json
from bisect import bisect_right
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING

from payments.domain.calendars import is_bank_business_day
from reconcile.formats import assessments, slip_register, vehicle_register
from sample_data.city import bank, files, sample
from sample_data.city.case import Case
from sample_data.city.generate import _obligor
from sample_data.city.model import Entry
from sample_data.city.plan import City
from sample_data.city.register import Register
from sample_data.city.scenarios import ordinary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reconcile.formats.delimited import Layout
    from sample_data.city.model import Line, Notice

FIRST, LAST = date(2026, 4, 1), date(2027, 6, 30)
VALID_UNTIL = date(2027, 5, 31)
ISSUED_BEFORE = timedelta(days=30)  # notices lie with people so long before the first due date
NEVER, TWICE, CORRECTED, ADDED = 0.04, 0.004, 0.015, 0.005  # shares of notices
UNKNOWN_EVERY = 10  # business days between transfers that nobody can place
NOTIFIED = 4  # every so many payments over the unified channel are notified at once
KINDS = (
    ("assessments", assessments.LAYOUT),
    ("slips", slip_register.LAYOUT),
    ("vehicles", vehicle_register.LAYOUT),
)


@dataclass
class _Routed:
    """台帳 of each day: a line goes to the file of the day that the city writes on."""

    folder: Path
    name: str
    layout: Layout
    stack: ExitStack
    writing_on: date = FIRST
    registers: dict[date, Register] = field(default_factory=dict)
    count: int = 0

    def add(self, row: Sequence[object]) -> None:
        """One line; a slip stands in the file of the day it was issued on."""
        day = date.fromisoformat(str(row[14])) if self.name == "slips" else self.writing_on
        register = self.registers.get(day)
        if register is None:
            place = self.folder / day.isoformat()
            place.mkdir(exist_ok=True)
            register = self.stack.enter_context(Register(place / f"{self.name}.csv", self.layout))
            self.registers[day] = register
        register.add(row)
        self.count += 1


def make(folder: Path, people: int, seed: int, progress: Callable[[int], None]) -> dict[str, int]:
    """Write ``folder/DAY/…`` of every day and ``folder/credits.csv``; what was written."""
    folder.mkdir(parents=True)
    days = sum(is_bank_business_day(FIRST + timedelta(n)) for n in range((LAST - FIRST).days + 1))
    with ExitStack() as stack:
        routed = [_Routed(folder, name, layout, stack) for name, layout in KINDS]
        city = City(
            start=FIRST, days=days, seed=seed, assessments=routed[0],  # type: ignore[arg-type]
            slips=routed[1], vehicles=routed[2],  # type: ignore[arg-type]
        )  # fmt: skip
        city.valid_until = VALID_UNTIL
        for number in range(1, people + 1):
            _household(_Story(city, routed, number))
            progress(number)
    notified = _notifications(folder, city)
    for day in range(days):
        for stream in (*sample.KONBINI_AGENTS, sample.ELTAX):
            if not any((day, stream, part) in city.files for part in ("", "sokuho", "kakuho")):
                city.files[day, stream, ""] = []
    city.advice = bank.advice_of(city)
    lines = 0
    for file in files.reported(city):
        written = file.write()
        place = folder / city.dates[file.day].isoformat()
        place.mkdir(exist_ok=True)
        (place / file.name).write_bytes(written.data)
        lines += len(written.truth)
    _credits(folder, city)
    return {"instalments": city.instalments, "lines": lines, "notifications": notified}


class _Story:
    """One person, and the days on which things happen to it."""

    def __init__(self, city: City, routed: list[_Routed], number: int) -> None:
        self.city, self.routed = city, routed
        self.rng = Random(f"{city.seed}/year/{number}")  # noqa: S311 - no secret
        self.case = Case(city, _obligor(city.seed, number), self.rng)

    def write_on(self, day: date) -> None:
        """What is assessed from now on stands in the files of this day."""
        self.city.issued_on = self.city.reissued_on = day
        self.routed[0].writing_on = day

    def notice(self, levy: sample.Levy, *, debit: bool) -> tuple[Notice, int]:
        """A notice, issued before its first due date; the index of that day."""
        due = [self.city.statutory_due(*each) for each in levy.due_dates]
        issued = max(bisect_right(self.city.dates, min(due) - ISSUED_BEFORE) - 1, 0)
        self.write_on(self.city.dates[issued])
        if levy.item_code == sample.VEHICLE_ITEM:  # written when all of a person's is known
            self.routed[2].writing_on = self.city.dates[issued]
        whole = not debit and self.rng.random() < levy.whole_year
        return self.case.notice(levy.item_code, debit=debit, slips=not debit, whole_year=whole), (
            issued
        )

    def day_of(self, due_on: date, issued: int) -> int | None:
        """The index of the day whose file reports the payment; None: it is never made."""
        draw, more = self.rng.random(), self.rng.random()
        if draw < 0.5:
            late = -int(more * 10)
        elif draw < 0.8:
            late = -10 - int(more * 18)
        elif draw < 0.9:
            late = 1 + int(more * 18)
        elif draw < 0.97:
            late = 19 + int(more * 60)
        else:
            late = 79 + int(more * 200)
        paid_on = due_on + timedelta(late)
        if paid_on > VALID_UNTIL:
            return None
        return max(bisect_right(self.city.dates, paid_on), issued + 2)

    def correct(self, notice: Notice, number: int, share: float, day: int) -> None:
        """更正 to a share of the amount, in the files of a later day."""
        self.write_on(self.city.dates[min(day, self.city.days - 1)])
        self.case.correct(notice, number, max(int(notice.term(number).amount_yen * share), 100))


def _household(story: _Story) -> None:
    """One person's year."""
    rng = story.rng
    owed = [levy for levy in sample.LEVIES if rng.random() < levy.share]
    for levy in owed or [sample.LEVY["903"]]:
        debit = levy.item_code in ordinary.DEBIT_ITEMS and rng.random() < ordinary.DEBIT_SHARE
        notice, issued = story.notice(levy, debit=debit)
        if rng.random() < ADDED:  # 随時の増額, before anybody has paid the last instalment
            _raise(story, notice, issued)
        if debit or rng.random() < NEVER:
            continue
        if notice.whole_year and rng.random() < ordinary.WHOLE_YEAR_SHARE:
            _pay(story, notice, 0, issued)
        else:
            for number, part in enumerate(notice.instalments, start=1):
                if part.amount_yen:
                    _pay(story, notice, number, issued)
    story.case.close()


def _raise(story: _Story, notice: Notice, issued: int) -> None:
    """増額更正 with a slip of the new amount; whoever pays, pays by that one."""
    number = len(notice.instalments)
    if notice.debit or notice.whole_year or not notice.slips:
        return
    story.correct(notice, number, 1.2, issued + 5)
    story.case.reissue(notice, number, same_free_area=False)


def _pay(story: _Story, notice: Notice, number: int, issued: int) -> None:
    """A payment, perhaps a second one of the same slip, perhaps a correction behind it."""
    slips = [slip for slip in notice.slips if slip.term == f"{number:02d}"]
    due_on = notice.term(max(number, 1)).due_on
    day = story.day_of(due_on, issued)
    if not slips or day is None:
        return
    ordinary.pay(story.case, slips[-1], day)
    if story.rng.random() < TWICE:
        story.case.eltax(slips[-1], day + 2, "duplicate")
    if number and story.rng.random() < CORRECTED / len(notice.instalments):
        story.correct(notice, number, 0.7, day + 8)


def _notifications(folder: Path, city: City) -> int:
    """Payments that their operator tells at once, on the day before the file that confirms them."""
    lines = {day: each for (day, stream, _), each in city.files.items() if stream == sample.ELTAX}
    told_before = {line.place for each in lines.values() for line in each if line.kind == "1"}
    number = 0
    for day, each in lines.items():
        alone = [line for line in each if line.kind == "2" and line.place not in told_before]
        told = [line for place, line in enumerate(alone) if not place % NOTIFIED]
        if day and told:
            place = folder / city.dates[day - 1].isoformat()
            place.mkdir(exist_ok=True)
            with (place / "notifications.jsonl").open("a", encoding="utf-8") as stream:
                stream.writelines(
                    json.dumps(_notification(line)) + "\n"
                    for line in told
                    if line.paid_on <= city.dates[day - 1].isoformat()
                )
            number += len(told)
    return number


def _notification(line: Line) -> dict[str, object]:
    """The body of a notification."""
    channel, _, operator = line.operator.partition(":")
    told = {
        "el_number": line.key, "amount_yen": line.amount_yen, "paid_on": line.paid_on,
        "channel": channel, "operator_code": operator, "transaction_id": line.place,
    }  # fmt: skip
    if line.paid_at:
        told["paid_at"] = f"{line.paid_at[:2]}:{line.paid_at[2:]}"
    return told


def _credits(folder: Path, city: City) -> None:
    """入金 that follow from the reports, and now and then one that nobody can place."""
    rng = Random(f"{city.seed}/bank")  # noqa: S311 - no secret
    entries = [*bank.credits_of_groups(city, city.advice)]
    entries += [
        Entry(day, rng.randrange(100_000, 900_000), "unidentified_deposit",
              payer_name=bank.UNKNOWN_NAME)
        for day in range(3, city.days, UNKNOWN_EVERY)
    ]  # fmt: skip
    with (folder / "credits.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows(
            (city.dates[each.day].isoformat(), each.amount_yen, each.payer_code, each.payer_name,
             each.edi)
            for each in entries
        )  # fmt: skip

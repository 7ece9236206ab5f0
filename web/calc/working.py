"""計算の過程: an answer as steps, tables and one result that people can check by hand.

Every step names the article or the published example it rests on. Words: :mod:`web.texts.calc`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.domain.accrual import LAW, YEN, FloorAt, NothingDue, Segment
from payments.domain.calendars import FIRST_YEAR, LAST_YEAR, tax_due_on
from payments.domain.fiscal import fiscal_year
from payments.domain.late_charge_levies import shipped_levies
from payments.domain.periods import ONE_DAY
from payments.domain.rates import Tier
from web import formatting
from web.days.sheet import Sheet, columns_of, sheet_of
from web.language import translate as _
from web.language import translated
from web.texts import calc as words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from payments.domain.accrual import Minimums
    from payments.domain.late_charge import LateCharge
    from payments.domain.rates import RateTable
    from web.calc.questions import (
        DueDateAnswer,
        InstalmentsAnswer,
        LateChargeAnswer,
        RefundAnswer,
    )

FRACTION = 10_000  # parts of a yen that a table shows
REFUND = "refund"  # the steps of a refund rest on other articles

yen = formatting.yen


@dataclass(frozen=True, slots=True)
class Step:
    """一つの段階: what is done, and what it rests on."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Working:
    """計算の過程: the result first, then everything that led to it."""

    results: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    sheets: tuple[Sheet, ...] = ()
    notes: tuple[str, ...] = ()
    why: str = ""  # why nothing is due


def tell_late_charge(answer: LateChargeAnswer, rates: RateTable) -> Working:
    """延滞金の過程."""
    found = answer.found
    steps = [*_shift_steps(answer), *_base_steps(found, answer)]
    sheets: tuple[Sheet, ...] = ()
    if found.segments:
        steps += _run_steps(answer)
        floor = f"floor_{found.rules.floor_at.value}"
        steps.append(_step(floor, sum=yen(found.sum_yen)))
        steps.append(_result_step(found.sum_yen, found.charge_yen, found.rules.minimums))
        sheets = (_segments_sheet(found.segments),)
        if found.rules.floor_at is FloorAt.TIER:
            sheets = (*sheets, _tiers_sheet(found.segments))
    return Working(
        results=(
            (words.HEADINGS["charge"], yen(found.charge_yen)),
            (words.HEADINGS["sum"], yen(found.sum_yen)),
        ),
        steps=tuple(steps),
        sheets=sheets,
        notes=(*_late_notes(answer), *_mark_notes(found.segments, rates)),
        why=_why(found.nothing_due, found.rules.minimums),
    )


def tell_refund_interest(answer: RefundAnswer, rates: RateTable) -> Working:
    """還付加算金の過程."""
    found = answer.found
    steps = []
    if answer.reason is not None:
        given = {
            "paid": answer.paid_on,
            "event": answer.event_on,
            "corrected": answer.corrected_on,
            "start": found.starts_on,
        }
        shown = {name: day(value) for name, value in given.items()}
        code = f"start_{answer.reason.value}"
        steps.append(Step(words.STEPS[code].format(**shown), words.SOURCES[code]))
    steps.append(_base_step(found.amount_yen, found.base_yen, LAW, REFUND))
    if found.segments:
        steps.append(
            _step(
                "days_refund",
                first=day(found.starts_on),
                last=day(found.ends_on),
                days=_days((found.ends_on - found.starts_on).days + 1),
            )
        )
        if answer.left_out is not None:
            gap = answer.left_out
            steps.append(_step("unclaimed", first=day(gap.from_on), last=day(gap.until_on)))
        steps += [_step("rates", REFUND), _step("divisor")]
        steps.append(_step("floor_segment", REFUND, sum=yen(found.sum_yen)))
        steps.append(_result_step(found.sum_yen, found.interest_yen, LAW, REFUND))
    return Working(
        results=(
            (words.HEADINGS["interest"], yen(found.interest_yen)),
            (words.HEADINGS["sum"], yen(found.sum_yen)),
        ),
        steps=tuple(steps),
        sheets=(_segments_sheet(found.segments),) if found.segments else (),
        notes=_mark_notes(found.segments, rates),
        why=_why(found.nothing_due, LAW),
    )


def tell_due_date(answer: DueDateAnswer) -> Working:
    """期限の日の過程."""
    shown = {
        "date": formatting.long_day(answer.day),
        "moved": formatting.long_day(answer.moved_on),
        "closed": words.CLOSED[answer.calendar],
    }
    code = "open" if answer.moved_on == answer.day else "moved"
    steps = [Step(words.STEPS[code].format(**shown), words.SOURCES[f"moved_{answer.calendar}"])]
    if answer.calendar == "tax":
        year = formatting.fiscal_year(fiscal_year(answer.day))
        steps.append(_step("year", date=day(answer.day), year=year))
    return Working(((words.HEADINGS["date"], formatting.full_day(answer.moved_on)),), tuple(steps))


def tell_instalments(answer: InstalmentsAnswer) -> Working:
    """期割の過程."""
    amounts, count = answer.amounts_yen, len(answer.amounts_yen)
    each_yen = amounts[1] if count > 1 else answer.total_yen
    steps = [
        _step(
            "total_cut",
            amount=yen(answer.amount_yen),
            unit=yen(answer.total_unit_yen),
            total=yen(answer.total_yen),
        )
    ]
    if count > 1:
        total, unit = yen(answer.total_yen), yen(answer.unit_yen)
        steps.append(_step("split", total=total, count=count, unit=unit, each=yen(each_yen)))
        rest_yen = amounts[0] - each_yen
        steps.append(_step("first", rest=yen(rest_yen), first=yen(amounts[0])))
    if 0 in amounts:
        steps.append(_step("no_slip"))
    rows = [(_("第{number}期", number=number), amount) for number, amount in enumerate(amounts, 1)]
    sheet = sheet_of("amounts", words.HEADINGS["amounts"], columns_of("期別", "金額:yen"), rows)
    return Working(((words.HEADINGS["total"], yen(answer.total_yen)),), tuple(steps), (sheet,))


def rates_sheet(rates: RateTable) -> Sheet:
    """割合の表, the newest year first."""
    rows = []
    for row in reversed(rates.rows):
        first = "" if row.from_year is None else formatting.year(row.from_year)
        years = (
            first
            if row.from_year == row.to_year
            else _("{first}〜{last}", first=first, last=formatting.year(row.to_year))
        )
        cells = (_percent(row.text(tier)) for tier in Tier)
        marks = [row.mark(tier) for tier in (Tier.LOW, Tier.REFUND)]
        rows.append(
            (years, *cells, translated(row.regime), *(words.MARKS.get(m, m) for m in marks))
        )
    columns = columns_of(
        "年",
        "低い割合:figure",
        "高い割合:figure",
        "還付加算金:figure",
        "基となる割合",
        "確認（延滞金）:word",
        "確認（還付加算金）:word",
    )
    return sheet_of("rates", words.HEADINGS["rates"], columns, rows, adds_up=False)


# ---- steps ----


def _shift_steps(answer: LateChargeAnswer) -> list[Step]:
    due_on = answer.found.due_on
    if due_on == answer.statutory_on:
        return []
    statutory, due = map(formatting.long_day, (answer.statutory_on, due_on))
    return [_step("shift", statutory=statutory, due=due)]


def _base_steps(found: LateCharge, answer: LateChargeAnswer) -> list[Step]:
    """計算の基礎, from the tax or from what was left of it at the due date."""
    early_yen = sum(p.amount_yen for p in answer.parts if p.paid_on <= found.due_on)
    left_yen = found.tax_yen - early_yen
    if not early_yen or not found.base_yen:
        return [_base_step(left_yen, found.base_yen, found.rules.minimums)]
    unit_yen = found.rules.minimums.base_unit_yen
    return [_step("base_early", left=yen(left_yen), unit=yen(unit_yen), base=yen(found.base_yen))]


def _run_steps(answer: LateChargeAnswer) -> list[Step]:
    """日数、割合、区切り."""
    found = answer.found
    first_on, last_on = found.due_on + ONE_DAY, found.segments[-1].until_on
    number = _days((last_on - found.due_on).days)
    steps = [_step("days", first=day(first_on), last=day(last_on), days=number)]
    steps += [
        _step("part", on=day(part.paid_on), amount=yen(part.amount_yen))
        for part in sorted(answer.parts)
        if found.due_on < part.paid_on < last_on
    ]
    if found.low_until is None:
        steps.append(_step("low_throughout"))
    else:
        months = _("{number}か月", number=found.rules.low_tier_months)
        steps.append(_step("low_until", months=months, until=day(found.low_until)))
    steps += [
        _step("left_out", first=day(p.from_on), last=day(p.until_on), percent=p.percent)
        for p in answer.left_out
    ]
    return [*steps, _step("rates"), _step("divisor")]


def _base_step(amount_yen: int, base_yen: int, minimums: Minimums, kind: str = "") -> Step:
    if base_yen == 0:
        return _step("base_small", kind, amount=yen(amount_yen), minimum=yen(minimums.base_yen))
    unit = yen(minimums.base_unit_yen)
    return _step("base", kind, amount=yen(amount_yen), unit=unit, base=yen(base_yen))


def _result_step(sum_yen: int, result_yen: int, minimums: Minimums, kind: str = "") -> Step:
    if result_yen == 0:
        return _step("result_small", kind, sum=yen(sum_yen), minimum=yen(minimums.result_yen))
    unit = yen(minimums.result_unit_yen)
    return _step("result", kind, sum=yen(sum_yen), unit=unit, result=yen(result_yen))


def _step(code: str, kind: str = "", **values: object) -> Step:
    """A step, with the source of its kind where it has one of its own."""
    source = words.SOURCES.get(f"{code}_{kind}", words.SOURCES[code])
    return Step(words.STEPS[code].format(**values), source)


# ---- tables ----


def _segments_sheet(segments: Iterable[Segment]) -> Sheet:
    """区間ごとの計算, with what is dropped below a yen."""
    rows = [
        (
            _("{first}〜{last}", first=day(segment.from_on), last=day(segment.until_on)),
            _days(segment.days),
            translated(segment.terms.tier.label_ja),
            _formula(segment),
            _exact(segment.parts),
            segment.yen,
        )
        for segment in segments
    ]
    columns = columns_of(
        "区間", "日数:figure", "割合:word", "式:word", "計算した額:figure", "円未満切捨て:yen"
    )
    return sheet_of("segments", words.HEADINGS["segments"], columns, rows, adds_up=False)


def _tiers_sheet(segments: Iterable[Segment]) -> Sheet:
    """割合の区分ごとの合計: where fractions are dropped once per tier."""
    listed = tuple(segments)
    rows = []
    for tier in Tier:
        parts = sum(segment.parts for segment in listed if segment.terms.tier is tier)
        if parts:
            rows.append((translated(tier.label_ja), _exact(parts), parts // YEN))
    columns = columns_of("割合", "計算した額:figure", "円未満切捨て:yen")
    return sheet_of("tiers", words.HEADINGS["tiers"], columns, rows)


def _formula(segment: Segment) -> str:
    """``152,000 × 2.4% × 30 ÷ 365``."""
    terms = segment.terms
    said = f"{terms.base_yen:,} × {segment.rate_percent}% × {segment.days} ÷ 365"
    if terms.left_out_percent:
        said += f" × {100 - terms.left_out_percent}%"
    return said


def _exact(parts: int) -> str:
    """``299.8356…``: four places, cut off and marked where more follow."""
    whole, rest = divmod(parts, YEN)
    shown, more = divmod(rest * FRACTION, YEN)
    return f"{whole:,}.{shown:04}{'…' if more else ''}" if rest else f"{whole:,}"


def day(on: date | None) -> str:
    """``2020年7月1日``; None is a dash."""
    return formatting.plain_day(on)


def _percent(text: str) -> str:
    return f"{text}%" if text else "—"


def _days(number: int) -> str:
    return formatting.count(number, "日")


# ---- notes ----


def _why(nothing_due: NothingDue | None, minimums: Minimums) -> str:
    if nothing_due is None:
        return ""
    return words.NOTHING_DUE[nothing_due.value].format(
        base_minimum=yen(minimums.base_yen), result_minimum=yen(minimums.result_yen)
    )


def _late_notes(answer: LateChargeAnswer) -> list[str]:
    """What somebody should know who relies on the figure."""
    found = answer.found
    notes = []
    if FIRST_YEAR <= found.due_on.year < LAST_YEAR and tax_due_on(found.due_on) != found.due_on:
        due, moved = map(formatting.long_day, (found.due_on, tax_due_on(found.due_on)))
        notes.append(words.NOTES["closed"].format(due=due, moved=moved))
    minimum_yen = found.rules.minimums.base_yen
    if any(0 < s.terms.base_yen < minimum_yen for s in found.segments):
        notes.append(words.NOTES["small_remainder"].format(minimum=yen(minimum_yen)))
    if found.rules != shipped_levies().rules("tax", found.due_on):
        notes.append(words.NOTES["levy"])
    return notes


def _mark_notes(segments: Iterable[Segment], rates: RateTable) -> tuple[str, ...]:
    """Years whose rate was worked out rather than read."""
    years = sorted(
        {
            year
            for segment in segments
            for year in range(segment.from_on.year, segment.until_on.year + 1)
            if (row := rates.row(year)) is not None and row.mark(segment.terms.tier) == "inferred"
        }
    )
    return tuple(words.NOTES["inferred"].format(year=year) for year in years)

"""割合: the rates of late charges and of refund interest, by calendar year (``law.md 1.3``).

They change at every new year and are data with validity years, never constants. A year without a
row, and a rate that nobody has confirmed (refund interest before 2000), is refused: a rate that was
guessed would be an amount that somebody must pay back.

A rate is a whole number of 1/10,000 per cent (``…_ppm``): 2.4 % is 24,000. So every amount is a
division of whole numbers.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError
from payments.domain.labels import LabelledCode

if TYPE_CHECKING:
    from collections.abc import Callable

PPM_PER_PERCENT = 10_000
PPM = 1_000_000
_PERCENT = re.compile(r"[0-9]{1,2}(\.[0-9]{1,4})?")


class Tier(LabelledCode):
    """割合の区分: which of the rates of a year a day has."""

    LOW = "low", "低い割合"
    HIGH = "high", "高い割合"
    REFUND = "refund", "還付加算金の割合"


@dataclass(frozen=True, slots=True)
class RateRow:
    """割合の行: the rates of some calendar years, and what they rest on.

    ``from_year`` None is an open start. A rate of None is not known.
    """

    from_year: int | None
    to_year: int
    regime: str  # by which rule the rates came about
    low_ppm: int
    high_ppm: int
    refund_ppm: int | None
    late_mark: str  # how certain low and high are: confirmed, inferred (docs/sources.md)
    refund_mark: str
    source: str

    def ppm(self, tier: Tier) -> int | None:
        """The rate of a tier, or None where it is not known."""
        return {Tier.LOW: self.low_ppm, Tier.HIGH: self.high_ppm}.get(tier, self.refund_ppm)

    def text(self, tier: Tier) -> str:
        """The rate as people write it, ``2.4``; "" where it is not known."""
        found = self.ppm(tier)
        return "" if found is None else percent_text(found)

    def mark(self, tier: Tier) -> str:
        """How certain the rate of a tier is."""
        return self.refund_mark if tier is Tier.REFUND else self.late_mark

    def covers(self, year: int) -> bool:
        """Whether the row is about ``year``."""
        return (self.from_year is None or self.from_year <= year) and year <= self.to_year


@dataclass(frozen=True, slots=True)
class RateTable:
    """割合の表: rows in order of their years.

    Raises :class:`InvalidValueError` ``rate_rows`` when two rows are about one year, or a row ends
    before it begins.
    """

    rows: tuple[RateRow, ...]

    def __post_init__(self) -> None:
        """Refuse rows of which one year would have two."""
        for row in self.rows:
            if row.from_year is not None and row.from_year > row.to_year:
                raise _bad("from_year", row.from_year, f"..{row.to_year}")
        for before, after in pairwise(self.rows):
            if after.from_year is None or after.from_year <= before.to_year:
                raise _bad("from_year", after.from_year, f"{before.to_year + 1}..")

    def row(self, year: int) -> RateRow | None:
        """The row that is about ``year``, or None."""
        return next((row for row in self.rows if row.covers(year)), None)

    def ppm(self, year: int, tier: Tier) -> int:
        """The rate of ``tier`` in ``year``.

        Raises :class:`InvalidValueError` ``rate_unknown``: never guessed, never the year before.
        """
        row = self.row(year)
        found = row.ppm(tier) if row is not None else None
        if found is None:
            raise InvalidValueError(
                "rate_unknown", field=tier.value, found=year, expected=self._years(tier)
            )
        return found

    def _years(self, tier: Tier) -> str:
        """The years in which a rate is known: ``2000..2026``, ``..2026`` with an open start."""
        known = [row for row in self.rows if row.ppm(tier) is not None]
        first, last = (known[0].from_year, known[-1].to_year) if known else ("", "")
        return f"{'' if first is None else first}..{last}"

    def with_rows(self, rows: tuple[RateRow, ...]) -> RateTable:
        """年の追加: the table with further years; a year that it has is refused (``rate_rows``)."""
        return RateTable(tuple(sorted((*self.rows, *rows), key=lambda row: row.to_year)))


def read_rates(text: str) -> tuple[RateRow, ...]:
    """割合の表の読込み: CSV with the columns of ``data/late_charge_rates.csv``.

    Raises :class:`InvalidValueError` ``rate_rows`` with line, column and value.
    """
    return tuple(
        _row(line, number) for number, line in enumerate(csv.DictReader(io.StringIO(text)), 2)
    )


@cache
def shipped_rates() -> RateTable:
    """同梱の割合: the years up to 2026, with their sources (docs/sources.md)."""
    data = files("payments.domain").joinpath("data", "late_charge_rates.csv")
    return RateTable(read_rates(data.read_text(encoding="utf-8")))


_source: list[Callable[[], RateTable]] = [shipped_rates]


def known_rates() -> RateTable:
    """知られている割合: what ships, with the years that this installation has added."""
    return _source[0]()


def know_rates(source: Callable[[], RateTable]) -> None:
    """割合の出どころ: where this process asks for the table from now on, each time it needs it.

    A rate is announced weeks before its year; who waits for a release books nothing meanwhile.
    """
    _source[0] = source


def percent_text(ppm: int) -> str:
    """割合の表示: 24,000 → ``2.4``, 90,000 → ``9.0``; exact."""
    whole, rest = divmod(ppm, PPM_PER_PERCENT)
    return f"{whole}.{f'{rest:04}'.rstrip('0') or '0'}"


def _row(line: dict[str, str], number: int) -> RateRow:
    """One line of the table."""

    def year(column: str) -> int:
        value = line.get(column) or ""
        if not (value.isascii() and value.isdigit() and len(value) == 4):
            raise _bad(column, value, "YYYY", number)
        return int(value)

    def ppm(column: str) -> int:
        value = line.get(column) or ""
        if not _PERCENT.fullmatch(value):
            raise _bad(column, value, "2.4", number)
        whole, _point, rest = value.partition(".")
        return int(whole) * PPM_PER_PERCENT + int(rest.ljust(4, "0"))

    return RateRow(
        from_year=year("from_year") if line.get("from_year") else None,
        to_year=year("to_year"),
        regime=line.get("regime") or "",
        low_ppm=ppm("low_percent"),
        high_ppm=ppm("high_percent"),
        refund_ppm=ppm("refund_percent") if line.get("refund_percent") else None,
        late_mark=line.get("late_mark") or "",
        refund_mark=line.get("refund_mark") or "",
        source=line.get("source") or "",
    )


def _bad(column: str, found: object, expected: str, line_no: int = 0) -> InvalidValueError:
    """What is wrong with the table, and where."""
    return InvalidValueError(
        "rate_rows", line_no=line_no, field=column, found=found, expected=expected
    )

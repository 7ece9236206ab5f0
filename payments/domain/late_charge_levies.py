"""延滞金の定めの表: which rules a levy has, by the due date (``law.md 1.4``).

The length of the low tier is the municipality's own: a parameter per levy with a validity date.
What ships is what several municipalities publish for 市税 and 国民健康保険料. For levies on which
they differ (後期高齢者医療保険料, 介護保険料) nothing ships: whoever asks says the length.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from payments.domain.accrual import FloorAt
from payments.domain.errors import InvalidValueError
from payments.domain.late_charge import LateChargeRules

THROUGHOUT = "throughout"  # the low rate for all days


@dataclass(frozen=True, slots=True)
class LevyRow:
    """定めの行: the rules of a levy for due dates from ``from_on`` on (None: open start)."""

    levy: str
    name: str
    from_on: date | None
    rules: LateChargeRules
    mark: str
    source: str


@dataclass(frozen=True, slots=True)
class LevyTable:
    """定めの表: for every levy the rules that followed one another."""

    rows: tuple[LevyRow, ...]

    @property
    def names(self) -> dict[str, str]:
        """Levy → its name, in the order of the table."""
        return {row.levy: row.name for row in self.rows}

    def rules(self, levy: str, due_on: date) -> LateChargeRules:
        """定め of ``levy`` for what was due on ``due_on``: the latest row that had begun.

        Raises :class:`InvalidValueError` ``late_charge_levy`` for a levy without a row, or without
        one as early as that.
        """
        begun = [
            row
            for row in self.rows
            if row.levy == levy and (row.from_on is None or row.from_on <= due_on)
        ]
        if not begun:
            raise InvalidValueError(
                "late_charge_levy",
                field="levy",
                found=f"{levy} {due_on}",
                expected=" ".join(self.names),
            )
        return max(begun, key=lambda row: row.from_on or date.min).rules


def read_levies(text: str) -> LevyTable:
    """定めの表の読込み: CSV with the columns of ``data/late_charge_levies.csv``.

    Raises :class:`InvalidValueError` ``late_charge_levy_row`` with line, column and value.
    """
    lines = csv.DictReader(io.StringIO(text))
    return LevyTable(tuple(_row(line, number) for number, line in enumerate(lines, 2)))


def low_tier_months(text: str) -> int | None:
    """低い割合の月数 from text: ``1``…``12``, or ``throughout`` (None).

    Raises :class:`InvalidValueError` ``low_tier_months``.
    """
    if text == THROUGHOUT:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 2):
        raise InvalidValueError(
            "low_tier_months", field="low_tier_months", found=text, expected=f"1..12, {THROUGHOUT}"
        )
    return LateChargeRules(low_tier_months=int(text)).low_tier_months


@cache
def shipped_levies() -> LevyTable:
    """同梱の定め, with their sources (docs/sources.md)."""
    data = files("payments.domain").joinpath("data", "late_charge_levies.csv")
    return read_levies(data.read_text(encoding="utf-8"))


def _row(line: dict[str, str], number: int) -> LevyRow:
    """One line of the table."""
    column = "from_on"
    try:
        from_on = date.fromisoformat(line[column]) if line[column] else None
        column = "low_tier_months"
        months = low_tier_months(line[column])
        column = "floor_at"
        rules = LateChargeRules(months, FloorAt(line[column]))
        return LevyRow(line["levy"], line["name"], from_on, rules, line["mark"], line["source"])
    except (KeyError, ValueError) as error:
        raise InvalidValueError(
            "late_charge_levy_row", line_no=number, field=column, found=line.get(column)
        ) from error

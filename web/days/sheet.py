"""表の部品: columns, cells and one block of a report, before any format is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from web.language import translate as _
from web.language import translated

if TYPE_CHECKING:
    from collections.abc import Sequence

Cell = str | int | None


@dataclass(frozen=True, slots=True)
class Column:
    """列: its heading and what stands in it.

    text; word (a short text that needs no room), count, yen, or figure (with a unit of its own).
    """

    name: str
    kind: str = "text"

    @property
    def is_figure(self) -> bool:
        """Whether the column is set to the right."""
        return self.kind in {"count", "yen", "figure"}

    @property
    def unit(self) -> str:
        """What its numbers count; a column of mixed units says it in each cell."""
        return {"yen": "円", "count": "件"}.get(self.kind, "")

    @property
    def heading(self) -> str:
        """金額（円）: where figures stand without their unit, the heading says it."""
        name = translated(self.name)
        if self.kind == "count":
            return _("{name}（件）", name=name)
        return _("{name}（円）", name=name) if self.unit else name


@dataclass(frozen=True, slots=True)
class Sheet:
    """表: one block of the report."""

    code: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] | None = None  # 計, where the columns add up
    note: str = ""

    @property
    def all_rows(self) -> tuple[tuple[Cell, ...], ...]:
        """The rows with the total behind them."""
        return (*self.rows, self.total) if self.total and self.rows else self.rows


def cell_text(cell: Cell) -> str:
    """A cell as people read it: digits in threes, a real minus sign, a dash for nothing."""
    if cell is None:
        return "—"
    if isinstance(cell, str):
        return cell
    return f"{'−' if cell < 0 else ''}{abs(cell):,}"


def columns_of(*columns: str) -> tuple[Column, ...]:
    """``科目``, ``件数:count``, ``金額:yen`` → columns."""
    parts = [column.partition(":") for column in columns]
    return tuple(Column(name, kind or "text") for name, _colon, kind in parts)


def total_of(columns: Sequence[Column], rows: Sequence[tuple[Cell, ...]]) -> tuple[Cell, ...]:
    """計 of every column of yen or counts."""
    sums: list[Cell] = []
    for place, column in enumerate(columns):
        figures = [row[place] for row in rows]
        adds_up = column.kind in {"yen", "count"}
        sums.append(sum(f for f in figures if isinstance(f, int)) if adds_up else "")
    sums[0] = _("計")
    return tuple(sums)


def sheet_of(
    code: str,
    title: str,
    columns: tuple[Column, ...],
    rows: Sequence[tuple[Cell, ...]],
    *,
    adds_up: bool = True,
    note: str = "",
) -> Sheet:
    """表, with its 計 where the columns add up."""
    total = total_of(columns, rows) if adds_up else None
    return Sheet(code, title, columns, tuple(rows), total, note)

"""明細の一行: what a list of rows is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from web.days.sheet import Cell
    from web.reports.document import Target


class Line(NamedTuple):
    """明細の一行: its cells, where they lead, and the key to go on behind it."""

    cells: tuple[Cell, ...]
    targets: Mapping[int, Target]
    key: tuple[int | str, ...]

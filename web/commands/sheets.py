"""表の表示: one block of a report or of an approval as a table on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from web.days.sheet import cell_text

if TYPE_CHECKING:
    from rich.console import Console

    from web.days.sheet import Sheet


def print_sheet(out: Console, sheet: Sheet) -> None:
    """表 with its heading and its 計."""
    table = Table(title=sheet.title, title_justify="left", show_footer=bool(sheet.total))
    footer = sheet.total if sheet.total and sheet.rows else ("",) * len(sheet.columns)
    for column, total in zip(sheet.columns, footer, strict=True):
        side = "right" if column.is_figure else "left"
        table.add_column(column.heading, justify=side, footer=cell_text(total))  # type: ignore[arg-type]
    for row in sheet.rows:
        table.add_row(*map(cell_text, row))
    out.print(table)

"""期別の呼び名: instalments on lists by levy, year, notice and term, as other pages name them.

The rows of a figure know an instalment by the number that the books keep inside (``287/01``),
which stands on no paper. ``953/2026/2600000292/01`` does, and the search finds it.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

    from web.reports.line import Line

BATCH = 500
_NAMES = text(
    """SELECT notice_id, item_code, levy_year, notice_no FROM notice
       WHERE municipality_code = :m AND notice_id IN :some"""
).bindparams(bindparam("some", expanding=True))


def with_names(
    connection: Connection, municipality_code: str, lines: Iterable[Line], first: int
) -> Iterator[Line]:
    """The same lines, their instalments named; ``first`` are read at once, then more at a time."""
    waiting, batch = iter(lines), first
    while read := list(islice(waiting, batch)):
        wanted = {number for line in read for number, _place in _claims(line)}
        found = {}
        if wanted:
            rows = connection.execute(_NAMES, {"m": municipality_code, "some": sorted(wanted)})
            found = {
                row.notice_id: f"{row.item_code}/{row.levy_year}/{row.notice_no}" for row in rows
            }
        yield from (_named(line, found) for line in read)
        batch = BATCH


def _claims(line: Line) -> Iterator[tuple[int, int]]:
    """The cells that name an instalment, with the number inside of its notice."""
    for place, target in line.targets.items():
        number = target.values.get("notice_id")
        if isinstance(number, int) and str(line.cells[place]).startswith(f"{number}/"):
            yield number, place


def _named(line: Line, found: dict[int, str]) -> Line:
    cells = list(line.cells)
    for number, place in _claims(line):
        term = line.targets[place].values.get("term")
        cells[place] = f"{found[number]}/{term}" if term else found[number]
    return line._replace(cells=tuple(cells))

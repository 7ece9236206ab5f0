"""小さな数の秘匿: which cells of published tables are withheld, so that none can be worked out.

A table of one month has a number for each levy and channel, with totals. A number from 1 to 9 is
withheld, and its yen with it. That alone protects nothing: what is missing from a row is its total
less the rest. So for each withheld cell further ones are withheld with it, its *box*: those cells
that a shift of one payment from the one to the other would change, while every total that is still
published stays what it is. Nobody can then tell the true table from the shifted one. (This is the
hypercube method of official statistics, here for tables of two dimensions.)

A year is the sum of its months. A shift inside one month changes the same cells of the year, so a
cell of a year is withheld as soon as it is withheld in any of its months; every shift that protects
a month then leaves all that is published of the year alone, too. And what is withheld of a month
depends on that month alone: it stays the same when later months are published.

Where no box can be found, the month says only how much came in all, and if that is small, nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

SMALL = 10  # a number below this, but not nothing at all, is withheld
ALL = ""  # 計: in the place of a levy or a channel
Place = tuple[str, str]  # levy, channel; ALL for a total
Cell = tuple[int, int]  # number, yen


@dataclass(frozen=True, slots=True)
class Published:
    """公開する表: every cell with its totals; None where it is withheld."""

    cells: Mapping[Place, Cell | None]

    @property
    def withheld(self) -> frozenset[Place]:
        """秘匿: the cells that are not told."""
        return frozenset(place for place, cell in self.cells.items() if cell is None)


def with_totals(cells: Mapping[Place, Cell]) -> dict[Place, Cell]:
    """合計を加える: the table of levies and channels with rows, columns and their totals."""
    levies = sorted({levy for levy, _channel in cells})
    channels = sorted({channel for _levy, channel in cells})
    full: dict[Place, Cell] = {}
    for levy in (*levies, ALL):
        for channel in (*channels, ALL):
            chosen = [
                cell
                for (of_levy, of_channel), cell in cells.items()
                if levy in {of_levy, ALL} and channel in {of_channel, ALL}
            ]
            full[levy, channel] = (
                sum(number for number, _yen in chosen),
                sum(yen for _number, yen in chosen),
            )
    return full


def is_small(cell: Cell) -> bool:
    """Whether a cell must not be told: fewer than :data:`SMALL`, unless it is empty.

    A cell that later reversals turned around is small, too: nobody should guess at it.
    """
    return cell != (0, 0) and cell[0] < SMALL


def month_table(cells: Mapping[Place, Cell]) -> Published:
    """一月の表: small cells withheld, each with a box that protects it."""
    full = with_totals(cells)
    small = [place for place in full if is_small(full[place])]
    withheld: set[Place] = set()
    for place in small:
        box = _box(full, place, withheld)
        if box is None:
            return Published({p: _only_total(p, cell) for p, cell in full.items()})
        withheld |= box
    return Published({p: None if p in withheld else cell for p, cell in full.items()})


def year_table(months: Iterable[Published], sums: Mapping[Place, Cell]) -> Published:
    """年の表: the sums of its months; withheld is whatever is withheld in one of them.

    ``sums`` are the cells of the whole year without totals.
    """
    withheld = {place for month in months for place in month.withheld}
    full = with_totals(sums)
    return Published({p: None if p in withheld else cell for p, cell in full.items()})


def _only_total(place: Place, cell: Cell) -> Cell | None:
    """What a month tells that could not be protected otherwise."""
    return cell if place == (ALL, ALL) and not is_small(cell) else None


def _box(full: Mapping[Place, Cell], place: Place, before: set[Place]) -> set[Place] | None:
    """The cells that protect one: the first kind of box that there is, the cheapest of its kind.

    Moving one payment along a box leaves all that is told as it is. The cells that give one up
    must be large enough to do so often: at least :data:`SMALL`, so that they hide as wide a range
    as a small number has.
    """
    levy, channel = place
    if levy == ALL and channel == ALL:
        return None
    for kind in _kinds(levy, channel):
        boxes = [
            cells
            for cells, giving in kind(full, place)
            if all(full[giver][0] >= SMALL for giver in giving)
        ]
        if boxes:
            return min(boxes, key=lambda cells: (_cost(full, cells - before), sorted(cells)))
    return None


def _cost(full: Mapping[Place, Cell], cells: set[Place]) -> tuple[int, int]:
    """How much is lost when these are withheld, too: totals are dearest, then large cells."""
    return sum(ALL in place for place in cells), sum(full[place][0] for place in cells)


def _kinds(
    levy: str, channel: str
) -> tuple[Callable[[Mapping[Place, Cell], Place], Iterator[tuple[set[Place], set[Place]]]], ...]:
    """Which boxes can protect a cell: of a total, those along its own line only."""
    if channel == ALL:
        return (_between_levies,)
    if levy == ALL:
        return (_between_channels,)
    return (_rectangles, _between_channels, _between_levies)


def _rectangles(
    full: Mapping[Place, Cell], place: Place
) -> Iterator[tuple[set[Place], set[Place]]]:
    """Two levies and two channels: one payment crosses over, and no total changes."""
    levy, channel = place
    for other in _levies(full):
        for beside in _channels(full):
            if other != levy and beside != channel:
                giving = {(levy, beside), (other, channel)}
                yield {place, (other, beside), *giving}, giving


def _between_levies(
    full: Mapping[Place, Cell], place: Place
) -> Iterator[tuple[set[Place], set[Place]]]:
    """Two levies in one channel, and their totals: a payment is of the other levy instead."""
    levy, channel = place
    for along in _channels(full) if channel == ALL else [channel]:
        for other in _levies(full):
            if other != levy:
                giving = {(other, along), (other, ALL)}
                yield {(levy, along), (levy, ALL), *giving}, giving


def _between_channels(
    full: Mapping[Place, Cell], place: Place
) -> Iterator[tuple[set[Place], set[Place]]]:
    """Two channels of one levy, and their totals: a payment came by the other way instead."""
    levy, channel = place
    for along in _levies(full) if levy == ALL else [levy]:
        for other in _channels(full):
            if other != channel:
                giving = {(along, other), (ALL, other)}
                yield {(along, channel), (ALL, channel), *giving}, giving


def _levies(full: Mapping[Place, Cell]) -> list[str]:
    return sorted({levy for levy, _channel in full if levy != ALL})


def _channels(full: Mapping[Place, Cell]) -> list[str]:
    return sorted({channel for _levy, channel in full if channel != ALL})

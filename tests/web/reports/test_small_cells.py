"""公開データの秘匿: whatever is published, nobody can work out a small number.

What an attacker knows are the cells that are told and that every total is the sum of its parts, in
each month and over the months of the year. That is a system of linear equations in the cells that
are withheld; a cell can be worked out when it is the same in all solutions.
"""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from web.open_data.small_cells import ALL, is_small, month_table, with_totals, year_table

LEVIES, CHANNELS = ("901", "902", "903", "904"), ("debit", "eltax", "konbini")
NUMBERS = st.one_of(st.integers(0, 12), st.integers(0, 300), st.sampled_from([0, 1, 9, 10, 11, -3]))


@st.composite
def _years(draw):
    """Some months of a small town; levies and channels come and go."""
    levies = LEVIES[: draw(st.integers(1, len(LEVIES)))]
    channels = CHANNELS[: draw(st.integers(1, len(CHANNELS)))]
    months = []
    for _month in range(draw(st.integers(1, 3))):
        cells = {}
        for levy in levies:
            for channel in channels:
                number = draw(NUMBERS)
                if number:
                    cells[levy, channel] = (number, number * 100)
        months.append(cells)
    return months


def _sums(months):
    sums = {}
    for cells in months:
        for place, (number, yen) in cells.items():
            before = sums.get(place, (0, 0))
            sums[place] = (before[0] + number, before[1] + yen)
    return sums


def _worked_out(tables):
    """The withheld cells that the published ones determine (exact linear algebra).

    ``tables`` are the months and, last, their year.
    """
    unknown = [(n, place) for n, table in enumerate(tables) for place in sorted(table.withheld)]
    at = {cell: number for number, cell in enumerate(unknown)}
    equations = []
    for n, table in enumerate(tables):
        for along, across in (
            [(levy, None) for levy in {levy for levy, _ in table.cells}]
            + [(None, channel) for channel in {channel for _, channel in table.cells}]
        ):  # fmt: skip
            row = [0] * len(unknown)
            for place in table.withheld:
                if place[0] == along or place[1] == across:
                    total = place[1] if along is not None else place[0]
                    row[at[n, place]] += -1 if total == ALL else 1
            equations.append(row)
    year = len(tables) - 1
    for place in tables[year].cells:
        row = [0] * len(unknown)
        for n in range(len(tables)):
            if (n, place) in at:
                row[at[n, place]] += -1 if n == year else 1
        equations.append(row)
    return {unknown[number] for number in _determined(equations, len(unknown))}


def _determined(equations, width):
    """Which unknowns have one value in all solutions: those alone in a row, fully reduced."""
    rows = [[Fraction(x) for x in row] for row in equations if any(row)]
    done = []
    for column in range(width):
        lead = next((row for row in rows if row[column]), None)
        if lead is None:
            continue
        rows.remove(lead)
        lead = [x / lead[column] for x in lead]
        rows = [_less(row, lead, row[column]) for row in rows]
        done = [_less(row, lead, row[column]) for row in done] + [lead]
        rows = [row for row in rows if any(row)]
    return {
        next(i for i, x in enumerate(row) if x) for row in done if sum(1 for x in row if x) == 1
    }


def _less(row, lead, times):
    return [x - times * y for x, y in zip(row, lead, strict=True)] if times else row


@given(_years())
@settings(max_examples=120, deadline=None)
def test_no_small_number_can_be_worked_out_of_what_is_published(months):
    tables = [month_table(cells) for cells in months]
    tables.append(year_table(tables, _sums(months)))
    for table, cells in zip(tables, [*months, _sums(months)], strict=True):
        full = with_totals(cells)
        for place, told in table.cells.items():
            assert told is None or (told == full[place] and not is_small(told))
    small = {
        (n, place)
        for n, (table, cells) in enumerate(zip(tables, [*months, _sums(months)], strict=True))
        for place in table.withheld
        if is_small(with_totals(cells)[place])
    }
    assert not small & _worked_out(tables)


def test_a_town_of_one_levy_and_one_channel_tells_nothing_small():
    cells = {("901", "debit"): (4, 400)}
    assert set(month_table(cells).cells.values()) == {None}
    assert None not in month_table({("901", "debit"): (40, 400)}).cells.values()


def test_large_cells_are_told_and_a_small_one_costs_a_rectangle():
    cells = {
        ("901", "debit"): (50, 5_000), ("901", "eltax"): (40, 4_000), ("901", "konbini"): (30, 3_000),
        ("902", "debit"): (60, 6_000), ("902", "eltax"): (3, 300), ("902", "konbini"): (20, 2_000),
    }  # fmt: skip
    table = month_table(cells)
    assert len(table.withheld) == 4
    assert ("902", "eltax") in table.withheld
    assert table.cells[ALL, ALL] == (203, 20_300)
    assert all(table.cells[levy, ALL] for levy in ("901", "902"))

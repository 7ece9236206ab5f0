"""図: whole coordinates, inside the frame, in proportion; every figure in the table."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.charts.axis import STEPS_MAX, axis
from web.charts.columns import columns
from web.charts.lines import lines, spark
from web.charts.model import LINKS_TABBED, Chart, Point, Words
from web.charts.rows import rows
from web.charts.waterfall import waterfall

WORDS = Words("days", "収納", "日ごとの収納", "日", total="計")
YEN = st.integers(-(10**13), 10**13)
MAYBE = st.one_of(st.none(), YEN)


def _points(values: list[tuple[int | None, ...]]) -> list[Point]:
    return [Point(f"{n}日", each, f"/rows/{n}") for n, each in enumerate(values)]


@pytest.mark.parametrize(
    ("least", "most", "ticks", "unit"),
    [
        (0, 0, ("0", "1"), "円"),
        (0, 8, ("0", "2", "4", "6", "8"), "円"),
        (0, 48_000, ("0", "10", "20", "30", "40", "50"), "千円"),
        (0, 12_300_000, ("0", "2", "4", "6", "8", "10", "12", "14"), "百万円"),
        (-400, 900, ("−400", "−200", "0", "200", "400", "600", "800", "1,000"), "円"),
        (-6_000, -1, (*(f"−{n}" for n in range(6, 0, -1)), "0"), "千円"),
    ],
)
def test_an_axis_has_round_steps_in_a_unit_people_read(
    least: int, most: int, ticks: tuple[str, ...], unit: str
) -> None:
    found = axis(least, most)
    assert tuple(found.text(tick) for tick in found.ticks) == ticks
    assert found.unit == unit


def test_figures_beside_bars_are_short_and_rounded() -> None:
    found = axis(0, 12_300_000)
    assert found.short(1_549_999) == "1.5"
    assert found.short(-1_550_000) == "−1.6"
    assert found.short(-40_000) == "0.0"
    assert axis(0, 900).short(-450) == "−450"


def test_other_units_are_never_cut() -> None:
    found = axis(0, 3_000, "件")
    assert (found.text(found.most), found.unit) == ("3,000", "件")


@given(YEN, YEN)
def test_an_axis_holds_every_value_and_zero(one: int, other: int) -> None:
    low, high = sorted((one, other))
    found = axis(low, high)
    assert found.least <= min(low, 0)
    assert found.most >= max(high, 0)
    assert 0 in found.ticks
    assert len(found.ticks) <= 2 * STEPS_MAX + 2
    assert found.place(found.least, 500) == 0
    assert found.place(found.most, 500) == 500


@given(st.lists(st.tuples(MAYBE, MAYBE, MAYBE), max_size=31))
def test_stacked_bars_stay_in_the_frame_and_do_not_lie_on_each_other(
    values: list[tuple[int | None, int | None, int | None]],
) -> None:
    chart = columns(WORDS, ["一", "二", "三"], _points([*values]))
    _inside(chart)
    places: dict[int, list[tuple[int, int]]] = {}
    for bar in chart.bars:
        places.setdefault(bar.x, []).append((bar.y, bar.y + bar.height))
    for stack in places.values():
        stack.sort()
        # A bar of one unit for what is too small to see may cover its neighbour by that unit.
        assert all(below[0] >= above[1] - 1 for above, below in pairwise(stack))
    assert len(chart.bars) == sum(1 for each in values for value in each if value)


@given(st.lists(st.tuples(MAYBE, MAYBE), min_size=1, max_size=20))
def test_lines_break_where_nothing_is_known(values: list[tuple[int | None, int | None]]) -> None:
    chart = lines(WORDS, ["今年度", "前年度"], _points([*values]))
    for path in chart.paths:
        known = [value for each in values if (value := each[path.series]) is not None]
        assert sum(len(piece.split()) for piece in path.pieces) == len(known) == len(path.dots)
    left, top, right, bottom = chart.frame
    assert all(left <= x <= right and top <= y <= bottom for p in chart.paths for x, y in p.dots)


@given(st.lists(YEN, min_size=1, max_size=6))
def test_a_waterfall_shows_what_is_left_and_what_was_lost(steps: list[int]) -> None:
    points = _points([(step,) for step in steps])
    lost = _points([(a - b,) for a, b in pairwise(steps)])
    chart = waterfall(WORDS, ("残り", "差"), points, lost)
    _inside(chart)
    assert len(chart.rows) == 2 * len(steps) - 1
    assert len(chart.bars) == sum(1 for each in (*points, *lost) if each.values[0])


def test_long_figures_of_a_waterfall_do_not_touch_those_beside_them() -> None:
    points = _points([(1_733_511_713,), (672_770_513,), (674_400_000,)])
    lost = _points([(1_060_741_200,), (-1_629_487,)])
    chart = waterfall(WORDS, ("残り", "差"), points, lost)
    whole = next(text for text in chart.texts if text.text == "1,733.5")
    fallen = next(text for text in chart.texts if text.text == "−1,060.7")
    assert abs(whole.y - fallen.y) > 14  # as high as a line of letters
    assert fallen.y < chart.frame[3]


def test_the_name_of_the_last_of_many_bars_is_not_cut_off() -> None:
    days = [Point(f"11月{n}日", (n,), short=f"11/{n:02}") for n in range(1, 31)]
    names = columns(WORDS, ["一"], days).texts
    assert [name.anchor for name in names] == ["middle"] * 29 + ["end"]
    assert names[-1].x == columns(WORDS, ["一"], days).width


def test_a_waterfall_that_does_not_add_up_is_not_drawn() -> None:
    with pytest.raises(ValueError, match="days"):
        waterfall(WORDS, ("残り", "差"), _points([(10,), (4,)]), _points([(5,)]))


def test_bars_are_as_long_as_their_figures_and_say_them() -> None:
    words = Words("age", "年齢", "確認事項", "経過", note="件数")
    points = [Point("7日以内", (1_000_000,), "/a", note="3件"), Point("30日超", (500_000,), "/b")]
    chart = rows(words, "金額", points)
    long, short = (bar.width for bar in chart.bars)
    assert long == 2 * short
    assert [text.text for text in chart.texts if text.strong] == ["1,000,000円　3件", "500,000円"]
    assert [row.cells for row in chart.rows] == [("1,000,000円", "3件"), ("500,000円", "—")]
    assert chart.heads == ("金額", "件数")


def test_heights_are_in_proportion_and_a_yen_is_seen() -> None:
    chart = columns(WORDS, ["一"], _points([(200_000,), (100_000,), (1,), (0,)]))
    assert [bar.height for bar in chart.bars] == [216, 108, 1]
    assert chart.unit == "千円"
    assert [row.cells for row in chart.rows] == [
        ("200,000円", "200,000円"), ("100,000円", "100,000円"), ("1円", "1円"), ("0円", "0円"),
    ]  # fmt: skip


def test_names_at_the_ends_of_lines_do_not_lie_on_each_other() -> None:
    chart = lines(WORDS, ["今年度", "前年度", "前々年度"], _points([(5, 5, 5), (9, 9, 9)]))
    heights = [text.y for text in chart.texts if text.strong]
    assert all(b - a >= 16 for a, b in pairwise(heights))


def test_many_bars_are_left_to_the_table_for_the_keyboard() -> None:
    few = columns(WORDS, ["一"], _points([(1,)] * LINKS_TABBED))
    many = columns(WORDS, ["一"], _points([(1,)] * (LINKS_TABBED + 1)))
    assert few.tabbed
    assert not many.tabbed
    assert all(row.href for row in many.rows)


def test_a_small_line_ends_where_its_values_end() -> None:
    chart = spark(WORDS, [1, None, 3, 2])
    assert chart.paths[0].pieces == ("3,21", "79,3 117,12")
    assert chart.paths[0].dots == ((117, 12),)
    assert spark(WORDS, [None]).empty


def test_small_lines_beside_each_other_share_their_scale():
    chart = spark(WORDS, [0, 5], [0, 10, 10])
    assert [path.pieces for path in chart.paths] == [("3,29 60,16",), ("3,29 60,3 117,3",)]


def test_nothing_is_an_empty_chart() -> None:
    assert columns(WORDS, ["一"], []).empty
    assert rows(WORDS, "一", [Point("なし", (0,))]).empty


def _inside(chart: Chart) -> None:
    """Every bar lies in the frame and is there to be seen; one unit may stand over the edge."""
    left, top, right, bottom = chart.frame
    for bar in chart.bars:
        assert bar.width > 0
        assert bar.height > 0
        assert left <= bar.x
        assert bar.x + bar.width <= right + 1
        assert top <= bar.y
        assert bar.y + bar.height <= bottom + 1

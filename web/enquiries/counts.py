"""回数の行: how counts lie in the database, all windows of a day in one row for each subject.

A question looks at ten counts. In a row for each they cost twenty places in two indexes, which was
most of what a question cost both databases; here they are a row for the slip, one for the source
and one for the site. A row says which minute and which hour it counts; of two processes whose
clocks differ the later one is kept, and both are counted in it. The keys begin with the end of the
day: what is written lies together, and what is forgotten lies before it. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from web.enquiries.limits import DAY, HOUR, MINUTE, PROOF, Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_WINDOWS = {"minute": MINUTE, "hour": HOUR}
_COUNTS = (
    "minute_asked", "hour_asked", "day_asked",
    "minute_unproven", "hour_unproven", "day_unproven",
    "hour_missed", "day_missed",
)  # fmt: skip
COLUMNS = ("ends", "subject", *_WINDOWS, *_COUNTS)
# What counts a question: which subject's row it stands in, and as what.
_ROWS = {
    "slip": ("slip", "asked"),
    "source": ("source", "asked"),
    "unproven": ("source", "unproven"),
    "missed": ("source", "missed"),
    "site": ("site", "missed"),
    PROOF: (PROOF, "asked"),
}
_NAMES = {MINUTE: "minute", HOUR: "hour", DAY: "day"}
_AT = {name: place for place, name in enumerate(COLUMNS)}
_PLACES = {
    (kind, seconds): (row, _AT[f"{name}_{what}"], _AT.get(name))
    for kind, (row, what) in _ROWS.items()
    for seconds, name in _NAMES.items()
    if f"{name}_{what}" in _AT
}
_OF_WINDOW = {
    _AT[window]: [_AT[name] for name in _COUNTS if name.startswith(window)] for window in _WINDOWS
}


def rows_of(added: Mapping[Key, int]) -> list[list[Any]]:
    """What is added, a row for each subject and day, in the order of the keys.

    In this order of two processes none waits for both. Of windows that are over only the newest
    counts: nobody is refused for another. A row to which nothing is added is written as well, so
    that a question that found something takes the same time as one that did not.
    """
    rows: dict[tuple[int, str], list[Any]] = {}
    for key, number in added.items():
        ends, subject, place, window = _place(key)
        row = rows.get((ends, subject))
        if row is None:
            row = rows[ends, subject] = [ends, subject, *[0] * (len(COLUMNS) - 2)]
        if window is not None:
            if key.begun < row[window]:
                continue
            if key.begun > row[window]:
                row[window] = key.begun
                for each in _OF_WINDOW[window]:
                    row[each] = 0
        row[place] += number
    return [rows[name] for name in sorted(rows)]


def totals(found: Iterable[Sequence[Any]], added: Mapping[Key, int]) -> dict[Key, int]:
    """What each count has come to, from the rows of the database."""
    rows = {(row[0], row[1]): row for row in found}
    said = {}
    for key in added:
        ends, subject, place, window = _place(key)
        row = rows.get((ends, subject))
        now = row is not None and (window is None or row[window] >= key.begun)
        said[key] = int(row[place]) if row is not None and now else 0
    return said


def _place(key: Key) -> tuple[int, str, int, int | None]:
    """Where a count stands: end of its row, subject, its column and that of its window."""
    kind, mark, whose = key.subject.partition(":")
    row, place, window = _PLACES[kind, key.seconds]
    # A proof is remembered from when its task was set; everything else from midnight.
    begun = key.begun if kind == PROOF else key.begun // DAY * DAY
    return begun + DAY, row + mark + whose, place, window


def _windowed(name: str) -> str:
    window = name.partition("_")[0]
    before = f"enquiry_count.{name}"
    if window in _WINDOWS:
        same = f"enquiry_count.{window} >= excluded.{window}"
        before = f"CASE WHEN {same} THEN {before} ELSE 0 END"
    return f"{name} = excluded.{name} + {before}"


_NEWER = (
    f"{each} = CASE WHEN enquiry_count.{each} > excluded.{each} "
    f"THEN enquiry_count.{each} ELSE excluded.{each} END"
    for each in _WINDOWS
)
ADDING = (
    f"INSERT INTO enquiry_count (municipality_code, {', '.join(COLUMNS)}) {{rows}} "
    "ON CONFLICT (municipality_code, ends, subject) "
    f"DO UPDATE SET {', '.join([*_NEWER, *map(_windowed, _COUNTS)])} "
    f"RETURNING {', '.join(COLUMNS)}"
)

"""様式ごとの部分: a run's slips of one layout follow each other, and no file holds two layouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.domain.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection


class Section(NamedTuple):
    """様式ごとの部分: slips of a run that follow each other and share one layout."""

    layout: str  # name, version and hash
    slips: int

    def files(self, pages_per_file: int) -> int:
        """How many files they fill."""
        return -(-self.slips // pages_per_file)


def file_of(sections: Sequence[Section], pages_per_file: int, file_no: int) -> tuple[str, int, int]:
    """ファイルの範囲: its layout, its first and its last ``seq``; IndexError beyond the last."""
    files = begun = 0
    for section in sections:
        before, files = files, files + section.files(pages_per_file)
        if file_no <= files:
            first = begun + (file_no - before - 1) * pages_per_file + 1
            return section.layout, first, min(first + pages_per_file - 1, begun + section.slips)
        begun += section.slips
    raise IndexError(file_no)


def by_layout(
    ordered: str, values: dict[str, Any], layouts: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    """様式の順: the same list, layout after layout in the order of the profile's items."""
    ranks = {layout: rank for rank, layout in enumerate(dict.fromkeys(layouts.values()))}
    if len(ranks) < 2:
        return ordered, values
    cases = "".join(
        f" WHEN :item_{number} THEN {ranks[layout]}"
        for number, layout in enumerate(layouts.values())
    )
    items = {f"item_{number}": item_code for number, item_code in enumerate(layouts)}
    return (
        f"""SELECT ROW_NUMBER() OVER (ORDER BY CASE r.item_code{cases} END, r.seq) AS seq,
                   r.notice_id, r.term, r.open_yen, r.item_code FROM ({ordered}) r""",
        values | items,
    )


def sections_of(
    connection: Connection,
    municipality_code: str,
    run_id: int,
    slips: int,
    layouts: Mapping[str, str],
) -> list[Section]:
    """様式ごとの枚数: how many slips of each layout stand in the list.

    Raises :class:`InvalidValueError` ``unknown_item`` for an item without a layout.
    """
    counts = dict.fromkeys(layouts.values(), 0)
    if len(counts) == 1:
        return [Section(layout, slips) for layout in counts]
    rows = connection.execute(
        text(
            """SELECT n.item_code, COUNT(*) AS slips FROM print_run_slip p
               JOIN notice n ON n.municipality_code = :m AND n.notice_id = p.notice_id
               WHERE p.municipality_code = :m AND p.run_id = :run_id GROUP BY n.item_code"""
        ),
        {"m": municipality_code, "run_id": run_id},
    )
    for row in rows:
        if row.item_code not in layouts:
            raise InvalidValueError("unknown_item", item_code=row.item_code)
        counts[layouts[row.item_code]] += row.slips
    return [Section(layout, count) for layout, count in counts.items() if count]


def cut_files(
    connection: Connection,
    municipality_code: str,
    run_id: int,
    sections: Sequence[Section],
    pages_per_file: int,
) -> None:
    """ファイルの区切り: each layout begins a file of its own; the first has been cut already."""
    files = begun = 0
    for section in sections:
        if begun:
            connection.execute(
                text(
                    f"UPDATE print_run_slip SET file_no = {files + 1} "
                    f"+ (seq - {begun + 1}) / {pages_per_file} WHERE municipality_code = :m "
                    "AND run_id = :run_id AND seq BETWEEN :first AND :last"
                ),
                {
                    "m": municipality_code,
                    "run_id": run_id,
                    "first": begun + 1,
                    "last": begun + section.slips,
                },
            )
        files += section.files(pages_per_file)
        begun += section.slips

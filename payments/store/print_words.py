"""印刷で見つかった言葉: what slips that were not printed, and pages that differ, say of people.

These texts are sealed in their rows (:mod:`payments.store.personal`); here they go in and out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.store.personal import EXPECTED, PRINTED, REFUSED, Sealer, open_kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

_COLUMNS = ("page", "slip_no", "field", "printed", "expected")


def write_differences(
    connection: Connection,
    municipality_code: str,
    run_id: int,
    file_no: int,
    differences: Sequence[Mapping[str, Any]],
) -> None:
    """相違の記録 of one file of a run, numbered from 1."""
    if not differences:
        return
    sealer = Sealer(connection, municipality_code)
    rows = []
    for number, difference in enumerate(differences, start=1):
        place = (run_id, file_no, number)
        said = {name: difference[name] for name in _COLUMNS}
        for column in (PRINTED, EXPECTED):
            said[column.name] = sealer.kept(column, place, said[column.name])
        rows.append(
            {"m": municipality_code, "run": run_id, "file": file_no, "number": number, **said}
        )
    connection.execute(
        text(
            "INSERT INTO print_run_difference (municipality_code, run_id, file_no, difference_no, "
            "page, slip_no, field, printed, expected) "
            "VALUES (:m, :run, :file, :number, :page, :slip_no, :field, :printed, :expected)"
        ),
        rows,
    )


def read_differences(
    connection: Connection, municipality_code: str, run_id: int
) -> Iterator[dict[str, Any]]:
    """相違の一覧 of a run, in the order of files and pages."""
    rows = connection.execute(
        text(
            f"SELECT file_no, difference_no, {', '.join(_COLUMNS)} FROM print_run_difference "
            "WHERE municipality_code = :m AND run_id = :run ORDER BY file_no, difference_no"
        ),
        {"m": municipality_code, "run": run_id},
    )
    for file_no, number, *values in rows:
        said = dict(zip(_COLUMNS, values, strict=True))
        place = (run_id, file_no, number)
        for column in (PRINTED, EXPECTED):
            said[column.name] = open_kept(
                connection, column, municipality_code, place, said[column.name]
            )
        yield {"file_no": file_no, **said}


def read_refusals(
    connection: Connection, municipality_code: str, run_id: int
) -> Iterator[tuple[Any, ...]]:
    """印刷できない納付書: place, code, field, what was found, slip, notice, term; in order."""
    rows = connection.execute(
        text(
            """SELECT p.seq, p.refusal, p.refusal_field, p.refusal_found,
                      COALESCE(s.slip_no, '') AS slip_no, n.notice_no, p.term
               FROM print_run_slip p
               JOIN notice n ON n.municipality_code = p.municipality_code
                AND n.notice_id = p.notice_id
               LEFT JOIN slip s ON s.municipality_code = p.municipality_code
                AND s.slip_id = p.slip_id
               WHERE p.municipality_code = :m AND p.run_id = :run_id AND p.refusal <> ''
               ORDER BY p.seq"""
        ),
        {"m": municipality_code, "run_id": run_id},
    )
    for seq, code, field, found, *others in rows:
        said = open_kept(connection, REFUSED, municipality_code, (run_id, seq), found)
        yield (seq, code, field, said, *others)

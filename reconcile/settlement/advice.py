"""払込明細: advice lines against the confirmed payments of their remittance (outcomes.md 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.store.former_groups import keep_former

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.settlement.line_books import LineBooks


def take_in_advice(books: LineBooks, file_id: int) -> dict[str, str | None]:
    """Decide every line of a 払込明細; returns its remittances with their days."""
    lines = books.run(
        """SELECT w.line_no, w.fixed, l.fault, v.remittance_no, v.remitted_on
           FROM match_work w
           JOIN source_line l ON l.municipality_code = :m AND l.file_id = w.file_id
                             AND l.line_no = w.line_no
           LEFT JOIN advice_line v ON v.municipality_code = :m AND v.file_id = w.file_id
                                  AND v.line_no = w.line_no
           WHERE w.municipality_code = :m ORDER BY w.line_no""",
    ).all()
    refs: dict[str, str | None] = {}
    for line in lines:
        if line.fixed:
            rule = "I1" if line.fixed == "repeat" else "I2"
            books.write_outcome(file_id, line.line_no, line.fixed, rule)
        elif line.fault or line.remittance_no is None:
            books.write_outcome(file_id, line.line_no, "malformed", "P01")
        else:
            refs[line.remittance_no] = str(line.remitted_on)
            # Until the sums are compared below, the line has no partner to agree with.
            books.write_outcome(file_id, line.line_no, "advice_difference", "V2")
    return refs


def compare_advice(books: LineBooks, refs: Iterable[str]) -> None:
    """払込明細照合: count and gross of each advice line against the confirmed payments."""
    for ref in refs:
        rows = books.run(
            """SELECT v.file_id, v.line_no, o.outcome,
                      CASE WHEN COALESCE(p.confirmed_count, 0) = v.count
                            AND COALESCE(p.confirmed_yen, 0) = v.gross_yen
                           THEN 'advised' ELSE 'advice_difference' END AS now
               FROM advice_line v
               JOIN line_outcome o ON o.municipality_code = :m AND o.file_id = v.file_id
                                  AND o.line_no = v.line_no
               LEFT JOIN remittance_group g ON g.municipality_code = :m
                    AND g.agent = 'eltax' AND g.ref = v.remittance_no
               LEFT JOIN remittance_part p ON p.municipality_code = :m
                    AND p.group_id = g.group_id AND p.part = v.channel || '/' || v.item_code
               WHERE v.municipality_code = :m AND v.remittance_no = :ref
                 AND o.outcome IN ('advised', 'advice_difference')
                 AND NOT EXISTS (SELECT 1 FROM line_outcome n WHERE n.municipality_code = :m
                     AND n.file_id = o.file_id AND n.line_no = o.line_no
                     AND n.revision > o.revision)
               ORDER BY v.file_id, v.line_no""",
            ref=ref,
        ).all()
        for row in rows:
            if row.now != row.outcome:
                rule = "V1" if row.now == "advised" else "V2"
                books.write_outcome(row.file_id, row.line_no, row.now, rule)
        which = "g.agent = 'eltax' AND g.ref = :ref"
        keep_former(books.connection, str(books.scope["m"]), which, ref=ref)
        books.run(
            """UPDATE remittance_group SET fee_yen = (
                   SELECT COALESCE(SUM(v.fee_yen), 0) FROM advice_line v
                   JOIN line_outcome o ON o.municipality_code = :m
                    AND o.file_id = v.file_id AND o.line_no = v.line_no AND o.revision = 1
                    AND o.outcome IN ('advised', 'advice_difference')
                   WHERE v.municipality_code = :m AND v.remittance_no = :ref)
               WHERE municipality_code = :m AND agent = 'eltax' AND ref = :ref""",
            ref=ref,
        )

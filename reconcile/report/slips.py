"""納付書の突合 (T9): slips printed = slip data the hub took = slip numbers issued (law.md 7.3).

Looked at are the runs whose paper may still leave the building, slip by slip, and every upload with
its answer. A run that two people released was held to the same figures then; ``kokin verify`` goes
through all of them again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

_RUNS = """
SELECT COUNT(*) AS issued, COUNT(q.page_no) AS printed, COALESCE(SUM(q.for_hub), 0) AS for_hub,
       COALESCE(SUM(CASE WHEN q.for_hub = 1 AND EXISTS (
           SELECT 1 FROM slip_upload_line l JOIN slip_upload u
             ON u.municipality_code = l.municipality_code AND u.upload_id = l.upload_id
           JOIN slip_upload_answer w
             ON w.municipality_code = u.municipality_code AND w.upload_id = u.upload_id
           WHERE l.municipality_code = :m AND l.slip_id = q.slip_id AND l.state = 'new'
             AND w.accepted_count = u.lines AND COALESCE(w.accepted_yen, u.total_yen) = u.total_yen
             AND w.answer_no = (SELECT MAX(x.answer_no) FROM slip_upload_answer x
                 WHERE x.municipality_code = :m AND x.upload_id = u.upload_id))
           THEN 1 ELSE 0 END), 0) AS accepted
FROM (SELECT p.slip_id, MAX(CASE WHEN r.state <> 'stopped' THEN p.page_no END) AS page_no,
             MAX(CASE WHEN s.el_number IS NOT NULL AND EXISTS (
                 SELECT 1 FROM slip_event e
                 WHERE e.municipality_code = :m AND e.slip_id = s.slip_id
                   AND e.kind IN ('issued', 'reissued', 'corrected'))
                 THEN 1 ELSE 0 END) AS for_hub
      FROM print_run r
      JOIN print_run_slip p ON p.municipality_code = r.municipality_code AND p.run_id = r.run_id
      JOIN slip s ON s.municipality_code = p.municipality_code AND s.slip_id = p.slip_id
      WHERE r.municipality_code = :m AND r.state IN ('planned', 'printing', 'printed', 'stopped')
        AND s.state = 'new'
      GROUP BY p.slip_id) q"""
_UPLOADS = """
SELECT COALESCE(SUM(u.lines), 0) AS sent, COALESCE(SUM(w.accepted_count), 0) AS accepted
FROM slip_upload u LEFT JOIN slip_upload_answer w
  ON w.municipality_code = u.municipality_code AND w.upload_id = u.upload_id
 AND w.answer_no = (SELECT MAX(x.answer_no) FROM slip_upload_answer x
     WHERE x.municipality_code = u.municipality_code AND x.upload_id = u.upload_id)
WHERE u.municipality_code = :m"""


class SlipFigures(NamedTuple):
    """納付書の件数: what T9 compares."""

    issued: int  # current slips of runs that were not released
    printed: int  # of these, with a page
    for_hub: int  # of these, issued here and with an eL number
    taken: int  # of those, in an upload that the hub took whole
    sent: int  # lines of all uploads, endings included
    accepted: int  # lines that the hub says it took


def slip_figures(connection: Connection, municipality_code: str) -> SlipFigures:
    """納付書の件数 as they stand."""
    runs = connection.execute(text(_RUNS), {"m": municipality_code}).one()
    uploads = connection.execute(text(_UPLOADS), {"m": municipality_code}).one()
    return SlipFigures(*(int(number) for number in (*runs, *uploads)))

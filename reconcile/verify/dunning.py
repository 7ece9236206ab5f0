"""検算・督促: every list is what two people agreed to, and letters follow from it.

The rows and the pull lists are digested once more, figures are added up, and the letters are held
against the rows. Nothing here is shared with what drew them.
"""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from reconcile.verify.walk import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.verify.walk import Store

_LISTS = """
SELECT list_no, row_count, listed_count, listed_yen, rows_sha256, files_sha256, despite_id
FROM dunning_list WHERE municipality_code = :m ORDER BY list_no"""
_ROWS = """
SELECT notice_id, term, obligor_no, item_code, CAST(due_on AS VARCHAR(10)), amount_yen, paid_yen,
    ground, grounds
FROM dunning_row WHERE municipality_code = :m AND list_no = :list_no ORDER BY notice_id, term"""
_FILES = """
SELECT file_id, sha256, status FROM dunning_file
WHERE municipality_code = :m AND list_no = :list_no ORDER BY file_id"""
_ALTERED_FILES = """
SELECT d.list_no, d.file_id, d.sha256, f.sha256 AS now FROM dunning_file d
LEFT JOIN source_file f ON f.municipality_code = :m AND f.file_id = d.file_id
WHERE d.municipality_code = :m AND (f.sha256 IS NULL OR f.sha256 <> d.sha256)
ORDER BY d.list_no, d.file_id"""
_EVENTS = """
SELECT list_no, event_no, event, letters, subject_no, rows_sha256 FROM dunning_event
WHERE municipality_code = :m ORDER BY list_no, event_no"""
_PULLED = """
SELECT seq, reason, open_yen FROM dunning_pull
WHERE municipality_code = :m AND list_no = :list_no AND pull_no = :pull_no ORDER BY seq"""
_LETTERS = "SELECT COUNT(*) FROM dunning_letter WHERE municipality_code = :m AND list_no = :list_no"
_STRAY_LETTERS = """
SELECT l.list_no, l.seq FROM dunning_letter l
LEFT JOIN dunning_row w ON w.municipality_code = :m AND w.list_no = l.list_no
    AND w.notice_id = l.notice_id AND w.term = l.term AND w.ground = ''
WHERE l.municipality_code = :m AND w.term IS NULL ORDER BY l.list_no, l.seq"""
_APPROVAL = """
SELECT kind, content_json, decision, asked_by, decided_by FROM approval
WHERE municipality_code = :m AND approval_id = :approval_id"""
_SENT = """
FROM dunning_letter l
JOIN dunning_event e ON e.municipality_code = :m AND e.list_no = l.list_no
    AND e.event = 'dispatched'
WHERE l.municipality_code = :m AND NOT EXISTS (
    SELECT 1 FROM dunning_pull p WHERE p.municipality_code = :m AND p.list_no = l.list_no
      AND p.pull_no = e.subject_no AND p.seq = l.seq)"""
_TWICE = f"""
SELECT l.notice_id, l.term, COUNT(*) AS sent {_SENT}
GROUP BY l.notice_id, l.term HAVING COUNT(*) > 1"""
# A letter that left lets the limitation of its instalment begin anew on that day.
_NOT_RENEWED = f"""
SELECT l.list_no, l.seq, e.happened_on {_SENT} AND NOT EXISTS (
    SELECT 1 FROM limitation_event r WHERE r.municipality_code = :m
      AND r.notice_id = l.notice_id AND r.term = l.term AND r.cause = 'dunning'
      AND r.kind = 'renewed' AND r.from_on = e.happened_on)
ORDER BY l.list_no, l.seq"""

# The fee of a letter follows with the next run at the latest.
_NO_FEE = f"""
SELECT l.list_no, l.seq, (
    SELECT MAX(f.fee_yen) FROM dunning_row w
    JOIN dunning_fee f ON f.municipality_code = :m AND f.list_no = w.list_no
        AND f.item_code = w.item_code AND f.due_on = w.due_on
    WHERE w.municipality_code = :m AND w.list_no = l.list_no AND w.notice_id = l.notice_id
      AND w.term = l.term) AS fee_yen {_SENT}
  AND EXISTS (SELECT 1 FROM dunning_fee f WHERE f.municipality_code = :m
      AND f.list_no = l.list_no AND f.fee_yen > 0)
  AND EXISTS (SELECT 1 FROM late_charge_run r WHERE r.municipality_code = :m
      AND r.made_on > e.happened_on)
  AND NOT EXISTS (SELECT 1 FROM late_charge_booking b WHERE b.municipality_code = :m
      AND b.principal_notice_id = l.notice_id AND b.principal_term = l.term
      AND b.kind = 'dunning_fee')
ORDER BY l.list_no, l.seq"""
# A claim is held back as extinct just where its frozen last day lay before the list.
_EXTINCT = """
SELECT w.list_no, w.notice_id, w.term, w.grounds, CAST(x.last_on AS VARCHAR(10)) AS last_on
FROM dunning_list l
JOIN dunning_row w ON w.municipality_code = :m AND w.list_no = l.list_no
LEFT JOIN dunning_limitation x ON x.municipality_code = :m AND x.list_no = w.list_no
    AND x.notice_id = w.notice_id AND x.term = w.term AND x.last_on < l.as_of_on
WHERE l.municipality_code = :m AND ((w.grounds & 16384) <> 0) <> (x.last_on IS NOT NULL)
ORDER BY w.list_no, w.notice_id, w.term"""


def dunning(store: Store) -> Iterator[Difference]:
    """督促の検算: lists, letters and what left the building."""
    events = {
        list_no: list(found) for list_no, found in groupby(store.rows(_EVENTS), key=itemgetter(0))
    }
    for row in list(store.rows(_LISTS)):
        yield from _list(store, row)
        yield from _life(store, row, events.get(row.list_no, []))
    for row in list(store.rows(_ALTERED_FILES)):
        yield Difference(
            "dunning_files", f"dunning:{row.list_no}:{row.file_id}", row.sha256, str(row.now or "")
        )
    for row in list(store.rows(_STRAY_LETTERS)):
        yield Difference("dunning_letters", f"dunning:{row.list_no}:{row.seq}", "listed", "")
    for row in list(store.rows(_TWICE)):
        yield Difference("dunning_twice", f"{row.notice_id}/{row.term}", "1", str(row.sent))
    for row in list(store.rows(_NO_FEE)):
        if row.fee_yen:
            yield Difference(
                "dunning_fees", f"dunning:{row.list_no}:{row.seq}", str(row.fee_yen), ""
            )
    for row in list(store.rows(_EXTINCT)):
        subject = f"dunning:{row.list_no}:{row.notice_id}/{row.term}"
        yield Difference("dunning_limitation", subject, str(row.last_on or ""), str(row.grounds))
    for row in list(store.rows(_NOT_RENEWED)):
        subject = f"dunning:{row.list_no}:{row.seq}"
        yield Difference("dunning_renewal", subject, str(row.happened_on), "")


def _list(store: Store, row: Any) -> Iterator[Difference]:
    """The rows and files of a list, as they were frozen."""
    subject = f"dunning:{row.list_no}"
    digest, count, listed, listed_yen = sha256(), 0, 0, 0
    for portion in store.portions(_ROWS, list_no=row.list_no):
        digest.update("".join(",".join(map(str, r)) + "\n" for r in portion).encode())
        count += len(portion)
        mine = [r for r in portion if not r[7]]
        listed += len(mine)
        listed_yen += sum(r[5] - r[6] for r in mine)
    yield from _unlike("dunning_rows", subject, row.rows_sha256, digest.hexdigest())
    yield from _unlike(
        "dunning_totals",
        subject,
        f"{row.row_count} {row.listed_count} {row.listed_yen}",
        f"{count} {listed} {listed_yen}",
    )
    files = sha256()
    for portion in store.portions(_FILES, list_no=row.list_no):
        files.update("".join(",".join(map(str, r)) + "\n" for r in portion).encode())
    yield from _unlike("dunning_files", subject, row.files_sha256, files.hexdigest())
    if row.despite_id is not None:
        yield from _two_people(store, subject, row.despite_id, "dunning_despite")


def _life(store: Store, row: Any, events: list[Any]) -> Iterator[Difference]:
    """What happened to a list: agreed to as it was drawn, sent as its pull list says."""
    subject = f"dunning:{row.list_no}"
    names = [event.event for event in events]
    yield from _unlike("dunning_events", subject, "drawn", names[0] if names else "")
    letters = store.number(_LETTERS, list_no=row.list_no)
    approved = next((event for event in events if event.event == "approved"), None)
    expected = row.listed_count if approved else 0
    yield from _unlike("dunning_letters", subject, str(expected), str(letters))
    if approved:
        yield from _two_people(
            store, subject, approved.subject_no, "dunning_release", row.rows_sha256
        )
    pulled: dict[int, tuple[int, str]] = {}
    for event in events:
        if event.event == "pull_drawn":
            found = list(store.rows(_PULLED, list_no=row.list_no, pull_no=event.subject_no))
            lines = "".join(f"{p.seq},{p.reason},{p.open_yen}\n" for p in found)
            pulled[event.subject_no] = (len(found), sha256(lines.encode()).hexdigest())
            said = f"{event.letters} {event.rows_sha256}"
            yield from _unlike(
                "dunning_pull", subject, said, "{} {}".format(*pulled[event.subject_no])
            )
        if event.event == "dispatched":
            out = pulled.get(event.subject_no, (0, ""))[0]
            yield from _unlike("dunning_sent", subject, str(letters - out), str(event.letters))


def _two_people(
    store: Store, subject: str, approval_id: int, kind: str, rows_sha256: str = ""
) -> Iterator[Difference]:
    """The approval behind it: of this kind, decided by another person, about just this."""
    found = list(store.rows(_APPROVAL, approval_id=approval_id))
    sound = (
        len(found) == 1
        and found[0].kind == kind
        and found[0].decision == "approved"
        and found[0].asked_by != found[0].decided_by
        and (not rows_sha256 or json.loads(found[0].content_json)["rows_sha256"] == rows_sha256)
    )
    if not sound:
        yield Difference("dunning_approval", subject, kind, str(approval_id))


def _unlike(name: str, subject: str, expected: str, found: str) -> Iterator[Difference]:
    if expected != found:
        yield Difference(name, subject, expected, found)

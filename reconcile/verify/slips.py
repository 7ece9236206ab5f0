"""検算・納付書: what happened to slips, what was printed, what the hub was told (T9)."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from payments.domain.errors import InvalidValueError
from payments.domain.identifiers import konbini_check_digit
from reconcile.formats import eltax_slip_upload
from reconcile.verify.walk import Difference, Stream, together

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.verify.walk import Store

_BEGINNINGS = frozenset({"issued", "reissued", "corrected"})
_SLIPS = """
SELECT s.slip_id, s.slip_no, s.state, s.amount_yen, s.konbini_barcode FROM slip s
WHERE s.municipality_code = :m AND EXISTS (SELECT 1 FROM slip_event e
    WHERE e.municipality_code = :m AND e.slip_id = s.slip_id) ORDER BY s.slip_id"""
_EVENTS = """
SELECT slip_id, event_no, kind FROM slip_event WHERE municipality_code = :m
ORDER BY slip_id, event_no"""
_UPLOADS = """
SELECT upload_id, lines, total_yen, sha256 FROM slip_upload WHERE municipality_code = :m
ORDER BY upload_id"""
_UPLOAD_LINES = """
SELECT s.el_number, s.amount_yen, n.levy_year, s.term, CAST(s.due_on AS TEXT) AS due_on,
       CAST(s.valid_until AS TEXT) AS valid_until, s.slip_no, l.state
FROM slip_upload_line l
JOIN slip s ON s.municipality_code = :m AND s.slip_id = l.slip_id
JOIN notice n ON n.municipality_code = :m AND n.notice_id = s.notice_id
WHERE l.municipality_code = :m AND l.upload_id = :upload_id ORDER BY l.line_no"""
_ANSWERS = """
SELECT upload_id, accepted_count, accepted_yen FROM slip_upload_answer
WHERE municipality_code = :m ORDER BY upload_id, answer_no"""
_RUNS = """
SELECT run_id, slips, state FROM print_run
WHERE municipality_code = :m AND state IN ('printed', 'released') ORDER BY run_id"""
_RUN_SLIPS = """
SELECT p.seq, p.slip_id, p.file_no, p.page_no, p.refusal, s.slip_no, s.state,
       CASE WHEN s.el_number IS NULL THEN 0 ELSE 1 END AS has_el,
       (SELECT MIN(e.kind) FROM slip_event e WHERE e.municipality_code = :m
        AND e.slip_id = p.slip_id AND e.event_no = 1) AS begun,
       (SELECT MAX(l.upload_id) FROM slip_upload_line l WHERE l.municipality_code = :m
        AND l.slip_id = p.slip_id AND l.state = 'new') AS upload_id
FROM print_run_slip p LEFT JOIN slip s ON s.municipality_code = :m AND s.slip_id = p.slip_id
WHERE p.municipality_code = :m AND p.run_id = :run_id ORDER BY p.seq"""
_RUN_FILES = """
SELECT file_no, pages, name, sha256 FROM print_run_file
WHERE municipality_code = :m AND run_id = :run_id ORDER BY file_no"""
_RELEASES = """
SELECT content_json FROM approval
WHERE municipality_code = :m AND kind = 'slips_release' AND subject = :subject
  AND decision = 'approved' AND decided_by <> asked_by ORDER BY approval_id"""


def slips(store: Store) -> Iterator[Difference]:
    """納付書: events explain states, barcodes say the amount, uploads and runs add up."""
    yield from _events(store)
    accepted: set[int] = set()
    yield from _uploads(store, accepted)
    for run in store.rows(_RUNS):
        yield from _run(store, run, accepted)


def _events(store: Store) -> Iterator[Difference]:
    """出来事: one beginning at most, then one end at most, and the state is that of the end."""
    streams = (Stream(store.rows(_SLIPS), 1), Stream(store.rows(_EVENTS), 1))
    for (slip_id,), (found, events) in together(*streams):
        kinds = [event.kind for event in events]
        if not found:
            yield Difference("slip_event", f"slip:{slip_id}", "", ", ".join(kinds))
            continue
        slip = found[0]
        ends = kinds[1:] if kinds[0] in _BEGINNINGS else kinds
        numbered = [event.event_no for event in events] == list(range(1, len(events) + 1))
        if not numbered or len(ends) > 1 or any(kind in _BEGINNINGS for kind in ends):
            yield Difference("slip_event", slip.slip_no, "発行1回・終了1回まで", ", ".join(kinds))
        elif ends and slip.state != ends[0]:
            yield Difference("slip_event", slip.slip_no, ends[0], slip.state)
        if kinds[0] in _BEGINNINGS and slip.konbini_barcode:
            yield from _barcode(slip)


def _barcode(slip: Any) -> Iterator[Difference]:
    """What a shop scans is what is owed (law.md B-01, I12)."""
    digits = slip.konbini_barcode
    should = f"{slip.amount_yen:06d}{konbini_check_digit(digits[:43])}"
    if digits[37:] != should:
        yield Difference("slip_barcode", slip.slip_no, should, digits[37:])


def _uploads(store: Store, accepted: set[int]) -> Iterator[Difference]:
    """納付書情報: the bytes made again from the slips are those recorded; the hub took them all.

    Fills ``accepted`` with the uploads whose latest answer is what was sent.
    """
    answers = {row.upload_id: row for row in store.rows(_ANSWERS)}
    for upload in store.rows(_UPLOADS):
        recorded = (upload.lines, upload.total_yen, upload.sha256)
        again = _written_again(store, upload.upload_id)
        if again != recorded:
            subject = f"upload:{upload.upload_id}"
            yield Difference("slip_upload", subject, _text(again), _text(recorded))
        answer = answers.get(upload.upload_id)
        if answer is None:
            continue
        yen = upload.total_yen if answer.accepted_yen is None else answer.accepted_yen
        if (answer.accepted_count, yen) == (upload.lines, upload.total_yen):
            accepted.add(upload.upload_id)
        else:
            yield Difference(
                "upload_answer",
                f"upload:{upload.upload_id}",
                f"{upload.lines} {upload.total_yen}",
                f"{answer.accepted_count} {yen}",
            )


def _written_again(store: Store, upload_id: int) -> tuple[int, int, str]:
    """Lines, Σ amounts and SHA-256 of an upload, from the slips."""
    digest = sha256()
    totals = [0, 0]

    def rows() -> Iterator[eltax_slip_upload.SlipUploadRow]:
        for line in store.rows(_UPLOAD_LINES, upload_id=upload_id):
            totals[0] += 1
            totals[1] += line.amount_yen
            yield eltax_slip_upload.row_of(*line)

    try:
        for piece in eltax_slip_upload.pieces(rows()):
            digest.update(piece)
    except (InvalidValueError, TypeError):  # a slip that no longer has what went out
        return totals[0], totals[1], ""
    return totals[0], totals[1], digest.hexdigest()


def _text(values: Sequence[object]) -> str:
    return " ".join(str(value) for value in values)


def _run(store: Store, run: Any, accepted: set[int]) -> Iterator[Difference]:
    """印刷: every place has one page or one refusal, and files have the pages they say (T9)."""
    pages: dict[int, int] = {}
    subject = f"run:{run.run_id}"
    places = 0
    for place in store.rows(_RUN_SLIPS, run_id=run.run_id):
        places += 1
        if place.page_no is None:
            if not place.refusal:
                yield Difference("print_run", f"{subject} {place.seq}", "1ページ", "0ページ")
            continue
        pages[place.file_no] = pages.get(place.file_no, 0) + 1
        if place.page_no != pages[place.file_no] or place.slip_no is None:
            yield Difference(
                "print_run",
                f"{subject} {place.seq}",
                str(pages[place.file_no]),
                f"{place.page_no} {place.slip_no or ''}".rstrip(),
            )
        for_hub = place.has_el and place.begun in _BEGINNINGS and place.state == "new"
        if run.state == "released" and for_hub and place.upload_id not in accepted:
            yield Difference("release_upload", place.slip_no, "受付済", str(place.upload_id or ""))
    if places != run.slips:
        yield Difference("print_run", subject, str(run.slips), str(places))
    recorded = {row.file_no: row.pages for row in store.rows(_RUN_FILES, run_id=run.run_id)}
    for file_no in sorted(recorded.keys() | pages.keys()):
        if recorded.get(file_no, 0) != pages.get(file_no, 0):
            yield Difference(
                "print_run",
                f"{subject} file:{file_no}",
                str(recorded.get(file_no, 0)),
                str(pages.get(file_no, 0)),
            )
    if run.state == "released":
        yield from _release(store, run.run_id)


def _release(store: Store, run_id: int) -> Iterator[Difference]:
    """引渡: two people agreed to just these files (R10)."""
    subject = f"print_run:{run_id}"
    files = [
        {"name": row.name, "sha256": row.sha256} for row in store.rows(_RUN_FILES, run_id=run_id)
    ]
    agreed = [
        json.loads(row.content_json).get("files") for row in store.rows(_RELEASES, subject=subject)
    ]
    if files not in agreed:
        names = " ".join(file["name"] for file in files)
        yield Difference("release_approval", subject, names, "")

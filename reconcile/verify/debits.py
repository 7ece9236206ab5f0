"""検算・口座振替: every batch worked out once more from its frozen rows (T8, G-01 to G-03)."""

from __future__ import annotations

import json
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from payments.domain.errors import KokinError
from payments.store.engine import keys_of
from payments.store.known_keys import open_piece
from reconcile.formats import debit_request
from reconcile.formats.debit_records import Batch, Debit
from reconcile.formats.wrapping import Wrapping
from reconcile.verify.walk import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.verify.walk import Store

_BATCHES = """
SELECT batch_no, debit_on, bank_code, round, first_batch_no, replaces_no, head_json, count AS asked,
    amount_yen, file_sha256, size_bytes, in_force FROM debit_batch WHERE municipality_code = :m
ORDER BY batch_no"""
_ROWS = """
SELECT w.row_no, w.notice_id, w.term, w.amount_yen, w.customer_no, w.new_code, d.bank_code,
    d.bank_name, d.branch_code, d.branch_name, d.account_type, d.text_no, s.key_id, s.data,
    i.debit_no
FROM debit_row w
JOIN debit_account d ON d.municipality_code = :m AND d.entry_no = w.entry_no
JOIN sealed_text s ON s.municipality_code = :m AND s.text_no = d.text_no
LEFT JOIN instalment i ON i.municipality_code = :m AND i.notice_id = w.notice_id AND i.term = w.term
WHERE w.municipality_code = :m AND w.batch_no = :batch_no ORDER BY w.row_no"""
_EVENTS = """
SELECT event_no, event, approval_id, file_sha256 FROM debit_event
WHERE municipality_code = :m AND batch_no = :batch_no ORDER BY event_no"""
_DECIDED = """
SELECT content_json FROM approval WHERE municipality_code = :m AND approval_id = :approval_id
  AND kind = :kind AND decision = 'approved' AND decided_by <> asked_by"""
_TWICE = """
SELECT w.notice_id, w.term, COUNT(*) AS times FROM debit_row w
JOIN debit_batch b ON b.municipality_code = :m AND b.batch_no = w.batch_no AND b.in_force
WHERE w.municipality_code = :m GROUP BY w.notice_id, w.term, b.round HAVING COUNT(*) > 1
ORDER BY w.notice_id, w.term"""
_NOT_FAILED = """
SELECT COUNT(*) FROM debit_row w WHERE w.municipality_code = :m AND w.batch_no = :batch_no
  AND NOT EXISTS (SELECT 1 FROM debit_row f
    JOIN source_line l ON l.municipality_code = :m AND l.identity = :prefix || f.customer_no
      AND l.kind <> '0'
    WHERE f.municipality_code = :m AND f.batch_no = :first AND f.notice_id = w.notice_id
      AND f.term = w.term)"""
_KINDS = {"released": "debit_release", "replaced": "debit_replace", "withdrawn": "debit_withdraw"}


def debits(store: Store) -> Iterator[Difference]:
    """口座振替: rows add up, the bytes are those recorded, two people decided."""
    heads: dict[int, Any] = {}
    for batch in list(store.rows(_BATCHES)):
        subject = f"debit:{batch.batch_no}"
        heads[batch.batch_no] = batch
        rows = list(store.rows(_ROWS, batch_no=batch.batch_no))
        found = (len(rows), sum(row.amount_yen for row in rows))
        if found != (batch.asked, batch.amount_yen):
            recorded = f"{batch.asked} {batch.amount_yen}"
            yield Difference("debit_batch", subject, f"{found[0]} {found[1]}", recorded)
        for row in rows:
            if row.debit_no != row.customer_no:  # what was asked for is another claim
                place = f"{subject} {row.row_no}"
                yield Difference("debit_batch", place, str(row.debit_no), row.customer_no)
        yield from _file(store, batch, rows, subject)
        yield from _events(store, batch, subject)
        if batch.round > 1:
            yield from _second(store, batch, heads.get(batch.first_batch_no), subject)
    for row in store.rows(_TWICE):
        yield Difference("debit_twice", f"{row.notice_id}/{row.term}", "1", str(row.times))


def _file(store: Store, batch: Any, rows: list[Any], subject: str) -> Iterator[Difference]:
    """The bytes made again have the hash that was recorded, read back, and their trailer ties."""
    head = json.loads(batch.head_json)
    day = _day(batch.debit_on)
    try:
        debits_ = [_debit(store, row) for row in rows]
        request = Batch(
            head[0], head[1], day, head[2], head[3], head[4], head[5], head[6], head[7], debits_
        )
        newline = b"\r\n" if head[8] == "crlf" else b""
        data = debit_request.write([request], Wrapping(newline=newline))
        (back,) = debit_request.read(data, day)
        digest = sha256(data).hexdigest()
    except (KokinError, ValueError, TypeError) as error:
        yield Difference("debit_file", subject, batch.file_sha256, type(error).__name__)
        return
    if digest != batch.file_sha256 or len(data) != batch.size_bytes:
        yield Difference("debit_file", subject, digest, batch.file_sha256)
    if back.bank_code != batch.bank_code:
        yield Difference("debit_file", subject, batch.bank_code, back.bank_code)


def _debit(store: Store, row: Any) -> Debit:
    place = f"sealed_text|{store.profile.municipality_code}|{row.text_no}".encode()
    plain = open_piece(keys_of(store.connection), row.key_id, bytes(row.data), place)
    number, holder = json.loads(plain)
    return Debit(
        row.customer_no, row.amount_yen, "0", row.bank_code, row.bank_name, row.branch_code,
        row.branch_name, row.account_type, number, holder, row.new_code,
    )  # fmt: skip


def _events(store: Store, batch: Any, subject: str) -> Iterator[Difference]:
    """Built first, sent once and after its release, ended as it says; each by two people."""
    events = list(store.rows(_EVENTS, batch_no=batch.batch_no))
    names = [event.event for event in events]
    numbered = [event.event_no for event in events] == list(range(1, len(events) + 1))
    ended = "replaced" in names or "withdrawn" in names
    right = (
        numbered
        and names[:1] == ["built"]
        and all(names.count(name) <= 1 for name in ("built", "released", "sent"))
        and ("sent" not in names or "released" in names[: names.index("sent")])
        and bool(batch.in_force) is not ended
    )
    if not right:
        yield Difference("debit_event", subject, "作成・承認・送付は一度ずつ", ", ".join(names))
    for event in events:
        if event.file_sha256 != batch.file_sha256:
            yield Difference("debit_event", subject, batch.file_sha256, event.file_sha256)
        kind = _KINDS.get(event.event)
        if kind is None:
            continue
        decided = [
            json.loads(row.content_json)
            for row in store.rows(_DECIDED, approval_id=event.approval_id, kind=kind)
        ]
        if [(each["batch_no"], each["file_sha256"]) for each in decided] != [
            (batch.batch_no, batch.file_sha256)
        ]:
            yield Difference("debit_approval", subject, event.event, str(event.approval_id))


def _second(store: Store, batch: Any, first: Any, subject: str) -> Iterator[Difference]:
    """Everything in a second debit failed in the first (I14)."""
    if first is None:
        yield Difference("debit_second", subject, "初めの束", "—")
        return
    consignor = json.loads(first.head_json)[0]
    prefix = f"{consignor}|{_day(first.debit_on).isoformat()}|{first.bank_code}|"
    paid = store.number(_NOT_FAILED, batch_no=batch.batch_no, first=first.batch_no, prefix=prefix)
    if paid:
        yield Difference("debit_second", subject, "0", str(paid))


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))

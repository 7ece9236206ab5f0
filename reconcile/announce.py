"""外部通知: what a booking means for others, written down in the transaction of the booking.

Everything is read from what the transaction has just written, the postings, the status of a file,
a closing, so that no stage of the engine needs to know about it. Only a municipality that somebody
has subscribed to has events at all (``event_start``); elsewhere one look-up is all that happens.

What a payment's event says is what stands in the books when its transaction ends: a payment that
comes and is taken back within one file is no event. Events of one transaction are numbered with
the withdrawals first, so that whoever hears them in order ends with what is so.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

_LEGS_IN_FORCE = 120  # of a decision (reconcile.post); those behind them take something back

_STARTED = "SELECT 1 FROM event_start WHERE municipality_code = :m"
_LAST = "SELECT COALESCE(MAX(event_no), 0) FROM event WHERE municipality_code = :m"
_EVENT = """
INSERT INTO event (municipality_code, event_no, token, kind, occurred_at, state, journal_id,
    file_id, line_no, notice_id, term, slip_id, amount_yen, paid_on, closure_no)
SELECT CAST(:m AS VARCHAR(5)),"""

# A payment that a rule applied counts for the instalment of its slip (00: 全期); what people placed
# counts for the instalments that they named.
_TERM = "CASE WHEN p.reason IN ('placed', 'placed_reversal') THEN p.term ELSE r.term END"
_PAYMENT = "r.stage, r.paid_on, r.slip_id, r.notice_id, r.term"
_IN_FORCE = f"p.leg > r.leg AND p.leg < r.leg + {_LEGS_IN_FORCE}"
# What the journal moved at an instalment, and what of a payment stands there by a decision of it.
_MOVED = f"""
SELECT p.subject_file_id AS file_id, p.subject_line_no AS line_no, r.stage, r.paid_on, r.slip_id,
    r.notice_id AS own_notice, r.term AS own_term, p.notice_id, {_TERM} AS term, 0 AS confirms,
    SUM(CASE p.credit_account WHEN 'receivable' THEN p.amount_yen ELSE -p.amount_yen END) AS moved,
    SUM(CASE WHEN r.journal_id = :journal_id AND r.stage <> 'withdrawn' AND {_IN_FORCE}
        THEN p.amount_yen ELSE 0 END) AS stands
FROM posting p
JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.subject_file_id
 AND r.line_no = p.subject_line_no
WHERE p.municipality_code = :m AND p.journal_id = :journal_id
  AND p.reason IN ('applied', 'placed', 'reversal', 'placed_reversal')
  AND (p.credit_account = 'receivable' OR p.debit_account = 'receivable')
GROUP BY p.subject_file_id, p.subject_line_no, {_PAYMENT}, p.notice_id, {_TERM}"""
# 確報 of payments that an earlier journal decided: no money of an instalment moves.
_CONFIRMED = f"""
SELECT c.subject_file_id AS file_id, c.subject_line_no AS line_no, r.stage, r.paid_on, r.slip_id,
    r.notice_id AS own_notice, r.term AS own_term, p.notice_id, {_TERM} AS term, 1 AS confirms,
    0 AS moved, SUM(p.amount_yen) AS stands
FROM posting c
JOIN receipt r ON r.municipality_code = :m AND r.file_id = c.subject_file_id
 AND r.line_no = c.subject_line_no AND r.stage = 'confirmed' AND r.journal_id <> :journal_id
JOIN posting p ON p.municipality_code = :m AND p.journal_id = r.journal_id
 AND p.subject_file_id = r.file_id AND p.subject_line_no = r.line_no
 AND {_IN_FORCE} AND p.reason IN ('applied', 'placed')
WHERE c.municipality_code = :m AND c.journal_id = :journal_id AND c.reason = 'confirmed'
GROUP BY c.subject_file_id, c.subject_line_no, {_PAYMENT}, p.notice_id, {_TERM}"""
# The slip that was paid; where people placed money, or a debit has none: the slip that was named
# for this payment before, else the latest of that instalment, else none.
_SLIP = """
CASE WHEN b.slip_id IS NOT NULL AND b.notice_id = b.own_notice AND b.term = b.own_term
     THEN b.slip_id
     ELSE COALESCE(
        (SELECT e.slip_id FROM event e
         WHERE e.municipality_code = :m AND e.file_id = b.file_id AND e.line_no = b.line_no
           AND e.notice_id = b.notice_id AND e.term = b.term
         ORDER BY e.event_no DESC LIMIT 1),
        (SELECT MAX(s.slip_id) FROM slip s
         WHERE s.municipality_code = :m AND s.notice_id = b.notice_id AND s.term = b.term)) END"""
_PAYMENTS = f"""{_EVENT}
    :last + ROW_NUMBER() OVER (ORDER BY CASE WHEN b.stands > 0 THEN 1 ELSE 0 END,
        b.file_id, b.line_no, b.notice_id, b.term),
    :token, CASE WHEN b.stands > 0 THEN 'slip.paid' ELSE 'slip.payment_withdrawn' END, :now,
    CASE WHEN b.stands > 0 THEN b.stage ELSE '' END, :journal_id, b.file_id, b.line_no,
    b.notice_id, b.term, {_SLIP}, CASE WHEN b.stands > 0 THEN b.stands ELSE -b.moved END,
    b.paid_on, NULL
FROM ({_MOVED}
UNION ALL {_CONFIRMED}) b
WHERE (b.stands = 0 AND b.moved < 0)
   OR (b.stands > 0 AND (b.confirms = 1 OR b.moved <> 0 OR EXISTS (
        SELECT 1 FROM posting c WHERE c.municipality_code = :m AND c.journal_id = :journal_id
          AND c.subject_file_id = b.file_id AND c.subject_line_no = b.line_no
          AND c.reason = 'confirmed')))
"""

# The last word about a file; a try that ends like the one before it is no news.
_SAID = """
SELECT state FROM event WHERE municipality_code = :m AND file_id = :file_id AND line_no = 0
ORDER BY event_no DESC LIMIT 1"""
_FILE = f"""{_EVENT}
    :last + 1, :token, :kind, :now, :state, NULL, CAST(:file_id AS BIGINT), 0, NULL, NULL, NULL,
    NULL, NULL, NULL"""
_CLOSURE = f"""{_EVENT}
    :last + 1, :token, c.period || '.' || c.event, :now, '', NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, c.closure_no
FROM day_closure c WHERE c.municipality_code = :m AND c.closure_no = :closure_no"""

_START = """
INSERT INTO event_start (municipality_code, journal_id, file_id, closure_no, begun_at)
SELECT CAST(:m AS VARCHAR(5)),
    COALESCE((SELECT MAX(journal_id) FROM journal WHERE municipality_code = :m), 0),
    COALESCE((SELECT MAX(file_id) FROM source_file WHERE municipality_code = :m), 0),
    COALESCE((SELECT MAX(closure_no) FROM day_closure WHERE municipality_code = :m), 0), :now
WHERE NOT EXISTS (SELECT 1 FROM event_start WHERE municipality_code = :m)"""

_ACCEPTED = "accepted"


def start(connection: Connection, municipality_code: str) -> None:
    """外部通知の開始: from here on bookings are announced; a second time changes nothing."""
    connection.execute(text(_START), {"m": municipality_code, "now": _now()})


def announce_payments(connection: Connection, municipality_code: str, journal_id: int) -> None:
    """納付・取消の外部通知: what this journal has made of payments; the last step of a booking."""
    scope = _scope(connection, municipality_code)
    if scope is not None:
        connection.execute(text(_PAYMENTS), {**scope, "journal_id": journal_id})


def announce_file(
    connection: Connection, municipality_code: str, file_id: int, status: str
) -> None:
    """資料の保留と保留解除の外部通知: ``status`` is what has just become of the file."""
    scope = _scope(connection, municipality_code)
    if scope is None:
        return
    scope |= {"file_id": file_id, "state": status}
    said = connection.execute(text(_SAID), scope).scalar_one_or_none()
    if said == status or (said is None and status == _ACCEPTED):
        return
    kind = "file.released" if status == _ACCEPTED else "file.quarantined"
    connection.execute(text(_FILE), {**scope, "kind": kind})


def announce_closure(connection: Connection, municipality_code: str, closure_no: int) -> None:
    """締め・締め解除の外部通知."""
    scope = _scope(connection, municipality_code)
    if scope is not None:
        connection.execute(text(_CLOSURE), {**scope, "closure_no": closure_no})


def _scope(connection: Connection, municipality_code: str) -> dict[str, Any] | None:
    """What every event of this transaction shares; None where nobody has ever subscribed."""
    scope: dict[str, Any] = {"m": municipality_code}
    if connection.execute(text(_STARTED), scope).first() is None:
        return None
    last = connection.execute(text(_LAST), scope).scalar_one()
    return {**scope, "last": int(last), "token": secrets.token_hex(4), "now": _now()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")

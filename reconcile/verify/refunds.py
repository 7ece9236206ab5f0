"""検算・還付: every refund follows from two people and its reason, every file from its rows.

Interest is worked out once more from the reason, its days and the day of the decision; the postings
from what has happened to each refund; the file of every batch from its frozen rows. Nothing here is
shared with what carried it out but the calculators and the form of the file.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from payments.domain.accrual import LeftOut
from payments.domain.errors import KokinError
from payments.domain.overpayment import OverpaymentReason, interest_from
from payments.domain.refund_interest import refund_interest
from payments.store.engine import keys_of
from payments.store.known_keys import open_piece
from reconcile.formats.zengin_transfer import Order, Transfer, write
from reconcile.verify.walk import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.verify.walk import Store

_REFUNDS = """
SELECT x.refund_no, x.approval_id, x.file_id, x.line_no, x.notice_id, x.term, x.amount_yen,
    x.interest_yen, CAST(x.interest_from_on AS VARCHAR(10)) AS begins,
    CAST(x.decided_on AS VARCHAR(10)) AS decided, CAST(x.out_from_on AS VARCHAR(10)) AS out_first,
    CAST(x.out_until AS VARCHAR(10)) AS out_last, x.account_no, x.asked_by, x.decided_by,
    x.obligor_no, c.reason, CAST(c.paid_on AS VARCHAR(10)) AS paid,
    CAST(c.event_on AS VARCHAR(10)) AS event_day, CAST(c.corrected_on AS VARCHAR(10)) AS corrected,
    c.subject, p.obligor_no AS payee, r.amount_yen AS came_yen
FROM refund x
LEFT JOIN overpayment c ON c.municipality_code = :m AND c.overpayment_no = x.overpayment_no
LEFT JOIN payee_account p ON p.municipality_code = :m AND p.account_no = x.account_no
LEFT JOIN receipt r ON r.municipality_code = :m AND r.file_id = x.file_id
 AND r.line_no = x.line_no
WHERE x.municipality_code = :m ORDER BY x.refund_no"""
_APPROVED = """
SELECT approval_id, kind, subject, content_json, asked_by, decided_by FROM approval
WHERE municipality_code = :m AND decision = 'approved'
  AND kind IN ('refund', 'refund_cancel', 'refund_batch', 'refund_batch_withdraw')"""
_EVENTS = """
SELECT refund_no, event_no, event, batch_no, file_id, line_no, journal_id FROM refund_event
WHERE municipality_code = :m ORDER BY refund_no, event_no"""
_POSTINGS = """
SELECT subject_line_no AS refund_no, journal_id, debit_account, credit_account, reason, amount_yen
FROM posting WHERE municipality_code = :m
  AND reason IN ('refund_decided', 'refund_cancelled', 'refund_paid', 'refund_returned')
ORDER BY subject_line_no, journal_id, leg"""
_BATCHES = """
SELECT batch_no, count, amount_yen, interest_yen, file_sha256, order_json FROM refund_batch
WHERE municipality_code = :m ORDER BY batch_no"""
_BATCH_LINES = """
SELECT l.refund_no, l.attempt, l.amount_yen, l.interest_yen, l.text_no, s.key_id, s.data,
    x.amount_yen AS refund_yen, x.interest_yen AS bears_yen
FROM refund_batch_line l
LEFT JOIN refund x ON x.municipality_code = :m AND x.refund_no = l.refund_no
LEFT JOIN sealed_text s ON s.municipality_code = :m AND s.text_no = l.text_no
WHERE l.municipality_code = :m AND l.batch_no = :batch_no ORDER BY l.line_no"""
_RELEASED = """
SELECT e.batch_no, e.approval_id FROM refund_batch_event e
WHERE e.municipality_code = :m AND e.event = 'released' ORDER BY e.batch_no"""
_BATCH_EVENTS = """
SELECT batch_no, event, approval_id FROM refund_batch_event
WHERE municipality_code = :m ORDER BY batch_no, event_no"""
_SENT = "SELECT refund_no, attempt, batch_no FROM refund_sent WHERE municipality_code = :m"
# What may follow what; a refund begins with its decision.
_NEXT = {
    "": {"decided"},
    "decided": {"sent", "payee_changed", "cancelled"},
    "sent": {"paid", "withdrawn"},
    "withdrawn": {"sent", "payee_changed", "cancelled"},
    "paid": {"returned"},
    "returned": {"payee_changed", "cancelled"},
    "payee_changed": {"sent", "payee_changed", "cancelled"},
    "cancelled": set(),
}
# Debit, credit and reason of the principal by what happened.
_BOOKED = {
    "decided": ("suspense", "refund_due", "refund_decided"),
    "cancelled": ("refund_due", "suspense", "refund_cancelled"),
    "paid": ("refund_due", "outgoing", "refund_paid"),
    "returned": ("unidentified", "refund_due", "refund_returned"),
}

Money = tuple[int, str, str, str, int]  # journal, debit, credit, reason, yen


def refunds(store: Store) -> Iterator[Difference]:
    """還付の検算."""
    approved = {row.approval_id: row for row in store.rows(_APPROVED)}
    events: dict[int, list[Any]] = defaultdict(list)
    for row in store.rows(_EVENTS):
        events[row.refund_no].append(row)
    booked: dict[int, list[Money]] = defaultdict(list)
    for row in store.rows(_POSTINGS):
        booked[row.refund_no].append(tuple(row[1:]))
    kept = list(events.values())
    rows = list(store.rows(_REFUNDS))
    gone = {number for number, some in events.items() if some[-1].event == "cancelled"}
    yield from _paid_before([row for row in rows if row.refund_no not in gone], approved)
    for row in rows:
        yield from _refund(row, approved.get(row.approval_id))
        yield from _history(row, events.pop(row.refund_no, []), booked.pop(row.refund_no, []))
    for number in sorted(events.keys() | booked.keys()):
        yield Difference("refund_booking", f"refund:{number}", "refund", "")
    done = {row.approval_id for row in rows}
    for number, approval in sorted(approved.items()):
        if approval.kind == "refund" and number not in done:
            yield Difference("refund", f"approval:{number}", "refund", "")
    stopped = [(row.batch_no, row.refund_no) for some in kept for row in some
               if row.event == "withdrawn"]  # fmt: skip
    yield from _batches(store, approved)
    yield from _withdrawn(store, approved, stopped)


def _refund(row: Any, approval: Any) -> Iterator[Difference]:
    """One refund against its approval, and its interest against its reason."""
    subject = f"refund:{row.refund_no}"
    if approval is None or approval.asked_by == approval.decided_by or row.payee != row.obligor_no:
        found = "" if approval is None else f"{approval.asked_by} {approval.decided_by}"
        yield Difference("refund", subject, f"approval:{row.approval_id}", found)
        return
    said = json.loads(approval.content_json)
    names = ("subject", "amount_yen", "interest_yen", "account_no")
    expected = [said[name] for name in names]
    found_ = [row.subject, row.amount_yen, row.interest_yen, row.account_no]
    if expected != found_:
        yield Difference("refund", subject, str(expected), str(found_))
    bears = said.get("bears", ())
    begins, interest_yen = _worked_out(row, bears)
    interest_yen -= said.get("paid_before_yen", 0)
    borne_yen = sum(each["amount_yen"] for each in bears)
    if row.came_yen is not None and borne_yen > row.came_yen:
        yield Difference("refund_interest", subject, str(row.came_yen), str(borne_yen))
    if (row.begins, row.interest_yen) != (begins, interest_yen):
        yield Difference(
            "refund_interest",
            subject,
            f"{begins} {interest_yen}",
            f"{row.begins} {row.interest_yen}",
        )


def _paid_before(rows: list[Any], approved: dict[int, Any]) -> Iterator[Difference]:
    """No more is taken off than was paid for what was appropriated before (and undone since)."""
    paid: dict[str, int] = defaultdict(int)
    for row in rows:
        if row.approval_id not in approved:
            continue
        said = json.loads(approved[row.approval_id].content_json)
        less_yen = said.get("paid_before_yen", 0)
        if less_yen > paid[row.subject]:
            found = str(less_yen)
            yield Difference(
                "refund_interest", f"refund:{row.refund_no}", str(paid[row.subject]), found
            )
        paid[row.subject] -= less_yen
        paid[row.subject] += sum(each["interest_yen"] for each in said.get("bears", ()))


def _worked_out(row: Any, bears: Sequence[dict[str, Any]]) -> tuple[str, int]:
    """加算の始まり and 還付加算金 once more; ``bears`` are the sums that were appropriated."""
    names = ("event_day", "corrected", "out_first", "out_last")
    days = {name: date.fromisoformat(day) for name in names if (day := getattr(row, name))}
    try:
        begins = interest_from(
            OverpaymentReason(row.reason),
            date.fromisoformat(row.paid),
            event_on=days.get("event_day"),
            corrected_on=days.get("corrected"),
        )
        left_out = [LeftOut(days["out_first"], days["out_last"])] if "out_first" in days else []
        sums = [(each["amount_yen"], each["ends_on"]) for each in bears]
        interest_yen = sum(
            refund_interest(yen, begins, date.fromisoformat(ends), left_out=left_out).interest_yen
            for yen, ends in sums or [(row.amount_yen, row.decided)]
        )
    except (KokinError, ValueError, TypeError) as error:
        return str(error), 0
    return begins.isoformat(), interest_yen


def _history(row: Any, events: list[Any], booked: list[Money]) -> Iterator[Difference]:
    """What happened in an order that can be, and just the postings that this leads to."""
    subject = f"refund:{row.refund_no}"
    before, expected = "", list[Money]()
    for event in events:
        if event.event not in _NEXT[before]:
            yield Difference("refund_event", subject, "/".join(sorted(_NEXT[before])), event.event)
        before = event.event
        if before in _BOOKED and row.amount_yen:  # interest alone has no principal
            expected.append((event.journal_id, *_BOOKED[before], row.amount_yen))
        if before == "returned" and row.interest_yen:
            journal_id = event.journal_id
            reason = "refund_returned"
            expected.append((journal_id, "unidentified", "outgoing", reason, row.interest_yen))
    if sorted(expected) != sorted(booked):
        yield Difference("refund_booking", subject, str(sorted(expected)), str(sorted(booked)))


def _batches(store: Store, approved: dict[int, Any]) -> Iterator[Difference]:
    """Every batch: its totals, its file once more, and that nothing was sent without two people."""
    attempts: dict[int, set[tuple[int, int]]] = {}
    for row in list(store.rows(_BATCHES)):
        subject = f"batch:{row.batch_no}"
        found = list(store.rows(_BATCH_LINES, batch_no=row.batch_no))
        attempts[row.batch_no] = {(line.refund_no, line.attempt) for line in found}
        sums = (
            len(found),
            sum(line.amount_yen for line in found),
            sum(line.interest_yen for line in found),
        )
        if sums != tuple(row[1:4]):
            yield Difference("refund_batch", subject, str(sums), str(tuple(row[1:4])))
        if any((line.refund_yen, line.bears_yen) != (line.amount_yen, line.interest_yen)
               for line in found):  # fmt: skip
            yield Difference("refund_batch", subject, "refund", "amount")
        digest = _file(store, row, found)
        if digest != row.file_sha256:
            yield Difference("refund_file", subject, row.file_sha256, digest)
    sent: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for row in store.rows(_SENT):
        sent[row.batch_no].add((row.refund_no, row.attempt))
    released = {row.batch_no: row.approval_id for row in store.rows(_RELEASED)}
    for batch_no in sorted(sent.keys() | released.keys()):
        approval = approved.get(released.get(batch_no, 0))
        two = approval is not None and approval.asked_by != approval.decided_by
        if not two or sent[batch_no] != attempts.get(batch_no, set()):
            yield Difference(
                "refund_sent", f"batch:{batch_no}", str(sorted(attempts.get(batch_no, ()))),
                str(sorted(sent[batch_no])),
            )  # fmt: skip


def _withdrawn(
    store: Store, approved: dict[int, Any], stopped: list[tuple[int, int]]
) -> Iterator[Difference]:
    """Every batch that was withdrawn: by two people, unpaid, for good, with all that was sent."""
    events: dict[int, list[Any]] = defaultdict(list)
    for row in store.rows(_BATCH_EVENTS):
        events[row.batch_no].append(row)
    ended = {no: some[-1] for no, some in events.items() if some[-1].event == "withdrawn"}
    done = set()
    for batch_no, some in events.items():
        names = [row.event for row in some]
        if "withdrawn" not in names:
            continue
        number = next(row.approval_id for row in some if row.event == "withdrawn")
        approval = approved.get(number or 0)
        done.add(number)
        right = (
            approval is not None
            and approval.kind == "refund_batch_withdraw"
            and approval.asked_by != approval.decided_by
            and json.loads(approval.content_json)["batch_no"] == batch_no
        )
        if not right or names.count("withdrawn") != 1 or batch_no not in ended or "paid" in names:
            yield Difference(
                "refund_withdrawn", f"batch:{batch_no}", "refund_batch_withdraw", ", ".join(names)
            )
    sent = {(row.batch_no, row.refund_no) for row in store.rows(_SENT) if row.batch_no in ended}
    if sorted(sent) != sorted(stopped):
        yield Difference("refund_withdrawn", "refund", str(sorted(sent)), str(sorted(stopped)))
    for number, approval in sorted(approved.items()):
        if approval.kind == "refund_batch_withdraw" and number not in done:
            yield Difference("refund_withdrawn", f"approval:{number}", "withdrawn", "")


def _file(store: Store, row: Any, lines: list[Any]) -> str:
    """The hash of the file, written once more from its rows."""
    keys, code = keys_of(store.connection), store.profile.municipality_code
    try:
        transfers = [
            Transfer(
                **json.loads(
                    open_piece(
                        keys,
                        line.key_id,
                        bytes(line.data),
                        f"sealed_text|{code}|{line.text_no}".encode(),
                    )
                )
            )
            for line in lines
        ]
        said = json.loads(row.order_json)
        said |= {"transfer_on": date.fromisoformat(said["transfer_on"]), "transfers": transfers}
        return sha256(write([Order(**said)])).hexdigest()
    except (KokinError, ValueError, TypeError) as error:
        return type(error).__name__

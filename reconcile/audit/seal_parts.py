"""封印する表: which rows stand under a seal, in which order, and in which form.

The form of a row is described in :mod:`reconcile.audit.seal`. Seals are for ever: a column is
never added to a part, nor is its order changed; what is new gets a part of its own.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

BLOCK_ROWS = 256
_AT_ONCE = 20 * BLOCK_ROWS

_JOURNALS = (
    "j.municipality_code = :m AND j.journal_id > :after_journal AND j.journal_id <= :journal_id"
)
_ENTRIES = (
    "e.municipality_code = :m AND e.entry_no > :after_entry AND e.entry_no <= :entry_no "
    "AND e.kind = '{kind}'"
)
_OUTCOME = (
    "o.file_id, o.line_no, o.revision, o.outcome, o.rule, o.applied_yen, o.suspense_yen, "
    "o.slip_id, o.partner_file_id, o.partner_line_no, o.journal_id"
)


class Part(NamedTuple):
    """封印する表: its rows under a seal, in their order; ``yen`` are the columns to add up."""

    name: str
    columns: tuple[str, ...]
    statement: str
    yen: tuple[int, ...] = ()
    on_sqlite: str = ""  # the rows as texts with their yen, where these are many


def _part(name: str, columns: str, source: str, yen: tuple[int, ...] = ()) -> Part:
    names = tuple(c.split(" AS ")[-1].split(".")[-1].strip() for c in columns.split(", "))
    return Part(name, names, f"SELECT {columns} FROM {source}", yen)


def _many(name: str, columns: str, source: str, yen: tuple[int, ...]) -> Part:
    """A part of numbers and codes only: SQLite writes its JSON in half the time (seals.py)."""
    part = _part(name, columns, source, yen)
    amount = " + ".join(columns.split(", ")[column] for column in yen)
    return part._replace(on_sqlite=f"SELECT json_array({columns}), {amount} FROM {source}")


def _entered(kind: str, columns: str, table: str, key: str) -> Part:
    """The rows that entries of one kind stand for, in the order of the entries."""
    source = (
        f"seal_entry e JOIN {table} t ON t.municipality_code = :m AND {key} "
        f"WHERE {_ENTRIES.format(kind=kind)} ORDER BY e.entry_no"
    )
    return _part(kind, f"e.entry_no, {columns}", source)


_BY_ID = "t.{name} = e.subject_id"
_BY_EVENT = "t.{name} = e.subject_id AND t.event_no = e.part_no"
PARTS: tuple[Part, ...] = (
    _part(
        "journal",
        "j.journal_id, j.kind, j.file_id, CAST(j.booked_on AS VARCHAR(10)) AS booked_on, "
        "j.made_at, j.actor, j.reason",
        f"journal j WHERE {_JOURNALS} ORDER BY j.journal_id",
    ),
    _many(
        "posting",
        "j.journal_id, j.subject_file_id, j.subject_line_no, j.leg, j.debit_account, "
        "j.credit_account, j.amount_yen, j.reason, j.notice_id, j.term, j.group_id",
        f"posting j WHERE {_JOURNALS} "
        "ORDER BY j.journal_id, j.subject_file_id, j.subject_line_no, j.leg",
        (6,),
    ),
    # The first outcome of a line is decided by the journal of its own file.
    _many(
        "line_outcome",
        _OUTCOME,
        "journal j JOIN line_outcome o ON o.municipality_code = :m AND o.file_id = j.file_id "
        f"AND o.revision = 1 WHERE {_JOURNALS} ORDER BY j.journal_id, o.line_no",
        (5, 6),
    ),
    _many(
        "line_outcome_again",
        _OUTCOME,
        f"line_outcome o WHERE {_JOURNALS.replace('j.', 'o.')} AND o.revision > 1 "
        "ORDER BY o.journal_id, o.file_id, o.line_no, o.revision",
        (5, 6),
    ),
    _part(
        "assessment_event",
        "a.file_id, a.line_no, a.kind, a.notice_id, a.term, a.amount_yen, a.flags, a.content, "
        "a.outcome",
        "journal j JOIN assessment_event a ON a.municipality_code = :m AND a.file_id = j.file_id "
        f"WHERE {_JOURNALS} ORDER BY j.journal_id, a.line_no",
        (5,),
    ),
    _entered(
        "file", "t.file_id, t.sha256, t.size_bytes, t.taken_in_at", "source_file",
        _BY_ID.format(name="file_id"),
    ),
    _entered(
        "case_event",
        "t.case_no, t.event_no, CAST(t.happened_on AS VARCHAR(10)) AS happened_on, t.actor, "
        "t.event, t.note",
        "case_event", _BY_EVENT.format(name="case_no"),
    ),
    _entered(
        "slip_event",
        "t.slip_id, t.event_no, t.kind, t.happened_at, t.actor, t.reason, t.other_slip_id",
        "slip_event", _BY_EVENT.format(name="slip_id"),
    ),
    _entered(
        "approval_asked",
        "t.approval_id, t.kind, t.subject, t.content_json, t.content_sha256, t.reason, "
        "t.asked_by, t.asked_at",
        "approval", _BY_ID.format(name="approval_id"),
    ),
    _entered(
        "approval_decided",
        "t.approval_id, t.decision, t.decided_by, t.decided_at, t.note, t.content_sha256",
        "approval", _BY_ID.format(name="approval_id"),
    ),
    _entered(
        "day_closure",
        "t.closure_no, t.period, t.event, CAST(t.ends_on AS VARCHAR(10)) AS ends_on, "
        "CAST(t.closed_until AS VARCHAR(10)) AS closed_until, t.closed_year, t.journal_id, "
        "t.report_sha256, t.approval_id, t.asked_by, t.decided_by, t.reason, t.made_at",
        "day_closure", _BY_ID.format(name="closure_no"),
    ),
    _entered(
        "placement",
        "t.placement_no, t.approval_id, t.file_id, t.line_no, t.journal_id, t.made_at",
        "placement", _BY_ID.format(name="placement_no"),
    ),
    _entered(
        "placement_part", "t.placement_no, t.part_no, t.notice_id, t.term, t.amount_yen",
        "placement_part", "t.placement_no = e.subject_id AND t.part_no = e.part_no",
    ),
    _entered(
        "link_block",
        "t.block_no, t.file_id, t.line_no, t.notice_id, t.term, t.group_id, t.approval_id, "
        "t.made_at",
        "link_block", _BY_ID.format(name="block_no"),
    ),
    _entered(
        "payer_alias",
        "t.alias_no, t.event, t.payer_folded, t.obligor_no, t.approval_id, "
        "CAST(t.happened_on AS VARCHAR(10)) AS happened_on, "
        "CAST(t.expires_on AS VARCHAR(10)) AS expires_on, t.actor, t.reason",
        "payer_alias", _BY_ID.format(name="alias_no"),
    ),
    _entered(
        "carry_run",
        "t.carry_no, t.event, t.from_year, t.to_year, t.reverses_no, t.count, t.amount_yen, "
        "t.rows_sha256, CAST(t.booked_on AS VARCHAR(10)) AS booked_on, t.journal_id, "
        "t.closure_no, t.actor, t.made_at",
        "carry_run", _BY_ID.format(name="carry_no"),
    ),
    _entered(
        "hold_event",
        "t.hold_no, t.event_no, t.event, t.notice_id, t.term, t.kind, "
        "CAST(t.from_on AS VARCHAR(10)) AS from_on, CAST(t.until_on AS VARCHAR(10)) AS until_on, "
        "t.reason, t.actor, t.made_at",
        "hold_event", _BY_EVENT.format(name="hold_no"),
    ),
    _entered(
        "payee_account_event", "t.account_no, t.event_no, t.event, t.actor, t.note, t.made_at",
        "payee_account_event", _BY_EVENT.format(name="account_no"),
    ),
    _entered(
        "overpayment",
        "t.overpayment_no, t.subject, t.file_id, t.line_no, t.notice_id, t.term, t.obligor_no, "
        "t.reason, CAST(t.paid_on AS VARCHAR(10)) AS paid_on, "
        "CAST(t.arose_on AS VARCHAR(10)) AS arose_on, CAST(t.event_on AS VARCHAR(10)) AS event_on, "
        "CAST(t.corrected_on AS VARCHAR(10)) AS corrected_on, "
        "CAST(t.interest_from_on AS VARCHAR(10)) AS interest_from_on, t.note, t.actor, t.made_at",
        "overpayment", _BY_ID.format(name="overpayment_no"),
    ),
    _entered(
        "refund",
        "t.refund_no, t.approval_id, t.overpayment_no, t.file_id, t.line_no, t.notice_id, t.term, "
        "t.obligor_no, t.amount_yen, t.interest_yen, "
        "CAST(t.interest_from_on AS VARCHAR(10)) AS interest_from_on, "
        "CAST(t.decided_on AS VARCHAR(10)) AS decided_on, "
        "CAST(t.out_from_on AS VARCHAR(10)) AS out_from_on, "
        "CAST(t.out_until AS VARCHAR(10)) AS out_until, t.account_no, t.journal_id, t.asked_by, "
        "t.decided_by, t.made_at",
        "refund", _BY_ID.format(name="refund_no"),
    ),
    _entered(
        "refund_event",
        "t.refund_no, t.event_no, t.event, CAST(t.happened_on AS VARCHAR(10)) AS happened_on, "
        "t.batch_no, t.account_no, t.file_id, t.line_no, t.journal_id, t.actor, t.note, t.made_at",
        "refund_event", _BY_EVENT.format(name="refund_no"),
    ),
    _entered(
        "refund_batch",
        "t.batch_no, CAST(t.transfer_on AS VARCHAR(10)) AS transfer_on, t.account_key, "
        "t.build_no, t.order_json, t.count, t.amount_yen, t.interest_yen, t.file_sha256, "
        "t.difference_json, t.reason, t.built_by, t.made_at",
        "refund_batch", _BY_ID.format(name="batch_no"),
    ),
    _entered(
        "refund_batch_line",
        "t.batch_no, t.line_no, t.refund_no, t.attempt, t.account_no, t.amount_yen, "
        "t.interest_yen, t.text_no",
        "refund_batch_line", "t.batch_no = e.subject_id AND t.line_no = e.part_no",
    ),
    _entered(
        "refund_batch_event",
        "t.batch_no, t.event_no, t.event, t.approval_id, t.file_id, t.line_no, t.actor, t.note, "
        "t.made_at",
        "refund_batch_event", _BY_EVENT.format(name="batch_no"),
    ),
    _entered(
        "debit_account",
        "t.entry_no, t.obligor_no, t.item_code, t.event, "
        "CAST(t.from_on AS VARCHAR(10)) AS from_on, t.bank_code, t.branch_code, t.account_type, "
        "t.text_no, t.file_id, t.reason, t.actor, t.made_at",
        "debit_account", _BY_ID.format(name="entry_no"),
    ),
    _entered(
        "debit_batch",
        "t.batch_no, CAST(t.debit_on AS VARCHAR(10)) AS debit_on, t.bank_code, t.round, "
        "t.first_batch_no, t.replaces_no, CAST(t.due_from_on AS VARCHAR(10)) AS due_from_on, "
        "t.head_json, t.left_json, t.count, t.amount_yen, t.file_sha256, t.size_bytes, "
        "t.built_at, t.actor, t.approval_id, t.reason",
        "debit_batch", _BY_ID.format(name="batch_no"),
    ),
    _entered(
        "debit_event",
        "t.batch_no, t.event_no, t.event, t.made_at, t.actor, t.reason, t.approval_id, "
        "t.file_sha256, t.count, t.amount_yen",
        "debit_event", _BY_EVENT.format(name="batch_no"),
    ),
    _entered(
        "dunning_list",
        "t.list_no, CAST(t.as_of_on AS VARCHAR(10)) AS as_of_on, "
        "CAST(t.cut_off_on AS VARCHAR(10)) AS cut_off_on, t.terms_json, t.journal_id, t.file_id, "
        "t.row_count, t.listed_count, t.listed_yen, t.rows_sha256, t.files_sha256, t.despite_id, "
        "t.actor, t.made_at",
        "dunning_list", _BY_ID.format(name="list_no"),
    ),
    _entered(
        "dunning_event",
        "t.list_no, t.event_no, t.event, CAST(t.happened_on AS VARCHAR(10)) AS happened_on, "
        "t.made_at, t.actor, t.journal_id, t.letters, t.subject_no, t.rows_sha256, t.reason",
        "dunning_event", _BY_EVENT.format(name="list_no"),
    ),
    _entered(
        "dunning_recheck",
        "t.recheck_no, t.obligor_no, CAST(t.asked_on AS VARCHAR(10)) AS asked_on, "
        "CAST(t.cut_off_on AS VARCHAR(10)) AS cut_off_on, t.journal_id, t.result, t.found_json, "
        "t.actor, t.made_at",
        "dunning_recheck", _BY_ID.format(name="recheck_no"),
    ),
    _entered(
        "charge_waiver",
        "t.waiver_no, t.event, t.withdraws_no, t.notice_id, t.term, t.kind, t.amount_yen, "
        "CAST(t.from_on AS VARCHAR(10)) AS from_on, CAST(t.until_on AS VARCHAR(10)) AS "
        "until_on, t.approval_id, t.made_at",
        "charge_waiver", _BY_ID.format(name="waiver_no"),
    ),
    _entered(
        "payment_plan",
        "t.plan_no, t.obligor_no, CAST(t.agreed_on AS VARCHAR(10)) AS agreed_on, "
        "t.amount_yen, t.approval_id, t.actor, t.reason, t.made_at",
        "payment_plan", _BY_ID.format(name="plan_no"),
    ),
    _entered(
        "payment_plan_part",
        "t.plan_no, t.part_no, CAST(t.due_on AS VARCHAR(10)) AS due_on, t.notice_id, t.term, "
        "t.amount_yen, t.slip_id",
        "payment_plan_part", "t.plan_no = e.subject_id AND t.part_no = e.part_no",
    ),
    _entered(
        "payment_plan_event",
        "t.plan_no, t.event_no, t.event, CAST(t.happened_on AS VARCHAR(10)) AS happened_on, "
        "t.reason, t.actor, t.made_at",
        "payment_plan_event", _BY_EVENT.format(name="plan_no"),
    ),
    _entered(
        "write_off",
        "t.write_off_no, t.event, t.reverses_no, t.notice_id, t.term, t.amount_yen, t.ground, "
        "CAST(t.extinguished_on AS VARCHAR(10)) AS extinguished_on, t.approval_id, "
        "t.journal_id, t.leg, t.made_at",
        "write_off", _BY_ID.format(name="write_off_no"),
    ),
    _entered(
        "limitation_event",
        "t.event_no, t.notice_id, t.term, t.kind, t.cause, CAST(t.from_on AS VARCHAR(10)) AS "
        "from_on, CAST(t.until_on AS VARCHAR(10)) AS until_on, t.reason, t.actor, t.made_at",
        "limitation_event", _BY_ID.format(name="event_no"),
    ),
)  # fmt: skip


def part_rows(
    connection: Connection, part: Part, scope: dict[str, Any]
) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a part, whole blocks at a time."""
    found = connection.execute(
        text(part.statement), scope, execution_options={"yield_per": _AT_ONCE}
    )
    for portion in found.partitions(_AT_ONCE):
        yield [tuple(row) for row in portion]


def row_texts(
    rows: Sequence[Sequence[Any]], instants: Callable[[datetime], str] | None = None
) -> list[str]:
    """行の正規形: every row as the text whose digest is sealed.

    ``instants``: in which words, :func:`of_server` unless told otherwise.
    """
    texts = as_json(rows, instants)[2:-2].split("],[")
    if len(texts) != len(rows):  # somebody's words contain the very same signs
        texts = [as_json(row, instants)[1:-1] for row in rows]
    return texts


def as_json(value: object, instants: Callable[[datetime], str] | None = None) -> str:
    """正規形: JSON without spaces."""
    plain = partial(_plain, instants=instants or of_server)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=plain)


def of_server(instant: datetime) -> str:
    """時刻 as what is sealed on PostgreSQL says it."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def of_file(instant: datetime) -> str:
    """時刻 as it stands in a file of SQLite, and under the seals that were made over that file."""
    plain = instant.astimezone(UTC).replace(tzinfo=None)
    return plain.isoformat(sep=" ", timespec="microseconds")


def _plain(value: object, instants: Callable[[datetime], str]) -> str:
    """Bytes as hexadecimal digits, an instant in UTC."""
    if isinstance(value, datetime):
        return instants(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    message = f"{type(value).__name__} has no canonical form"
    raise TypeError(message)

"""振替結果の突合: what came back of each batch, bank by bank (T8).

A result is matched to the row that asked for it by day, bank and 顧客番号. Requested = paid +
failed, or something is missing; a result that nobody asked for is counted apart: once, with the
first of the batches of that day and bank, of which there may be two (初回 and 再振替).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, text

from payments.domain.calendars import add_business_days
from payments.store.lookups import rows_about
from reconcile.debit.batches import Head

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import Connection

    from reconcile.debit.batches import Batch, Row

PAID, MISSING, UNLIKE = "0", "", "?"
# A file names its day without a year: it is that of the newest such day (zengin_common).
LOOKED_BACK = timedelta(days=100)
_EARLY, _LATE = timedelta(days=7), timedelta(days=300)
# CROSS JOIN: SQLite begins with the files of these days, not with every line there ever was.
_LINES = """
SELECT l.slip_key, l.amount_yen, l.kind, l.file_id, l.line_no FROM source_file f
CROSS JOIN source_line l
WHERE f.municipality_code = :m AND f.status = 'accepted' AND f.channel = 'debit'
    AND f.received_on BETWEEN :begin AND :end
    AND l.municipality_code = :m AND l.file_id = f.file_id
    AND l.remittance_ref = :ref AND l.identity LIKE :consignor
ORDER BY l.file_id, l.line_no"""
# The same of a few rows, by what their lines are known by (reconcile.formats.debit_result): the
# plus signs keep SQLite from walking through all lines there are to have them in order.
_OF_SOME = """
SELECT l.slip_key, l.amount_yen, l.kind, l.file_id, l.line_no FROM source_line l
CROSS JOIN source_file f
WHERE l.municipality_code = :m AND l.identity IN :some
    AND f.municipality_code = :m AND f.file_id = l.file_id
    AND f.status = 'accepted' AND f.channel = 'debit'
    AND CAST(f.received_on AS VARCHAR(10)) BETWEEN '{begin}' AND '{end}'
ORDER BY +l.file_id, +l.line_no"""
_ANSWERED = f"""
SELECT COUNT(*) AS number, SUM(a.amount_yen) AS yen FROM (
    SELECT q.slip_key, q.amount_yen, ROW_NUMBER() OVER (
        PARTITION BY q.slip_key ORDER BY q.file_id, q.line_no) AS turn
    FROM ({_LINES.rpartition("ORDER BY")[0]}) q) a
WHERE a.turn = 1"""
# Where the bank has another batch on that day, each result counts for the batch that asked for it.
_ASKED_BY = """(EXISTS (SELECT 1 FROM debit_row w WHERE w.municipality_code = :m
    AND w.batch_no {which} AND w.customer_no = a.slip_key))"""
_MINE = _ASKED_BY.format(which="= :batch_no")
_NOT_THEIRS = f"NOT {_ASKED_BY.format(which='IN :others')}"
_ROWS = """
SELECT customer_no, row_no, notice_id, term, amount_yen FROM debit_row
WHERE municipality_code = :m AND batch_no = :batch_no ORDER BY row_no"""
# All batches in force of a day and bank: those that were sent before others, the first round first.
_BESIDE = """
SELECT b.batch_no, b.head_json FROM debit_batch b
LEFT JOIN debit_event e ON e.municipality_code = :m AND e.batch_no = b.batch_no AND e.event = 'sent'
WHERE b.municipality_code = :m AND b.debit_on = :debit_on AND b.bank_code = :bank_code
    AND b.in_force
ORDER BY CASE WHEN e.event_no IS NULL THEN 1 ELSE 0 END, b.round, b.batch_no"""
_SENT_BATCHES = """
SELECT b.batch_no FROM debit_batch b WHERE b.municipality_code = :m AND b.in_force
    AND b.debit_on <= :last AND b.debit_on >= :first AND EXISTS (SELECT 1 FROM debit_event e
        WHERE e.municipality_code = :m AND e.batch_no = b.batch_no AND e.event = 'sent')
ORDER BY b.batch_no"""


Pot = tuple[int, int]  # 件数, 円


class Result(NamedTuple):
    """結果の一行: what became of a row; ``code`` "" when nothing came, "?" with another amount."""

    row_no: int
    notice_id: int
    term: str
    customer_no: str
    amount_yen: int
    code: str
    file_id: int | None
    line_no: int | None


class Sums(NamedTuple):
    """束の結果 in sums, as :class:`Outcome`."""

    paid: Pot
    failed: Pot
    missing: Pot
    strange: Pot

    @property
    def came(self) -> bool:
        """Whether any result came."""
        return bool(self.paid[0] or self.failed[0] or self.strange[0])

    @property
    def agrees(self) -> bool:
        """請求 = 振替済 + 振替不能."""
        return not self.missing[0] and not self.strange[0]


@dataclass(frozen=True, slots=True)
class Outcome:
    """束の結果: requested = paid + failed + missing; ``strange`` results nobody asked for."""

    requested: Pot
    paid: Pot
    failed: Pot
    missing: Pot
    strange: Pot
    by_code: dict[str, Pot]

    @property
    def sums(self) -> Sums:
        """What it comes to, without its codes."""
        return Sums(self.paid, self.failed, self.missing, self.strange)

    @property
    def came(self) -> bool:
        """Whether any result came."""
        return self.sums.came

    @property
    def agrees(self) -> bool:
        """請求 = 振替済 + 振替不能."""
        return self.sums.agrees


def results_of(connection: Connection, municipality_code: str, batch: Batch) -> list[Result]:
    """結果 of every row of a batch, in its order; then, with row 0, what nobody asked for."""
    came: dict[str, Any] = {}
    for row in connection.execute(text(_LINES), {"m": municipality_code, **_place(batch)}):
        # The first report of a debit counts; one that contradicts it is a case of its own.
        came.setdefault(str(row.slip_key), row)
    asked = connection.execute(text(_ROWS), {"m": municipality_code, "batch_no": batch.batch_no})
    found = [_result(row, came.pop(row.customer_no, None)) for row in asked]
    takes_strange, others = _beside(connection, municipality_code, batch)
    if not takes_strange:
        return found
    for other in others if came else ():
        theirs = connection.execute(text(_ROWS), {"m": municipality_code, "batch_no": other})
        for row in theirs:
            came.pop(row.customer_no, None)
    return found + [
        Result(
            0, 0, "", str(line.slip_key), int(line.amount_yen or 0), str(line.kind), line.file_id,
            line.line_no,
        )
        for line in came.values()
    ]  # fmt: skip


def results_of_rows(
    connection: Connection, municipality_code: str, batch: Batch, rows: Sequence[Row]
) -> list[Result]:
    """結果 of these rows of a batch alone, in their order: as :func:`results_of` says of them."""
    place = _place(batch)
    begin = f"{batch.head.consignor_code}|{place['ref']}|"
    came: dict[str, Any] = {}
    statement = _OF_SOME.format(begin=place["begin"], end=place["end"])  # two days of ours
    identities = [begin + row.customer_no for row in rows]
    for line in rows_about(connection, statement, municipality_code, identities):
        came.setdefault(str(line.slip_key), line)
    return [_result(row, came.get(row.customer_no)) for row in rows]


def _result(row: Any, line: Any) -> Result:
    """結果の一行: a row and the first line about it, if any came."""
    code = MISSING if line is None else str(line.kind)
    if line is not None and line.amount_yen != row.amount_yen:
        code = UNLIKE
    where = (None, None) if line is None else (line.file_id, line.line_no)
    return Result(
        row.row_no, row.notice_id, row.term, row.customer_no, row.amount_yen, code, *where
    )


def outcome_of(connection: Connection, municipality_code: str, batch: Batch) -> Outcome:
    """束の結果: the sums of :func:`results_of`."""
    sums: dict[str, list[int]] = {}
    strange = [0, 0]
    for result in results_of(connection, municipality_code, batch):
        pot = sums.setdefault(result.code, [0, 0]) if result.row_no else strange
        pot[0] += 1
        pot[1] += result.amount_yen
    none = [0, 0]
    failed = [pot for code, pot in sums.items() if code not in {PAID, MISSING, UNLIKE}]
    missing = [sums.get(MISSING, none), sums.get(UNLIKE, none)]
    return Outcome(
        (batch.count, batch.amount_yen),
        _sum([sums.get(PAID, none)]),
        _sum(failed),
        _sum(missing),
        _sum([strange]),
        {code: _sum([pot]) for code, pot in sorted(sums.items())},
    )


def answered(connection: Connection, municipality_code: str, batch: Batch) -> tuple[int, int]:
    """結果の件数と金額 of a batch: the first report of every debit, strange ones too."""
    takes_strange, others = _beside(connection, municipality_code, batch)
    statement = text(_ANSWERED)
    values: dict[str, Any] = {"m": municipality_code, **_place(batch)}
    if takes_strange and others:
        statement = text(f"{_ANSWERED} AND {_NOT_THEIRS}").bindparams(
            bindparam("others", others, expanding=True)
        )
    elif not takes_strange:
        statement = text(f"{_ANSWERED} AND {_MINE}")
        values["batch_no"] = batch.batch_no
    row = connection.execute(statement, values).one()
    return int(row.number), int(row.yen or 0)


def _beside(connection: Connection, municipality_code: str, batch: Batch) -> tuple[bool, list[int]]:
    """同じ日・銀行・委託者の束: whether this one tells what nobody asked for, and the others.

    One tells it, so that it is not counted twice; a batch that ended only where none is in force.
    """
    rows = connection.execute(
        text(_BESIDE),
        {
            "m": municipality_code,
            "debit_on": batch.debit_on.isoformat(),
            "bank_code": batch.bank_code,
        },
    )
    found = [
        int(row.batch_no)
        for row in rows
        if Head(*json.loads(row.head_json)).consignor_code == batch.head.consignor_code
    ]
    return not found or found[0] == batch.batch_no, [no for no in found if no != batch.batch_no]


def awaited_until(debit_on: date, result_days: int) -> date:
    """結果の予定日: the last day on which the result of a debit is in time."""
    return add_business_days(debit_on, result_days)


def sent_until(connection: Connection, municipality_code: str, last: date) -> list[int]:
    """送付済みの束: those in force whose day came within the last hundred days, by number."""
    first = (last - LOOKED_BACK).isoformat()
    found = connection.execute(
        text(_SENT_BATCHES),
        {"m": municipality_code, "first": first, "last": last.isoformat()},
    )
    return [int(number) for number in found.scalars()]


def _sum(pots: list[list[int]]) -> tuple[int, int]:
    return sum(pot[0] for pot in pots), sum(pot[1] for pot in pots)


def _place(batch: Batch) -> dict[str, str]:
    """Where the results of a batch stand (reconcile.formats.debit_result)."""
    return {
        "ref": f"{batch.debit_on.isoformat()}|{batch.bank_code}",
        "consignor": f"{batch.head.consignor_code}|%",
        "begin": (batch.debit_on - _EARLY).isoformat(),
        "end": (batch.debit_on + _LATE).isoformat(),
    }

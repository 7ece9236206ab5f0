"""突合: the named totals that must agree (T1–T11 of law.md 7.3), each with both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from reconcile.report_blocks import ASSESSED, RECEIVABLE

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from reconcile.report_arrivals import Arrival
    from reconcile.report_blocks import Cash, Group, LedgerRow

PAYMENT_CHANNELS = "('konbini', 'eltax', 'debit', 'notification')"
_IN_FORCE = (
    "NOT EXISTS (SELECT 1 FROM line_outcome later "
    "WHERE later.municipality_code = o.municipality_code AND later.file_id = o.file_id "
    "AND later.line_no = o.line_no AND later.revision > o.revision)"
)


@dataclass(frozen=True, slots=True)
class Check:
    """突合の一行: ``unit`` is 円 or 件; ``scope`` says whether it is of the day or of all books."""

    code: str
    left: int
    right: int
    unit: str = "円"
    scope: str = "day"

    @property
    def ok(self) -> bool:
        """Whether the two sides agree."""
        return self.left == self.right


def checks(
    connection: Connection,
    municipality_code: str,
    day: date,
    arrivals: tuple[Arrival, ...],
    cash: tuple[Cash, ...],
    groups: tuple[Group, ...],
    ledger: tuple[LedgerRow, ...],
) -> tuple[Check, ...]:
    """Every check that can be made today, in the order of the law page."""
    found = list(_t1(connection, municipality_code, day))
    awaited = [a for a in arrivals if a.state != "not_due"]
    found.append(Check("T2", sum(not a.red for a in awaited), len(awaited), "件"))
    due = [group for group in groups if group.remitted_on == day]
    found.append(
        Check(
            "T3",
            sum(group.confirmed_yen for group in due),
            sum(group.credited_yen + group.fee_yen for group in due),
        )
    )
    found.append(_t5(connection, municipality_code, day))
    found.append(_t6(connection, municipality_code, ledger))
    found.append(_t7(connection, municipality_code, ledger))
    found += [
        Check("T10", line.previous_closing_yen, line.opening_yen)
        for line in cash
        if line.previous_closing_yen is not None and line.opening_yen is not None
    ]
    found += [
        Check("cash", line.computed_yen, line.closing_yen)
        for line in cash
        if line.computed_yen is not None and line.closing_yen is not None
    ]
    found.append(_t11(connection, municipality_code, ledger))
    return tuple(found)


def balance(ledger: tuple[LedgerRow, ...], account: str) -> int:
    """Debit minus credit of an account over all postings."""
    return sum(
        row.amount_yen * ((row.debit == account) - (row.credit == account)) for row in ledger
    )


def _number(connection: Connection, sql: str, **values: object) -> int:
    return int(connection.execute(text(sql), values).scalar_one() or 0)


def _t1(connection: Connection, code: str, day: date) -> tuple[Check, Check]:
    """T1: the lines kept against the control totals of the files they came in."""
    of_files = connection.execute(
        text(
            "SELECT COALESCE(SUM(f.count), 0), COALESCE(SUM(f.amount_yen), 0) FROM source_file f "
            "WHERE f.municipality_code = :m AND f.received_on = :day AND f.status = 'accepted' "
            "AND f.channel IN ('konbini', 'eltax', 'debit', 'bank', 'advice', 'notification') "
            "AND f.nil_no = 0"
        ),
        {"m": code, "day": day.isoformat()},
    ).one()
    of_lines = connection.execute(
        text(
            "SELECT COUNT(*), COALESCE(SUM(l.amount_yen), 0) FROM source_file f "
            "JOIN source_line l ON l.municipality_code = f.municipality_code "
            "AND l.file_id = f.file_id WHERE f.municipality_code = :m AND f.received_on = :day "
            "AND f.status = 'accepted'"
        ),
        {"m": code, "day": day.isoformat()},
    ).one()
    return (
        Check("T1", int(of_lines[0]), int(of_files[0]), "件"),
        Check("T1", int(of_lines[1]), int(of_files[1])),
    )


def _t5(connection: Connection, code: str, day: date) -> Check:
    """T5: input = applied + suspense + what books nothing of its own.

    A line that books has applied + suspense = its amount; a confirmation, a repeat or a withdrawal
    has 0 and 0, and its money is accounted for by the line it refers to.
    """
    values = {"m": code, "day": day.isoformat()}
    input_yen = _number(
        connection,
        "SELECT SUM(l.amount_yen) FROM source_file f JOIN source_line l "
        "ON l.municipality_code = f.municipality_code AND l.file_id = f.file_id "
        "WHERE f.municipality_code = :m AND f.received_on = :day AND f.status = 'accepted' "
        f"AND f.channel IN {PAYMENT_CHANNELS}",
        **values,
    )
    accounted_yen = _number(
        connection,
        "SELECT SUM(CASE WHEN r.line_no IS NULL OR r.stage = 'withdrawn' THEN "
        "COALESCE(l.amount_yen, 0) ELSE o.applied_yen + o.suspense_yen END) "
        "FROM source_file f JOIN source_line l "
        "ON l.municipality_code = f.municipality_code AND l.file_id = f.file_id "
        "JOIN line_outcome o ON o.municipality_code = l.municipality_code "
        "AND o.file_id = l.file_id AND o.line_no = l.line_no "
        "LEFT JOIN receipt r ON r.municipality_code = l.municipality_code "
        "AND r.file_id = l.file_id AND r.line_no = l.line_no "
        "WHERE f.municipality_code = :m AND f.received_on = :day AND f.status = 'accepted' "
        f"AND f.channel IN {PAYMENT_CHANNELS} AND {_IN_FORCE}",
        **values,
    )
    return Check("T5", input_yen, accounted_yen)


def _t6(connection: Connection, code: str, ledger: tuple[LedgerRow, ...]) -> Check:
    """T6: what is reported and neither withdrawn nor confirmed = 速報未収 in the books."""
    waiting_yen = _number(
        connection,
        "SELECT SUM(amount_yen) FROM receipt WHERE municipality_code = :m "
        "AND stage = 'provisional'",
        m=code,
    )
    return Check("T6", waiting_yen, balance(ledger, "reported"), scope="all")


def _t7(connection: Connection, code: str, ledger: tuple[LedgerRow, ...]) -> Check:
    """T7: 調定 in the books = money applied by receipts + 収入未済 of the instalments."""
    assessed_yen = sum(
        row.amount_yen * ((row.credit == ASSESSED) - (row.debit == ASSESSED))
        for row in ledger
        if RECEIVABLE in {row.debit, row.credit}
    )
    applied_yen = _number(
        connection,
        "SELECT SUM(applied_yen) FROM receipt WHERE municipality_code = :m "
        "AND stage <> 'withdrawn'",
        m=code,
    )
    outstanding_yen = _number(
        connection,
        "SELECT SUM(amount_yen - term_yen - whole_yen) FROM instalment_account "
        "WHERE municipality_code = :m",
        m=code,
    )
    return Check("T7", assessed_yen, applied_yen + outstanding_yen, scope="all")


def _t11(connection: Connection, code: str, ledger: tuple[LedgerRow, ...]) -> Check:
    """T11: 不明入金 in the books = the credits that fit nothing."""
    deposits_yen = _number(
        connection,
        "SELECT SUM(l.amount_yen) FROM line_outcome o JOIN source_line l "
        "ON l.municipality_code = o.municipality_code AND l.file_id = o.file_id "
        "AND l.line_no = o.line_no JOIN source_file f "
        "ON f.municipality_code = l.municipality_code AND f.file_id = l.file_id "
        "WHERE o.municipality_code = :m AND f.channel = 'bank' AND o.outcome IN "
        "('unidentified_deposit', 'direct_transfer', 'settlement_difference', 'refund_returned') "
        f"AND {_IN_FORCE}",
        m=code,
    )
    return Check("T11", deposits_yen, -balance(ledger, "unidentified"), scope="all")

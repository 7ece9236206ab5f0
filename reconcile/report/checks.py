"""突合: the named totals that must agree (T1–T11 of law.md 7.3), each with both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from reconcile.debit.batches import ACKNOWLEDGED, batch_of
from reconcile.debit.results import answered, awaited_until, sent_until
from reconcile.report.blocks import PAYMENT_CHANNELS
from reconcile.report.slips import slip_figures

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from reconcile.day_totals import LedgerRow, Sums
    from reconcile.report.arrivals import Arrival
    from reconcile.report.blocks import Cash, Group
    from reconcile.report.lines import LineTotal

RESULT_DAYS = 5  # business days within which a bank answers
_IN_FORCE = (
    "NOT EXISTS (SELECT 1 FROM line_outcome later "
    "WHERE later.municipality_code = o.municipality_code AND later.file_id = o.file_id "
    "AND later.line_no = o.line_no AND later.revision > o.revision)"
)


@dataclass(frozen=True, slots=True)
class Check:
    """突合の一行: ``unit`` is 円 or 件; ``scope`` says whether it is of the day or of all books.

    ``applies`` is False where there is nothing to compare yet (対象なし): the data of one side do
    not come into this service.
    """

    code: str
    left: int
    right: int
    unit: str = "円"
    scope: str = "day"
    applies: bool = True

    @property
    def ok(self) -> bool:
        """Whether the two sides agree, or there is nothing to compare."""
        return self.left == self.right or not self.applies


def absent(code: str, unit: str = "円") -> Check:
    """対象なし: a check whose data are not there."""
    return Check(code, 0, 0, unit, applies=False)


@dataclass(frozen=True, slots=True)
class Books:
    """突合の材料: what the blocks of the report found, for checks to compare."""

    first: date
    last: date
    arrivals: tuple[Arrival, ...]
    lines: tuple[LineTotal, ...]
    cash: tuple[Cash, ...]
    groups: tuple[Group, ...]
    ledger: tuple[LedgerRow, ...]
    sums: Sums  # of all books; what they are compared with stands beside them
    reported_yen: int  # balance of 速報未収 when ``sums`` were taken
    assessed_yen: int  # balance of 調定 at the same moment
    receivable_yen: int  # balance of 収入未済 at the same moment
    written_off: tuple[int, int]  # 不納欠損: balance at the same moment, and by the decisions
    carried_forward: tuple[int, int] | None  # revenue before the period: as signed, as booked
    carried_over: tuple[int, int] | None = None  # 滞納繰越: as carried, as the ledger leaves open


def checks(
    connection: Connection, municipality_code: str, books: Books, period: str
) -> tuple[Check, ...]:
    """Every check of law.md 7.3 in its order; what has no data yet says so.

    T2 and T3 are looked at day by day, T1 and T5 also over a month; the rest is of all books.
    """
    found: list[Check] = []
    if period != "year":
        found += _t1(connection, municipality_code, books)
    if period == "day":
        awaited = [a for a in books.arrivals if a.state != "not_due"]
        found.append(Check("T2", sum(not a.red for a in awaited), len(awaited), "件"))
        due = [group for group in books.groups if group.remitted_on == books.last]
        found.append(
            Check(
                "T3",
                sum(group.confirmed_yen for group in due),
                sum(group.credited_yen + group.fee_yen for group in due),
            )
        )
    # 指定金融機関の日計 does not come into this service.
    found.append(absent("T4"))
    if period != "year":
        found.append(_t5(books))
    # Reported and neither withdrawn nor confirmed = 速報未収 in the books.
    found.append(Check("T6", books.sums.provisional_yen, books.reported_yen, scope="all"))
    # 調定 in the books = money applied by receipts + 不納欠損 + 収入未済 of the instalments.
    applied_and_open = books.sums.applied_yen + books.written_off[0] + books.sums.outstanding_yen
    found.append(Check("T7", books.assessed_yen, applied_and_open, scope="all"))
    outstanding = books.sums.outstanding_yen + books.sums.surplus_yen
    found.append(Check("receivable", books.receivable_yen, outstanding, scope="all"))
    if any(books.written_off):
        found.append(Check("written_off", *books.written_off, scope="all"))
    if books.carried_over is not None:
        found.append(Check("carry_over", *books.carried_over, scope="all"))
    found += _t8(connection, municipality_code, books.last)
    found += _t9(connection, municipality_code)
    found += _t10(books)
    found += [
        Check("cash", line.computed_yen, line.closing_yen)
        for line in books.cash
        if line.computed_yen is not None and line.closing_yen is not None
    ]
    found.append(_t11(connection, municipality_code, books.ledger))
    return tuple(found)


def _t9(connection: Connection, code: str) -> list[Check]:
    """T9: printed = issued, taken by the hub = issued, and every upload taken whole."""
    slips = slip_figures(connection, code)
    if not any(slips):
        return [absent("T9", "件")]
    return [
        Check("T9", slips.printed, slips.issued, "件", "all"),
        Check("slips_taken", slips.taken, slips.for_hub, "件", "all"),
        Check("upload_answers", slips.accepted, slips.sent, "件", "all"),
    ]


def _t8(connection: Connection, code: str, last: date) -> list[Check]:
    """T8: requested = paid + failed, over the batches that were sent and whose day has come.

    A batch whose results have not begun to come is compared when they are due; a bank that has
    acknowledged nothing, or something else than was sent, is missing at once (I19).
    """
    sent = [batch_of(connection, code, number) for number in sent_until(connection, code, last)]
    if not sent:
        return [absent("T8")]
    came = [(batch, answered(connection, code, batch)) for batch in sent]
    due = [
        (batch.amount_yen, yen)
        for batch, (number, yen) in came
        if number or awaited_until(batch.debit_on, RESULT_DAYS) <= last
    ]
    taken = [batch for batch, (number, _) in came if number or batch.state == ACKNOWLEDGED]
    return [
        Check("T8", sum(asked for asked, _ in due), sum(yen for _, yen in due), scope="all"),
        Check("debit_banks", len(taken), len(sent), "件", "all"),
    ]


def _t10(books: Books) -> list[Check]:
    """T10: what was signed yesterday + what came since = what stands before today."""
    found = [
        Check("T10", line.previous_closing_yen, line.opening_yen)
        for line in books.cash
        if line.previous_closing_yen is not None and line.opening_yen is not None
    ]
    if books.carried_forward is not None:
        found.append(Check("T10", *books.carried_forward))
    return found or [absent("T10")]


def balance(ledger: tuple[LedgerRow, ...], account: str) -> int:
    """Debit minus credit of an account over all postings."""
    return sum(
        row.amount_yen * ((row.debit == account) - (row.credit == account)) for row in ledger
    )


def _t1(connection: Connection, code: str, books: Books) -> tuple[Check, Check]:
    """T1: the lines kept, each with its outcome, against the control totals of their files."""
    of_files = connection.execute(
        text(
            "SELECT COALESCE(SUM(f.count), 0), COALESCE(SUM(f.amount_yen), 0) FROM source_file f "
            "WHERE f.municipality_code = :m AND f.received_on BETWEEN :first AND :last "
            # The sign keeps SQLite from walking through the hashes of all files for this number.
            "AND f.status = 'accepted' AND +f.nil_no = 0 "
            "AND f.channel IN ('konbini', 'eltax', 'debit', 'bank', 'advice', 'notification')"
        ),
        {"m": code, "first": books.first.isoformat(), "last": books.last.isoformat()},
    ).one()
    return (
        Check("T1", sum(line.count for line in books.lines), int(of_files[0]), "件"),
        Check("T1", sum(line.amount_yen for line in books.lines), int(of_files[1])),
    )


def _t5(books: Books) -> Check:
    """T5: input = applied + suspense + what books nothing of its own.

    A line that books has applied + suspense = its amount; a confirmation, a repeat or a withdrawal
    has 0 and 0, and its money is accounted for by the line it refers to. Whether a line books is
    asked of the receipts, not of its outcome.
    """
    reports = [line for line in books.lines if line.channel in PAYMENT_CHANNELS]
    return Check("T5", sum(r.amount_yen for r in reports), sum(r.accounted_yen for r in reports))


def _t11(connection: Connection, code: str, ledger: tuple[LedgerRow, ...]) -> Check:
    """T11: 不明入金 in the books = the credits that fit nothing."""
    # The amount is looked up per line, so that both databases begin with the few bank lines.
    deposits_yen = connection.execute(
        text(
            "SELECT SUM((SELECT l.amount_yen FROM source_line l "
            "WHERE l.municipality_code = b.municipality_code AND l.file_id = b.file_id "
            "AND l.line_no = b.line_no)) FROM bank_line b WHERE b.municipality_code = :m "
            "AND EXISTS (SELECT 1 FROM line_outcome o "
            "WHERE o.municipality_code = b.municipality_code AND o.file_id = b.file_id "
            "AND o.line_no = b.line_no AND o.outcome IN ('unidentified_deposit', "
            "'direct_transfer', 'settlement_difference', 'refund_returned', 'unlinked') "
            f"AND {_IN_FORCE}) "
            # A transfer that came back belongs to its refund again.
            "AND NOT EXISTS (SELECT 1 FROM refund_event r "
            "WHERE r.municipality_code = b.municipality_code AND r.event = 'returned' "
            "AND r.file_id = b.file_id AND r.line_no = b.line_no)"
        ),
        {"m": code},
    ).scalar_one()
    return Check("T11", int(deposits_yen or 0), -balance(ledger, "unidentified"), scope="all")

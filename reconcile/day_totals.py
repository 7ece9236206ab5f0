"""日別集計: the ledger summed up by day, kept beside the postings so that a report is quick.

Postings and journals are only ever added to, and the journals of a municipality commit in the order
of their numbers (they are numbered under its lock). So everything up to one journal can be summed
up once (:func:`summarise`), and a report adds what came after it straight from the postings: its
figures are the same with and without the summary. ``books_mark`` says up to where the summary goes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from payments.store.former import keep
from payments.store.unit_of_work import once, reading, unit_of_work
from reconcile import delays, file_totals
from reconcile.journal import closed_books

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

RECEIVABLE, ASSESSED, WRITTEN_OFF = "receivable", "assessed", "written_off"
_NO_MONEY = {ASSESSED, WRITTEN_OFF}  # what changes a claim without anybody paying

# The year whose books were open on 領収日, as payments.domain.fiscal.revenue_year says it. A year
# that two people have closed takes no more money, whatever 領収日 says (自治令160条).
_RECEIVED = "CAST(COALESCE(r.paid_on, j.booked_on) AS VARCHAR(10))"
OPEN_BY_DATE = (
    f"CAST(SUBSTR({_RECEIVED}, 1, 4) AS INTEGER) "
    f"- CASE WHEN SUBSTR({_RECEIVED}, 6, 5) <= '05-31' THEN 1 ELSE 0 END"
)
_OPEN_YEAR = (
    "CASE WHEN 'receivable' NOT IN (p.debit_account, p.credit_account) THEN 0 "
    f"WHEN {OPEN_BY_DATE} > :closed_year THEN {OPEN_BY_DATE} ELSE :closed_year + 1 END"
)
# Journals first: their rows are few, and the postings are stored in the order of their journals.
# The mark is said of the postings, too: from the journals alone PostgreSQL takes one for millions.
_FRESH = f"""
SELECT CAST(j.booked_on AS VARCHAR(10)) AS booked_on, COALESCE(n.item_code, '') AS item_code,
    COALESCE(i.fiscal_year, 0) AS claim_year, {_OPEN_YEAR} AS open_year,
    COALESCE(f.channel, '') AS channel, p.debit_account, p.credit_account, p.reason,
    COUNT(*) AS number, SUM(p.amount_yen) AS yen
FROM journal j
JOIN posting p ON p.municipality_code = :m AND p.journal_id = j.journal_id
LEFT JOIN source_file f ON f.municipality_code = :m AND f.file_id = p.subject_file_id
LEFT JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.subject_file_id
    AND r.line_no = p.subject_line_no
LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = p.notice_id
LEFT JOIN instalment i ON i.municipality_code = :m AND i.notice_id = p.notice_id
    AND i.term = p.term
WHERE j.municipality_code = :m AND j.journal_id > :after AND p.journal_id > :after
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""
_ADD = """
INSERT INTO day_total (municipality_code, booked_on, item_code, claim_year, open_year, channel,
    debit_account, credit_account, reason, count, amount_yen)
VALUES (:m, :booked_on, :item_code, :claim_year, :open_year, :channel, :debit, :credit, :reason,
    :count, :amount_yen)
ON CONFLICT (municipality_code, booked_on, item_code, claim_year, open_year, channel,
    debit_account, credit_account, reason)
DO UPDATE SET count = day_total.count + excluded.count,
    amount_yen = day_total.amount_yen + excluded.amount_yen
"""
_STORED = """
SELECT CASE WHEN booked_on < :month THEN -2 WHEN booked_on < :first THEN -1
    WHEN booked_on <= :last THEN 0 ELSE 1 END AS moment, item_code, claim_year, open_year, channel,
    debit_account, credit_account, SUM(count) AS number, SUM(amount_yen) AS yen
FROM day_total WHERE municipality_code = :m GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
_CLAIMED = """
SELECT item_code, claim_year, open_year, reason, debit_account, SUM(count) AS number,
    SUM(amount_yen) AS yen
FROM day_total WHERE municipality_code = :m AND booked_on BETWEEN :first AND :last
  AND debit_account IN ('receivable', 'assessed') AND credit_account IN ('receivable', 'assessed')
GROUP BY 1, 2, 3, 4, 5
"""
_SET_MARK = """
INSERT INTO books_mark (municipality_code, journal_id, provisional_yen, applied_yen,
    outstanding_yen, surplus_yen)
VALUES (:m, :journal_id, :provisional_yen, :applied_yen, :outstanding_yen, :surplus_yen)
ON CONFLICT (municipality_code) DO UPDATE SET journal_id = excluded.journal_id,
    provisional_yen = excluded.provisional_yen, applied_yen = excluded.applied_yen,
    outstanding_yen = excluded.outstanding_yen, surplus_yen = excluded.surplus_yen
"""


class LedgerRow(NamedTuple):
    """仕訳の集計: ``when`` is -2 before the month, -1 before the period, 0 in it, 1 after it."""

    when: int
    item_code: str
    claim_year: int
    open_year: int
    channel: str
    debit: str
    credit: str
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int


class ClaimRow(NamedTuple):
    """調定の集計: what claims grew by, or below zero shrank by, for one reason."""

    item_code: str
    claim_year: int
    open_year: int
    reason: str  # assessment, correction or cancellation
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int


class Total(NamedTuple):
    """日別集計の一行: one row of ``day_total``."""

    booked_on: str
    item_code: str
    claim_year: int
    open_year: int
    channel: str
    debit: str
    credit: str
    reason: str
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int


@dataclass(frozen=True, slots=True)
class Sums:
    """全帳簿の合計: what the running tables add up to once journal ``journal_id`` was booked."""

    journal_id: int
    provisional_yen: int
    applied_yen: int
    outstanding_yen: int  # assessed less applied, surplus left out
    surplus_yen: int


class _Behind(NamedTuple):
    """What was booked behind ``mark``."""

    mark: int
    rows: list[Total]
    delays: list[delays.Delay]
    files: list[file_totals.FileTotal]
    sums: Sums


def ledger(
    connection: Connection, municipality_code: str, first: date, last: date
) -> tuple[LedgerRow, ...]:
    """仕訳帳の集計: every posting, by when it was booked as seen from ``first`` to ``last``."""
    month = first.replace(day=1).isoformat()
    days = {"month": month, "first": first.isoformat(), "last": last.isoformat()}
    sums: dict[tuple[int, str, int, int, str, str, str], list[int]] = {}
    stored = connection.execute(text(_STORED), {"m": municipality_code, **days})
    for *key, number, yen in stored:
        moment, item, claim, open_year, channel, debit, credit = key
        sums[moment, item, claim, open_year, channel, debit, credit] = [int(number), int(yen)]
    for row in fresh(connection, municipality_code):
        moment = -2 if row.booked_on < days["month"] else -1
        if row.booked_on >= days["first"]:
            moment = 0 if row.booked_on <= days["last"] else 1
        total = sums.setdefault((moment, *row[1:7]), [0, 0])
        total[0] += row.count
        total[1] += row.amount_yen
    return tuple(LedgerRow(*key, *sums[key]) for key in sorted(sums))


def collected_by_day(
    connection: Connection, municipality_code: str, first: date, last: date
) -> dict[date, tuple[int, int]]:
    """収入 of every 会計日 in the period that has any: number and yen, reversals deducted."""
    days = {"first": first.isoformat(), "last": last.isoformat()}
    stored = connection.execute(
        text(
            "SELECT CAST(booked_on AS VARCHAR(10)), debit_account, credit_account, SUM(count), "
            "SUM(amount_yen) FROM day_total WHERE municipality_code = :m "
            "AND booked_on BETWEEN :first AND :last GROUP BY 1, 2, 3"
        ),
        {"m": municipality_code, **days},
    )
    moved = [(str(day), debit, credit, int(n), int(yen)) for day, debit, credit, n, yen in stored]
    moved += [
        (row.booked_on, row.debit, row.credit, row.count, row.amount_yen)
        for row in fresh(connection, municipality_code)
        if days["first"] <= row.booked_on <= days["last"]
    ]
    sums: dict[date, tuple[int, int]] = {}
    for day, debit, credit, number, yen in moved:
        if sign := collects(debit, credit):
            before = sums.get(date.fromisoformat(day), (0, 0))
            sums[date.fromisoformat(day)] = (before[0] + sign * number, before[1] + sign * yen)
    return dict(sorted(sums.items()))


def claimed(
    connection: Connection, municipality_code: str, first: date, last: date
) -> tuple[ClaimRow, ...]:
    """調定の異動 booked in the period, as the ledger has it."""
    days = {"first": first.isoformat(), "last": last.isoformat()}
    stored = connection.execute(text(_CLAIMED), {"m": municipality_code, **days})
    moved = [((*row[:4],), row[4], int(row.number), int(row.yen)) for row in stored]
    moved += [
        ((row.item_code, row.claim_year, row.open_year, row.reason), row.debit, row.count,
         row.amount_yen)
        for row in fresh(connection, municipality_code)
        if days["first"] <= row.booked_on <= days["last"]
        and {row.debit, row.credit} == {RECEIVABLE, ASSESSED}
    ]  # fmt: skip
    sums: dict[tuple[str, int, int, str], list[int]] = {}
    for key, debit, number, yen in moved:
        total = sums.setdefault(key, [0, 0])
        total[0] += number
        total[1] += yen if debit == RECEIVABLE else -yen
    return tuple(ClaimRow(*key, *sums[key]) for key in sorted(sums))


def collects(debit: str, credit: str) -> int:
    """収入: +1 for a posting that settles what is owed, -1 for its reversal, 0 for any other."""
    if credit == RECEIVABLE and debit not in _NO_MONEY:
        return 1
    if debit == RECEIVABLE and credit not in _NO_MONEY:
        return -1
    return 0


def writes_off(debit: str, credit: str) -> int:
    """不納欠損: +1 for a posting that gives a claim up, -1 for its reversal, 0 for any other."""
    return {(WRITTEN_OFF, RECEIVABLE): 1, (RECEIVABLE, WRITTEN_OFF): -1}.get((debit, credit), 0)


def summarise(engine: Engine, municipality_code: str) -> bool:
    """集計: sum up what came since the last time; whether there was anything.

    The reading holds nobody up; the writing is a few rows. A second process doing the same at the
    same time finds the mark moved and leaves it.
    """
    with reading(engine, municipality_code) as connection:
        found = _gather(connection, municipality_code)
    if found is None:
        return False
    with unit_of_work(engine, municipality_code) as connection:
        if _mark(connection, municipality_code) == found.mark:
            _write(connection, municipality_code, found)
    return True


def summarise_now(connection: Connection, municipality_code: str) -> Sums:
    """集計 inside the caller's write transaction; the sums are of this moment, not of the mark."""
    found = _gather(connection, municipality_code)
    if found is not None:
        _write(connection, municipality_code, found)
    return sums_now(connection, municipality_code)


def stored_sums(connection: Connection, municipality_code: str) -> Sums | None:
    """The sums of the last :func:`summarise`, or None before the first one."""
    row = connection.execute(
        text("SELECT * FROM books_mark WHERE municipality_code = :m"), {"m": municipality_code}
    ).one_or_none()
    if row is None:
        return None
    return Sums(
        row.journal_id,
        row.provisional_yen,
        row.applied_yen,
        row.outstanding_yen,
        row.surplus_yen,
    )


def sums_now(connection: Connection, municipality_code: str) -> Sums:
    """The same sums of this moment: one pass over all receipts and all instalments.

    Files are numbered from 1. That ``file_id`` is asked for makes SQLite walk the receipts as they
    lie; by 領収日, its own choice, every one of them is looked up (5 times the processor).
    """
    receipts = connection.execute(
        text(
            "SELECT COALESCE(SUM(CASE WHEN stage = 'provisional' THEN amount_yen END), 0) AS open, "
            "COALESCE(SUM(CASE WHEN stage <> 'withdrawn' THEN applied_yen END), 0) AS applied "
            "FROM receipt WHERE municipality_code = :m AND file_id > 0"
        ),
        {"m": municipality_code},
    ).one()
    claims = connection.execute(
        text(
            "SELECT COALESCE(SUM(amount_yen - term_yen - whole_yen), 0) AS outstanding, "
            "COALESCE(SUM(surplus_yen), 0) AS surplus FROM instalment_account "
            "WHERE municipality_code = :m"
        ),
        {"m": municipality_code},
    ).one()
    return Sums(
        last_journal(connection, municipality_code),
        int(receipts.open),
        int(receipts.applied),
        int(claims.outstanding),
        int(claims.surplus),
    )


def last_journal(connection: Connection, municipality_code: str) -> int:
    """The number of the latest journal, 0 before the first one."""
    return int(
        connection.execute(
            text("SELECT COALESCE(MAX(journal_id), 0) FROM journal WHERE municipality_code = :m"),
            {"m": municipality_code},
        ).scalar_one()
    )


def first_booked(
    connection: Connection, municipality_code: str, after: date, before: date
) -> date | None:
    """The first 会計日 strictly between the two that has a posting, or None."""
    days = {"after": after.isoformat(), "before": before.isoformat()}
    stored = connection.execute(
        text(
            "SELECT CAST(MIN(booked_on) AS VARCHAR(10)) FROM day_total "
            "WHERE municipality_code = :m AND booked_on > :after AND booked_on < :before"
        ),
        {"m": municipality_code, **days},
    ).scalar_one()
    found = [str(stored)] if stored else []
    found += [
        row.booked_on
        for row in fresh(connection, municipality_code)
        if days["after"] < row.booked_on < days["before"]
    ]
    return date.fromisoformat(min(found)) if found else None


def balance_at_mark(connection: Connection, municipality_code: str, account: str) -> int:
    """Debit minus credit of an account over the postings that are summed up."""
    return int(
        connection.execute(
            text(
                "SELECT COALESCE(SUM(CASE WHEN debit_account = :account THEN amount_yen "
                "WHEN credit_account = :account THEN -amount_yen ELSE 0 END), 0) "
                "FROM day_total WHERE municipality_code = :m"
            ),
            {"m": municipality_code, "account": account},
        ).scalar_one()
    )


def written_off_yen(connection: Connection, municipality_code: str, journal_id: int) -> int:
    """不納欠損 in yen by the decisions themselves, up to a journal."""
    return int(
        connection.execute(
            text(
                "SELECT COALESCE(SUM(CASE event WHEN 'written_off' THEN amount_yen "
                "ELSE -amount_yen END), 0) FROM write_off "
                "WHERE municipality_code = :m AND journal_id <= :journal_id"
            ),
            {"m": municipality_code, "journal_id": journal_id},
        ).scalar_one()
    )


def fresh(connection: Connection, municipality_code: str) -> list[Total]:
    """集計の後の仕訳: what was booked behind the mark, summed up in the same way.

    A page tells several periods, and asks for it for each.
    """
    return once(
        connection,
        ("day_totals", municipality_code),
        lambda: _booked_behind(connection, municipality_code),
    )


def _booked_behind(connection: Connection, municipality_code: str) -> list[Total]:
    _until, closed_year = closed_books(connection, municipality_code)
    values = {
        "m": municipality_code,
        "after": _mark(connection, municipality_code),
        "closed_year": closed_year,
    }
    rows = connection.execute(text(_FRESH), values)
    return [Total._make((*row[:8], int(row.number), int(row.yen))) for row in rows]


def _mark(connection: Connection, municipality_code: str) -> int:
    stored = stored_sums(connection, municipality_code)
    return stored.journal_id if stored else 0


def _gather(connection: Connection, municipality_code: str) -> _Behind | None:
    """What came behind the mark, and the sums that go with it; None when nothing came."""
    mark = _mark(connection, municipality_code)
    if last_journal(connection, municipality_code) == mark:
        return None
    return _Behind(
        mark,
        fresh(connection, municipality_code),
        delays.fresh(connection, municipality_code),
        file_totals.fresh(connection, municipality_code),
        sums_now(connection, municipality_code),
    )


def _write(connection: Connection, municipality_code: str, found: _Behind) -> None:
    """Add what was found to the summaries and move the mark."""
    if found.rows:
        rows = [{"m": municipality_code, **r._asdict()} for r in found.rows]
        connection.execute(text(_ADD), rows)
    delays.add(connection, municipality_code, found.delays)
    file_totals.put(connection, municipality_code, found.files)
    before = stored_sums(connection, municipality_code)
    keep(connection, municipality_code, "books_mark", "", asdict(before) if before else None)
    sums = found.sums
    connection.execute(
        text(_SET_MARK),
        {
            "m": municipality_code,
            "journal_id": sums.journal_id,
            "provisional_yen": sums.provisional_yen,
            "applied_yen": sums.applied_yen,
            "outstanding_yen": sums.outstanding_yen,
            "surplus_yen": sums.surplus_yen,
        },
    )

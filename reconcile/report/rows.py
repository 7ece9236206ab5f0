"""明細への道: the rows that a figure of a report is made of, page after page.

A figure of the ledger is a choice of postings. It opens the days it was booked on, whose sums come
from the summary and add up to it, and a day opens its postings. Pages follow keys, never offsets:
however far one reads, a page costs the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.domain.fiscal import revenue_year
from reconcile.day_totals import ASSESSED, RECEIVABLE, collects, fresh
from reconcile.report.arrivals import as_date
from reconcile.report.stretches import WITHIN, stretches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from sqlalchemy import Connection

AT_ONCE = 500  # candidates looked at in one go
Key = tuple[int | str, ...]

_DAYS = """
SELECT CAST(booked_on AS VARCHAR(10)) AS booked_on, item_code, claim_year, open_year, channel,
    debit_account AS debit, credit_account AS credit, reason, count, amount_yen
FROM day_total WHERE municipality_code = :m {where}
"""
# CROSS JOIN: the postings lead, in the order of their key.
_POSTINGS = """
SELECT p.journal_id, p.subject_file_id, p.subject_line_no, p.leg, p.debit_account AS debit,
    p.credit_account AS credit, p.reason, p.amount_yen, p.notice_id, p.term, n.item_code,
    COALESCE(i.fiscal_year, 0) AS claim_year, COALESCE(f.channel, '') AS channel,
    CAST(r.paid_on AS VARCHAR(10)) AS paid_on, CAST(j.booked_on AS VARCHAR(10)) AS booked_on,
    r.line_no AS receipt_line
FROM posting p
CROSS JOIN journal j
CROSS JOIN notice n
LEFT JOIN instalment i ON i.municipality_code = :m AND i.notice_id = p.notice_id
    AND i.term = p.term
LEFT JOIN source_file f ON f.municipality_code = :m AND f.file_id = p.subject_file_id
LEFT JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.subject_file_id
    AND r.line_no = p.subject_line_no
WHERE p.municipality_code = :m AND {within}
  AND j.municipality_code = :m AND j.journal_id = p.journal_id AND j.booked_on = :day
  AND n.municipality_code = :m AND n.notice_id = p.notice_id
  AND ({accounts}) {where}
ORDER BY p.journal_id, p.subject_file_id, p.subject_line_no, p.leg LIMIT :most
"""
_ACCOUNTS = {
    "collected": (
        "(p.credit_account = 'receivable' AND p.debit_account NOT IN ('assessed', 'written_off')) "
        "OR (p.debit_account = 'receivable' "
        "AND p.credit_account NOT IN ('assessed', 'written_off'))"
    ),
    "assessed": (
        "(p.debit_account = 'receivable' AND p.credit_account = 'assessed') "
        "OR (p.debit_account = 'assessed' AND p.credit_account = 'receivable')"
    ),
}
_CLOSINGS = """
SELECT journal_id, closed_year FROM day_closure WHERE municipality_code = :m ORDER BY closure_no
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """数字の範囲: which postings a figure is made of; what is None or "" is not asked for."""

    what: str  # collected or assessed
    item_code: str = ""
    year: int | None = None  # 歳入の属する年度
    carried: bool | None = None
    channel: str | None = None
    first: str = ""  # of 会計日, both as text; "": without an end
    last: str = ""

    def sign(self, debit: str, credit: str) -> int:
        """How a posting between these accounts counts: +1, -1 or not at all."""
        if self.what == "collected":
            return collects(debit, credit)
        return {(RECEIVABLE, ASSESSED): 1, (ASSESSED, RECEIVABLE): -1}.get((debit, credit), 0)

    def has(self, item_code: str, claim_year: int, open_year: int, channel: str) -> bool:
        """Whether the figure is about such a posting."""
        belongs = max(claim_year, open_year)
        return (
            (not self.item_code or item_code == self.item_code)
            and (self.year is None or belongs == self.year)
            and (self.carried is None or (claim_year < belongs) == self.carried)
            and (self.channel is None or channel == self.channel)
        )

    def on(self, booked_on: str) -> bool:
        """Whether the figure has this 会計日."""
        return (not self.first or self.first <= booked_on) and (
            not self.last or booked_on <= self.last
        )


class Day(NamedTuple):
    """会計日の一行 of a figure."""

    booked_on: str
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int


class Booked(NamedTuple):
    """仕訳の一行 of a figure; the amount is signed as the figure counts it."""

    key: Key
    booked_on: str
    paid_on: str | None
    channel: str
    reason: str
    item_code: str
    claim_year: int
    term: str
    amount_yen: int
    notice_id: int
    file_id: int | None  # of the receipt it is about, where it is about one
    line_no: int | None


def days(connection: Connection, municipality_code: str, figure: Figure) -> tuple[Day, ...]:
    """会計日 on which anything of the figure was booked; their sums are the figure."""
    sums: dict[str, list[int]] = {}
    for row, sign in _summed(connection, municipality_code, figure):
        total = sums.setdefault(row.booked_on, [0, 0])
        total[0] += sign * int(row.count)
        total[1] += sign * int(row.amount_yen)
    return tuple(Day(day, *sums[day]) for day in sorted(sums))


def _summed(
    connection: Connection, municipality_code: str, figure: Figure
) -> Iterator[tuple[Any, int]]:
    """The sums of postings that a figure is made of, each with the sign by which it counts."""
    where, values = "", {"m": municipality_code}
    if figure.item_code:
        where += " AND item_code = :item"
        values["item"] = figure.item_code
    if figure.first and figure.last:
        where += " AND booked_on BETWEEN :first AND :last"
        values |= {"first": figure.first, "last": figure.last}
    stored: list[Any] = list(connection.execute(text(_DAYS.format(where=where)), values))
    for row in [*stored, *fresh(connection, municipality_code)]:
        sign = figure.sign(row.debit, row.credit)
        wanted = figure.has(row.item_code, row.claim_year, row.open_year, row.channel)
        if sign and wanted and figure.on(row.booked_on):
            yield row, sign


def postings(
    connection: Connection,
    municipality_code: str,
    figure: Figure,
    day: date,
    *,
    after: Sequence[int] = (),
) -> Iterator[Booked]:
    """The postings of one 会計日 that a figure is made of, in the order of their keys.

    How many there are is known from their sums: behind the last of them nothing is looked for, and
    where there is none a day of a million other postings is not read. Only whoever reads on from a
    place does not know how many lie before it.
    """
    found = _behind(connection, municipality_code, figure, day, after)
    if after:
        return found
    only = replace(figure, first=day.isoformat(), last=day.isoformat())
    return islice(
        found, sum(int(row.count) for row, _sign in _summed(connection, municipality_code, only))
    )


def _behind(
    connection: Connection,
    municipality_code: str,
    figure: Figure,
    day: date,
    after: Sequence[int],
) -> Iterator[Booked]:
    """The same behind a place, looked for up to the end of the day."""
    closings = [
        (int(row.journal_id), int(row.closed_year))
        for row in connection.execute(text(_CLOSINGS), {"m": municipality_code})
    ]
    values: dict[str, Any] = {"m": municipality_code, "day": day.isoformat(), "most": AT_ONCE}
    where = ""
    if figure.item_code:
        where, values["item"] = " AND n.item_code = :item", figure.item_code
    statement = text(_POSTINGS.format(within=WITHIN, accounts=_ACCOUNTS[figure.what], where=where))
    for one in stretches(connection, municipality_code, day, channel=figure.channel, after=after):
        at = one.after
        while True:
            rows = connection.execute(statement, {**values, **one.values(at)}).all()
            for row in rows:
                booked = _booked(row, figure)
                open_year = _open_year(row, closings)
                if figure.has(booked.item_code, booked.claim_year, open_year, booked.channel):
                    yield booked
            if len(rows) < AT_ONCE:
                break
            at = tuple(rows[-1][:4])


def _booked(row: Any, figure: Figure) -> Booked:
    """One posting as the figure counts it."""
    receipt = row.receipt_line is not None
    return Booked(
        key=tuple(int(part) for part in row[:4]),
        booked_on=row.booked_on,
        paid_on=row.paid_on,
        channel=row.channel,
        reason=row.reason,
        item_code=row.item_code,
        claim_year=int(row.claim_year),
        term=row.term or "",
        amount_yen=figure.sign(row.debit, row.credit) * int(row.amount_yen),
        notice_id=int(row.notice_id),
        file_id=int(row.subject_file_id) if receipt else None,
        line_no=int(row.subject_line_no) if receipt else None,
    )


def _open_year(row: Any, closings: Sequence[tuple[int, int]]) -> int:
    """The year whose books were open for it when it was booked (自治令160条)."""
    closed = 0
    for journal_id, closed_year in closings:
        if journal_id >= row.journal_id:
            break
        closed = closed_year
    received = as_date(row.paid_on or row.booked_on)
    if received is None:
        return closed + 1
    return max(revenue_year(0, received), closed + 1)

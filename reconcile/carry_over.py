"""滞納繰越: what is open when a year's books are closed passes into the arrears of the next year.

The carry-over (調定替え) is an event: one row per instalment with an open balance, written with the
close that two people agreed to, and taken back by a run of its own when the year is re-opened. No
posting belongs to it: the claim stays the claim, and its year stays its year; what changes is the
year whose revenue its money is (自治令160条: 出納閉鎖の翌日に翌年度の歳入へ繰り越す).

What was open is what the claims and payments *of that year and before* come to, not what the
accounts of today show: money of 領収日 after 出納閉鎖, and corrections booked after it, are
events of the new year already (:func:`reconcile.report.revenue.year_of`), and a year that is
closed takes no more of either. So the same figures come out whenever this is worked out again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select, text

from payments.domain.errors import RefusedError
from payments.domain.fiscal import closing_on
from payments.store.bulk import take_numbers
from reconcile.day_totals import OPEN_BY_DATE, stored_sums
from reconcile.journal import open_journal
from reconcile.store.day_tables import DayClosureRow
from reconcile.store.year_tables import CarryRunRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from sqlalchemy import Connection, Row

CARRIED, REVERSED = "carried", "reversed"
_AT_ONCE = 5_000
_runs = CarryRunRow.__table__  # type: ignore[attr-defined]
_closures = DayClosureRow.__table__  # type: ignore[attr-defined]

# Journals that may hold something of a later year: all on or after the first day with such money,
# and all that day_total does not know yet. ``closed_year`` is what was closed when each was booked.
_LATER = f"""
WITH later AS (
    SELECT j.journal_id, j.booked_on, COALESCE((SELECT c.closed_year FROM day_closure c
        WHERE c.municipality_code = :m AND c.journal_id < j.journal_id
        ORDER BY c.closure_no DESC LIMIT 1), 0) AS closed_year
    FROM journal j WHERE j.municipality_code = :m
      AND (j.booked_on >= :first_later OR j.journal_id > :mark)
), moved AS (
    SELECT p.notice_id, p.term, SUM(CASE WHEN p.debit_account = 'receivable' THEN p.amount_yen
        ELSE -p.amount_yen END) AS yen
    FROM later j
    JOIN posting p ON p.municipality_code = :m AND p.journal_id = j.journal_id
    LEFT JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.subject_file_id
        AND r.line_no = p.subject_line_no
    WHERE 'receivable' IN (p.debit_account, p.credit_account)
      AND ({OPEN_BY_DATE} > :year OR j.closed_year >= :year)
    GROUP BY p.notice_id, p.term
), standing AS (
    SELECT a.notice_id, a.term, n.item_code, i.fiscal_year AS claim_year,
        a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen - COALESCE(l.yen, 0) AS open_yen
    FROM instalment_account a
    JOIN instalment i ON i.municipality_code = :m AND i.notice_id = a.notice_id AND i.term = a.term
    JOIN notice n ON n.municipality_code = :m AND n.notice_id = a.notice_id
    LEFT JOIN moved l ON l.notice_id = a.notice_id AND l.term = a.term
    WHERE a.municipality_code = :m AND i.fiscal_year <= :year
)"""
_TOTALS = f"""{_LATER}
SELECT item_code, claim_year, COUNT(*) AS number, SUM(open_yen) AS yen FROM standing
WHERE open_yen <> 0 GROUP BY item_code, claim_year ORDER BY item_code, claim_year"""
_ROW_COLUMNS = "municipality_code, carry_no, notice_id, term, item_code, claim_year, amount_yen"
_ROWS = "SELECT :m, :carry_no, notice_id, term, item_code, claim_year, open_yen FROM standing"
_FIRST_LATER = """
SELECT CAST(MIN(booked_on) AS VARCHAR(10)) FROM day_total
WHERE municipality_code = :m AND open_year > :year AND claim_year BETWEEN 1 AND :year"""
_IN_FORCE = """c.municipality_code = :m AND c.event = 'carried' AND NOT EXISTS (
    SELECT 1 FROM carry_run r WHERE r.municipality_code = :m AND r.reverses_no = c.carry_no)"""


@dataclass(frozen=True, slots=True)
class CarryRun:
    """繰越の記録: one run, ``carried`` or ``reversed``."""

    carry_no: int
    event: str
    from_year: int
    to_year: int
    reverses_no: int | None
    count: int
    amount_yen: int
    rows_sha256: str
    booked_on: date
    journal_id: int
    closure_no: int
    actor: str
    made_at: datetime


class CarryTotal(NamedTuple):
    """繰越の集計: the instalments of one 科目 and 会計年度."""

    item_code: str
    claim_year: int
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int


class CarryLine(NamedTuple):
    """繰越の一件: one instalment of a run."""

    item_code: str
    levy_year: int
    notice_no: str
    term: str
    claim_year: int
    due_on: str
    amount_yen: int


class CarryEvent(NamedTuple):
    """繰越の出来事 of one 科目, as a report lists it; a run taken back counts below zero."""

    carry_no: int
    event: str
    from_year: int
    to_year: int
    booked_on: date
    item_code: str
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int


def preview(connection: Connection, municipality_code: str, year: int) -> tuple[CarryTotal, ...]:
    """繰越の見込み: what would pass into the next year if ``year`` were closed now."""
    found = connection.execute(text(_TOTALS), _scope(connection, municipality_code, year))
    return tuple(CarryTotal(r.item_code, r.claim_year, r.number, int(r.yen)) for r in found)


def carry(connection: Connection, municipality_code: str, year: int) -> CarryRun:
    """滞納繰越: carry what is open of ``year`` and before into the next one; the run in force.

    A year that is carried already stays as it is. Raises :class:`RefusedError` ``carry_open`` while
    the year is not closed.
    """
    closure = _closure(connection, municipality_code, year)
    if closure is None or closure.event != "closed":
        raise RefusedError("carry_open", year=year)
    made = run_of(connection, municipality_code, year)
    if made is not None:
        return made
    carry_no = take_numbers(connection, municipality_code, "carry", 1)
    scope = _scope(connection, municipality_code, year)
    connection.execute(
        text(f"INSERT INTO carry_over ({_ROW_COLUMNS}) {_LATER} {_ROWS} WHERE open_yen <> 0"),
        {**scope, "carry_no": carry_no},
    )
    digest, count, amount_yen = rows_digest(_rows(connection, municipality_code, carry_no))
    return _record(
        connection, municipality_code, closure, CARRIED, carry_no, (count, amount_yen, digest)
    )


def take_back(connection: Connection, municipality_code: str, year: int) -> CarryRun | None:
    """繰越の取消: a re-opened year has nothing carried; None when nothing was."""
    made = run_of(connection, municipality_code, year)
    closure = _closure(connection, municipality_code, year)
    if made is None or closure is None:
        return None
    carry_no = take_numbers(connection, municipality_code, "carry", 1)
    figures = (made.count, made.amount_yen, made.rows_sha256)
    return _record(
        connection, municipality_code, closure, REVERSED, carry_no, figures, made.carry_no
    )


def run_of(connection: Connection, municipality_code: str, year: int) -> CarryRun | None:
    """繰越の記録 in force of a year, or None."""
    return next(
        (run for run in runs_in_force(connection, municipality_code) if run.from_year == year), None
    )


def runs(connection: Connection, municipality_code: str) -> tuple[CarryRun, ...]:
    """繰越の記録, oldest first: every run, and every run taken back."""
    rows = connection.execute(
        select(_runs)
        .where(_runs.c.municipality_code == municipality_code)
        .order_by(_runs.c.carry_no)
    )
    return tuple(_run(row) for row in rows)


def runs_in_force(connection: Connection, municipality_code: str) -> tuple[CarryRun, ...]:
    """繰越の記録 that nothing took back, oldest first."""
    found = runs(connection, municipality_code)
    gone = {run.reverses_no for run in found}
    return tuple(run for run in found if run.event == CARRIED and run.carry_no not in gone)


def carried_into(
    connection: Connection, municipality_code: str, year: int
) -> dict[str, int] | None:
    """繰越額: yen by 科目 that was carried into ``year``; None before the year before is closed."""
    made = run_of(connection, municipality_code, year - 1)
    if made is None:
        return None
    sums: dict[str, int] = {}
    for total in totals_of(connection, municipality_code, made.carry_no):
        sums[total.item_code] = sums.get(total.item_code, 0) + total.amount_yen
    return sums


def totals_of(
    connection: Connection, municipality_code: str, carry_no: int
) -> tuple[CarryTotal, ...]:
    """繰越の集計 of one run."""
    found = connection.execute(
        text(
            "SELECT item_code, claim_year, COUNT(*) AS number, SUM(amount_yen) AS yen "
            "FROM carry_over WHERE municipality_code = :m AND carry_no = :carry_no "
            "GROUP BY item_code, claim_year ORDER BY item_code, claim_year"
        ),
        {"m": municipality_code, "carry_no": carry_no},
    )
    return tuple(CarryTotal(r.item_code, r.claim_year, r.number, int(r.yen)) for r in found)


def events_between(
    connection: Connection, municipality_code: str, first: date, last: date
) -> tuple[CarryEvent, ...]:
    """繰越の出来事 booked in a period, by 科目."""
    found: list[CarryEvent] = []
    for run in runs(connection, municipality_code):
        if not first <= run.booked_on <= last:
            continue
        rows_of, sign = (run.carry_no, 1) if run.reverses_no is None else (run.reverses_no, -1)
        by_item: dict[str, list[int]] = {}
        for total in totals_of(connection, municipality_code, rows_of):
            sums = by_item.setdefault(total.item_code, [0, 0])
            sums[0] += sign * total.count
            sums[1] += sign * total.amount_yen
        found += [
            CarryEvent(
                run.carry_no, run.event, run.from_year, run.to_year, run.booked_on, item,
                number, yen,
            )
            for item, (number, yen) in sorted(by_item.items())
        ]  # fmt: skip
    return tuple(found)


def lines_of(connection: Connection, municipality_code: str, carry_no: int) -> Iterator[CarryLine]:
    """滞納繰越の一覧: every instalment of a run, as it comes from the database."""
    rows = connection.execute(
        text(
            "SELECT c.item_code, n.levy_year, n.notice_no, c.term, c.claim_year, "
            "CAST(i.due_on AS VARCHAR(10)) AS due_on, c.amount_yen FROM carry_over c "
            "JOIN notice n ON n.municipality_code = :m AND n.notice_id = c.notice_id "
            "JOIN instalment i ON i.municipality_code = :m AND i.notice_id = c.notice_id "
            "AND i.term = c.term WHERE c.municipality_code = :m AND c.carry_no = :carry_no "
            "ORDER BY c.notice_id, c.term"
        ),
        {"m": municipality_code, "carry_no": carry_no},
        execution_options={"yield_per": _AT_ONCE},
    )
    for row in rows:
        yield CarryLine(*row)


def rows_digest(rows: Iterable[Iterable[Any]]) -> tuple[str, int, int]:
    """繰越の行のハッシュ, their number and yen.

    A row is ``notice_id,term,item_code,claim_year,amount_yen`` and a line feed, in order of notice
    and term; the digest is the SHA-256 of all of them.
    """
    digest, count, amount_yen = sha256(), 0, 0
    for row in rows:
        *key, yen = row
        digest.update((",".join(map(str, key)) + f",{yen}\n").encode())
        count += 1
        amount_yen += int(yen)
    return digest.hexdigest(), count, amount_yen


def _rows(connection: Connection, municipality_code: str, carry_no: int) -> Iterator[Any]:
    """The rows of a run in the order of their digest."""
    return iter(
        connection.execute(
            text(
                "SELECT notice_id, term, item_code, claim_year, amount_yen FROM carry_over "
                "WHERE municipality_code = :m AND carry_no = :carry_no ORDER BY notice_id, term"
            ),
            {"m": municipality_code, "carry_no": carry_no},
            execution_options={"yield_per": _AT_ONCE},
        )
    )


def _scope(connection: Connection, municipality_code: str, year: int) -> dict[str, Any]:
    """Whose books, which year, and where to look for what belongs to a later one."""
    scope = {"m": municipality_code, "year": year}
    first = connection.execute(text(_FIRST_LATER), scope).scalar_one()
    stored = stored_sums(connection, municipality_code)
    mark = stored.journal_id if stored else 0
    return {**scope, "first_later": first or "9999-12-31", "mark": mark}


def _closure(connection: Connection, municipality_code: str, year: int) -> Row[Any] | None:
    """The last closing or re-opening of a year, or None."""
    return connection.execute(
        select(_closures)
        .where(
            _closures.c.municipality_code == municipality_code,
            _closures.c.period == "year",
            _closures.c.ends_on == closing_on(year),
        )
        .order_by(_closures.c.closure_no.desc())
        .limit(1)
    ).one_or_none()


def _record(
    connection: Connection,
    municipality_code: str,
    closure: Row[Any],
    event: str,
    carry_no: int,
    figures: tuple[int, int, str],
    reverses_no: int | None = None,
) -> CarryRun:
    """Write a run down, booked on the day after 出納閉鎖 or the next open one."""
    journal_id = open_journal(
        connection,
        municipality_code,
        "carry_over",
        closure.ends_on + timedelta(days=1),
        closure.decided_by,
        reason=closure.reason,
    )
    booked_on = connection.execute(
        text(
            "SELECT CAST(booked_on AS VARCHAR(10)) FROM journal "
            "WHERE municipality_code = :m AND journal_id = :journal_id"
        ),
        {"m": municipality_code, "journal_id": journal_id},
    ).scalar_one()
    year = closure.ends_on.year - 1
    count, amount_yen, digest = figures
    run = CarryRun(
        carry_no, event, year, year + 1, reverses_no, count, amount_yen, digest,
        date.fromisoformat(booked_on), journal_id, closure.closure_no, closure.decided_by,
        datetime.now(UTC),
    )  # fmt: skip
    values = {name: getattr(run, name) for name in CarryRun.__dataclass_fields__}
    connection.execute(_runs.insert().values(municipality_code=municipality_code, **values))
    return run


def _run(row: Row[Any]) -> CarryRun:
    """A run from its row."""
    return CarryRun(**{name: getattr(row, name) for name in CarryRun.__dataclass_fields__})

"""過去の日計の再計算: the report of an open day out of the books as they stood at a moment (as-of).

Journals, outcomes and what follows from them are only ever added to and say when. So the same
queries that make a report are asked of views that end at a moment: they carry the names of the
tables, and only this transaction sees them. A few things keep a day at most, not a moment: cases,
nil reports, the states of slips and of files that were tried twice. What the report said of those
is known where the copies before and after say the same; where they differ, it is named.

The sums of all books (T6, T7) are of the moment itself, whenever they had last been summed up.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from reconcile import day_close
from reconcile.day_totals import OPEN_BY_DATE, Sums, ledger
from reconcile.mark import summed_up_to
from reconcile.report.checks import balance
from reconcile.report.period import day_report
from reconcile.rules import PAYMENT_RULES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.report.checks import Check
    from reconcile.report.period import DayReport

# 納付書の突合: slips change their state in place.
_OF_SLIPS = frozenset({"T9", "slips_taken", "upload_answers"})

_RULES = ", ".join(f"'{code}'" for code in ("S1", *(rule.code for rule in PAYMENT_RULES)))
_BY_JOURNAL = ("journal", "posting", "settlement", "write_off")
_BY_MOMENT = {
    "carry_run": "made_at", "day_closure": "made_at", "debit_event": "made_at",
    "refund_event": "made_at", "arrival_record": "made_at", "print_run": "made_at",
    "slip_upload": "made_at", "slip_upload_answer": "accepted_at", "slip_event": "happened_at",
    "source_file": "taken_in_at",
}  # fmt: skip
_OUTCOMES = """
SELECT o.* FROM {s}.line_outcome o WHERE o.journal_id <= {last} OR (o.journal_id IS NULL
    AND EXISTS (SELECT 1 FROM source_file f WHERE f.municipality_code = o.municipality_code
        AND f.file_id = o.file_id))"""
# A receipt as the outcome of its line had it; there is one once anything was booked about it.
_RECEIPTS = """
SELECT r.municipality_code, r.file_id, r.line_no, r.amount_yen, r.paid_on,
    (SELECT CASE WHEN o.outcome = 'withdrawn' THEN 'withdrawn' ELSE 'booked' END {of}) AS stage,
    (SELECT o.applied_yen {of}) AS applied_yen, (SELECT o.suspense_yen {of}) AS suspense_yen
FROM {s}.receipt r"""
_OF = """FROM line_outcome o WHERE o.municipality_code = r.municipality_code
    AND o.file_id = r.file_id AND o.line_no = r.line_no ORDER BY o.revision DESC LIMIT 1"""
# What was summed up behind the moment is taken out of the sums again, as it was put in.
_TOTALS = """
SELECT t.municipality_code, t.booked_on, t.item_code,
    t.claim_year, t.open_year, t.channel, t.debit_account, t.credit_account, t.reason,
    SUM(t.count) AS count, SUM(t.amount_yen) AS amount_yen
FROM (SELECT municipality_code, booked_on, item_code, claim_year,
        open_year, channel, debit_account, credit_account, reason, count, amount_yen
    FROM {s}.day_total
    UNION ALL
    SELECT j.municipality_code, j.booked_on, COALESCE(n.item_code, ''),
        COALESCE(i.fiscal_year, 0), {open_year}, COALESCE(f.channel, ''), p.debit_account,
        p.credit_account, p.reason, -1, -p.amount_yen
    FROM {s}.journal j
    JOIN {s}.posting p ON p.municipality_code = j.municipality_code AND p.journal_id = j.journal_id
    LEFT JOIN {s}.source_file f ON f.municipality_code = j.municipality_code
        AND f.file_id = p.subject_file_id
    LEFT JOIN {s}.receipt r ON r.municipality_code = j.municipality_code
        AND r.file_id = p.subject_file_id AND r.line_no = p.subject_line_no
    LEFT JOIN {s}.notice n ON n.municipality_code = j.municipality_code
        AND n.notice_id = p.notice_id
    LEFT JOIN {s}.instalment i ON i.municipality_code = j.municipality_code
        AND i.notice_id = p.notice_id AND i.term = p.term
    WHERE j.municipality_code = '{m}' AND j.journal_id > {last} AND j.journal_id <= {mark}) t
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 HAVING SUM(t.count) <> 0"""
# 払込単位: less what files behind the moment confirmed and advised, with the money that had come.
_GROUPS = """
SELECT w.municipality_code, w.group_id, w.agent, w.ref, w.remitted_on, w.confirmed_count,
    w.confirmed_yen, CASE WHEN w.agent = 'eltax' OR w.count_now = 0 THEN w.fee_yen
        ELSE w.fee_yen * w.confirmed_count / w.count_now END AS fee_yen, w.credited_yen
FROM (SELECT g.municipality_code, g.group_id, g.agent, g.ref, g.remitted_on,
        g.confirmed_count AS count_now,
        g.confirmed_count - COALESCE(l.number, 0) AS confirmed_count,
        g.confirmed_yen - COALESCE(l.yen, 0) AS confirmed_yen,
        g.fee_yen - COALESCE(v.yen, 0) AS fee_yen,
        g.credited_yen - COALESCE(s.yen, 0) AS credited_yen
    FROM {s}.remittance_group g
    LEFT JOIN (SELECT f.agent, l.remittance_ref, COUNT(*) AS number,
            CAST(SUM(l.amount_yen) AS BIGINT) AS yen
        FROM {s}.source_file f
        JOIN {s}.source_line l ON l.municipality_code = '{m}' AND l.file_id = f.file_id
            AND l.stage = 'confirmed'
        JOIN {s}.line_outcome o ON o.municipality_code = '{m}' AND o.file_id = l.file_id
            AND o.line_no = l.line_no AND o.revision = 1 AND o.rule IN ({rules})
        WHERE f.municipality_code = '{m}' AND {later}
        GROUP BY f.agent, l.remittance_ref) l ON l.agent = g.agent AND l.remittance_ref = g.ref
    LEFT JOIN (SELECT v.remittance_no, CAST(SUM(v.fee_yen) AS BIGINT) AS yen
        FROM {s}.source_file f
        JOIN {s}.advice_line v ON v.municipality_code = '{m}' AND v.file_id = f.file_id
        JOIN {s}.line_outcome o ON o.municipality_code = '{m}' AND o.file_id = v.file_id
            AND o.line_no = v.line_no AND o.revision = 1
            AND o.outcome IN ('advised', 'advice_difference')
        WHERE f.municipality_code = '{m}' AND {later}
        GROUP BY v.remittance_no) v ON g.agent = 'eltax' AND v.remittance_no = g.ref
    LEFT JOIN (SELECT group_id, CAST(SUM(amount_yen) AS BIGINT) AS yen FROM {s}.settlement
        WHERE municipality_code = '{m}' AND journal_id > {last}
        GROUP BY group_id) s ON s.group_id = g.group_id
    WHERE g.municipality_code = '{m}') w
WHERE w.confirmed_count > 0 OR w.count_now = 0"""
_CLOSED_YEAR = """COALESCE((SELECT c.closed_year FROM {s}.day_closure c
    WHERE c.municipality_code = j.municipality_code AND c.journal_id < j.journal_id
    ORDER BY c.closure_no DESC LIMIT 1), 0)"""


def at_moment(
    connection: Connection, profile: Profile, day: date, at: datetime, journal_id: int
) -> DayReport:
    """日計 of a day from the books as they stood at a moment, up to a journal.

    The sums of all books go up to that journal. What keeps no moment is as it stands now.
    """
    code = profile.municipality_code
    with books_until(connection, code, at, journal_id):
        rows = ledger(connection, code, day, day)
        written_off = balance(rows, "written_off")
        receivable = balance(rows, "receivable")
        sums = Sums(
            journal_id=journal_id,
            provisional_yen=balance(rows, "reported"),
            applied_yen=-balance(rows, "assessed") - written_off - receivable,
            outstanding_yen=receivable,
            surplus_yen=0,
        )
        signed = day_close.last_signed(connection, code)
        return day_report(connection, profile, day, signed=signed, sums=sums)


@contextmanager
def books_until(
    connection: Connection, municipality_code: str, at: datetime, journal_id: int
) -> Iterator[None]:
    """過去の帳簿: within it, every query of this transaction sees the books as they stood.

    Views of the transaction's own stand before the tables; they go when it ends, whatever happens.
    """
    sqlite = connection.dialect.name == "sqlite"
    schema = "main" if sqlite else connection.exec_driver_sql("SELECT current_schema()").scalar()
    mark = summed_up_to(connection, municipality_code)
    at_text = at.astimezone(UTC).isoformat(" ", timespec="microseconds")
    later = decided_later(connection, municipality_code, at, journal_id)
    made = _views(str(schema), sqlite=sqlite, at=at_text, last=journal_id, later=later)
    until = made["source_file"].partition(" WHERE ")[2]
    scope = {"s": schema, "m": municipality_code, "last": journal_id, "mark": mark}
    made["remittance_group"] = _GROUPS.format(later=f"NOT ({until})", rules=_RULES, **scope)
    made["receipt"] = _RECEIPTS.format(of=_OF, **scope)
    if mark > journal_id:
        closed_year = _CLOSED_YEAR.format(**scope)
        open_year = (
            "CASE WHEN 'receivable' NOT IN (p.debit_account, p.credit_account) THEN 0 "
            f"WHEN {OPEN_BY_DATE} > {closed_year} THEN {OPEN_BY_DATE} ELSE {closed_year} + 1 END"
        )
        made["day_total"] = _TOTALS.format(open_year=open_year, **scope)
        made["books_mark"] = (
            f"SELECT municipality_code, CAST({journal_id} AS BIGINT) AS journal_id, "
            f"provisional_yen, applied_yen, outstanding_yen, surplus_yen FROM {schema}.books_mark"
        )
    driver: Any = connection.connection.dbapi_connection
    prepared = getattr(driver, "prepare_threshold", None)
    hidden = connection.begin_nested()
    try:
        if not sqlite:  # what was prepared before still asks the tables
            driver.prepare_threshold = None
        for name, query in made.items():
            connection.exec_driver_sql(f"CREATE TEMP VIEW {name} AS {query}")
        yield
    finally:
        hidden.rollback()
        if not sqlite:
            driver.prepare_threshold = prepared


def _views(
    schema: str, *, sqlite: bool, at: str, last: int, later: tuple[int, ...]
) -> dict[str, str]:
    """The tables that end at a moment, in an order in which each may ask those before it."""
    made = {
        name: f"SELECT * FROM {schema}.{name} WHERE journal_id <= {last}" for name in _BY_JOURNAL
    }
    for name, column in _BY_MOMENT.items():
        moment = f"REPLACE(SUBSTR(f.{column}, 1, 26), 'T', ' ')" if sqlite else f"f.{column}"
        until = at[:26] if sqlite else at
        made[name] = f"SELECT f.* FROM {schema}.{name} f WHERE {moment} <= '{until}'"
    if later:
        made["source_file"] += f" AND f.file_id NOT IN ({', '.join(map(str, later))})"
    made["line_outcome"] = _OUTCOMES.format(s=schema, last=last)
    return made


def decided_later(
    connection: Connection, municipality_code: str, at: datetime, journal_id: int
) -> tuple[int, ...]:
    """Files that were there at the moment, and decided only behind it."""
    found = connection.execute(
        text(
            "SELECT j.file_id FROM journal j JOIN source_file f ON f.municipality_code = :m "
            "AND f.file_id = j.file_id WHERE j.municipality_code = :m AND f.taken_in_at <= :at "
            "GROUP BY j.file_id HAVING MIN(j.journal_id) > :last ORDER BY j.file_id"
        ),
        {
            "m": municipality_code,
            "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
            "last": journal_id,
        },
    )
    return tuple(int(file_id) for file_id in found.scalars())


def settled(
    connection: Connection,
    past: DayReport,
    before: DayReport | None,
    after: DayReport,
    later: tuple[int, ...],
) -> tuple[DayReport, tuple[str, ...]]:
    """Put in what keeps no moment, as the copies before and after say; and what stays unsure.

    ``later`` are the files that were decided only behind the moment (:func:`decided_later`).
    """
    found: dict[str, Any] = {}
    unsure: list[str] = []
    if before is not None:
        found["waiting"] = before.waiting
    if before is None or before.waiting != after.waiting:
        unsure.append("waiting")
    tried_twice = {file.file_id for file in after.files} & set(later)
    known = not tried_twice and not _nil_reports(connection, past)
    for name in ("arrivals", "files"):
        if before is not None and getattr(before, name) == getattr(after, name):
            found[name] = getattr(before, name)
        elif tried_twice or (name == "arrivals" and not known):
            unsure.append(name)
    of_slips = _of_slips(past)
    if of_slips != _of_slips(after) or (before is not None and of_slips != _of_slips(before)):
        unsure.append("checks")
    return replace(past, **found), tuple(unsure)


def _nil_reports(connection: Connection, report: DayReport) -> bool:
    """Whether anybody said at any time that nothing came on the day."""
    asked = text("SELECT 1 FROM nil_report WHERE municipality_code = :m AND due_on = :day LIMIT 1")
    values = {"m": report.municipality_code, "day": report.day.isoformat()}
    return connection.execute(asked, values).first() is not None


def _of_slips(report: DayReport) -> tuple[Check, ...]:
    """納付書の突合 of a report."""
    return tuple(check for check in report.checks if check.code in _OF_SLIPS)

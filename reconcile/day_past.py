"""過去の日計の再計算: the report of a day out of the books as they stood at a moment (as-of).

Most of the books is only ever added to and says when; what changes in place leaves what it said
before (:mod:`payments.store.former`). So the same functions that make a report are asked of views
that end at a moment: they carry the names of the tables, and only this transaction sees them. The
report is then the one that was made at the moment, to the byte.

What was written before former rows were kept says less: of such moments the open cases, the nil
reports, the states of print runs and of files that were tried twice are those of the time when
keeping began (:func:`reconcile.day_copies.as_of` names them).
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.domain.arrivals import JAPAN
from payments.store.former import left_after
from payments.store.municipalities import profile_at
from payments.store.slip_tables import ApprovalRow, PrintRunRow
from payments.store.unit_of_work import another_picture
from reconcile import day_close
from reconcile import past_views as views
from reconcile.day_totals import OPEN_BY_DATE, Sums, ledger, stored_sums
from reconcile.mark import summed_up_to
from reconcile.report.checks import balance
from reconcile.report.period import day_report
from reconcile.rules import PAYMENT_RULES
from reconcile.store.debit_tables import DebitBatchRow
from reconcile.store.tables import SourceFileRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from sqlalchemy import Connection

    from reconcile.report.period import DayReport

_RULES = ", ".join(f"'{code}'" for code in ("S1", *(rule.code for rule in PAYMENT_RULES)))
_BY_JOURNAL = ("journal", "posting", "write_off")
_BY_MOMENT = {
    "carry_run": "made_at", "day_closure": "made_at", "debit_event": "made_at",
    "refund_event": "made_at", "arrival_record": "made_at", "slip_upload": "made_at",
    "slip_upload_answer": "accepted_at", "slip_event": "happened_at",
    "print_run_file": "done_at", "nil_report_change": "made_at",
}  # fmt: skip


class _Scope(NamedTuple):
    """過去の時点: where its views are made, and up to where they go."""

    schema: str
    sqlite: bool
    municipality_code: str
    at: datetime
    journal_id: int

    def moment(self, column: str) -> str:
        """An instant of a row, as it can be compared with :attr:`until`."""
        return f"REPLACE(SUBSTR({column}, 1, 26), 'T', ' ')" if self.sqlite else column

    @property
    def until(self) -> str:
        """The moment itself as a literal of SQL, without its quotes."""
        written = self.at.astimezone(UTC).isoformat(" ", timespec="microseconds")
        return written[:26] if self.sqlite else written

    def by(self, column: str) -> str:
        """Whether a row was there, by the column that says when it was written."""
        return f"{self.moment(column)} <= '{self.until}'"

    def day(self, value: object) -> str:
        """A day as a literal."""
        if value is None:
            return "CAST(NULL AS DATE)"
        return f"'{value}'" if self.sqlite else f"CAST('{value}' AS DATE)"

    def number(self, name: str) -> str:
        """A number out of what a row ``k`` of former rows said."""
        if self.sqlite:
            return f"json_extract(k.row_json, '$.{name}')"
        return f"CAST(CAST(k.row_json AS JSON) ->> '{name}' AS BIGINT)"

    def left(self, table: str) -> str:
        """The former rows of a table as of the moment."""
        return self.fill(views.LEFT, table=table, until_at=self.moment("k.until_at"), at=self.until)

    def fill(self, query: str, **values: object) -> str:
        """A query about this municipality, its tables and its last journal."""
        return query.format(s=self.schema, m=self.municipality_code, last=self.journal_id, **values)


def at_moment(
    connection: Connection, municipality_code: str, day: date, at: datetime, journal_id: int
) -> DayReport:
    """日計 of an open day as it was shown at a moment, when the books went up to a journal."""
    profile = profile_at(connection, municipality_code, at)
    with books_until(connection, municipality_code, at, journal_id):
        signed = day_close.last_signed(connection, municipality_code)
        sums = None
        if stored_sums(connection, municipality_code) is None:
            # Before anything was summed up, the sums of all books were those of the moment.
            rows = ledger(connection, municipality_code, day, day)
            written_off, receivable = balance(rows, "written_off"), balance(rows, "receivable")
            sums = Sums(
                journal_id=journal_id,
                provisional_yen=balance(rows, "reported"),
                applied_yen=-balance(rows, "assessed") - written_off - receivable,
                outstanding_yen=receivable,
                surplus_yen=0,
            )
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
    scope = _Scope(str(schema), sqlite, municipality_code, at, journal_id)
    made = {
        **_added(scope),
        **_files(connection, scope),
        **_changed(connection, scope),
        **_summed_up(connection, scope),
    }
    driver: Any = connection.connection.dbapi_connection
    prepared = getattr(driver, "prepare_threshold", None)
    hidden = connection.begin_nested()
    try:
        if not sqlite:  # what was prepared before still asks the tables
            driver.prepare_threshold = None
        for name, query in made.items():
            # Its driver looks for parameters, and there are none.
            plain = query if sqlite else query.replace("%", "%%")
            connection.exec_driver_sql(f"CREATE TEMP VIEW {name} AS {plain}")
        with another_picture(connection):
            yield
    finally:
        hidden.rollback()
        if not sqlite:
            driver.prepare_threshold = prepared


def _added(scope: _Scope) -> dict[str, str]:
    """What is only ever added to, up to the moment; what has no moment yet goes by its day."""
    made = {
        name: f"SELECT * FROM {scope.schema}.{name} WHERE journal_id <= {scope.journal_id}"
        for name in _BY_JOURNAL
    }
    for name, column in _BY_MOMENT.items():
        made[name] = f"SELECT * FROM {scope.schema}.{name} WHERE {scope.by(column)}"
    today = scope.day(scope.at.astimezone(JAPAN).date())
    for name, day in (("case_event", "happened_on"), ("nil_report", "due_on")):
        made[name] = (
            f"SELECT * FROM {scope.schema}.{name} "
            f"WHERE {scope.by('made_at')} OR (made_at IS NULL AND {day} <= {today})"
        )
    made["settlement"] = scope.fill(views.SETTLED)
    decided = _case(ApprovalRow, scope.by("f.decided_at"), ("decided_by", "decided_at", "decision"))
    made["approval"] = (
        f"SELECT {decided} FROM {scope.schema}.approval f WHERE {scope.by('f.asked_at')}"
    )
    return made


def _files(connection: Connection, scope: _Scope) -> dict[str, str]:
    """資料 as they stood, and what was decided about their lines."""
    tried = left_after(connection, scope.municipality_code, "source_file", scope.at)
    later = decided_later(connection, scope.municipality_code, scope.at, scope.journal_id)
    changed = ", ".join(["0", *tried, *map(str, later)])
    undecided = f"(f.decided_at IS NOT NULL AND NOT {scope.by('f.decided_at')})"
    names = [column.name for column in SourceFileRow.__table__.columns]  # type: ignore[attr-defined]
    columns = ", ".join(
        f"CASE WHEN {undecided} THEN {views.UNDECIDED[name]} ELSE f.{name} END AS {name}"
        if name in views.UNDECIDED
        else f"f.{name}"
        for name in names
    )
    files = (
        f"SELECT {columns} FROM {scope.schema}.source_file f "
        f"WHERE {scope.by('f.taken_in_at')} AND f.file_id NOT IN ({changed})"
    )
    for file_id, said in tried.items():
        files += (
            f" UNION ALL SELECT {_said_columns(scope, names, said)} "
            f"FROM {scope.schema}.source_file f WHERE f.municipality_code = "
            f"'{scope.municipality_code}' AND f.file_id = {file_id} AND {scope.by('f.taken_in_at')}"
        )
    findings = scope.fill(views.FINDINGS) + f" AND d.file_id NOT IN ({changed})"
    for file_id, said in tried.items():
        if said["findings"]:
            findings += scope.fill(views.COUNTED, file_id=file_id, number=said["findings"])
    outcomes = f"SELECT * FROM {scope.schema}.line_outcome WHERE journal_id <= {scope.journal_id}"
    return {
        "source_file": files,
        "finding": findings,
        "line_outcome": outcomes,
        "receipt": scope.fill(views.RECEIPTS, of=views.OF),
    }


def _said_columns(scope: _Scope, names: Iterable[str], said: Mapping[str, Any]) -> str:
    """The columns of a file with what it said at the moment in their places."""
    said = {**said, "count": said["records"]}
    days, numbers = {"received_on", "created_on"}, {"count", "amount_yen"}
    found = []
    for name in names:
        if name not in said:
            found.append(f"f.{name}")
        elif name in days:
            found.append(f"{scope.day(said[name])} AS {name}")
        elif name in numbers:
            found.append(f"{int(said[name])} AS {name}")
        else:
            found.append("'" + str(said[name]).replace("'", "''") + f"' AS {name}")
    return ", ".join(found)


def _changed(connection: Connection, scope: _Scope) -> dict[str, str]:
    """What changes in place: cases, groups, batches, slips and the runs that print them."""
    runs = left_after(connection, scope.municipality_code, "print_run", scope.at)
    named = {"state": "f.state", "numbered_seq": "f.numbered_seq"}
    if runs:
        for name in named:
            cases = " ".join(
                f"WHEN {run_id} THEN '{said[name]}'"
                if name == "state"
                else f"WHEN {run_id} THEN {int(said[name])}"
                for run_id, said in runs.items()
            )
            named[name] = f"CASE f.run_id {cases} ELSE f.{name} END"
    columns = ", ".join(
        f"{named[name]} AS {name}" if name in named else f"f.{name}"
        for name in (column.name for column in PrintRunRow.__table__.columns)  # type: ignore[attr-defined]
    )
    batch = [
        column.name
        for column in DebitBatchRow.__table__.columns  # type: ignore[attr-defined]
        if column.name != "in_force"
    ]
    figures = ", ".join(
        f"CASE WHEN k.row_key IS NULL THEN g.{name} ELSE {scope.number(name)} END AS {name}"
        for name in views.GROUP
    )
    amount = (
        f"COALESCE((SELECT {scope.number('amount_yen')} FROM {scope.left('review_case')} k "
        "WHERE k.row_key = CAST(c.case_no AS VARCHAR(60))), c.amount_yen)"
    )
    return {
        "review_case": scope.fill(views.CASES, amount=amount),
        "remittance_group": scope.fill(
            views.GROUPS, figures=figures, left=scope.left("remittance_group")
        ),
        "debit_batch": scope.fill(views.BATCHES, columns=", ".join(f"b.{name}" for name in batch)),
        "slip": scope.fill(views.SLIPS, later=f"NOT {scope.by('e.happened_at')}"),
        "print_run": (
            f"SELECT {columns} FROM {scope.schema}.print_run f WHERE {scope.by('f.made_at')}"
        ),
        "print_run_slip": scope.fill(views.PLACES),
    }


def _summed_up(connection: Connection, scope: _Scope) -> dict[str, str]:
    """集計 as far as it went at the moment; lines are counted one by one."""
    code, schema = scope.municipality_code, scope.schema
    made = {"file_total": f"SELECT * FROM {schema}.file_total WHERE 1 = 0"}
    left = left_after(connection, code, "books_mark", scope.at)
    if not left:  # it has not moved since
        return made
    said = left[""]
    from_mark = said["journal_id"] if said else 0
    mark = summed_up_to(connection, code)
    closed_year = _closed_year(connection, scope, mark)
    open_year = (
        "CASE WHEN 'receivable' NOT IN (p.debit_account, p.credit_account) THEN 0 "
        f"WHEN {OPEN_BY_DATE} > {closed_year} THEN {OPEN_BY_DATE} ELSE {closed_year} + 1 END"
    )
    made["day_total"] = scope.fill(
        views.TOTALS, open_year=open_year, from_mark=from_mark, mark=mark
    )
    names = ("journal_id", "provisional_yen", "applied_yen", "outstanding_yen", "surplus_yen")
    figures = ", ".join(f"CAST({int(said[n]) if said else 0} AS BIGINT) AS {n}" for n in names)
    made["books_mark"] = (
        f"SELECT municipality_code, {figures} FROM {schema}.books_mark"
        f"{'' if said else ' WHERE 1 = 0'}"
    )
    return made


def _closed_year(connection: Connection, scope: _Scope, mark: int) -> str:
    """The year that was closed when a journal ``j`` was summed up."""
    asked = scope.fill(
        views.CLOSED_YEARS, made_at=scope.moment("c.made_at"), until_at=scope.moment("k.until_at")
    )
    if not scope.sqlite:
        asked = asked.replace(", '')", ", '-infinity')")
    said = "0"
    for row in connection.exec_driver_sql(asked).all():
        known = json.loads(row.before) if row.before else {"journal_id": mark}
        after = row.journal_id if row.journal_id is not None else (known or {}).get("journal_id", 0)
        said = f"CASE WHEN j.journal_id > {after} THEN {row.closed_year} ELSE {said} END"
    return said


def _case(row: Any, condition: str, names: tuple[str, ...]) -> str:
    """All columns of a table; some of them empty unless the condition holds."""
    return ", ".join(
        f"CASE WHEN {condition} THEN f.{column.name} END AS {column.name}"
        if column.name in names
        else f"f.{column.name}"
        for column in row.__table__.columns
    )


def decided_later(
    connection: Connection, municipality_code: str, at: datetime, journal_id: int
) -> tuple[int, ...]:
    """Files of before former rows were kept that were there, and decided only after the moment."""
    found = connection.execute(
        text(
            "SELECT j.file_id FROM journal j JOIN source_file f ON f.municipality_code = :m "
            "AND f.file_id = j.file_id WHERE j.municipality_code = :m AND f.taken_in_at <= :at "
            "AND f.decided_at IS NULL "
            "GROUP BY j.file_id HAVING MIN(j.journal_id) > :last ORDER BY j.file_id"
        ),
        {
            "m": municipality_code,
            "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
            "last": journal_id,
        },
    )
    return tuple(int(file_id) for file_id in found.scalars())

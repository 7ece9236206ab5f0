"""確認事項の一覧: the worklist, filtered, sorted by any column, and paged by keyset.

A page begins behind the last case of the one before: its number is all that has to be remembered,
and no page gets slower by being far behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Date, and_, func, literal, or_, select, tuple_

from reconcile.store.tables import ReviewCaseRow, SourceFileRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Connection

WAITING = ("open", "acknowledged")
STATES = (*WAITING, "resolved", "accepted")
NOBODY = "-"  # the owner of cases that nobody has
DUE = ("overdue", "today", "week", "none")  # which deadlines are asked for
_NEVER = date(9999, 12, 31)
_AT_ONCE = 500

case_table = ReviewCaseRow.__table__  # type: ignore[attr-defined]
file_table = SourceFileRow.__table__  # type: ignore[attr-defined]
_CASE, _FILE = case_table.c, file_table.c
# What the list may be sorted by; none of them is ever NULL.
ORDERS: dict[str, ColumnElement[Any]] = {
    "case_no": _CASE.case_no,
    "kind": _CASE.kind,
    "state": _CASE.state,
    "amount_yen": _CASE.amount_yen,
    "opened_on": _CASE.opened_on,
    "due_on": func.coalesce(_CASE.due_on, literal(_NEVER, Date)),
    "owner": _CASE.owner,
    "subject": func.coalesce(_FILE.name, _CASE.subject),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """絞込み: which cases are asked for; what is empty asks for nothing."""

    states: tuple[str, ...] = WAITING
    kinds: tuple[str, ...] = ()
    owner: str = ""
    due: str = ""
    channel: str = ""
    age_days: int | None = None  # open for at least so many days
    opened_from: date | None = None
    opened_to: date | None = None
    amount_from: int | None = None
    amount_to: int | None = None
    words: str = ""  # part of the file's name or of what the case is about


class Order(NamedTuple):
    """並び順: a column of :data:`ORDERS`."""

    column: str = "opened_on"
    descending: bool = True


NEWEST, WAITS = Order(), Wanted()


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """確認事項の一行."""

    case_no: int
    kind: str
    subject: str
    state: str
    amount_yen: int
    opened_on: date
    owner: str
    file_name: str
    line_no: int | None
    due_on: date | None = None

    def age_days(self, day: date) -> int:
        """How many days it has been open on ``day``."""
        return (day - self.opened_on).days

    def is_overdue(self, day: date) -> bool:
        """期限超過: whether it still waits after its deadline."""
        return self.state in WAITING and self.due_on is not None and self.due_on < day


@dataclass(frozen=True, slots=True)
class CasePage:
    """確認事項一覧: one page, how many there are in all, and whether there are more."""

    cases: tuple[CaseSummary, ...]
    total: int
    total_yen: int
    before: bool = False
    after: bool = False


def list_cases(
    connection: Connection,
    municipality_code: str,
    wanted: Wanted = WAITS,
    *,
    today: date | None = None,
    order: Order = NEWEST,
    limit: int = 100,
    after: int = 0,
    before: int = 0,
) -> CasePage:
    """A page of the cases wanted: behind the case ``after``, or in front of the case ``before``.

    ``today`` is what deadlines and ages are held against; those filters need it.
    """
    chosen = _chosen(municipality_code, wanted, today)
    total, total_yen = connection.execute(
        _from(select(func.count(), func.coalesce(func.sum(_CASE.amount_yen), 0)), wanted).where(
            *chosen
        )
    ).one()
    backwards = bool(before) and not after
    anchor = after or before
    edge = _edge(connection, municipality_code, order, anchor) if anchor else None
    # Only the numbers are sorted; names of files are looked up for the page alone.
    numbers = _from(select(_CASE.case_no), wanted, order).where(*chosen)
    rows = connection.execute(
        _ordered(numbers, order, edge, backwards=backwards).limit(limit + 1)
    ).scalars()
    some = list(rows)
    more = len(some) > limit
    by_number = {
        case.case_no: case for case in case_summaries(connection, municipality_code, some[:limit])
    }
    found = [by_number[number] for number in some[:limit]]
    return CasePage(
        tuple(reversed(found) if backwards else found),
        int(total),
        int(total_yen),
        before=more if backwards else bool(anchor),
        after=bool(anchor) if backwards else more,
    )


def every_case(
    connection: Connection,
    municipality_code: str,
    wanted: Wanted,
    *,
    today: date,
    order: Order = NEWEST,
) -> Iterator[CaseSummary]:
    """All of the cases wanted, as they come from the database: for exports."""
    statement = _ordered(
        _summaries().where(*_chosen(municipality_code, wanted, today)), order, None
    )
    with connection.execute(statement, execution_options={"yield_per": _AT_ONCE}) as rows:
        for row in rows:
            yield summary_of(row)


def case_summaries(
    connection: Connection, municipality_code: str, numbers: list[int]
) -> list[CaseSummary]:
    """The cases of these numbers that there are, in the order of the numbers."""
    rows = connection.execute(
        _summaries()
        .where(_CASE.municipality_code == municipality_code, _CASE.case_no.in_(numbers))
        .order_by(_CASE.case_no)
    )
    return [summary_of(row) for row in rows]


def _ordered(statement: Any, order: Order, edge: Any, *, backwards: bool = False) -> Any:
    """Sorted, and from the edge on; equal values by the number of the case."""
    value = ORDERS[order.column]
    descending = order.descending != backwards
    if edge is not None:
        key, behind = tuple_(value, _CASE.case_no), tuple_(*edge)
        statement = statement.where(key < behind if descending else key > behind)
    columns = (value, _CASE.case_no)
    return statement.order_by(*(c.desc() if descending else c.asc() for c in columns))


def _edge(connection: Connection, code: str, order: Order, case_no: int) -> Any:
    """Where a page begins: the value and the number of a case; None when there is no such case."""
    value = ORDERS[order.column]
    row = connection.execute(
        _from(select(value, _CASE.case_no), Wanted(words="-")).where(
            _CASE.municipality_code == code, _CASE.case_no == case_no
        )
    ).one_or_none()
    return None if row is None else (literal(row[0], value.type), literal(row[1]))


def _chosen(code: str, wanted: Wanted, today: date | None) -> list[ColumnElement[bool]]:
    """The conditions."""
    found: list[ColumnElement[bool]] = [
        _CASE.municipality_code == code,
        _CASE.state.in_(wanted.states),
    ]
    if wanted.kinds:
        found.append(_CASE.kind.in_(wanted.kinds))
    if wanted.owner:
        found.append(_CASE.owner == ("" if wanted.owner == NOBODY else wanted.owner))
    if wanted.channel:
        found.append(_FILE.channel == wanted.channel)
    for column, lowest, highest in (
        (_CASE.opened_on, wanted.opened_from, wanted.opened_to),
        (_CASE.amount_yen, wanted.amount_from, wanted.amount_to),
    ):
        found += [column >= lowest] if lowest is not None else []
        found += [column <= highest] if highest is not None else []
    if wanted.words:
        found.append(
            or_(
                _FILE.name.contains(wanted.words, autoescape=True),
                _CASE.subject.contains(wanted.words, autoescape=True),
            )
        )
    if today is not None:
        found += _of_today(wanted, today)
    return found


def _of_today(wanted: Wanted, today: date) -> list[ColumnElement[bool]]:
    """Deadline and age, which depend on the day."""
    found: list[ColumnElement[bool]] = []
    if wanted.age_days is not None:
        found.append(_CASE.opened_on <= today - timedelta(days=wanted.age_days))
    waits = _CASE.state.in_(WAITING)
    due: dict[str, ColumnElement[bool]] = {
        "overdue": and_(_CASE.due_on < today, waits),
        "today": and_(_CASE.due_on <= today, waits),
        "week": and_(_CASE.due_on <= today + timedelta(days=7), waits),
        "none": _CASE.due_on.is_(None),
    }
    return [*found, *([due[wanted.due]] if wanted.due in due else [])]


def _from(statement: Any, wanted: Wanted, order: Order = NEWEST) -> Any:
    """Cases, with their files where these are asked about."""
    if not (wanted.words or wanted.channel or order.column == "subject"):
        return statement.select_from(case_table)
    return statement.select_from(
        case_table.outerjoin(
            file_table,
            (_FILE.municipality_code == _CASE.municipality_code) & (_FILE.file_id == _CASE.file_id),
        )
    )


def _summaries() -> Any:
    """Cases with the name of the file they are about."""
    return _from(select(*SUMMARY), Wanted(words="-"))


SUMMARY = (
    _CASE.case_no, _CASE.kind, _CASE.subject, _CASE.state, _CASE.amount_yen, _CASE.opened_on,
    _CASE.owner, _FILE.name, _CASE.line_no, _CASE.due_on,
)  # fmt: skip


def summary_of(row: Any) -> CaseSummary:
    """A row of :data:`SUMMARY` as a value."""
    return CaseSummary(
        case_no=row.case_no,
        kind=row.kind,
        subject=row.subject,
        state=row.state,
        amount_yen=row.amount_yen,
        opened_on=row.opened_on,
        owner=row.owner,
        file_name=row.name or "",
        line_no=row.line_no,
        due_on=row.due_on,
    )

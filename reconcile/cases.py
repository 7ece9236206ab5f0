"""確認事項: the worklist, one case with its facts and history, and what a person does with it.

Every change is a ``case_event``; a case is never deleted. Open → acknowledged → accepted with a
note; ``resolved`` is set by a booking. A re-opened case keeps its number.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from reconcile import case_facts
from reconcile.store.tables import CaseEventRow, ReviewCaseRow, SourceFileRow

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection, Row, Select

WAITING = ("open", "acknowledged")
STATES = (*WAITING, "resolved", "accepted")

case_table = ReviewCaseRow.__table__  # type: ignore[attr-defined]
event_table = CaseEventRow.__table__  # type: ignore[attr-defined]
file_table = SourceFileRow.__table__  # type: ignore[attr-defined]


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

    def age_days(self, day: date) -> int:
        """How many days it has been open on ``day``."""
        return (day - self.opened_on).days


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """経過の一行."""

    event_no: int
    happened_on: date
    actor: str
    event: str
    note: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """確認事項: summary, the facts it rests on as (label key, value), and its history."""

    summary: CaseSummary
    file_id: int | None
    details: dict[str, Any]
    line: dict[str, Any] = field(default_factory=dict)
    slip: dict[str, Any] = field(default_factory=dict)
    group: dict[str, Any] = field(default_factory=dict)
    bank: dict[str, Any] = field(default_factory=dict)
    same: tuple[dict[str, Any], ...] = ()  # other lines about the same payment or record
    events: tuple[CaseEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class CasePage:
    """確認事項一覧: one page and how many there are in all."""

    cases: tuple[CaseSummary, ...]
    total: int
    total_yen: int


def list_cases(
    connection: Connection,
    municipality_code: str,
    *,
    states: tuple[str, ...] = WAITING,
    kind: str = "",
    limit: int = 100,
    offset: int = 0,
) -> CasePage:
    """The worklist, newest day first and the largest amount of it on top."""
    chosen = [
        case_table.c.municipality_code == municipality_code,
        case_table.c.state.in_(states),
        *([case_table.c.kind == kind] if kind else []),
    ]
    total, total_yen = connection.execute(
        select(func.count(), func.coalesce(func.sum(case_table.c.amount_yen), 0)).where(*chosen)
    ).one()
    rows = connection.execute(
        _summaries()
        .where(*chosen)
        .order_by(
            case_table.c.opened_on.desc(), case_table.c.amount_yen.desc(), case_table.c.case_no
        )
        .limit(limit)
        .offset(offset)
    )
    return CasePage(tuple(_summary(row) for row in rows), int(total), int(total_yen))


def waiting_kinds(connection: Connection, municipality_code: str) -> list[tuple[str, int, int]]:
    """種類別: (kind, number, yen) of what waits, largest number first."""
    rows = connection.execute(
        select(case_table.c.kind, func.count().label("number"), func.sum(case_table.c.amount_yen))
        .where(
            case_table.c.municipality_code == municipality_code,
            case_table.c.state.in_(WAITING),
        )
        .group_by(case_table.c.kind)
        .order_by(func.count().desc(), case_table.c.kind)
    )
    return [(str(kind), int(number), int(yen)) for kind, number, yen in rows]


def show_case(connection: Connection, municipality_code: str, case_no: int) -> CaseView:
    """One case with everything about it; :class:`NotFoundError` ``case``."""
    row = connection.execute(
        _summaries()
        .add_columns(case_table.c.file_id, case_table.c.details)
        .where(case_table.c.municipality_code == municipality_code, case_table.c.case_no == case_no)
    ).one_or_none()
    if row is None:
        raise NotFoundError("case", case_no=case_no)
    line = case_facts.line(connection, municipality_code, row.file_id, row.line_no)
    return CaseView(
        summary=_summary(row),
        file_id=row.file_id,
        details=_details(row.details),
        line=line,
        slip=case_facts.slip(connection, municipality_code, line.get("slip_id"), row.subject),
        group=case_facts.group(connection, municipality_code, row.subject),
        bank=case_facts.bank(connection, municipality_code, line),
        same=case_facts.same_identity(connection, municipality_code, line),
        events=_events(connection, municipality_code, case_no),
    )


def acknowledge(
    connection: Connection, municipality_code: str, case_no: int, *, actor: str, on: date
) -> None:
    """対応開始: this person takes the case; :class:`RefusedError` unless it is open."""
    state = _state(connection, municipality_code, case_no)
    if state != "open":
        raise RefusedError("case_state", case_no=case_no, state=state)
    _change(connection, municipality_code, case_no, state="acknowledged", owner=actor)
    _add_event(connection, municipality_code, case_no, on, actor, "acknowledged")


def add_note(
    connection: Connection, municipality_code: str, case_no: int, note: str, *, actor: str, on: date
) -> None:
    """メモ: what somebody found out; also on a case that is closed."""
    _state(connection, municipality_code, case_no)
    _add_event(connection, municipality_code, case_no, on, actor, "note", _required(note))


def accept(
    connection: Connection, municipality_code: str, case_no: int, note: str, *, actor: str, on: date
) -> None:
    """了承: nothing is booked, and the note says why; :class:`RefusedError` when it is closed."""
    state = _state(connection, municipality_code, case_no)
    if state not in WAITING:
        raise RefusedError("case_state", case_no=case_no, state=state)
    text = _required(note)
    _change(connection, municipality_code, case_no, state="accepted")
    _add_event(connection, municipality_code, case_no, on, actor, "accepted", text)


def _required(note: str) -> str:
    """The note without surrounding space; a decision without a reason is none."""
    if not note.strip():
        raise InvalidValueError("case_note")
    return note.strip()


def _summaries() -> Select[Any]:
    """Cases with the name of the file they are about."""
    cases = case_table
    files = file_table
    return select(
        cases.c.case_no,
        cases.c.kind,
        cases.c.subject,
        cases.c.state,
        cases.c.amount_yen,
        cases.c.opened_on,
        cases.c.owner,
        files.c.name,
        cases.c.line_no,
    ).select_from(
        cases.outerjoin(
            files,
            (files.c.municipality_code == cases.c.municipality_code)
            & (files.c.file_id == cases.c.file_id),
        )
    )


def _summary(row: Row[Any]) -> CaseSummary:
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
    )


def _details(text: str) -> dict[str, Any]:
    """The values that were compared, as the engine wrote them."""
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {"values": found}


def _events(connection: Connection, municipality_code: str, case_no: int) -> tuple[CaseEvent, ...]:
    rows = connection.execute(
        select(event_table)
        .where(
            event_table.c.municipality_code == municipality_code, event_table.c.case_no == case_no
        )
        .order_by(event_table.c.event_no)
    )
    return tuple(
        CaseEvent(row.event_no, row.happened_on, row.actor, row.event, row.note) for row in rows
    )


def _state(connection: Connection, municipality_code: str, case_no: int) -> str:
    """The state in force; :class:`NotFoundError` ``case``."""
    state = connection.execute(
        select(case_table.c.state).where(
            case_table.c.municipality_code == municipality_code, case_table.c.case_no == case_no
        )
    ).scalar_one_or_none()
    if state is None:
        raise NotFoundError("case", case_no=case_no)
    return str(state)


def _change(connection: Connection, municipality_code: str, case_no: int, **values: str) -> None:
    connection.execute(
        case_table.update()
        .where(case_table.c.municipality_code == municipality_code, case_table.c.case_no == case_no)
        .values(**values)
    )


def _add_event(
    connection: Connection,
    municipality_code: str,
    case_no: int,
    on: date,
    actor: str,
    event: str,
    note: str = "",
) -> None:
    last = connection.execute(
        select(func.coalesce(func.max(event_table.c.event_no), 0)).where(
            event_table.c.municipality_code == municipality_code, event_table.c.case_no == case_no
        )
    ).scalar_one()
    connection.execute(
        event_table.insert().values(
            municipality_code=municipality_code,
            case_no=case_no,
            event_no=int(last) + 1,
            happened_on=on,
            actor=actor,
            event=event,
            note=note,
        )
    )

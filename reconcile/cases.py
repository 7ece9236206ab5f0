"""確認事項: one case with its facts and history, and what a person does with it.

Every change is a ``case_event``; a case is never deleted. Open → acknowledged → accepted with a
note; ``resolved`` is set by a booking. A re-opened case keeps its number. What a person did may be
undone from the history (:mod:`reconcile.case_history`); the list is :mod:`reconcile.case_list`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.store.former import written_at
from reconcile import case_facts, case_history
from reconcile.case_history import Happened
from reconcile.case_list import SUMMARY, WAITING, CaseSummary, summary_of
from reconcile.store.tables import CaseEventRow, ReviewCaseRow, SourceFileRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

case_table = ReviewCaseRow.__table__  # type: ignore[attr-defined]
event_table = CaseEventRow.__table__  # type: ignore[attr-defined]
file_table = SourceFileRow.__table__  # type: ignore[attr-defined]


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
    undoable: frozenset[int] = frozenset()  # numbers of events that a person may take back
    undone: frozenset[int] = frozenset()


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
        select(*SUMMARY, case_table.c.file_id, case_table.c.details)
        .select_from(
            case_table.outerjoin(
                file_table,
                (file_table.c.municipality_code == case_table.c.municipality_code)
                & (file_table.c.file_id == case_table.c.file_id),
            )
        )
        .where(case_table.c.municipality_code == municipality_code, case_table.c.case_no == case_no)
    ).one_or_none()
    if row is None:
        raise NotFoundError("case", case_no=case_no)
    line = case_facts.line(connection, municipality_code, row.file_id, row.line_no)
    events = _events(connection, municipality_code, case_no)
    return CaseView(
        summary=summary_of(row),
        file_id=row.file_id,
        details=_details(row.details),
        line=line,
        slip=case_facts.slip(connection, municipality_code, line.get("slip_id"), row.subject),
        group=case_facts.group(connection, municipality_code, row.subject),
        bank=case_facts.bank(connection, municipality_code, line),
        same=case_facts.same_identity(connection, municipality_code, line),
        events=tuple(CaseEvent(*event) for event in events),
        undoable=case_history.undoable(events),
        undone=frozenset(case_history.undone(events)),
    )


def events_shown(connection: Connection, municipality_code: str, case_no: int) -> int:
    """経過の件数: the number of the last event; 0 for a case that there is not."""
    return int(
        connection.execute(
            select(func.coalesce(func.max(event_table.c.event_no), 0)).where(
                event_table.c.municipality_code == municipality_code,
                event_table.c.case_no == case_no,
            )
        ).scalar_one()
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
    _require_waiting(connection, municipality_code, case_no)
    text = _required(note)
    _change(connection, municipality_code, case_no, state="accepted")
    _add_event(connection, municipality_code, case_no, on, actor, "accepted", text)


def assign(
    connection: Connection,
    municipality_code: str,
    case_no: int,
    owner: str,
    *,
    actor: str,
    on: date,
) -> None:
    """担当: whose case it is from now on, "" for nobody's.

    That the person exists is the business of whoever asks. Raises :class:`RefusedError`
    ``case_state`` when it is closed, ``case_owner_same`` when it is theirs already.
    """
    _require_waiting(connection, municipality_code, case_no)
    before = connection.execute(
        select(case_table.c.owner).where(
            case_table.c.municipality_code == municipality_code, case_table.c.case_no == case_no
        )
    ).scalar_one()
    if before == owner:
        raise RefusedError("case_owner_same", case_no=case_no)
    _change(connection, municipality_code, case_no, owner=owner)
    _add_event(connection, municipality_code, case_no, on, actor, "assigned", owner)


def set_deadline(
    connection: Connection,
    municipality_code: str,
    case_no: int,
    due_on: date,
    *,
    actor: str,
    on: date,
) -> None:
    """期限: another day than its kind would have.

    Raises :class:`RefusedError` ``case_state`` when it is closed, :class:`InvalidValueError`
    ``case_deadline_past`` for a day before ``on``.
    """
    _require_waiting(connection, municipality_code, case_no)
    if due_on < on:
        raise InvalidValueError("case_deadline_past", found=due_on.isoformat())
    _change(connection, municipality_code, case_no, due_on=due_on)
    _add_event(connection, municipality_code, case_no, on, actor, "deadline", due_on.isoformat())


def deadline_of(text: str) -> date:
    """期限 as a form sends it; :class:`InvalidValueError` ``case_deadline_missing``."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidValueError("case_deadline_missing") from None


def undo(
    connection: Connection,
    municipality_code: str,
    case_no: int,
    event_no: int,
    *,
    actor: str,
    on: date,
) -> None:
    """経過の取消: what a person did is taken back, by a further event that names it.

    Raises :class:`NotFoundError` ``case``; :class:`RefusedError` ``case_undo`` when something later
    has changed the same, or it was no deed of a person.
    """
    _state(connection, municipality_code, case_no)
    kind = connection.execute(
        select(case_table.c.kind).where(
            case_table.c.municipality_code == municipality_code, case_table.c.case_no == case_no
        )
    ).scalar_one()
    events = _events(connection, municipality_code, case_no)
    now = case_history.without(str(kind), events, event_no)
    touched = next(case_history.TOUCHES[e.event] for e in events if e.event_no == event_no)
    values = {name: value for name, value in now._asdict().items() if name in touched}
    _change(connection, municipality_code, case_no, **values)
    _add_event(connection, municipality_code, case_no, on, actor, "undone", str(event_no))


def _require_waiting(connection: Connection, municipality_code: str, case_no: int) -> None:
    """:class:`NotFoundError` ``case``, :class:`RefusedError` ``case_state`` for a closed one."""
    state = _state(connection, municipality_code, case_no)
    if state not in WAITING:
        raise RefusedError("case_state", case_no=case_no, state=state)


def _required(note: str) -> str:
    """The note without surrounding space; a decision without a reason is none."""
    if not note.strip():
        raise InvalidValueError("case_note")
    return note.strip()


def _details(text: str) -> dict[str, Any]:
    """The values that were compared, as the engine wrote them."""
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {"values": found}


def _events(connection: Connection, municipality_code: str, case_no: int) -> tuple[Happened, ...]:
    rows = connection.execute(
        select(event_table)
        .where(
            event_table.c.municipality_code == municipality_code, event_table.c.case_no == case_no
        )
        .order_by(event_table.c.event_no)
    )
    return tuple(
        Happened(row.event_no, row.happened_on, row.actor, row.event, row.note) for row in rows
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


def _change(connection: Connection, municipality_code: str, case_no: int, **values: object) -> None:
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
    connection.execute(
        event_table.insert().values(
            municipality_code=municipality_code,
            case_no=case_no,
            event_no=events_shown(connection, municipality_code, case_no) + 1,
            happened_on=on,
            actor=actor,
            event=event,
            note=note,
            made_at=written_at(),
        )
    )

"""猶予・停止: holds are set and lifted by people and by files, and nothing is overwritten.

A person's hold is two events of its own (``hold_event``). What a file says about an instalment is
in its events (``assessment_event.flags``: the state after that line), and the flags of the
instalment are those of the last line. The two never touch each other: a correction that comes
without a flag ends what a file set, never what a person decided. Held is what either says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, or_, select, text

from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.domain.holds import FLAGS, Span, check_span
from payments.domain.reason import require_reason
from payments.store.bulk import take_numbers
from payments.store.hold_tables import WHOLE_NOTICE, HoldEventRow
from payments.store.lookups import rows_about

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from payments.domain.holds import HoldKind

table = HoldEventRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Hold:
    """猶予・停止: set, and lifted or not yet. ``by`` is ``person`` or ``file``.

    Of a file: ``hold_no`` is 0, ``reason`` is empty, and the days are those on which the lines were
    booked.
    """

    hold_no: int
    notice_id: int
    term: str
    kind: str
    by: str
    span: Span
    reason: str
    actor: str
    lift_reason: str = ""
    lift_actor: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """対象: an instalment, or with term 00 the whole notice."""

    notice_id: int
    term: str


def target_of(connection: Connection, municipality_code: str, name: str) -> Target:
    """対象 from what people write: ``科目/賦課年度/通知書番号`` with or without ``/期別``.

    Raises :class:`InvalidValueError` ``claim_name`` or :class:`NotFoundError` ``claim``.
    """
    parts = name.strip().split("/")
    if len(parts) not in {3, 4} or not (parts[1].isascii() and parts[1].isdigit()):
        raise InvalidValueError("claim_name", found=name)
    row = connection.execute(
        text(
            "SELECT notice_id FROM notice WHERE municipality_code = :m AND item_code = :item "
            "AND levy_year = :year AND notice_no = :number"
        ),
        {"m": municipality_code, "item": parts[0], "year": int(parts[1]), "number": parts[2]},
    ).one_or_none()
    if row is None:
        raise NotFoundError("claim", found=name)
    target = Target(row.notice_id, parts[3].zfill(2) if len(parts) > 3 else WHOLE_NOTICE)
    terms = {WHOLE_NOTICE, *_terms(connection, municipality_code, target)}
    if target.term not in terms:
        raise NotFoundError("claim", found=name)
    return target


def set_hold(
    connection: Connection,
    municipality_code: str,
    target: Target,
    kind: HoldKind,
    span: Span,
    *,
    reason: str,
    actor: str,
    at: datetime,
) -> int:
    """猶予・停止をする: a new hold; its number.

    Raises :class:`InvalidValueError` ``hold_span``, ``reason_missing`` or ``reason_long``.
    """
    check_span(span)
    hold_no = take_numbers(connection, municipality_code, "hold", 1)
    connection.execute(
        table.insert().values(
            municipality_code=municipality_code,
            hold_no=hold_no,
            event_no=1,
            event="set",
            notice_id=target.notice_id,
            term=target.term,
            kind=kind.value,
            from_on=span.from_on,
            until_on=span.until_on,
            reason=require_reason(reason),
            actor=actor,
            made_at=at,
        )
    )
    return hold_no


def lift_hold(
    connection: Connection,
    municipality_code: str,
    hold_no: int,
    *,
    on: date,
    reason: str,
    actor: str,
    at: datetime,
) -> Hold:
    """猶予・停止を解く: ``on`` is the first day without it; the hold as it stands now.

    Raises :class:`NotFoundError` ``hold``, :class:`RefusedError` ``hold_lifted``, and
    :class:`InvalidValueError` ``reason_missing`` or ``reason_long``.
    """
    hold = hold_of(connection, municipality_code, hold_no)
    if hold.span.lifted_on is not None:
        raise RefusedError("hold_lifted", hold_no=hold_no, on=hold.span.lifted_on.isoformat())
    connection.execute(
        table.insert().values(
            municipality_code=municipality_code,
            hold_no=hold_no,
            event_no=2,
            event="lifted",
            notice_id=hold.notice_id,
            term=hold.term,
            kind=hold.kind,
            from_on=on,
            until_on=None,
            reason=require_reason(reason),
            actor=actor,
            made_at=at,
        )
    )
    return hold_of(connection, municipality_code, hold_no)


def holds_of(connection: Connection, municipality_code: str, notice_id: int) -> list[Hold]:
    """猶予・停止の経過 of a notice: what people and files set and lifted, oldest first."""
    found = [
        *_by_people(connection, municipality_code, table.c.notice_id == notice_id),
        *_by_files(connection, municipality_code, notice_id),
    ]
    return sorted(found, key=lambda hold: (hold.span.from_on, hold.hold_no, hold.term, hold.kind))


def holds_of_target(connection: Connection, municipality_code: str, target: Target) -> list[Hold]:
    """猶予・停止の経過 of an instalment (its own and its notice's), or of a whole notice."""
    return [
        hold
        for hold in holds_of(connection, municipality_code, target.notice_id)
        if WHOLE_NOTICE in {target.term, hold.term} or hold.term == target.term
    ]


def names_of(connection: Connection, municipality_code: str, holds: list[Hold]) -> dict[int, str]:
    """通知書の名: notice_id → ``科目/賦課年度/通知書番号``, of the notices that are held."""
    statement = (
        "SELECT notice_id, item_code, levy_year, notice_no FROM notice "
        "WHERE municipality_code = :m AND notice_id IN :some"
    )
    held = sorted({hold.notice_id for hold in holds})
    rows = rows_about(connection, statement, municipality_code, held)
    return {r.notice_id: f"{r.item_code}/{r.levy_year}/{r.notice_no}" for r in rows}


def name_of(connection: Connection, municipality_code: str, notice_id: int) -> str:
    """通知書の名 ``科目/賦課年度/通知書番号``; :class:`NotFoundError` ``claim``."""
    row = connection.execute(
        text(
            "SELECT item_code, levy_year, notice_no FROM notice "
            "WHERE municipality_code = :m AND notice_id = :notice_id"
        ),
        {"m": municipality_code, "notice_id": notice_id},
    ).one_or_none()
    if row is None:
        raise NotFoundError("claim", found=notice_id)
    return f"{row.item_code}/{row.levy_year}/{row.notice_no}"


def holds_on(
    connection: Connection,
    municipality_code: str,
    day: date | None,
    *,
    limit: int,
    kind: str = "",
    below: int = 0,
) -> list[Hold]:
    """人による猶予・停止: those in force on ``day``, or all with None; newest first.

    ``kind`` narrows them to one; ``below`` is where a page goes on (0: from the newest on).
    """
    h, e = table.alias("h"), table.alias("e")
    wanted = select(h.c.hold_no).where(
        h.c.municipality_code == municipality_code, h.c.event == "set"
    )
    if below:
        wanted = wanted.where(h.c.hold_no < below)
    if kind:
        wanted = wanted.where(h.c.kind == kind)
    if day is not None:
        lifted = exists().where(
            e.c.municipality_code == municipality_code,
            e.c.hold_no == h.c.hold_no,
            e.c.event == "lifted",
            e.c.from_on <= day,
        )
        wanted = wanted.where(
            h.c.from_on <= day, or_(h.c.until_on.is_(None), h.c.until_on >= day), ~lifted
        )
    numbers = wanted.order_by(h.c.hold_no.desc()).limit(limit)
    found = _by_people(
        connection, municipality_code, table.c.hold_no.in_(select(numbers.subquery().c.hold_no))
    )
    return sorted(found, key=lambda hold: -hold.hold_no)


def held(holds: list[Hold], term: str, day: date) -> frozenset[str]:
    """現に効いている猶予・停止: the kinds in force for an instalment on ``day``."""
    return frozenset(
        hold.kind for hold in holds if hold.term in {term, WHOLE_NOTICE} and hold.span.covers(day)
    )


def hold_of(connection: Connection, municipality_code: str, hold_no: int) -> Hold:
    """One hold of a person; :class:`NotFoundError` ``hold``."""
    found = _by_people(connection, municipality_code, table.c.hold_no == hold_no)
    if not found:
        raise NotFoundError("hold", hold_no=hold_no)
    return found[0]


def _by_people(connection: Connection, municipality_code: str, wanted: Any) -> list[Hold]:
    """Holds that people set, each with its end when it was lifted."""
    rows = connection.execute(
        select(table)
        .where(table.c.municipality_code == municipality_code, wanted)
        .order_by(table.c.hold_no, table.c.event_no)
    ).all()
    lifted = {row.hold_no: row for row in rows if row.event == "lifted"}
    found = []
    for row in rows:
        if row.event == "lifted":
            continue
        end = lifted.get(row.hold_no)
        found.append(
            Hold(
                row.hold_no, row.notice_id, row.term, row.kind, "person",
                Span(row.from_on, row.until_on, end.from_on if end else None),
                row.reason, row.actor, end.reason if end else "", end.actor if end else "",
            )
        )  # fmt: skip
    return found


_LINES = """
SELECT e.term, e.flags, CAST(j.booked_on AS VARCHAR(10)) AS booked_on, j.actor
FROM assessment_event e
JOIN journal j ON j.municipality_code = :m AND j.file_id = e.file_id
WHERE e.municipality_code = :m AND e.notice_id = :notice_id AND e.outcome = 'applied'
ORDER BY e.term, j.journal_id, e.line_no"""


def _by_files(connection: Connection, municipality_code: str, notice_id: int) -> list[Hold]:
    """Holds that lines of assessments set and ended, as the flags came and went."""
    rows = connection.execute(text(_LINES), {"m": municipality_code, "notice_id": notice_id})
    found: list[Hold] = []
    begun: dict[tuple[str, str], tuple[date, str]] = {}
    for row in rows:
        flags, day = set(row.flags.split(";")), date.fromisoformat(row.booked_on)
        for kind in FLAGS:
            place = (row.term, kind.value)
            if kind in flags:
                begun.setdefault(place, (day, row.actor))
            elif place in begun:
                found.append(_of_file(notice_id, place, begun.pop(place), day, row.actor))
    return found + [_of_file(notice_id, place, begun[place], None, "") for place in begun]


def _of_file(
    notice_id: int,
    place: tuple[str, str],
    begun: tuple[date, str],
    lifted_on: date | None,
    lift_actor: str,
) -> Hold:
    """A hold of a file from the lines that begin and end it."""
    span = Span(begun[0], None, lifted_on)
    return Hold(0, notice_id, *place, "file", span, "", begun[1], "", lift_actor)


def _terms(connection: Connection, municipality_code: str, target: Target) -> set[str]:
    """The instalments of a notice."""
    rows = connection.execute(
        text("SELECT term FROM instalment WHERE municipality_code = :m AND notice_id = :notice_id"),
        {"m": municipality_code, "notice_id": target.notice_id},
    )
    return set(rows.scalars())

"""督促リストの記録: lists, their events and what state they are in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select, text

from payments.domain.errors import NotFoundError, RefusedError
from payments.domain.reason import require_reason
from payments.store.dunning_tables import DunningEventRow, DunningListRow
from reconcile.dunning.rules import GROUNDS, terms_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from sqlalchemy import Connection

    from reconcile.dunning.rules import Terms

ENDED = ("dispatched", "dropped")
_lists = DunningListRow.__table__  # type: ignore[attr-defined]
_events = DunningEventRow.__table__  # type: ignore[attr-defined]


class Counted(NamedTuple):
    """件数と金額."""

    number: int
    yen: int


@dataclass(frozen=True, slots=True)
class Event:
    """督促リストの出来事; ``subject_no`` is the approval, print run or pull list (0: none)."""

    event_no: int
    event: str
    happened_on: date
    made_at: datetime
    actor: str
    journal_id: int
    letters: int
    subject_no: int
    rows_sha256: str
    reason: str


@dataclass(frozen=True, slots=True)
class DunningList:
    """督促リスト as it was drawn, with everything that happened to it since."""

    list_no: int
    as_of_on: date
    cut_off_on: date
    terms: Terms
    journal_id: int
    file_id: int
    row_count: int
    listed_count: int
    listed_yen: int
    rows_sha256: str
    files_sha256: str
    despite_id: int | None
    actor: str
    made_at: datetime
    events: tuple[Event, ...]

    @property
    def state(self) -> str:
        """状態: drawn, approved, pull_drawn, pull_confirmed, dispatched or dropped."""
        return next(e.event for e in reversed(self.events) if e.event != "printing")

    def last(self, event: str) -> Event | None:
        """The last event of a kind, or None."""
        return next((e for e in reversed(self.events) if e.event == event), None)

    @property
    def run_id(self) -> int:
        """印刷 of its letters, 0 without one."""
        printing = self.last("printing")
        return printing.subject_no if printing else 0


def pull_no_of(found: DunningList) -> int:
    """最後の引抜きリストの番号, 0 before the first."""
    drawn = found.last("pull_drawn")
    return drawn.subject_no if drawn else 0


def list_of(connection: Connection, municipality_code: str, list_no: int) -> DunningList:
    """督促リスト by its number; :class:`NotFoundError` ``dunning_list``."""
    found = _found(connection, municipality_code, [_lists.c.list_no == list_no], 1)
    if not found:
        raise NotFoundError("dunning_list", list_no=list_no)
    return found[0]


def lists(
    connection: Connection, municipality_code: str, *, before: int | None = None, limit: int = 100
) -> list[DunningList]:
    """督促リストの一覧, newest first, those below the number ``before``."""
    wanted = [] if before is None else [_lists.c.list_no < before]
    return _found(connection, municipality_code, wanted, limit)


def _found(
    connection: Connection, municipality_code: str, wanted: list[Any], limit: int
) -> list[DunningList]:
    rows = connection.execute(
        select(_lists)
        .where(_lists.c.municipality_code == municipality_code, *wanted)
        .order_by(_lists.c.list_no.desc())
        .limit(limit)
    ).all()
    if not rows:
        return []
    events: dict[int, list[Event]] = {}
    for row in connection.execute(
        select(_events)
        .where(
            _events.c.municipality_code == municipality_code,
            _events.c.list_no.between(rows[-1].list_no, rows[0].list_no),
        )
        .order_by(_events.c.list_no, _events.c.event_no)
    ):
        facts = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
        del facts["municipality_code"]
        events.setdefault(facts.pop("list_no"), []).append(Event(**facts))
    return [
        DunningList(
            row.list_no, row.as_of_on, row.cut_off_on, terms_of(row.terms_json), row.journal_id,
            row.file_id, row.row_count, row.listed_count, row.listed_yen, row.rows_sha256,
            row.files_sha256, row.despite_id, row.actor, row.made_at,
            tuple(events.get(row.list_no, ())),
        )
        for row in rows
    ]  # fmt: skip


class Happening(NamedTuple):
    """出来事の内容, before it has a number."""

    event: str
    on: date
    actor: str
    at: datetime
    letters: int = 0
    subject_no: int = 0
    rows_sha256: str = ""
    reason: str = ""


def append(
    connection: Connection, municipality_code: str, list_no: int, happening: Happening
) -> None:
    """出来事の記録: one more, with the last journal that was known."""
    known = connection.execute(
        text(
            "SELECT (SELECT COALESCE(MAX(journal_id), 0) FROM journal "
            "WHERE municipality_code = :m) AS journal_id, "
            "(SELECT COALESCE(MAX(event_no), 0) FROM dunning_event "
            "WHERE municipality_code = :m AND list_no = :list_no) AS event_no"
        ),
        {"m": municipality_code, "list_no": list_no},
    ).one()
    facts = happening._asdict()
    connection.execute(
        _events.insert().values(
            municipality_code=municipality_code,
            list_no=list_no,
            event_no=known.event_no + 1,
            happened_on=facts.pop("on"),
            made_at=facts.pop("at"),
            journal_id=known.journal_id,
            **facts,
        )
    )


def require_state(found: DunningList, *states: str) -> None:
    """状態の確認; :class:`RefusedError` ``dunning_state`` when it is another."""
    if found.state not in states:
        raise RefusedError("dunning_state", list_no=found.list_no, state=found.state)


def drop(
    connection: Connection,
    municipality_code: str,
    list_no: int,
    *,
    on: date,
    actor: str,
    at: datetime,
    reason: str,
) -> None:
    """督促リストの取止め: nothing of it is sent; what it listed may stand in another list.

    Raises :class:`RefusedError` ``dunning_state`` once it was dispatched or dropped, and what
    :func:`payments.domain.reason.require_reason` raises.
    """
    found = list_of(connection, municipality_code, list_no)
    require_state(found, "drawn", "approved", "pull_drawn", "pull_confirmed")
    dropped = Happening("dropped", on, actor, at, reason=require_reason(reason))
    append(connection, municipality_code, list_no, dropped)


def totals_by_ground(
    connection: Connection, municipality_code: str, list_no: int
) -> Mapping[str, Counted]:
    """根拠別の集計: listed (``""``) first, then each ground that counted."""
    rows = connection.execute(
        text(
            "SELECT ground, COUNT(*) AS number, SUM(amount_yen - paid_yen) AS yen "
            "FROM dunning_row WHERE municipality_code = :m AND list_no = :list_no GROUP BY ground"
        ),
        {"m": municipality_code, "list_no": list_no},
    )
    found = {row.ground: Counted(int(row.number), int(row.yen)) for row in rows}
    return {ground: found[ground] for ground in ("", *GROUNDS) if ground in found}

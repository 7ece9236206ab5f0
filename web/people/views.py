"""閲覧の記録: who looked at whose account, when, why and from where; for auditors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from payments.domain.periods import ONE_DAY
from web import clock
from web.people.tables import AccountViewRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from sqlalchemy import Connection, Row, Select

table = AccountViewRow.__table__  # type: ignore[attr-defined]
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Asked:
    """絞り込み: empty leaves everything in; days are days in Japan, both included."""

    obligor_no: str = ""
    actor: str = ""
    from_on: date | None = None
    until_on: date | None = None


def list_views(
    connection: Connection, municipality_code: str, asked: Asked, *, limit: int
) -> list[Row[Any]]:
    """閲覧の一覧, newest first."""
    return list(connection.execute(_select(municipality_code, asked).limit(limit)))


def all_views(connection: Connection, municipality_code: str, asked: Asked) -> Iterator[Row[Any]]:
    """閲覧のすべて, newest first, as they come."""
    statement = _select(municipality_code, asked).execution_options(yield_per=BATCH)
    yield from connection.execute(statement)


def _select(municipality_code: str, asked: Asked) -> Select[Any]:
    found = select(table).where(table.c.municipality_code == municipality_code)
    if asked.obligor_no:
        found = found.where(table.c.obligor_no == asked.obligor_no)
    if asked.actor:
        found = found.where(table.c.actor == asked.actor)
    if asked.from_on is not None:
        found = found.where(table.c.viewed_at >= _begin(asked.from_on))
    if asked.until_on is not None:
        found = found.where(table.c.viewed_at < _begin(asked.until_on + ONE_DAY))
    return found.order_by(table.c.viewed_at.desc(), table.c.view_id)


def _begin(day: date) -> datetime:
    """The first instant of a day in Japan."""
    return datetime.combine(day, time(), clock.JST).astimezone(UTC)

"""保存した一覧: filters that people keep under a name, for themselves or for everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, or_, select

from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.store.bulk import take_numbers
from web.cases.asked import as_json, from_json
from web.cases.tables import CaseViewRow

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from web.cases.asked import Asked

NAME_MAX = 60
VIEWS_MAX = 30  # that one person may keep

table = CaseViewRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class SavedView:
    """保存した一覧の一つ; ``mine`` is whether the person who looks may delete it."""

    view_no: int
    name: str
    shared: bool
    mine: bool


def saved_views(connection: Connection, municipality_code: str, user_name: str) -> list[SavedView]:
    """Those of this person, then those for everybody."""
    rows = connection.execute(
        select(table.c.view_no, table.c.name, table.c.shared, table.c.user_name)
        .where(
            table.c.municipality_code == municipality_code,
            or_(table.c.user_name == user_name, table.c.shared),
        )
        .order_by(table.c.shared, table.c.name, table.c.view_no)
    )
    return [
        SavedView(row.view_no, row.name, bool(row.shared), row.user_name == user_name)
        for row in rows
    ]


def saved_view(
    connection: Connection, municipality_code: str, view_no: int, user_name: str
) -> Asked:
    """What a view asks for; :class:`NotFoundError` ``case_view``, also for somebody else's own."""
    text = connection.execute(
        select(table.c.wanted_json).where(
            table.c.municipality_code == municipality_code,
            table.c.view_no == view_no,
            or_(table.c.user_name == user_name, table.c.shared),
        )
    ).scalar_one_or_none()
    if text is None:
        raise NotFoundError("case_view")
    return from_json(text, view_no)


def save_view(
    connection: Connection,
    municipality_code: str,
    asked: Asked,
    *,
    name: str,
    shared: bool,
    user_name: str,
    at: datetime,
) -> int:
    """Keep it under a name; gives its number.

    Raises :class:`InvalidValueError` ``case_view_name``, :class:`RefusedError` ``case_views_many``.
    """
    name = name.strip()
    if not 1 <= len(name) <= NAME_MAX:
        raise InvalidValueError("case_view_name", expected=NAME_MAX)
    mine = [v for v in saved_views(connection, municipality_code, user_name) if v.mine]
    if len(mine) >= VIEWS_MAX:
        raise RefusedError("case_views_many", expected=VIEWS_MAX)
    number = take_numbers(connection, municipality_code, "case_view", 1)
    connection.execute(
        table.insert().values(
            municipality_code=municipality_code,
            view_no=number,
            user_name=user_name,
            name=name,
            shared=shared,
            wanted_json=as_json(asked),
            made_at=at,
        )
    )
    return number


def forget_view(
    connection: Connection, municipality_code: str, view_no: int, user_name: str
) -> None:
    """Delete one's own; :class:`NotFoundError` ``case_view``."""
    done = connection.execute(
        delete(table).where(
            table.c.municipality_code == municipality_code,
            table.c.view_no == view_no,
            table.c.user_name == user_name,
        )
    )
    if not done.rowcount:
        raise NotFoundError("case_view")

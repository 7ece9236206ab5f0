"""時効と督促: a claim that is extinct is dunned no more, and one near its end comes first.

When a list is drawn, the last day of every claim whose period has ended or is near its end is
frozen with it. Just before dispatch the periods are worked out once more: what has come since may
have let one end (地方税法18条; law.md 3).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from payments.limitation import limitations_of, prescribing
from payments.store.bulk import insert_rows
from payments.versions import as_day
from reconcile.dunning.grounds import NOT_DUNNED

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from payments.versions import PlaceKey
    from reconcile.dunning.rules import Terms

_COLUMNS = ("municipality_code", "list_no", "notice_id", "term", "last_on")
_OF_LIST = """EXISTS (SELECT 1 FROM dunning_letter l WHERE l.municipality_code = :m
    AND l.list_no = :list_no AND l.notice_id = a.notice_id AND l.term = a.term)"""
_LETTERS = """
SELECT notice_id, term, seq FROM dunning_letter
WHERE municipality_code = :m AND list_no = :list_no"""
_NEAR = """
FROM dunning_limitation x
JOIN dunning_row w ON w.municipality_code = :m AND w.list_no = x.list_no
    AND w.notice_id = x.notice_id AND w.term = x.term AND w.ground = ''
WHERE x.municipality_code = :m AND x.list_no = :list_no"""
_NEAR_SUMS = f"""
SELECT COUNT(*) AS number, COALESCE(SUM(w.amount_yen - w.paid_yen), 0) AS yen,
    MIN(x.last_on) AS first_on {_NEAR}"""


class Near(NamedTuple):
    """時効が近いもの of those who are listed: how many, how much, and which day comes first."""

    number: int
    yen: int
    first_on: date | None


def freeze_limits(connection: Connection, profile: Profile, terms: Terms, list_no: int) -> None:
    """時効の固定: the last day of each claim in question that is extinct, or near its end."""
    found = prescribing(
        connection, profile, terms.as_of,
        within_days=profile.dunning.limitation_days, narrowed=NOT_DUNNED,
    )  # fmt: skip
    first, last = terms.due_from or date.min, terms.due_to or date.max
    insert_rows(
        connection,
        "dunning_limitation",
        _COLUMNS,
        [
            (each.notice_id, each.term, each.limitation.last_on.isoformat())
            for each in found
            if first <= each.due_on <= last and terms.item_code in {"", each.item_code}
        ],
        constants=(profile.municipality_code, list_no),
    )


def extinct_letters(
    connection: Connection, profile: Profile, list_no: int, on: date
) -> dict[int, int]:
    """時効が完成した督促状: by its place among the envelopes, what would be open without it."""
    scope = {"m": profile.municipality_code, "list_no": list_no}
    found = prescribing(
        connection, profile, on, within_days=-1, narrowed=_OF_LIST, values={"list_no": list_no}
    )
    if not found:
        return {}
    places = {
        (row.notice_id, row.term): row.seq for row in connection.execute(text(_LETTERS), scope)
    }
    return {places[each.notice_id, each.term]: each.open_yen for each in found}


def extinct_among(
    connection: Connection, profile: Profile, notice_ids: list[int], on: date
) -> set[PlaceKey]:
    """時効が完成した期別 of these notices on a day."""
    found = limitations_of(connection, profile, notice_ids)
    return {place for place, each in found.items() if each.days_left(on) < 0}


def near_of(connection: Connection, municipality_code: str, list_no: int) -> Near:
    """時効が近いもの of a list, as it was frozen."""
    row = connection.execute(text(_NEAR_SUMS), {"m": municipality_code, "list_no": list_no}).one()
    return Near(int(row.number), int(row.yen), row.first_on and as_day(row.first_on))

"""未納: what people still owe, found by name, obligor, notice or number; for suggestions only.

Every look-up goes through an index and has a limit, save the one that decides `direct_transfer`:
it reads all obligors of a name once per run, however many credits bear that name.
"""

from __future__ import annotations

from itertools import combinations, groupby
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, text

from reconcile.settlement.line_books import as_date
from reconcile.settlement.search import fitting_instalments

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from sqlalchemy import Connection

_SMALL = 6  # open instalments of one obligor of which all sums are kept at hand

_OPEN_YEN = "a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen"
_FROM_NOTICE = """notice n
JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = n.notice_id
JOIN instalment i ON i.municipality_code = :m AND i.notice_id = a.notice_id AND i.term = a.term
LEFT JOIN obligor o ON o.municipality_code = :m AND o.obligor_no = n.obligor_no"""
_OWED = f"""
SELECT a.notice_id, a.term, {_OPEN_YEN} AS open_yen, a.amount_yen, n.item_code, n.levy_year,
    n.notice_no, n.obligor_no, o.name AS obligor_name, i.due_on
FROM {_FROM_NOTICE}
WHERE {{where}}
ORDER BY n.obligor_no, n.item_code, n.levy_year, n.notice_no, a.term LIMIT :most
"""
# CROSS JOIN keeps SQLite from walking all instalments of the city for each credit.
_BY_NAME = f"""
SELECT n.obligor_no, n.item_code, n.notice_no, a.term, {_OPEN_YEN} AS open_yen
FROM obligor o CROSS JOIN notice n CROSS JOIN instalment_account a
WHERE o.municipality_code = :m AND o.kana_folded = :folded
  AND n.municipality_code = :m AND n.obligor_no = o.obligor_no
  AND a.municipality_code = :m AND a.notice_id = n.notice_id AND {_OPEN_YEN} > 0
ORDER BY n.obligor_no, n.item_code, n.notice_no, a.term
"""


class Owed(NamedTuple):
    """未納の期別: one instalment, what is open of it, and the names a person reads."""

    notice_id: int
    term: str
    open_yen: int
    amount_yen: int
    item_code: str
    levy_year: int
    notice_no: str
    obligor_no: str
    obligor_name: str
    due_on: date


class Namesakes:
    """同名の納付義務者: what each of them still owes, ready for many amounts."""

    def __init__(self, obligors: Iterable[Sequence[tuple[str, int]]]) -> None:
        """``obligors`` are (name of the instalment, yen) of one obligor each."""
        self._sums: dict[int, tuple[int, tuple[str, ...]]] = {}
        self._others: list[tuple[int, Sequence[tuple[str, int]]]] = []
        for position, instalments in enumerate(obligors):
            if len(instalments) > _SMALL:
                self._others.append((position, instalments))
                continue
            for size in range(1, len(instalments) + 1):
                for chosen in combinations(instalments, size):
                    names = tuple(name for name, _ in chosen)
                    self._sums.setdefault(sum(yen for _, yen in chosen), (position, names))

    def fitting(self, amount_yen: int) -> tuple[str, ...]:
        """The instalments of the first obligor that are this amount together; () for none."""
        first, names = self._sums.get(amount_yen, (None, ()))
        for position, instalments in self._others:
            if first is not None and position > first:
                break
            if found := fitting_instalments(amount_yen, instalments):
                return found
        return names


def namesakes(connection: Connection, municipality_code: str, folded: str) -> Namesakes:
    """同名の納付義務者 with what each of them still owes (outcomes.md 9, `direct_transfer`)."""
    if not folded:
        return Namesakes(())
    rows = connection.execute(text(_BY_NAME), {"m": municipality_code, "folded": folded})
    return Namesakes(
        [(f"{row.item_code}/{row.notice_no}/{row.term}", row.open_yen) for row in of_one]
        for _obligor, of_one in groupby(rows, key=lambda row: row.obligor_no)
    )


def owed_by_obligors(
    connection: Connection, municipality_code: str, obligors: Sequence[str], *, most: int
) -> list[Owed]:
    """未納 of these obligors, at most ``most`` instalments."""
    if not obligors:
        return []
    where = f"n.municipality_code = :m AND n.obligor_no IN :some AND {_OPEN_YEN} > 0"
    return _owed(connection, where, m=municipality_code, some=obligors, most=most)


def owed_by_notices(
    connection: Connection,
    municipality_code: str,
    notices: Sequence[int],
    *,
    most: int,
    settled_too: bool = False,
) -> list[Owed]:
    """期別 of these notices, those that are settled only when asked for."""
    if not notices:
        return []
    where = "n.municipality_code = :m AND n.notice_id IN :some"
    if not settled_too:
        where += f" AND {_OPEN_YEN} > 0"
    return _owed(connection, where, m=municipality_code, some=notices, most=most)


def _owed(connection: Connection, where: str, **values: object) -> list[Owed]:
    statement = text(_OWED.format(where=where)).bindparams(bindparam("some", expanding=True))
    return [
        Owed._make((*row[:-2], row.obligor_name or "", as_date(row.due_on)))
        for row in connection.execute(statement, values)
    ]

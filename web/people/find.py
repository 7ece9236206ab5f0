"""人の検索: whose number it is that somebody has in hand; nothing is guessed."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.domain.errors import NotFoundError, RefusedError
from payments.store.lookups import rows_about
from reconcile.find import find_number

if TYPE_CHECKING:
    from sqlalchemy import Connection

ANY, PERSON, SLIP = "any", "person", "slip"
KINDS = (ANY, PERSON, SLIP)

_BY_NUMBER = "SELECT obligor_no FROM obligor WHERE municipality_code = :m AND obligor_no = :number"
_NAMES = "SELECT obligor_no, name FROM obligor WHERE municipality_code = :m AND obligor_no IN :some"
_BY_NOTICE_NO = "SELECT obligor_no FROM notice WHERE municipality_code = :m AND notice_no = :number"
_BY_NOTICE = "SELECT obligor_no FROM notice WHERE municipality_code = :m AND notice_id = :number"


def find_person(
    connection: Connection, municipality_code: str, number: str, kind: str = ANY
) -> str:
    """宛名番号 from a number: of the person, of a slip (also its symbols) or of a notice.

    Raises :class:`NotFoundError` ``person`` and, when the number is that of several people,
    :class:`RefusedError` ``person_several``.
    """
    number = unicodedata.normalize("NFKC", number).strip()
    found: set[str] = set()
    if kind != SLIP:
        found |= _people(connection, municipality_code, _BY_NUMBER, number)
    if kind != PERSON and ":" not in number:
        found |= _of_paper(connection, municipality_code, number)
    if not found:
        raise NotFoundError("person")
    if len(found) > 1:
        raise RefusedError("person_several")
    return found.pop()


def person_of_notice(connection: Connection, municipality_code: str, notice_id: int) -> str:
    """宛名番号 of a notice of the books; :class:`NotFoundError` ``person``."""
    found = _people(connection, municipality_code, _BY_NOTICE, notice_id)
    if not found:
        raise NotFoundError("person")
    return found.pop()


def names_of(
    connection: Connection, municipality_code: str, obligor_nos: list[str]
) -> dict[str, str]:
    """氏名 by 宛名番号."""
    rows = rows_about(connection, _NAMES, municipality_code, obligor_nos)
    return {row.obligor_no: row.name for row in rows}


def _of_paper(connection: Connection, municipality_code: str, number: str) -> set[str]:
    """Whose slip or notice it is; several notices of one person are no contradiction."""
    try:
        notice_id = find_number(connection, municipality_code, number).notice_id
    except NotFoundError:
        return set()
    except RefusedError:
        return _people(connection, municipality_code, _BY_NOTICE_NO, number)
    return _people(connection, municipality_code, _BY_NOTICE, notice_id)


def _people(
    connection: Connection, municipality_code: str, statement: str, number: str | int
) -> set[str]:
    rows = connection.execute(text(statement), {"m": municipality_code, "number": number})
    return set(rows.scalars())

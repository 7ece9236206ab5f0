"""封をした文: account numbers of payees as they lie in the database, and back.

With the key ring of the connection (:func:`payments.store.engine.keys_of`) as the evidence is; a
text is bound to its number and opens nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from payments.domain.errors import ConfigurationError
from payments.store.bulk import take_numbers
from payments.store.engine import keys_of
from payments.store.known_keys import open_piece, remember_key
from reconcile.store.refund_tables import SealedTextRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

table = SealedTextRow.__table__  # type: ignore[attr-defined]


def write_text(connection: Connection, municipality_code: str, text: str) -> int:
    """封をして書く; returns the number of the text."""
    keys = keys_of(connection)
    if keys:
        remember_key(connection, municipality_code, keys)
    number = take_numbers(connection, municipality_code, "sealed_text", 1)
    place = _place(municipality_code, number)
    data = keys.seal(text.encode(), place) if keys else text.encode()
    connection.execute(
        insert(table).values(
            municipality_code=municipality_code, text_no=number, key_id=keys.newest, data=data
        )
    )
    return number


def read_text(connection: Connection, municipality_code: str, text_no: int) -> str:
    """封を開いて読む.

    Raises :class:`ConfigurationError` ``encryption_key_missing`` or ``encryption_key_wrong``.
    """
    row = connection.execute(
        select(table.c.key_id, table.c.data).where(
            table.c.municipality_code == municipality_code, table.c.text_no == text_no
        )
    ).one()
    place = _place(municipality_code, text_no)
    return open_piece(keys_of(connection), row.key_id, bytes(row.data), place).decode()


def seal_anew(connection: Connection, municipality_code: str, *, clear: bool = False) -> int:
    """鍵の更新: every text under the newest key, or in clear; returns how many did not open."""
    keys = keys_of(connection)
    target = "" if clear else keys.newest
    mine = table.c.municipality_code == municipality_code
    left = 0
    found = connection.execute(
        select(table.c.text_no, table.c.key_id, table.c.data).where(mine, table.c.key_id != target)
    ).all()
    for row in found:
        place = _place(municipality_code, row.text_no)
        try:
            plain = open_piece(keys, row.key_id, bytes(row.data), place)
        except ConfigurationError:
            left += 1
            continue
        data = keys.seal(plain, place) if target else plain
        connection.execute(
            update(table)
            .where(mine, table.c.text_no == row.text_no)
            .values(data=data, key_id=target)
        )
    return left


def _place(municipality_code: str, text_no: int) -> bytes:
    """Where a text belongs, as its seal says it."""
    return f"sealed_text|{municipality_code}|{text_no}".encode()

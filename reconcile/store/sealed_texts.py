"""封をした文の一括読み書き: many texts of ``sealed_text`` in one go.

With the key ring of the connection, as the evidence is; a text is bound to its number and opens
nowhere else. Texts are sealed anew with the evidence when keys are changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from payments.store.bulk import take_numbers
from payments.store.engine import keys_of
from payments.store.known_keys import open_piece, remember_key
from payments.store.lookups import rows_about
from reconcile.store.refund_tables import SealedTextRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

table = SealedTextRow.__table__  # type: ignore[attr-defined]


def write_texts(connection: Connection, municipality_code: str, texts: Sequence[str]) -> int:
    """封をして書く: the number of the first; the others follow it. 0 when there are none."""
    if not texts:
        return 0
    keys = keys_of(connection)
    if keys:
        remember_key(connection, municipality_code, keys)
    first = take_numbers(connection, municipality_code, "sealed_text", len(texts))
    rows = []
    for number, text in enumerate(texts, start=first):
        place = place_of(municipality_code, number)
        data = keys.seal(text.encode(), place) if keys else text.encode()
        rows.append(
            {
                "municipality_code": municipality_code,
                "text_no": number,
                "key_id": keys.newest,
                "data": data,
            }
        )
    connection.execute(table.insert(), rows)
    return first


def texts_pending(connection: Connection, municipality_code: str, *, clear: bool = False) -> int:
    """未更新: how many texts are not under the newest key, or with ``clear`` not in clear."""
    target = "" if clear else keys_of(connection).newest
    mine = (table.c.municipality_code == municipality_code, table.c.key_id != target)
    found = connection.execute(select(func.count()).select_from(table).where(*mine))
    return int(found.scalar_one())


def read_texts(
    connection: Connection, municipality_code: str, numbers: Sequence[int]
) -> dict[int, str]:
    """封を開いて読む, by number.

    Raises :class:`ConfigurationError` ``encryption_key_missing`` or ``encryption_key_wrong``.
    """
    keys = keys_of(connection)
    rows = rows_about(
        connection,
        "SELECT text_no, key_id, data FROM sealed_text "
        "WHERE municipality_code = :m AND text_no IN :some",
        municipality_code,
        sorted(numbers),
    )
    return {
        row.text_no: open_piece(
            keys, row.key_id, bytes(row.data), place_of(municipality_code, row.text_no)
        ).decode()
        for row in rows
    }


def place_of(municipality_code: str, text_no: int) -> bytes:
    """Where a text belongs, as its seal says it."""
    return f"sealed_text|{municipality_code}|{text_no}".encode()

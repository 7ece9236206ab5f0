"""団体の特定: which municipality a request is about, before anything of one is read.

Only what anybody may know is looked up across municipalities: which there are
(:func:`payments.store.municipalities.bodies`), and whose a key is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

_OF_KEY = {
    "postgresql": text("SELECT kokin_body_of_key(:key_id)"),
    "sqlite": text(
        "SELECT k.municipality_code FROM api_key k JOIN municipality m "
        "ON m.municipality_code = k.municipality_code AND NOT m.disabled WHERE k.key_id = :key_id"
    ),
}


def municipality_of_key(connection: Connection, key_id: str) -> str | None:
    """鍵の団体: whose key it is, or None; key ids are unique over the installation.

    A key of a municipality that is not served any more belongs to nobody. Whether the key itself
    is in force is asked inside its municipality.
    """
    found = connection.execute(_OF_KEY[connection.dialect.name], {"key_id": key_id})
    code = found.scalar_one_or_none()
    return None if code is None else str(code)

"""検算・振込先: an account opens to what was confirmed of it (R10).

People confirm an account by its bank, its branch and its last digits; the file to the bank takes
the number out of a sealed text. Whoever makes the account name another text sends the refund
elsewhere, and nothing that people see has changed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from payments.domain.errors import KokinError
from payments.store.engine import keys_of
from payments.store.known_keys import open_piece
from reconcile.verify.walk import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.verify.walk import Store

_ACCOUNTS = """
SELECT a.account_no, a.shown, a.text_no, s.key_id, s.data FROM payee_account a
LEFT JOIN sealed_text s ON s.municipality_code = :m AND s.text_no = a.text_no
WHERE a.municipality_code = :m ORDER BY a.account_no"""
_SHOWN_DIGITS = 3
_BY_ITS_WRITER = """
SELECT a.account_no, a.registered_by, e.actor FROM payee_account a
JOIN payee_account_event e ON e.municipality_code = :m AND e.account_no = a.account_no
    AND e.event = 'confirmed' AND LOWER(e.actor) = LOWER(a.registered_by)
WHERE a.municipality_code = :m ORDER BY a.account_no"""


def payees(store: Store) -> Iterator[Difference]:
    """振込先の口座: the sealed account against the part of it that is shown."""
    for row in store.rows(_ACCOUNTS):
        subject = f"account:{row.account_no}"
        if row.data is None:
            yield Difference("payee_account", subject, row.shown, "")
            continue
        place = f"sealed_text|{store.profile.municipality_code}|{row.text_no}".encode()
        keys = keys_of(store.connection)
        try:
            said = json.loads(open_piece(keys, row.key_id, bytes(row.data), place))
        except KokinError as error:
            yield Difference("payee_account", subject, row.shown, error.error_code)
            continue
        if not _agrees(said, row.shown):
            yield Difference("payee_account", subject, row.shown, f"text:{row.text_no}")
    for row in store.rows(_BY_ITS_WRITER):
        subject = f"account:{row.account_no}"
        yield Difference("payee_account", subject, "two people", row.registered_by)


def _agrees(said: dict[str, Any], shown: str) -> bool:
    """Bank and branch before the kind of account, the last digits behind all that is hidden."""
    place, _, number = shown.partition(" ")
    hidden = number.rpartition(" ")[2]
    last = said["account_no"][-_SHOWN_DIGITS:]
    return (
        place == f"{said['bank_code']}-{said['branch_code']}"
        and len(hidden) == len(said["account_no"])
        and hidden.lstrip("*") == last
    )

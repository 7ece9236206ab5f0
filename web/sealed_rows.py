"""封をした行の鍵の更新: what residents and staff have told us, sealed anew when the keys turn.

Mail addresses, what a provider said of a person, confirmations and seeds of authenticator apps are
sealed one by one (:mod:`web.notifications.sealed_secrets`), with or without a key ring. Here they
are turned in portions; what lies under the newest key is passed over, so that a run which was cut
off goes on where it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, select, update

from payments.domain.errors import ConfigurationError
from payments.store.sealed_bytes import key_id_of
from payments.store.unit_of_work import unit_of_work
from web.accounts.tables import StaffTotpRow
from web.certificates.tables import ConfirmationRow
from web.notifications.sealed_secrets import INSTALLATION, pending, seal, unseal
from web.residents.tables import ResidentContactRow, ResidentRequestRow, ResidentSessionRow

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection, Engine, Table

    from web.config import Settings

AT_ONCE = 2_000  # rows of one transaction


class SealedRow(NamedTuple):
    """封をした行: a table, the column that finds a row of it, and the place its seals name."""

    table: Table
    key: str
    place: str


ROWS = (
    SealedRow(ResidentContactRow.__table__, "contact_id", "resident_contact|{code}|{key}"),  # type: ignore[attr-defined]
    SealedRow(ResidentRequestRow.__table__, "request_no", "resident_request|{code}|{key}"),  # type: ignore[attr-defined]
    SealedRow(ResidentSessionRow.__table__, "session_id", "resident_session|{code}|{key}"),  # type: ignore[attr-defined]
    SealedRow(ConfirmationRow.__table__, "code_digest", "confirmation|{code}|{key}"),  # type: ignore[attr-defined]
    SealedRow(StaffTotpRow.__table__, "user_name", "totp {code} {key}"),  # type: ignore[attr-defined]
)


def reseal_rows(
    engine: Engine, settings: Settings, municipality_code: str, *, clear: bool = False
) -> int:
    """鍵の更新 of every sealed row; how many did not open.

    ``clear``: under the key that follows from the installation's secret, so that no key of the ring
    is needed. A run of :func:`reconcile.store.rekey.rekey` must be open for confirmations.
    """
    left = 0
    for kind in ROWS:
        last: object | None = ""
        while last is not None:
            with unit_of_work(engine, municipality_code) as connection:
                last, stayed = _some(connection, settings, kind, municipality_code, last, clear)
            left += stayed
    return left


def rows_pending(
    connection: Connection, settings: Settings, municipality_code: str, *, clear: bool = False
) -> int:
    """未更新: how many sealed rows lie under another key than :func:`reseal_rows` would use."""
    return sum(
        pending(
            settings,
            connection.execute(
                select(kind.table.c.sealed).where(
                    kind.table.c.municipality_code == municipality_code
                )
            ).scalars(),
            clear=clear,
        )
        for kind in ROWS
    )


def _some(
    connection: Connection,
    settings: Settings,
    kind: SealedRow,
    code: str,
    after: object,
    clear: bool,  # noqa: FBT001 - private, called once
) -> tuple[object | None, int]:
    """The next rows behind a key: the last one (None at the end), and how many did not open."""
    key: Column[object] = kind.table.c[kind.key]
    mine = kind.table.c.municipality_code == code
    found = select(key, kind.table.c.sealed).where(mine).order_by(key).limit(AT_ONCE)
    rows = connection.execute(found if after == "" else found.where(key > after)).all()
    target = INSTALLATION if clear else settings.key_ring().newest
    changes, left = [], 0
    for number, sealed in rows:
        if not sealed or key_id_of(bytes(sealed)) == target:
            continue
        place = kind.place.format(code=code, key=number)
        try:
            plain = unseal(settings, place, bytes(sealed))
        except ConfigurationError:
            left += 1
            continue
        changes.append({"which": number, "again": seal(settings, place, plain, derived=clear)})
    if changes:
        change = update(kind.table).where(mine, key == bindparam("which"))
        connection.execute(change.values(sealed=bindparam("again")), changes)
    return (rows[-1][0] if rows else None), left

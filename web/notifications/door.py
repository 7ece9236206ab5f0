"""窓口: each signed request once, and what is remembered about requests beside the spool.

Everything here runs on a connection of the spool's writer, inside the transaction that also keeps
the notifications, for however many requests share it: a nonce costs no commit of its own.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - field of a tuple
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, delete, func, insert, select, text

from web import clock
from web.notifications.door_tables import nonces, refusals, transactions, uses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

WINDOW_SECONDS = 300  # how far a timestamp may lie from now, before and behind
SLOT_SECONDS = 2 * WINDOW_SECONDS  # a nonce and its repetition lie at most one slot apart
USE_SECONDS = 60  # how exactly the last use of a secret is known
REFUSALS_SHOWN = 200

# Known in its own slot or in one of its neighbours: then no row is written.
_USE_UP = text(
    "INSERT INTO notification_nonce (municipality_code, slot, fingerprint) "
    "SELECT :m, :slot, :f WHERE NOT EXISTS (SELECT 1 FROM notification_nonce "
    "WHERE municipality_code = :m AND slot IN (:before, :behind) AND fingerprint = :f) "
    "ON CONFLICT DO NOTHING"
).bindparams(bindparam("f", type_=nonces.c.fingerprint.type))
_NOTE_TRANSACTION = text(
    "INSERT INTO notification_transaction "
    "(municipality_code, key_id, transaction_id, notification_id) "
    "VALUES (:m, :key_id, :transaction_id, :notification_id) ON CONFLICT DO NOTHING"
)
_NOTE_USE = text(
    "INSERT INTO api_key_use (municipality_code, key_id, secret_no, used_at) "
    "VALUES (:m, :key_id, :secret_no, :at) "
    "ON CONFLICT (municipality_code, key_id, secret_no) DO UPDATE SET used_at = excluded.used_at"
).bindparams(bindparam("at", type_=uses.c.used_at.type))


class Signed(NamedTuple):
    """署名済の要求: whose request it is, and what makes it this one."""

    key_id: str
    secret_no: int
    timestamp: int  # seconds since 1970, as the sender says
    nonce: str

    @property
    def fingerprint(self) -> bytes:
        """Key id and nonce in 16 bytes."""
        return blake2b(f"{self.key_id}\n{self.nonce}".encode(), digest_size=16).digest()


class Refusal(NamedTuple):
    """断った通知: a signed body that could not be taken in."""

    refusal_no: int
    key_id: str
    notification_id: str
    code: str
    body_sha256: str
    received_at: datetime


class Uses:
    """最終使用: notes at most once a minute that a secret was used; one per process."""

    def __init__(self) -> None:
        """Nothing is known to have been noted."""
        self._noted: dict[tuple[str, str, int], float] = {}

    def due(self, municipality_code: str, signed: Signed) -> bool:
        """Whether this use is to be written down."""
        now = clock.now().timestamp()
        name = (municipality_code, signed.key_id, signed.secret_no)
        if now - self._noted.get(name, -USE_SECONDS) < USE_SECONDS:
            return False
        self._noted[name] = now
        return True


_uses = Uses()


def admit_all(
    connection: Connection, municipality_code: str, requests: Sequence[Signed]
) -> list[bool]:
    """Use up the nonce of each request; False where it was used before: do nothing for that one."""
    results = []
    for signed in requests:
        slot = signed.timestamp // SLOT_SECONDS
        values = {"m": municipality_code, "slot": slot, "before": slot - 1, "behind": slot + 1,
                  "f": signed.fingerprint}  # fmt: skip
        results.append(connection.execute(_USE_UP, values).rowcount == 1)
        if results[-1] and _uses.due(municipality_code, signed):
            _note_use(connection, municipality_code, signed)
    return results


def _note_use(connection: Connection, municipality_code: str, signed: Signed) -> None:
    """The last use of a secret; the nonces whose time is over go with it."""
    now = clock.now()
    connection.execute(
        _NOTE_USE,
        {"m": municipality_code, "key_id": signed.key_id, "secret_no": signed.secret_no, "at": now},
    )
    oldest = int(now.timestamp() - WINDOW_SECONDS) // SLOT_SECONDS - 1
    connection.execute(
        delete(nonces).where(
            nonces.c.municipality_code == municipality_code, nonces.c.slot < oldest
        )
    )


def note_transactions(
    connection: Connection, municipality_code: str, rows: Sequence[tuple[str, str, str]]
) -> None:
    """Note ``(key id, transaction id, notification id)``; what is known stays."""
    values = [
        {"m": municipality_code, "key_id": key_id, "transaction_id": transaction_id,
         "notification_id": notification_id}
        for key_id, transaction_id, notification_id in rows
    ]  # fmt: skip
    if values:
        connection.execute(_NOTE_TRANSACTION, values)


def of_transaction(
    connection: Connection, municipality_code: str, key_id: str, transaction_id: str
) -> list[str]:
    """The notifications of one operator about one of his transactions, by id."""
    rows = connection.execute(
        select(transactions.c.notification_id)
        .where(
            transactions.c.municipality_code == municipality_code,
            transactions.c.key_id == key_id,
            transactions.c.transaction_id == transaction_id,
        )
        .order_by(transactions.c.notification_id)
    )
    return list(rows.scalars())


def keep_refused(
    connection: Connection,
    municipality_code: str,
    signed: Signed,
    body: bytes,
    *,
    notification_id: str,
    code: str,
) -> None:
    """Keep a signed body that could not be taken in; the same one of the same sender once."""
    fingerprint = sha256(body).hexdigest()
    mine = (
        refusals.c.municipality_code == municipality_code,
        refusals.c.key_id == signed.key_id,
        refusals.c.notification_id == notification_id,
        refusals.c.body_sha256 == fingerprint,
    )
    if connection.execute(select(refusals.c.refusal_no).where(*mine)).first() is not None:
        return
    if connection.dialect.name == "postgresql":
        # The numbers follow one another, also when several servers refuse.
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtext('kokin-spool'), hashtext(:m))"),
            {"m": municipality_code},
        )
    last = connection.execute(
        select(func.coalesce(func.max(refusals.c.refusal_no), 0)).where(mine[0])
    ).scalar_one()
    connection.execute(
        insert(refusals).values(
            municipality_code=municipality_code,
            refusal_no=last + 1,
            key_id=signed.key_id,
            notification_id=notification_id,
            code=code,
            body_sha256=fingerprint,
            body=body,
            received_at=clock.now(),
        )
    )


def refused(connection: Connection, municipality_code: str) -> list[Refusal]:
    """What was refused, the youngest first, at most :data:`REFUSALS_SHOWN`."""
    columns = [refusals.c[name] for name in Refusal._fields]
    rows = connection.execute(
        select(*columns)
        .where(refusals.c.municipality_code == municipality_code)
        .order_by(refusals.c.refusal_no.desc())
        .limit(REFUSALS_SHOWN)
    )
    return [Refusal(*row) for row in rows]


def refused_body(connection: Connection, municipality_code: str, refusal_no: int) -> bytes | None:
    """The bytes that were refused, as they came; None when there is no such number."""
    found = connection.execute(
        select(refusals.c.body).where(
            refusals.c.municipality_code == municipality_code,
            refusals.c.refusal_no == refusal_no,
        )
    ).scalar_one_or_none()
    return None if found is None else bytes(found)


def last_uses(connection: Connection, municipality_code: str) -> Mapping[tuple[str, int], datetime]:
    """When each secret was last used, to the minute: (key id, number of the secret) → instant."""
    rows = connection.execute(
        select(uses.c.key_id, uses.c.secret_no, uses.c.used_at).where(
            uses.c.municipality_code == municipality_code
        )
    )
    return {(row.key_id, row.secret_no): row.used_at for row in rows}

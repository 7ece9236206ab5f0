"""窓口: each signed request once, and what is remembered about requests beside the spool.

Everything here runs on a connection of the spool's writer, inside the transaction that also keeps
the notifications, for however many requests share it: a nonce costs no commit of its own.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - field of a tuple
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, delete, func, insert, select, text

from payments.store.engine import keys_of
from web import clock
from web.notifications.door_tables import nonces, refusals, transactions, uses
from web.notifications.known import listed
from web.notifications.sealed_bodies import REFUSALS, body_to_keep, plain_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from web.notifications.journey import Journey
    from web.notifications.spool_rows import Arrival, Entry

WINDOW_SECONDS = 300  # how far a timestamp may lie from now, before and behind
SLOT_SECONDS = 2 * WINDOW_SECONDS  # a nonce and its repetition lie at most one slot apart
USE_SECONDS = 60  # how exactly the last use of a secret is known
REFUSALS_SHOWN = 200

_USED = (
    "SELECT fingerprint FROM notification_nonce WHERE municipality_code = {mark} "
    "AND slot IN ({slots}) AND fingerprint {listed}"
)
_TRANSACTION = ("municipality_code", "key_id", "transaction_id", "notification_id")
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
    def slot(self) -> int:
        """The part of time in which its nonce is looked for."""
        return self.timestamp // SLOT_SECONDS

    @property
    def fingerprint(self) -> bytes:
        """Key id and nonce in 16 bytes."""
        return blake2b(f"{self.key_id}\n{self.nonce}".encode(), digest_size=16).digest()


class Refused(NamedTuple):
    """断る通知 as it goes in: a signed body that cannot be taken in."""

    key_id: str
    notification_id: str  # "" where none was given
    code: str
    body: bytes


class Refusal(NamedTuple):
    """断った通知 without its body."""

    refusal_no: int
    key_id: str
    notification_id: str
    code: str
    body_sha256: str
    received_at: datetime


class Uses:
    """最終使用: at most once a minute it is noted that a secret was used."""

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


def admit_all(
    connection: Connection,
    municipality_code: str,
    works: Sequence[Sequence[object]],
    used: Uses,
    writes: Journey,
    *,
    new: bool = False,
) -> list[bool]:
    """Use up the nonces of several requests; False where one was used: do nothing for that one.

    A work is what one request asks for, its :class:`Signed` among it; without one it is our own.
    The bodies that a request brought and that are refused are kept here, too. One at a time asks
    (:data:`spool_rows.ALONE`): a nonce that two use up at the same moment would count for both.
    ``writes`` takes what is to be written.
    ``new``: none of the nonces was used before this transaction.
    """
    requests = [next((each for each in work if isinstance(each, Signed)), None) for work in works]
    signed_ones = [] if new else [each for each in requests if each is not None]
    known = _used(connection, municipality_code, signed_ones)
    fresh: dict[bytes, Signed] = {}
    admitted = []
    for work, signed in zip(works, requests, strict=True):
        if signed is not None:
            if signed.fingerprint in known or signed.fingerprint in fresh:
                admitted.append(False)
                continue
            fresh[signed.fingerprint] = signed
        admitted.append(True)
        for each in work:
            if isinstance(each, Refused):
                keep_refused(connection, municipality_code, each)
    writes.add_rows(
        "notification_nonce",
        ("municipality_code", "slot", "fingerprint"),
        [(municipality_code, signed.slot, mark) for mark, signed in fresh.items()],
    )
    for signed in fresh.values():
        if used.due(municipality_code, signed):
            _note_use(connection, municipality_code, signed)
    return admitted


def _used(connection: Connection, municipality_code: str, requests: Sequence[Signed]) -> set[bytes]:
    """The fingerprints of those whose nonce was used before."""
    if not requests:
        return set()
    # Known in its own slot or in one of its neighbours.
    slots = {signed.slot + step for signed in requests for step in (-1, 0, 1)}
    statement = _USED.replace("{slots}", ", ".join(map(str, sorted(slots))))
    fingerprints = [signed.fingerprint for signed in requests]
    return {
        bytes(found)
        for (found,) in listed(connection, statement, (municipality_code,), fingerprints)
    }


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
    writes: Journey,
    municipality_code: str,
    arrivals: Sequence[Arrival],
    results: Sequence[tuple[Entry, bool]],
) -> None:
    """Note which transactions the notifications that were taken in are about."""
    new = [
        (municipality_code, arrival.key_id, arrival.transaction_id, arrival.notification_id)
        for arrival, (entry, first) in zip(arrivals, results, strict=True)
        if first and arrival.transaction_id and entry.body_sha256 == arrival.body_sha256
    ]
    writes.add_rows("notification_transaction", _TRANSACTION, new, "ON CONFLICT DO NOTHING")


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


def keep_refused(connection: Connection, municipality_code: str, refused: Refused) -> None:
    """Keep a signed body that could not be taken in; the same one of the same sender once."""
    fingerprint = sha256(refused.body).hexdigest()
    mine = (
        refusals.c.municipality_code == municipality_code,
        refusals.c.key_id == refused.key_id,
        refusals.c.notification_id == refused.notification_id,
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
            refused._asdict()
            | {
                "municipality_code": municipality_code,
                "refusal_no": last + 1,
                "body": body_to_keep(
                    keys_of(connection), REFUSALS, municipality_code, last + 1, refused.body
                ),
                "body_sha256": fingerprint,
                "received_at": clock.now(),
            }
        )
    )


def refused_ones(connection: Connection, municipality_code: str) -> list[Refusal]:
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
    row = connection.execute(
        select(refusals.c.body, refusals.c.body_sha256).where(
            refusals.c.municipality_code == municipality_code,
            refusals.c.refusal_no == refusal_no,
        )
    ).one_or_none()
    if row is None:
        return None
    return plain_body(
        connection, REFUSALS, municipality_code, refusal_no, row.body_sha256, bytes(row.body)
    )


def last_uses(connection: Connection, municipality_code: str) -> Mapping[tuple[str, int], datetime]:
    """When each secret was last used, to the minute: (key id, number of the secret) → instant."""
    rows = connection.execute(
        select(uses.c.key_id, uses.c.secret_no, uses.c.used_at).where(
            uses.c.municipality_code == municipality_code
        )
    )
    return {(row.key_id, row.secret_no): row.used_at for row in rows}

"""窓口の控え: what the door of the interface remembers, in the store of the spool.

It lies beside the spool, so that no request ever waits for the books: on SQLite in the spool's
file, on PostgreSQL in tables of migration 0017. Nonces go when their time is over; a refused body
stays, as evidence of what an operator tried to say.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    String,
    Table,
)

from web.notifications.spool_tables import metadata, resealed

# One row per signed request of the last minutes. The slot comes before the fingerprint, so that
# what is written stays together and what has expired goes as one range.
nonces = Table(
    "notification_nonce",
    metadata,
    Column("municipality_code", String(5), primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("fingerprint", LargeBinary(16), primary_key=True),
    sqlite_with_rowid=False,
)
# Which notifications an operator sent about one of his transactions.
transactions = Table(
    "notification_transaction",
    metadata,
    Column("municipality_code", String(5), primary_key=True),
    Column("key_id", String(40), primary_key=True),
    Column("transaction_id", String(40), primary_key=True),
    Column("notification_id", String(64), primary_key=True),
    sqlite_with_rowid=False,
)
uses = Table(
    "api_key_use",
    metadata,
    Column("municipality_code", String(5), primary_key=True),
    Column("key_id", String(40), primary_key=True),
    Column("secret_no", Integer, primary_key=True, autoincrement=False),
    Column("used_at", DateTime(timezone=True), nullable=False),
)
refusals = Table(
    "notification_refusal",
    metadata,
    Column("municipality_code", String(5), primary_key=True),
    Column("refusal_no", BigInteger, primary_key=True, autoincrement=False),
    Column("key_id", String(40), nullable=False),
    Column("notification_id", String(64), nullable=False),  # "" where none was given
    Column("code", String(40), nullable=False),
    Column("body_sha256", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
)

SQLITE_DOOR_GUARDS = tuple(
    f"CREATE TRIGGER IF NOT EXISTS notification_refusal_refuses_{event.lower()} BEFORE {event} "
    f"ON notification_refusal {condition}"
    "BEGIN SELECT RAISE(ABORT, 'append_only: notification_refusal'); END"
    for event, condition in (("UPDATE", f"WHEN NOT ({resealed(refusals)}) "), ("DELETE", ""))
)

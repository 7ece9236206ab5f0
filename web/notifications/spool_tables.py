"""受付簿の表: the notifications as they arrived, in a store that no import blocks.

On SQLite the table lives in a file of its own, because a database file has one writer; on
PostgreSQL it stands beside the books (migration 0010) and is written without the municipality's
lock. It is therefore no part of the metadata of the books. Only the state of a row ever changes,
once.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

WAITING, BOOKED, CONFLICT = "waiting", "booked", "conflict"
# Of the SQLite file; 2: with the tables of the door, 3: what is booked and old may be deleted.
SCHEMA_VERSION = 3
KEPT_DAYS_MIN = 30  # for so long nothing that was booked can be deleted (migration 0019)

metadata = MetaData()
spool = Table(
    "notification_spool",
    metadata,
    Column("municipality_code", String(5), primary_key=True),
    Column("spool_no", BigInteger, primary_key=True, autoincrement=False),  # order of arrival
    Column("key_id", String(40), nullable=False),
    Column("notification_id", String(64), nullable=False),  # the idempotency key
    Column("body_sha256", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("received_on", Date, nullable=False),  # the day in Japan
    # conflict: another body under a key that is taken; kept to be looked at, never booked
    Column("state", String(10), nullable=False),
    Column("file_id", BigInteger),
    Column("answer_json", Text),
    Column("booked_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('waiting', 'booked', 'conflict')", name="notification_spool_state"),
)
Index(
    "notification_spool_by_key",
    spool.c.municipality_code,
    spool.c.key_id,
    spool.c.notification_id,
    unique=True,
    sqlite_where=text("state <> 'conflict'"),
    postgresql_where=text("state <> 'conflict'"),
)
Index(
    "notification_spool_by_body",
    spool.c.municipality_code,
    spool.c.key_id,
    spool.c.notification_id,
    spool.c.body_sha256,
    unique=True,
)
Index(
    "notification_spool_waiting",
    spool.c.municipality_code,
    spool.c.spool_no,
    sqlite_where=text("state = 'waiting'"),
    postgresql_where=text("state = 'waiting'"),
)

_KEPT = ("municipality_code", "spool_no", "key_id", "notification_id", "body_sha256", "body",
         "received_at", "received_on")  # fmt: skip
_SAME = " AND ".join(f"NEW.{name} = OLD.{name}" for name in _KEPT)
# Filled for the length of a transaction that seals bodies anew (reseal).
RESEALING = "notification_resealing"


def resealed(table: Table) -> str:
    """別の封: the condition under which nothing but the seal over a body changes, in a trigger."""
    same = [f"NEW.{each.name} IS OLD.{each.name}" for each in table.c if each.name != "body"]
    entered = (
        f"EXISTS (SELECT 1 FROM {RESEALING} r WHERE r.municipality_code IS NEW.municipality_code)"
    )
    return " AND ".join([*same, entered])


_REFUSE = "BEGIN SELECT RAISE(ABORT, 'append_only: notification_spool'); END"
SQLITE_GUARDS = (
    "DROP TRIGGER IF EXISTS notification_spool_refuses_delete",  # of a file of version 1 or 2
    (
        "CREATE TRIGGER notification_spool_refuses_delete "
        f"BEFORE DELETE ON {spool.name} WHEN OLD.state <> 'booked' OR OLD.booked_at IS NULL "
        f"OR julianday('now') - julianday(OLD.booked_at) < {KEPT_DAYS_MIN} {_REFUSE}"
    ),
    f"CREATE TABLE IF NOT EXISTS {RESEALING} (municipality_code VARCHAR(5) PRIMARY KEY)",
    "DROP TRIGGER IF EXISTS notification_spool_booked_once",  # of a file of version 1
    (
        "CREATE TRIGGER notification_spool_booked_once "
        f"BEFORE UPDATE ON {spool.name} WHEN NOT "
        f"((OLD.state = 'waiting' AND NEW.state = 'booked' AND {_SAME}) "
        f"OR ({resealed(spool)})) {_REFUSE}"
    ),
)

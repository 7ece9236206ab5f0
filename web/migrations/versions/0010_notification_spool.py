"""Notification spool: what operators told, durable before it is booked.

On SQLite the spool is a file of its own beside the books, made when it is first opened
(:mod:`web.notifications.spool`): a database file has one writer, and a running import is it. Here
it is a table that is written without the municipality's advisory lock.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLE = "notification_spool"
_KEPT = (
    "municipality_code, spool_no, key_id, notification_id, body_sha256, body, received_at, "
    "received_on"
)


def upgrade() -> None:
    """The table with its guards, on PostgreSQL."""
    if op.get_bind().dialect.name == "sqlite":
        return
    _create_table()
    new, old = (_KEPT.replace(", ", f", {row}.") for row in ("NEW", "OLD"))
    op.execute(
        "CREATE FUNCTION kokin_spool_booked() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF OLD.state = 'waiting' AND NEW.state = 'booked' "
        f"AND (NEW.{new}) IS NOT DISTINCT FROM (OLD.{old}) THEN RETURN NEW; END IF; "
        "RAISE EXCEPTION 'append_only: %', TG_TABLE_NAME; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {TABLE}_booked_once BEFORE UPDATE ON {TABLE} "
        "FOR EACH ROW EXECUTE FUNCTION kokin_spool_booked()"
    )
    op.execute(
        f"CREATE TRIGGER {TABLE}_append_only BEFORE DELETE OR TRUNCATE ON {TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
    )
    op.execute(f"REVOKE DELETE, TRUNCATE ON {TABLE} FROM PUBLIC")
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    # Whose transaction this is, asked once per statement (0004).
    op.execute(
        f"CREATE POLICY one_municipality ON {TABLE} USING (COALESCE((SELECT "
        "current_setting('kokin.municipality_code', true)), '') IN ('', municipality_code))"
    )


def downgrade() -> None:
    """Take the table back; its guards go with it."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.drop_table(TABLE)
    op.execute("DROP FUNCTION kokin_spool_booked()")


def _create_table() -> None:
    op.create_table(
        TABLE,
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("spool_no", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("notification_id", sa.String(length=64), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("file_id", sa.BigInteger()),
        sa.Column("answer_json", sa.Text()),
        sa.Column("booked_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state IN ('waiting', 'booked', 'conflict')", name="notification_spool_state"
        ),
        sa.PrimaryKeyConstraint("municipality_code", "spool_no"),
    )
    by_key = ["municipality_code", "key_id", "notification_id"]
    op.create_index(
        "notification_spool_by_key",
        TABLE,
        by_key,
        unique=True,
        postgresql_where=sa.text("state <> 'conflict'"),
    )
    op.create_index("notification_spool_by_body", TABLE, [*by_key, "body_sha256"], unique=True)
    op.create_index(
        "notification_spool_waiting",
        TABLE,
        ["municipality_code", "spool_no"],
        postgresql_where=sa.text("state = 'waiting'"),
    )

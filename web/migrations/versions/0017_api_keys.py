"""API keys: sealed secrets that overlap, ids unique over the installation, and the door's notes.

What the door notes about requests (nonces, transactions, last use, refused bodies) lies beside the
notification spool: on SQLite in the spool's file (:mod:`web.notifications.door_tables`), here on
PostgreSQL only.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_NOTES = ("notification_nonce", "notification_transaction", "api_key_use", "notification_refusal")
# The same on every table behind the wall (docs/adr/0011), asked once per statement, not per row.
_SETTING = "current_setting('kokin.municipality_code', true)"
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '*' OR {_OWNS} THEN {_SETTING} END)"
_MINE = f"({_ENTERED} IN ('*', municipality_code))"


def upgrade() -> None:
    """A key id names one municipality; its secrets have a table of their own."""
    op.create_index("api_key_id", "api_key", ["key_id"], unique=True)
    op.create_table(
        "api_secret",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("secret_no", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("municipality_code", "key_id", "secret_no"),
        sa.ForeignKeyConstraint(
            ["municipality_code", "key_id"], ["api_key.municipality_code", "api_key.key_id"]
        ),
    )
    if op.get_bind().dialect.name == "sqlite":
        return
    _create_notes()
    op.execute(
        "CREATE TRIGGER notification_refusal_append_only BEFORE DELETE OR TRUNCATE "
        "ON notification_refusal FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
    )
    op.execute(  # Another seal over the same body (0013).
        "CREATE TRIGGER notification_refusal_resealed BEFORE UPDATE ON notification_refusal "
        "FOR EACH ROW EXECUTE FUNCTION kokin_body_resealed()"
    )
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON notification_refusal FROM PUBLIC")
    for table in ("api_secret", *_NOTES):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY one_municipality ON {table} USING {_MINE} WITH CHECK {_MINE}")


def downgrade() -> None:
    """Take it back; keys made since have no secret any more."""
    if op.get_bind().dialect.name != "sqlite":
        for table in reversed(_NOTES):
            op.drop_table(table)
    op.drop_table("api_secret")
    op.drop_index("api_key_id", table_name="api_key")


def _create_notes() -> None:
    op.create_table(
        "notification_nonce",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "slot", "fingerprint"),
    )
    op.create_table(
        "notification_transaction",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("transaction_id", sa.String(length=40), nullable=False),
        sa.Column("notification_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "key_id", "transaction_id", "notification_id"),
    )
    op.create_table(
        "api_key_use",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("secret_no", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "key_id", "secret_no"),
    )
    op.create_table(
        "notification_refusal",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("refusal_no", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("notification_id", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "refusal_no"),
    )

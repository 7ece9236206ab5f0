"""Evidence at rest: bytes may be sealed, and what came by which way.

The bytes of the evidence may change in one way only: while a run of ``evidence_rekey`` towards a
key is open, a piece may be sealed with that key. Its identity stays, and so does its plain length;
that its plain bytes stayed is what their hash proves (``kokin verify``).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = ("evidence_key", "evidence_rekey", "file_delivery")
_CODE = ("municipality_code", sa.String(length=5))
# What a seal adds to the bytes (payments.store.sealed_bytes): 30 bytes and the name of the key.
_PLAIN = "length({row}.data) - CASE {row}.key_id WHEN '' THEN 0 ELSE 30 + length({row}.key_id) END"
_MAY_CHANGE = (
    "NEW.municipality_code = OLD.municipality_code AND NEW.sha256 = OLD.sha256 "
    "AND NEW.piece_no = OLD.piece_no AND NEW.key_id <> OLD.key_id "
    f"AND {_PLAIN.format(row='NEW')} = {_PLAIN.format(row='OLD')} "
    "AND EXISTS (SELECT 1 FROM evidence_rekey r "
    "WHERE r.municipality_code = NEW.municipality_code AND r.key_id = NEW.key_id "
    "AND r.finished_at IS NULL)"
)


# The bodies of notifications beside the evidence: another seal, and nothing else.
_BODY_MAY_CHANGE = (
    "to_jsonb(NEW) - 'body' = to_jsonb(OLD) - 'body' AND EXISTS (SELECT 1 FROM evidence_rekey r "
    "WHERE r.municipality_code = NEW.municipality_code AND r.finished_at IS NULL)"
)
_SPOOL_KEPT = (
    "municipality_code, spool_no, key_id, notification_id, body_sha256, body, received_at, "
    "received_on"
)


def upgrade() -> None:
    """A key beside every piece, the tables, and the one change that is allowed."""
    op.add_column(
        "evidence",
        sa.Column("key_id", sa.String(length=40), nullable=False, server_default=""),
    )
    _create_tables()
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER evidence_refuses_update")
        op.execute(
            "CREATE TRIGGER evidence_refuses_update BEFORE UPDATE ON evidence "
            f"WHEN NOT ({_MAY_CHANGE}) BEGIN SELECT RAISE(ABORT, 'append_only: evidence'); END"
        )
        return
    op.execute("DROP TRIGGER evidence_append_only ON evidence")
    op.execute(
        "CREATE TRIGGER evidence_append_only BEFORE DELETE OR TRUNCATE ON evidence "
        "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
    )
    op.execute(
        "CREATE FUNCTION kokin_evidence_resealed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF ({_MAY_CHANGE}) THEN RETURN NEW; END IF; "
        "RAISE EXCEPTION 'append_only: %', TG_TABLE_NAME; END $$"
    )
    op.execute(
        "CREATE TRIGGER evidence_resealed BEFORE UPDATE ON evidence "
        "FOR EACH ROW EXECUTE FUNCTION kokin_evidence_resealed()"
    )
    op.execute(_spool_guard(resealed=True))
    op.execute(
        "CREATE FUNCTION kokin_body_resealed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF ({_BODY_MAY_CHANGE}) THEN RETURN NEW; END IF; "
        "RAISE EXCEPTION 'append_only: %', TG_TABLE_NAME; END $$"
    )
    for table in ("evidence_rekey", "file_delivery"):
        op.execute(f"REVOKE DELETE, TRUNCATE ON {table} FROM PUBLIC")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        # Whose transaction this is, asked once per statement (0004).
        op.execute(
            f"CREATE POLICY one_municipality ON {table} USING (COALESCE((SELECT "
            "current_setting('kokin.municipality_code', true)), '') IN ('', municipality_code))"
        )


def downgrade() -> None:
    """Take it back; sealed evidence must be in clear by then (``kokin evidence rekey --clear``)."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER evidence_refuses_update")
        op.execute(
            "CREATE TRIGGER evidence_refuses_update BEFORE UPDATE ON evidence "
            "BEGIN SELECT RAISE(ABORT, 'append_only: evidence'); END"
        )
    else:
        op.execute("DROP FUNCTION kokin_body_resealed()")
        op.execute(_spool_guard(resealed=False))
        op.execute("DROP TRIGGER evidence_resealed ON evidence")
        op.execute("DROP FUNCTION kokin_evidence_resealed()")
        op.execute("DROP TRIGGER evidence_append_only ON evidence")
        op.execute(
            "CREATE TRIGGER evidence_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence "
            "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
        )
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_column("evidence", "key_id")


def _spool_guard(*, resealed: bool) -> str:
    """The guard of the notification spool (0010): booked once; and another seal over its body."""
    new, old = (_SPOOL_KEPT.replace(", ", f", {row}.") for row in ("NEW", "OLD"))
    again = f"IF ({_BODY_MAY_CHANGE}) THEN RETURN NEW; END IF; " if resealed else ""
    return (
        "CREATE OR REPLACE FUNCTION kokin_spool_booked() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF OLD.state = 'waiting' AND NEW.state = 'booked' "
        f"AND (NEW.{new}) IS NOT DISTINCT FROM (OLD.{old}) THEN RETURN NEW; END IF; {again}"
        "RAISE EXCEPTION 'append_only: %', TG_TABLE_NAME; END $$"
    )


def _create_tables() -> None:
    op.create_table(
        "evidence_key",
        sa.Column(*_CODE, nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("probe", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "key_id"),
    )
    op.create_table(
        "evidence_rekey",
        sa.Column(*_CODE, nullable=False),
        sa.Column("rekey_no", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at_sha256", sa.String(length=64), nullable=False),
        sa.Column("at_piece_no", sa.Integer(), nullable=False),
        sa.Column("pieces", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("municipality_code", "rekey_no"),
    )
    op.create_table(
        "file_delivery",
        sa.Column(*_CODE, nullable=False),
        sa.Column("delivery_no", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("came_by", sa.String(length=10), nullable=False),
        sa.Column("folder", sa.String(length=60), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=14), nullable=False),
        sa.Column("kept_as", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "delivery_no"),
    )
    by_file = ["municipality_code", "file_id"]
    op.create_index("file_delivery_by_file", "file_delivery", by_file)
    by_time = ["municipality_code", "arrived_at"]
    op.create_index("file_delivery_by_time", "file_delivery", by_time)

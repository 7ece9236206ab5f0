"""Spool pruning: what was booked a month ago may leave the spool; the books keep it as evidence.

On SQLite the guards of the spool's own file say the same (:mod:`web.notifications.spool_tables`).
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLE = "notification_spool"
DAYS = 30


def upgrade() -> None:
    """Let go what is booked and old, and nothing else."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute(
        "CREATE FUNCTION kokin_spool_pruned() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF OLD.state = 'booked' AND OLD.booked_at < now() - interval '{DAYS} days' "
        "THEN RETURN OLD; END IF; "
        "RAISE EXCEPTION 'append_only: %', TG_TABLE_NAME; END $$"
    )
    op.execute(f"DROP TRIGGER {TABLE}_append_only ON {TABLE}")
    op.execute(
        f"CREATE TRIGGER {TABLE}_append_only BEFORE TRUNCATE ON {TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
    )
    op.execute(
        f"CREATE TRIGGER {TABLE}_pruned BEFORE DELETE ON {TABLE} "
        "FOR EACH ROW EXECUTE FUNCTION kokin_spool_pruned()"
    )


def downgrade() -> None:
    """Let nothing go again."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute(f"DROP TRIGGER {TABLE}_pruned ON {TABLE}")
    op.execute(f"DROP TRIGGER {TABLE}_append_only ON {TABLE}")
    op.execute(
        f"CREATE TRIGGER {TABLE}_append_only BEFORE DELETE OR TRUNCATE ON {TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
    )
    op.execute("DROP FUNCTION kokin_spool_pruned()")

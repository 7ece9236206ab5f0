"""Guards: what may only be added, who sees what, and the staging area.

R7: the ledger refuses UPDATE and DELETE in the database itself, on both databases. R11: row-level
security is the second wall on PostgreSQL; the first is that every statement names its municipality.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reconcile.store.staging import TABLES, staging_statements

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What is only ever added to. Corrections are further rows, never changes of these.
APPEND_ONLY = ("posting", "journal", "evidence", "assessment_event", "line_outcome", "case_event")
# Every other scoped table is guarded by row-level security alone.
_NOT_SCOPED = {"alembic_version", "municipality"}


def upgrade() -> None:
    """Triggers, and on PostgreSQL privileges, row-level security and staging tables."""
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for action in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_refuses_{action.lower()} BEFORE {action} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, 'append_only: {table}'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION kokin_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'append_only: %', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
        )
        # A cluster takes no triggers on distributed tables; it does take privileges.
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC")
    for statement in staging_statements("postgresql"):
        op.execute(statement)
    for table in sorted(_scoped_tables()):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        # A transaction that named its municipality sees and writes that one only. Maintenance
        # that names none (listing municipalities, backups) is a matter of the role it runs as.
        op.execute(
            f"CREATE POLICY one_municipality ON {table} USING "
            "(COALESCE(current_setting('kokin.municipality_code', true), '') "
            "IN ('', municipality_code))"
        )


def downgrade() -> None:
    """Take the guards away again."""
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for action in ("update", "delete"):
                op.execute(f"DROP TRIGGER {table}_refuses_{action}")
        return
    for table in sorted(_scoped_tables()):
        op.execute(f"DROP POLICY one_municipality ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for name in TABLES:
        op.execute(f"DROP TABLE {name}")
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    op.execute("DROP FUNCTION kokin_append_only()")


def _scoped_tables() -> set[str]:
    """Every table whose rows belong to one municipality."""
    inspector = sa.inspect(op.get_bind())
    return {
        table
        for table in inspector.get_table_names()
        if table not in _NOT_SCOPED
        and any(c["name"] == "municipality_code" for c in inspector.get_columns(table))
    }

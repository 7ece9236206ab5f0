"""Payer aliases: names that two people once tied to an obligor, with their expiry.

One row is one event: an alias is learned, or revoked. Rows are only ever added, sealed (0006) and
kept apart by municipality (0004).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLE = "payer_alias"
_LAST = (
    "COALESCE((SELECT MAX(e.entry_no) FROM seal_entry e "
    "WHERE e.municipality_code = {whose}.municipality_code), 0)"
)
_ADD = "INSERT INTO seal_entry (municipality_code, entry_no, kind, subject_id, part_no) "


def upgrade() -> None:
    """The table, then its entries under the seals and its guards."""
    op.create_table(
        TABLE,
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("alias_no", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=10), nullable=False),
        sa.Column("payer_folded", sa.String(), nullable=False),
        sa.Column("obligor_no", sa.String(length=15), nullable=False),
        sa.Column("approval_id", sa.BigInteger(), nullable=True),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.CheckConstraint("event IN ('learned', 'revoked')"),
        sa.CheckConstraint("(event = 'learned') = (approval_id IS NOT NULL)"),
        sa.CheckConstraint("payer_folded <> ''"),
        sa.ForeignKeyConstraint(
            ["municipality_code", "obligor_no"],
            ["obligor.municipality_code", "obligor.obligor_no"],
        ),
        sa.ForeignKeyConstraint(
            ["municipality_code", "approval_id"],
            ["approval.municipality_code", "approval.approval_id"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "alias_no"),
        sqlite_with_rowid=False,
    )
    op.create_index("payer_alias_by_name", TABLE, ["municipality_code", "payer_folded"])
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def downgrade() -> None:
    """Take everything away again; the triggers of the table go with it."""
    op.drop_table(TABLE)
    if op.get_bind().dialect.name != "sqlite":
        op.execute(f"DROP FUNCTION kokin_enter_{TABLE}()")


def _guard_sqlite() -> None:
    """Entries row by row; neither UPDATE nor DELETE."""
    op.execute(
        f"CREATE TRIGGER {TABLE}_is_entered AFTER INSERT ON {TABLE} BEGIN "
        f"{_ADD}VALUES (NEW.municipality_code, {_LAST.format(whose='NEW')} + 1, '{TABLE}', "
        "NEW.alias_no, 0); END"
    )
    for action in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {TABLE}_refuses_{action.lower()} BEFORE {action} ON {TABLE} "
            f"BEGIN SELECT RAISE(ABORT, 'append_only: {TABLE}'); END"
        )


def _guard_postgresql() -> None:
    """Entries statement by statement; the guards with privileges and row-level security."""
    op.execute(
        f"CREATE FUNCTION kokin_enter_{TABLE}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"{_ADD}SELECT n.municipality_code, {_LAST.format(whose='n')} + ROW_NUMBER() OVER "
        f"(PARTITION BY n.municipality_code ORDER BY n.alias_no), '{TABLE}', n.alias_no, 0 "
        "FROM entered n; RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {TABLE}_is_entered AFTER INSERT ON {TABLE} REFERENCING NEW TABLE AS "
        f"entered FOR EACH STATEMENT EXECUTE FUNCTION kokin_enter_{TABLE}()"
    )
    op.execute(
        f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
    )
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {TABLE} FROM PUBLIC")
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY one_municipality ON {TABLE} USING (COALESCE((SELECT "
        "current_setting('kokin.municipality_code', true)), '') IN ('', municipality_code))"
    )

"""What past moments need: instants of cases, nil reports and files, and what rows said before.

``made_at`` and ``decided_at`` stay empty in the rows that are there: of those nothing but a day is
known, and for nil reports not even that. ``former_row`` keeps what a row said until it was changed
in place, from now on; the row of ``books`` says for each municipality since when all of it is kept.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0049"
branch_labels = None
depends_on = None

TABLE = "former_row"
ADDED = {"case_event": "made_at", "nil_report": "made_at", "source_file": "decided_at"}
# The same on every table behind the wall (docs/adr/0011), asked once per statement, not per row.
_SETTING = "current_setting('kokin.municipality_code', true)"
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '*' OR {_OWNS} THEN {_SETTING} END)"
_MINE = f"({_ENTERED} IN ('*', municipality_code))"
# Both databases write it as the service writes its instants.
_NOW = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now')", "postgresql": "clock_timestamp()"}


def upgrade() -> None:
    """The columns, the table, since when it is kept, then its guards."""
    dialect = op.get_bind().dialect.name
    for table, column in ADDED.items():
        op.add_column(table, sa.Column(column, sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        TABLE,
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("table_name", sa.String(length=30), nullable=False),
        sa.Column("row_key", sa.String(length=60), nullable=False),
        sa.Column("former_no", sa.Integer(), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_json", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "table_name", "row_key", "former_no"),
        sqlite_with_rowid=False,
    )
    op.create_index("former_row_until", TABLE, ["municipality_code", "table_name", "until_at"])
    op.execute(
        f"INSERT INTO {TABLE} (municipality_code, table_name, row_key, former_no, until_at, "
        f"row_json) SELECT municipality_code, 'books', '', 1, {_NOW[dialect]}, 'null' "
        "FROM municipality"
    )
    if dialect == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {TABLE}_refuses_{action.lower()} BEFORE {action} ON {TABLE} "
                f"BEGIN SELECT RAISE(ABORT, 'append_only: {TABLE}'); END"
            )
        return
    op.execute(
        f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
    )
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {TABLE} FROM PUBLIC")
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY one_municipality ON {TABLE} USING {_MINE} WITH CHECK {_MINE}")


def downgrade() -> None:
    """Take it away again; the guards of the table go with it."""
    op.drop_table(TABLE)
    for table, column in ADDED.items():
        op.drop_column(table, column)

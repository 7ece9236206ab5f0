"""Bulk: what a file of a million lines needs not pay for, line by line.

Three foreign keys of the tables that such a file fills are dropped: their rows are written by the
intake alone, in one transaction with the row they name, which is never deleted (source files and
journals are kept for ever), and ``kokin verify`` looks for rows without it. PostgreSQL asks whose
transaction this is once per statement instead of once per row, and makes its staging tables anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reconcile.store.staging import TABLES, staging_statements

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Child, its columns, parent, the parent's columns.
DROPPED = (
    ("source_line", "municipality_code, file_id", "source_file", "municipality_code, file_id"),
    (
        "line_outcome",
        "municipality_code, file_id, line_no",
        "source_line",
        "municipality_code, file_id, line_no",
    ),
    ("posting", "municipality_code, journal_id", "journal", "municipality_code, journal_id"),
)
_WHOSE = "COALESCE({setting}, '') IN ('', municipality_code)"
_SETTING = "current_setting('kokin.municipality_code', true)"


def upgrade() -> None:
    """Bring the schema forward."""
    if op.get_bind().dialect.name == "sqlite":
        for child, columns, parent, named in DROPPED:
            _rewrite(child, f", \n\tFOREIGN KEY({columns}) REFERENCES {parent} ({named})", "")
        return
    for child, _columns, parent, _named in DROPPED:
        op.drop_constraint(_foreign_key(child, parent), child, type_="foreignkey")
    _ask_whose(f"(SELECT {_SETTING})")
    _make_staging()
    # A balance that changes finds room beside its old row, so that no index changes with it; in a
    # file that pays every instalment all of them change at once.
    op.execute("ALTER TABLE instalment_account SET (fillfactor = 45)")


def downgrade() -> None:
    """Take the schema back."""
    if op.get_bind().dialect.name == "sqlite":
        for child, columns, parent, named in DROPPED:
            end = "\n)\n WITHOUT ROWID"
            key = f", \n\tFOREIGN KEY({columns}) REFERENCES {parent} ({named})"
            _rewrite(child, end, key + end)
        return
    op.execute("ALTER TABLE instalment_account RESET (fillfactor)")
    _ask_whose(_SETTING)
    for child, columns, parent, named in DROPPED:
        op.create_foreign_key(None, child, parent, columns.split(", "), named.split(", "))


def _rewrite(table: str, old: str, new: str) -> None:
    """SQLite: a constraint is text in the schema; the rows stay as they are.

    This is the way that its manual names for dropping a foreign key (ALTER TABLE, chapter 7).
    """
    bind = op.get_bind()
    sql = bind.execute(
        sa.text("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = :table"),
        {"table": table},
    ).scalar_one()
    if sql.count(old) != 1:
        message = f"the table {table} is not as migration 0001 made it"
        raise RuntimeError(message)
    version = bind.exec_driver_sql("PRAGMA schema_version").scalar_one()
    bind.exec_driver_sql("PRAGMA writable_schema = ON")
    bind.execute(
        sa.text("UPDATE sqlite_schema SET sql = :sql WHERE type = 'table' AND name = :table"),
        {"sql": sql.replace(old, new), "table": table},
    )
    bind.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema = RESET")


def _foreign_key(child: str, parent: str) -> str:
    """The name that PostgreSQL gave to the key."""
    keys = sa.inspect(op.get_bind()).get_foreign_keys(child)
    return next(str(key["name"]) for key in keys if key["referred_table"] == parent)


def _ask_whose(setting: str) -> None:
    """Row-level security of every table with the municipality read as ``setting`` says."""
    tables = op.get_bind().execute(
        sa.text("SELECT tablename FROM pg_policies WHERE policyname = 'one_municipality'")
    )
    for table in sorted(tables.scalars()):
        op.execute(
            f"ALTER POLICY one_municipality ON {table} USING ({_WHOSE.format(setting=setting)})"
        )


def _make_staging() -> None:
    """The staging tables hold nothing between files, so that they are made anew."""
    for name in TABLES:
        op.execute(f"DROP TABLE IF EXISTS {name}")
    for statement in staging_statements("postgresql"):
        op.execute(statement)
    for name in sorted(TABLES):
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY one_municipality ON {name} "
            f"USING ({_WHOSE.format(setting=f'(SELECT {_SETTING})')})"
        )

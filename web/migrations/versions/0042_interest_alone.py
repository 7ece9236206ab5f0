"""Interest alone: what was appropriated bears interest, too, and nothing else goes back with it.

A refund may have no principal (地方税法17条の4①), and a file for the bank may hold only such ones.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0045"
branch_labels = None
depends_on = None

_SOME = "amount_yen >= 0 AND interest_yen >= 0 AND amount_yen + interest_yen > 0"
CHECKS = {
    "refund": ("amount_yen > 0 AND interest_yen >= 0", _SOME),
    "refund_batch": (
        "count > 0 AND amount_yen > 0 AND interest_yen >= 0",
        f"count > 0 AND {_SOME}",
    ),
}


def upgrade() -> None:
    """A refund of interest alone."""
    _change(before=0, after=1)


def downgrade() -> None:
    """Every refund has a principal again; refused while one has none."""
    bind = op.get_bind()
    for table in CHECKS:
        found = bind.execute(sa.text(f"SELECT COUNT(*) FROM {table} WHERE amount_yen = 0"))
        if found.scalar_one():
            message = "refunds of interest alone exist: this revision cannot be taken back"
            raise RuntimeError(message)
    _change(before=1, after=0)


def _change(*, before: int, after: int) -> None:
    """Put the conditions ``after`` in the place of those ``before``."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, pair in CHECKS.items():
        if sqlite:
            _in_schema(table, f"CHECK ({pair[before]})", f"CHECK ({pair[after]})")
        else:
            _on_postgresql(table, pair[after])


def _on_postgresql(table: str, condition: str) -> None:
    """The one condition about both amounts, whatever its name is."""
    names = op.get_bind().execute(
        sa.text(
            "SELECT conname FROM pg_constraint WHERE contype = 'c' "
            "AND conrelid = CAST(:table AS regclass) "
            "AND pg_get_constraintdef(oid) LIKE '%amount_yen%interest_yen%'"
        ),
        {"table": table},
    )
    (name,) = names.scalars().all()
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, condition)


def _in_schema(table: str, old: str, new: str) -> None:
    """SQLite's own way to change a CHECK (as in 0018): the triggers of the table stay."""
    bind = op.get_bind()
    text = str(
        bind.execute(
            sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name"),
            {"name": table},
        ).scalar_one()
    )
    if text.count(old) != 1:
        message = f"not the table that is known: {old}"
        raise RuntimeError(message)
    version = int(bind.exec_driver_sql("PRAGMA schema_version").scalar_one())
    bind.exec_driver_sql("PRAGMA writable_schema = ON")
    bind.execute(
        sa.text("UPDATE sqlite_master SET sql = :text WHERE type = 'table' AND name = :name"),
        {"text": text.replace(old, new), "name": table},
    )
    bind.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema = OFF")

"""A released batch of refunds may be withdrawn by two people, and its refunds wait again.

What has happened to a batch and to a refund may say so; nothing that stands is touched.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

# Table → its events before and after.
_BATCH = "'replaced', 'released', 'handed_out', 'paid'"
_REFUND = "'decided', 'sent', 'paid', 'returned', 'payee_changed', 'cancelled'"
CHECKS = {
    "refund_batch_event": (f"event IN ({_BATCH})", f"event IN ({_BATCH}, 'withdrawn')"),
    "refund_event": (f"event IN ({_REFUND})", f"event IN ({_REFUND}, 'withdrawn')"),
}


def upgrade() -> None:
    """A batch that was withdrawn."""
    _change(before=0, after=1)


def downgrade() -> None:
    """As before; refused while a batch was withdrawn, since its history is never taken away."""
    bind = op.get_bind()
    for table in CHECKS:
        found = bind.execute(sa.text(f"SELECT COUNT(*) FROM {table} WHERE event = 'withdrawn'"))
        if found.scalar_one():
            message = "batches that were withdrawn exist: this revision cannot be taken back"
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
    """The one condition about the event, whatever its name is."""
    names = op.get_bind().execute(
        sa.text(
            "SELECT conname FROM pg_constraint WHERE contype = 'c' "
            "AND conrelid = CAST(:table AS regclass) "
            "AND pg_get_constraintdef(oid) LIKE '%event%'"
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

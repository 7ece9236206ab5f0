"""Personal columns at rest: in two records that are only added to, seals may be made anew.

As for the evidence (0013): only while a run of ``evidence_rekey`` of the municipality is open, and
nothing else of the row may change. The seals are bound to their rows, so that what is put there by
anybody without the key does not open.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0040"
branch_labels = None
depends_on = None

SEALED = {  # table → the columns that may be sealed anew
    "confirmation": ("sealed",),
    "print_run_difference": ("printed", "expected"),
}
_OPEN = (
    "EXISTS (SELECT 1 FROM evidence_rekey r "
    "WHERE r.municipality_code = NEW.municipality_code AND r.finished_at IS NULL)"
)


def upgrade() -> None:
    """The guards let a seal be changed while keys are turned."""
    if op.get_bind().dialect.name == "sqlite":
        for table, columns in SEALED.items():
            kept = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in _others(table, columns))
            _guard_sqlite(table, f"WHEN NOT ({kept} AND {_OPEN}) ")
        return
    op.execute(
        "CREATE FUNCTION kokin_columns_resealed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF to_jsonb(NEW) - TG_ARGV::text[] = to_jsonb(OLD) - TG_ARGV::text[] AND {_OPEN} "
        "THEN RETURN NEW; END IF; RAISE EXCEPTION 'append_only: %', TG_TABLE_NAME; END $$"
    )
    for table, columns in SEALED.items():
        _guard_postgresql(table, "DELETE OR TRUNCATE")
        named = ", ".join(f"'{name}'" for name in columns)
        op.execute(
            f"CREATE TRIGGER {table}_resealed BEFORE UPDATE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION kokin_columns_resealed({named})"
        )


def downgrade() -> None:
    """Nothing of them changes any more."""
    if op.get_bind().dialect.name == "sqlite":
        for table in SEALED:
            _guard_sqlite(table, "")
        return
    for table in SEALED:
        op.execute(f"DROP TRIGGER {table}_resealed ON {table}")
        _guard_postgresql(table, "UPDATE OR DELETE OR TRUNCATE")
    op.execute("DROP FUNCTION kokin_columns_resealed()")


def _others(table: str, columns: tuple[str, ...]) -> list[str]:
    """What of a row stays as it is."""
    names = (column["name"] for column in sa.inspect(op.get_bind()).get_columns(table))
    return [name for name in names if name not in columns]


def _guard_sqlite(table: str, unless: str) -> None:
    op.execute(f"DROP TRIGGER {table}_refuses_update")
    op.execute(
        f"CREATE TRIGGER {table}_refuses_update BEFORE UPDATE ON {table} {unless}"
        f"BEGIN SELECT RAISE(ABORT, 'append_only: {table}'); END"
    )


def _guard_postgresql(table: str, events: str) -> None:
    op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE {events} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
    )

"""Days: totals of the ledger by day, what was closed, and no booking on a closed day.

The last row of ``day_closure`` says how far the books are closed. The database itself refuses a
journal on such a day; the engine never tries, because it books on the next open day.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("day_total", "books_mark", "day_closure")
_CLOSED_UNTIL = (
    "(SELECT closed_until FROM day_closure WHERE municipality_code = NEW.municipality_code "
    "ORDER BY closure_no DESC LIMIT 1)"
)


def upgrade() -> None:
    """The tables, then their guards."""
    _create_tables()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def downgrade() -> None:
    """Take everything away again; the guards of a table go with it."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER journal_refuses_closed_day")
    else:
        op.execute("DROP TRIGGER journal_refuses_closed_day ON journal")
        op.execute("DROP FUNCTION kokin_closed_day()")
    for table in TABLES:
        op.drop_table(table)


def _guard_sqlite() -> None:
    """Triggers for what may only be added, and for closed days."""
    for action in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER day_closure_refuses_{action.lower()} BEFORE {action} ON day_closure "
            "BEGIN SELECT RAISE(ABORT, 'append_only: day_closure'); END"
        )
    op.execute(
        "CREATE TRIGGER journal_refuses_closed_day BEFORE INSERT ON journal "
        f"WHEN NEW.booked_on <= {_CLOSED_UNTIL} "
        "BEGIN SELECT RAISE(ABORT, 'closed_day: journal'); END"
    )


def _guard_postgresql() -> None:
    """The same, with privileges and row-level security as in 0002."""
    op.execute(
        "CREATE TRIGGER day_closure_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
        "ON day_closure FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
    )
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON day_closure FROM PUBLIC")
    op.execute(
        "CREATE FUNCTION kokin_closed_day() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NEW.booked_on <= {_CLOSED_UNTIL} THEN "
        "RAISE EXCEPTION 'closed_day: %', TG_TABLE_NAME; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER journal_refuses_closed_day BEFORE INSERT ON journal "
        "FOR EACH ROW EXECUTE FUNCTION kokin_closed_day()"
    )
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY one_municipality ON {table} USING "
            "(COALESCE(current_setting('kokin.municipality_code', true), '') "
            "IN ('', municipality_code))"
        )


def _create_tables() -> None:
    op.create_table(
        "day_total",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("item_code", sa.String(length=3), nullable=False),
        sa.Column("claim_year", sa.SmallInteger(), nullable=False),
        sa.Column("open_year", sa.SmallInteger(), nullable=False),
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("debit_account", sa.String(length=20), nullable=False),
        sa.Column("credit_account", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "municipality_code",
            "booked_on",
            "item_code",
            "claim_year",
            "open_year",
            "channel",
            "debit_account",
            "credit_account",
            "reason",
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "books_mark",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.Column("provisional_yen", sa.BigInteger(), nullable=False),
        sa.Column("applied_yen", sa.BigInteger(), nullable=False),
        sa.Column("outstanding_yen", sa.BigInteger(), nullable=False),
        sa.Column("surplus_yen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "day_closure",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("closure_no", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.String(length=4), nullable=False),
        sa.Column("event", sa.String(length=8), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("closed_until", sa.Date(), nullable=True),
        sa.Column("closed_year", sa.SmallInteger(), nullable=False),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.Column("report_json", sa.String(), nullable=False),
        sa.Column("report_sha256", sa.String(length=64), nullable=False),
        sa.Column("approval_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.String(length=60), nullable=False),
        sa.Column("decided_by", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("period IN ('day', 'year')"),
        sa.CheckConstraint("event IN ('closed', 'reopened')"),
        sa.CheckConstraint("asked_by <> decided_by", name="day_closure_two_people"),
        sa.PrimaryKeyConstraint("municipality_code", "closure_no"),
        sqlite_with_rowid=False,
    )

"""Events: what others are told, and whether they heard it.

Events are written with the bookings they speak of and are only ever added to, like the attempts to
deliver them and the files that held them. Subscribers and deliveries change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from datetime import datetime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = (
    "event_start",
    "event",
    "event_subscriber",
    "event_delivery",
    "event_attempt",
    "event_drop",
)
APPEND_ONLY = ("event_start", "event", "event_attempt", "event_drop")
_KINDS = (
    "'slip.paid', 'slip.payment_withdrawn', 'slip.refunded', 'file.quarantined', "
    "'file.released', 'day.closed', 'day.reopened', 'year.closed', 'year.reopened'"
)
_WAITING = sa.text("state = 'waiting'")
_FAILED = sa.text("state = 'failed'")
_RARE = sa.text("kind <> 'slip.paid'")


def upgrade() -> None:
    """The tables with their guards."""
    _create_events()
    _create_subscribers()
    _create_deliveries()
    _create_logs()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def downgrade() -> None:
    """Take everything away again; the triggers of a table go with it."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _guard_sqlite() -> None:
    for table in APPEND_ONLY:
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'append_only: {table}'); END"
            )


def _guard_postgresql() -> None:
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
        )
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY one_municipality ON {table} USING (COALESCE((SELECT "
            "current_setting('kokin.municipality_code', true)), '') IN ('', municipality_code))"
        )


def _code() -> sa.Column[str]:
    return sa.Column("municipality_code", sa.String(length=5), nullable=False)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _create_events() -> None:
    op.create_table(
        "event_start",
        _code(),
        _number("journal_id"),
        _number("file_id"),
        _number("closure_no"),
        _instant("begun_at"),
        sa.PrimaryKeyConstraint("municipality_code"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event",
        _code(),
        _number("event_no"),
        sa.Column("token", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        _instant("occurred_at"),
        sa.Column("state", sa.String(length=12), nullable=False),
        _number("journal_id", nullable=True),
        _number("file_id", nullable=True),
        sa.Column("line_no", sa.Integer()),
        _number("notice_id", nullable=True),
        sa.Column("term", sa.String(length=2)),
        _number("slip_id", nullable=True),
        _number("amount_yen", nullable=True),
        sa.Column("paid_on", sa.Date()),
        _number("closure_no", nullable=True),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name="event_kind"),
        sa.PrimaryKeyConstraint("municipality_code", "event_no"),
        sqlite_with_rowid=False,
    )
    op.create_index("event_by_line", "event", ["municipality_code", "file_id", "line_no"])
    op.create_index(
        "event_rare",
        "event",
        ["municipality_code", "kind", "event_no"],
        sqlite_where=_RARE,
        postgresql_where=_RARE,
    )


def _create_subscribers() -> None:
    op.create_table(
        "event_subscriber",
        _code(),
        _number("subscriber_no"),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("address", sa.String(length=500), nullable=False),
        sa.Column("kinds", sa.String(length=300), nullable=False),
        sa.Column("numbers", sa.String(length=60), nullable=False),
        sa.Column("with_amounts", sa.Boolean(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("secret", sa.LargeBinary()),
        sa.Column("old_secret", sa.LargeBinary()),
        _instant("old_until_at", nullable=True),
        _number("next_event_no"),
        _number("written_file_no"),
        _instant("made_at"),
        sa.Column("made_by", sa.String(length=60), nullable=False),
        sa.CheckConstraint("channel IN ('webhook', 'folder')", name="event_subscriber_channel"),
        sa.PrimaryKeyConstraint("municipality_code", "subscriber_no"),
        sa.UniqueConstraint("municipality_code", "name"),
        sqlite_with_rowid=False,
    )


def _create_deliveries() -> None:
    op.create_table(
        "event_delivery",
        _code(),
        _number("subscriber_no"),
        _number("event_no"),
        _number("subject"),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _instant("due_at"),
        sa.Column("holder", sa.String(length=80), nullable=False),
        _instant("lease_until_at", nullable=True),
        _instant("done_at", nullable=True),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'delivered', 'failed')", name="event_delivery_state"
        ),
        sa.PrimaryKeyConstraint("municipality_code", "subscriber_no", "event_no"),
        sqlite_with_rowid=False,
    )
    for name, columns, which in (
        ("event_delivery_due", ["due_at", "event_no"], _WAITING),
        ("event_delivery_order", ["subscriber_no", "subject", "event_no"], _WAITING),
        ("event_delivery_failed", ["event_no"], _FAILED),
    ):
        op.create_index(
            name,
            "event_delivery",
            ["municipality_code", *columns],
            sqlite_where=which,
            postgresql_where=which,
        )
    op.create_index("event_delivery_by_event", "event_delivery", ["municipality_code", "event_no"])


def _create_logs() -> None:
    op.create_table(
        "event_attempt",
        _code(),
        _number("subscriber_no"),
        _number("event_no"),
        sa.Column("attempt_no", sa.Integer(), nullable=False),
        _instant("made_at"),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "subscriber_no", "event_no", "attempt_no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event_drop",
        _code(),
        _number("subscriber_no"),
        _number("file_no"),
        _number("first_event_no"),
        _number("last_event_no"),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        _instant("made_at"),
        sa.PrimaryKeyConstraint("municipality_code", "subscriber_no", "file_no"),
        sqlite_with_rowid=False,
    )

"""The desk: deadlines of cases, views that people keep, and what searches need to be quick.

Cases that wait when this runs get a week from the day they were opened; those opened from now on
get the business days of their kind (:mod:`reconcile.case_deadlines`).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_VIEWS = "case_view"
_INDEXES = (
    (
        "review_case_desk",
        "review_case",
        ("state", "due_on", "opened_on", "kind", "amount_yen", "owner"),
    ),
    ("receipt_by_paid_on", "receipt", ("paid_on", "amount_yen")),
    ("notice_by_number", "notice", ("notice_no",)),
    ("deposit_by_booked_on", "deposit", ("booked_on", "amount_yen")),
)
# The same on every table behind the wall (docs/adr/0011), asked once per statement, not per row.
_SETTING = "current_setting('kokin.municipality_code', true)"
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '*' OR {_OWNS} THEN {_SETTING} END)"
_MINE = f"({_ENTERED} IN ('*', municipality_code))"


def upgrade() -> None:
    """A deadline for every case that waits, and the table of views."""
    op.add_column("review_case", sa.Column("due_on", sa.Date()))
    sqlite = op.get_bind().dialect.name == "sqlite"
    week = "date(opened_on, '+7 days')" if sqlite else "opened_on + 7"
    op.execute(f"UPDATE review_case SET due_on = {week} WHERE state IN ('open', 'acknowledged')")
    for name, table, columns in _INDEXES:
        op.create_index(name, table, ["municipality_code", *columns])
    op.create_table(
        _VIEWS,
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("view_no", sa.BigInteger(), nullable=False),
        sa.Column("user_name", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("wanted_json", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "view_no"),
    )
    if not sqlite:
        op.execute(f"ALTER TABLE {_VIEWS} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {_VIEWS} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY one_municipality ON {_VIEWS} USING {_MINE} WITH CHECK {_MINE}")


def downgrade() -> None:
    """Take it back: deadlines and views are forgotten."""
    op.drop_table(_VIEWS)
    for name, table, _columns in reversed(_INDEXES):
        op.drop_index(name, table_name=table)
    op.drop_column("review_case", "due_on")

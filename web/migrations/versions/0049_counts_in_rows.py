"""Counts of residents' questions: all windows of a day in one row for each subject.

A question added to ten rows in two indexes, which was most of what it cost. What was counted before
is forgotten: the limits begin anew, and the longest of them is a day.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0043"
branch_labels = None
depends_on = None

TABLE, INDEX = "enquiry_count", "enquiry_count_by_end"
COUNTS = (
    "minute_asked", "hour_asked", "day_asked",
    "minute_unproven", "hour_unproven", "day_unproven",
    "hour_missed", "day_missed",
)  # fmt: skip
KEY = ["municipality_code", "ends", "subject"]


def _counts() -> list[sa.Column[int]]:
    windows = [sa.Column(name, sa.BigInteger(), nullable=False) for name in ("minute", "hour")]
    return windows + [sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS]


def _before() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in ("begun", "asked")]


def upgrade() -> None:
    """Other columns and another key; on PostgreSQL in place, so that roles keep their rights."""
    _change(INDEX, _before(), _counts(), KEY)


def downgrade() -> None:
    """A row for each window again; the limits begin anew."""
    _change("", _counts(), _before(), ["municipality_code", "subject", "begun", "ends"])
    op.create_index(INDEX, TABLE, ["municipality_code", "ends"])


def _change(
    index: str, gone: list[sa.Column[int]], come: list[sa.Column[int]], key: list[str]
) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.drop_table(TABLE)
        op.create_table(
            TABLE,
            sa.Column("municipality_code", sa.String(length=5), nullable=False),
            sa.Column("ends", sa.BigInteger(), nullable=False),
            sa.Column("subject", sa.String(length=80), nullable=False),
            *come,
            sa.PrimaryKeyConstraint(*key),
            sqlite_with_rowid=False,
        )
        return
    op.execute(f"TRUNCATE {TABLE}")
    if index:
        op.drop_index(index, TABLE)
    op.drop_constraint(f"{TABLE}_pkey", TABLE)
    for column in gone:
        op.drop_column(TABLE, column.name)
    for column in come:
        op.add_column(TABLE, column)
    op.create_primary_key(f"{TABLE}_pkey", TABLE, key)

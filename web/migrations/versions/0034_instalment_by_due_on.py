"""Instalments by their due date: what fell due long ago is found without reading all that is owed.

Who is prescribed soon, what is debited on a day and what was due by a day are questions about few
instalments among millions.
"""

from __future__ import annotations

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

INDEX = "instalment_by_due_on"


def upgrade() -> None:
    """One index; its rows are the instalments in the order of their due dates.

    On PostgreSQL it is built behind the commit, so that nobody waits for it.
    """
    if op.get_bind().dialect.name == "sqlite":
        op.create_index(INDEX, "instalment", ["municipality_code", "due_on"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_index(INDEX, "instalment", if_exists=True)

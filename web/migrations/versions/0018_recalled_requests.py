"""Recalled requests: who asked may take a request back while nobody has decided it (取下げ).

Everything else is decided by somebody else, as before: the database holds both in one condition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from collections.abc import Iterable

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

DECISIONS = (
    "decision IN ('approved', 'rejected')",
    "decision IN ('approved', 'rejected', 'recalled')",
)
PEOPLE = ("decided_by <> asked_by", "(decided_by = asked_by) = (decision = 'recalled')")


def upgrade() -> None:
    """Let a request be recalled by who asked."""
    _change(before=0, after=1)


def downgrade() -> None:
    """Two people for everything again; refused while a request stands recalled."""
    bind = op.get_bind()
    if bind.dialect.name == "sqlite":  # PostgreSQL holds the rows to a new condition by itself.
        recalled = bind.execute(
            sa.text("SELECT COUNT(*) FROM approval WHERE decision = 'recalled'")
        )
        if recalled.scalar_one():
            message = "approvals were recalled: this revision cannot be taken back"
            raise RuntimeError(message)
    _change(before=1, after=0)


def _change(*, before: int, after: int) -> None:
    """Put the conditions ``after`` in the place of those ``before``."""
    if op.get_bind().dialect.name == "sqlite":
        _in_schema(
            (f"CHECK ({pair[before]})", f"CHECK ({pair[after]})") for pair in (DECISIONS, PEOPLE)
        )
        return
    for name, pair in (("approval_decision_check", DECISIONS), ("approval_two_people", PEOPLE)):
        op.drop_constraint(name, "approval")
        op.create_check_constraint(name, "approval", pair[after])


def _in_schema(pairs: Iterable[tuple[str, str]]) -> None:
    """SQLite's own way to change a CHECK: the text of the table is written anew.

    A copy of the table would lose the triggers that guard and seal it
    (https://www.sqlite.org/lang_altertable.html, 7).
    """
    bind = op.get_bind()
    text = str(
        bind.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'approval'"
        ).scalar_one()
    )
    for old, new in pairs:
        if text.count(old) != 1:
            message = f"not the table that is known: {old}"
            raise RuntimeError(message)
        text = text.replace(old, new)
    version = int(bind.exec_driver_sql("PRAGMA schema_version").scalar_one())
    bind.exec_driver_sql("PRAGMA writable_schema = ON")
    bind.exec_driver_sql(
        "UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = 'approval'", (text,)
    )
    bind.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema = OFF")

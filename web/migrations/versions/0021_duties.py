"""Duties: roles of a person, second factors, sessions and lock-out.

A person holds several roles from here on. Who was of the tax division was both clerk of slips and
of collection; who administered also decided, and keeps that as a role of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from alembic.operations import BatchOperations

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# The same on every table behind the wall (docs/adr/0011), asked once per statement, not per row.
_SETTING = "current_setting('kokin.municipality_code', true)"
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '*' OR {_OWNS} THEN {_SETTING} END)"
_MINE = f"({_ENTERED} IN ('*', municipality_code))"
_TABLES = ("staff_role",)
# Role before → roles from here on; back again the first that a person holds.
_ROLES = (
    ("admin", ("admin", "approver")),
    ("treasury", ("treasury",)),
    ("tax", ("slips", "collection")),
    ("auditor", ("auditor",)),
)
_BACK = (("admin", "admin"), ("treasury", "treasury"), ("approver", "treasury"),
         ("collection", "tax"), ("slips", "tax"), ("auditor", "auditor"))  # fmt: skip


def upgrade() -> None:
    """Roles leave the row of the person for a table of their own."""
    op.create_table(
        "staff_role",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("user_name", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.CheckConstraint(
            "role IN ('slips', 'collection', 'treasury', 'approver', 'auditor', 'admin')"
        ),
        sa.PrimaryKeyConstraint("municipality_code", "user_name", "role"),
        _of_a_person(),
    )
    # While no row refers to a person yet: SQLite makes the table of people anew.
    before = op.get_bind().execute(sa.text("SELECT * FROM staff_user")).mappings().all()
    with _table_of_people(sa.Column("role", sa.String(length=10), nullable=False)) as people:
        people.drop_column("role")
    given = sa.table("staff_role", *map(sa.column, ("municipality_code", "user_name", "role")))
    op.bulk_insert(
        given,
        [
            {
                "municipality_code": person["municipality_code"],
                "user_name": person["user_name"],
                "role": role,
            }
            for person in before
            for role in dict(_ROLES)[person["role"]]
        ],
    )
    if op.get_bind().dialect.name == "sqlite":
        return
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY one_municipality ON {table} USING {_MINE} WITH CHECK {_MINE}")


def downgrade() -> None:
    """One role again: of several, the one that stands first in the list above."""
    held = op.get_bind().execute(sa.text("SELECT * FROM staff_role")).mappings().all()
    for table in reversed(_TABLES):
        op.drop_table(table)
    with _table_of_people() as table:
        table.add_column(
            sa.Column("role", sa.String(length=10), nullable=False, server_default="auditor")
        )
        table.create_check_constraint(
            "staff_user_role_check", "role IN ('tax', 'treasury', 'auditor', 'admin')"
        )
    people = sa.table("staff_user", *map(sa.column, ("municipality_code", "user_name", "role")))
    for now, then in reversed(_BACK):
        for row in held:
            if row["role"] == now:
                op.execute(
                    sa.update(people)
                    .where(
                        people.c.municipality_code == row["municipality_code"],
                        people.c.user_name == row["user_name"],
                    )
                    .values(role=then)
                )


def _table_of_people(*more: sa.Column[Any]) -> AbstractContextManager[BatchOperations]:
    """The table of people to be changed; SQLite makes it anew, from what is written here."""
    known = sa.Table(
        "staff_user",
        sa.MetaData(),
        sa.Column("municipality_code", sa.String(length=5), primary_key=True),
        sa.Column("user_name", sa.String(length=40), primary_key=True),
        sa.Column("display_name", sa.String(length=60), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("session_stamp", sa.String(length=32), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        *more,
    )
    return op.batch_alter_table("staff_user", copy_from=known)


def _of_a_person() -> sa.ForeignKeyConstraint:
    """The person whose row it is."""
    return sa.ForeignKeyConstraint(
        ["municipality_code", "user_name"],
        ["staff_user.municipality_code", "staff_user.user_name"],
    )

"""Duties: roles of a person, second factors, sessions and lock-out.

A person holds several roles from here on. Who was of the tax division was both clerk of slips and
of collection; who administered also decided, and keeps that as a role of its own. The log of what
people did is only ever added to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime

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
_LOG = "staff_event"
_TABLES = (
    "staff_role",
    "staff_session",
    "staff_totp",
    "staff_passkey",
    "staff_recovery",
    "staff_attempt",
    "staff_challenge",
    "staff_policy",
)
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
    """Roles and sessions leave the row of the person for tables of their own."""
    _enter_all()
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
    with _table_of_people(
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("session_stamp", sa.String(length=32), nullable=False),
    ) as changed:
        changed.drop_column("role")
        changed.drop_column("session_stamp")
        # A password that somebody else has set holds for one sign-in.
        changed.add_column(
            sa.Column("password_once", sa.Boolean(), nullable=False, server_default=sa.false())
        )
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
    _create_tables()
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {_LOG}_refuses_{action.lower()} BEFORE {action} ON {_LOG} "
                f"BEGIN SELECT RAISE(ABORT, 'append_only: {_LOG}'); END"
            )
        return
    op.execute(
        f"CREATE TRIGGER {_LOG}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {_LOG} "
        "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
    )
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {_LOG} FROM PUBLIC")
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY one_municipality ON {table} USING {_MINE} WITH CHECK {_MINE}")


def downgrade() -> None:
    """One role again: of several, the one that stands first in the list above."""
    _enter_all()
    held = op.get_bind().execute(sa.text("SELECT * FROM staff_role")).mappings().all()
    if op.get_bind().dialect.name == "sqlite":
        for action in ("update", "delete"):
            op.execute(f"DROP TRIGGER {_LOG}_refuses_{action}")
    else:
        op.execute(f"DROP TRIGGER {_LOG}_append_only ON {_LOG}")
    for table in reversed(_TABLES):
        op.drop_table(table)
    once: sa.Column[bool] = sa.Column("password_once", sa.Boolean(), nullable=False)
    with _table_of_people(once) as changed:
        changed.drop_column("password_once")
        changed.add_column(
            # Sessions of before end: no cookie carries such a stamp.
            sa.Column("session_stamp", sa.String(length=32), nullable=False, server_default="-")
        )
        changed.add_column(
            sa.Column("role", sa.String(length=10), nullable=False, server_default="auditor")
        )
        changed.create_check_constraint(
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


def _enter_all() -> None:
    """The people of every municipality are meant, also where the wall was only just built."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SELECT set_config('kokin.municipality_code', '*', true)")


def _create_tables() -> None:
    """What somebody is known by, and what happened at the door."""
    op.create_table(
        "staff_session",
        _text("municipality_code", 5),
        _text("session_id", 16),
        _text("user_name", 40),
        _text("secret_digest", 64),
        _text("factors", 60),
        _text("needs", 40),
        _text("source", 60),
        _text("device", 60),
        _instant("made_at"),
        _instant("seen_at"),
        _instant("proved_at"),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        _text("ended_by", 60),
        sa.PrimaryKeyConstraint("municipality_code", "session_id"),
        _of_a_person(),
    )
    op.create_index(
        "staff_session_of_person", "staff_session", ["municipality_code", "user_name", "made_at"]
    )
    op.create_table(
        "staff_totp",
        _text("municipality_code", 5),
        _text("user_name", 40),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _instant("made_at"),
        sa.Column("confirmed_at", sa.DateTime(timezone=True)),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "user_name"),
        _of_a_person(),
    )
    op.create_table(
        "staff_passkey",
        _text("municipality_code", 5),
        _text("credential_id", 1400),
        _text("user_name", 40),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        _text("label", 40),
        _instant("made_at"),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("municipality_code", "credential_id"),
        _of_a_person(),
    )
    op.create_table(
        "staff_recovery",
        _text("municipality_code", 5),
        _text("user_name", 40),
        _text("secret_digest", 64),
        _instant("made_at"),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("municipality_code", "user_name", "secret_digest"),
        _of_a_person(),
    )
    op.create_table(
        "staff_attempt",
        _text("municipality_code", 5),
        _text("subject", 80),
        sa.Column("failures", sa.Integer(), nullable=False),
        _instant("failed_at"),
        sa.Column("opens_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("municipality_code", "subject"),
    )
    op.create_table(
        "staff_challenge",
        _text("municipality_code", 5),
        _text("challenge", 90),
        _text("purpose", 10),
        _text("user_name", 40),
        _instant("made_at"),
        sa.PrimaryKeyConstraint("municipality_code", "challenge"),
    )
    op.create_table(
        "staff_policy",
        _text("municipality_code", 5),
        sa.Column("second_factor", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code"),
    )


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False)


def _instant(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _table_of_people(*more: sa.Column[Any]) -> AbstractContextManager[BatchOperations]:
    """The table of people to be changed; SQLite makes it anew, from what is written here."""
    known = sa.Table(
        "staff_user",
        sa.MetaData(),
        sa.Column("municipality_code", sa.String(length=5), primary_key=True),
        sa.Column("user_name", sa.String(length=40), primary_key=True),
        sa.Column("display_name", sa.String(length=60), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
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

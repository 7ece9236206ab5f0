"""Seals: a chain of digests over ledger and decisions, and the order in which these came.

What a journal books is found by its number. Everything else that counts (files that came, events
of cases and slips, approvals, closings) gets a number of its own by trigger, in the transaction
that writes it, so that a seal can cover both up to a point.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = ("seal_entry", "seal", "seal_part")
AGAIN = "line_outcome_again"
# Trigger, table, kind of entry, its key (subject and part), event.
_INSERT, _DECISION = "INSERT", "UPDATE"
ENTERED = (
    ("source_file", "file", "file_id", "0", _INSERT),
    ("case_event", "case_event", "case_no", "event_no", _INSERT),
    ("slip_event", "slip_event", "slip_id", "event_no", _INSERT),
    ("approval", "approval_asked", "approval_id", "0", _INSERT),
    ("approval", "approval_decided", "approval_id", "0", _DECISION),
    ("day_closure", "day_closure", "closure_no", "0", _INSERT),
)
_DECIDED = "{new}.decision IS NOT NULL AND {old}.decision IS NULL"
_LAST = (
    "COALESCE((SELECT MAX(e.entry_no) FROM seal_entry e "
    "WHERE e.municipality_code = {whose}.municipality_code), 0)"
)
_ADD = "INSERT INTO seal_entry (municipality_code, entry_no, kind, subject_id, part_no) "


def upgrade() -> None:
    """The tables, what has happened so far, then the triggers and guards."""
    _create_tables()
    _enter_the_past()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def downgrade() -> None:
    """Take everything away again; the guards of a table go with it."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, kind, *_ in ENTERED:
        op.execute(f"DROP TRIGGER {kind}_is_entered" + ("" if sqlite else f" ON {table}"))
        if not sqlite:
            op.execute(f"DROP FUNCTION kokin_enter_{kind}()")
    op.drop_index(AGAIN, table_name="line_outcome")
    for table in TABLES:
        op.drop_table(table)


def _enter_the_past() -> None:
    """A database from before has its history entered kind by kind; the first seals cover it."""
    for table, kind, subject, part, event in ENTERED:
        decided = " WHERE n.decision IS NOT NULL" if event == _DECISION else ""
        order = subject if part == "0" else f"{subject}, {part}"
        op.execute(
            f"{_ADD}SELECT n.municipality_code, {_LAST.format(whose='n')} + ROW_NUMBER() OVER "
            f"(PARTITION BY n.municipality_code ORDER BY {order}), '{kind}', {subject}, {part} "
            f"FROM {table} n{decided}"
        )


def _guard_sqlite() -> None:
    """Entries row by row; what may only be added."""
    for table, kind, subject, part, event in ENTERED:
        part_no = part if part == "0" else f"NEW.{part}"
        when = f" WHEN {_DECIDED.format(new='NEW', old='OLD')}" if event == _DECISION else ""
        op.execute(
            f"CREATE TRIGGER {kind}_is_entered AFTER {event} ON {table}{when} BEGIN "
            f"{_ADD}VALUES (NEW.municipality_code, {_LAST.format(whose='NEW')} + 1, '{kind}', "
            f"NEW.{subject}, {part_no}); END"
        )
    for table in TABLES:
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'append_only: {table}'); END"
            )


def _guard_postgresql() -> None:
    """Entries statement by statement; the guards with privileges and row-level security."""
    for table, kind, subject, part, event in ENTERED:
        order = subject if part == "0" else f"{subject}, {part}"
        seen, rows = "NEW TABLE AS entered", "entered n"
        if event == _DECISION:
            seen = "OLD TABLE AS before NEW TABLE AS entered"
            rows = (
                "entered n JOIN before b ON b.municipality_code = n.municipality_code AND "
                f"b.{subject} = n.{subject} AND {_DECIDED.format(new='n', old='b')}"
            )
        part_no = part if part == "0" else f"n.{part}"
        order = ", ".join(f"n.{name}" for name in order.split(", "))
        op.execute(
            f"CREATE FUNCTION kokin_enter_{kind}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"{_ADD}SELECT n.municipality_code, {_LAST.format(whose='n')} + ROW_NUMBER() OVER "
            f"(PARTITION BY n.municipality_code ORDER BY {order}), '{kind}', n.{subject}, "
            f"{part_no} FROM {rows}; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {kind}_is_entered AFTER {event} ON {table} REFERENCING {seen} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION kokin_enter_{kind}()"
        )
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
        )
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        # Whose transaction this is, asked once per statement (0004).
        op.execute(
            f"CREATE POLICY one_municipality ON {table} USING (COALESCE((SELECT "
            "current_setting('kokin.municipality_code', true)), '') IN ('', municipality_code))"
        )


def _create_tables() -> None:
    op.create_table(
        "seal_entry",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("entry_no", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("part_no", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "entry_no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "seal",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("seal_no", sa.BigInteger(), nullable=False),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_no", sa.BigInteger(), nullable=False),
        sa.Column("previous_sha256", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("made_utc", sa.String(length=27), nullable=False),
        sa.CheckConstraint("seal_no > 0"),
        sa.PrimaryKeyConstraint("municipality_code", "seal_no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "seal_part",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("seal_no", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.String(length=20), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "seal_no", "part"),
        sqlite_with_rowid=False,
    )
    # Every act is entered once; and an audit pack finds where.
    op.create_index(
        "seal_entry_by_subject",
        "seal_entry",
        ["municipality_code", "kind", "subject_id", "part_no"],
        unique=True,
    )
    # What a journal decided again is few among many lines; only these stand in the index.
    op.create_index(
        AGAIN,
        "line_outcome",
        ["municipality_code", "journal_id", "file_id", "line_no", "revision"],
        sqlite_where=sa.text("revision > 1"),
        postgresql_where=sa.text("revision > 1"),
    )

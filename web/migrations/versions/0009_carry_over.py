"""Years and holds: claims carried into the arrears of the next year, and holds with their reasons.

A carry-over is one row per instalment under a run that is sealed with the digest of its rows; a
year that is re-opened takes the run back with a run of its own. Both tables and the events of
holds are only ever added to.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = ("carry_run", "carry_over", "hold_event")
# Table and kind of entry, its key (subject and part). The rows of a run stand under its digest.
ENTERED = (("carry_run", "carry_no", "0"), ("hold_event", "hold_no", "event_no"))
_LAST = (
    "COALESCE((SELECT MAX(e.entry_no) FROM seal_entry e "
    "WHERE e.municipality_code = {whose}.municipality_code), 0)"
)
_ADD = "INSERT INTO seal_entry (municipality_code, entry_no, kind, subject_id, part_no) "


def upgrade() -> None:
    """The tables, then their triggers and guards."""
    _create_tables()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def downgrade() -> None:
    """Take everything away again; the triggers of a table go with it."""
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        for kind, *_ in ENTERED:
            op.execute(f"DROP FUNCTION kokin_enter_{kind}()")


def _guard_sqlite() -> None:
    """Entries row by row; what may only be added."""
    for kind, subject, part in ENTERED:
        part_no = part if part == "0" else f"NEW.{part}"
        op.execute(
            f"CREATE TRIGGER {kind}_is_entered AFTER INSERT ON {kind} BEGIN "
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
    for kind, subject, part in ENTERED:
        part_no = part if part == "0" else f"n.{part}"
        op.execute(
            f"CREATE FUNCTION kokin_enter_{kind}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"{_ADD}SELECT n.municipality_code, {_LAST.format(whose='n')} + ROW_NUMBER() OVER "
            f"(PARTITION BY n.municipality_code ORDER BY n.{subject}, {part_no}), '{kind}', "
            f"n.{subject}, {part_no} FROM entered n; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {kind}_is_entered AFTER INSERT ON {kind} "
            "REFERENCING NEW TABLE AS entered "
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
        op.execute(
            f"CREATE POLICY one_municipality ON {table} USING (COALESCE((SELECT "
            "current_setting('kokin.municipality_code', true)), '') IN ('', municipality_code))"
        )


def _create_tables() -> None:
    op.create_table(
        "carry_run",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("carry_no", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=8), nullable=False),
        sa.Column("from_year", sa.SmallInteger(), nullable=False),
        sa.Column("to_year", sa.SmallInteger(), nullable=False),
        sa.Column("reverses_no", sa.BigInteger(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("rows_sha256", sa.String(length=64), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.Column("closure_no", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("event IN ('carried', 'reversed')"),
        sa.CheckConstraint("to_year = from_year + 1"),
        sa.CheckConstraint("(event = 'reversed') = (reverses_no IS NOT NULL)"),
        sa.UniqueConstraint("municipality_code", "closure_no"),
        sa.PrimaryKeyConstraint("municipality_code", "carry_no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "carry_over",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("carry_no", sa.BigInteger(), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.String(length=2), nullable=False),
        sa.Column("item_code", sa.String(length=3), nullable=False),
        sa.Column("claim_year", sa.SmallInteger(), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_yen <> 0"),
        sa.PrimaryKeyConstraint("municipality_code", "carry_no", "notice_id", "term"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "carry_over_by_instalment", "carry_over", ["municipality_code", "notice_id", "term"]
    )
    op.create_table(
        "hold_event",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("hold_no", sa.BigInteger(), nullable=False),
        sa.Column("event_no", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=6), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.String(length=2), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("event IN ('set', 'lifted')"),
        sa.CheckConstraint("(event = 'set') = (event_no = 1)"),
        sa.CheckConstraint("event_no IN (1, 2)"),
        sa.CheckConstraint("until_on IS NULL OR until_on >= from_on"),
        sa.PrimaryKeyConstraint("municipality_code", "hold_no", "event_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "hold_event_by_notice", "hold_event", ["municipality_code", "notice_id", "term"]
    )

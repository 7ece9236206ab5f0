"""Charges: late charges booked and waived, payment plans, write-offs, limitation.

What was written off of an instalment stands in its account as settled, and beside it as
``written_off_yen``. All tables are only ever added to; those in which people decide are sealed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

TABLES = (
    "late_charge_booking",
    "late_charge_run",
    "charge_waiver",
    "payment_plan",
    "payment_plan_part",
    "payment_plan_event",
    "write_off",
    "limitation_event",
)
# Kind of entry, its table, and its key (subject and part).
ENTERED = (
    ("charge_waiver", "waiver_no", "0"),
    ("payment_plan", "plan_no", "0"),
    ("payment_plan_part", "plan_no", "part_no"),
    ("payment_plan_event", "plan_no", "event_no"),
    ("write_off", "write_off_no", "0"),
    ("limitation_event", "event_no", "0"),
)
_LAST = (
    "COALESCE((SELECT MAX(e.entry_no) FROM seal_entry e WHERE e.municipality_code = {whose}), 0)"
)
_ADD = "INSERT INTO seal_entry (municipality_code, entry_no, kind, subject_id, part_no) "
# The last number is asked for once per statement (0020).
_ONCE = (
    "WITH latest AS MATERIALIZED (SELECT w.municipality_code, "
    f"{_LAST.format(whose='w.municipality_code')} AS entry_no "
    "FROM (SELECT DISTINCT municipality_code FROM entered) w) "
)
_BEFORE = "(SELECT l.entry_no FROM latest l WHERE l.municipality_code = n.municipality_code)"
# The same on every table behind the wall (docs/adr/0011), asked once per statement, not per row.
_SETTING = "current_setting('kokin.municipality_code', true)"
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '*' OR {_OWNS} THEN {_SETTING} END)"
_MINE = f"({_ENTERED} IN ('*', municipality_code))"


def upgrade() -> None:
    """The tables, then their triggers and guards."""
    op.add_column(
        "instalment_account",
        sa.Column("written_off_yen", sa.BigInteger(), nullable=False, server_default="0"),
    )
    _create_charges()
    _create_plans()
    _create_ends()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def downgrade() -> None:
    """Take everything away again; the triggers of a table go with it."""
    for table in TABLES:
        op.drop_table(table)
    op.drop_column("instalment_account", "written_off_yen")
    if op.get_bind().dialect.name != "sqlite":
        for kind, *_ in ENTERED:
            op.execute(f"DROP FUNCTION kokin_enter_{kind}()")


def _guard_sqlite() -> None:
    """Entries row by row; what may only be added."""
    for kind, subject, part in ENTERED:
        part_no = part if part == "0" else f"NEW.{part}"
        op.execute(
            f"CREATE TRIGGER {kind}_is_entered AFTER INSERT ON {kind} BEGIN "
            f"{_ADD}VALUES (NEW.municipality_code, "
            f"{_LAST.format(whose='NEW.municipality_code')} + 1, '{kind}', "
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
            f"{_ONCE}{_ADD}SELECT n.municipality_code, {_BEFORE} + ROW_NUMBER() OVER "
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
        op.execute(f"CREATE POLICY one_municipality ON {table} USING {_MINE} WITH CHECK {_MINE}")


def _create_charges() -> None:
    """What is booked, when it was looked for, and what is waived."""
    op.create_table(
        "late_charge_booking",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.String(length=2), nullable=False),
        sa.Column("principal_notice_id", sa.BigInteger(), nullable=False),
        sa.Column("principal_term", sa.String(length=2), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("basis_json", sa.String(), nullable=False),
        sa.CheckConstraint("amount_yen >= 0"),
        sa.CheckConstraint("kind IN ('late_charge', 'dunning_fee')"),
        sa.PrimaryKeyConstraint("municipality_code", "file_id", "line_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "late_charge_booking_by_claim",
        "late_charge_booking",
        ["municipality_code", "notice_id", "term"],
    )
    op.create_index(
        "late_charge_booking_by_principal",
        "late_charge_booking",
        ["municipality_code", "principal_notice_id", "principal_term"],
    )
    op.create_table(
        "late_charge_run",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("run_no", sa.BigInteger(), nullable=False),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.Column("waiver_no", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column("booked_count", sa.Integer(), nullable=False),
        sa.Column("booked_yen", sa.BigInteger(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "run_no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "charge_waiver",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("waiver_no", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=9), nullable=False),
        sa.Column("withdraws_no", sa.BigInteger(), nullable=True),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.String(length=2), nullable=False),
        sa.Column("kind", sa.String(length=6), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=True),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("approval_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("event IN ('granted', 'withdrawn')"),
        sa.UniqueConstraint("municipality_code", "withdraws_no"),
        sa.CheckConstraint("(event = 'withdrawn') = (withdraws_no IS NOT NULL)"),
        sa.CheckConstraint("kind IN ('whole', 'part', 'period')"),
        sa.PrimaryKeyConstraint("municipality_code", "waiver_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "charge_waiver_by_claim", "charge_waiver", ["municipality_code", "notice_id", "term"]
    )


def _create_plans() -> None:
    """What was agreed, its parts, and how it went on."""
    op.create_table(
        "payment_plan",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("plan_no", sa.BigInteger(), nullable=False),
        sa.Column("obligor_no", sa.String(length=15), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("approval_id", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "plan_no"),
        sqlite_with_rowid=False,
    )
    op.create_index("payment_plan_by_obligor", "payment_plan", ["municipality_code", "obligor_no"])
    op.create_table(
        "payment_plan_part",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("plan_no", sa.BigInteger(), nullable=False),
        sa.Column("part_no", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.String(length=2), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("slip_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount_yen > 0"),
        sa.PrimaryKeyConstraint("municipality_code", "plan_no", "part_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "payment_plan_part_by_claim",
        "payment_plan_part",
        ["municipality_code", "notice_id", "term"],
    )
    op.create_index(
        "payment_plan_part_by_slip", "payment_plan_part", ["municipality_code", "slip_id"]
    )
    op.create_table(
        "payment_plan_event",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("plan_no", sa.BigInteger(), nullable=False),
        sa.Column("event_no", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=9), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("event_no IN (1, 2)"),
        sa.CheckConstraint("(event = 'agreed') = (event_no = 1)"),
        sa.CheckConstraint("event IN ('agreed', 'broken', 'ended', 'cancelled')"),
        sa.PrimaryKeyConstraint("municipality_code", "plan_no", "event_no"),
        sqlite_with_rowid=False,
    )


def _create_ends() -> None:
    """What was given up, and what makes the time limit begin anew."""
    op.create_table(
        "write_off",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("write_off_no", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=11), nullable=False),
        sa.Column("reverses_no", sa.BigInteger(), nullable=True),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.String(length=2), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("ground", sa.String(length=20), nullable=False),
        sa.Column("extinguished_on", sa.Date(), nullable=False),
        sa.Column("approval_id", sa.BigInteger(), nullable=True),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.Column("leg", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("event IN ('written_off', 'reversed')"),
        sa.CheckConstraint("(event = 'reversed') = (reverses_no IS NOT NULL)"),
        sa.CheckConstraint("amount_yen > 0"),
        sa.PrimaryKeyConstraint("municipality_code", "write_off_no"),
        sqlite_with_rowid=False,
    )
    op.create_index("write_off_by_claim", "write_off", ["municipality_code", "notice_id", "term"])
    op.create_table(
        "limitation_event",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("event_no", sa.BigInteger(), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.String(length=2), nullable=False),
        sa.Column("kind", sa.String(length=9), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind = 'suspended') = (until_on IS NOT NULL)"),
        sa.CheckConstraint("until_on IS NULL OR until_on >= from_on"),
        sa.CheckConstraint("kind IN ('renewed', 'suspended')"),
        sa.PrimaryKeyConstraint("municipality_code", "event_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "limitation_event_by_claim", "limitation_event", ["municipality_code", "notice_id", "term"]
    )

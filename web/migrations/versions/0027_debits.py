"""Direct debit: payers' accounts, and the batches that go out to the banks.

A batch is in force until people take it back; for one day, bank and round there is one in force,
and no instalment is in two. Its rows cannot be added to once it was built, and it is sent once. All
of this is refused by the database itself, whoever asks.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TABLES = ("debit_account", "debit_batch", "debit_row", "debit_event")
APPEND_ONLY = ("debit_account", "debit_row", "debit_event")
# Kind of entry, its table, and its key (subject and part). The rows stand under the batch's hash.
ENTERED = (
    ("debit_account", "entry_no", "0"),
    ("debit_batch", "batch_no", "0"),
    ("debit_event", "batch_no", "event_no"),
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
# What may change of a batch: that it is in force ends, once.
_SAME = (
    "batch_no", "debit_on", "bank_code", "round", "first_batch_no", "replaces_no", "due_from_on",
    "head_json", "left_json", "count", "amount_yen", "file_sha256", "size_bytes", "built_at",
    "actor", "approval_id", "reason",
)  # fmt: skip
# (name, condition under which a row of a batch is refused)
_REFUSED = (
    (
        "frozen",
        (
            "EXISTS (SELECT 1 FROM debit_event e WHERE e.municipality_code = NEW.municipality_code "
            "AND e.batch_no = NEW.batch_no)"
        ),
    ),
    (
        "twice",
        (
            "EXISTS (SELECT 1 FROM debit_row r JOIN debit_batch o "
            "ON o.municipality_code = r.municipality_code AND o.batch_no = r.batch_no "
            "JOIN debit_batch b ON b.municipality_code = r.municipality_code "
            "AND b.batch_no = NEW.batch_no WHERE r.municipality_code = NEW.municipality_code "
            "AND r.notice_id = NEW.notice_id AND r.term = NEW.term AND o.in_force "
            "AND o.round = b.round)"
        ),
    ),
    (
        "not_in_first",
        (
            "EXISTS (SELECT 1 FROM debit_batch b WHERE b.municipality_code = NEW.municipality_code "
            "AND b.batch_no = NEW.batch_no AND b.round > 1 "
            "AND NOT EXISTS (SELECT 1 FROM debit_row r "
            "WHERE r.municipality_code = NEW.municipality_code AND r.batch_no = b.first_batch_no "
            "AND r.notice_id = NEW.notice_id AND r.term = NEW.term))"
        ),
    ),
)
_UNSENT = (
    "NEW.event = 'sent' AND NOT EXISTS (SELECT 1 FROM debit_event e JOIN debit_batch b "
    "ON b.municipality_code = e.municipality_code AND b.batch_no = e.batch_no "
    "WHERE e.municipality_code = NEW.municipality_code AND e.batch_no = NEW.batch_no "
    "AND e.event = 'released' AND b.in_force AND b.file_sha256 = NEW.file_sha256)"
)


def upgrade() -> None:
    """The tables, then their triggers and guards."""
    _create_accounts()
    _create_batches()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def downgrade() -> None:
    """Take everything away again; the triggers of a table go with it."""
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        for name in (*(f"enter_{kind}" for kind, *_ in ENTERED), "debit_row", "debit_batch",
                     "debit_event"):  # fmt: skip
            op.execute(f"DROP FUNCTION kokin_{name}()")


def _guard_sqlite() -> None:
    """Entries row by row; what may only be added; what a batch may hold."""
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
            condition = ""
            if (table, action) == ("debit_batch", "UPDATE"):
                same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in _SAME)
                condition = f"WHEN NOT (OLD.in_force AND NOT NEW.in_force AND {same}) "
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{action.lower()} BEFORE {action} ON {table} "
                f"{condition}BEGIN SELECT RAISE(ABORT, 'append_only: {table}'); END"
            )
    for name, condition in _REFUSED:
        op.execute(
            f"CREATE TRIGGER debit_row_{name} BEFORE INSERT ON debit_row WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, 'debit_row: {name}'); END"
        )
    op.execute(
        f"CREATE TRIGGER debit_event_unreleased BEFORE INSERT ON debit_event WHEN {_UNSENT} "
        "BEGIN SELECT RAISE(ABORT, 'debit_event: unreleased'); END"
    )


def _guard_postgresql() -> None:
    """The same with statements, functions and privileges, and row-level security."""
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
        actions = "UPDATE OR DELETE OR TRUNCATE" if table in APPEND_ONLY else "DELETE OR TRUNCATE"
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE {actions} ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
        )
        update = "UPDATE, " if table in APPEND_ONLY else ""
        op.execute(f"REVOKE {update}DELETE, TRUNCATE ON {table} FROM PUBLIC")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY one_municipality ON {table} USING {_MINE} WITH CHECK {_MINE}")
    rows = "".join(
        f"IF {condition} THEN RAISE EXCEPTION 'debit_row: {name}'; END IF; "
        for name, condition in _REFUSED
    )
    same = " AND ".join(f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in _SAME)
    for table, action, checks in (
        ("debit_row", "INSERT", rows),
        (
            "debit_batch",
            "UPDATE",
            (
                f"IF NOT (OLD.in_force AND NOT NEW.in_force AND {same}) THEN "
                "RAISE EXCEPTION 'append_only: debit_batch'; END IF; "
            ),
        ),
        (
            "debit_event",
            "INSERT",
            f"IF {_UNSENT} THEN RAISE EXCEPTION 'debit_event: unreleased'; END IF; ",
        ),
    ):
        op.execute(
            f"CREATE FUNCTION kokin_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"{checks}RETURN NEW; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_is_right BEFORE {action} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION kokin_{table}()"
        )


def _create_accounts() -> None:
    """口座: who pays by which account from which day on; the number and its holder are sealed."""
    op.create_table(
        "debit_account",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("entry_no", sa.BigInteger(), nullable=False),
        sa.Column("obligor_no", sa.String(length=15), nullable=False),
        sa.Column("item_code", sa.String(length=3), nullable=False),
        sa.Column("event", sa.String(length=5), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("bank_code", sa.String(length=4), nullable=False),
        sa.Column("bank_name", sa.String(length=15), nullable=False),
        sa.Column("branch_code", sa.String(length=3), nullable=False),
        sa.Column("branch_name", sa.String(length=15), nullable=False),
        sa.Column("account_type", sa.String(length=1), nullable=False),
        sa.Column("text_no", sa.BigInteger(), nullable=True),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("event IN ('set', 'ended')"),
        sa.CheckConstraint("(event = 'set') = (bank_code <> '')"),
        sa.CheckConstraint("(event = 'set') = (text_no IS NOT NULL)"),
        sa.PrimaryKeyConstraint("municipality_code", "entry_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "debit_account_by_payer",
        "debit_account",
        ["municipality_code", "obligor_no", "item_code", "from_on", "entry_no"],
    )


def _create_batches() -> None:
    """束: one file for one day, bank and round; its rows; what happened to it."""
    op.create_table(
        "debit_batch",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("batch_no", sa.BigInteger(), nullable=False),
        sa.Column("debit_on", sa.Date(), nullable=False),
        sa.Column("bank_code", sa.String(length=4), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("first_batch_no", sa.BigInteger(), nullable=True),
        sa.Column("replaces_no", sa.BigInteger(), nullable=True),
        sa.Column("due_from_on", sa.Date(), nullable=False),
        sa.Column("head_json", sa.String(), nullable=False),
        sa.Column("left_json", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("built_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("approval_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("in_force", sa.Boolean(), nullable=False),
        sa.CheckConstraint("count > 0 AND amount_yen > 0"),
        sa.CheckConstraint("round IN (1, 2)"),
        sa.CheckConstraint("(round = 1) = (first_batch_no IS NULL)"),
        # Who replaces a batch says so with the approval of two people.
        sa.CheckConstraint("replaces_no IS NULL OR approval_id IS NOT NULL"),
        sa.PrimaryKeyConstraint("municipality_code", "batch_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "debit_batch_once",
        "debit_batch",
        ["municipality_code", "debit_on", "bank_code", "round"],
        unique=True,
        sqlite_where=sa.text("in_force"),
        postgresql_where=sa.text("in_force"),
    )
    op.create_table(
        "debit_row",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("batch_no", sa.BigInteger(), nullable=False),
        sa.Column("row_no", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.String(length=2), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("customer_no", sa.String(length=20), nullable=False),
        sa.Column("entry_no", sa.BigInteger(), nullable=False),
        sa.Column("new_code", sa.String(length=1), nullable=False),
        sa.CheckConstraint("amount_yen > 0"),
        sa.CheckConstraint("new_code IN ('0', '1', '2')"),
        sa.ForeignKeyConstraint(
            ["municipality_code", "batch_no"],
            ["debit_batch.municipality_code", "debit_batch.batch_no"],
        ),
        sa.ForeignKeyConstraint(
            ["municipality_code", "entry_no"],
            ["debit_account.municipality_code", "debit_account.entry_no"],
        ),
        sa.UniqueConstraint("municipality_code", "batch_no", "customer_no"),
        sa.PrimaryKeyConstraint("municipality_code", "batch_no", "row_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "debit_row_by_instalment", "debit_row", ["municipality_code", "notice_id", "term"]
    )
    op.create_table(
        "debit_event",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("batch_no", sa.BigInteger(), nullable=False),
        sa.Column("event_no", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=12), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("approval_id", sa.BigInteger(), nullable=True),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.Column("amount_yen", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "event IN ('built', 'released', 'sent', 'taken_again', 'acknowledged', 'replaced', "
            "'withdrawn')"
        ),
        sa.CheckConstraint("(event = 'acknowledged') = (count IS NOT NULL)"),
        # Two people, wherever two are needed.
        sa.CheckConstraint(
            "event NOT IN ('released', 'replaced', 'withdrawn') OR approval_id IS NOT NULL"
        ),
        sa.ForeignKeyConstraint(
            ["municipality_code", "batch_no"],
            ["debit_batch.municipality_code", "debit_batch.batch_no"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "batch_no", "event_no"),
        sqlite_with_rowid=False,
    )
    for event in ("released", "sent"):
        op.create_index(
            f"debit_{event}_once",
            "debit_event",
            ["municipality_code", "batch_no"],
            unique=True,
            sqlite_where=sa.text(f"event = '{event}'"),
            postgresql_where=sa.text(f"event = '{event}'"),
        )

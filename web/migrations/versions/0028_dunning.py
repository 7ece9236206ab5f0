"""Dunning lists, letters and their dispatch.

A list is frozen when it is drawn: its rows with what was known, the files and channels it rests
on. What happens to it later is an event. Everything is only ever added to. Lists, their events and
re-checks are entered for the seals; the rows of a list stand under its digest.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_TEXT, _BIG, _INT, _DAY = sa.String, sa.BigInteger, sa.Integer, sa.Date
_AT = sa.DateTime(timezone=True)
_EVENTS = "'drawn', 'approved', 'printing', 'pull_drawn', 'pull_confirmed', 'dispatched', 'dropped'"
# The columns of each table behind the municipality; the first so many of them are its key.
TABLES: dict[str, tuple[int, tuple[tuple[str, object], ...], tuple[str, ...]]] = {
    "dunning_list": (
        1,
        (
            ("list_no", _BIG()), ("as_of_on", _DAY()), ("cut_off_on", _DAY()),
            ("terms_json", _TEXT()), ("journal_id", _BIG()), ("file_id", _BIG()),
            ("row_count", _INT()), ("listed_count", _INT()), ("listed_yen", _BIG()),
            ("rows_sha256", _TEXT(64)), ("files_sha256", _TEXT(64)), ("despite_id?", _BIG()),
            ("actor", _TEXT(60)), ("made_at", _AT),
        ),
        (),
    ),
    "dunning_source": (
        2,
        (
            ("list_no", _BIG()), ("source", _TEXT(60)), ("complete_until", _DAY()),
            ("lacking", _TEXT()),
        ),
        (),
    ),
    "dunning_file": (
        2,
        (
            ("list_no", _BIG()), ("file_id", _BIG()), ("sha256", _TEXT(64)),
            ("status", _TEXT(12)),
        ),
        (),
    ),
    "dunning_row": (
        3,
        (
            ("list_no", _BIG()), ("notice_id", _BIG()), ("term", _TEXT(2)),
            ("obligor_no", _TEXT(15)), ("item_code", _TEXT(3)), ("due_on", _DAY()),
            ("amount_yen", _BIG()), ("paid_yen", _BIG()), ("ground", _TEXT(20)),
            ("grounds", _INT()),
        ),
        (),
    ),
    "dunning_evidence": (
        5,
        (
            ("list_no", _BIG()), ("notice_id", _BIG()), ("term", _TEXT(2)),
            ("ground", _TEXT(20)), ("subject", _TEXT(60)),
        ),
        (),
    ),
    "dunning_fee": (
        3,
        (
            ("list_no", _BIG()), ("item_code", _TEXT(3)), ("due_on", _DAY()),
            ("fee_yen", _BIG()),
        ),
        ("fee_yen >= 0",),
    ),
    "dunning_letter": (
        2,
        (
            ("list_no", _BIG()), ("seq", _INT()), ("notice_id", _BIG()), ("term", _TEXT(2)),
        ),
        (),
    ),
    "dunning_pull": (
        3,
        (
            ("list_no", _BIG()), ("pull_no", _INT()), ("seq", _INT()), ("reason", _TEXT(20)),
            ("open_yen", _BIG()),
        ),
        (),
    ),
    "dunning_event": (
        2,
        (
            ("list_no", _BIG()), ("event_no", _INT()), ("event", _TEXT(14)),
            ("happened_on", _DAY()), ("made_at", _AT), ("actor", _TEXT(60)),
            ("journal_id", _BIG()), ("letters", _INT()), ("subject_no", _BIG()),
            ("rows_sha256", _TEXT(64)), ("reason", _TEXT()),
        ),
        (f"event IN ({_EVENTS})", "(event = 'drawn') = (event_no = 1)"),
    ),
    "dunning_recheck": (
        1,
        (
            ("recheck_no", _BIG()), ("obligor_no", _TEXT(15)), ("asked_on", _DAY()),
            ("cut_off_on", _DAY()), ("journal_id", _BIG()), ("result", _TEXT(14)),
            ("found_json", _TEXT()), ("actor", _TEXT(60)), ("made_at", _AT),
        ),
        ("result IN ('nothing_came', 'something_came')",),
    ),
}  # fmt: skip
INDEXES = (
    ("dunning_letter_by_instalment", "dunning_letter", ("notice_id", "term")),
    ("dunning_recheck_by_person", "dunning_recheck", ("obligor_no",)),
)
# Kind of entry, which is its table, and its key (subject and part).
ENTERED = (
    ("dunning_list", "list_no", "0"),
    ("dunning_event", "list_no", "event_no"),
    ("dunning_recheck", "recheck_no", "0"),
)
_MAX = "COALESCE((SELECT MAX(e.entry_no) FROM seal_entry e WHERE e.municipality_code = {whose}), 0)"
_ADD = "INSERT INTO seal_entry (municipality_code, entry_no, kind, subject_id, part_no) "
# The same on every table behind the wall (docs/adr/0011), asked once per statement, not per row.
_SETTING = "current_setting('kokin.municipality_code', true)"
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '*' OR {_OWNS} THEN {_SETTING} END)"
_MINE = f"({_ENTERED} IN ('*', municipality_code))"


def upgrade() -> None:
    """The tables, then their triggers and guards."""
    for name, (width, columns, checks) in TABLES.items():
        _create(name, width, columns, checks)
    for index, table, names in INDEXES:
        op.create_index(index, table, ["municipality_code", *names])
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def downgrade() -> None:
    """Take everything away again; the triggers of a table go with it."""
    for name in TABLES:
        op.drop_table(name)
    if op.get_bind().dialect.name != "sqlite":
        for kind, *_ in ENTERED:
            op.execute(f"DROP FUNCTION kokin_enter_{kind}()")


def _create(
    name: str, width: int, columns: tuple[tuple[str, object], ...], checks: tuple[str, ...]
) -> None:
    """One table; a name that ends in ``?`` may be empty."""
    op.create_table(
        name,
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        *(
            sa.Column(column.rstrip("?"), kind, nullable=column.endswith("?"))  # type: ignore[arg-type]
            for column, kind in columns
        ),
        *(sa.CheckConstraint(check) for check in checks),
        sa.PrimaryKeyConstraint("municipality_code", *(column for column, _ in columns[:width])),
        sqlite_with_rowid=False,
    )


def _guard_sqlite() -> None:
    """Entries row by row; what may only be added."""
    for kind, subject, part in ENTERED:
        part_no = part if part == "0" else f"NEW.{part}"
        last = _MAX.format(whose="NEW.municipality_code")
        op.execute(
            f"CREATE TRIGGER {kind}_is_entered AFTER INSERT ON {kind} BEGIN "
            f"{_ADD}VALUES (NEW.municipality_code, {last} + 1, '{kind}', NEW.{subject}, "
            f"{part_no}); END"
        )
    for table in TABLES:
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'append_only: {table}'); END"
            )


def _guard_postgresql() -> None:
    """Entries statement by statement (0020); the guards, privileges and row-level security."""
    for kind, subject, part in ENTERED:
        part_no, order = (part, subject) if part == "0" else (f"n.{part}", f"{subject}, n.{part}")
        op.execute(
            f"CREATE FUNCTION kokin_enter_{kind}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "WITH latest AS MATERIALIZED (SELECT w.municipality_code, "
            f"{_MAX.format(whose='w.municipality_code')} AS entry_no "
            f"FROM (SELECT DISTINCT municipality_code FROM entered) w) {_ADD}"
            "SELECT n.municipality_code, (SELECT l.entry_no FROM latest l "
            "WHERE l.municipality_code = n.municipality_code) + ROW_NUMBER() OVER "
            f"(PARTITION BY n.municipality_code ORDER BY n.{order}), '{kind}', n.{subject}, "
            f"{part_no} FROM entered n; RETURN NULL; END $$"
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

"""Seal numbers: the entries of a statement get their numbers together; evidence packs quickly.

On PostgreSQL the triggers number what a statement wrote all at once, but asked for the last number
so far row by row, and each time walked over the entries that the same statement had just added:
ten thousand new cases took seven seconds. They ask once per statement now. SQLite numbers row by
row and sees every entry at once, so that the last is always the next one to look at.

PostgreSQL packs the pieces of the evidence with its own old method, which takes two seconds for a
file of a million lines; lz4 packs them as well in a fifth of the time.
"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# Kind of entry, its key (subject and part), and what is entered (0006 to 0009).
_ADDED = "entered n"
_DECIDED = (
    "entered n JOIN before b ON b.municipality_code = n.municipality_code "
    "AND b.approval_id = n.approval_id AND n.decision IS NOT NULL AND b.decision IS NULL"
)
ENTERED = (
    ("file", "file_id", "0", _ADDED),
    ("case_event", "case_no", "event_no", _ADDED),
    ("slip_event", "slip_id", "event_no", _ADDED),
    ("approval_asked", "approval_id", "0", _ADDED),
    ("approval_decided", "approval_id", "0", _DECIDED),
    ("day_closure", "closure_no", "0", _ADDED),
    ("placement", "placement_no", "0", _ADDED),
    ("placement_part", "placement_no", "part_no", _ADDED),
    ("link_block", "block_no", "0", _ADDED),
    ("payer_alias", "alias_no", "0", _ADDED),
    ("carry_run", "carry_no", "0", _ADDED),
    ("hold_event", "hold_no", "event_no", _ADDED),
)
_MAX = "COALESCE((SELECT MAX(e.entry_no) FROM seal_entry e WHERE e.municipality_code = {whose}), 0)"
_ONCE = (
    "WITH latest AS MATERIALIZED (SELECT w.municipality_code, "
    f"{_MAX.format(whose='w.municipality_code')} AS entry_no "
    "FROM (SELECT DISTINCT municipality_code FROM entered) w) "
)
_PACK = "ALTER TABLE evidence ALTER COLUMN data SET COMPRESSION {method}"


def upgrade() -> None:
    """Ask for the last number once per statement; pack with lz4 where the server has it."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute(
        f"DO $$ BEGIN EXECUTE '{_PACK.format(method='lz4')}'; "
        "EXCEPTION WHEN feature_not_supported OR syntax_error THEN NULL; END $$"
    )
    _number(
        _ONCE,
        "(SELECT l.entry_no FROM latest l WHERE l.municipality_code = n.municipality_code)",
    )


def downgrade() -> None:
    """Ask row by row again, and pack as before; what is packed stays readable."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute(
        f"DO $$ BEGIN EXECUTE '{_PACK.format(method='DEFAULT')}'; "
        "EXCEPTION WHEN syntax_error THEN NULL; END $$"
    )
    _number("", _MAX.format(whose="n.municipality_code"))


def _number(first: str, last: str) -> None:
    """Every numbering function anew; the triggers that call them stay."""
    for kind, subject, part, rows in ENTERED:
        part_no, order = (part, subject) if part == "0" else (f"n.{part}", f"{subject}, n.{part}")
        op.execute(
            f"CREATE OR REPLACE FUNCTION kokin_enter_{kind}() RETURNS trigger LANGUAGE plpgsql "
            f"AS $$ BEGIN {first}INSERT INTO seal_entry (municipality_code, entry_no, kind, "
            f"subject_id, part_no) SELECT n.municipality_code, {last} + ROW_NUMBER() OVER "
            f"(PARTITION BY n.municipality_code ORDER BY n.{order}), '{kind}', n.{subject}, "
            f"{part_no} FROM {rows}; RETURN NULL; END $$"
        )

"""Pages: days until payments are booked, lines of files summed up, and indexes for lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

TABLE, FILES = "delay_total", "file_total"
# Rows that are few among many are found by what makes them so.
SUSPENSE, SURPLUS = "suspense_yen > 0", "surplus_yen > 0"
REMITTED = "group_id IS NOT NULL"
RARE = "outcome NOT IN ('matched', 'confirms')"
_SQLITE_DAYS = "CAST(julianday(j.booked_on) - julianday(r.paid_on) AS INTEGER)"
# Both summaries go up to the same journal, so what the other has is added here.
_FILL = """
INSERT INTO delay_total (municipality_code, month, channel, days, count, amount_yen)
SELECT j.municipality_code, SUBSTR(CAST(j.booked_on AS VARCHAR(10)), 1, 7), f.channel, {days},
    COUNT(*), SUM(p.amount_yen)
FROM books_mark b
JOIN journal j ON j.municipality_code = b.municipality_code AND j.journal_id <= b.journal_id
JOIN posting p ON p.municipality_code = j.municipality_code AND p.journal_id = j.journal_id
JOIN receipt r ON r.municipality_code = p.municipality_code AND r.file_id = p.subject_file_id
    AND r.line_no = p.subject_line_no
JOIN source_file f ON f.municipality_code = r.municipality_code AND f.file_id = r.file_id
WHERE p.reason IN ('applied', 'placed') AND r.paid_on IS NOT NULL
GROUP BY 1, 2, 3, 4
"""
_FILL_FILES = """
INSERT INTO file_total (municipality_code, file_id, stage, outcome, count, amount_yen, applied_yen,
    suspense_yen, accounted_yen)
SELECT o.municipality_code, o.file_id, l.stage, o.outcome, COUNT(*),
    SUM(COALESCE(l.amount_yen, 0)), SUM(o.applied_yen), SUM(o.suspense_yen),
    SUM(CASE WHEN r.line_no IS NULL OR r.stage = 'withdrawn' THEN COALESCE(l.amount_yen, 0)
        ELSE r.applied_yen + r.suspense_yen END)
FROM line_outcome o
JOIN source_line l ON l.municipality_code = o.municipality_code AND l.file_id = o.file_id
    AND l.line_no = o.line_no
LEFT JOIN receipt r ON r.municipality_code = o.municipality_code AND r.file_id = o.file_id
    AND r.line_no = o.line_no
WHERE NOT EXISTS (
    SELECT 1 FROM line_outcome later WHERE later.municipality_code = o.municipality_code
    AND later.file_id = o.file_id AND later.line_no = o.line_no AND later.revision > o.revision)
GROUP BY 1, 2, 3, 4
"""
# The same on every table behind the wall (docs/adr/0011), asked once per statement, not per row.
_SETTING = "current_setting('kokin.municipality_code', true)"
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '*' OR {_OWNS} THEN {_SETTING} END)"
_MINE = f"({_ENTERED} IN ('*', municipality_code))"


def upgrade() -> None:
    """The summaries up to where the summary of the postings goes, and the indexes."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute("SELECT set_config('kokin.municipality_code', '*', true)")
    op.create_table(
        TABLE,
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "month", "channel", "days"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        FILES,
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.String(length=11), nullable=False),
        sa.Column("outcome", sa.String(length=30), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("amount_yen", "applied_yen", "suspense_yen", "accounted_yen")
        ),
        sa.PrimaryKeyConstraint("municipality_code", "file_id", "stage", "outcome"),
        sqlite_with_rowid=False,
    )
    for table in (TABLE, FILES) if postgresql else ():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY one_municipality ON {table} USING {_MINE} WITH CHECK {_MINE}")
    for name, (table, columns, where) in _indexes().items():
        condition = sa.text(where) if where else None
        op.create_index(
            name,
            table,
            ["municipality_code", *columns],
            sqlite_where=condition,
            postgresql_where=condition,
        )
    days = "j.booked_on - r.paid_on" if postgresql else _SQLITE_DAYS
    op.execute(_FILL.format(days=days))
    op.execute(_FILL_FILES)


def downgrade() -> None:
    """Take it back; the summary that stays needs nothing of it."""
    for name, (table, _columns, _where) in _indexes().items():
        op.drop_index(name, table)
    op.drop_table(FILES)
    op.drop_table(TABLE)


def _indexes() -> dict[str, tuple[str, list[str], str]]:
    """名 → table, columns behind the municipality, and which rows alone."""
    return {
        "receipt_in_suspense": ("receipt", ["file_id", "line_no"], SUSPENSE),
        "receipt_by_group": ("receipt", ["group_id", "file_id", "line_no"], REMITTED),
        "instalment_account_surplus": ("instalment_account", ["surplus_yen"], SURPLUS),
        "line_outcome_rare": ("line_outcome", ["file_id", "outcome", "line_no"], RARE),
        "instalment_by_year": ("instalment", ["fiscal_year", "notice_id", "term"], ""),
        "journal_by_day": ("journal", ["booked_on", "journal_id"], ""),
        "case_event_by_day": ("case_event", ["happened_on", "event", "case_no"], ""),
    }

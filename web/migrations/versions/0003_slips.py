"""Slips: what happens to them, their print runs, uploads, vehicles, and what two people decide.

R7 and R10 stand in the database itself: what happened, what was printed and what was handed to the
hub is only ever added to, and a decision about an approval is made once, by somebody else.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "slip_event",
    "print_run_file",
    "print_run_difference",
    "slip_upload",
    "slip_upload_line",
    "slip_upload_answer",
    "vehicle_entry",
)
SCOPED = (*APPEND_ONLY, "print_run", "print_run_slip", "approval")
# What was asked never changes, and neither does a decision.
_ASKED = ("kind", "subject", "content_json", "content_sha256", "reason", "asked_by", "asked_at")


def upgrade() -> None:
    """The tables, then their guards."""
    _create_tables()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def downgrade() -> None:
    """Take everything away again; the guards of a table go with it."""
    op.drop_table("slip_event")
    op.drop_table("slip_upload_answer")
    op.drop_table("print_run_slip")
    op.drop_table("print_run_file")
    op.drop_table("slip_upload_line")
    op.drop_table("slip_upload")
    op.drop_table("print_run_difference")
    op.drop_table("print_run")
    op.drop_index("vehicle_entry_by_vehicle", table_name="vehicle_entry")
    op.drop_table("vehicle_entry")
    op.drop_index("approval_by_subject", table_name="approval")
    op.drop_table("approval")


def _guard_sqlite() -> None:
    """Triggers for what may only be added, and for approvals."""
    for table in APPEND_ONLY:
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'append_only: {table}'); END"
            )
    changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in _ASKED)
    op.execute(
        "CREATE TRIGGER approval_decided_once BEFORE UPDATE ON approval "
        f"WHEN OLD.decision IS NOT NULL OR {changed} "
        "BEGIN SELECT RAISE(ABORT, 'append_only: approval'); END"
    )
    op.execute(
        "CREATE TRIGGER approval_refuses_delete BEFORE DELETE ON approval "
        "BEGIN SELECT RAISE(ABORT, 'append_only: approval'); END"
    )


def _guard_postgresql() -> None:
    """The same, with privileges and row-level security as in 0002."""
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
        )
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC")
    changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in _ASKED)
    op.execute(
        "CREATE TRIGGER approval_decided_once BEFORE UPDATE ON approval FOR EACH ROW "
        f"WHEN (OLD.decision IS NOT NULL OR {changed}) EXECUTE FUNCTION kokin_append_only()"
    )
    op.execute(
        "CREATE TRIGGER approval_refuses_delete BEFORE DELETE OR TRUNCATE ON approval "
        "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
    )
    op.execute("REVOKE DELETE, TRUNCATE ON approval FROM PUBLIC")
    for table in SCOPED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY one_municipality ON {table} USING "
            "(COALESCE(current_setting('kokin.municipality_code', true), '') "
            "IN ('', municipality_code))"
        )


def _create_tables() -> None:
    """Tables and indexes."""
    op.create_table(
        "approval",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("approval_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("content_json", sa.String(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(length=60), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=60), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.String(length=8), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.CheckConstraint("decision IN ('approved', 'rejected')"),
        sa.CheckConstraint(
            "(decision IS NULL) = (decided_by IS NULL) "
            "AND (decision IS NULL) = (decided_at IS NULL)"
        ),
        sa.CheckConstraint("decided_by <> asked_by", name="approval_two_people"),
        sa.PrimaryKeyConstraint("municipality_code", "approval_id"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "approval_by_subject", "approval", ["municipality_code", "kind", "subject"], unique=False
    )
    op.create_table(
        "print_run",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("selection_json", sa.String(), nullable=False),
        sa.Column("slips", sa.Integer(), nullable=False),
        sa.Column("pages_per_file", sa.Integer(), nullable=False),
        sa.Column("read_back", sa.String(length=60), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.Column("sections_json", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("numbered_seq", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.CheckConstraint(
            "state IN ('planned', 'printing', 'printed', 'released', 'stopped', 'discarded')"
        ),
        sa.CheckConstraint("pages_per_file > 0 AND numbered_seq BETWEEN 0 AND slips"),
        sa.PrimaryKeyConstraint("municipality_code", "run_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "print_run_difference",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("file_no", sa.Integer(), nullable=False),
        sa.Column("difference_no", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("slip_no", sa.String(length=30), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("printed", sa.String(), nullable=False),
        sa.Column("expected", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "run_id", "file_no", "difference_no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "slip_upload",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("upload_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("total_yen", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "upload_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "slip_upload_line",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("upload_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("slip_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=7), nullable=False),
        sa.CheckConstraint("state IN ('new', 'revoked')"),
        sa.PrimaryKeyConstraint("municipality_code", "upload_id", "line_no"),
        sa.UniqueConstraint("municipality_code", "slip_id", "state"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "print_run_file",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("file_no", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("raster_pages", sa.Integer(), nullable=False),
        sa.Column("vector_pages", sa.Integer(), nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_code", "run_id"],
            ["print_run.municipality_code", "print_run.run_id"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "run_id", "file_no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "print_run_slip",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.String(length=2), nullable=False),
        sa.Column("slip_id", sa.BigInteger(), nullable=True),
        sa.Column("file_no", sa.Integer(), nullable=False),
        sa.Column("page_no", sa.Integer(), nullable=True),
        sa.Column("refusal", sa.String(length=40), nullable=False),
        sa.Column("refusal_field", sa.String(length=40), nullable=False),
        sa.Column("refusal_found", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_code", "run_id"],
            ["print_run.municipality_code", "print_run.run_id"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "run_id", "seq"),
        sa.UniqueConstraint("municipality_code", "notice_id", "term", "run_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "slip_upload_answer",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("upload_id", sa.BigInteger(), nullable=False),
        sa.Column("answer_no", sa.Integer(), nullable=False),
        sa.Column("accepted_count", sa.Integer(), nullable=False),
        sa.Column("accepted_yen", sa.BigInteger(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.CheckConstraint("accepted_count >= 0"),
        sa.ForeignKeyConstraint(
            ["municipality_code", "upload_id"],
            ["slip_upload.municipality_code", "slip_upload.upload_id"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "upload_id", "answer_no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "slip_event",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("slip_id", sa.BigInteger(), nullable=False),
        sa.Column("event_no", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("other_slip_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('issued', 'reissued', 'corrected', 'superseded', 'revoked')"),
        sa.ForeignKeyConstraint(
            ["municipality_code", "slip_id"],
            ["slip.municipality_code", "slip.slip_id"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "slip_id", "event_no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "vehicle_entry",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_no", sa.Integer(), nullable=False),
        sa.Column("vehicle_no", sa.String(length=30), nullable=False),
        sa.Column("certificate_until", sa.Date(), nullable=True),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_code", "notice_id"],
            ["notice.municipality_code", "notice.notice_id"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "notice_id", "entry_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "vehicle_entry_by_vehicle",
        "vehicle_entry",
        ["municipality_code", "vehicle_no"],
        unique=False,
    )

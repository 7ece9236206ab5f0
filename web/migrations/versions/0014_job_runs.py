"""Job runs: schedules, what ran when and how it ended, and which process is running.

Operational tables: not sealed. A run that has ended is never changed; old ones may be dropped.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = ("job_schedule", "job_run", "job_runner")
_OPEN = "('ASKED', 'RUNNING')"


def upgrade() -> None:
    """The tables and their guards."""
    _create_schedule()
    _create_run()
    _create_runner()
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER job_run_has_ended BEFORE UPDATE ON job_run "
            f"WHEN OLD.state NOT IN {_OPEN} "
            "BEGIN SELECT RAISE(ABORT, 'append_only: job_run'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION kokin_job_run_has_ended() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF OLD.state IN {_OPEN} THEN RETURN NEW; END IF; "
        "RAISE EXCEPTION 'append_only: %', TG_TABLE_NAME; END $$"
    )
    op.execute(
        "CREATE TRIGGER job_run_has_ended BEFORE UPDATE ON job_run "
        "FOR EACH ROW EXECUTE FUNCTION kokin_job_run_has_ended()"
    )
    for table in TABLES:
        op.execute(f"REVOKE TRUNCATE ON {table} FROM PUBLIC")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        # Whose transaction this is, asked once per statement (0004).
        op.execute(
            f"CREATE POLICY one_municipality ON {table} USING (COALESCE((SELECT "
            "current_setting('kokin.municipality_code', true)), '') IN ('', municipality_code))"
        )


def downgrade() -> None:
    """Take everything away again; the guards of a table go with it."""
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION kokin_job_run_has_ended()")


def _create_schedule() -> None:
    op.create_table(
        "job_schedule",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("job", sa.String(length=30), nullable=False),
        sa.Column("timing", sa.String(length=100), nullable=False),
        sa.Column("days", sa.String(length=20), nullable=False),
        sa.Column("catch_up", sa.String(length=10), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "job"),
    )


def _create_run() -> None:
    op.create_table(
        "job_run",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("job", sa.String(length=30), nullable=False),
        sa.Column("slot", sa.String(length=40), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=10), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("covers", sa.Integer(), nullable=False),
        sa.Column("as_of_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True)),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("totals_json", sa.String(), nullable=False),
        sa.Column("notes_json", sa.String(), nullable=False),
        sa.CheckConstraint(
            "state IN ('ASKED', 'RUNNING', 'OK', 'INCOMPLETE', 'FAILED', 'SKIPPED')",
            name="job_run_state",
        ),
        sa.CheckConstraint("cause IN ('schedule', 'hand')", name="job_run_cause"),
        sa.CheckConstraint("covers > 0 AND attempt > 0", name="job_run_counts"),
        sa.PrimaryKeyConstraint("municipality_code", "run_id"),
        sa.UniqueConstraint("municipality_code", "job", "slot", "attempt"),
    )
    by_job = ["municipality_code", "job"]
    op.create_index("job_run_by_slot", "job_run", [*by_job, "cause", "due_at"])
    op.create_index("job_run_by_job", "job_run", [*by_job, "run_id"])
    for state in ("RUNNING", "ASKED"):
        only = sa.text(f"state = '{state}'")
        op.create_index(
            f"job_run_{state.lower()}",
            "job_run",
            by_job,
            unique=True,
            sqlite_where=only,
            postgresql_where=only,
        )


def _create_runner() -> None:
    op.create_table(
        "job_runner",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("lane", sa.String(length=10), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("municipality_code", "lane"),
    )

"""An accepted file stays accepted: its lines and postings stand in the books, so nothing takes it.

Until it is accepted, its status goes to and fro with every try (R8); nothing in the service leads
away from there. Only what writes a status asks, which is once for a file.
"""

from __future__ import annotations

from alembic import op

revision = "0053"
down_revision = "0048"
branch_labels = None
depends_on = None

_LEFT = "OLD.status = 'accepted' AND NEW.status <> 'accepted'"
_SAID = "source_file: accepted"


def upgrade() -> None:
    """A guard on the status alone."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER source_file_accepted BEFORE UPDATE OF status ON source_file "
            f"WHEN {_LEFT} BEGIN SELECT RAISE(ABORT, '{_SAID}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION kokin_source_file_accepted() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN RAISE EXCEPTION '{_SAID}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER source_file_accepted BEFORE UPDATE OF status ON source_file "
        f"FOR EACH ROW WHEN ({_LEFT}) EXECUTE FUNCTION kokin_source_file_accepted()"
    )


def downgrade() -> None:
    """As before."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER source_file_accepted")
        return
    op.execute("DROP TRIGGER source_file_accepted ON source_file")
    op.execute("DROP FUNCTION kokin_source_file_accepted()")

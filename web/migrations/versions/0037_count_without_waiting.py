"""Counting for the planner: small files wait for nobody (PostgreSQL).

Whoever counts a table holds it against others who count, until its transaction ends. So the import
of one municipality kept the files and notifications of all others waiting, and so did the server's
own worker. From here on it is counted only when nobody else has it, unless the setting
``kokin.count_waits`` of the transaction says ``on``: a large file cannot be planned without.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0034"
branch_labels = None
depends_on = None

_COUNT = """EXECUTE 'ANALYZE ' || quote_ident(name) || CASE WHEN cardinality(columns) = 0 THEN ''
ELSE ' (' || (SELECT string_agg(quote_ident(c), ', ') FROM unnest(columns) c) || ')' END;"""
_IF_FREE = """IF COALESCE(current_setting('kokin.count_waits', true), '') <> 'on' THEN
BEGIN EXECUTE 'LOCK TABLE ' || quote_ident(name) || ' IN SHARE UPDATE EXCLUSIVE MODE NOWAIT';
EXCEPTION WHEN lock_not_available THEN RETURN; END; END IF;"""


def upgrade() -> None:
    """The function waits for nobody by itself."""
    _replace(f"{_IF_FREE} {_COUNT}")


def downgrade() -> None:
    """It waits again."""
    _replace(_COUNT)


def _replace(body: str) -> None:
    """Another body for the function of 0016; who may call it stays as it is."""
    if op.get_bind().dialect.name == "sqlite":
        return
    schema = op.get_bind().execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one()
    op.execute(
        "CREATE OR REPLACE FUNCTION kokin_count(name text, columns text[]) RETURNS void "
        f"LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp "
        f"AS $$ BEGIN {body} END $$"
    )

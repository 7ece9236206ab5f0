"""Bodies: several municipalities on one installation, strictly apart.

On PostgreSQL a transaction that has entered no municipality saw all of them so far. From here on
it sees none: :mod:`payments.store.row_security`. Two functions, run as the owner of the tables,
answer what has to be known before a municipality is: which there are, and whose key it is.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# The same on every table behind the wall (docs/adr/0011), asked once per statement, not per row.
_SETTING = "current_setting('kokin.municipality_code', true)"
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '*' OR {_OWNS} THEN {_SETTING} END)"
_MINE = f"({_ENTERED} IN ('*', municipality_code))"
_BEFORE = f"(COALESCE((SELECT {_SETTING}), '') IN ('', municipality_code))"
_STATISTICS = "kokin_count(text, text[])"
_DOORS = ("kokin_bodies()", "kokin_body_of_key(text)", _STATISTICS)


def upgrade() -> None:
    """Which bodies are served; on PostgreSQL the wall without a gap, and its doors."""
    op.add_column(
        "municipality",
        sa.Column("disabled", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    if op.get_bind().dialect.name == "sqlite":
        return
    for table in _guarded():
        op.execute(f"ALTER POLICY one_municipality ON {table} USING {_MINE} WITH CHECK {_MINE}")
    op.execute("ALTER TABLE municipality ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE municipality FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY one_municipality ON municipality USING {_MINE} WITH CHECK {_MINE}")
    _open_doors()
    # The migrations behind this one, in the same transaction, are about all municipalities.
    op.execute("SELECT set_config('kokin.municipality_code', '*', true)")


def downgrade() -> None:
    """Take it back."""
    if op.get_bind().dialect.name != "sqlite":
        for door in _DOORS:
            op.execute(f"DROP FUNCTION {door}")
        op.execute("DROP POLICY one_municipality ON municipality")
        op.execute("ALTER TABLE municipality NO FORCE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE municipality DISABLE ROW LEVEL SECURITY")
        for table in _guarded():
            op.execute(f"DROP POLICY one_municipality ON {table}")
            op.execute(f"CREATE POLICY one_municipality ON {table} USING {_BEFORE}")
        op.execute("SELECT set_config('kokin.municipality_code', '', true)")
    op.drop_column("municipality", "disabled")


def _guarded() -> list[str]:
    """Every table behind the wall."""
    found = op.get_bind().execute(
        sa.text(
            "SELECT tablename FROM pg_policies WHERE policyname = 'one_municipality' "
            "AND schemaname = current_schema() ORDER BY 1"
        )
    )
    return [str(table) for table in found.scalars()]


def _open_doors() -> None:
    """The narrow questions that may be asked across all bodies."""
    schema = op.get_bind().execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one()
    as_owner = f"LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp"
    # Entered for the one question only; an error inside takes it back with the transaction.
    across = (
        "$$ DECLARE before text := COALESCE(current_setting('kokin.municipality_code', true), ''); "
        "BEGIN PERFORM set_config('kokin.municipality_code', '*', true); {question}; "
        "PERFORM set_config('kokin.municipality_code', before, true); RETURN{answer}; END $$"
    )
    question = (
        "RETURN QUERY SELECT m.municipality_code::text, m.name::text, "
        "m.profile_json::json ->> 'collecting_body_code', m.disabled "
        "FROM municipality m ORDER BY m.municipality_code"
    )
    op.execute(
        "CREATE FUNCTION kokin_bodies() RETURNS TABLE "
        "(code text, name text, collecting_body_code text, disabled boolean) "
        f"{as_owner} AS {across.format(question=question, answer='')}"
    )
    question = (
        "found := (SELECT k.municipality_code FROM api_key k JOIN municipality m "
        "ON m.municipality_code = k.municipality_code AND NOT m.disabled WHERE k.key_id = wanted)"
    )
    body = across.format(question=question, answer=" found")
    op.execute(
        "CREATE FUNCTION kokin_body_of_key(wanted text) RETURNS text "
        f"{as_owner} AS {body.replace('DECLARE ', 'DECLARE found text; ')}"
    )
    # Only an owner may count a table for the planner, and staging has to be counted while it is
    # full. This reads nothing and changes nothing but the planner's figures.
    op.execute(
        f"CREATE FUNCTION kokin_count(name text, columns text[]) RETURNS void "
        f"{as_owner} AS $$ BEGIN EXECUTE 'ANALYZE ' || quote_ident(name) || "
        "CASE WHEN cardinality(columns) = 0 THEN '' ELSE ' (' || (SELECT string_agg("
        "quote_ident(c), ', ') FROM unnest(columns) c) || ')' END; END $$"
    )
    for door in _DOORS:
        op.execute(f"REVOKE EXECUTE ON FUNCTION {door} FROM PUBLIC")

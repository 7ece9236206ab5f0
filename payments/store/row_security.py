"""行単位の保護: PostgreSQL's row-level security, the second wall between municipalities (R11).

The first wall is that every statement names its municipality. Behind it the database shows and
takes only rows of the municipality that the transaction has entered
(:func:`payments.store.unit_of_work.enter_municipality`). A transaction that has entered none sees
nothing. Only the owner of the tables may enter all of them (:data:`EVERY`): for migrations and
backups, and inside the two functions that answer for everybody what anybody may know.
"""

from __future__ import annotations

EVERY = "*"  # no code of a municipality: these are digits

# In a sub-select, so that it is asked once per statement and not once per row.
_SETTING = "(SELECT current_setting('kokin.municipality_code', true))"
MINE = f"municipality_code = {_SETTING}"
# Lazily: with a row of one's own municipality it is never asked.
OWNER_SEES_ALL = (
    f"(SELECT current_setting('kokin.municipality_code', true) = '{EVERY}' "
    "AND pg_has_role(current_user, c.relowner, 'USAGE') "
    "FROM pg_catalog.pg_class c WHERE c.oid = 'municipality'::regclass)"
)
POLICY = f"USING ({MINE} OR {OWNER_SEES_ALL}) WITH CHECK ({MINE} OR {OWNER_SEES_ALL})"


def protect(table: str) -> list[str]:
    """The statements that put a new table behind the wall, also for its owner."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY one_municipality ON {table} {POLICY}",
    ]

"""行単位の保護: PostgreSQL's row-level security, the second wall between municipalities (R11).

The first wall is that every statement names its municipality. Behind it the database shows and
takes only rows of the municipality that the transaction has entered
(:func:`payments.store.unit_of_work.enter_municipality`). A transaction that has entered none sees
nothing. Only the owner of the tables may enter all of them (:data:`EVERY`): for migrations and
backups, and inside the two functions that answer for everybody what anybody may know.
"""

from __future__ import annotations

EVERY = "*"  # no code of a municipality: these are digits

_SETTING = "current_setting('kokin.municipality_code', true)"
# Who may empty the table of municipalities owns it: no role of the service is ever given that.
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
# In a sub-select, so that it is asked once per statement and not once per row; of built-in
# functions alone, so that a statement about ten tables costs no more to plan (adr/0011).
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '{EVERY}' OR {_OWNS} THEN {_SETTING} END)"
MINE = f"({_ENTERED} IN ('{EVERY}', municipality_code))"


def protect(table: str) -> list[str]:
    """The statements that put a new table behind the wall, also for its owner."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY one_municipality ON {table} USING {MINE} WITH CHECK {MINE}",
    ]

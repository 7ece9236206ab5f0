"""Staging of the file in hand (照合作業領域): emptied when its transaction ends.

Ordinary UNLOGGED tables keyed by municipality on PostgreSQL, so that a cluster can distribute
them like the rest; TEMP tables of the connection on SQLite, so that staging rows never enter the
write-ahead log. The same statements run on both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

# match_work: the lines in hand with what their keys name and in which turn they are decided.
#   place     order of decision: stage, then line (outcomes.md 2)
#   crowded   another line in hand concerns the same notice or payment
#   found     another line, here or earlier, has the same identity
#   fixed     'repeat' or 'conflict', known before any money is looked at
#   partner   the receipt of the same payment: file_id × LINE_SPACE + line_no
#   replaced  the receipt of kind 12 that a kind 22 corrects, in the same form
#   revived   the withdrawn receipt of the same payment that a 確報 brings back after all
# decision: what one turn decided, before it is booked.
# reversal: receipts whose postings one step takes back, and how their line stands afterwards.
# rule_effect: what each rule does (reconcile.rules), joined to the rule found for a line.
# reopened: instalments that a withdrawal or an undo made open again.
TABLES = {
    "match_work": (
        "municipality_code VARCHAR(5) NOT NULL, file_id BIGINT NOT NULL, line_no INTEGER NOT NULL, "
        "turn INTEGER NOT NULL, place BIGINT NOT NULL, crowded INTEGER NOT NULL, "
        "found INTEGER NOT NULL, stage TEXT NOT NULL, kind TEXT NOT NULL, "
        "identity TEXT NOT NULL, occurrence INTEGER NOT NULL, fixed TEXT, partner BIGINT, "
        "replaced BIGINT, revived BIGINT, slip_id BIGINT, notice_id BIGINT, term TEXT, "
        "slip_yen BIGINT, valid_until DATE, superseded INTEGER"
    ),
    "decision": (
        "municipality_code VARCHAR(5) NOT NULL, file_id BIGINT NOT NULL, line_no INTEGER NOT NULL, "
        "revision INTEGER NOT NULL, rule TEXT NOT NULL, outcome TEXT NOT NULL, "
        "stage TEXT NOT NULL, seen INTEGER NOT NULL, booked_yen BIGINT NOT NULL, "
        "applied_yen BIGINT NOT NULL, paid_on DATE, slip_id BIGINT, notice_id BIGINT, "
        "term TEXT, superseded INTEGER NOT NULL, group_id BIGINT, partner BIGINT, revived BIGINT"
    ),
    "reversal": (
        "municipality_code VARCHAR(5) NOT NULL, file_id BIGINT NOT NULL, line_no INTEGER NOT NULL, "
        "by_line_no INTEGER"
    ),
    "rule_effect": (
        "municipality_code VARCHAR(5) NOT NULL, rule VARCHAR(5) NOT NULL, outcome TEXT NOT NULL, "
        "books INTEGER NOT NULL, applies TEXT NOT NULL, PRIMARY KEY (municipality_code, rule)"
    ),
    "reopened": (
        "municipality_code VARCHAR(5) NOT NULL, notice_id BIGINT NOT NULL, term TEXT NOT NULL"
    ),
}
INDEXES = (
    ("match_work_later", "match_work", "municipality_code, turn", "turn > 1"),
    ("match_work_crowded", "match_work", "municipality_code, file_id, line_no", "crowded = 1"),
)


def staging_statements(dialect: str) -> list[str]:
    """The statements that create the staging tables for ``dialect``."""
    sqlite = dialect == "sqlite"
    kind, schema = ("TEMP", "temp.") if sqlite else ("UNLOGGED", "")
    tables = [
        f"CREATE {kind} TABLE IF NOT EXISTS {name} ({columns})" for name, columns in TABLES.items()
    ]
    indexes = [
        f"CREATE INDEX IF NOT EXISTS {schema if sqlite else ''}{name} "
        f"ON {table} ({columns}) WHERE {condition}"
        for name, table, columns, condition in INDEXES
    ]
    return tables + indexes


def clear_staging(connection: Connection, municipality_code: str) -> None:
    """An empty staging area for this municipality (on SQLite: made if it is not there yet)."""
    if connection.dialect.name == "sqlite":
        for statement in staging_statements("sqlite"):
            connection.exec_driver_sql(statement)
        for name in TABLES:
            # Without a condition SQLite empties the whole table at once.
            connection.exec_driver_sql(f"DELETE FROM temp.{name}")
        return
    for name in TABLES:
        connection.execute(
            text(f"DELETE FROM {name} WHERE municipality_code = :m"), {"m": municipality_code}
        )

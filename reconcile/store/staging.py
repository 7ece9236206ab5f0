"""Staging of the file in hand (照合作業領域): emptied when its transaction ends.

Ordinary UNLOGGED tables keyed by municipality on PostgreSQL, so that a cluster can distribute
them like the rest; TEMP tables of the connection on SQLite, so that staging rows never enter the
write-ahead log. The same statements run on both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.store.bulk import insert_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

# match_work: the lines in hand with what their keys name, the facts that the rules speak of, and
# the turn in which they are decided.
#   crowded   another line in hand concerns the same notice or payment
#   found     another line, here or earlier, has the same identity
#   fixed     'repeat' or 'conflict', known before any money is looked at
#   partner   the receipt of the same payment: file_id × LINE_SPACE + line_no
#   replaced  the receipt of kind 12 that a kind 22 corrects, in the same form
#   revived   the withdrawn receipt of the same payment that a 確報 brings back after all
#   asked_yen what the slip asks for; live, outstanding_yen, alternative_yen: its instalments
#   shared_key  the key with the 再発行区分, for slips that share a free area
# decision: what one turn decided, before it is booked.
# reversal: receipts that are taken back, and how their line stands afterwards.
# rule_effect: what each rule does (reconcile.rules), joined to the rule found for a line.
# case_work: the cases about to be opened.
# reopened: instalments that a withdrawal or an undo made open again.
TABLES = {
    "match_work": (
        "municipality_code VARCHAR(5) NOT NULL, file_id BIGINT NOT NULL, line_no INTEGER NOT NULL, "
        "turn INTEGER NOT NULL, crowded INTEGER NOT NULL, found INTEGER NOT NULL, "
        "stage TEXT NOT NULL, kind TEXT NOT NULL, identity TEXT NOT NULL, "
        "occurrence INTEGER NOT NULL, "
        "fault TEXT, is_ours INTEGER NOT NULL, key_valid INTEGER NOT NULL, "
        "is_el INTEGER NOT NULL, yen BIGINT, paid_on DATE, ref TEXT, shared_key TEXT, "
        "slip_id BIGINT, notice_id BIGINT, term TEXT, asked_yen BIGINT, late INTEGER, "
        "superseded INTEGER, live INTEGER, outstanding_yen BIGINT, alternative_yen BIGINT, "
        "fixed TEXT, partner BIGINT, replaced BIGINT, revived BIGINT"
    ),
    "decision": (
        "municipality_code VARCHAR(5) NOT NULL, line {line} NOT NULL, file_id BIGINT NOT NULL, "
        "line_no INTEGER NOT NULL, "
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
    "case_work": (
        "municipality_code VARCHAR(5) NOT NULL, case_no BIGINT NOT NULL, kind TEXT NOT NULL, "
        "subject TEXT NOT NULL, amount_yen BIGINT NOT NULL, file_id BIGINT, line_no INTEGER, "
        "details TEXT NOT NULL"
    ),
    "reopened": (
        "municipality_code VARCHAR(5) NOT NULL, notice_id BIGINT NOT NULL, term TEXT NOT NULL"
    ),
}
# SQLite keeps what was decided in the order of the lines, so that outcomes, receipts and postings
# are added behind one another; PostgreSQL adds rows wherever there is room.
ROWS_BY = {"decision": ", PRIMARY KEY (line)"}
EMPTIED = tuple(name for name in TABLES if name != "rule_effect")  # the rules stay
INDEXES = (
    ("match_work_later", "match_work", "municipality_code, turn", "turn > 1"),
    ("match_work_crowded", "match_work", "municipality_code, file_id, line_no", "crowded = 1"),
    ("match_work_found", "match_work", "municipality_code, file_id, line_no", "found = 1"),
    ("match_work_whole", "match_work", "municipality_code, notice_id", "term = '00'"),
)
# PostgreSQL shares these tables between bodies, and what others left behind lies there until its
# worker has tidied up: whatever it takes the tables for, lines are found without walking that.
SHARED_INDEXES = (
    ("decision_by_line", "decision", "municipality_code, line_no"),
    ("match_work_by_notice", "match_work", "municipality_code, notice_id"),
)


def staging_statements(dialect: str) -> list[str]:
    """The statements that create the staging tables for ``dialect``."""
    sqlite = dialect == "sqlite"
    kind, schema = ("TEMP", "temp.") if sqlite else ("UNLOGGED", "")
    keys = ROWS_BY if sqlite else {}
    line = "INTEGER" if sqlite else "BIGINT"  # SQLite's name of a row number
    tables = [
        f"CREATE {kind} TABLE IF NOT EXISTS {name} "
        f"({columns.format(line=line)}{keys.get(name, '')})"
        for name, columns in TABLES.items()
    ]
    indexes = [
        f"CREATE INDEX IF NOT EXISTS {schema if sqlite else ''}{name} "
        f"ON {table} ({columns}) WHERE {condition}"
        for name, table, columns, condition in INDEXES
    ]
    return tables + indexes + ([] if sqlite else shared_indexes())


def shared_indexes() -> list[str]:
    """The statements that create what PostgreSQL finds the rows of one body by."""
    return [
        f"CREATE INDEX IF NOT EXISTS {name} ON {table} ({columns})"
        for name, table, columns in SHARED_INDEXES
    ]


def runner(connection: Connection, scope: dict[str, Any]) -> Any:
    """A function that runs one statement with the scope bound."""

    def run(statement: str) -> Any:
        return connection.execute(text(statement), scope)

    return run


def state_effects(
    connection: Connection, municipality_code: str, effects: Sequence[tuple[str, str, int, str]]
) -> None:
    """規則の効果: what each rule does, written only when it is not there yet or has changed."""
    scope = {"m": municipality_code}
    found = connection.execute(
        text("SELECT rule, outcome, books, applies FROM rule_effect WHERE municipality_code = :m"),
        scope,
    )
    if {tuple(row) for row in found} == set(effects):
        return
    connection.execute(text("DELETE FROM rule_effect WHERE municipality_code = :m"), scope)
    columns = ("municipality_code", "rule", "outcome", "books", "applies")
    insert_rows(connection, "rule_effect", columns, effects, constants=(municipality_code,))


def clear_staging(
    connection: Connection, municipality_code: str, names: Sequence[str] = EMPTIED
) -> None:
    """An empty staging area for this municipality (on SQLite: made if it is not there yet)."""
    if connection.dialect.name == "sqlite":
        for statement in _SQLITE:
            connection.exec_driver_sql(statement)
        for name in names:
            # Without a condition SQLite empties the whole table at once.
            connection.exec_driver_sql(f"DELETE FROM temp.{name}")
        return
    for name in names:
        connection.execute(
            text(f"DELETE FROM {name} WHERE municipality_code = :m"), {"m": municipality_code}
        )


_SQLITE = staging_statements("sqlite")

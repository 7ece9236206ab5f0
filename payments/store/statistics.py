"""統計: what SQLite's planner must know about keys that all begin with the municipality.

Without statistics SQLite takes the first column of any key for selective (about ten rows) and then
prefers the primary key with ``municipality_code = ?`` alone to every better index: look-ups become
scans of the whole city, and intake slows down with every file (measured: 5,000 obligors and five
days, 75 s without and 3 s with statistics). ``ANALYZE`` on an empty or small database says nothing
useful, so the shape of a large city is stated instead, the same for every installation: plans are
then the same on the first day and on the last.

PostgreSQL keeps statistics by itself, but of what is committed only. Its worker that tidies up
(autovacuum, or ``VACUUM`` by hand) may come to a table in the middle of a transaction that fills
it: it sees pages and no row, says that the table is empty (``reltuples`` 0), and from then on every
index is as good as the next. The check of a foreign key then walks all rows of the city instead of
one (measured: more than 160 s for a batch of 5,000 lines at 150,000 instalments). It comes at once
after an import that was interrupted or rejected, for what that left behind is to be tidied up. So
whoever fills a table with very many rows counts it: the count is right again, and as whoever counts
holds the table, the worker leaves it alone until the transaction ends.

Nor does PostgreSQL know a body that has just begun: of a column it keeps the most frequent values
with their share, and a municipality that is none of them has no rows at all, as far as it knows:
whatever it looks for in them, it reads them all (measured: of 24 bodies on one database small files
took minutes). So it is told to keep one value of ``municipality_code`` at most: one body alone has
all rows, and of many each has what is usual. A body that it takes for empty is counted by whoever
fills its tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

ROWS = 10_000_000  # of any table, nearly all of one municipality
NARROWING = 1_000  # what each further key column narrows the rows down by
ROWS_PER_KEY = 5  # behind a complete key that is not unique
LARGE_FILE = 1_000  # lines from which a file is looked at before it is joined with itself
# ANALYZE is for owners alone; the service need not be one (migration 0016).
# Whoever counts holds the table against others who count until the end of the transaction, across
# municipalities: only a large file waits for that (migration 0037).
_COUNT = text(
    "SELECT set_config('kokin.count_waits', :waits, true), "
    "kokin_count(:table, CAST(:columns AS text[]))"
)

_UNCOUNTED = text(
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
    "AND relkind = 'r' AND reltuples <= 0 AND pg_relation_size(oid) > :bytes ORDER BY relname"
)
# Of every body what is usual, unless one has most of it by far. What has rows is counted at once,
# for the worker might not come to a table that hardly changes.
_ONE_BODY = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN
        SELECT c.oid::regclass AS name, c.reltuples FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
        WHERE c.relnamespace = current_schema()::regnamespace AND NOT a.attisdropped
          AND a.attname = 'municipality_code' AND a.attstattarget IS DISTINCT FROM 1
        ORDER BY c.relname
    LOOP
        EXECUTE 'ALTER TABLE ' || found.name
            || ' ALTER COLUMN municipality_code SET STATISTICS 1';
        IF found.reltuples > 0 THEN EXECUTE 'ANALYZE ' || found.name; END IF;
    END LOOP;
END $$
"""
_ROWS_OF_BODY = (
    "EXPLAIN (FORMAT JSON) SELECT FROM {table} "
    "WHERE municipality_code = current_setting('kokin.municipality_code', true)"
)
_SMALL_BYTES = 64 << 10  # some hundreds of rows: any plan will do


def state_statistics(connection: Connection) -> None:
    """What the planner is to know, written into the schema: on SQLite of every index.

    PostgreSQL is told how to count ``municipality_code``; who calls must own the tables.
    """
    run = connection.exec_driver_sql
    if connection.dialect.name == "postgresql":
        run(_ONE_BODY)
        return
    run("ANALYZE municipality")  # creates the table of statistics
    run("DELETE FROM sqlite_stat1")
    tables = run(
        "SELECT name, sql LIKE '%WITHOUT ROWID%' AS clustered FROM sqlite_schema "
        "WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    ).all()
    for table, clustered in tables:
        indexes = run(
            'SELECT name, "unique" AS one, origin, '
            "(SELECT COUNT(*) FROM pragma_index_info(i.name)) AS width "
            "FROM pragma_index_list(?) i",
            (table,),
        ).all()
        for index in indexes:
            # The key of a clustered table goes by the name of the table itself.
            name = table if clustered and index.origin == "pk" else index.name
            run(
                "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)",
                (table, name, _shape(index.width, unique=bool(index.one))),
            )
    run("ANALYZE sqlite_schema")  # this connection reads them, too


def count_staging(connection: Connection, rows: int, table: str, *columns: str) -> None:
    """統計の更新 of a staging table: it is empty whenever PostgreSQL's own worker looks at it.

    ``rows``: of the file in hand. The bodies share these tables: whoever counts one keeps the
    worker away from it until the transaction ends, and the rows that every file leaves behind stay.
    So a small file counts only what is taken for large because a large file was there last; where
    another municipality counts just now, not even that.
    """
    if connection.dialect.name != "postgresql":
        return
    if rows >= LARGE_FILE or _known(connection, table) >= LARGE_FILE:
        _count(connection, rows, table, columns)


def count_afresh(connection: Connection, rows: int, table: str, *columns: str) -> None:
    """統計の更新: let PostgreSQL look again at a table that this transaction has filled.

    Its own worker sees it only after the commit. Without it the first large file into a new
    database is planned as if its tables were empty (measured: 10,000 lines 45 s instead of 0.6 s),
    and a large file into any database as if it had one line, for its number is none of those that
    are known (15,000 confirmations: minutes). A table that is known to hold more than the few
    ``rows`` of a small file, some of them of this body, is left alone; ``columns`` are those that
    statements look rows up by, all of them when none is named.
    """
    if connection.dialect.name != "postgresql":
        return
    if rows >= LARGE_FILE or _known(connection, table) <= rows or _is_new_body(connection, table):
        _count(connection, rows, table, columns)


def count_uncounted(connection: Connection) -> None:
    """統計の更新 of every table that is not small and was never counted, or counted as empty.

    For whoever reads all books at once: joined by plans for empty tables, seven thousand cases with
    their history take a quarter of an hour.
    """
    if connection.dialect.name != "postgresql":
        return
    for table in connection.execute(_UNCOUNTED, {"bytes": _SMALL_BYTES}).scalars().all():
        _count(connection, 0, table, ())


def count_filled(
    connection: Connection,
    tables: Mapping[str, tuple[str, ...]],
    lines: int,
    *,
    batches: int = 1,
) -> None:
    """統計の更新 of tables that this transaction fills (with the columns that are looked up by).

    To be called after every one of so many ``batches`` of ``lines``: they are counted after the
    first, the second, the fourth, that is whenever they may have doubled, unless they are known to
    hold more than all those lines. A small file counts only what says nothing of its body, and
    waits for nobody.
    """
    rows = batches * lines
    if batches.bit_count() != 1 or connection.dialect.name != "postgresql":
        return
    for table, columns in tables.items():
        grown = rows >= LARGE_FILE and _known(connection, table) <= rows
        if grown or _is_new_body(connection, table):
            _count(connection, rows, table, columns)


def _known(connection: Connection, table: str) -> int:
    """How many rows PostgreSQL takes the table for; -1 before anybody has counted."""
    found = connection.execute(
        text("SELECT reltuples FROM pg_class WHERE oid = CAST(:table AS regclass)"),
        {"table": table},
    )
    return int(found.scalar_one())


def _is_new_body(connection: Connection, table: str) -> bool:
    """Whether PostgreSQL takes the municipality of this transaction for one without rows."""
    plan = connection.exec_driver_sql(_ROWS_OF_BODY.format(table=table)).scalar_one()
    return int(plan[0]["Plan"]["Plan Rows"]) <= 1


def _count(connection: Connection, rows: int, table: str, columns: tuple[str, ...]) -> None:
    waits = "off" if 0 < rows < LARGE_FILE else "on"  # 0: it is not known how many
    connection.execute(_COUNT, {"table": table, "columns": list(columns), "waits": waits})


def _shape(width: int, *, unique: bool) -> str:
    """Rows in all, then rows per value of the first column, of the first two, and so on."""
    rows = [max(ROWS // NARROWING**place, ROWS_PER_KEY) for place in range(width)]
    rows[-1] = 1 if unique else ROWS_PER_KEY
    return " ".join(map(str, (ROWS, *rows)))

"""単純な明細: the lines that concern nothing but a slip of their own, decided in one go.

Nearly every line of a 速報 or of a list of debits is the only one that speaks of its payment and
the only one of its file that speaks of its notice: what it does depends on no other line. All such
lines are decided by one statement. Whatever is left, because it came before, meets another line,
names a 全期 slip or no slip at all, goes through the turns of :mod:`reconcile.match`. Both apply
the same rules to the same facts.

A 確報 of which nothing but its 速報 has come is plain as well: it moves no money of an instalment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.store.bulk import insert_rows
from payments.store.statistics import LARGE_FILE, count_staging
from reconcile.decision import LINE_SPACE, decision_from
from reconcile.model import Channel
from reconcile.store.staging import runner

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from reconcile.model import Before

# Channels whose lines report payments; statements and advice are decided line by line.
CHANNELS = frozenset({Channel.KONBINI, Channel.ELTAX, Channel.DEBIT, Channel.NOTIFICATION})

PAY_KEY = "CASE l.key_kind WHEN 'el' THEN 'E' WHEN 'konbini' THEN 'K' ELSE 'D' END || l.slip_key"
# The lines of the file that read well and are ours, with their keys in a column: where row-level
# security stands PostgreSQL looks nothing up by what it has yet to put together. SQLite is quicker
# without setting a million lines aside first.
_KEYED = f"""
WITH keyed {{set_aside}} (
    SELECT l.line_no, l.identity, l.stage, l.kind, l.amount_yen, l.paid_on,
        l.remittance_ref AS ref, CASE WHEN l.key_valid THEN 1 ELSE 0 END AS key_valid,
        CASE WHEN l.key_kind = 'el' THEN 1 ELSE 0 END AS is_el, {PAY_KEY} AS pay_key
    FROM source_line l
    WHERE l.municipality_code = :m AND l.file_id = :file_id AND l.fault IS NULL AND l.is_ours
)"""
# Those that name a slip or an instalment of their own and have not come before.
_FACTS = f"""{_KEYED}
SELECT CAST(:file_id AS BIGINT) AS file_id, l.line_no, CAST(NULL AS VARCHAR(8)) AS fixed,
    l.stage, l.kind, CAST(NULL AS BIGINT) AS partner, CAST(NULL AS BIGINT) AS revived, k.slip_id,
    k.notice_id, k.term, CASE WHEN k.superseded THEN 1 ELSE 0 END AS superseded,
    CAST(NULL AS VARCHAR(30)) AS fault, l.amount_yen AS amount, l.paid_on, l.ref,
    :is_debit AS is_debit, 1 AS is_ours, l.key_valid, 1 AS known, l.is_el,
    CASE WHEN a.amount_yen > 0 THEN 1 ELSE 0 END AS live,
    a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen AS outstanding,
    a.whole_yen AS alternative_yen, COALESCE(k.slip_yen, a.amount_yen) AS slip_yen,
    CASE WHEN k.slip_yen < a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen
         THEN k.slip_yen
         ELSE a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen END AS due,
    CASE WHEN l.paid_on > k.valid_until THEN 1 ELSE 0 END AS late, 0 AS confirmed_before
FROM keyed l
JOIN pay_key k ON k.municipality_code = :m AND k.pay_key = l.pay_key AND k.term <> '00'
JOIN instalment_account a
  ON a.municipality_code = :m AND a.notice_id = k.notice_id AND a.term = k.term
WHERE """
_ALONE = """NOT EXISTS (
    SELECT 1 FROM source_line p
    WHERE p.municipality_code = :m AND p.identity = l.identity
      AND NOT (p.file_id = :file_id AND p.line_no = l.line_no))
"""
# The same where another process has looked (reconcile.before), on SQLite.
_NOT_BEFORE = """NOT EXISTS (SELECT 1 FROM temp.before_line s WHERE s.line_no = l.line_no)
"""
_BEFORE_LINE = "CREATE TEMP TABLE IF NOT EXISTS before_line (line_no INTEGER PRIMARY KEY)"
_THE_FIRST = """
INSERT OR IGNORE INTO temp.before_line
SELECT p.line_no FROM temp.before_line s
CROSS JOIN source_line l ON l.municipality_code = :m AND l.file_id = :file_id
                        AND l.line_no = s.line_no
CROSS JOIN source_line p ON p.municipality_code = :m AND p.identity = l.identity
                        AND p.file_id = :file_id
"""
# 確報 of one payment of which just one 速報 has come, in an earlier file, saying the same. The
# tables stand in the order in which they are to be read, and what is only checked stands in
# subqueries: SQLite would otherwise read the whole of a table to build a filter of its keys.
_CONFIRMING = f"""{_KEYED}
SELECT CAST(:file_id AS BIGINT) AS file_id, l.line_no, CAST(NULL AS VARCHAR(8)) AS fixed,
    l.stage, l.kind, p.file_id * {LINE_SPACE} + p.line_no AS partner,
    CAST(NULL AS BIGINT) AS revived,
    (SELECT r.slip_id FROM receipt r WHERE r.municipality_code = :m AND r.file_id = p.file_id
        AND r.line_no = p.line_no) AS slip_id,
    CAST(NULL AS BIGINT) AS notice_id, CAST(NULL AS VARCHAR(2)) AS term, 0 AS superseded,
    CAST(NULL AS VARCHAR(30)) AS fault, l.amount_yen AS amount, l.paid_on, l.ref,
    :is_debit AS is_debit, 1 AS is_ours, l.key_valid, 1 AS known, l.is_el, 1 AS live,
    0 AS outstanding, 0 AS alternative_yen, 0 AS slip_yen, 0 AS due, 0 AS late,
    0 AS confirmed_before
FROM keyed l
CROSS JOIN source_line p
WHERE l.stage = 'confirmed'
  AND p.municipality_code = :m AND p.identity = l.identity AND p.stage = 'provisional'
  AND p.file_id <> :file_id AND p.amount_yen = l.amount_yen
  AND EXISTS (
    SELECT 1 FROM source_line s WHERE s.municipality_code = :m AND s.file_id = :file_id
      AND s.line_no = l.line_no AND s.payment_key = p.payment_key AND s.slip_key = p.slip_key
      AND s.record_key <> p.record_key)
  AND EXISTS (
    SELECT 1 FROM receipt r WHERE r.municipality_code = :m AND r.file_id = p.file_id
      AND r.line_no = p.line_no AND r.stage = 'provisional' AND r.slip_id IS NOT NULL)
  AND NOT EXISTS (
    SELECT 1 FROM source_line q WHERE q.municipality_code = :m AND q.identity = l.identity
      AND NOT (q.file_id = p.file_id AND q.line_no = p.line_no)
      AND NOT (q.file_id = :file_id AND q.line_no = l.line_no))
"""

_GIVE_UP = "DELETE FROM decision WHERE municipality_code = :m AND "
# Lines that meet at a notice must see what the others did.
_SHARED_NOTICES = """
    SELECT notice_id FROM decision WHERE municipality_code = :m AND notice_id IS NOT NULL
    GROUP BY notice_id HAVING COUNT(*) > 1"""
_THEIR_NOTICES = """
    SELECT notice_id FROM match_work WHERE municipality_code = :m AND notice_id IS NOT NULL"""
# Conditions for lines ``l`` that are not plain. SQLite finds a decision by its row number.
# PostgreSQL is to see how few lines are left over, which it knows of columns only: it would
# otherwise read all keys of the city for them.
_OTHERS_BY_ROW = f"""AND NOT EXISTS (
    SELECT 1 FROM decision p WHERE p.municipality_code = :m
      AND p.line = l.file_id * {LINE_SPACE} + l.line_no)"""
_OTHERS_BY_LINE = """AND NOT EXISTS (
    SELECT 1 FROM decision p WHERE p.municipality_code = :m AND p.line_no = l.line_no)"""
_OTHERS_OF_FEW = """AND l.line_no <> ALL (ARRAY(
    SELECT line_no FROM decision WHERE municipality_code = :m))"""

# PostgreSQL joins whole tables, and would leave the decisions in the order of the instalments. In
# the order of the lines outcomes, receipts and postings are added at the end of their keys: the
# pages of an index are touched once and stay full. SQLite keeps them so by itself (staging).
_IN_ORDER = "ORDER BY line_no"


def decide_plain(connection: Connection, scope: dict[str, Any]) -> None:
    """Apply the rules to all lines that name a slip of their own and meet no other such line."""
    run = runner(connection, scope)
    sqlite = connection.dialect.name == "sqlite"
    set_aside = "NOT MATERIALIZED" if sqlite else "MATERIALIZED"
    in_order = "" if sqlite else _IN_ORDER
    alone = _NOT_BEFORE if scope.get("compared") else _ALONE
    for facts in (_FACTS + alone, _CONFIRMING):
        run(decision_from(facts.format(set_aside=f"AS {set_aside}")) + in_order)
    rows = scope["lines"]
    count_staging(connection, rows, "decision", "municipality_code", "line_no", "notice_id")
    run(_GIVE_UP + _among("notice_id", _SHARED_NOTICES, few=few_lines(connection, scope)))


def state_before(connection: Connection, scope: dict[str, Any], before: Before) -> None:
    """既出の明細: keep the lines that another process has found, for :func:`decide_plain`.

    The lines of the file are written. ``scope`` binds m and file_id, and says ``compared`` from now
    on (SQLite only).
    """
    connection.exec_driver_sql(_BEFORE_LINE)
    connection.exec_driver_sql("DELETE FROM temp.before_line")
    if before.again:
        rows = ((number,) for number in before.again)
        insert_rows(connection, "temp.before_line", ("line_no",), rows)
        runner(connection, scope)(_THE_FIRST)
    known = set(connection.exec_driver_sql("SELECT line_no FROM temp.before_line").scalars())
    rows = ((number,) for number in before.earlier if number not in known)
    insert_rows(connection, "temp.before_line", ("line_no",), rows)
    scope["compared"] = 1


def others(connection: Connection, scope: dict[str, Any]) -> str:
    """The condition for lines ``l`` that are not plain."""
    if connection.dialect.name == "sqlite":
        return _OTHERS_BY_ROW
    return _OTHERS_OF_FEW if few_lines(connection, scope) else _OTHERS_BY_LINE


def meeting(connection: Connection, scope: dict[str, Any]) -> str:
    """The condition for lines ``l`` that are plain and meet one of those that are not."""
    few = few_lines(connection, scope)
    met = f"SELECT line_no FROM decision WHERE municipality_code = :m AND {_at_theirs(few=few)}"
    return f"AND {_among('l.line_no', met, few=few)}"


def leave_to_turns(connection: Connection, scope: dict[str, Any]) -> None:
    """Give up those that meet a line which is not plain."""
    at_theirs = _at_theirs(few=few_lines(connection, scope))
    runner(connection, scope)(_GIVE_UP + at_theirs)


def few_lines(connection: Connection, scope: dict[str, Any]) -> bool:
    """Whether what one statement finds is handed to the next as a list.

    PostgreSQL works a list out once. What it knows of staging is hardly ever right for a small file
    (:func:`payments.store.statistics.count_staging`), and what it takes for one row it looks for
    again with every line.
    """
    return connection.dialect.name == "postgresql" and scope["lines"] < LARGE_FILE


def _at_theirs(*, few: bool) -> str:
    """The condition for decisions at notices that lines in the turns concern."""
    return _among("notice_id", _THEIR_NOTICES, few=few)


def _among(column: str, found: str, *, few: bool) -> str:
    """The condition that ``column`` is among what a query finds."""
    return f"{column} = ANY (ARRAY({found}))" if few else f"{column} IN ({found})"

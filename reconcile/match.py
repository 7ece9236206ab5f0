"""照合: from the lines of a file to decisions, in statements over all lines at once.

First every line learns what its key names and whether it has come before; then lines that concern
the same notice or the same payment are given turns, because the second payment of a slip must see
what the first one did. Nearly all lines have the first turn. In each turn one statement applies
the ordered rules of :mod:`reconcile.rules`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.store.statistics import count_afresh, count_staging
from reconcile import plain
from reconcile.decision import LINE_SPACE, decision_from
from reconcile.rules import effects
from reconcile.store.refund_tables import REFUND_STANDS
from reconcile.store.staging import runner, state_effects

if TYPE_CHECKING:
    from sqlalchemy import Connection

REVIVED = 8  # mark in receipt.seen: a later 確報 took this withdrawn payment up again
LINE = ("municipality_code", "file_id", "line_no")
# Turns of receipts decided again are numbered from here, after all turns of the file itself.
AGAIN_FROM = 1_000_000

STAGE_RANK = "CASE {alias}.stage WHEN 'withdrawal' THEN 2 WHEN 'confirmed' THEN 3 ELSE 1 END"

# Every line with what its key names, in one pass. The facts of the instalment are those before any
# line of the file is booked; lines of a later turn get them again (FACTS_NOW).
_WORK_COLUMNS = """municipality_code, file_id, line_no, turn, crowded, found, stage, kind, identity,
    occurrence, fault, is_ours, key_valid, is_el, yen, paid_on, ref, shared_key, slip_id,
    notice_id, term, asked_yen, late, superseded, live, outstanding_yen, alternative_yen"""
LOAD = f"""
INSERT INTO match_work ({_WORK_COLUMNS})
WITH named AS MATERIALIZED (
    SELECT l.*, CASE WHEN l.fault IS NULL AND l.is_ours THEN {plain.PAY_KEY} END AS pay_key
    FROM source_line l WHERE l.municipality_code = :m AND l.file_id = :file_id {{which}})
SELECT l.municipality_code, l.file_id, l.line_no, 1, 0,
    CASE WHEN EXISTS (
        SELECT 1 FROM source_line p
        WHERE p.municipality_code = :m AND p.identity = l.identity
          AND NOT (p.file_id = :file_id AND p.line_no = l.line_no)
    ) THEN 1 ELSE 0 END,
    l.stage, l.kind, l.identity, 1, l.fault,
    CASE WHEN l.is_ours THEN 1 ELSE 0 END, CASE WHEN l.key_valid THEN 1 ELSE 0 END,
    CASE WHEN l.key_kind = 'el' THEN 1 ELSE 0 END, l.amount_yen, l.paid_on, l.remittance_ref,
    CASE l.key_kind WHEN 'konbini' THEN l.pay_key || '/' || l.reissue END,
    k.slip_id, k.notice_id, k.term, COALESCE(k.slip_yen, a.amount_yen),
    CASE WHEN l.paid_on > k.valid_until THEN 1 ELSE 0 END,
    CASE WHEN k.superseded THEN 1 ELSE 0 END,
    CASE WHEN a.amount_yen > 0 THEN 1 ELSE 0 END,
    a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen, a.whole_yen
FROM named l
LEFT JOIN pay_key k ON k.municipality_code = :m AND k.pay_key = l.pay_key
LEFT JOIN instalment_account a
  ON a.municipality_code = :m AND a.notice_id = k.notice_id AND a.term = k.term
"""

# Where several slips share a free area, the 再発行区分 joins the key (outcomes.md 1).
LOAD_SHARED_KEYS = """
UPDATE match_work
SET slip_id = k.slip_id, notice_id = k.notice_id, term = k.term,
    asked_yen = COALESCE(k.slip_yen, a.amount_yen),
    late = CASE WHEN match_work.paid_on > k.valid_until THEN 1 ELSE 0 END,
    superseded = CASE WHEN k.superseded THEN 1 ELSE 0 END,
    live = CASE WHEN a.amount_yen > 0 THEN 1 ELSE 0 END,
    outstanding_yen = a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen,
    alternative_yen = a.whole_yen
FROM pay_key k
LEFT JOIN instalment_account a
  ON a.municipality_code = :m AND a.notice_id = k.notice_id AND a.term = k.term
WHERE match_work.municipality_code = :m AND match_work.notice_id IS NULL
  AND k.municipality_code = :m AND k.pay_key = match_work.shared_key
"""

CROWDED_BY_NOTICE = """
UPDATE match_work SET crowded = 1
WHERE municipality_code = :m AND notice_id IN (
    SELECT notice_id FROM match_work
    WHERE municipality_code = :m AND notice_id IS NOT NULL
    GROUP BY notice_id HAVING COUNT(*) > 1)
"""
CROWDED_BY_IDENTITY = """
UPDATE match_work SET crowded = 1
WHERE municipality_code = :m AND found = 1 AND crowded = 0 AND EXISTS (
    SELECT 1 FROM source_line p
    WHERE p.municipality_code = :m AND p.identity = match_work.identity
      AND p.file_id = match_work.file_id AND p.line_no <> match_work.line_no)
"""

# R3: equal lines inside one file are counted; the k-th here repeats the k-th of an earlier file.
OCCURRENCES = """
UPDATE match_work SET occurrence = n.occurrence
FROM (SELECT w.line_no, ROW_NUMBER() OVER (
          PARTITION BY l.identity, l.record_key, l.content ORDER BY l.line_no) AS occurrence
      FROM match_work w
      JOIN source_line l ON l.municipality_code = :m AND l.file_id = w.file_id
                        AND l.line_no = w.line_no
      WHERE w.municipality_code = :m AND w.crowded = 1) n
WHERE match_work.municipality_code = :m AND match_work.crowded = 1
  AND match_work.file_id = :file_id AND match_work.line_no = n.line_no AND n.occurrence > 1
"""
KEEP_OCCURRENCES = """
UPDATE source_line SET occurrence = w.occurrence
FROM match_work w
WHERE w.municipality_code = :m AND w.occurrence > 1
  AND source_line.municipality_code = :m AND source_line.file_id = w.file_id
  AND source_line.line_no = w.line_no
"""

# Every line of another file came before the lines in hand, whatever the numbers of the files: one
# that was set aside at first is taken in under its old, lower number.
_EARLIER = "(p.file_id <> l.file_id OR p.line_no < l.line_no)"
# A notification and a file line of one payment say the same when key and amount agree: the file
# has columns that the notification lacks.
_FIRST_SAID = """NOT EXISTS (
          SELECT 1 FROM source_line q
          WHERE q.municipality_code = :m AND q.identity = p.identity
            AND q.record_key = p.record_key
            AND ((q.file_id = p.file_id AND q.line_no < p.line_no)
                 OR (q.file_id <> p.file_id AND (p.file_id = :file_id
                     OR (q.file_id <> :file_id AND q.file_id < p.file_id)))))"""
SAME_CONTENT = f"""(p.content = l.content OR (p.file_id <> l.file_id
    AND pf.channel <> :channel AND p.slip_key = l.slip_key AND p.amount_yen = l.amount_yen
    AND {_FIRST_SAID}))"""

# Of a small file each line is looked at by itself: PostgreSQL joins whatever it takes for empty in
# any order (:func:`reconcile.plain.few_lines`), and a limit keeps it from joining.
_ONE_BY_ONE = "LIMIT 1 OFFSET 0"
REPEATS = f"""
UPDATE match_work SET fixed = 'repeat'
WHERE municipality_code = :m AND found = 1 AND EXISTS (
    SELECT 1 FROM source_line l
    JOIN source_line p ON p.municipality_code = :m AND p.identity = l.identity
                      AND p.record_key = l.record_key
    JOIN source_file pf ON pf.municipality_code = :m AND pf.file_id = p.file_id
    WHERE l.municipality_code = :m AND l.file_id = match_work.file_id
      AND l.line_no = match_work.line_no AND {SAME_CONTENT}
      AND ((p.file_id <> l.file_id AND p.occurrence = match_work.occurrence)
           OR (:counted = 0 AND {_EARLIER})) {{one_by_one}})
"""
CONFLICTS = f"""
UPDATE match_work SET fixed = 'conflict'
WHERE municipality_code = :m AND found = 1 AND fixed IS NULL AND EXISTS (
    SELECT 1 FROM source_line l
    JOIN source_line p ON p.municipality_code = :m AND p.identity = l.identity
                      AND p.record_key = l.record_key
    JOIN source_file pf ON pf.municipality_code = :m AND pf.file_id = p.file_id
    WHERE l.municipality_code = :m AND l.file_id = match_work.file_id
      AND l.line_no = match_work.line_no
      AND NOT {SAME_CONTENT}
      AND {_EARLIER}
      AND {_FIRST_SAID} {{one_by_one}})
"""
# 速報 and 確報 of one transaction that differ in amount or key: the later one is the conflict.
TRANSACTION_CONFLICTS = """
UPDATE match_work SET fixed = 'conflict'
WHERE municipality_code = :m AND found = 1 AND fixed IS NULL
  AND stage IN ('provisional', 'confirmed') AND EXISTS (
    SELECT 1 FROM source_line l
    WHERE l.municipality_code = :m AND l.file_id = match_work.file_id
      AND l.line_no = match_work.line_no AND l.fault IS NULL AND l.key_kind = 'el'
      AND l.slip_key || '/' || l.amount_yen <> (
          SELECT p.slip_key || '/' || p.amount_yen FROM source_line p
          WHERE p.municipality_code = :m AND p.identity = l.identity AND p.fault IS NULL
            AND p.stage IN ('provisional', 'confirmed')
          ORDER BY CASE WHEN p.file_id = :file_id THEN 1 ELSE 0 END, p.file_id,
              CASE p.stage WHEN 'provisional' THEN 0 ELSE 1 END, p.line_no
          LIMIT 1))
"""
# A 22 whose 12 is being paid back, or has been: to take that payment out of the books would leave a
# refund of money that never came. Nothing is undone, and people see both (as with a late 取消).
CORRECTS_REFUNDED = f"""
UPDATE match_work SET fixed = 'conflict'
WHERE municipality_code = :m AND found = 1 AND fixed IS NULL AND fault IS NULL AND kind = '22'
  AND EXISTS (
    SELECT 1 FROM source_line l
    JOIN source_line p ON p.municipality_code = :m AND p.identity = l.identity
     AND p.paid_on = l.paid_on AND p.kind = '12'
    JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.file_id AND r.line_no = p.line_no
     AND r.stage = 'confirmed'
    WHERE l.municipality_code = :m AND l.file_id = match_work.file_id
      AND l.line_no = match_work.line_no
      AND (EXISTS (
          SELECT 1 FROM refund x WHERE x.municipality_code = :m AND x.file_id = r.file_id
            AND x.line_no = r.line_no AND {REFUND_STANDS})
        OR EXISTS (  -- what a correction left over of the claims that it settles
          SELECT 1 FROM posting q
          JOIN refund x ON x.municipality_code = :m AND x.notice_id = q.notice_id
           AND x.term = q.term AND x.file_id = 0
          WHERE q.municipality_code = :m AND q.journal_id = r.journal_id
            AND q.subject_file_id = r.file_id AND q.subject_line_no = r.line_no
            AND q.leg > r.leg AND q.leg < r.leg + 120 AND q.reason IN ('applied', 'placed')
            AND {REFUND_STANDS})))
"""
# A 取消 that names another key than its 速報 still belongs to that payment's notice.
WITHDRAWALS_FOLLOW_PAYMENT = """
UPDATE match_work SET notice_id = s.notice_id, crowded = 1
FROM match_work s
WHERE match_work.municipality_code = :m AND match_work.stage = 'withdrawal'
  AND match_work.found = 1 AND s.municipality_code = :m AND s.crowded = 1
  AND s.file_id = match_work.file_id AND s.identity = match_work.identity
  AND s.stage = 'provisional' AND s.notice_id IS NOT NULL
"""

TURNS = f"""
UPDATE match_work SET turn = n.turn
FROM (SELECT w.line_no, ROW_NUMBER() OVER (
          PARTITION BY w.notice_id, CASE WHEN w.notice_id IS NULL THEN w.identity END
          ORDER BY {STAGE_RANK.format(alias="w")}, w.line_no) AS turn
      FROM match_work w WHERE w.municipality_code = :m AND w.crowded = 1) n
WHERE match_work.municipality_code = :m AND match_work.crowded = 1
  AND match_work.file_id = :file_id AND match_work.line_no = n.line_no AND n.turn > 1
"""

# The first receipt of the same payment, in occurrence order, that this report can speak about. A 22
# that is malformed corrects nothing: what the 12 said stands until somebody has looked.
_PARTNER = f"""
SELECT p.file_id * {LINE_SPACE} + p.line_no
FROM source_line l
JOIN source_line p ON p.municipality_code = :m AND p.identity = l.identity
JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.file_id AND r.line_no = p.line_no
WHERE l.municipality_code = :m AND l.file_id = match_work.file_id
  AND l.line_no = match_work.line_no AND p.payment_key = l.payment_key AND {{condition}}
ORDER BY p.file_id, p.line_no LIMIT 1"""
PARTNERS = f"""
UPDATE match_work SET partner = CASE
    WHEN stage = 'provisional' AND kind = '81' THEN (
        {_PARTNER.format(condition="(r.seen & 10) = 0")})
    WHEN stage = 'provisional' THEN (
        {_PARTNER.format(condition="((r.seen & 9) = 0 OR l.key_kind = 'el')")})
    ELSE ({_PARTNER.format(condition="r.stage = 'provisional'")}) END,
  replaced = CASE WHEN kind = '22' AND fault IS NULL THEN (
    SELECT p.file_id * {LINE_SPACE} + p.line_no
    FROM source_line l
    JOIN source_line p ON p.municipality_code = :m AND p.identity = l.identity
    JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.file_id
                  AND r.line_no = p.line_no
    WHERE l.municipality_code = :m AND l.file_id = match_work.file_id
      AND l.line_no = match_work.line_no
      AND p.paid_on = l.paid_on AND p.kind = '12' AND r.stage = 'confirmed'
    ORDER BY p.file_id, p.line_no LIMIT 1) END,
  revived = CASE WHEN stage = 'confirmed' THEN ({
    _PARTNER.format(
        condition=f"r.stage = 'withdrawn' AND (r.seen & {REVIVED}) = 0 AND p.kind <> '12'"
    )
}) END
WHERE municipality_code = :m AND {{turn}} AND found = 1 AND fixed IS NULL
"""

# Whether a receipt of the same payment is confirmed already.
_CONFIRMED_BEFORE = """CASE WHEN w.found = 1 AND EXISTS (
    SELECT 1 FROM source_line l
    JOIN source_line p ON p.municipality_code = :m AND p.identity = l.identity
    JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.file_id
                  AND r.line_no = p.line_no
    WHERE l.municipality_code = :m AND l.file_id = w.file_id AND l.line_no = w.line_no
      AND p.payment_key = l.payment_key AND r.stage = 'confirmed') THEN 1 ELSE 0 END"""

# What the instalments say now. A 全期 slip covers all instalments of its group that are not
# cancelled (outcomes.md 1, 9).
FACTS_NOW = """
UPDATE match_work
SET live = CASE WHEN a.amount_yen > 0 THEN 1 ELSE 0 END,
    outstanding_yen = a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen,
    alternative_yen = a.whole_yen
FROM instalment_account a
WHERE match_work.municipality_code = :m AND {turn} AND match_work.term <> '00'
  AND a.municipality_code = :m AND a.notice_id = match_work.notice_id
  AND a.term = match_work.term
"""
FACTS_OF_WHOLE = """
UPDATE match_work
SET live = CASE WHEN a.live > 0 THEN 1 ELSE 0 END, outstanding_yen = a.outstanding_yen,
    alternative_yen = a.term_yen
FROM (SELECT c.notice_id, SUM(CASE WHEN c.amount_yen > 0 THEN 1 ELSE 0 END) AS live,
             SUM(c.amount_yen - c.term_yen - c.whole_yen + c.surplus_yen) AS outstanding_yen,
             SUM(CASE WHEN c.amount_yen > 0 THEN c.term_yen ELSE 0 END) AS term_yen
      FROM instalment_account c
      WHERE c.municipality_code = :m AND c.in_group AND c.notice_id IN (
          SELECT notice_id FROM match_work
          WHERE municipality_code = :m AND {turn} AND term = '00')
      GROUP BY c.notice_id) a
WHERE match_work.municipality_code = :m AND {turn} AND match_work.term = '00'
  AND a.notice_id = match_work.notice_id
"""

_FACTS = f"""
SELECT w.file_id, w.line_no, w.fixed, w.stage, w.kind, w.partner, w.revived, w.slip_id,
    w.notice_id, w.term, w.superseded, w.fault, w.yen AS amount, w.paid_on, w.ref,
    :is_debit AS is_debit, w.is_ours, w.key_valid,
    CASE WHEN w.notice_id IS NULL THEN 0 ELSE 1 END AS known, w.is_el, w.live,
    w.outstanding_yen AS outstanding, w.alternative_yen, w.asked_yen AS slip_yen,
    CASE WHEN w.asked_yen < w.outstanding_yen THEN w.asked_yen
         ELSE w.outstanding_yen END AS due,
    w.late, {_CONFIRMED_BEFORE} AS confirmed_before
FROM match_work w WHERE w.municipality_code = :m AND {{turn}}
"""


def load_lines(connection: Connection, scope: dict[str, Any]) -> int:
    """Stage the lines of the file with what their keys name; returns how many turns they need.

    ``scope`` binds m, file_id, channel, counted (equal lines are counted), transactions (the
    identity is an operator's transaction id).
    """
    state_effects(connection, scope["m"], effects())
    run = runner(connection, scope)
    looked_up = (*LINE, "identity", "fault", "is_ours")
    count_afresh(connection, scope["lines"], "source_line", *looked_up)
    if scope["channel"] in plain.CHANNELS:
        plain.decide_plain(connection, scope)
        run(LOAD.format(which=plain.others(connection, scope)))
        run(LOAD_SHARED_KEYS)
        run(LOAD.format(which=plain.meeting(connection, scope)))
        plain.leave_to_turns(connection, scope)
    else:
        run(LOAD.format(which=""))
    rows = scope["lines"]
    count_staging(connection, rows, "match_work", "municipality_code", "turn", "found", "notice_id")
    crowded = run(CROWDED_BY_NOTICE).rowcount + run(CROWDED_BY_IDENTITY).rowcount
    if crowded:
        count_staging(connection, rows, "match_work", "crowded")
    if scope["counted"]:
        run(OCCURRENCES)
        run(KEEP_OCCURRENCES)
    one_by_one = _ONE_BY_ONE if plain.few_lines(connection, scope) else ""
    run(REPEATS.format(one_by_one=one_by_one))
    run(CONFLICTS.format(one_by_one=one_by_one))
    if scope["counted"]:
        run(CORRECTS_REFUNDED)
    if scope["transactions"]:
        run(TRANSACTION_CONFLICTS)
        run(WITHDRAWALS_FOLLOW_PAYMENT)
    run(TURNS)
    turns = connection.execute(
        text("SELECT COALESCE(MAX(turn), 0) FROM match_work WHERE municipality_code = :m"), scope
    )
    return int(turns.scalar_one())


def find_partners(connection: Connection, scope: dict[str, Any], turn: int) -> None:
    """Which receipt each report of this turn speaks about, if it is there already."""
    runner(connection, scope)(PARTNERS.format(turn=turn_is("match_work", turn)))


def decide(connection: Connection, scope: dict[str, Any], turn: int, *, moved: bool) -> None:
    """Apply the rules to all lines of one turn.

    ``moved`` says that money was taken back in this turn. Turns of receipts that are decided again
    write further revisions.
    """
    run = runner(connection, scope)
    run("DELETE FROM decision WHERE municipality_code = :m")
    here = turn_is("match_work", turn)
    if moved or turn > 1:
        run(FACTS_NOW.format(turn=here))
    run(FACTS_OF_WHOLE.format(turn=here))
    run(decision_from(_FACTS.format(turn=turn_is("w", turn)), again=turn > AGAIN_FROM))


def turn_is(alias: str, turn: int) -> str:
    """The condition for one turn, written so that the partial index on later turns serves it."""
    return f"{alias}.turn = 1" if turn == 1 else f"{alias}.turn > 1 AND {alias}.turn = {turn:d}"


# Per notice the next receipt that waits in suspense on a reopened instalment, in order of
# paid_on, then intake (a file that was set aside at first keeps its lower number, but its journal
# is that of the day it came in); each at most once per round (the rounds since turn :first).
# The keys stand in columns of their own, for PostgreSQL looks up what row-level security protects
# by the values of columns only, never by an expression.
WAITING = f"""
INSERT INTO match_work ({_WORK_COLUMNS})
WITH named AS MATERIALIZED (
    SELECT r.file_id, r.line_no, r.stage, r.notice_id, r.paid_on, r.superseded, l.kind, l.identity,
        l.fault, l.is_ours, l.key_valid, l.key_kind, l.amount_yen, l.paid_on AS line_paid_on,
        {STAGE_RANK.format(alias="l")} AS stage_rank,
        (SELECT o.journal_id FROM line_outcome o
         WHERE o.municipality_code = :m AND o.file_id = r.file_id AND o.line_no = r.line_no
           AND o.revision = 1) AS taken_in,
        {plain.PAY_KEY} AS own_key,
        'K' || l.slip_key || '/' || l.reissue AS shared_key
    FROM receipt r
    JOIN source_line l ON l.municipality_code = :m AND l.file_id = r.file_id
                      AND l.line_no = r.line_no
    WHERE r.municipality_code = :m AND r.suspense_yen > 0 AND r.stage <> 'withdrawn'
      AND NOT EXISTS (  -- people have decided about it (reconcile.placement.placing)
        SELECT 1 FROM link_block b
        WHERE b.municipality_code = :m AND b.file_id = r.file_id AND b.line_no = r.line_no)
      AND NOT EXISTS (  -- or that it goes back (reconcile.refunds)
        SELECT 1 FROM refund x WHERE x.municipality_code = :m AND x.file_id = r.file_id
          AND x.line_no = r.line_no AND {REFUND_STANDS})
      AND NOT (r.applied_yen > 0 AND EXISTS (  -- nor what a correction left over of its claim
        SELECT 1 FROM refund x WHERE x.municipality_code = :m AND x.notice_id = r.notice_id
          AND (x.term = r.term OR r.term = '00') AND x.file_id = 0 AND {REFUND_STANDS}))
      AND r.notice_id IN (SELECT notice_id FROM reopened WHERE municipality_code = :m)
      AND NOT EXISTS (
        SELECT 1 FROM match_work d WHERE d.municipality_code = :m AND d.turn > 1
          AND d.turn >= :first AND d.file_id = r.file_id AND d.line_no = r.line_no)
      AND EXISTS (
        SELECT 1 FROM reopened o
        JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = o.notice_id
                                 AND a.term = o.term
        WHERE o.municipality_code = :m AND o.notice_id = r.notice_id
          AND (o.term = r.term OR (r.term = '00' AND a.in_group))))
SELECT CAST(:m AS VARCHAR(5)), file_id, line_no, :turn, 0, 0, stage, kind, identity, 1, fault,
    is_ours, key_valid, is_el, amount_yen, line_paid_on, NULL, NULL, slip_id, notice_id, term,
    COALESCE(slip_yen, owed_yen), CASE WHEN line_paid_on > valid_until THEN 1 ELSE 0 END,
    CASE WHEN superseded THEN 1 ELSE 0 END, 0, 0, 0
FROM (SELECT r.file_id, r.line_no, r.stage, r.kind, r.identity, r.fault,
    CASE WHEN r.is_ours THEN 1 ELSE 0 END AS is_ours,
    CASE WHEN r.key_valid THEN 1 ELSE 0 END AS key_valid,
    CASE WHEN r.key_kind = 'el' THEN 1 ELSE 0 END AS is_el, r.amount_yen,
    r.line_paid_on, k.slip_id, k.notice_id, k.term, k.slip_yen, k.valid_until, r.superseded,
    (SELECT c.amount_yen FROM instalment_account c WHERE c.municipality_code = :m
      AND c.notice_id = k.notice_id AND c.term = k.term) AS owed_yen,
    ROW_NUMBER() OVER (
        PARTITION BY r.notice_id
        ORDER BY r.paid_on, r.taken_in, r.stage_rank, r.line_no) AS place
FROM named r
JOIN pay_key k ON k.municipality_code = :m
              AND (k.pay_key = r.own_key OR k.pay_key = r.shared_key)) waiting
WHERE place = 1
"""


def load_waiting(connection: Connection, scope: dict[str, Any], first: int, turn: int) -> bool:
    """Stage, as ``turn``, the receipts to be decided again next in the round begun at ``first``.

    Returns False when nothing waits any more.
    """
    found = connection.execute(text(WAITING), {**scope, "first": first, "turn": turn})
    return bool(found.rowcount)

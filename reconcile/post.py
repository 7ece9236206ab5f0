"""消込: what a turn decided becomes outcomes, receipts, postings and balances (append-only, R7).

Every statement works on all decisions of the turn. A receipt's money stands in the account of its
stage (速報未収 or 確報未入金) against 収入未済 for what settles instalments and 仮受金 for
the rest.
Taking something back is always a posting the other way round, never a deletion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.store.bulk import insert_rows
from payments.store.statistics import LARGE_FILE, count_afresh
from reconcile.decision import LINE_SPACE
from reconcile.match import REVIVED
from reconcile.store.former_groups import keep_former
from reconcile.store.refund_tables import DECIDED_OF_SURPLUS
from reconcile.store.staging import runner

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Legs of one turn of one receipt: 1 applied, 2 suspense, 3 confirmed, 10–109 the instalments of a
# 全期 slip (terms 00–99) or the parts that people placed (reason ``placed``), 120–229 the reversals
# of legs 0–109, 230–249 surplus given back.
LEGS_PER_TURN = 250
_WHOLE_LEG, _REVERSAL_LEG, _SURPLUS_LEG = 10, 120, 230

_STAGE_ACCOUNT = "CASE {stage} WHEN 'confirmed' THEN 'confirmed_due' ELSE 'reported' END"

OUTCOMES = f"""
INSERT INTO line_outcome (municipality_code, file_id, line_no, revision, outcome, rule,
    applied_yen, suspense_yen, slip_id, partner_file_id, partner_line_no, journal_id)
SELECT CAST(:m AS VARCHAR(5)),
    file_id, line_no, revision, outcome, rule, applied_yen, booked_yen - applied_yen,
    slip_id, partner / {LINE_SPACE}, partner % {LINE_SPACE}, :journal_id
FROM decision WHERE municipality_code = :m
"""
RECEIPTS = """
INSERT INTO receipt (municipality_code, file_id, line_no, stage, seen, amount_yen, paid_on,
    slip_id, notice_id, term, superseded, applied_yen, suspense_yen, group_id, journal_id, leg)
SELECT CAST(:m AS VARCHAR(5)),
    file_id, line_no, CASE stage WHEN 'confirmed' THEN stage ELSE 'provisional' END, seen,
    booked_yen, paid_on, slip_id, notice_id, term, superseded = 1, applied_yen,
    booked_yen - applied_yen, group_id, :journal_id, :leg
FROM decision WHERE municipality_code = :m AND booked_yen > 0
"""
RECEIPTS_AGAIN = """
UPDATE receipt SET applied_yen = d.applied_yen, suspense_yen = d.booked_yen - d.applied_yen,
    journal_id = :journal_id, leg = :leg
FROM decision d
WHERE d.municipality_code = :m AND receipt.municipality_code = :m
  AND receipt.file_id = d.file_id AND receipt.line_no = d.line_no
"""
_POSTING = """
INSERT INTO posting (municipality_code, journal_id, subject_file_id, subject_line_no, leg,
    debit_account, credit_account, amount_yen, reason, notice_id, term, group_id)
"""
APPLIED = f"""{_POSTING}
SELECT CAST(:m AS VARCHAR(5)),
    :journal_id, file_id, line_no, :leg + 1, {_STAGE_ACCOUNT.format(stage="stage")},
    'receivable', applied_yen, 'applied', notice_id, term, group_id
FROM decision WHERE municipality_code = :m AND applied_yen > 0 AND term <> '00'
"""
SUSPENSE = f"""{_POSTING}
SELECT CAST(:m AS VARCHAR(5)),
    :journal_id, file_id, line_no, :leg + 2, {_STAGE_ACCOUNT.format(stage="stage")},
    'suspense', booked_yen - applied_yen, 'suspense', notice_id, term, group_id
FROM decision WHERE municipality_code = :m AND booked_yen > applied_yen
"""
# Amounts are applied to a 全期 slip's instalments in term order (outcomes.md 2).
APPLIED_WHOLE = f"""{_POSTING}
SELECT CAST(:m AS VARCHAR(5)),
    :journal_id, file_id, line_no, :leg + {_WHOLE_LEG} + CAST(term AS INTEGER),
    {_STAGE_ACCOUNT.format(stage="stage")}, 'receivable',
    CASE WHEN applied_yen - before < open_yen THEN applied_yen - before ELSE open_yen END,
    'applied', notice_id, term, group_id
FROM (SELECT d.file_id, d.line_no, d.stage, d.applied_yen, d.group_id, c.notice_id, c.term,
        c.amount_yen - c.term_yen - c.whole_yen + c.surplus_yen AS open_yen,
        SUM(c.amount_yen - c.term_yen - c.whole_yen + c.surplus_yen)
            OVER (PARTITION BY c.notice_id ORDER BY c.term)
        - (c.amount_yen - c.term_yen - c.whole_yen + c.surplus_yen) AS before
      FROM decision d
      JOIN instalment_account c ON c.municipality_code = :m AND c.notice_id = d.notice_id
       AND c.in_group
      WHERE d.municipality_code = :m AND d.applied_yen > 0 AND d.term = '00') shares
WHERE open_yen > 0 AND before < applied_yen
"""
# The account is always there: the conflict is the way both databases update in bulk fastest, and
# in the order of the notices a page of balances is touched once.
BALANCES = """
INSERT INTO instalment_account (municipality_code, notice_id, term, in_group, amount_yen,
    term_yen, whole_yen, surplus_yen)
SELECT CAST(:m AS VARCHAR(5)), notice_id, term, FALSE, 0, applied_yen, 0, 0
FROM decision WHERE municipality_code = :m AND applied_yen > 0 AND term <> '00'
ORDER BY notice_id
ON CONFLICT (municipality_code, notice_id, term) DO UPDATE
SET term_yen = instalment_account.term_yen + excluded.term_yen
"""
# PostgreSQL locks and writes each account by itself for it, and looks each one up; many at once are
# sooner joined (half the log, less than half the pages touched). SQLite takes longer that way.
BALANCES_OF_MANY = """
UPDATE instalment_account SET term_yen = instalment_account.term_yen + d.applied_yen
FROM decision d
WHERE d.municipality_code = :m AND d.applied_yen > 0 AND d.term <> '00'
  AND instalment_account.municipality_code = :m
  AND instalment_account.notice_id = d.notice_id AND instalment_account.term = d.term
"""
_SUBJECT = ("subject_file_id", "subject_line_no")
MANY = 10_000  # decisions of one turn; below, nothing is gained and a wrong plan could cost
BALANCES_WHOLE = f"""
UPDATE instalment_account SET whole_yen = whole_yen + p.amount_yen
FROM decision d
JOIN posting p ON p.municipality_code = :m AND p.journal_id = :journal_id
 AND p.subject_file_id = d.file_id AND p.subject_line_no = d.line_no
 AND p.leg >= :leg + {_WHOLE_LEG} AND p.leg < :leg + {_REVERSAL_LEG}
WHERE d.municipality_code = :m AND d.applied_yen > 0 AND d.term = '00'
  AND instalment_account.municipality_code = :m
  AND instalment_account.notice_id = p.notice_id AND instalment_account.term = p.term
"""
# The receipts that decisions of a rule speak about. Where row-level security stands PostgreSQL
# looks nothing up by what is yet to be worked out, and would read all receipts for each line.
_SPOKEN_OF = f"""WITH spoken AS {{{{set_aside}}}} (
    SELECT d.partner / {LINE_SPACE} AS file_id, d.partner % {LINE_SPACE} AS line_no, d.group_id,
        d.seen
    FROM decision d WHERE d.municipality_code = :m AND d.rule = '{{rule}}')"""
_THIS_RECEIPT = """receipt.municipality_code = :m AND receipt.file_id = s.file_id
  AND receipt.line_no = s.line_no"""
# 確報: the receipt becomes confirmed and names its remittance group; no further money.
CONFIRM = f"""{_SPOKEN_OF.format(rule="S1")}
UPDATE receipt SET stage = 'confirmed', seen = receipt.seen | 4, group_id = s.group_id
FROM spoken s WHERE {_THIS_RECEIPT}
"""
CONFIRM_POSTINGS = f"""{_POSTING}{_SPOKEN_OF.format(rule="S1")}
SELECT CAST(:m AS VARCHAR(5)),
    :journal_id, receipt.file_id, receipt.line_no, :leg + 3, 'confirmed_due', 'reported',
    receipt.amount_yen, 'confirmed', receipt.notice_id, receipt.term, s.group_id
FROM spoken s JOIN receipt ON {_THIS_RECEIPT}
"""
SEEN = f"""{_SPOKEN_OF.format(rule="S5")}
UPDATE receipt SET seen = receipt.seen | s.seen
FROM spoken s WHERE {_THIS_RECEIPT}
"""
# 確報 after a 取消 of the same payment: the new receipt stands for that payment from now on, with
# the reports that announced it, so that none of them counts as a further payment.
REVIVE = f"""
UPDATE receipt SET seen = CASE WHEN receipt.stage = 'withdrawn' THEN receipt.seen | {REVIVED}
    ELSE receipt.seen | COALESCE((SELECT b.seen FROM receipt b WHERE b.municipality_code = :m
        AND b.file_id = d.revived / {LINE_SPACE} AND b.line_no = d.revived % {LINE_SPACE}), 0) END
FROM decision d
WHERE d.municipality_code = :m AND d.revived IS NOT NULL AND d.booked_yen > 0
  AND receipt.municipality_code = :m
  AND {{which}}
"""
REVIVED_NOW = """
SELECT line_no, booked_yen FROM decision
WHERE municipality_code = :m AND revived IS NOT NULL AND booked_yen > 0 ORDER BY line_no
"""


def book(connection: Connection, scope: dict[str, Any], *, again: bool) -> list[tuple[int, int]]:
    """Write what the turn decided; ``scope`` binds m, journal_id and leg (the turn's first).

    Returns (line, yen) of 確報 that took a withdrawn payment up again: somebody should look.
    """
    run = runner(connection, scope)
    decided = run(OUTCOMES).rowcount
    many = decided >= MANY and connection.dialect.name == "postgresql"
    run(RECEIPTS_AGAIN if again else RECEIPTS)
    run(APPLIED)
    run(SUSPENSE)
    run(BALANCES_OF_MANY if many else BALANCES)
    rules = set(
        connection.execute(
            text(
                "SELECT DISTINCT CASE WHEN term = '00' AND applied_yen > 0 THEN 'whole' "
                "ELSE rule END FROM decision WHERE municipality_code = :m "
                "AND (rule IN ('S1', 'S5') OR (term = '00' AND applied_yen > 0))"
            ),
            scope,
        ).scalars()
    )
    if "whole" in rules:
        run(APPLIED_WHOLE)
        if decided >= LARGE_FILE:
            # This journal is none that PostgreSQL knows: as if it had one posting, each of very
            # many would be sought in all decisions.
            count_afresh(connection, decided, "posting", "journal_id", *_SUBJECT, "leg")
        run(BALANCES_WHOLE)
    set_aside = "NOT MATERIALIZED" if connection.dialect.name == "sqlite" else "MATERIALIZED"
    if "S1" in rules:
        run(CONFIRM_POSTINGS.format(set_aside=set_aside))
        run(CONFIRM.format(set_aside=set_aside))
    if "S5" in rules:
        run(SEEN.format(set_aside=set_aside))
    revived = [(int(r.line_no), int(r.booked_yen)) for r in run(REVIVED_NOW)]
    if revived:
        for taker in (
            "receipt.file_id = d.file_id AND receipt.line_no = d.line_no",
            (
                f"receipt.file_id = d.revived / {LINE_SPACE} "
                f"AND receipt.line_no = d.revived % {LINE_SPACE}"
            ),
        ):
            run(REVIVE.format(which=taker))
    return revived


# ---- taking back ----

WITHDRAWN = f"""
INSERT INTO reversal (municipality_code, file_id, line_no, by_line_no)
SELECT CAST(:m AS VARCHAR(5)),
    partner / {LINE_SPACE}, partner % {LINE_SPACE}, line_no FROM match_work
WHERE municipality_code = :m AND {{turn}} AND found = 1 AND fixed IS NULL
  AND stage = 'withdrawal' AND partner IS NOT NULL
UNION ALL
SELECT CAST(:m AS VARCHAR(5)),
    replaced / {LINE_SPACE}, replaced % {LINE_SPACE}, line_no FROM match_work
WHERE municipality_code = :m AND {{turn}} AND found = 1 AND fixed IS NULL
  AND replaced IS NOT NULL
"""
_REVERSED_POSTINGS = f"""
FROM reversal v
JOIN receipt r ON r.municipality_code = :m AND r.file_id = v.file_id AND r.line_no = v.line_no
JOIN posting p ON p.municipality_code = :m AND p.journal_id = r.journal_id
 AND p.subject_file_id = r.file_id AND p.subject_line_no = r.line_no
 AND p.leg > r.leg AND p.leg < r.leg + {_REVERSAL_LEG}
 AND p.reason IN ('applied', 'placed', 'suspense')
WHERE v.municipality_code = :m"""
REOPENED = f"""
INSERT INTO reopened (municipality_code, notice_id, term)
SELECT DISTINCT CAST(:m AS VARCHAR(5)),
    p.notice_id, p.term {_REVERSED_POSTINGS} AND p.reason <> 'suspense'
"""
# The money stands in the account of the receipt's stage today, whatever it was when booked.
REVERSE = f"""{_POSTING}
SELECT CAST(:m AS VARCHAR(5)),
    :journal_id, r.file_id, r.line_no, :leg + {_REVERSAL_LEG} + p.leg - r.leg,
    p.credit_account, {_STAGE_ACCOUNT.format(stage="r.stage")}, p.amount_yen,
    CASE p.reason WHEN 'placed' THEN 'placed_reversal' ELSE 'reversal' END,
    p.notice_id, p.term, r.group_id
{_REVERSED_POSTINGS}
"""
SURPLUS_HELD = f"""
SELECT r.file_id, r.line_no, p.notice_id, p.term, p.amount_yen, a.amount_yen, a.surplus_yen,
    a.term_yen + a.whole_yen, {DECIDED_OF_SURPLUS}
FROM reversal v
JOIN receipt r ON r.municipality_code = :m AND r.file_id = v.file_id AND r.line_no = v.line_no
JOIN posting p ON p.municipality_code = :m AND p.journal_id = r.journal_id
 AND p.subject_file_id = r.file_id AND p.subject_line_no = r.line_no
 AND p.leg > r.leg AND p.leg < r.leg + {_REVERSAL_LEG} AND p.reason IN ('applied', 'placed')
JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = p.notice_id
 AND a.term = p.term AND a.surplus_yen > 0
WHERE v.municipality_code = :m
ORDER BY r.file_id, r.line_no, p.notice_id, p.term
"""
# What people placed is money of the instalment itself, whichever slip brought it.
_IS_WHOLE = "CASE WHEN r.term = '00' AND p.reason = 'applied' THEN 1 ELSE 0 END"
TAKE_BACK = f"""
UPDATE instalment_account
SET term_yen = term_yen - CASE WHEN b.whole = 1 THEN 0 ELSE b.yen END,
    whole_yen = whole_yen - CASE WHEN b.whole = 1 THEN b.yen ELSE 0 END
FROM (SELECT p.notice_id, p.term, {_IS_WHOLE} AS whole, SUM(p.amount_yen) AS yen
      {_REVERSED_POSTINGS} AND p.reason <> 'suspense'
      GROUP BY p.notice_id, p.term, {_IS_WHOLE}) b
WHERE instalment_account.municipality_code = :m
  AND instalment_account.notice_id = b.notice_id AND instalment_account.term = b.term
"""
# A corrected postal payment (22) leaves its 12 without a place in the remittance group. A malformed
# one never was of its sum, and this file's payments join their groups at its end.
_LEAVING = """FROM reversal v
      JOIN receipt r ON r.municipality_code = :m AND r.file_id = v.file_id
                    AND r.line_no = v.line_no
      JOIN source_line l ON l.municipality_code = :m AND l.file_id = v.file_id
                        AND l.line_no = v.line_no AND l.fault IS NULL
      WHERE v.municipality_code = :m AND r.stage = 'confirmed' AND r.group_id IS NOT NULL
        AND r.file_id <> :file_id"""
_LEFT = f"g.group_id IN (SELECT r.group_id {_LEAVING})"
# Each takes along the fee at which its group was paid; eLTAX names its fees in an advice.
_LESS_FEE = """, fee_yen = CASE WHEN agent = 'eltax' OR confirmed_count = 0 THEN fee_yen
        ELSE fee_yen - b.payments * (fee_yen / confirmed_count) END"""
LEAVE_GROUP = f"""
UPDATE {{table}} SET confirmed_count = confirmed_count - b.payments,
    confirmed_yen = confirmed_yen - b.yen{{fee}}
FROM (SELECT r.group_id, COUNT(*) AS payments, SUM(r.amount_yen) AS yen
      {_LEAVING}
      GROUP BY r.group_id) b
WHERE {{table}}.municipality_code = :m AND {{table}}.group_id = b.group_id
"""
WITHDRAW_OUTCOMES = """
INSERT INTO line_outcome (municipality_code, file_id, line_no, revision, outcome, rule,
    applied_yen, suspense_yen, slip_id, partner_file_id, partner_line_no, journal_id)
SELECT CAST(:m AS VARCHAR(5)),
    o.file_id, o.line_no, o.revision + 1, 'withdrawn', 'S2', 0, 0, o.slip_id, :file_id,
    v.by_line_no, :journal_id
FROM reversal v
JOIN line_outcome o ON o.municipality_code = :m AND o.file_id = v.file_id
                   AND o.line_no = v.line_no
WHERE v.municipality_code = :m AND NOT EXISTS (
    SELECT 1 FROM line_outcome n WHERE n.municipality_code = :m AND n.file_id = o.file_id
       AND n.line_no = o.line_no AND n.revision = o.revision + 1)
"""
WITHDRAW_RECEIPTS = """
UPDATE receipt SET {stage}applied_yen = 0, suspense_yen = {suspense}
FROM reversal v
WHERE v.municipality_code = :m AND receipt.municipality_code = :m
  AND receipt.file_id = v.file_id AND receipt.line_no = v.line_no
"""


def withdraw(connection: Connection, scope: dict[str, Any], turn_condition: str) -> bool:
    """Take back the receipts that this turn's 取消 (and corrections) name.

    Returns whether an instalment was made open again by it, so that waiting receipts must be
    decided once more (outcomes.md 5).
    """
    run = runner(connection, scope)
    run("DELETE FROM reversal WHERE municipality_code = :m")
    run(WITHDRAWN.format(turn=turn_condition))
    if not _any(connection, scope, "reversal"):
        return False
    run(REOPENED)
    take_back(connection, scope)
    keep_former(connection, scope["m"], _LEFT, file_id=scope["file_id"])
    for table, fee in (("remittance_part", ""), ("remittance_group", _LESS_FEE)):
        run(LEAVE_GROUP.format(table=table, fee=fee))
    run(WITHDRAW_OUTCOMES)
    run(WITHDRAW_RECEIPTS.format(stage="stage = 'withdrawn', ", suspense="0"))
    return _any(connection, scope, "reopened")


def take_back(connection: Connection, scope: dict[str, Any]) -> None:
    """Reverse the postings of every receipt in ``reversal`` and open its instalments again."""
    run = runner(connection, scope)
    _give_surplus_back(connection, scope)
    run(REVERSE)
    run(TAKE_BACK)


def put_in_waiting(connection: Connection, scope: dict[str, Any]) -> None:
    """A receipt about to be decided again holds all of its money in suspense for a moment."""
    runner(connection, scope)(WITHDRAW_RECEIPTS.format(stage="", suspense="amount_yen"))


def _give_surplus_back(connection: Connection, scope: dict[str, Any]) -> None:
    """Undo the surplus that a correction took out, as far as the money behind it goes away.

    A surplus is never more than what the instalment holds beyond its amount; what of it is decided
    to go back pays no claim any more, as long as the instalment holds as much. Several payments may
    leave one instalment at once, when people had placed them there: each finds what the one before
    it has left.
    """
    held = connection.execute(text(SURPLUS_HELD), scope).all()
    postings = []
    left: dict[tuple[int, str], tuple[int, int]] = {}  # instalment → its surplus, what it holds
    for number, (file_id, line_no, notice_id, term, taken, amount, stood, total, gone) in enumerate(
        held
    ):
        surplus, gross = left.get((notice_id, term), (stood, total))
        rest = gross - taken
        kept = min(surplus, max(0, rest - amount, min(int(gone), rest)))
        left[notice_id, term] = kept, rest
        if kept == surplus:
            continue
        leg = scope["leg"] + _SURPLUS_LEG + number % 20
        postings.append(
            (file_id, line_no, leg, "suspense", "receivable", surplus - kept, "surplus",
             notice_id, term)
        )  # fmt: skip
        connection.execute(
            text(
                "UPDATE instalment_account SET surplus_yen = :kept WHERE municipality_code = :m "
                "AND notice_id = :notice_id AND term = :term"
            ),
            {"m": scope["m"], "kept": kept, "notice_id": notice_id, "term": term},
        )
    columns = (
        "municipality_code", "journal_id", "subject_file_id", "subject_line_no", "leg",
        "debit_account", "credit_account", "amount_yen", "reason", "notice_id", "term",
    )  # fmt: skip
    insert_rows(
        connection, "posting", columns, postings, constants=(scope["m"], scope["journal_id"])
    )


def _any(connection: Connection, scope: dict[str, Any], table: str) -> bool:
    """Whether the staging table holds anything for this municipality."""
    found = connection.execute(
        text(f"SELECT 1 FROM {table} WHERE municipality_code = :m LIMIT 1"), scope
    )
    return found.first() is not None


WAITING_TURN = """
INSERT INTO reversal (municipality_code, file_id, line_no, by_line_no)
SELECT CAST(:m AS VARCHAR(5)), file_id, line_no, 0 FROM match_work
WHERE municipality_code = :m AND turn > 1 AND turn = :turn
"""


def take_back_turn(connection: Connection, scope: dict[str, Any], turn: int) -> None:
    """Before a waiting receipt is decided from scratch, its postings are reversed.

    See outcomes.md 9.
    """
    run = runner(connection, scope)
    run("DELETE FROM reversal WHERE municipality_code = :m")
    connection.execute(text(WAITING_TURN), {**scope, "turn": turn})
    run(REOPENED)  # What it lets go of may be waited for by others.
    take_back(connection, scope)
    put_in_waiting(connection, scope)

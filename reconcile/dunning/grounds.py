"""留保の根拠: the grounds as SQL over instalments, and what each rested on.

:func:`looked_at` is one statement for whatever instalments it is given: the claims past their due
date when a list is drawn, and the letters of a list when they are looked at again. Sets that are
small in any city (payments without 確報, open cases, money that waits) are read once and joined;
the rest is looked up instalment by instalment.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.charges import is_charge
from payments.domain.kana import fold_name
from payments.plans import kept_plan
from payments.store.hold_tables import WHOLE_NOTICE
from payments.store.term_order import next_term
from reconcile.dunning.rules import BITS, GROUNDS
from reconcile.store.case_conditions import (
    ABOUT_INSTALMENT,
    NOTICE_OF_CASE,
    NOTICES_ASKED,
    OPEN_CASE,
)
from reconcile.store.refund_tables import WAITING_OBLIGORS

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from reconcile.dunning.rules import Terms

_LIVE = """(SELECT e.list_no FROM dunning_event e WHERE e.municipality_code = :m
    AND e.event = 'drawn' AND NOT EXISTS (SELECT 1 FROM dunning_event z
        WHERE z.municipality_code = :m AND z.list_no = e.list_no
        AND z.event IN ('dispatched', 'dropped')))"""
HOLD_IN_FORCE = f"""h.municipality_code = :m AND h.notice_id = a.notice_id
    AND h.term IN (a.term, '{WHOLE_NOTICE}') AND h.event = 'set' AND h.from_on <= :as_of
    AND (h.until_on IS NULL OR h.until_on >= :as_of)
    AND NOT EXISTS (SELECT 1 FROM hold_event e WHERE e.municipality_code = :m
        AND e.hold_no = h.hold_no AND e.event = 'lifted' AND e.from_on <= :as_of)"""
# 期別取り違え (law.md J-05): the next instalment was paid in time while this one is unpaid. Once a
# person has accepted that it is not so, the letter may go. Joined by whole keys to what is past its
# due date, for nearly all the instalments of a city are paid. What is paid is not said by an
# equality: PostgreSQL takes one between columns for a row in two hundred, and then looks up one by
# one what is half of the rows.
NEXT_TERM = f"{next_term('a')} AS next_term"
_NEXT_PAID = """
    SELECT a.notice_id, a.term FROM past a
    CROSS JOIN instalment_account later CROSS JOIN instalment ahead
    WHERE a.came_yen = 0
      AND later.municipality_code = :m AND later.notice_id = a.notice_id
      AND later.term = a.next_term
      AND later.amount_yen > 0
      AND NOT later.amount_yen > later.term_yen + later.whole_yen - later.surplus_yen
      AND NOT later.amount_yen < later.term_yen + later.whole_yen - later.surplus_yen
      AND ahead.municipality_code = :m AND ahead.notice_id = later.notice_id
      AND ahead.term = later.term
      AND EXISTS (SELECT 1 FROM receipt r WHERE r.municipality_code = :m
          AND r.notice_id = later.notice_id AND r.term = later.term AND r.applied_yen > 0
          AND r.paid_on <= ahead.due_on)
      AND NOT EXISTS (SELECT 1 FROM review_case c WHERE c.municipality_code = :m
          AND c.kind = 'wrong_instalment_suspected' AND c.state IN ('accepted', 'resolved')
          AND c.subject = CAST(later.notice_id AS VARCHAR(20)) || '/' || later.term)"""

# A letter that left the building is the letter: there is one for an instalment (law.md 3).
NOT_DUNNED = """NOT EXISTS (SELECT 1 FROM dunning_letter l
    JOIN dunning_event e ON e.municipality_code = :m AND e.list_no = l.list_no
        AND e.event = 'dispatched'
    WHERE l.municipality_code = :m AND l.notice_id = a.notice_id AND l.term = a.term
      AND NOT EXISTS (SELECT 1 FROM dunning_pull p WHERE p.municipality_code = :m
          AND p.list_no = l.list_no AND p.pull_no = e.subject_no AND p.seq = l.seq))"""
# Its file may be at the bank: nothing is known of the debit before its result is back.
RELEASED = """EXISTS (SELECT 1 FROM debit_event d WHERE d.municipality_code = :m
    AND d.batch_no = b.batch_no AND d.event = 'released')"""
DEBITS_FOR = timedelta(days=100)  # results later than that are a case of their own

_CONDITIONS = {
    "prescribed": "ex.notice_id IS NOT NULL",
    "held": f"""a.collection_hold OR a.dunning_hold
        OR EXISTS (SELECT 1 FROM hold_event h WHERE {HOLD_IN_FORCE})""",
    "plan": kept_plan("a"),
    "provisional": "pt.notice_id IS NOT NULL OR pw.notice_id IS NOT NULL",
    "debit_out": "db.notice_id IS NOT NULL",
    "case_open": "co.notice_id IS NOT NULL",
    "wrong_instalment": "cw.notice_id IS NOT NULL OR np.notice_id IS NOT NULL",
    "alternative_paid": "wa.notice_id IS NOT NULL",
    "money_waiting": "wm.obligor_no IS NOT NULL",
    "transfer_waiting": "wt.obligor_no IS NOT NULL",
    "other_list": f"""EXISTS (SELECT 1 FROM dunning_row w WHERE w.municipality_code = :m
        AND w.list_no IN {_LIVE} AND w.notice_id = a.notice_id AND w.term = a.term
        AND w.ground = '')""",
    "charge": is_charge("a"),
    "channel_incomplete": "a.due_on > :complete",
    "too_early": "a.due_on > :due_limit",
    "below_minimum": "a.amount_yen - a.paid_yen < :minimum_yen",
}
_BITS = " + ".join(
    f"CASE WHEN {_CONDITIONS[ground]} THEN {BITS[ground]} ELSE 0 END" for ground in GROUNDS
)
FIRST_GROUND = (
    "CASE "
    + " ".join(f"WHEN (grounds & {BITS[ground]}) <> 0 THEN '{ground}'" for ground in GROUNDS)
    + " ELSE '' END"
)
# Money without 確報, by what it was reported for; 00 is the whole notice.
WITH_PROVISIONAL = """provisional AS MATERIALIZED (
    SELECT DISTINCT r.notice_id, r.term FROM receipt r
    WHERE r.municipality_code = :m AND r.stage = 'provisional' AND r.notice_id IS NOT NULL)"""
_SETS = f"""
extinct AS MATERIALIZED (
    SELECT x.notice_id, x.term FROM dunning_limitation x
    WHERE x.municipality_code = :m AND x.list_no = :limits_of AND x.last_on < :as_of),
in_suspense AS MATERIALIZED (
    SELECT r.notice_id, r.term FROM receipt r
    WHERE r.notice_id IS NOT NULL AND r.municipality_code = :m AND r.suspense_yen > 0),
asked AS MATERIALIZED (
    {NOTICES_ASKED}
    UNION
    SELECT {NOTICE_OF_CASE} FROM review_case c
    WHERE c.municipality_code = :m AND {OPEN_CASE} AND {ABOUT_INSTALMENT}
      AND c.kind <> 'wrong_instalment_suspected'),
waiting AS MATERIALIZED (
    SELECT DISTINCT w.obligor_no FROM ({WAITING_OBLIGORS}) w),
results AS MATERIALIZED (
    SELECT DISTINCT l.remittance_ref, l.slip_key FROM source_file f CROSS JOIN source_line l
    WHERE f.municipality_code = :m AND f.channel = 'debit' AND f.status = 'accepted'
      AND f.received_on >= :debits_from AND l.municipality_code = :m AND l.file_id = f.file_id),
debits AS MATERIALIZED (
    SELECT DISTINCT w.notice_id, w.term FROM debit_batch b
    JOIN debit_row w ON w.municipality_code = :m AND w.batch_no = b.batch_no
    LEFT JOIN results s ON s.slip_key = w.customer_no
        AND s.remittance_ref = CAST(b.debit_on AS VARCHAR(10)) || '|' || b.bank_code
    WHERE b.municipality_code = :m AND b.in_force AND b.debit_on >= :debits_from
      AND s.slip_key IS NULL AND {RELEASED}),
next_paid AS MATERIALIZED ({_NEXT_PAID}),
suspected AS MATERIALIZED (
    SELECT DISTINCT {NOTICE_OF_CASE} AS notice_id FROM review_case c
    WHERE c.municipality_code = :m AND {OPEN_CASE} AND {ABOUT_INSTALMENT}
      AND c.kind = 'wrong_instalment_suspected'),
named AS MATERIALIZED (
    SELECT o.obligor_no FROM obligor o
    WHERE o.municipality_code = :m AND o.kana_folded IN :named)"""
_LOOKED = f"""
looked AS MATERIALIZED (
    SELECT a.*, n.obligor_no, n.item_code, {_BITS} AS grounds
    FROM past a
    JOIN notice n ON n.municipality_code = :m AND n.notice_id = a.notice_id
    LEFT JOIN extinct ex ON ex.notice_id = a.notice_id AND ex.term = a.term
    LEFT JOIN provisional pt ON pt.notice_id = a.notice_id AND pt.term = a.term
    LEFT JOIN provisional pw ON pw.notice_id = a.notice_id AND pw.term = '{WHOLE_NOTICE}'
    LEFT JOIN asked co ON co.notice_id = a.notice_id
    LEFT JOIN suspected cw ON cw.notice_id = a.notice_id
    LEFT JOIN next_paid np ON np.notice_id = a.notice_id AND np.term = a.term
    LEFT JOIN (SELECT DISTINCT notice_id FROM in_suspense WHERE term = '{WHOLE_NOTICE}') wa
        ON wa.notice_id = a.notice_id
    LEFT JOIN waiting wm ON wm.obligor_no = n.obligor_no
    LEFT JOIN debits db ON db.notice_id = a.notice_id AND db.term = a.term
    LEFT JOIN named wt ON wt.obligor_no = n.obligor_no)"""


def looked_at(past: str, *, is_table: bool = False) -> str:
    """根拠の判定: the WITH clauses that give ``looked``: the instalments of ``past`` with grounds.

    ``past`` is a SELECT of notice_id, term, :data:`NEXT_TERM`, amount_yen, paid_yen, came_yen,
    due_on and the two flags, which may name ``provisional`` (notice_id and term of money without
    確報); values are those of :func:`values_of`. A table of its own, ``is_table``, is
    read as it stands: PostgreSQL knows what is in it.
    """
    how = "NOT MATERIALIZED" if is_table else "MATERIALIZED"
    return f"{WITH_PROVISIONAL}, past AS {how} ({past}), {_SETS}, {_LOOKED}"


def values_of(
    connection: Connection, municipality_code: str, terms: Terms, complete: date, limits_of: int = 0
) -> dict[str, Any]:
    """What :func:`looked_at` binds; ``limits_of`` is the list whose frozen limitation counts."""
    return {
        "m": municipality_code,
        "as_of": terms.as_of.isoformat(),
        "planned_on": terms.as_of.isoformat(),
        "complete": complete.isoformat(),
        "debits_from": (terms.as_of - DEBITS_FOR).isoformat(),
        "due_limit": terms.due_limit.isoformat(),
        "minimum_yen": terms.minimum_yen,
        "limits_of": limits_of,
        # No folded name has a space.
        "named": payers_waiting(connection, municipality_code) or [" "],
    }


_OPEN_CREDITS = """
SELECT DISTINCT b.payer_name FROM deposit d
JOIN bank_line b ON b.municipality_code = :m AND b.file_id = d.file_id AND b.line_no = d.line_no
WHERE d.municipality_code = :m AND d.state = 'open' AND d.agent = ''"""


def payers_waiting(connection: Connection, municipality_code: str) -> list[str]:
    """名義 of the payers of credits that nobody has placed yet, folded; in order.

    A name decides nothing about money (R6); here it only keeps a letter back, of everybody who is
    called so, until people have looked at the credit. Names and not people are given, for very
    many people may share them.
    """
    names = connection.execute(text(_OPEN_CREDITS), {"m": municipality_code}).scalars()
    return sorted({fold_name(name) for name in names} - {""})

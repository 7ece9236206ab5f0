"""再判定: receipts that wait in suspense for an instalment that became open again (outcomes.md 5).

Whatever opened it, a 取消, a correction of a payment or two people, they are decided from scratch,
oldest payment first. What people have decided about stays as they decided it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.slip import WHOLE_YEAR
from reconcile import flag, match, post
from reconcile.announce import announce_payments
from reconcile.rules import effects
from reconcile.store.staging import clear_staging, state_effects

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

# What is full waits for nobody.
_OPEN = """
INSERT INTO reopened (municipality_code, notice_id, term)
SELECT a.municipality_code, a.notice_id, a.term FROM instalment_account a
WHERE a.municipality_code = :m AND a.notice_id = :notice_id
  AND (a.term = :term OR (a.in_group AND :whole = 1))
  AND a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen > 0"""


def decide_waiting(connection: Connection, scope: dict[str, Any], last_turn: int) -> int:
    """再判定 of everything that waits for what stands in ``reopened``; returns the last turn.

    ``scope`` binds m, journal_id, leg (moved on by every turn) and is_debit; turns go on behind
    ``last_turn``.
    """
    first = turn = last_turn + 1
    while match.load_waiting(connection, scope, first, turn):
        scope["leg"] += post.LEGS_PER_TURN
        post.take_back_turn(connection, scope, turn)
        match.decide(connection, scope, turn, moved=True)
        post.book(connection, scope, again=True)
        turn += 1
    return turn


def decide_again(
    connection: Connection,
    municipality_code: str,
    place: tuple[int, str],
    journal_id: int,
    *,
    actor: str,
    on: date,
    whole: bool = False,
) -> None:
    """再判定 by itself, of what waits for an instalment of which something is open again.

    ``place`` is its notice and term; with ``whole`` (and for term ``00``) also all that a 全期 slip
    of the notice covers. Cases follow the outcomes, and what was paid is announced.
    """
    clear_staging(connection, municipality_code)
    state_effects(connection, municipality_code, effects())
    scope: dict[str, Any] = {
        "m": municipality_code, "journal_id": journal_id, "leg": 0, "file_id": 0, "agent": "",
        "is_debit": 0,
    }  # fmt: skip
    where = {"notice_id": place[0], "term": place[1], "whole": int(whole or place[1] == WHOLE_YEAR)}
    connection.execute(text(_OPEN), {**scope, **where})
    decide_waiting(connection, scope, match.AGAIN_FROM)
    changed, subjects = flag.changed_lines(connection, scope)
    day = on.isoformat()
    flag.close_cases(connection, municipality_code, subjects, keep=changed, on=day)
    flag.open_cases(connection, municipality_code, changed, on=day, actor=actor)
    announce_payments(connection, municipality_code, journal_id)
    clear_staging(connection, municipality_code)

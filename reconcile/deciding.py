"""再判定: receipts that wait in suspense for an instalment that became open again (outcomes.md 5).

Whatever opened it, a 取消, a correction of a payment or two people, they are decided from scratch,
oldest payment first. What people have decided about stays as they decided it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile import match, post

if TYPE_CHECKING:
    from sqlalchemy import Connection


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

"""再振替: a second debit holds only what failed in the first, and shows the difference (G-02).

Whoever was debited, whose result is missing, or who failed for a reason that a second try does not
mend (no account, no mandate), is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.domain.errors import RefusedError
from reconcile.debit.batches import SECOND, Batch
from reconcile.debit.choose import Asked, Choice, candidates, chosen
from reconcile.debit.results import outcome_of, results_of

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.debit.results import Outcome

NOT_AGAIN = "not_again"  # failed for a reason that a second try does not mend


@dataclass(frozen=True, slots=True)
class Second:
    """再振替の内容 of one bank: the first batch, what came of it, and what is taken up."""

    first: Batch
    outcome: Outcome
    choice: Choice


def second_of(
    connection: Connection, profile: Profile, first: Batch, debit_on: date, *, besides: int = 0
) -> Second:
    """再振替の内容 of one bank.

    Raises :class:`RefusedError` ``debit_results_missing`` while requested ≠ paid + failed, and
    ``debit_acknowledgement`` while the bank has acknowledged something else than was sent.
    """
    code = profile.municipality_code
    outcome = outcome_of(connection, code, first)
    if not outcome.agrees:
        raise RefusedError(
            "debit_results_missing",
            bank_code=first.bank_code,
            found=outcome.paid[0] + outcome.failed[0],
            expected=first.count,
        )
    if first.state == "differs":
        raise RefusedError("debit_acknowledgement", bank_code=first.bank_code)
    failed = {
        (result.notice_id, result.term): result.code
        for result in results_of(connection, code, first)
        if result.code != "0"
    }
    asked = Asked(debit_on, first.due_from_on, SECOND, first.batch_no, besides)
    again = set(profile.debit.second_codes)
    taken, left = [], {NOT_AGAIN: [0, 0], "bank_changed": [0, 0]}
    for each in candidates(connection, code, asked):
        result_code = failed.get((each.notice_id, each.term))
        if result_code is None:
            continue  # paid by the first
        why = ""
        if result_code not in again:
            why = NOT_AGAIN
        elif not each.ground and each.bank_code != first.bank_code:
            why = "bank_changed"
        if why:
            left[why][0] += 1
            left[why][1] += max(each.open_yen, 0)
        else:
            # What is left out has perhaps no bank any more; it is told with its first one.
            taken.append(each._replace(bank_code=first.bank_code))
    choice = chosen(connection, code, taken, first.bank_code, besides=besides)
    counted = {ground: pot for ground, pot in left.items() if pot[0]}
    return Second(first, outcome, Choice(choice.rows, {**choice.left, **counted}))

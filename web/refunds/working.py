"""還付加算金の過程: every sum that bears interest with its calculation, for pages."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from payments import approve
from payments.domain.refund_interest import RefundInterest, refund_interest
from payments.versions import as_day
from reconcile.refunds import decide
from reconcile.refunds.on_appropriated import Bearing, Until, ends_on, on_appropriated, worked_out
from web.refunds.words import interest_lines, nothing_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from reconcile.refunds.appropriate import Line, Proposal
    from reconcile.refunds.events import Refund


class Sum(NamedTuple):
    """一つの額の計算 as a page shows it."""

    amount_yen: int
    interest: RefundInterest
    lines: list[tuple[str, str, str, str, str]]
    nothing: str


class Bears(NamedTuple):
    """充当した額の還付加算金: of what was appropriated, and of what is proposed, as of today."""

    done: list[Sum]
    done_yen: int
    proposed: list[Sum]
    proposed_yen: int
    less_yen: int  # paid before for what was undone since: taken off the next interest


def bears_of(
    connection: Connection, code: str, subject: str, proposal: Proposal | None, today: date
) -> Bears | None:
    """充当した額・充当する額の還付加算金; None where there can be none."""
    owed = on_appropriated(connection, code, subject)
    if owed is None:
        return None
    begins = as_day(owed.classed.interest_from_on)
    parts = [
        Until(0, line.share.amount_yen, ends_on(today, _part(line)))
        for line in (proposal.lines if proposal else ())
    ]
    proposed = worked_out(begins, parts)
    return Bears(
        _sums(owed.bearings), owed.interest_yen, _sums(proposed),
        sum(each.interest.interest_yen for each in proposed), owed.paid_before_yen,
    )  # fmt: skip


def sums_of(connection: Connection, code: str, found: Refund) -> list[Sum]:
    """計算 of a refund: of its principal, or of each sum that was appropriated before it."""
    if found.amount_yen:
        left_out = decide.left_out_of(found)
        interest = refund_interest(
            found.amount_yen, found.interest_from_on, found.decided_on, left_out=left_out
        )
        return _sums([Bearing((), found.amount_yen, interest)])
    said = approve.show(connection, code, found.approval_id).content["bears"]
    parts = [Until(0, each["amount_yen"], date.fromisoformat(each["ends_on"])) for each in said]
    return _sums(worked_out(found.interest_from_on, parts))


def _part(line: Line) -> dict[str, Any]:
    """A line of a proposal as :func:`ends_on` asks for it."""
    return {"entrusted": line.is_entrusted, "effective_on": line.share.effective_on}


def _sums(found: Iterable[Bearing]) -> list[Sum]:
    return [
        Sum(
            each.amount_yen, each.interest, interest_lines(each.interest),
            nothing_words(each.interest),
        )
        for each in found
    ]  # fmt: skip

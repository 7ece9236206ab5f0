"""入金の充当先の決定の実行: what two people decided about a bank credit, in one transaction.

What the credit was linked to is reversed, and what people chose is booked: bills (``placed`` M2),
or remittance groups (``settled`` M3), or nothing (``unlinked`` M1). A link that people took apart
is never made again by a rule (link_block); then the payer's open credits are decided once more, and
so are the receipts that wait for instalments that are open again (outcomes.md 5 and 9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.approve import canonical
from payments.domain.errors import RefusedError
from reconcile import flag, post
from reconcile.announce import announce_payments
from reconcile.deciding import decide_waiting
from reconcile.journal import open_journal
from reconcile.match import AGAIN_FROM
from reconcile.placement.credit_ask import (
    KIND,
    PLACE,
    SETTLE,
    SETTLED_RULE,
    asked_credit_placement,
    content_of,
    credit_view,
)
from reconcile.placement.placing import STILL_OPEN
from reconcile.placement.record import answer, record
from reconcile.placement_model import PLACED, PLACED_RULE, UNLINKED, UNLINKED_RULE
from reconcile.rules import effects
from reconcile.settlement.books import Share
from reconcile.settlement.deposits import Books
from reconcile.store.staging import clear_staging, state_effects
from reconcile.suggest import aliases

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from reconcile.placement.credit_ask import CreditPlacement, CreditView

_DECIDED = {
    PLACE: (PLACED, PLACED_RULE),
    SETTLE: ("settled", SETTLED_RULE),
    "undo": (UNLINKED, UNLINKED_RULE),
}


def carry_out(connection: Connection, profile: Profile, approval: Approval, *, on: date) -> None:
    """入金の充当先の決定の実行, on ``on`` or the next day whose books are open.

    Raises :class:`RefusedError` ``approval_stale`` when the credit no longer stands as it did when
    it was asked for, and what :func:`reconcile.placement.credit_ask.content_of` raises.
    """
    placement = asked_credit_placement(approval.content)
    case_no = approval.content["case_no"]
    content = content_of(connection, profile, placement, case_no=case_no)
    if canonical(content) != canonical(approval.content):
        raise RefusedError("approval_stale", approval_id=approval.approval_id)
    view = credit_view(connection, profile, placement.file_id, placement.line_no)
    _Placing(connection, profile, placement, approval, view, on).run()


class _Placing:
    """One decision about a credit in its own journal."""

    def __init__(
        self,
        connection: Connection,
        profile: Profile,
        placement: CreditPlacement,
        approval: Approval,
        view: CreditView,
        on: date,
    ) -> None:
        self.connection = connection
        self.profile = profile
        self.code = profile.municipality_code
        self.placement = placement
        self.approval = approval
        self.view = view
        self.on = on
        self.actor = str(approval.decided_by)
        self.journal_id = open_journal(
            connection, self.code, KIND, on, self.actor, reason=approval.reason
        )
        self.books = Books(connection, profile, self.code, self.journal_id)

    def run(self) -> None:
        """The story of one decision."""
        clear_staging(self.connection, self.code)
        state_effects(self.connection, self.code, effects())
        line = self.view.deposit.key
        ended = self.books.unsettle(*line)
        self.books.unplace(*line)
        self.books.set_state(*line, "open")
        self._book()
        self._write_down(ended)
        self._learn()
        self._decide_again(ended)
        self._flag()
        announce_payments(self.connection, self.code, self.journal_id)
        clear_staging(self.connection, self.code)

    def _book(self) -> None:
        """What people chose, and the outcome of the line."""
        deposit, operation = self.view.deposit, self.placement.operation
        if operation == PLACE:
            self.books.place(deposit, self.placement.parts)
        elif operation == SETTLE:
            self.books.settle(deposit, [Share(*share) for share in self.placement.groups])
        self.books.write_outcome(*deposit.key, *_DECIDED[operation])

    def _write_down(self, ended: tuple[Share, ...]) -> None:
        """The placement with its parts, and the links that it ends."""
        kept = {share.group_id for share in self.placement.groups}
        taken: list[dict[str, Any]] = [
            {"group_id": share.group_id} for share in ended if share.group_id not in kept
        ]
        placed = {(part.notice_id, part.term) for part in self.placement.parts}
        taken += [
            {"notice_id": part.notice_id, "term": part.term}
            for part in self.view.parts
            if (part.notice_id, part.term) not in placed
        ]
        line = (self.placement.file_id, self.placement.line_no)
        record(
            self.connection, self.code, self.approval, line, self.journal_id,
            self.placement.parts, taken,
        )  # fmt: skip

    def _learn(self) -> None:
        """振込名義 is remembered, when the first person asked for it."""
        alias = self.approval.content["alias"]
        for obligor in alias["obligors"] if alias else ():
            aliases.learn(
                self.connection,
                self.profile,
                alias["payer_folded"],
                obligor["obligor_no"],
                approval_id=self.approval.approval_id,
                on=self.on,
                actor=self.actor,
                reason=self.approval.reason,
            )

    def _decide_again(self, ended: tuple[Share, ...]) -> None:
        """Receipts that wait for open instalments, credits that wait for these groups."""
        if self.books.reopened:
            # Facts of a file in hand, of which there is none; legs behind those of this credit.
            scope: dict[str, Any] = {
                "m": self.code, "journal_id": self.journal_id, "file_id": 0,
                "leg": post.LEGS_PER_TURN, "agent": "", "is_debit": 0,
            }  # fmt: skip
            self.connection.execute(text(STILL_OPEN), scope)
            decide_waiting(self.connection, scope, AGAIN_FROM)
        shares = (*ended, *map(Share._make, self.placement.groups))
        agents = self.books.agents_of(share.group_id for share in shares)
        if agents:
            self.books.decide_open_deposits(sorted(agents))

    def _flag(self) -> None:
        """Cases that this answers end; money that still waits, and changed outcomes, open some."""
        deposit = self.view.deposit
        outcome = self.books.outcome_of(*deposit.key)
        waits = deposit.credit.amount_yen
        if outcome == PLACED:
            waits -= sum(part.amount_yen for part in self.placement.parts)
        waiting = None
        if outcome in {PLACED, UNLINKED} and waits:
            waiting = flag.Case(str(outcome), deposit.subject, waits, *deposit.key)
        answer(
            self.connection,
            self.code,
            self.approval,
            self.journal_id,
            on=self.on,
            subject=deposit.subject,
            waiting=waiting,
            details=self.books.details,
        )

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
from payments.store.bulk import take_numbers
from reconcile import aliases, flag, post
from reconcile.credit_placement import (
    KIND,
    PLACE,
    SETTLE,
    SETTLED_RULE,
    asked_credit_placement,
    content_of,
    credit_view,
)
from reconcile.deciding import decide_waiting
from reconcile.deposits import Books
from reconcile.journal import open_journal
from reconcile.match import AGAIN_FROM
from reconcile.placement_model import PLACED, PLACED_RULE, UNLINKED, UNLINKED_RULE
from reconcile.placing import ANSWERED, STILL_OPEN
from reconcile.rules import effects
from reconcile.settlements import Share
from reconcile.store.placement_tables import LinkBlockRow, PlacementPartRow, PlacementRow
from reconcile.store.staging import clear_staging, state_effects

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from reconcile.credit_placement import CreditPlacement, CreditView

placement_table = PlacementRow.__table__  # type: ignore[attr-defined]
part_table = PlacementPartRow.__table__  # type: ignore[attr-defined]
block_table = LinkBlockRow.__table__  # type: ignore[attr-defined]

_DECIDED = {
    PLACE: (PLACED, PLACED_RULE),
    SETTLE: ("settled", SETTLED_RULE),
    "undo": (UNLINKED, UNLINKED_RULE),
}


def carry_out(connection: Connection, profile: Profile, approval: Approval, *, on: date) -> None:
    """入金の充当先の決定の実行, on ``on`` or the next day whose books are open.

    Raises :class:`RefusedError` ``approval_stale`` when the credit no longer stands as it did when
    it was asked for, and what :func:`reconcile.credit_placement.content_of` raises.
    """
    placement = asked_credit_placement(approval.content)
    case_no = approval.content["case_no"]
    content = content_of(connection, profile, placement, case_no=case_no)
    if canonical(content) != canonical(approval.content):
        raise RefusedError("approval_stale", approval_id=approval.approval_id)
    view = credit_view(connection, profile, placement.file_id, placement.line_no)
    _Placing(connection, profile, placement, approval, view, on).run(case_no)


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

    def run(self, case_no: int | None) -> None:
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
        self._flag(case_no)
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
        whose = {
            "municipality_code": self.code,
            "approval_id": self.approval.approval_id,
            "made_at": self.approval.decided_at,
            "file_id": self.placement.file_id,
            "line_no": self.placement.line_no,
        }
        number = take_numbers(self.connection, self.code, "placement", 1)
        self.connection.execute(
            placement_table.insert().values(
                **whose, placement_no=number, journal_id=self.journal_id
            )
        )
        parts = [
            {"municipality_code": self.code, "placement_no": number, "part_no": part_no}
            | part._asdict()
            for part_no, part in enumerate(self.placement.parts, start=1)
        ]
        if parts:
            self.connection.execute(part_table.insert(), parts)
        kept = {share.group_id for share in self.placement.groups}
        taken: list[dict[str, Any]] = [
            {"group_id": share.group_id, "notice_id": None, "term": None}
            for share in ended
            if share.group_id not in kept
        ]
        placed = {(part.notice_id, part.term) for part in self.placement.parts}
        taken += [
            {"group_id": None, "notice_id": part.notice_id, "term": part.term}
            for part in self.view.parts
            if (part.notice_id, part.term) not in placed
        ]
        if taken:
            first = take_numbers(self.connection, self.code, "link_block", len(taken))
            self.connection.execute(
                block_table.insert(),
                [{**whose, **one, "block_no": no} for no, one in enumerate(taken, start=first)],
            )

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

    def _flag(self, case_no: int | None) -> None:
        """Cases that this answers end; money that still waits, and changed outcomes, open some."""
        on = self.on.isoformat()
        deposit = self.view.deposit
        scope = {"m": self.code, "journal_id": self.journal_id}
        changed, subjects = flag.changed_lines(self.connection, scope)
        cases = [
            case._replace(details=self.books.details.get(case.subject, ""))
            for case in changed
            if case.subject != deposit.subject
        ]
        others = [subject for subject in subjects if subject != deposit.subject]
        flag.close_cases(self.connection, self.code, others, keep=cases, on=on)
        outcome = self.books.outcome_of(*deposit.key)
        waits = deposit.credit.amount_yen
        if outcome == PLACED:
            waits -= sum(part.amount_yen for part in self.placement.parts)
        if outcome in {PLACED, UNLINKED} and waits:
            cases.append(flag.Case(outcome, deposit.subject, waits, *deposit.key))
        answered = [deposit.subject]
        if case_no is not None:
            answered.append(self._subject_of(case_no))
        flag.close_cases(
            self.connection, self.code, answered, keep=cases, kinds=ANSWERED, on=on,
            actor=self.actor, note=self.approval.reason,
        )  # fmt: skip
        flag.open_cases(self.connection, self.code, cases, on=on, actor=self.actor)
        flag.end_returned_surpluses(self.connection, self.code, on=on)

    def _subject_of(self, case_no: int) -> str:
        found = self.connection.execute(
            text(
                "SELECT subject FROM review_case "
                "WHERE municipality_code = :m AND case_no = :case_no"
            ),
            {"m": self.code, "case_no": case_no},
        )
        return str(found.scalar_one())
